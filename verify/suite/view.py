"""What a run is doing, while it runs: a live view on a terminal, a line now and then elsewhere.

Lives in the process that has the terminal. Under xdist it knows of the tests by the workers'
reports, and of the wait for alerts by what the waiting worker leaves in a file.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import pytest

from verify.live_fire.waiting import Lines, Mailbox, Waiting

if TYPE_CHECKING:
    from rich.console import RenderableType

_Status = tuple[str, str, str | tuple[str, Mapping[str, bool]]]
_LIVE_FIRE = "verify/live_fire/"
_KINDS = ("state checks", "live fire")
_SLOW_SECONDS = 2.0  # a check that takes longer is named
_BAR = 24


def wanted(environment: Mapping[str, str], on_terminal: bool, verbosity: int) -> bool:
    """Whether somebody watches a terminal on which a live view can be drawn."""
    return (
        on_terminal
        and not environment.get("CI")
        and environment.get("TERM", "dumb") != "dumb"
        and verbosity <= 0
    )


@dataclass
class Board:
    """What is known of the run so far; written by pytest's hooks, read by the view's thread."""

    totals: dict[str, int] = field(default_factory=dict)  # kind of test -> how many
    done: dict[str, int] = field(default_factory=dict)
    running: dict[str, float] = field(default_factory=dict)  # node id -> when it began
    failed: set[str] = field(default_factory=set)  # or could not be verified
    waiting: Waiting | None = None

    def collected(self, node_ids: list[str]) -> None:
        """These tests will run."""
        counted = Counter(map(_kind, node_ids))
        self.totals = {kind: counted[kind] for kind in _KINDS if counted[kind]}

    def started(self, node_id: str) -> None:
        """This test runs from now on."""
        self.running[node_id] = time.monotonic()

    def ended(self, node_id: str) -> None:
        """This test has ended."""
        if self.running.pop(node_id, None) is not None:
            self.done[_kind(node_id)] = self.done.get(_kind(node_id), 0) + 1

    def slow(self) -> list[tuple[str, float]]:
        """The checks that run for long, and for how many seconds; live fire tells its own."""
        now = time.monotonic()
        running = list(self.running.items())
        return [
            (node_id.rpartition("::")[2], now - since)
            for node_id, since in running
            if now - since >= _SLOW_SECONDS and not (self.waiting and _is_live_fire(node_id))
        ]


def _is_live_fire(node_id: str) -> bool:
    return node_id.startswith(_LIVE_FIRE)


def _kind(node_id: str) -> str:
    return _KINDS[_is_live_fire(node_id)]


class View:
    """A pytest plugin: keeps the board, and shows it while the tests run."""

    def __init__(self, file: IO[str] | None, write: Callable[[str], None], box: Mailbox) -> None:
        """`file` is the terminal for a live view; without it `write` gets a line now and then."""
        self.board = Board()
        self._file = file
        self._lines = Lines(write)
        self._box = box
        self._stopping = threading.Event()

    def tell(self, waiting: Waiting) -> None:
        """Take in how the wait for alerts stands, and show it."""
        self.board.waiting = waiting
        if self._file is None:
            self._lines(waiting)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of a run in this process."""
        self.board.collected([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The tests of a distributed run; every worker finds the same."""
        self.board.collected(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins, here or in a worker."""
        self.board.started(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended."""
        if report.failed:
            self.board.failed.add(report.nodeid)
        if report.when == "teardown":
            self.board.ended(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self) -> Generator[None, _Status, _Status]:
        """No dots where the view counts."""
        status = yield
        return status if self._file is None else (status[0], "", "")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show what happens for as long as tests run."""
        hearing = threading.Thread(target=self._hear, name="view", daemon=True)
        hearing.start()
        try:
            with self._drawn():
                return (yield)
        finally:
            self._stopping.set()
            hearing.join()
            self._box.remove()

    def _hear(self) -> None:
        """Look for what a waiting worker says."""
        while not self._stopping.wait(1.0):
            said = self._box.get()
            if said is not None:
                self.tell(said)

    @contextmanager
    def _drawn(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        # Imported here: only who watches pays for it.
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._file)
        with Live(
            console=console,
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield

    def render(self) -> RenderableType:
        """The board as the terminal shows it."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        board = self.board
        counts = Table.grid(padding=(0, 2))
        for kind, total in list(board.totals.items()):
            done = board.done.get(kind, 0)
            wrong = sum(_kind(node_id) == kind for node_id in list(board.failed))
            counts.add_row(
                kind,
                ProgressBar(total, done, width=_BAR),
                f"{done} of {total}",
                Text(f"{wrong} not passed", style="red") if wrong else "",
            )
        lines: list[RenderableType] = [counts]
        waiting = board.waiting
        if waiting is not None:
            lines.append(
                Text(
                    f"waiting for {waiting.what}: "
                    f"{waiting.seconds:.0f} s of at most {waiting.limit:.0f} s"
                )
            )
            lines += [Text(f"  {name}: {state}") for name, state in waiting.parts.items()]
        lines += [Text(f"{name}: for {seconds:.0f} s") for name, seconds in board.slow()]
        return Group(*lines)


def terminal() -> IO[str]:
    """Standard output past pytest's capture; to be asked for while nothing is captured."""
    return os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
