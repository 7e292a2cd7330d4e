"""CloudWatch alarms, evaluated: periods, missing data and state changes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch import models as cloudwatch_models

from sandbox.clock import now
from sandbox.control import ControlError
from sandbox.metrics import bands, data_points, expressions
from sandbox.metrics.points import Point, Points, statistic
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

log = logging.getLogger(__name__)

EVALUATION_SECONDS = 60.0
QUEUE_METRIC_SECONDS = 60.0
SHORTEST_EVALUATION_SECONDS = 1.0
SHORTEST_QUEUE_METRIC_SECONDS = 5.0
# How many periods further back CloudWatch looks for data: its documentation has an example of two.
FURTHER_BACK = 2
MAXIMUM_AGE_MINUTES = 30 * 24 * 60


def breaches(operator: str, value: float, threshold: float) -> bool:
    """Whether a value breaches a threshold."""
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }.get(operator, False)


def judge(
    breaching: Sequence[bool | None], evaluated: int, needed: int, missing: str, present: str
) -> str:
    """An alarm's state: which of its periods breach, newest first; None is one without data.

    There are more periods than are ``evaluated``: those of the evaluation range. ``missing`` is
    TreatMissingData, ``present`` the state until now, returned where the data decide nothing.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    found = [one for one in breaching if one is not None]
    hits = found[:evaluated].count(True)
    absent = max(0, evaluated - len(found))
    if missing == "breaching":
        hits += absent
    if hits >= needed:
        return "ALARM"
    if not absent or missing in ("breaching", "notBreaching") or False in found:
        return "OK"
    if missing == "ignore":
        return present
    # Too few data, and all breach: that is an alarm if the oldest of them is old enough.
    oldest = max((index for index, one in enumerate(breaching) if one), default=-1)
    return "ALARM" if oldest + 1 >= needed else "INSUFFICIENT_DATA"


