"""Kept findings, through the door: what is not there, and whose it is where another team's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.suite.support import Verification

CONTROLS = ["findings-kept"]

Run = Callable[..., Verification]


@pytest.fixture
def hold(held: Run) -> Run:
    """Holds dev, which keeps no findings, to the control."""
    return lambda **account: held("test_kept_findings.py", CONTROLS, account=account)


def test_findings_that_are_kept_nowhere_fail(hold: Run) -> None:
    done = hold()
    assert done.controls("FAIL") == set(CONTROLS), done.text
    assert "log group of findings: required one, live none" in done.row(CONTROLS[0])["message"]


def test_what_another_team_keeps_is_not_applicable(hold: Run) -> None:
    done = hold(owners=dict.fromkeys(CONTROLS, "the landing zone team"))
    assert done.controls("NOT APPLICABLE") == set(CONTROLS), done.text
    assert "the landing zone team owns this" in done.row(CONTROLS[0])["message"]
