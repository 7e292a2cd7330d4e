"""What of alarms a baseline may list, and what CloudWatch's newer answers say of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, Verification, verify

CHECKS = "verify/checks/test_alarms.py"
MAINTENANCE = "yearly-maintenance"


@pytest.fixture
def muted(sandbox: RunningSandbox, outputs: dict[str, Any]) -> Iterator[str]:
    """An alarm with two mute rules: one that is over, and one whose day is to come."""
    cloudwatch = sandbox.client("cloudwatch", REGION)
    alarm = str(outputs["alarm_names"]["function-errors"])
    with ExitStack() as mending:
        for rule, day in (
            ("last-years", "at(2020-01-01T00:00)"),
            (MAINTENANCE, "at(2090-01-01T00:00)"),
        ):
            cloudwatch.put_alarm_mute_rule(
                Name=rule,
                Rule={"Schedule": {"Expression": day, "Duration": "PT1H"}},
                MuteTargets={"AlarmNames": [alarm]},
            )
            mending.callback(cloudwatch.delete_alarm_mute_rule, AlarmMuteRuleName=rule)
        yield alarm


def test_only_a_rule_that_will_mute_an_alarm_fails(
    sandbox: RunningSandbox, deployed: Path, muted: str, tmp_path: Path
) -> None:
    run = verify(deployed, tmp_path, CHECKS, url=sandbox.url)
    assert run.controls("FAIL", "ERROR") == {"alarm-actions"}, run.text
    message = run.row("alarm-actions")["message"]
    assert muted in message
    assert MAINTENANCE in message
    assert "last-years" not in message


def test_a_mute_rule_that_the_baseline_accepts_passes(
    sandbox: RunningSandbox, deployed: Path, muted: str, tmp_path: Path
) -> None:
    assert muted
    file = tmp_path / "accepting.yaml"
    accepted = {"accepted_mute_rules": [MAINTENANCE]}
    file.write_text(json.dumps({"extends": "dev", "alarms": accepted}))
    run = verify(deployed, tmp_path, CHECKS, f"--profile={file}", url=sandbox.url)
    assert run.controls("FAIL", "ERROR") == set(), run.text


# --- newer members of DescribeAlarms --------------------------------------------------------------

Alter = Callable[[dict[str, Any]], None]


@pytest.fixture
def altered(
    recording: Path, deployed: Path, outputs: dict[str, Any], tmp_path: Path
) -> Callable[[str, Alter], Verification]:
    """Judges the recording with one alarm altered, by the alarm's purpose."""

    def judge(purpose: str, alter: Alter) -> Verification:
        evidence = tmp_path / "altered/evidence"
        evidence.mkdir(parents=True)
        for path in (recording / "evidence").glob("*.json"):
            call = json.loads(path.read_text())
            for page in call["response"]:
                for alarm in page.get("MetricAlarms", []):
                    if alarm["AlarmName"] == outputs["alarm_names"][purpose]:
                        alter(alarm)
            (evidence / path.name).write_text(json.dumps(call))
        return verify(deployed, tmp_path / "reports", CHECKS, f"--replay={evidence.parent}")

    return judge


def test_an_alarm_that_cloudwatch_cannot_evaluate_fails(
    altered: Callable[[str, Alter], Verification],
) -> None:
    run = altered(
        "function-errors",
        lambda alarm: alarm.update(
            EvaluationState="EVALUATION_ERROR", StateReason="no data source"
        ),
    )
    assert run.controls("FAIL", "ERROR") == {"alarm-function-trouble"}, run.text
    message = run.row("alarm-function-trouble")["message"]
    assert "CloudWatch cannot evaluate it: no data source" in message


@pytest.mark.parametrize("said", ["PARTIAL_DATA", "EVALUATION_FAILURE", "UNHEARD_OF"])
def test_an_evaluation_that_is_not_whole_cannot_be_judged(
    altered: Callable[[str, Alter], Verification], said: str
) -> None:
    run = altered("trail-delivery", lambda alarm: alarm.update(EvaluationState=said))
    assert run.controls("FAIL") == set(), run.text
    assert run.controls("ERROR") == {"alarm-delivery-stopped"}
    assert said in run.row("alarm-delivery-stopped")["message"]


def test_an_alarm_of_the_stack_on_a_query_that_is_not_known_cannot_be_judged(
    altered: Callable[[str, Alter], Verification],
) -> None:
    def on_a_query(alarm: dict[str, Any]) -> None:
        for member in ("MetricName", "Namespace", "Dimensions", "Statistic"):
            alarm.pop(member, None)
        alarm["EvaluationCriteria"] = {"PromQLCriteria": {"Query": "up == 0"}}

    run = altered("function-throttles", on_a_query)
    assert run.controls("FAIL") == set(), run.text
    assert run.controls("ERROR") == {"alarm-function-trouble"}
    assert "it names no metric" in run.row("alarm-function-trouble")["message"]
