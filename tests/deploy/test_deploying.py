"""What `python -m deploy` makes of its options: targets, states, credentials, confirmation."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.support import ROOT, FakeAws, Machine


def _option(arguments: list[str], name: str) -> str:
    return next(
        argument.removeprefix(f"{name}=")
        for argument in arguments
        if argument.startswith(f"{name}=")
    )


def _backend(machine: Machine, target: str) -> dict[str, dict[str, object]]:
    text = (machine.work / target / "configuration" / "deploy_backend.tf.json").read_text()
    backend: dict[str, dict[str, object]] = json.loads(text)["terraform"]["backend"]
    return backend


def test_apply_on_aws_plans_applies_that_plan_and_writes_the_outputs(signed_in: Machine) -> None:
    before = _snapshot(ROOT / "terraform")
    outcome = signed_in.deploy(
        "apply", "--auto-approve", "--region", "eu-west-1", *signed_in.package
    )
    assert outcome.code == 0, outcome.text
    assert signed_in.commands() == ["init", "plan", "show", "apply", "output"]

    target = signed_in.work / "aws-111122223333-eu-west-1-dev"
    init, plan, _, apply, _ = (call["arguments"] for call in signed_in.calls())
    assert f"-chdir={target / 'configuration'}" in init
    assert f"-plugin-dir={signed_in.folder / 'mirror'}" in init
    assert "-var=region=eu-west-1" in plan
    assert "-var-file=profiles/dev.tfvars" in plan
    assert apply[-1] == _option(plan, "-out") == str(target / "plan.tfplan")
    assert not (target / "plan.tfplan").exists(), "a plan holds values and must not stay"

    # A copy, so that the state means the same on every machine and what was planned is applied.
    assert _option(plan, "-var=function_package") == "compliance_checker.zip"
    copy = target / "configuration" / "compliance_checker.zip"
    assert copy.read_bytes() == (signed_in.folder / "function.zip").read_bytes() == b"a zip"

    assert json.loads((target / "outputs.json").read_text()) == {"region": {"value": "eu-west-1"}}
    assert _backend(signed_in, target.name) == {"local": {"path": "../terraform.tfstate"}}
    for fact in ("111122223333", "arn:aws:iam::111122223333:role/deployer", "eu-west-1", "5.100.0"):
        assert fact in outcome.stderr
    assert "not-a-real-secret-either" not in outcome.text
    assert _snapshot(ROOT / "terraform") == before, "the module's own folder must stay untouched"


def _snapshot(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.glob("*")}


def test_auto_approve_by_environment(signed_in: Machine) -> None:
    signed_in.environment["AUTO_APPROVE"] = "1"
    assert signed_in.deploy("destroy").code == 0
    assert signed_in.commands() == ["init", "show", "output", "plan", "apply"]
    assert "-destroy" in signed_in.calls()[3]["arguments"]


def test_auto_approve_0_is_no_approval(signed_in: Machine) -> None:
    signed_in.environment["AUTO_APPROVE"] = "0"
    assert signed_in.deploy("destroy").code == 2


@pytest.mark.parametrize(
    ("answer", "code", "commands"),
    [
        ("yes", 0, ["init", "plan", "show", "apply", "output"]),
        ("y", 2, ["init", "plan", "show"]),
        ("", 2, ["init", "plan", "show"]),
    ],
)
def test_only_yes_confirms(signed_in: Machine, answer: str, code: int, commands: list[str]) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        outcome = signed_in.deploy("apply", *signed_in.package, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert outcome.code == code, outcome.text
    assert signed_in.commands() == commands
    assert "Plan: 59 to add" in outcome.stdout, "the plan is shown before the question"
    assert "Type yes to apply this on AWS account 111122223333" in outcome.stderr
    assert not list(signed_in.work.glob("*/plan.tfplan"))


def test_a_sandbox_gets_made_up_credentials_and_nothing_of_the_users(
    signed_in: Machine, fake_aws: FakeAws
) -> None:
    signed_in.environment |= {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "secret-token"}
    outcome = signed_in.deploy("apply", "--sandbox", f"{fake_aws.url}/", *signed_in.package)
    assert outcome.code == 0, outcome.text
    for call in signed_in.calls():
        environment = call["environment"]
        assert environment["AWS_ENDPOINT_URL"] == fake_aws.url
        assert environment["AWS_ACCESS_KEY_ID"] == environment["AWS_SECRET_ACCESS_KEY"] == "test"
        assert environment["AWS_REGION"] == "ap-southeast-1"
        assert "127.0.0.1" in environment["NO_PROXY"]
        # S3 Control's host, which begins with the account's number, is found at the sandbox too.
        assert environment["HTTP_PROXY"] == fake_aws.url
        assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & set(environment)
    port = fake_aws.url.rpartition(":")[2]
    outputs = signed_in.work / f"sandbox-{port}-ap-southeast-1-dev" / "outputs.json"
    assert outputs.is_file()


def test_a_plan_can_be_had_as_json_and_is_not_kept(signed_in: Machine) -> None:
    outcome = signed_in.deploy("plan", "--json", *signed_in.package)
    assert (outcome.code, outcome.stdout) == (0, '{"format_version": "1.2"}\n')
    assert "Plan: 59 to add" in outcome.stderr
    assert signed_in.commands() == ["init", "plan", "show"]
    _, plan, show = (call["arguments"] for call in signed_in.calls())
    assert "-detailed-exitcode" in plan
    assert show[-1] == _option(plan, "-out")
    assert not list(signed_in.work.glob("*/plan.tfplan")), "a plan holds values and must not stay"


@pytest.mark.parametrize("step", ["plan", "show"])
def test_a_plan_that_fails_is_no_plan(signed_in: Machine, step: str) -> None:
    signed_in.environment["SHIM_FAILS"] = step
    outcome = signed_in.deploy("plan", "--json", *signed_in.package)
    assert (outcome.code, outcome.stdout) == (7, "")
    assert f"Terraform {step} failed" in outcome.stderr
    assert not list(signed_in.work.glob("*/plan.tfplan"))


def test_targets_do_not_share_a_state(signed_in: Machine, fake_aws: FakeAws) -> None:
    signed_in.deploy("plan", *signed_in.package)
    signed_in.deploy("plan", "--region", "eu-west-1", *signed_in.package)
    signed_in.deploy("plan", "--sandbox", fake_aws.url, *signed_in.package)
    data = {call["environment"]["TF_DATA_DIR"] for call in signed_in.calls()}
    assert len(data) == 3
    assert len(list(signed_in.work.glob("*/configuration"))) == 3


def test_the_region_comes_from_where_aws_says(signed_in: Machine) -> None:
    signed_in.environment["AWS_DEFAULT_REGION"] = "eu-north-1"
    assert "eu-north-1" in signed_in.deploy("plan", *signed_in.package).stderr
    signed_in.environment["AWS_REGION"] = "eu-west-3"
    assert "eu-west-3" in signed_in.deploy("plan", *signed_in.package).stderr
    outcome = signed_in.deploy("plan", "--region", "us-east-2", *signed_in.package)
    assert "-var=region=us-east-2" in signed_in.calls()[-1]["arguments"]
    assert outcome.code == 0


@pytest.mark.parametrize("step", ["plan", "apply", "output"])
def test_a_failure_of_terraform_is_7_and_keeps_its_message(signed_in: Machine, step: str) -> None:
    signed_in.environment |= {"SHIM_FAILS": step, "SHIM_MESSAGE": "Error: AccessDenied on kms"}
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert outcome.code == 7
    assert f"Terraform {step} failed on AWS account 111122223333" in outcome.stderr
    if step != "output":
        assert "Error: AccessDenied on kms" in outcome.stderr
    assert "Traceback" not in outcome.text
    assert not list(signed_in.work.glob("*/plan.tfplan"))
    assert not list(signed_in.work.glob("*/outputs.json"))


def _started(machine: Machine, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        machine.arguments(*arguments),
        cwd=ROOT,
        env=machine.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_reaches_terraform_once(signed_in: Machine, number: int) -> None:
    signed_in.environment["SHIM_HANGS"] = "apply"
    process = _started(signed_in, "apply", "--auto-approve", *signed_in.package)
    assert process.stdout is not None
    assert "hanging" in process.stdout.readline()
    process.send_signal(number)
    started = time.monotonic()
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - started < 10
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert signed_in.commands()[-2:] == ["apply", "signal"], "exactly one signal was passed on"


def _wait_for(file: Path) -> None:
    limit = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < limit, f"{file} never came"
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("hangs", ["plan", "apply"])
def test_what_terraform_started_ends_with_it(signed_in: Machine, hangs: str) -> None:
    """Its providers are processes of their own, and hold its output open."""
    started, provider = signed_in.folder / "started", signed_in.folder / "provider"
    signed_in.environment |= {
        "SHIM_HANGS": hangs,
        "SHIM_STARTED": str(started),
        "SHIM_PROVIDER": str(provider),
    }
    process = _started(signed_in, "apply", "--auto-approve", *signed_in.package)
    _wait_for(started)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ("changed nothing" if hangs == "plan" else "save its state") in errors
    assert not _runs(int(provider.read_text()))
    assert signed_in.commands()[-2:] == [hangs, "signal"]
    assert not list(signed_in.work.glob("*/plan.tfplan"))


def test_a_program_that_does_not_heed_is_ended_at_the_third_signal(signed_in: Machine) -> None:
    stubborn, provider = signed_in.folder / "stubborn", signed_in.folder / "provider"
    signed_in.environment |= {
        "SHIM_HANGS": "apply",
        "SHIM_STUBBORN": str(stubborn),
        "SHIM_PROVIDER": str(provider),
    }
    process = _started(signed_in, "apply", "--auto-approve", *signed_in.package)
    _wait_for(stubborn)
    for _ in range(3):
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert not _runs(int(provider.read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_at_any_moment_leaves_no_process(signed_in: Machine, number: int) -> None:
    """From before the first program until after the last one, whatever was running then."""
    started = signed_in.folder / "started"
    for moment in range(6):
        started.unlink(missing_ok=True)
        signed_in.environment |= {"SHIM_HANGS": "plan", "SHIM_STARTED": str(started)}
        process = _started(signed_in, "apply", "--auto-approve", *signed_in.package)
        if moment == 5:
            _wait_for(started)
        else:
            time.sleep(0.15 + moment * 0.12)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode in (130, -number), errors
        if process.returncode == 130:
            assert errors.count("error: Interrupted") == 1
        assert _shims(signed_in) == []


def _shims(machine: Machine) -> list[str]:
    """The command lines of the stand-in's processes that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(machine.folder / "bin") in line and _runs(int(entry.name)):
            found.append(line)
    return found


