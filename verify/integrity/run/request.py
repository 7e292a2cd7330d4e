"""What a run is asked to validate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from verify.integrity.judge.layout import DIGEST_PERIOD, ONE_DAY, OVERHANG, ChainScope, Layout
from verify.integrity.judge.tail import Departure


@dataclass(frozen=True)
class Request:
    """What to validate: log files delivered from `start` to `end` (UTC).

    `now` is when the run began; digests younger than `lateness` may still be on their way.
    `begun` is when the trail began to log, where nothing is to be asked for before;
    `without_files` are scopes of which the bucket is known to hold nothing, `departures` those in
    which nothing is recorded by now.
    """

    layout: Layout
    scopes: tuple[ChainScope, ...]
    start: datetime
    end: datetime
    now: datetime
    lateness: timedelta
    begun: datetime | None = None
    without_files: frozenset[ChainScope] = frozenset()
    departures: Mapping[ChainScope, Departure] = field(default_factory=dict)

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
        return days_of(self.start, self.end, self.now)


def days_of(start: datetime, end: datetime, now: datetime) -> tuple[date, ...]:
    """The days on which digests of a period end."""
    last = min(end + OVERHANG, max(now, end)).date()
    count = (last - start.date()).days + 1
    return tuple(start.date() + index * ONE_DAY for index in range(count))
