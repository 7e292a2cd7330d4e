"""What could not be seen is never passed: calls go wrong in each way on their way through botocore.

That each control minds each call that it needs is tried on recorded answers (test_answers.py).
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.faults import KINDS, LOADER
from tests.suite.support import REGION, ROOT, Verification, environment, verify
from verify.account.errors import iam_action
from verify.inputs import deployment
from verify.integrity.read.s3 import ACTIONS
from verify.investigate.lookup import ACTION as LOOK_UP
from verify.live_fire.probes import PERMITTED
from verify.suite.declarations import declared_readings

STATE = "verify/checks"
# The validation of the log files is one piece of evidence; these are the calls that it makes.
VALIDATION = ("trailwarden", "validate_log_files")
# A call that brings one page, and one of several.
THROUGH_THE_DOOR = ("GetTrailStatus", "DescribeSubnets")
BESIDE_THE_DOOR = frozenset({"ListObjectsV2", "ListObjectVersions", "GetObject", "ListPublicKeys"})


def _operation_name(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))


@pytest.fixture(scope="module")
def clean(
    deployed: Path, sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Verification:
    """A run of the state checks in which nothing went wrong."""
    run = verify(deployed, tmp_path_factory.mktemp("clean"), STATE, url=sandbox.url)
    assert run.controls("FAIL", "ERROR") == set(), run.text
    return run


@pytest.fixture(scope="module")
def needed_by(clean: Verification) -> dict[str, dict[str, str]]:
    """Operation -> the controls that needed it -> their tests."""
    core = botocore.session.Session()
    core.register_component("data_loader", LOADER)
    session = boto3.Session(botocore_session=core)
    services = {item["service"] for item in clean.report["evidence"]} - {VALIDATION[0]}
    for service in services | {"sts"}:
        session.client(service, region_name=REGION)  # reads its model
    operations = {item["identifier"]: item["operation"] for item in clean.report["evidence"]}
    found: dict[str, dict[str, str]] = {}
    for row in clean.report["results"]:
        for identifier in row["evidence"]:
            operation = _operation_name(operations[identifier])
            if operations[identifier] == VALIDATION[1]:
                continue
            found.setdefault(operation, {})[row["control"]["identifier"]] = row["test"]
        if row["control"]["identifier"] == "log-integrity-intact":
            found |= {beside: {"log-integrity-intact": row["test"]} for beside in BESIDE_THE_DOOR}
    return found


def _outcomes(arguments: list[str], url: str, reports: Path) -> tuple[int, dict[str, str]]:
    """Run the suite in a forked child: what is imported already need not be imported again."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.environ.clear()
            os.environ.update(environment(url))
            os.chdir(ROOT)
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            code = int(pytest.main(arguments))
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    report = json.loads((reports / "latest/report.json").read_text())
    return code, {row["control"]["identifier"]: row["outcome"] for row in report["results"]}


def _declared_calls() -> set[tuple[str, str]]:
    """Every (service, operation) that a control declares to read."""
    return {reading.call for readings in declared_readings().values() for reading in readings}