@pytest.mark.parametrize(
    "command", [["apply", "--auto-approve"], ["plan", "--json"], ["outputs"]], ids=" ".join
)
def test_what_is_written_to_stderr_is_no_part_of_the_answer(
    signed_in: Machine, command: list[str]
) -> None:
    """Terraform's own log (TF_LOG), or what a program that stands before it has to say."""
    signed_in.environment["SHIM_STDERR"] = '2026-01-01T00:00:00Z [TRACE] {"no": "answer"} {'
    package = [] if command == ["outputs"] else signed_in.package
    outcome = signed_in.deploy(*command, *package)
    assert outcome.code == 0, outcome.text
    assert "Traceback" not in outcome.text
    if command[0] == "apply":
        [outputs] = signed_in.work.glob("*/outputs.json")
        assert json.loads(outputs.read_text()) == {"region": {"value": "eu-west-1"}}
    else:
        assert json.loads(outcome.stdout)


def test_a_code_of_an_mfa_device_is_asked_for_once(signed_in: Machine, fake_aws: FakeAws) -> None:
    """Terraform has nobody to ask, and STS takes no code twice."""
    fake_aws.buckets["states"] = "eu-central-1"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del signed_in.environment[name]
    (signed_in.home / ".aws").mkdir()
    (signed_in.home / ".aws" / "config").write_text(
        "[default]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::111122223333:mfa/me\n"
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    codes = signed_in.folder / "codes"
    codes.write_text("123456\n")
    arguments = ["--auto-approve", "--state-bucket", "states", *signed_in.package]
    with codes.open() as stdin:
        outcome = signed_in.deploy("apply", *arguments, stdin=stdin)
    assert outcome.code == 0, outcome.text
    assert fake_aws.assumed == 1
    for call in signed_in.calls():
        environment = call["environment"]
        assert environment["AWS_ACCESS_KEY_ID"] == "ASIAROLE"
        assert environment["AWS_SESSION_TOKEN"] == "t"


def test_destroy_removes_the_outputs(signed_in: Machine) -> None:
    signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert list(signed_in.work.glob("*/outputs.json"))
    assert signed_in.deploy("destroy", "--auto-approve").code == 0
    assert not list(signed_in.work.glob("*/outputs.json"))


def _plan_with_bucket(*actions: str) -> str:
    change = {"actions": actions, "after": {"bucket": "s3-logs"}}
    return json.dumps({"resource_changes": [{"type": "aws_s3_bucket", "change": change}]})


@pytest.mark.parametrize(
    ("actions", "taken", "code"),
    [
        (("create",), True, 2),
        (("create",), False, 0),
        (("no-op",), True, 0),
        (("update",), True, 0),
        (("delete", "create"), True, 0),
    ],
)
def test_what_the_account_has_already_is_not_created(
    signed_in: Machine, fake_aws: FakeAws, actions: tuple[str, ...], taken: bool, code: int
) -> None:
    """Terraform would find it half-way."""
    signed_in.environment["SHIM_STATE"] = _plan_with_bucket(*actions)
    if taken:
        fake_aws.buckets["s3-logs"] = "eu-central-1"
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert outcome.code == code, outcome.text
    assert ("apply" in signed_in.commands()) is (code == 0)
    if code:
        assert "Account 111122223333 has the bucket s3-logs already" in outcome.stderr
        assert "give this one another name" in outcome.stderr
    assert not list(signed_in.work.glob("*/plan.tfplan"))


@pytest.mark.parametrize(("taken", "code"), [(True, 2), (False, 0)])
def test_preferences_of_session_manager_that_are_there_are_not_created(
    signed_in: Machine, fake_aws: FakeAws, taken: bool, code: int
) -> None:
    """A region has one such document, whoever made it."""
    name = "SSM-SessionManagerRunShell"
    change = {"actions": ["create"], "after": {"name": name}}
    planned = {"resource_changes": [{"type": "aws_ssm_document", "change": change}]}
    signed_in.environment["SHIM_STATE"] = json.dumps(planned)
    if taken:
        fake_aws.documents.add(name)
    outcome = signed_in.deploy("apply", "--auto-approve", *signed_in.package)
    assert outcome.code == code, outcome.text
    assert ("apply" in signed_in.commands()) is (code == 0)
    if code:
        assert f"Account 111122223333 has the document {name} already" in outcome.stderr
        assert "a region has one document of Session Manager's preferences" in outcome.stderr
        assert "session_logging_enabled = false" in outcome.stderr
        assert "another name" not in outcome.stderr


def _state_with_bucket(*, force_destroy: bool) -> str:
    bucket = {
        "type": "aws_s3_bucket",
        "values": {"bucket": "s3-logs", "force_destroy": force_destroy},
    }
    return json.dumps({"values": {"root_module": {"child_modules": [{"resources": [bucket]}]}}})


@pytest.mark.parametrize(
    ("protected", "filled", "code"), [(True, True, 2), (True, False, 0), (False, True, 0)]
)
def test_a_protected_bucket_with_files_is_left_as_it_is(
    signed_in: Machine, fake_aws: FakeAws, protected: bool, filled: bool, code: int
) -> None:
    """Terraform would take its policy and encryption away before it finds the files."""
    signed_in.environment["SHIM_STATE"] = _state_with_bucket(force_destroy=not protected)
    if filled:
        fake_aws.files.add("s3-logs")
    outcome = signed_in.deploy("destroy", "--auto-approve")
    assert outcome.code == code, outcome.text
    if code:
        assert "The bucket s3-logs holds files and is protected" in outcome.stderr
        assert "set log_bucket_force_destroy = true" in outcome.stderr
        assert signed_in.commands() == ["init", "show"]
    else:
        assert signed_in.commands()[-1] == "apply"


@pytest.mark.parametrize(
    ("message", "applies"),
    [
        ("api error AccessDenied: no identity-based policy", 2),
        ("api error UnauthorizedOperation: you are not", 2),
        ("Error: DependencyViolation", 1),
    ],
)
def test_a_refusal_while_destroying_is_tried_once_more(
    signed_in: Machine, message: str, applies: int
) -> None:
    """What has just been removed may deny for some seconds more."""
    signed_in.environment |= {"SHIM_FAILS": "apply", "SHIM_MESSAGE": message}
    outcome = signed_in.deploy("destroy", "--auto-approve")
    assert outcome.code == 7
    assert signed_in.commands().count("apply") == applies
    assert outcome.stderr.count(message) == applies
    assert "Terraform destroy failed on AWS account 111122223333" in outcome.stderr


def test_a_first_deployment_says_what_the_first_hour_looks_like(
    signed_in: Machine, fake_aws: FakeAws
) -> None:
    arguments = ["apply", "--auto-approve", *signed_in.package]
    said = signed_in.deploy(*arguments).stderr
    for fact in ("both alarms of delivery ring once", "first log file", "first digest"):
        assert fact in said
    assert "first hour" not in signed_in.deploy(*arguments).stderr, "it is said once"
    sandbox = signed_in.deploy("apply", "--sandbox", fake_aws.url, *signed_in.package)
    assert "first hour" not in sandbox.stderr, "there an hour takes seconds"


def test_outputs_go_to_stdout_alone(signed_in: Machine) -> None:
    outcome = signed_in.deploy("outputs")
    assert outcome.code == 0
    assert json.loads(outcome.stdout) == {"region": {"value": "eu-west-1"}}


def test_which_state_the_outputs_are_of_is_told_and_no_more(signed_in: Machine) -> None:
    path = signed_in.folder / "new" / "state.json"
    signed_in.environment["SHIM_PULLED"] = json.dumps(
        {"lineage": "a-b", "serial": 7, "terraform_version": "1.11.4", "resources": ["secret"]}
    )
    outcome = signed_in.deploy("outputs", "--state-summary", str(path))
    assert outcome.code == 0, outcome.text
    assert json.loads(outcome.stdout) == {"region": {"value": "eu-west-1"}}
    assert json.loads(path.read_text()) == {
        "lineage": "a-b",
        "serial": 7,
        "terraform_version": "1.11.4",
    }


def test_outputs_go_to_a_file(signed_in: Machine) -> None:
    path = signed_in.folder / "new" / "outputs.json"
    outcome = signed_in.deploy("apply", "--auto-approve", "--output", str(path), *signed_in.package)
    assert outcome.code == 0, outcome.text
    assert json.loads(path.read_text()) == {"region": {"value": "eu-west-1"}}


def test_a_state_bucket_is_locked_and_encrypted(signed_in: Machine, fake_aws: FakeAws) -> None:
    fake_aws.buckets["states"] = "eu-central-1"
    outcome = signed_in.deploy(
        "apply", "--auto-approve", "--state-bucket", "states", *signed_in.package
    )
    assert outcome.code == 0, outcome.text
    assert _backend(signed_in, "aws-111122223333-ap-southeast-1-dev") == {
        "s3": {
            "bucket": "states",
            "key": "trailwarden/aws-111122223333-ap-southeast-1-dev/terraform.tfstate",
            "region": "eu-central-1",
            "encrypt": True,
            "use_lockfile": True,
        }
    }
    assert "s3://states/trailwarden/" in outcome.stderr


def test_a_local_state_is_not_left_behind_for_a_bucket(
    signed_in: Machine, fake_aws: FakeAws
) -> None:
    fake_aws.buckets["states"] = "eu-central-1"
    state = signed_in.work / "aws-111122223333-ap-southeast-1-dev" / "terraform.tfstate"
    state.parent.mkdir(parents=True)
    state.write_text('{"resources": [{"type": "aws_vpc"}]}')
    outcome = signed_in.deploy("plan", "--state-bucket", "states", *signed_in.package)
    assert outcome.code == 2
    assert f"lives in the file {state}" in outcome.stderr
    state.write_text('{"resources": []}')
    assert signed_in.deploy("plan", "--state-bucket", "states", *signed_in.package).code == 0


def test_a_state_in_a_bucket_is_not_forgotten(signed_in: Machine) -> None:
    noted = signed_in.work / "aws-111122223333-ap-southeast-1-dev" / "data" / "terraform.tfstate"
    noted.parent.mkdir(parents=True)
    noted.write_text('{"backend": {"type": "s3", "config": {"bucket": "states"}}}')
    outcome = signed_in.deploy("plan", *signed_in.package)
    assert outcome.code == 2
    assert "lives in the bucket states" in outcome.stderr
    assert "--state-bucket states" in outcome.stderr
    assert signed_in.commands() == []


def test_variables_of_ones_own_come_after_the_profiles_and_before_the_region(
    signed_in: Machine,
) -> None:
    """Of two values Terraform takes the later, and the target is what was confirmed."""
    own = signed_in.folder / "strict.tfvars"
    own.write_text("log_group_retention_days = 365\n")
    for command in ("plan", "apply", "destroy"):
        given = [] if command == "plan" else ["--auto-approve"]
        package = [] if command == "destroy" else signed_in.package
        outcome = signed_in.deploy(command, *given, "--variables", str(own), *package)
        assert outcome.code == 0, outcome.text
        [*_, planned] = [call for call in signed_in.calls() if "plan" in call["arguments"]]
        values = [word for word in planned["arguments"] if word.startswith("-var")]
        assert values[:3] == [
            "-var-file=profiles/dev.tfvars",
            f"-var-file={own}",
            "-var=region=ap-southeast-1",
        ]
        assert f"variables {own}" in outcome.stderr


# --- the module, and those that it calls ----------------------------------------------------------


def _in_folders(machine: Machine) -> list[tuple[str, str]]:
    """Command and folder of each call, the folder relative to the copy of the root module."""
    folders = [Path(_option(call["arguments"], "-chdir")) for call in machine.calls()]
    root = machine.work / "check" / "configuration"
    return [
        (command, str(folder.relative_to(root)))
        for command, folder in zip(machine.commands(), folders, strict=True)
    ]


def test_each_module_that_has_tests_is_checked_in_its_folder(machine: Machine) -> None:
    checked = machine.deploy("check")
    assert checked.code == 0, checked.text
    assert _in_folders(machine) == [
        ("fmt", "."),
        ("init", "."),
        ("validate", "."),
        ("test", "."),
        ("init", "modules/detection"),
        ("validate", "modules/detection"),
        ("test", "modules/detection"),
        ("init", "modules/investigation"),
        ("validate", "modules/investigation"),
        ("test", "modules/investigation"),
        ("init", "modules/network"),
        ("validate", "modules/network"),
        ("test", "modules/network"),
    ]
    copy = machine.work / "check" / "configuration"
    assert (copy / "modules/network/tests/network.tftest.hcl").is_file()


def test_a_module_whose_tests_fail_is_named(machine: Machine) -> None:
    machine.environment["SHIM_FAILS"] = "validate"
    checked = machine.deploy("check")
    assert checked.code == 7
    assert "Terraform validate failed in terraform" in checked.stderr


def test_a_deployment_takes_modules_along_without_their_tests(signed_in: Machine) -> None:
    planned = signed_in.deploy("plan", *signed_in.package)
    assert planned.code == 0, planned.text
    [copy] = signed_in.work.glob("*/configuration")
    assert (copy / "modules/network/network.tf").is_file()
    assert not list(copy.rglob("*.tftest.hcl"))
    assert not (copy / "modules/network/tests").exists()
