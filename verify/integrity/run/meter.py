"""Counts what a run has done so far, for whoever shows its progress."""

from __future__ import annotations

import threading


class Meter:
    """Counts what has been validated so far, from all threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digests = 0
        self._logs = 0

    def add(self, digests: int = 0, logs: int = 0) -> None:
        """Count digests and log files that are done."""
        with self._lock:
            self._digests += digests
            self._logs += logs

    def read(self) -> tuple[int, int]:
        """The digests and the log files so far."""
        with self._lock:
            return self._digests, self._logs
