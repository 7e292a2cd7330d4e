"""What the suite says of the function, where its caller or its baseline differ from the usual."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, role_statement, verify

CHECKS = "verify/checks/test_function.py"
CALLERS = "verify/checks/test_function_callers.py"
RULE = "scan-by-hand"


def test_variables_that_the_caller_may_not_decrypt_are_neither_passed_nor_failed(
    sandbox: RunningSandbox, deployed: Path, outputs: dict[str, Any], tmp_path: Path
) -> None:
    with role_statement(sandbox, outputs["verifier_role_name"], "Deny", "kms:Decrypt"):
        run = verify(deployed, tmp_path, CHECKS, url=sandbox.url)
    assert run.controls("ERROR") == {"function-configuration", "function-logs-results"}, run.text
    assert run.controls("PASS") == {
        "function-encrypted",
        "function-tries-again",
    }
    message = run.row("function-configuration")["message"]
    assert "AccessDeniedException" in message
    assert "the caller needs kms:Decrypt for the function's key" in message


@pytest.fixture
def scanning(
    sandbox: RunningSandbox, outputs: dict[str, Any], tmp_path: Path
) -> Iterator[tuple[Any, dict[str, Any], str]]:
    """A rule of EventBridge that invokes the function, and a baseline that has it do so."""
    events, functions = sandbox.client("events", REGION), sandbox.client("lambda", REGION)
    rule = events.put_rule(Name=RULE, ScheduleExpression="rate(7 days)")["RuleArn"]
    events.put_targets(Rule=RULE, Targets=[{"Id": "scan", "Arn": outputs["function_arn"]}])
    permission = {
        "FunctionName": outputs["function_arn"],
        "StatementId": RULE,
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": rule,
        "SourceAccount": outputs["account_id"],
    }
    baseline = tmp_path / "scanning.yaml"
    baseline.write_text(f"extends: dev\nfunction: {{event_rules: [{RULE}]}}\n")
    yield functions, permission, str(baseline)
    events.remove_targets(Rule=RULE, Ids=["scan"])
    events.delete_rule(Name=RULE)


def test_a_rule_invokes_the_function_only_where_the_baseline_says_so(
    sandbox: RunningSandbox,
    deployed: Path,
    scanning: tuple[Any, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    functions, permission, baseline = scanning
    functions.add_permission(**permission)
    try:
        run = verify(deployed, tmp_path / "dev", CALLERS, url=sandbox.url)
        assert run.controls("FAIL") == {"function-not-public"}, run.text
        message = run.row("function-not-public")["message"]
        numbered = ", ".join(f"rule-changes-{number}-dev" for number in (1, 2, 3, 4))
        quick = f"{numbered}, rule-root-user-dev"
        assert f"rules that invoke it: required {quick}, live {quick}, {RULE}" in message
        assert "events.amazonaws.com" in message
        run = verify(deployed, tmp_path / "scan", CALLERS, f"--profile={baseline}", url=sandbox.url)
        assert run.controls("PASS") == {"function-not-public"}, run.text
    finally:
        functions.remove_permission(
            FunctionName=permission["FunctionName"], StatementId=permission["StatementId"]
        )
    # What the baseline has invoke it must also be able to.
    run = verify(deployed, tmp_path / "gone", CALLERS, f"--profile={baseline}", url=sandbox.url)
    assert run.controls("FAIL") == {"function-not-public"}, run.text
    assert "no statement allows lambda:InvokeFunction" in run.row("function-not-public")["message"]


@pytest.mark.parametrize(
    ("said", "outcome", "words"),
    [
        (
            "Unable to determine service/operation name to be authorized",
            "PASS",
            f"not offered in {REGION}",
        ),
        ("not authorized to perform", "ERROR", "the caller lacks lambda:ListFunctionUrlConfigs"),
    ],
)
def test_a_region_that_has_no_function_urls_is_told_from_a_permission_that_lacks(
    recording: Path, deployed: Path, tmp_path: Path, said: str, outcome: str, words: str
) -> None:
    evidence = tmp_path / "altered/evidence"
    evidence.mkdir(parents=True)
    for path in (recording / "evidence").glob("*.json"):
        call = json.loads(path.read_text())
        if call["operation"] == "list_function_url_configs":
            call |= {"response": [], "error_code": "AccessDeniedException", "error": said}
        (evidence / path.name).write_text(json.dumps(call))
    run = verify(deployed, tmp_path / "reports", CALLERS, f"--replay={evidence.parent}")
    assert run.outcomes["function-not-public"] == outcome, run.text
    assert words in json.dumps(run.row("function-not-public"))
