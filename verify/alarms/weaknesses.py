"""In what an alarm is weaker than what is required of it.

Source: Amazon CloudWatch API reference, MetricAlarm and MetricDataQuery.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Alarm = Mapping[str, Any]
# Of a baseline: statistic and maximum_window_seconds; comparison, threshold (exactly) or
# maximum_threshold, missing_data and expression where they matter.
Requirement = Mapping[str, Any]

_EXACT = (
    ("comparison", "ComparisonOperator"),
    ("threshold", "Threshold"),
    ("missing_data", "TreatMissingData"),
)


def metrics(alarm: Alarm) -> Iterator[Mapping[str, Any]]:
    """What an alarm looks at: its own metric, or those of its metric math, all in one shape."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        stat = query.get("MetricStat")
        if stat:
            yield {**stat["Metric"], "Statistic": stat["Stat"], **stat}


def looks_at(alarm: Alarm, wanted: Mapping[str, Any]) -> bool:
    """Whether one of an alarm's metrics is the wanted one: namespace, metric and dimensions."""
    return any(
        metric.get("Namespace") == wanted["namespace"]
        and metric.get("MetricName") == wanted["metric"]
        and {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])}
        == wanted["dimensions"]
        for metric in metrics(alarm)
    )


def weaknesses(alarm: Alarm, required: Requirement, accepted_units: frozenset[str]) -> list[str]:
    """In what an alarm on the right metrics is weaker than required, a phrase each.

    An alarm in another unit than its metric's never gets data; one without a unit takes any.
    Raises KeyError where CloudWatch's answer lacks a member that every alarm has.
    """
    found = [
        f"{member} {alarm.get(member, 'missing')} instead of {required[key]}"
        for key, member in _EXACT
        if key in required and alarm.get(member, "missing") != required[key]
    ]
    most = required.get("maximum_threshold")
    if most is not None and alarm["Threshold"] > most:
        found.append(f"Threshold {alarm['Threshold']} instead of at most {most}")
    return [*found, *_arithmetic(alarm, required), *_timing(alarm, required, accepted_units)]


def _arithmetic(alarm: Alarm, required: Requirement) -> Iterator[str]:
    expressions = {
        query["Expression"] for query in alarm.get("Metrics", []) if "Expression" in query
    }
    if expressions != {required[key] for key in ("expression",) if key in required}:
        yield f"metric math {sorted(expressions)}"
    statistics = {metric.get("Statistic") for metric in metrics(alarm)}
    if statistics != {required["statistic"]}:
        yield f"statistic {sorted(map(str, statistics))} instead of {required['statistic']}"


def _timing(alarm: Alarm, required: Requirement, accepted_units: frozenset[str]) -> Iterator[str]:
    periods = [int(metric["Period"]) for metric in metrics(alarm)]
    evaluated = int(alarm["EvaluationPeriods"])
    window = max(periods) * evaluated
    if window > required["maximum_window_seconds"]:
        yield f"looks back {window} s instead of {required['maximum_window_seconds']} s"
    units = {metric["Unit"] for metric in metrics(alarm) if "Unit" in metric}
    if units - accepted_units:
        yield f"only takes data in {', '.join(sorted(units - accepted_units))}"
    points = alarm.get("DatapointsToAlarm", evaluated)
    if points > evaluated:
        yield f"needs {points} of {evaluated} data points"
