"""GuardDuty, Security Hub and Access Analyzer, through the door: whose they may be instead."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.suite.support import Verification

CONTROLS = [
    "threats-detected",
    "threats-alerted",
    "account-held-to-standards",
    "outside-access-analyzed",
]

Run = Callable[..., Verification]


@pytest.fixture
def hold(held: Run) -> Run:
    """Holds dev, which has none of the services, to their controls."""
    return lambda **account: held(
        "test_detection.py", CONTROLS, account=account, function={"findings": {"from_severity": 7}}
    )


def test_what_is_not_there_fails(hold: Run) -> None:
    done = hold()
    assert done.controls("FAIL") == set(CONTROLS), done.text
    for control, said in (
        ("threats-detected", "detector: required one, live none"),
        ("threats-alerted", "rule-threat-findings-dev: rule: required there, live no such rule"),
        ("account-held-to-standards", "hub: required there, live InvalidAccessException"),
        ("outside-access-analyzed", "archives nothing by a rule, live none"),
    ):
        assert said in done.row(control)["message"]


def test_what_another_team_runs_is_not_applicable(hold: Run) -> None:
    done = hold(owners=dict.fromkeys(CONTROLS, "the landing zone team"))
    assert done.controls("NOT APPLICABLE") == set(CONTROLS), done.text
    for name in CONTROLS:
        assert "the landing zone team owns this" in done.row(name)["message"]
