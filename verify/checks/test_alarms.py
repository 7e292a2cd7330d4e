"""Alarms: silence and trouble of the pipeline ring, and the ring reaches the alert topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.subscription import faults_of_pattern
from verify.inputs.deployment import Deployment
from verify.wording import in_words


def _metrics(alarm: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """What an alarm looks at: its own metric, or those of its metric math."""
    if "MetricName" in alarm:
        yield alarm
    for query in alarm.get("Metrics", []):
        stat = query.get("MetricStat")
        if stat:
            yield {**pick(stat, "Metric"), "Statistic": pick(stat, "Stat"), **stat}


def _looks_at(alarm: Mapping[str, Any], required: Mapping[str, Any]) -> bool:
    dimensions = required["dimensions"]
    return any(
        metric.get("Namespace") == required["namespace"]
        and metric.get("MetricName") == required["metric"]
        and {item["Name"]: item["Value"] for item in metric.get("Dimensions", [])} == dimensions
        for metric in _metrics(alarm)
    )


def _shortcomings(alarm: Mapping[str, Any], required: Mapping[str, Any]) -> list[str]:
    """In what an alarm on the right metrics is weaker than required."""
    found = []
    for key, field in (
        ("comparison", "ComparisonOperator"),
        ("threshold", "Threshold"),
        ("missing_data", "TreatMissingData"),
    ):
        if key in required and alarm.get(field, "missing") != required[key]:
            found.append(f"{field} {alarm.get(field, 'missing')} instead of {required[key]}")
    expressions = {
        query["Expression"] for query in alarm.get("Metrics", []) if "Expression" in query
    }
    if expressions != {required[key] for key in ("expression",) if key in required}:
        found.append(f"metric math {sorted(expressions)}")
    statistics = {metric.get("Statistic") for metric in _metrics(alarm)}
    if statistics != {required["statistic"]}:
        found.append(f"statistic {sorted(map(str, statistics))} instead of {required['statistic']}")
    periods = [int(metric["Period"]) for metric in _metrics(alarm)]
    window = max(periods) * int(pick(alarm, "EvaluationPeriods"))
    if window > required["maximum_window_seconds"]:
        found.append(f"looks back {window} s instead of {required['maximum_window_seconds']} s")
    # An alarm in another unit than its metric's never gets data; without one it takes any.
    units = [metric["Unit"] for metric in _metrics(alarm) if "Unit" in metric]
    if units:
        found.append(f"only takes data in {', '.join(sorted(units))}")
    points = alarm.get("DatapointsToAlarm", pick(alarm, "EvaluationPeriods"))
    if points > alarm["EvaluationPeriods"]:
        found.append(f"needs {points} of {alarm['EvaluationPeriods']} data points")
    return found


def _check_alarms(
    check: Check,
    alarms: Iterable[Mapping[str, Any]],
    requirements: Iterable[Mapping[str, Any]],
) -> None:
    """For each requirement there is an alarm on its metrics that is no weaker than it."""
    for required in requirements:
        wanted = required["metrics"]
        candidates = [alarm for alarm in alarms if all(_looks_at(alarm, item) for item in wanted)]
        weaknesses = {
            pick(alarm, "AlarmName"): _shortcomings(alarm, required) for alarm in candidates
        }
        what = " and ".join(f"{item['namespace']} {item['metric']}" for item in wanted)
        check.holds(
            required["purpose"],
            f"alarm on {what}",
            any(not weakness for weakness in weaknesses.values()),
            expected=required["expected"],
            seen={name: "; ".join(found) for name, found in weaknesses.items()} or "no such alarm",
        )


@pytest.mark.control("alarm-delivery-stopped", reads.alarms)
def test_alarms_ring_when_the_trail_falls_silent(
    check: Check,
    alarms: list[Mapping[str, Any]],
    baseline: Mapping[str, Any],
) -> None:
    _check_alarms(check, alarms, baseline["alarms"]["delivery"])


@pytest.mark.control(
    "alarm-function-trouble",
    reads.alarms,
    reads.metric_filters,
    reads.subscription_filters,
    reads.pattern_on_messages,
)
def test_alarms_ring_when_the_function_is_in_trouble(
    check: Check,
    aws: Aws,
    alarms: list[Mapping[str, Any]],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    _check_alarms(check, alarms, baseline["alarms"]["function"])
    pattern = _pattern_to_count(check, aws, deployment, baseline)
    if pattern is not None:
        _metrics_of(
            check,
            deployment.trail_log_group_name,
            aws.pick(reads.metric_filters(deployment), "metricFilters"),
            "events that the function must judge",
            pattern,
        )


def _pattern_to_count(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> str | None:
    """The pattern by which the events are counted that should invoke the function.

    That is the live subscription's, if it lets through what it must. If not, the subscription is at
    fault and not the count: a pattern that does is as good. None if there is no such pattern.
    """
    found = [
        entry
        for entry in aws.pick(reads.subscription_filters(deployment), "subscriptionFilters")
        if pick(entry, "filterName") == deployment.subscription_filter_name
    ]
    if not found:
        check.unknown(
            deployment.trail_log_group_name,
            "there is no subscription whose events the metric filter could be seen to count",
        )
        return None
    subscribed: str = pick(found[0], "filterPattern")
    faults = faults_of_pattern(aws, deployment, baseline, subscribed)
    if not faults:
        return subscribed
    needed = {
        (metric["namespace"], metric["metric"])
        for required in baseline["alarms"]["function"]
        for metric in required["metrics"]
    }
    counting = [
        pick(entry, "filterPattern")
        for entry in aws.pick(reads.metric_filters(deployment), "metricFilters")
        for item in pick(entry, "metricTransformations")
        if (pick(item, "metricNamespace"), pick(item, "metricName")) in needed
    ]
    for pattern in counting:
        if not faults_of_pattern(aws, deployment, baseline, pattern):
            return str(pattern)
    check.none(
        deployment.trail_log_group_name,
        "metric filter for events that the function must judge",
        faults,
    )
    return None


@pytest.mark.control("alarm-actions", reads.alarms)
def test_alarms_of_the_stack_notify_the_alert_topic(
    check: Check, alarms: list[Mapping[str, Any]], deployment: Deployment
) -> None:
    live = {pick(alarm, "AlarmName"): alarm for alarm in alarms}
    for name in sorted(deployment.alarm_names.values()):
        alarm = live.get(name)
        check.holds(name, "alarm", alarm is not None, expected="exists", seen=alarm and "exists")
        if alarm is None:
            continue
        check.equal(name, "actions enabled", expected=True, seen=pick(alarm, "ActionsEnabled"))
        actions = pick(alarm, "AlarmActions")
        check.holds(
            name,
            "actions",
            deployment.alert_topic_arn in actions,
            expected=deployment.alert_topic_arn,
            seen=actions,
        )


@pytest.mark.control("security-metric-alarms", reads.alarms, reads.metric_filters)
def test_metric_filters_and_alarms_watch_security_changes(
    check: Check,
    aws: Aws,
    alarms: list[Mapping[str, Any]],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name = deployment.trail_log_group_name
    filters = aws.pick(reads.metric_filters(deployment), "metricFilters")
    for required in baseline["alarms"]["metric_filters"]:
        metrics = _metrics_of(check, name, filters, required["purpose"], required["pattern"])
        candidates = {
            pick(alarm, "AlarmName"): _activity_shortcomings(alarm, required, deployment)
            for alarm in alarms
            if (alarm.get("Namespace"), alarm.get("MetricName")) in metrics
        }
        check.holds(
            name,
            f"alarm for {required['purpose']}",
            any(not weakness for weakness in candidates.values()),
            expected=f"one on {in_words(metrics)} that rings at once and notifies the alert topic",
            seen={alarm: "; ".join(found) for alarm, found in candidates.items()}
            or "no such alarm",
        )


def _metrics_of(
    check: Check, group: str, filters: Iterable[Mapping[str, Any]], purpose: str, pattern: str
) -> set[tuple[str, str]]:
    """The metrics that filters with `pattern` count each matching event in."""
    counted = {
        (pick(item, "metricNamespace"), pick(item, "metricName"))
        for entry in filters
        if pick(entry, "filterPattern") == pattern
        for item in pick(entry, "metricTransformations")
        # Another value, or a dimension, and the alarm's metric does not count the events.
        if pick(item, "metricValue") == "1" and not item.get("dimensions")
    }
    check.holds(
        group,
        f"metric filter for {purpose}",
        bool(counted),
        expected=f"counts each event of {pattern}",
        seen=[
            f"{pick(entry, 'filterName')}: {pick(entry, 'filterPattern')} counts "
            + in_words([item.get("metricValue") for item in pick(entry, "metricTransformations")])
            for entry in filters
        ],
    )
    return counted


def _activity_shortcomings(
    alarm: Mapping[str, Any], required: Mapping[str, Any], deployment: Deployment
) -> list[str]:
    """In what an alarm on the right metric does not ring at the first event."""
    found = []
    if alarm.get("Dimensions"):
        found.append("has dimensions, which the metric has not")
    if "Unit" in alarm and alarm["Unit"] != "Count":
        found.append(f"only takes data in {alarm['Unit']}")
    if alarm.get("Statistic") != "Sum":
        found.append(f"statistic {alarm.get('Statistic')}")
    if pick(alarm, "ComparisonOperator") != "GreaterThanOrEqualToThreshold":
        found.append(f"compares by {alarm['ComparisonOperator']}")
    if pick(alarm, "Threshold") > required["threshold"]:
        found.append(f"threshold {alarm['Threshold']}")
    window = int(pick(alarm, "Period")) * int(pick(alarm, "EvaluationPeriods"))
    if window > required["maximum_window_seconds"]:
        found.append(f"looks back {window} s")
    if not pick(alarm, "ActionsEnabled") or deployment.alert_topic_arn not in pick(
        alarm, "AlarmActions"
    ):
        found.append("does not notify the alert topic")
    return found
