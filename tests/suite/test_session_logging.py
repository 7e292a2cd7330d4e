"""Session logging, through the door: whose it is where it is not this deployment's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.suite.support import Verification

CONTROLS = [
    "session-logging-configured",
    "session-documents-log-alike",
    "session-logs-encrypted",
    "session-logs-closed",
    "session-logs-kept",
]

Run = Callable[..., Verification]


@pytest.fixture
def hold(held: Run) -> Run:
    """Holds dev, which logs no sessions, to its controls."""
    return lambda **account: held("test_session_logging.py", CONTROLS, account=account)


def test_what_is_not_there_fails(hold: Run) -> None:
    done = hold()
    assert done.controls("FAIL") == set(CONTROLS), done.text
    said = done.row("session-logging-configured")["message"]
    assert "preferences of sessions: required one, live none" in said


def test_what_another_team_runs_is_not_applicable(hold: Run) -> None:
    done = hold(owners=dict.fromkeys(CONTROLS, "the landing zone team"))
    assert done.controls("NOT APPLICABLE") == set(CONTROLS), done.text
    for name in CONTROLS:
        assert "the landing zone team owns this" in done.row(name)["message"]
