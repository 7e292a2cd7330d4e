"""What a soak concludes from what was caused, what was told, and what memory did."""

from __future__ import annotations

from typing import Any

import pytest

from soak.ledger import Ledger, Violation
from soak.memory import Growth, Sample, growths

BOTH = frozenset({"eventbridge", "logs"})
RULE = "security-group-open-to-internet"


def _violation(number: int) -> Violation:
    return Violation(f"request-{number}", RULE, "ec2:authorize", BOTH)


def _alert(number: int, *together: int, count: int | None = None) -> dict[str, Any]:
    alert: dict[str, Any] = {
        "alert_id": f"alert-{number}",
        "rule": RULE,
        "region": "eu-west-1",
        "event": {"request_id": f"request-{number}"},
    }
    if together:
        named = [f"event-{one}" for one in together]
        alert["repeats"] = {"count": count or len(named), "event_ids": named}
    return alert


def _ledger(caused: int, *alerts: dict[str, Any]) -> Ledger:
    ledger = Ledger(lambda region, event_id: event_id.replace("event", "request"))
    for number in range(caused):
        ledger.cause(_violation(number))
    for alert in alerts:
        ledger.hear(alert)
    return ledger


def test_each_told_once_is_clean() -> None:
    ledger = _ledger(4, _alert(0), _alert(1), _alert(2, 2, 3))
    assert ledger.open == 0
    verdict = ledger.judge(lambda identity: BOTH)
    assert verdict.clean
    assert (verdict.caused, verdict.told, verdict.together) == (4, 4, 2)


def test_what_is_lost_is_named() -> None:
    ledger = _ledger(2, _alert(1))
    assert ledger.open == 1
    verdict = ledger.judge(lambda identity: BOTH)
    assert verdict.lost == [f"{RULE} by ec2:authorize, request request-0"]
    assert not verdict.clean


@pytest.mark.parametrize("second", [_alert(0), _alert(0, 0, 1)])
def test_what_is_told_twice_is_named(second: dict[str, Any]) -> None:
    verdict = _ledger(2, _alert(0), second).judge(lambda identity: BOTH)
    assert f"{RULE} by ec2:authorize, request request-0: 2 times" in verdict.twice
    assert not verdict.clean


def test_what_nobody_caused_is_named() -> None:
    verdict = _ledger(1, _alert(0), _alert(7)).judge(lambda identity: BOTH)
    assert verdict.uncaused == [f"{RULE}, request request-7"]
    assert not verdict.clean


def test_events_that_an_alert_counts_and_does_not_name_are_told() -> None:
    verdict = _ledger(2, _alert(0, 0, 1, count=3)).judge(lambda identity: BOTH)
    assert verdict.uncaused == [f"1 events of {RULE} that an alert does not name"]


def test_an_event_that_came_by_one_path_alone_is_named() -> None:
    verdict = _ledger(1, _alert(0)).judge(lambda identity: frozenset({"logs"}))
    assert verdict.missed_paths == [
        f"{RULE} by ec2:authorize, request request-0: not by eventbridge"
    ]
    assert not verdict.clean


def _samples(*sandbox: float) -> list[Sample]:
    return [Sample(size, 70.0, 70.0, 1) for size in sandbox]


def test_memory_that_grows_from_the_second_quarter_to_the_last_is_not_flat() -> None:
    sandbox, function = growths(_samples(*range(100, 140)), (1.1, 1.1))
    assert (sandbox.before, sandbox.after) == (114.5, 134.5)
    assert not sandbox.flat
    assert function == Growth("memory of the function, its largest process", 70, 70, 1.1)
    assert function.flat


def test_what_starts_up_is_no_growth() -> None:
    sandbox, _ = growths(_samples(*range(1, 11), *[100] * 30), (1.0, 1.0))
    assert sandbox.flat


def test_a_run_that_is_too_short_judges_no_memory() -> None:
    assert growths(_samples(1, 2, 3), (1.0, 1.0)) == []
