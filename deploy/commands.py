"""What the commands do, once the command line is read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy import fetching, locked, occupied, protected, provider, target, workspace
from deploy.attached import attached
from deploy.errors import FAILURE, LEFT_LOCKED, DeployError
from deploy.locked import Locked
from deploy.target import Target
from deploy.terraform import Terraform
from deploy.workspace import MODULE, PACKAGE_NAME, REPOSITORY, StateBucket, Workspace

# Older Terraform cannot lock a state in S3 without a DynamoDB table.
S3_LOCKING = (1, 10, 0)
# Older ones have no mocked providers. Source: release notes of both.
NATIVE_TESTS = {"Terraform": (1, 7, 0), "OpenTofu": (1, 8, 0)}

# What says which state it is.
_OF_A_STATE = ("lineage", "serial", "terraform_version")

# Of `terraform plan -detailed-exitcode`.
NOTHING_TO_CHANGE, SOMETHING_TO_CHANGE = 0, 2

# What a plan comes to, in its last lines.
_SUMMARY = re.compile(r"^(Plan: .*|No changes\..*)$", re.MULTILINE)
_CHANGES = re.compile(
    r"^Plan: (?:\d+ to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy\.", re.MULTILINE
)
_PLANNING = "planning: Terraform asks about each resource, for 10 to 60 s ..."
# How AWS's services say that something is not permitted.
_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|StatusCode: 403")
# Its reading of the state, which hides the error when there is one.
_NOISE = re.compile(r"^.*: (Refreshing state|Reading|Read complete).*\n", re.MULTILINE)


# Sources: CloudTrail User Guide, pages "How CloudTrail works" and "Validating CloudTrail log file
# integrity"; the alarms' own settings.
FIRST_HOUR = """
what the first hour looks like:
  - both alarms of delivery ring once, since nothing has been delivered yet, and are quiet again
    when the first log files are there
  - the first log file comes after about 5 minutes, now and then after up to 30
  - the first digest comes after about an hour: until then log-integrity-intact cannot be verified
  - confirm the subscriptions of e-mail addresses to the alert topic, if you have any"""


@dataclass(frozen=True)
class Options:
    """The command line, read. `sandbox_url` None means AWS."""

    sandbox_url: str | None
    profile: str
    region: str | None
    state_bucket: str | None
    function_package: Path
    working_directory: Path
    output: Path | None
    state_summary: Path | None
    variables: Path | None
    auto_approve: bool
    as_json: bool


@dataclass(frozen=True)
class Deployment:
    """One target, with Terraform set up for it."""

    target: Target
    workspace: Workspace
    terraform: Terraform
    state_location: str


def plan(options: Options, environment: Mapping[str, str]) -> None:
    """Show what an apply would do, or print it as JSON."""
    deployment = _open(options, environment, needs_package=True)
    _show(deployment, options)
    arguments = _plan_arguments(deployment, options)
    _say(_PLANNING)
    if options.as_json:
        sys.stdout.write(_plan_as_json(deployment, arguments))
        return
    code = deployment.terraform.stream("plan", *arguments)
    _check(code, deployment, "plan")


def apply(options: Options, environment: Mapping[str, str]) -> None:
    """Create or change the deployment, then write its outputs."""
    _check_can_confirm(options)
    deployment = _open(options, environment, needs_package=True)
    _show(deployment, options)
    first = not deployment.workspace.outputs.exists()
    _plan_and_apply(deployment, options, destroy=False)
    _write_outputs(deployment, options)
    if first and not deployment.target.is_sandbox:
        _say(FIRST_HOUR)


def destroy(options: Options, environment: Mapping[str, str]) -> None:
    """Remove the deployment, and the outputs that described it."""
    _check_can_confirm(options)
    deployment = _open(options, environment, needs_package=False)
    _show(deployment, options)
    _say("looking what there is to remove, and what is locked ...")
    state, s3 = _state(deployment), deployment.target.client("s3")
    protected.require_removable(state, s3)
    found = locked.locked_buckets(state, s3)
    for one in found:
        _say(f"\n{one}.")
    staying = [one for one in found if one.stays]
    going = locked.removable(state, staying) if staying else []
    _sweep(deployment)
    if going or not staying:
        _plan_and_apply(deployment, options, destroy=True, targets=going)
    deployment.workspace.outputs.unlink(missing_ok=True)
    if staying:
        raise _left(staying)


def _left(staying: Sequence[Locked]) -> DeployError:
    names = ", ".join(one.bucket for one in staying)
    until = max(one.until for one in staying)
    return DeployError(
        f"Everything is removed but what Object Lock keeps: {names} and what protects it",
        f"It stays in the state. Destroy once more after {until:%Y-%m-%d}; until then S3 keeps the "
        "files, and charges for them.",
        LEFT_LOCKED,
    )


def outputs(options: Options, environment: Mapping[str, str]) -> None:
    """Print the outputs as JSON, or write them to `options.output`.

    To `options.state_summary` goes which state they are of.
    """
    deployment = _open(options, environment, needs_package=False)
    text = _read_outputs(deployment)
    if options.state_summary is not None:
        _write(options.state_summary, _state_summary(deployment))
    if options.output is None:
        sys.stdout.write(text)
    else:
        _write(options.output, text)
        _say(f"outputs written to {options.output}")


def program(environment: Mapping[str, str]) -> None:
    """Print the path of the program that applies the module, and say which one it is."""
    found = fetching.find_or_fetch(environment)
    _say(f"{found.name} ({found.path})")
    sys.stdout.write(f"{found.path}\n")


def check(working_directory: Path, environment: Mapping[str, str]) -> None:
    """Format, validity and native tests of each module. Needs the provider but no account."""
    binary = fetching.find_or_fetch(environment)
    binary.require(NATIVE_TESTS[binary.product], "Testing this module")
    source = provider.find(binary, environment, working_directory / "plugin-cache")
    _say(f"{binary.name}, provider {source.description}")
    space = Workspace(working_directory / "check")
    space.stage(tests=True)
    # Nothing here may reach an account, whatever the user's own configuration says.
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    runner = Terraform(binary, source, space, kept)

    formatted = runner.stream("fmt", "-check", "-recursive", "-diff", str(MODULE))
    if formatted != 0:
        raise DeployError(
            "The files named above are not formatted",
            "Format them with: make format",
            FAILURE,
        )
    for folder in space.tested_modules():
        of_module = replace(runner, folder=folder)
        of_module.init("-backend=false")
        _require_passed(of_module, "validate")
        with attached(space.data, kept) as variables:
            _require_passed(replace(of_module, environment={**kept, **variables}), "test")


def _require_passed(of_module: Terraform, step: str) -> None:
    if of_module.stream(step) != 0:
        where = of_module.directory.relative_to(of_module.workspace.configuration)
        raise DeployError(
            f"{of_module.binary.product} {step} failed in {MODULE.name / where}",
            "See its messages above.",
            FAILURE,
        )


def _open(options: Options, environment: Mapping[str, str], *, needs_package: bool) -> Deployment:
    if options.profile not in workspace.profiles():
        raise DeployError(
            f"There is no profile {options.profile}",
            f"Choose one of: {', '.join(workspace.profiles())}.",
        )
    if options.variables is not None:
        _require_variables_file(options.variables)
    if needs_package and not options.function_package.is_file():
        raise DeployError(
            f"The function's package {options.function_package} does not exist",
            "Build it with: python lambda/build.py",
        )
    binary = fetching.find_or_fetch(environment)
    if options.state_bucket:
        binary.require(S3_LOCKING, "A state in S3 with native locking")
    source = provider.find(binary, environment, options.working_directory / "plugin-cache")
    goal = (
        target.sandbox(options.sandbox_url, options.region, environment)
        if options.sandbox_url
        else target.aws(options.region, environment)
    )
    space = Workspace(options.working_directory / f"{goal.name}-{options.profile}")
    bucket = _state_bucket(options, goal)
    space.stage(package=options.function_package if needs_package else None)
    space.write_backend(bucket)
    runner = Terraform(binary, source, space, goal.environment)
    _say(f"setting {binary.product} up; the first time it fetches the AWS provider ...")
    runner.init()
    location = bucket.location if bucket else str(space.local_state)
    return Deployment(goal, space, runner, location)


def _require_variables_file(path: Path) -> None:
    if path.suffix != ".tfvars":
        raise DeployError(
            f"The file of variables {path} does not end with .tfvars",
            "Write one `name = value` a line, as in terraform/profiles, and name it so.",
        )
    if not path.is_file():
        raise DeployError(
            f"The file of variables {path} does not exist",
            "Name one that does, or leave it out to deploy the profile as it is.",
        )


def _state_bucket(options: Options, goal: Target) -> StateBucket | None:
    """Where in S3 the state is kept; the bucket must exist and be ours to use."""
    name = options.state_bucket
    if not name:
        return None
    try:
        answer = goal.client("s3").head_bucket(Bucket=name)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404:
            raise DeployError(
                f"The state bucket {name} does not exist",
                "Create it first, with versioning, encryption and all public access blocked.",
            ) from error
        raise DeployError(
            f"The state bucket {name} cannot be used ({error})",
            "Check that it is yours and that these credentials may list it.",
        ) from error
    except BotoCoreError as error:
        raise DeployError(
            f"The state bucket {name} cannot be used ({error})", "Check its name and the network."
        ) from error
    return StateBucket(
        bucket=name,
        key=f"trailwarden/{goal.name}-{options.profile}/terraform.tfstate",
        region=answer.get("BucketRegion") or goal.region,
    )


def _plan_arguments(deployment: Deployment, options: Options) -> list[str]:
    # Of two values of one variable Terraform takes the later.
    return [
        "-input=false",
        f"-var-file=profiles/{options.profile}.tfvars",
        *([f"-var-file={options.variables}"] if options.variables else []),
        f"-var=region={deployment.target.region}",
        f"-var=function_package={PACKAGE_NAME}",
    ]


def _plan_as_json(deployment: Deployment, arguments: list[str]) -> str:
    """What `terraform show -json` prints of a plan that is made now and not kept."""
    runner, plan_file = deployment.terraform, deployment.workspace.plan
    try:
        made = runner.capture(
            "plan", *arguments, "-detailed-exitcode", f"-out={plan_file.absolute()}", "-no-color"
        )
        if made.code not in (NOTHING_TO_CHANGE, SOMETHING_TO_CHANGE):
            _say(_NOISE.sub("", made.text).strip())
            _check(made.code, deployment, "plan")
        _say(" ".join(_SUMMARY.findall(made.output)))
        return _json(deployment, "show", "-json", "-no-color", str(plan_file.absolute()))[0]
    finally:
        plan_file.unlink(missing_ok=True)


def _plan_and_apply(
    deployment: Deployment, options: Options, *, destroy: bool, targets: Sequence[str] = ()
) -> None:
    """Plan, ask, apply exactly that plan; of the `targets` alone where there are any."""
    runner, space = deployment.terraform, deployment.workspace
    arguments = ["plan", *_plan_arguments(deployment, options), f"-out={space.plan.absolute()}"]
    if destroy:
        arguments += ["-destroy", *(f"-target={address}" for address in targets)]
    total: int | None = None
    try:
        _say(_PLANNING)
        if deployment.target.is_sandbox or options.auto_approve:
            # Nobody is asked, so nobody reads two thousand lines: the summary will do.
            done = runner.capture(*arguments, "-no-color")
            code, total = done.code, _changes(done.output)
            _say(
                _NOISE.sub("", done.text).strip()
                if code
                else " ".join(_SUMMARY.findall(done.output))
            )
        else:
            code = runner.stream(*arguments)
        _check(code, deployment, "plan")
        if not destroy:
            _say("looking whether what is planned is there already, under the same name ...")
            _require_free_names(deployment)
        step = "destroy" if destroy else "apply"
        if not (deployment.target.is_sandbox or options.auto_approve):
            _confirm(deployment, step)
        _say(f"{step}: what Terraform says is written to {_short(space.log)} ...")
        applied = runner.apply(space.plan, total)
        if destroy and applied.code and _DENIED.search(applied.errors):
            # What a policy denied may stay denied for seconds after the policy is gone, as IAM and
            # S3 are consistent only eventually. The plan is stale by now.
            _say("refused by what has just been removed, perhaps: planned and tried once more ...")
            _check(runner.capture(*arguments, "-no-color").code, deployment, "plan")
            applied = runner.apply(space.plan, None)
        _check(applied.code, deployment, step, f", and all that it said in {_short(space.log)}")
    finally:
        space.plan.unlink(missing_ok=True)


def _changes(planned: str) -> int | None:
    """How many changes a plan comes to, by its summary; None if it says none."""
    found = _CHANGES.search(planned)
    return sum(map(int, found.groups())) if found else None


def _require_free_names(deployment: Deployment) -> None:
    goal, plan_file = deployment.target, deployment.workspace.plan
    planned = _json(deployment, "show", "-json", "-no-color", str(plan_file.absolute()))[1]
    occupied.require_free(planned, goal.client, goal.account_id, goal.caller_arn.split(":")[1])


def _state(deployment: Deployment) -> Any:
    """What `terraform show -json` prints of the state."""
    return _json(deployment, "show", "-json", "-no-color")[1]


def _sweep(deployment: Deployment) -> None:
    """Remove what killed runs of the live fire have left: it keeps the VPC from being deleted.

    What cannot be swept is said and keeps nothing from being destroyed: outputs may be of an older
    version, or half of the deployment gone already.
    """
    text, document = _json(deployment, "output", "-json", "-no-color")
    if not document:
        return
    _say("looking for what killed runs of the live fire have left ...")
    done = subprocess.run(
        [sys.executable, "-m", "verify", "sweep", "--outputs=-"],
        cwd=REPOSITORY,
        env=dict(deployment.target.environment),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        _say(f"{done.stderr.strip()}\nleft unswept: what killed live fires left, if anything")
    elif done.stdout.startswith("removed"):
        _say(f"of killed live fires:\n{done.stdout.strip()}")


def _check(code: int, deployment: Deployment, step: str, beside: str = "") -> None:
    """Raise DeployError unless `code` is 0; `beside` says where else its words are."""
    if code != 0:
        raise DeployError(
            f"{deployment.terraform.binary.product} {step} failed on "
            f"{deployment.target.description}",
            f"See its message above{beside}. What was done so far is in the state "
            f"({deployment.state_location}): mend the cause and run the same command again.",
            FAILURE,
        )


def _check_can_confirm(options: Options) -> None:
    """Before anything slow: somebody must be there to say yes."""
    if options.sandbox_url or options.auto_approve or sys.stdin.isatty():
        return
    raise DeployError(
        "This would change an AWS account, and there is no terminal to confirm it on",
        "Run it in a terminal, or confirm beforehand: --auto-approve or AUTO_APPROVE=1.",
    )


def _confirm(deployment: Deployment, step: str) -> None:
    sys.stderr.write(f"\nType yes to {step} this on {deployment.target.description}: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != "yes":
        raise DeployError("Not confirmed, so nothing was changed", "Answer yes in full to go on.")


def _show(deployment: Deployment, options: Options) -> None:
    goal, runner = deployment.target, deployment.terraform
    rows = [
        ("target", goal.sandbox_url or "AWS"),
        ("account", goal.account_id),
        ("caller", goal.caller_arn),
        ("region", goal.region),
        ("profile", options.profile),
        *([("variables", str(options.variables))] if options.variables else []),
        ("state", deployment.state_location),
        ("program", f"{runner.binary.name} ({runner.binary.path})"),
        ("provider", runner.source.description),
    ]
    for name, value in rows:
        _say(f"{name:<9} {value}")


def _read_outputs(deployment: Deployment) -> str:
    text, document = _json(deployment, "output", "-json", "-no-color")
    if not document:
        raise DeployError(
            f"Nothing is deployed on {deployment.target.description}",
            "Deploy it first: python -m deploy apply (make deploy).",
        )
    return text


def _state_summary(deployment: Deployment) -> str:
    """The state's serial and lineage as JSON, and nothing of the resources, which hold secrets."""
    _, state = _json(deployment, "state", "pull")
    return json.dumps({name: state.get(name) for name in _OF_A_STATE}, indent=2) + "\n"


def _json(deployment: Deployment, command: str, *arguments: str) -> tuple[str, Any]:
    """What a command prints as JSON on stdout alone: as text, and read."""
    runner = deployment.terraform
    done = runner.capture(command, *arguments)
    if done.code:
        _say(done.text.strip())
    _check(done.code, deployment, command)
    try:
        return done.output, json.loads(done.output)
    except (ValueError, RecursionError) as error:
        raise DeployError(
            f"{runner.binary.path} {command} -json printed something else than JSON ({error})",
            "Name the program itself, not a wrapper that prints to stdout as well: "
            "TERRAFORM=/path/to/terraform.",
        ) from error


def _write_outputs(deployment: Deployment, options: Options) -> None:
    text = _read_outputs(deployment)
    for path in filter(None, (deployment.workspace.outputs, options.output)):
        _write(path, text)
        _say(f"outputs written to {_short(path)}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DeployError(
            f"The outputs could not be written to {path} ({error.strerror})",
            "Name another file: --output FILE.",
        ) from error


def _short(path: Path) -> Path:
    return path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path


def _say(text: str) -> None:
    """To stderr: stdout is for the outputs."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
