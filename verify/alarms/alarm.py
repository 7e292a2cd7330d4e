"""An alarm as far as its behaviour goes, read from what CloudWatch says of it.

Source: Amazon CloudWatch API reference, MetricAlarm, MetricDataQuery and PutMetricAlarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from verify.alarms.state import TREATMENTS

Answer = Mapping[str, Any]  # a MetricAlarm of DescribeAlarms
# A metric: namespace, metric, dimensions, and the unit that its data are published in, if known.
Metric = Mapping[str, Any]

_COMPARISONS = frozenset(
    {
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    }
)
# Those of an alarm that holds its metric against a band.
_OF_BAND = frozenset(
    {
        "GreaterThanUpperThreshold",
        "LessThanLowerThreshold",
        "LessThanLowerOrGreaterThanUpperThreshold",
    }
)
STATISTICS = frozenset({"SampleCount", "Average", "Sum", "Minimum", "Maximum"})
# Alarms on this service's metrics ignore missing data, whatever they are told (PutMetricAlarm).
_ALWAYS_IGNORES = "AWS/DynamoDB"


class CannotTellError(Exception):
    """How the alarm behaves is not known; the text says why."""


@dataclass(frozen=True)
class Query:
    """One of the series that an alarm computes with: a metric's, by its place, or an expression."""

    identifier: str
    metric: int = -1
    statistic: str = ""
    expression: str = ""


