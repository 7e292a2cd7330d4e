"""What a long wait is for and how long it has lasted: told where it is known, shown elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

EVERY_SECONDS = 15.0


@dataclass(frozen=True)
class Waiting:
    """A wait that goes on; `parts` are the things awaited and how far each has come."""

    what: str
    seconds: float
    limit: float
    parts: Mapping[str, str] = field(default_factory=dict)


class Wait:
    """A wait, told of while it lasts; it begins with the first telling."""

    def __init__(self, tell: Callable[[Waiting], None]) -> None:
        self._tell = tell
        self._started: float | None = None

    def waiting(self, what: str, limit: float, parts: Mapping[str, str]) -> None:
        """Say that `what` is being waited for, at most `limit` seconds in all."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        self._tell(Waiting(what, now - self._started, limit, parts))


class Lines:
    """Writes a line about a wait every 15 seconds."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._next = EVERY_SECONDS

    def __call__(self, waiting: Waiting) -> None:
        """Write, if it is time."""
        if waiting.seconds < self._next:
            return
        self._next = waiting.seconds + EVERY_SECONDS
        self._write(
            f"waiting for {waiting.what}: {waiting.seconds:.0f} s of at most {waiting.limit:.0f} s"
        )


class Mailbox:
    """A file by which the worker that waits tells the process that has the terminal."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "waiting.json"

    def put(self, waiting: Waiting) -> None:
        """Leave it for the other process; the newest counts."""
        fresh = self._file.with_suffix(".part")
        fresh.write_text(json.dumps(asdict(waiting)), encoding="utf-8")
        fresh.replace(self._file)

    def get(self) -> Waiting | None:
        """What was left last, None if nothing was."""
        try:
            return Waiting(**json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Leave nothing behind in the run's folder."""
        self._file.unlink(missing_ok=True)
