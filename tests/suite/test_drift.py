"""Drift: a real plan of a real change, and what a plan must be to be believed."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, VARIABLES, Verification, ended, environment, verify
from verify.inputs.deployment import example
from verify.inputs.plan import UNKNOWN, Difference, PlanError, parse_plan
from verify.redaction import REDACTED

_CHECK = "verify/checks/test_drift.py"


def _plan(**changes: Any) -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "timestamp": datetime.now(UTC).isoformat(),
        "complete": True,
        "errored": False,
        "prior_state": {"values": {"outputs": example()}},
        "resource_changes": [_change(["no-op"])],
    } | changes


def _change(
    actions: list[str],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, **more}
    return {"address": "aws_kms_key.logs", "mode": "managed", "change": change}


def _found(change: dict[str, Any]) -> list[tuple[str, str, str]]:
    plan = parse_plan(json.dumps(_plan(resource_changes=[change])))
    return [(item.attribute, item.declared, item.live) for item in plan.differences]


# --- reading a plan -------------------------------------------------------------------------------


def test_each_attribute_that_differs_is_named_with_both_values() -> None:
    change = _change(
        ["update"],
        {"arn": "arn:key", "rotation": False, "days": 7, "tags": {"Owner": "me", "A": "a"}},
        {"arn": "arn:key", "rotation": True, "days": 7, "tags": {"Owner": "you", "A": "a"}},
    )
    plan = parse_plan(json.dumps(_plan(resource_changes=[change])))
    assert plan.differences == (
        Difference("arn:key", "aws_kms_key.logs", "rotation", "yes", "no"),
        Difference("arn:key", "aws_kms_key.logs", "tags.Owner", "you", "me"),
    )


@pytest.mark.parametrize(
    ("actions", "before", "after", "found"),
    [
        (["no-op"], {"a": 1}, {"a": 1}, []),
        (["create"], None, {"a": 1}, [("the resource", "exists", "nothing")]),
        (["delete"], {"a": 1}, None, [("the resource", "nothing", "exists")]),
        (["forget"], {"a": 1}, None, [("the resource", "nothing", "exists")]),
        (["delete", "create"], {"a": 1}, {"a": 2}, [("a", "2", "1")]),
        (["create", "delete"], {"a": 1}, {"a": 2}, [("a", "2", "1")]),
    ],
)
def test_whatever_terraform_would_do_is_a_difference(
    actions: list[str], before: Any, after: Any, found: list[tuple[str, str, str]]
) -> None:
    assert _found(_change(actions, before, after)) == found


def test_sensitive_values_stay_with_terraform() -> None:
    before = {"password": "hunter2", "rules": [{"token": "t1", "port": 1}], "open": "a"}
    after = {"password": "hunter3", "rules": [{"token": "t2", "port": 2}], "open": "b"}
    mask = {"password": True, "rules": [{"token": True}]}
    change = _change(["update"], before, after, before_sensitive=mask, after_sensitive=mask)
    assert _found(change) == [
        ("open", "b", "a"),
        ("password", REDACTED, REDACTED),
        ("rules", f"token={REDACTED}, port=2", f"token={REDACTED}, port=1"),
    ]


@pytest.mark.parametrize("side", ["before_sensitive", "after_sensitive"])
def test_what_is_sensitive_on_one_side_is_redacted_on_both(side: str) -> None:
    change = _change(["update"], {"a": "old"}, {"a": "new"}, **{side: {"a": True}})
    assert _found(change) == [("a", REDACTED, REDACTED)]


def test_consequences_of_a_change_are_not_named_beside_it() -> None:
    unknown = {"last_modified": True}
    both = _change(["update"], {"a": 1, "last_modified": "x"}, {"a": 2}, after_unknown=unknown)
    alone = _change(["update"], {"a": 1, "last_modified": "x"}, {"a": 1}, after_unknown=unknown)
    assert _found(both) == [("a", "2", "1")]
    assert _found(alone) == [("last_modified", UNKNOWN, "x")]


def test_a_tag_is_named_once_and_a_default_tag_too() -> None:
    change = _change(
        ["update"],
        {"tags": {"A": "1"}, "tags_all": {"A": "1", "Default": "x"}},
        {"tags": {"A": "2"}, "tags_all": {"A": "2", "Default": "y"}},
    )
    assert _found(change) == [("tags_all.A", "2", "1"), ("tags_all.Default", "y", "x")]


def test_of_long_values_the_part_that_differs_is_shown() -> None:
    change = _change(["update"], {"a": "x" * 5000 + "LIVE"}, {"a": "x" * 5000 + "DECLARED"})
    assert _found(change) == [("a", "..." + "x" * 40 + "DECLARED", "..." + "x" * 40 + "LIVE")]


def test_data_sources_are_no_drift() -> None:
    change = {**_change(["update"], {"a": 1}, {"a": 2}), "mode": "data"}
    assert _found(change) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "lacks resource_changes"),
        ("{}", "lacks resource_changes"),
        (json.dumps(_plan(format_version="2.0")), "format is 2.0"),
        (json.dumps(_plan(errored=True)), "failed or left something out"),
        (json.dumps(_plan(complete=False)), "failed or left something out"),
        (json.dumps(_plan(prior_state=None)), "is anything deployed"),
        (json.dumps(_plan(timestamp="yesterday")), "yesterday"),
        (json.dumps(_plan(resource_changes=[{"mode": "managed"}])), "'change'"),
        (json.dumps(_plan(resource_changes=7)), "not iterable"),
    ],
    # A plan holds the time: as a part of a test's name it would differ from worker to worker.
    ids=[
        "empty",
        "list",
        "nothing in it",
        "version",
        "errored",
        "not complete",
        "no state",
        "timestamp",
        "no change",
        "no list",
    ],
)
def test_what_is_no_whole_plan_is_refused(text: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse_plan(text)


# --- through the suite ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_plan(sandbox: RunningSandbox, deployed: Path) -> Any:
    def make() -> str:
        command = [sys.executable, "-m", "deploy", "plan", "--json", "--sandbox", sandbox.url]
        command += ["--working-directory", str(deployed.parent / "work")]
        done = ended(command, env=environment(**VARIABLES))
        assert done.returncode == 0, done.stderr
        return done.stdout

    return make


@pytest.fixture(scope="module")
def untouched(real_plan: Any) -> str:
    plan: str = real_plan()
    return plan


def _judge(
    sandbox: RunningSandbox, deployed: Path, folder: Path, plan: str, *more: str
) -> Verification:
    file = folder / "plan.json"
    file.write_text(plan)
    return verify(deployed, folder / "reports", f"--plan={file}", *more, _CHECK, url=sandbox.url)


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one", "xdist"])
def test_an_untouched_deployment_has_no_drift(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, untouched: str, workers: list[str]
) -> None:
    run = _judge(sandbox, deployed, tmp_path, untouched, *workers)
    assert run.outcomes["no-drift"] == "PASS", run.text
    [evidence] = run.row("no-drift")["evidence"]
    assert evidence.endswith("-terraform-plan")


@pytest.mark.parametrize(
    ("name", "value"),
    [("account_id", "999999999999"), ("region", "eu-west-1"), ("trail_arn", None)],
)
def test_the_plan_of_another_deployment_is_no_witness(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, untouched: str, name: str, value: Any
) -> None:
    document = json.loads(untouched)
    document["prior_state"]["values"]["outputs"][name]["value"] = value
    run = _judge(sandbox, deployed, tmp_path, json.dumps(document))
    assert run.outcomes["no-drift"] == "ERROR"
    said = f"the plan is of another deployment: its {name} is {value}, not "
    assert run.row("no-drift")["message"].startswith(said)


def test_an_old_plan_says_nothing_of_the_account_as_it_is(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, untouched: str
) -> None:
    made = (datetime.now(UTC) - timedelta(minutes=90)).isoformat()
    plan = json.dumps(json.loads(untouched) | {"timestamp": made})
    run = _judge(sandbox, deployed, tmp_path, plan)
    assert run.outcomes["no-drift"] == "ERROR"
    assert run.row("no-drift")["message"] == "the plan is 90 minutes old: make one"


def test_changes_by_hand_are_named(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, real_plan: Any
) -> None:
    said = {name: output["value"] for name, output in json.loads(deployed.read_text()).items()}
    logs, key = sandbox.client("logs", REGION), sandbox.client("kms", REGION)
    group = said["trail_log_group_name"]
    [kept] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    key.tag_resource(KeyId=said["kms_key_arn"], Tags=[{"TagKey": "Owner", "TagValue": "nobody"}])
    try:
        run = _judge(sandbox, deployed, tmp_path, real_plan())
    finally:
        logs.put_retention_policy(logGroupName=group, retentionInDays=kept["retentionInDays"])
        owner = [{"TagKey": "Owner", "TagValue": "security-team"}]
        key.tag_resource(KeyId=said["kms_key_arn"], Tags=owner)
    assert run.outcomes["no-drift"] == "FAIL", run.text
    assert set(run.row("no-drift")["message"].splitlines()) == {
        f"{kept['logGroupArn']}: aws_cloudwatch_log_group.trail retention_in_days: "
        "declared 7, required as declared, live 1",
        f"{said['kms_key_arn']}: aws_kms_key.logs tags_all.Owner: "
        "declared security-team, required as declared, live nobody",
    }


def test_without_a_plan_the_control_does_not_apply_and_without_a_file_it_errs(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path
) -> None:
    run = verify(deployed, tmp_path, _CHECK, url=sandbox.url)
    assert run.outcomes["no-drift"] == "NOT APPLICABLE"
    assert "make verify DRIFT=1" in run.row("no-drift")["message"]
    run = verify(deployed, tmp_path, _CHECK, f"--plan={tmp_path}/absent", url=sandbox.url)
    assert run.outcomes["no-drift"] == "ERROR"
    assert "absent cannot be read" in run.row("no-drift")["message"]
    assert run.code == 6
