"""An alarm, played: the states that it takes on, minute by minute, on given data."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from verify.alarms.alarm import Alarm, CannotTellError
from verify.alarms.metric_math import Named, Scope, Value, evaluate
from verify.alarms.state import ALARM, INSUFFICIENT_DATA, state

# CloudWatch evaluates an alarm whose evaluated periods are longer than a day by the hour only.

# How many periods further back it looks "depends", says the User Guide, whose example has two.
FURTHER_BACK = (1, 5)

BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    # Of deviations, by the width of the band that is around 0.
    "GreaterThanUpperThreshold": operator.gt,
    "LessThanLowerThreshold": lambda value, width: value < -width,
    "LessThanLowerOrGreaterThanUpperThreshold": lambda value, width: abs(value) > width,
}


@dataclass(frozen=True)
class Datum:
    """What was published in one minute: values in sum, their number, lowest and highest."""

    total: float
    count: int = 1
    low: float = 0.0
    high: float = 0.0


@lru_cache(maxsize=64)
def datum(*values: float) -> Datum:
    """The datum of some values."""
    return Datum(float(sum(values)), len(values), float(min(values)), float(max(values)))


class Data:
    """What an alarm's metrics hold: for each, by its place, what was published in which minute."""

    def __init__(self, alarm: Alarm, metrics: int = 1) -> None:
        self.timelines: list[dict[int, Datum]] = [{} for _ in range(metrics)]
        self._minutes = alarm.minutes
        self._periods = [
            _Periods(query.statistic, self.timelines, query.metric, alarm.minutes)
            for query in alarm.queries
            if not query.expression
        ]

    def values(self, end: int, count: int) -> tuple[tuple[float | None, ...], ...]:
        """Each metric's values in some periods, the last of which ends with a minute."""
        ends = range(end - self._minutes * (count - 1), end + 1, self._minutes)
        return tuple(tuple([periods[one] for one in ends]) for periods in self._periods)


class _Periods(dict[int, float | None]):
    """A metric's value in the period that ends with a minute, made when it is asked for.

    None where there are no data.
    """

    def __init__(
        self, statistic: str, timelines: Sequence[Mapping[int, Datum]], metric: int, minutes: int
    ) -> None:
        super().__init__()
        self._statistic = statistic
        self._timelines, self._metric = timelines, metric
        self._minutes = minutes

    def __missing__(self, end: int) -> float | None:
        timeline = self._timelines[self._metric]
        found = [
            timeline[minute] for minute in range(end - self._minutes, end) if minute in timeline
        ]
        self[end] = _statistic(self._statistic, found) if found else None
        return self[end]


@dataclass(frozen=True)
class World:
    """What CloudWatch may do, where it does not say what it does.

    Evaluations come every `every` minutes, at `phase`; `further` periods are looked at beyond the
    evaluated ones.
    """

    further: int
    every: int
    phase: int
    fills_empty: bool


def worlds(alarm: Alarm, further: int) -> Iterator[World]:
    """Every way in which an alarm may be evaluated that looks so many periods further back."""
    fills = any("FILL" in query.expression for query in alarm.queries)
    steps = [1] * ("sliding" in alarm.windows) + [alarm.minutes] * ("clock" in alarm.windows)
    for fills_empty in (True, False) if fills else (True,):
        for every in dict.fromkeys(steps):
            for phase in range(every):
                yield World(further, every, phase, fills_empty)


def settling_minutes(alarm: Alarm, further: int) -> int:
    """After how many minutes without change an alarm's state stays as it is."""
    return (alarm.evaluated + further + 1) * alarm.minutes


class Play:
    """The states of an alarm on given data, INSUFFICIENT_DATA at first.

    Raises CannotTellError where they are asked for.
    """

    def __init__(self, alarm: Alarm, world: World, data: Data) -> None:
        self._alarm = alarm
        self._world = world
        self._data = data
        self._breaching = _breaching(alarm)
        self._states: dict[int, str] = {}  # by the minute of the evaluation

    def rings(self, start: int, end: int) -> bool:
        """Whether the alarm is in ALARM at the end of any minute from `start` until `end`."""
        every = self._world.every
        earliest = max(1, self._evaluation_before(start + 1))  # before the first it does not ring
        latest = self._evaluation_before(end)
        # What rings is as a rule still ringing at the end.
        return any(self._state(minute) == ALARM for minute in range(latest, earliest - 1, -every))

    def _evaluation_before(self, minute: int) -> int:
        """The minute of the latest evaluation; there is none before the first minute."""
        return minute - (minute - self._world.phase) % self._world.every

    def _state(self, minute: int) -> str:
        if minute not in self._states:
            alarm, present = self._alarm, ""
            if alarm.remembers:
                for earlier in range(self._first(), minute, self._world.every):
                    present = self._state(earlier)
                present = present or INSUFFICIENT_DATA
            points = self._points(minute)
            self._states[minute] = state(
                points, alarm.evaluated, alarm.needed, alarm.treatment, present
            )
        return self._states[minute]

    def _first(self) -> int:
        return self._world.phase or self._world.every

    def _points(self, end: int) -> Sequence[bool | None]:
        """Whether each period of the evaluation range that ends with a minute breaches."""
        count = self._alarm.evaluated + self._world.further
        metrics = self._data.values(end, count)
        empty = any(series.count(None) == count for series in metrics)
        # Only where a series is empty does it matter how such are filled.
        return self._breaching(metrics, self._world.fills_empty or not empty)


@lru_cache(maxsize=64)
def _breaching(
    alarm: Alarm,
) -> Callable[[tuple[tuple[float | None, ...], ...], bool], Sequence[bool | None]]:
    """How to tell of an alarm what `_points` tells; by each values once."""
    return lru_cache(maxsize=4096)(partial(_points, alarm))


def _points(
    alarm: Alarm, metrics: tuple[tuple[float | None, ...], ...], fills_empty: bool
) -> Sequence[bool | None]:
    """Whether each period breaches, from the values of the metrics, the oldest first."""
    names = [query.identifier for query in alarm.queries if not query.expression]
    known = dict(zip(names, map(list, metrics), strict=True))
    series = _Series(alarm, known, Scope(Named(), names, len(metrics[0]), fills_empty))
    watched = series[alarm.watched]
    if not isinstance(watched, list):
        raise CannotTellError("its expression does not give one series")
    breaches = BREACHES[alarm.comparison]
    return [None if value is None else breaches(value, alarm.threshold) for value in watched]


class _Series(Named):
    """The series of an alarm's queries; an expression's is made when it is asked for."""

    def __init__(self, alarm: Alarm, metrics: Mapping[str, Value], scope: Scope) -> None:
        super().__init__(metrics)
        self._expressions = {
            query.identifier: query.expression for query in alarm.queries if query.expression
        }
        self._scope = replace(scope, series=self)

    def __missing__(self, identifier: str) -> Value:
        if identifier not in self._expressions:
            return super().__missing__(identifier)
        self[identifier] = ()  # an expression that comes back to itself has no value
        self[identifier] = evaluate(self._expressions[identifier], self._scope)
        return self[identifier]


def _statistic(name: str, found: Sequence[Datum]) -> float:
    if name == "Sum":
        return sum(item.total for item in found)
    if name == "SampleCount":
        return float(sum(item.count for item in found))
    if name == "Average":
        return sum(item.total for item in found) / sum(item.count for item in found)
    return min(item.low for item in found) if name == "Minimum" else max(x.high for x in found)
