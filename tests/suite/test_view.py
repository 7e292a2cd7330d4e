"""What a user sees while a run lasts: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from tests.sandbox.support import RunningSandbox
from tests.suite.support import ROOT, command, environment, verify
from verify.live_fire.waiting import Lines, Mailbox, Wait, Waiting
from verify.suite.view import View, wanted

_CHECK = "verify/checks/test_trail.py::test_trail_is_logging"
_PROBE = "verify/live_fire/test_alerts.py::test_an_opened_rule_raises_an_alert"
_WAITING = Waiting("the alert for the rule", 31.4, 900.0, {"the rule": "fired 31 s ago"})


@pytest.mark.parametrize(
    ("environ", "on_terminal", "verbosity", "drawn"),
    [
        ({"TERM": "xterm"}, True, -1, True),
        ({"TERM": "xterm"}, False, -1, False),
        ({"TERM": "xterm", "CI": "true"}, True, -1, False),
        ({"TERM": "dumb"}, True, -1, False),
        ({}, True, -1, False),
        ({"TERM": "xterm"}, True, 1, False),
    ],
)
def test_only_who_watches_a_terminal_gets_a_live_view(
    environ: Mapping[str, str], on_terminal: bool, verbosity: int, drawn: bool
) -> None:
    assert wanted(environ, on_terminal, verbosity) is drawn


def _shown(view: View) -> list[str]:
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(view.render())
    return [
        re.sub(r"[\u2500-\u257f ]{3,}", " | ", line.strip()) for line in capture.get().splitlines()
    ]


def _report(node_id: str, when: str, outcome: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=node_id,
        location=("", None, ""),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=None,
        when=when,  # type: ignore[arg-type]
    )


def test_the_view_counts_and_says_what_is_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("verify.suite.view.time", SimpleNamespace(monotonic=lambda: now))
    view = View(None, lambda _: None, Mailbox(tmp_path))
    view.pytest_xdist_node_collection_finished([_PROBE, _CHECK, f"{_CHECK}_again"])
    assert _shown(view) == ["state checks | 0 of 2", "live fire | 0 of 1"]
    for node_id in (_PROBE, _CHECK):
        view.pytest_runtest_logstart(node_id)
    now = 103.0
    assert _shown(view)[2:] == [
        "test_an_opened_rule_raises_an_alert: for 3 s",
        "test_trail_is_logging: for 3 s",
    ]
    view.pytest_runtest_logreport(_report(_CHECK, "call", "failed"))
    view.pytest_runtest_logreport(_report(_CHECK, "teardown", "passed"))
    view.tell(_WAITING)
    assert _shown(view) == [
        "state checks | 1 of 2  1 not passed",
        "live fire | 0 of 1",
        "waiting for the alert for the rule: 31 s of at most 900 s",
        "the rule: fired 31 s ago",
    ]


def test_a_control_that_does_not_apply_has_not_failed(tmp_path: Path) -> None:
    view = View(None, lambda _: None, Mailbox(tmp_path))
    view.pytest_xdist_node_collection_finished([_CHECK])
    view.pytest_runtest_logstart(_CHECK)
    view.pytest_runtest_logreport(_report(_CHECK, "call", "skipped"))
    view.pytest_runtest_logreport(_report(_CHECK, "teardown", "passed"))
    assert _shown(view) == ["state checks | 1 of 1"]


def test_without_a_terminal_a_line_comes_every_quarter_of_a_minute() -> None:
    written: list[str] = []
    lines = Lines(written.append)
    for seconds in (0.0, 14.9, 15.0, 16.0, 29.9, 30.1, 45.0, 45.2):
        lines(Waiting("the alert", seconds, 900.0))
    assert written == [
        "waiting for the alert: 15 s of at most 900 s",
        "waiting for the alert: 30 s of at most 900 s",
        "waiting for the alert: 45 s of at most 900 s",
    ]


def test_a_worker_tells_the_process_with_the_terminal(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    assert box.get() is None
    progress = Wait(box.put)
    progress.waiting("the alert", 900.0, {"the rule": "not fired yet"})
    progress.waiting("the alert", 900.0, {"the rule": "fired"})
    said = box.get()
    assert said is not None
    assert (said.what, said.limit, said.parts) == ("the alert", 900.0, {"the rule": "fired"})
    assert 0 <= said.seconds < 60
    box.remove()
    box.remove()
    assert list(tmp_path.iterdir()) == []


# --- as a user sees it ----------------------------------------------------------------------------


def _on_a_terminal(arguments: list[str], environ: Mapping[str, str]) -> str:
    """All that the command wrote to its terminal, escape sequences as `<>`."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(arguments, cwd=ROOT, env=environ, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while block := os.read(ours, 65_536):
            written += block
    except OSError:  # the other side has gone (Linux; elsewhere the read is empty)
        pass
    os.close(ours)
    process.wait(timeout=60)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "<>", written.decode())


@pytest.mark.usefixtures("silent_function")
@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one", "xdist"])
def test_on_a_terminal_the_wait_is_watched(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, workers: list[str]
) -> None:
    environ = {name: value for name, value in environment(sandbox.url).items() if name != "CI"} | {
        "TERM": "xterm-256color"
    }
    arguments = ["--as-verifier", "--alert-timeout=6", *workers, _PROBE, _CHECK]
    shown = _on_a_terminal(command(deployed, tmp_path, *arguments), environ)
    view, _, summary = shown.partition("outcome ")
    assert re.search(r"state checks  [<>\u2500-\u257f]+  1 of 1", view)
    assert re.search(r"live fire     [<>\u2500-\u257f]+  0 of 1", view)
    assert re.search(
        r"waiting for the alert for the opened security-group rule: [1-6] s of at most 6 s", view
    )
    assert re.search(r"opened security-group rule: fired [1-6] s ago, alert awaited", view)
    assert "test_an_opened_rule" not in view, "the wait says it already"
    assert "alert-on-opened-rule" in summary
    assert not (tmp_path / "latest/waiting.json").exists()


@pytest.mark.parametrize("workers", [[], ["-n2"]], ids=["one", "xdist"])
def test_a_pipe_gets_plain_lines(
    sandbox: RunningSandbox, deployed: Path, tmp_path: Path, workers: list[str]
) -> None:
    run = verify(deployed, tmp_path, *workers, _CHECK, url=sandbox.url)
    assert "\x1b" not in run.text
    assert "of 1" not in run.text
    assert "\n.\n" in f"\n{run.text}"
