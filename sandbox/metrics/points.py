"""What has been published of one metric, kept so that a period of it is found at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A data point: one value, or the summary of several."""

    moment: datetime
    total: float
    count: float
    low: float
    high: float
    unit: str = "None"


def statistic(points: Sequence[Point], name: str) -> float:
    """A statistic of the points of one period; percentiles take a summary for its highest value."""
    count = sum(point.count for point in points)
    if name == "Sum":
        return sum(point.total for point in points)
    if name == "SampleCount":
        return count
    if name == "Minimum":
        return min(point.low for point in points)
    if name == "Maximum":
        return max(point.high for point in points)
    if name.startswith("p"):
        return _ranked(points, round(float(name[1:]) / 100 * (count - 1)))
    return sum(point.total for point in points) / count if count else 0.0


def _ranked(points: Iterable[Point], rank: int) -> float:
    """The value that `rank` others are below."""
    passed = 0.0
    ordered = sorted(points, key=lambda point: point.high)
    for point in ordered:
        passed += point.count
        if passed > rank:
            return point.high
    return ordered[-1].high


class Points:
    """The points of one metric, in the order of their time.

    CloudWatch's shortest period is a second, so that equal values of one second are kept as one
    point, the latest.
    """

    def __init__(self) -> None:
        self._moments: list[datetime] = []
        self._points: list[Point] = []

    def take(self, point: Point) -> None:
        """Keep a point; in whatever order they come."""
        index = bisect_right(self._moments, point.moment)
        last = self._points[index - 1] if index else None
        if last is not None and _alike(last, point):
            point = Point(
                point.moment,
                last.total + point.total,
                last.count + point.count,
                point.low,
                point.high,
                point.unit,
            )
            index -= 1
            self._moments[index], self._points[index] = point.moment, point
            return
        self._moments.insert(index, point.moment)
        self._points.insert(index, point)

    def between(self, after: datetime, until: datetime) -> Sequence[Point]:
        """The points later than `after`, up to `until`."""
        return self._points[bisect_right(self._moments, after) : bisect_right(self._moments, until)]


def _alike(one: Point, other: Point) -> bool:
    return (
        one.low == one.high == other.low == other.high
        and one.unit == other.unit
        and int(one.moment.timestamp()) == int(other.moment.timestamp())
    )
