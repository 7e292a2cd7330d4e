"""Sets of time: which part of a period the digests cover, and which they do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

Interval = tuple[datetime, datetime]

# Digests write whole seconds.
RESOLUTION = timedelta(seconds=1)


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """`intervals` in order, with those that touch or overlap made one; empty ones are left out."""
    joined: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if joined and start - joined[-1][1] <= RESOLUTION:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def within(intervals: Sequence[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """The part of `intervals` (a union) that lies between `start` and `end`."""
    cut = ((max(one, start), min(other, end)) for one, other in intervals)
    return tuple(one for one in cut if one[0] < one[1])


def gaps(intervals: Sequence[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """The parts from `start` to `end` that `intervals` (a union) leaves out."""
    found: list[Interval] = []
    reached = start
    for one, other in within(intervals, start, end):
        if one - reached > RESOLUTION:
            found.append((reached, one))
        reached = max(reached, other)
    if end - reached > RESOLUTION:
        found.append((reached, end))
    return tuple(found)


def covers(intervals: Sequence[Interval], moment: datetime) -> bool:
    """Whether `moment` lies in `intervals`, ends included."""
    return any(start <= moment <= end for start, end in intervals)
