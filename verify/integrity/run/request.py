"""What a run is asked to validate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from verify.integrity.judge.layout import DIGEST_PERIOD, ONE_DAY, OVERHANG, ChainScope, Layout


@dataclass(frozen=True)
class Request:
    """What to validate: log files delivered from `start` to `end` (UTC).

    `now` is when the run began; digests younger than `lateness` may still be on their way.
    `begun` is when the trail began to log, where nothing is to be asked for before;
    `without_files` are scopes of which the bucket is known to hold nothing.
    """

    layout: Layout
    scopes: tuple[ChainScope, ...]
    start: datetime
    end: datetime
    now: datetime
    lateness: timedelta
    begun: datetime | None = None
    without_files: frozenset[ChainScope] = frozenset()

    @property
    def period(self) -> timedelta:
        """How long the period is."""
        return self.end - self.start

    @property
    def expected_from(self) -> datetime:
        """From when on digests should cover the period."""
        return self.start if self.begun is None else min(max(self.start, self.begun), self.end)

    @property
    def due(self) -> datetime:
        """Digests for any time before this should exist by now."""
        return self.now - DIGEST_PERIOD - self.lateness

    @property
    def days(self) -> tuple[date, ...]:
        """The days on which digests of the period end."""
        last = min(self.end + OVERHANG, max(self.now, self.end)).date()
        count = (last - self.start.date()).days + 1
        return tuple(self.start.date() + index * ONE_DAY for index in range(count))
