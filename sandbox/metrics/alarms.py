"""CloudWatch alarms, evaluated: periods, missing data and state changes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.cloudwatch import models as cloudwatch_models

from sandbox.clock import now
from sandbox.metrics import data_points, expressions
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

log = logging.getLogger(__name__)

EVALUATION_SECONDS = 60.0
QUEUE_METRIC_SECONDS = 60.0
SHORTEST_EVALUATION_SECONDS = 1.0
SHORTEST_QUEUE_METRIC_SECONDS = 5.0


@dataclass(frozen=True)
class Point:
    """A data point: one value, or the summary of several."""

    moment: datetime
    total: float
    count: float
    low: float
    high: float


def statistic(points: Sequence[Point], name: str) -> float:
    """A statistic of the points of one period; percentiles are of single values."""
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
        ordered = sorted(point.high for point in points)
        rank = float(name[1:]) / 100 * (len(ordered) - 1)
        return ordered[round(rank)]
    return sum(point.total for point in points) / count if count else 0.0


def breaches(operator: str, value: float, threshold: float) -> bool:
    """Whether a value breaches a threshold."""
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }.get(operator, False)


def judge(
    values: Sequence[float | None],
    operator: str,
    threshold: float,
    needed: int,
    missing: str,
    present: str,
) -> str:
    """An alarm's state from its periods' values, newest first; None is a period without data.

    ``missing`` is TreatMissingData, ``present`` the state until now, returned where the data
    decide nothing.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    found = [value for value in values if value is not None]
    hits = sum(breaches(operator, value, threshold) for value in found)
    absent = len(values) - len(found)
    if missing == "breaching":
        return "ALARM" if hits + absent >= needed else "OK"
    if missing == "notBreaching":
        return "ALARM" if hits >= needed else "OK"
    if hits >= needed:
        return "ALARM"
    if missing == "ignore":
        return "OK" if len(found) - hits > len(values) - needed or not absent else present
    if not found:
        return "INSUFFICIENT_DATA"
    return "ALARM" if hits == len(found) and absent else "OK"


# Is told of an alarm of moto's that has changed, and the state that it had before.
Listener = Callable[[Any, str], None]


class Alarms:
    """Evaluates every alarm of the account, again and again."""

    def __init__(self, world: World, tell: Listener) -> None:
        self._world = world
        self._tell = tell
        self._points: dict[str, dict[Any, list[Point]]] = defaultdict(lambda: defaultdict(list))
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
            self._points[region][key].append(_point(datum))
        self._read[region] = len(data)

    def _evaluate(self, region: str, alarm: Any) -> None:
        count = int(alarm.evaluation_periods)
        values = self._values(region, alarm, count)
        if values is None:
            return
        needed = int(alarm.datapoints_to_alarm or count)
        missing = alarm.treat_missing_data or "missing"
        threshold = float(alarm.threshold)
        state = judge(
            values, alarm.comparison_operator, threshold, needed, missing, alarm.state_value
        )
        if state != alarm.state_value:
            self.change(alarm, state, _reason(state, values, alarm, threshold), "")

    def _values(self, region: str, alarm: Any, count: int) -> expressions.Series | None:
        """The values of an alarm's periods, newest first; None when they cannot be had."""
        if not alarm.metric_data_queries:
            name = alarm.statistic or alarm.extended_statistic or "Average"
            key = (alarm.namespace, alarm.metric_name, _dimensions(alarm.dimensions))
            return self._series(region, key, int(alarm.period), count, name)
        metrics_by_id: dict[str, expressions.Series] = {}
        for query in alarm.metric_data_queries:
            if query.metric_stat is not None:
                metric = query.metric_stat.metric
                key = (metric.namespace, metric.metric_name, _dimensions(metric.dimensions))
                metrics_by_id[query.id] = self._series(
                    region, key, int(query.metric_stat.period), count, query.metric_stat.stat
                )
        returned = next(
            (query for query in alarm.metric_data_queries if _is_true(query.return_data)), None
        )
        if returned is None:
            return None
        if returned.expression is None:
            return metrics_by_id.get(returned.id)
        try:
            return expressions.evaluate(returned.expression, metrics_by_id, count)
        except expressions.UnsupportedExpressionError as error:
            log.info("alarm %s is not evaluated: %s", alarm.name, error)
            return None

    def _series(
        self, region: str, key: Any, period: int, count: int, name: str
    ) -> expressions.Series:
        moment = now()
        begin = moment - timedelta(seconds=period * count)
        recent = [point for point in self._points[region][key] if begin <= point.moment <= moment]
        values: expressions.Series = []
        for index in range(count):
            end = moment - timedelta(seconds=period * index)
            start = end - timedelta(seconds=period)
            inside = [point for point in recent if start < point.moment <= end]
            values.append(statistic(inside, name) if inside else None)
        return values

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
    if hasattr(datum, "sample_count"):
        return Point(moment, datum.sum, datum.sample_count, datum.min, datum.max)
    return Point(moment, datum.value, 1, datum.value, datum.value)


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