def _calls(path: Path) -> Iterator[tuple[str, str]]:
    """Every (service, operation) that a module of live fire spells out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        texts = [str(item.value) for item in node.args if isinstance(item, ast.Constant)]
        if name in ("Read", "act", "poll") and len(texts) >= 2:
            yield texts[0], texts[1]


@pytest.mark.parametrize("operation", [*THROUGH_THE_DOOR, *sorted(BESIDE_THE_DOOR)])
def test_no_control_passes_without_the_call_that_it_needs(
    deployed: Path,
    sandbox: RunningSandbox,
    needed_by: dict[str, dict[str, str]],
    tmp_path: Path,
    operation: str,
) -> None:
    controls = needed_by[operation]
    for kind in KINDS:
        reports = tmp_path / kind
        code, outcomes = _outcomes(
            [
                f"--outputs={deployed}",
                f"--reports={reports}",
                "--as-verifier",
                "-ptests.suite.faults",
                f"--fault={operation}={kind}",
                f"-c{ROOT / 'pytest.ini'}",
                f"--rootdir={ROOT}",
                "--integrity-hours=0.01",  # what this test delivers must not slow it
                *sorted(set(controls.values())),
            ],
            sandbox.url,
            reports,
        )
        passed = {name for name in controls if outcomes[name] == "PASS"}
        if kind == "half-page":
            # Half of the fields may be all that a control needs; it must still end and report.
            assert code in (1, 6)
            continue
        assert passed == set(), f"{kind}: passed without {operation}"
        assert code == (1 if "FAIL" in outcomes.values() else 6)
        if kind != "empty-page":
            assert {outcomes[name] for name in controls} == {"ERROR"}, kind


def test_a_denied_call_is_named_with_its_permission(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    run = verify(
        deployed,
        tmp_path,
        "-ptests.suite.faults",
        "--fault=GetTrailStatus=denied",
        url=sandbox.url,
    )
    assert run.code == 6, run.text
    assert run.controls("ERROR") == {
        "trail-is-logging",
        "declared-matches-live",
        "trail-delivers-to-log-group",
        "trail-delivers-to-bucket",
        "trail-notifies-deliveries",
        "log-integrity-intact",
        "digests-on-time",
    }
    message = run.row("trail-is-logging")["message"]
    assert "the caller lacks cloudtrail:GetTrailStatus" in message


# --- no call twice, and no permission too many or too few -----------------------------------------


def test_no_call_is_made_twice(clean: Verification) -> None:
    calls: dict[str, int] = {}
    for item in clean.report["evidence"]:
        document = json.loads((clean.reports / "latest" / item["file"]).read_text())
        key = json.dumps(
            [document[part] for part in ("service", "operation", "region", "parameters")]
        )
        calls[key] = calls.get(key, 0) + 1
    # The delivery checks ask again until the first delivery has come.
    again = [key for key, count in calls.items() if count > 1 and "get_trail_status" not in key]
    assert again == []


def _policy_actions(sandbox: RunningSandbox, deployed: Path, name: str) -> set[str]:
    account = json.loads(deployed.read_text())["account_id"]["value"]
    arn = f"arn:aws:iam::{account}:policy/{name}"
    iam = sandbox.client("iam", REGION)
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    actions: set[str] = set()
    for statement in document["Document"]["Statement"]:
        stated = statement["Action"]
        actions |= {stated} if isinstance(stated, str) else set(stated)
    return actions


# Permissions that AWS asks for besides the operation's own, because of what is passed along.
IMPLIED_BY_TAGS = {"ec2:CreateTags", "sqs:TagQueue"}


# What the verifier tries in a role that must be refused it; that role's trust lets it in. And what
# it tries itself, to be refused.
AS_ANOTHER_ROLE = {"refusals", "test_refusals", "attempts"}
# Where there are access roles, a dashboard or an investigation, statements of their own grant it.
OF_ACCESS_ROLES = {"iam:GetAccountAuthorizationDetails", "iam:SimulatePrincipalPolicy"}
OF_DASHBOARD = {"cloudwatch:GetDashboard"}
OF_INVESTIGATION = ("athena:", "glue:")


def test_the_verifier_may_do_exactly_what_the_suite_does(
    sandbox: RunningSandbox, deployed: Path
) -> None:
    state = {
        action
        for call in _declared_calls()
        if (action := iam_action(*call)) and not action.startswith(OF_INVESTIGATION)
    }
    state -= OF_ACCESS_ROLES | OF_DASHBOARD
    live_fire = {
        iam_action(*call)
        for path in (ROOT / "verify/live_fire").rglob("*.py")
        if path.stem not in {*OPTIONAL_PROBES, *AS_ANOTHER_ROLE}
        for call in _calls(path)
    } | IMPLIED_BY_TAGS
    state |= {*ACTIONS, LOOK_UP}
    assert state == {
        action
        for name in (
            "policy-verifier-state-dev",
            "policy-verifier-services-dev",
            "policy-verifier-detection-dev",
        )
        for action in _policy_actions(sandbox, deployed, name)
    }
    # What both need is granted once, by the policy for reading.
    assert _policy_actions(sandbox, deployed, "policy-verifier-live-fire-dev") - state == (
        live_fire - state
    )


# The modules of the probes that are fired on request only, and what IAM asks for besides.
OPTIONAL_PROBES: dict[str, set[str]] = {
    "bucket": set(),
    "key": set(),
    "network": {  # its calls for each kind of resource are put together
        f"ec2:{operation}"
        for operation in (
            "CreateInternetGateway",
            "CreateNetworkAcl",
            "CreateRouteTable",
            "CreateTags",
            "DeleteInternetGateway",
            "DeleteNetworkAcl",
            "DeleteRouteTable",
        )
    },
    "role": {"iam:TagRole"},
}
# What the policy of the scratch key permits, and what every run reads.
ELSEWHERE = {
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:ListAliases",
    "kms:ScheduleKeyDeletion",
}


def test_the_probes_on_request_have_permissions_of_their_own(
    sandbox: RunningSandbox, deployed: Path
) -> None:
    assert set(OPTIONAL_PROBES) == set(PERMITTED)
    needed = {
        action
        for module, implied in OPTIONAL_PROBES.items()
        for action in (
            *(iam_action(*call) for call in _calls(ROOT / f"verify/live_fire/probes/{module}.py")),
            *implied,
        )
    }
    permitted = _policy_actions(sandbox, deployed, "policy-verifier-probes-dev")
    assert permitted == needed - ELSEWHERE


def test_what_was_recorded_is_what_the_source_says(clean: Verification, deployed: Path) -> None:
    recorded = {(item["service"], item["operation"]) for item in clean.report["evidence"]}
    assert recorded <= {*_declared_calls(), VALIDATION}
    where = deployment.parse(deployed.read_text())
    operations = {
        item["identifier"]: (item["service"], item["operation"])
        for item in clean.report["evidence"]
    }
    used = {operations[each] for row in clean.report["results"] for each in row["evidence"]}
    for row in clean.report["results"]:
        readings = declared_readings()[row["control"]["identifier"]]
        declared = {one.call for one in readings}
        made = {operations[identifier] for identifier in row["evidence"]} - {VALIDATION}
        assert made <= declared
        # What follows from another answer is read only where there is something to follow.
        ahead = {one.call for one in readings if any(True for _ in one.ahead(where))}
        # What one control has no use for under this baseline, another has.
        assert (declared - made) & ahead <= used
