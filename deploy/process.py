"""Running one program so that an interruption ends it gently, and never leaves a part of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TextIO

# How often it is seen whether a signal came, in seconds.
_LOOK = 0.1
# What ends a run: Ctrl-C, a CI that gives up, a terminal that is closed.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Done:
    """How a program ended; `output` (stdout) and `errors` (stderr) are empty unless captured."""

    code: int
    output: str
    errors: str
    interrupted: bool

    @property
    def text(self) -> str:
        """All that it said."""
        return self.output + self.errors


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    capture_output: bool,
    capture_errors: bool,
    patience: float | None,
    output_file: TextIO | None = None,
    look: Callable[[], None] = lambda: None,
) -> Done:
    """Run `command` to its end; what is not captured of stdout and stderr goes to our own.

    With `output_file` stdout goes there instead: straight, so that a program that outlives us can
    still write. `look` is called ten times a second meanwhile.

    A first signal is passed on as an interruption, once: the program stops by itself and gives its
    locks back. A second one, or none within `patience` seconds of the first, is passed on as a
    second interruption, at which Terraform stops at once; after a third, or as long again, the
    program is killed. With `patience` None only the user decides. Whatever the program has
    started ends with it.

    Raises OSError when it cannot be started.
    """
    # A session of its own: Ctrl-C reaches it through us and once. Twice would make Terraform stop
    # at once and lose track of what it was creating.
    with (
        _signals() as received,
        subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture_output else output_file,
            stderr=subprocess.PIPE if capture_errors else None,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        try:
            output, errors = _wait(process, received, patience, look)
        finally:
            _end_group(process)
    return Done(process.returncode, output or "", errors or "", bool(received))


def _wait(
    process: subprocess.Popen[str],
    received: list[int],
    patience: float | None,
    look: Callable[[], None],
) -> tuple[str | None, str | None]:
    passed_on, due = 0, float("inf")
    while True:
        try:
            return process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired:
            look()
        if process.poll() is not None:
            _end_group(process)  # what it left holds its output open
            continue
        if len(received) > passed_on or time.monotonic() > due:
            passed_on += 1
            _pass_on(process, passed_on)
            due = time.monotonic() + patience if patience is not None else float("inf")


def _pass_on(process: subprocess.Popen[str], times: int) -> None:
    if times <= 2:
        process.send_signal(signal.SIGINT)
    else:
        _end_group(process)


def _end_group(process: subprocess.Popen[str]) -> None:
    """End all processes of the program's session that are left; it leads their group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Note signals instead of dying of them; gives the list of those received.

    From before the program starts until it has ended, so that there is no moment in which it is
    left behind.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)

    # What is ignored (by nohup, or in a shell's background) stays ignored.
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, note) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
