"""Alarms: silence and trouble of the pipeline ring, and the ring reaches the alert topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.alarms.weaknesses import looks_at, weaknesses
from verify.check import Check
from verify.checks.subscription import faults_of_pattern
from verify.events.filters import narrowings
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.wording import in_words


def _weaknesses(
    alarm: Mapping[str, Any], required: Mapping[str, Any], *accepted_units: str
) -> list[str]:
    try:
        return weaknesses(alarm, required, frozenset(accepted_units))
    except KeyError as error:
        raise NotVerifiedError(f"the API's answer on {alarm['AlarmName']} lacks {error}") from None


def _check_alarms(
    check: Check,
    alarms: Iterable[Mapping[str, Any]],
    requirements: Iterable[Mapping[str, Any]],
) -> None:
    """For each requirement there is an alarm on its metrics that is no weaker than it."""
    for required in requirements:
        wanted = required["metrics"]
        candidates = [alarm for alarm in alarms if all(looks_at(alarm, item) for item in wanted)]
        found = {pick(alarm, "AlarmName"): _weaknesses(alarm, required) for alarm in candidates}
        what = " and ".join(f"{item['namespace']} {item['metric']}" for item in wanted)
        check.holds(
            required["purpose"],
            f"alarm on {what}",
            any(not wrong for wrong in found.values()),
            expected=required["expected"],
            seen={name: "; ".join(wrong) for name, wrong in found.items()} or "no such alarm",
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
            pick(alarm, "AlarmName"): _activity_weaknesses(alarm, required, deployment)
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
        if (pick(entry, "filterPattern"), pick(entry, "logGroupName")) == (pattern, group)
        for item in pick(entry, "metricTransformations")
        if not _miscounts(entry, item)
    }
    check.holds(
        group,
        f"metric filter for {purpose}",
        bool(counted),
        expected=f"counts each event of {pattern}",
        seen=[
            f"{entry.get('filterName')}: {pick(entry, 'filterPattern')}: "
            + in_words(_miscounts(entry, item) or "counts each event")
            for entry in filters
            for item in pick(entry, "metricTransformations")
        ],
    )
    return counted


def _miscounts(entry: Mapping[str, Any], item: Mapping[str, Any]) -> list[str]:
    """Why the metric is not the number of events that the filter's pattern selects."""
    found = narrowings(entry)
    if pick(item, "metricValue") != "1":
        found.append(f"counts {item['metricValue']} for an event")
    if item.get("defaultValue", 0) != 0:
        found.append(f"counts {item['defaultValue']} for no event")
    if item.get("dimensions") or entry.get("emitSystemFieldDimensions"):
        found.append("counts apart by dimensions")
    return found


def _activity_weaknesses(
    alarm: Mapping[str, Any], required: Mapping[str, Any], deployment: Deployment
) -> list[str]:
    """In what an alarm on the right metric does not ring at the first event and tell of it."""
    at_first = {
        "statistic": "Sum",
        "comparison": "GreaterThanOrEqualToThreshold",
        "maximum_threshold": required["threshold"],
        "maximum_window_seconds": required["maximum_window_seconds"],
    }
    found = _weaknesses(alarm, at_first, "Count")
    if alarm.get("Dimensions"):
        found.append("has dimensions, which the metric has not")
    if not pick(alarm, "ActionsEnabled") or deployment.alert_topic_arn not in pick(
        alarm, "AlarmActions"
    ):
        found.append("does not notify the alert topic")
    return found
