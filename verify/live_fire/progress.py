"""Lines that tell what a long wait is for and how long it has lasted."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY_SECONDS = 15.0


class Progress:
    """Writes at most one line every 15 seconds for each wait."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._started: float | None = None
        self._last = 0.0

    def waiting(self, what: str, limit: float) -> None:
        """Say that `what` is being waited for, at most `limit` seconds in all."""
        now = time.monotonic()
        if self._started is None:
            self._started = self._last = now
            return
        if now - self._last >= EVERY_SECONDS:
            self._last = now
            elapsed = now - self._started
            self._write(f"waiting for {what}: {elapsed:.0f} s of at most {limit:.0f} s")
