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
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if joined and start - joined[-1][1] <= RESOLUTION:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def within(intervals: Sequence[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """The part of `intervals` (a union) that lies between `start` and `end`."""
    cut = ((max(begin, start), min(until, end)) for begin, until in intervals)
    return tuple((begin, until) for begin, until in cut if begin < until)


def gaps(intervals: Sequence[Interval], start: datetime, end: datetime) -> tuple[Interval, ...]:
    """The parts from `start` to `end` that `intervals` (a union) leaves out."""
    found: list[Interval] = []
    reached = start
    for begin, until in within(intervals, start, end):
        if begin - reached > RESOLUTION:
            found.append((reached, begin))
        reached = max(reached, until)
    if end - reached > RESOLUTION:
        found.append((reached, end))
    return tuple(found)


def covers(intervals: Sequence[Interval], moment: datetime) -> bool:
    """Whether `moment` lies in `intervals`, ends included."""
    return any(start <= moment <= end for start, end in intervals)