@dataclass(frozen=True)
class Alarm:
    """What decides an alarm's states. Equal alarms behave alike.

    `windows` are the ways in which its periods may lie: at the last full minute ("sliding"), or at
    the clock's multiples of the period ("clock").
    """

    queries: tuple[Query, ...]
    watched: str
    minutes: int  # of a period
    evaluated: int
    needed: int
    comparison: str
    threshold: float
    treatment: str
    windows: tuple[str, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property  # what it does is looked up by it again and again
    def _hash(self) -> int:
        return hash((self.queries, self.watched, self.minutes, self.comparison, self.threshold))

    @property
    def remembers(self) -> bool:
        """Whether its state depends on the one before, and not on the data alone."""
        return self.treatment == "ignore"


def watches(answer: Answer, wanted: Metric, account: str) -> bool:
    """Whether one of an alarm's metrics is the wanted one."""
    return any(_same(metric, wanted, account) for metric in metrics_of(answer))


def others(answer: Answer, wanted: Sequence[Metric], account: str) -> list[str]:
    """The metrics that an alarm depends on besides those that are wanted."""
    return [
        f"{metric['Namespace']} {metric['MetricName']}"
        for metric in metrics_of(answer)
        if not any(_same(metric, item, account) for item in wanted)
    ]


def wrong_units(answer: Answer, wanted: Sequence[Metric], account: str) -> list[str]:
    """The units that an alarm asks of its metrics, where their data come in another.

    It never gets data then; without a unit it takes any. Raises CannotTellError where the data's
    unit is not known.
    """
    found = []
    for metric in metrics_of(answer):
        if "Unit" in metric:
            for item in wanted:
                if _same(metric, item, account) and metric["Unit"] != _unit_of(item):
                    found.append(str(metric["Unit"]))
    return found


def alarm_of(
    answer: Answer, metrics: Sequence[Metric], account: str, *, of_band: bool = False
) -> Alarm:
    """The alarm of an answer, of which `metrics` are those that can be played.

    One `of_band` compares what a band's alarm does: its threshold is how wide the band is.

    Raises CannotTellError, and KeyError where the answer lacks what every alarm has.
    """
    _refuse_other_kinds(answer)
    evaluated = int(answer["EvaluationPeriods"])
    queries, watched, seconds = _queries(answer, metrics, account)
    treatment = answer.get("TreatMissingData", "missing")
    if any(metric["Namespace"] == _ALWAYS_IGNORES for metric in metrics_of(answer)):
        treatment = "ignore"
    return Alarm(
        queries=queries,
        watched=watched,
        minutes=seconds // 60,
        evaluated=evaluated,
        needed=int(answer.get("DatapointsToAlarm", evaluated)),
        comparison=_one_of(
            _OF_BAND if of_band else _COMPARISONS, answer["ComparisonOperator"], "comparison"
        ),
        threshold=float(answer["Threshold"]),
        treatment=_one_of(TREATMENTS, treatment, "treatment of missing data"),
        windows=_windows(answer.get("EvaluationWindow")),
    )


def _refuse_other_kinds(answer: Answer) -> None:
    for member, kind in (
        ("ThresholdMetricId", "is an anomaly detector's"),
        ("EvaluationCriteria", "asks a query"),
        ("EvaluationInterval", "asks a query"),
    ):
        if member in answer:
            raise CannotTellError(f"it {kind} ({member})")


def _one_of(known: frozenset[str], value: str, what: str) -> str:
    if value not in known:
        raise CannotTellError(f"its {what} {value} is not known")
    return value


def _windows(given: Mapping[str, Any] | None) -> tuple[str, ...]:
    """How the periods may lie.

    Windows slide unless they are told otherwise, says the User Guide since 2026, and how it was
    before nobody wrote down: where nothing is said, an alarm must hold either way.
    """
    if given is None:
        return ("sliding", "clock")
    known = {"SlidingWindow": "sliding", "WallClockWindow": "clock"}
    if len(given) != 1 or not given.keys() <= known.keys():
        raise CannotTellError(f"its evaluation window {sorted(given)} is not known")
    return tuple(known[member] for member in given)


def _queries(
    answer: Answer, metrics: Sequence[Metric], account: str
) -> tuple[tuple[Query, ...], str, int]:
    """What an alarm computes with, which of it is watched, and the period in seconds."""
    if ("MetricName" in answer) == bool(answer.get("Metrics")):
        raise CannotTellError("it is neither on one metric nor on metric math")
    if "MetricName" in answer:
        place = _place(answer, metrics, account)
        statistic = _statistic(answer.get("ExtendedStatistic", answer.get("Statistic")))
        return (Query("metric", place, statistic),), "metric", _period([answer["Period"]])
    queries, periods, watched = [], [], []
    for query in answer["Metrics"]:
        identifier = query["Id"]
        if "Period" in query:
            raise CannotTellError(f"{identifier} has a period of its own, as queries have")
        if query.get("ReturnData", True):
            watched.append(identifier)
        if "Expression" in query:
            queries.append(Query(identifier, expression=_expression(query, account)))
            continue
        place = _place(_flat(query), metrics, account)
        queries.append(Query(identifier, place, _statistic(query["MetricStat"]["Stat"])))
        periods.append(query["MetricStat"]["Period"])
    if len(watched) != 1:
        raise CannotTellError(f"it watches {len(watched)} series")
    return tuple(queries), watched[0], _period(periods)


def _expression(query: Mapping[str, Any], account: str) -> str:
    text = str(query["Expression"])
    if not text or "MetricStat" in query or query.get("AccountId", account) != account:
        raise CannotTellError(f"what {query['Id']} computes, and of what, is not known")
    return text


def _statistic(name: str | None) -> str:
    if name not in STATISTICS:
        raise CannotTellError(f"the statistic {name} cannot be played")
    return name


def _period(seconds: Sequence[int]) -> int:
    if len(set(seconds)) != 1:
        raise CannotTellError(f"its metrics have {len(set(seconds))} periods")
    period = int(seconds[0])
    if period < 60 or period % 60:
        raise CannotTellError(f"what periods of {period} s bring is not known")
    return period


def _place(metric: Mapping[str, Any], metrics: Sequence[Metric], account: str) -> int:
    for place, known in enumerate(metrics):
        if _same(metric, known, account):
            return place
    raise CannotTellError(f"it also looks at {metric['Namespace']} {metric['MetricName']}")


def metrics_of(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """An alarm's own metric, or those of its metric math, each as a MetricAlarm has its own."""
    if "MetricName" in answer:
        yield answer
    for query in answer.get("Metrics", []):
        if "MetricStat" in query:
            yield _flat(query)


def _flat(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metric of a query, with the unit that is asked for and the account it is taken from."""
    stat = query["MetricStat"]
    beside = {"Unit": stat.get("Unit"), "AccountId": query.get("AccountId")}
    return {**stat["Metric"], **{name: value for name, value in beside.items() if value}}


def _same(metric: Mapping[str, Any], wanted: Metric, account: str) -> bool:
    return bool(
        metric["Namespace"] == wanted["namespace"]
        and metric["MetricName"] == wanted["metric"]
        and metric.get("AccountId", account) == account
        and {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])}
        == wanted["dimensions"]
    )


def _unit_of(wanted: Metric) -> str:
    if "unit" not in wanted:
        raise CannotTellError(f"the unit of {wanted['namespace']} {wanted['metric']} is not known")
    return str(wanted["unit"])
