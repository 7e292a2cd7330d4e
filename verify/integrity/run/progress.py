"""Says how far a long run is, how fast, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

_TERMINAL_SECONDS = 1.0
_LOG_SECONDS = 15.0


class Progress:
    """Writes a line now and then. `expected` is the number of digests that the period has.

    On a terminal the line is rewritten each second; elsewhere one is added each 15 seconds.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        terminal: bool,
        expected: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._terminal = terminal
        self._expected = max(expected, 1)
        self._clock = clock
        self._started = self._last = clock()

    @property
    def interval(self) -> float:
        """Seconds between two lines."""
        return _TERMINAL_SECONDS if self._terminal else _LOG_SECONDS

    def update(self, digests: int, logs: int) -> None:
        """`digests` and `logs` are done in this run."""
        now = self._clock()
        if now - self._last < self.interval:
            return
        self._last = now
        line = describe(digests, logs, self._expected, now - self._started)
        self._write(f"\r\033[K{line}" if self._terminal else f"{line}\n")

    def done(self) -> None:
        """Clear the terminal's line."""
        if self._terminal and self._last > self._started:
            self._write("\r\033[K")


def describe(digests: int, logs: int, expected: int, seconds: float) -> str:
    """How far a run is after `seconds`, in words."""
    files = digests + logs
    rate = files / seconds if seconds > 0 else 0.0
    line = f"{files:,} files validated, {rate:,.0f} a second, {digests:,} of {expected:,} digests"
    if 0 < digests < expected:
        line += f", about {duration(seconds * (expected - digests) / digests)} left"
    return line


def duration(seconds: float) -> str:
    """A length of time in words, roughly."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