@dataclass(frozen=True)
class _Periods:
    """The periods of an alarm's evaluation range."""

    seconds: int
    count: int
    clock: bool

    def end(self) -> datetime:
        """When the newest ends: now, as windows slide, or at the clock's last full period.

        Time zones are not looked at: their offsets are multiples of most periods.
        """
        moment = now()
        if not self.clock:
            return moment
        return datetime.fromtimestamp(moment.timestamp() // self.seconds * self.seconds, UTC)


# An alarm's values, newest first, whether each breaches, and the limit that they are held against.
_Judged = tuple[expressions.Series, list[bool | None], float]
# Is told of an alarm of moto's that has changed, and the state that it had before.
Listener = Callable[[Any, str], None]


class Alarms:
    """Evaluates every alarm of the account, again and again."""

    def __init__(self, world: World, tell: Listener) -> None:
        self._world = world
        self._tell = tell
        self._points: dict[str, dict[Any, Points]] = defaultdict(lambda: defaultdict(Points))
        self._read: dict[str, int] = defaultdict(int)
        latency = world.settings.latency
        world.scheduler.every(
            max(latency(EVALUATION_SECONDS), SHORTEST_EVALUATION_SECONDS), self.evaluate
        )
        world.scheduler.every(
            max(latency(QUEUE_METRIC_SECONDS), SHORTEST_QUEUE_METRIC_SECONDS), self.count_messages
        )

    def count_messages(self) -> None:
        """Publish the queues' own metrics."""
        with self._world.lock:
            for backend in self._world.regions("sqs"):
                for queue in list(backend.queues.values()):
                    dimensions = {"QueueName": queue.name}
                    for name, value in (
                        (
                            "ApproximateNumberOfMessagesVisible",
                            queue.approximate_number_of_messages,
                        ),
                        (
                            "ApproximateNumberOfMessagesNotVisible",
                            queue.approximate_number_of_messages_not_visible,
                        ),
                    ):
                        data_points.publish(
                            self._world, queue.region, "AWS/SQS", name, value, dimensions
                        )

    def evaluate(self) -> None:
        """Bring every alarm's state up to date and tell of those that change."""
        with self._world.lock:
            for backend in self._world.regions("cloudwatch"):
                if not backend.alarms:
                    continue
                self._take_in(backend)
                for alarm in list(backend.alarms.values()):
                    if not alarm.rule:  # composite alarms are not evaluated
                        self._evaluate(backend.region_name, alarm)

    def _take_in(self, backend: Any) -> None:
        """Index what has been published since the last time."""
        region = backend.region_name
        data = backend.metric_data
        start = self._read[region] if self._read[region] <= len(data) else 0
        for datum in data[start:]:
            key = (datum.namespace, datum.name, _dimensions(datum.dimensions))
            self._points[region][key].take(_point(datum))
        self._read[region] = len(data)

    def _evaluate(self, region: str, alarm: Any) -> None:
        if getattr(alarm, "evaluation_criteria", None) is not None:
            return  # its query is in a language that is not known here
        count = int(alarm.evaluation_periods)
        judged = (
            self._against_band(region, alarm, count + FURTHER_BACK)
            if getattr(alarm, "threshold_metric_id", None)
            else self._against_threshold(region, alarm, count + FURTHER_BACK)
        )
        if judged is None:
            return
        values, breaching, limit = judged
        state = judge(
            breaching,
            count,
            int(alarm.datapoints_to_alarm or count),
            alarm.treat_missing_data or "missing",
            alarm.state_value,
        )
        if state != alarm.state_value:
            self.change(alarm, state, _reason(state, values, alarm, limit), "")

    def _against_threshold(self, region: str, alarm: Any, count: int) -> _Judged | None:
        values = self._values(region, alarm, count)
        if values is None:
            return None
        threshold = float(alarm.threshold)
        operator = alarm.comparison_operator
        breaching = [None if one is None else breaches(operator, one, threshold) for one in values]
        return values, breaching, threshold

    def _against_band(self, region: str, alarm: Any, count: int) -> _Judged | None:
        """Hold a metric against what is expected of it; without a model yet, it has no data."""
        queries = {query.id: query for query in alarm.metric_data_queries}
        watched = queries.get(alarm.threshold_metric_id)
        found = bands.read((watched and watched.expression) or "")
        if found is None or (asked := getattr(queries.get(found[0]), "metric_stat", None)) is None:
            return None
        metric = asked.metric
        key = (metric.namespace, metric.metric_name, _dimensions(metric.dimensions))
        clock = "WallClockWindow" in getattr(alarm, "evaluation_window", {})
        periods = _Periods(int(asked.period), count, clock)
        values = self._series(region, key, periods, asked.stat, asked.unit)
        band = bands.expected(self._history(region, key, periods, asked.stat), found[1])
        if band is None:
            return [None] * count, [None] * count, 0.0
        operator = alarm.comparison_operator
        breaching = [None if one is None else band.breached(operator, one) for one in values]
        return values, breaching, band.high

    def _history(self, region: str, key: Any, periods: _Periods, name: str) -> list[float]:
        """A statistic of each earlier period that has data, of those that a model is made of."""
        begin = periods.end() - timedelta(seconds=periods.seconds * periods.count)
        earliest = begin - timedelta(days=bands.TRAINING_DAYS)
        found: dict[float, list[Point]] = defaultdict(list)
        for point in self._points[region][key].between(earliest, begin):
            found[(begin - point.moment).total_seconds() // periods.seconds].append(point)
        return [statistic(points, name) for points in found.values()]

    def _values(self, region: str, alarm: Any, count: int) -> expressions.Series | None:
        """The values of an alarm's periods, newest first; None when they cannot be had."""
        clock = "WallClockWindow" in getattr(alarm, "evaluation_window", {})
        if not alarm.metric_data_queries:
            name = alarm.statistic or alarm.extended_statistic or "Average"
            key = (alarm.namespace, alarm.metric_name, _dimensions(alarm.dimensions))
            periods = _Periods(int(alarm.period), count, clock)
            return self._series(region, key, periods, name, alarm.unit)
        metrics: dict[str, expressions.Series] = {}
        for query in alarm.metric_data_queries:
            if (asked := query.metric_stat) is not None:
                metric = asked.metric
                key = (metric.namespace, metric.metric_name, _dimensions(metric.dimensions))
                periods = _Periods(int(asked.period), count, clock)
                series = self._series(region, key, periods, asked.stat, asked.unit)
                account = getattr(query, "account_id", self._world.settings.account)
                ours = account == self._world.settings.account  # there is no other account here
                metrics[query.id] = series if ours else [None] * count
        queries = {query.id: query.expression for query in alarm.metric_data_queries}
        returned = [query.id for query in alarm.metric_data_queries if _is_true(query.return_data)]
        if len(returned) != 1:
            return None
        if (expression := queries[returned[0]]) is None:
            return metrics.get(returned[0])
        texts = {name: text for name, text in queries.items() if text is not None}
        try:
            return expressions.evaluate(expression, expressions.Data(metrics, texts, count))
        except expressions.UnsupportedExpressionError as error:
            log.info("alarm %s is not evaluated: %s", alarm.name, error)
            return None

    def _series(
        self, region: str, key: Any, periods: _Periods, name: str, unit: str | None
    ) -> expressions.Series:
        """A statistic of the last periods, newest first.

        With a ``unit``, of the data in that unit alone.
        """
        moment = periods.end()
        length = timedelta(seconds=periods.seconds)
        points = self._points[region][key]
        values: expressions.Series = []
        for index in range(periods.count):
            end = moment - length * index
            inside = [
                point
                for point in points.between(end - length, end)
                if unit in (None, "", point.unit)
            ]
            values.append(float(statistic(inside, name)) if inside else None)
        return values

    def age(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Let all that has been published have been so some ``minutes`` earlier.

        Raises ControlError without a number of minutes.
        """
        minutes = request.get("minutes")
        if type(minutes) is not int or not 0 < minutes <= MAXIMUM_AGE_MINUTES:
            raise ControlError(
                "400 Bad Request", f"minutes must be a number from 1 to {MAXIMUM_AGE_MINUTES}"
            )
        aged = 0
        with self._world.lock:
            for backend in self._world.regions("cloudwatch"):
                for datum in backend.metric_data:
                    datum.timestamp -= timedelta(minutes=minutes)
                aged += len(backend.metric_data)
            self._points.clear()
            self._read.clear()
        return {"aged": aged}

    def change(self, alarm: Any, state: str, reason: str, reason_data: str) -> None:
        """Set an alarm's state and tell of it. Hold the lock."""
        before = alarm.state_value
        alarm.update_state(reason, reason_data, state)
        self._tell(alarm, before)


def _is_true(value: Any) -> bool:
    return value is None or str(value).lower() == "true"


def _dimensions(dimensions: Iterable[Any]) -> frozenset[tuple[str, str]]:
    return frozenset((dimension.name, str(dimension.value)) for dimension in dimensions)


def _point(datum: Any) -> Point:
    moment = datum.timestamp
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    unit = datum.unit or "None"
    if hasattr(datum, "sample_count"):
        return Point(moment, datum.sum, datum.sample_count, datum.min, datum.max, unit)
    return Point(moment, datum.value, 1, datum.value, datum.value, unit)


def _reason(state: str, values: Sequence[float | None], alarm: Any, threshold: float) -> str:
    found = [value for value in values if value is not None]
    if not found:
        treatment = alarm.treat_missing_data or "missing"
        return f"No datapoints were received for {len(values)} periods, treated as [{treatment}]."
    shown = ", ".join(f"{value:g}" for value in found)
    verb = "crossed" if state == "ALARM" else "did not cross"
    return f"Threshold Crossed: datapoints [{shown}] {verb} the threshold ({threshold:g})."


def set_alarm_state(
    alarms: Alarms,
    original: Callable[..., None],
    backend: Any,
    alarm_name: str,
    reason: str,
    reason_data: str | None,
    state_value: str,
) -> None:
    """Set an alarm's state by hand, which lasts until its next evaluation."""
    alarm = backend.alarms.get(alarm_name)
    known = state_value in ("OK", "ALARM", "INSUFFICIENT_DATA")
    if alarm is None or not known or reason_data:
        original(backend, alarm_name, reason, reason_data, state_value)  # checks, and raises
        return
    alarms.change(alarm, state_value, reason, "")


REPLACEMENTS = (
    Replacement(
        cloudwatch_models.CloudWatchBackend,
        "set_alarm_state",
        set_alarm_state,
        "SetAlarmState runs the actions of the new state, too.",
        Kind.AROUND,
    ),
)
