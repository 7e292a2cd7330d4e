"""The alarms on what a trail delivers, and whom they tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verify.discover.facts import Survey, others
from verify.discover.reading import Account, Answer


def alarms_and_topic(account: Account, found: Survey) -> None:
    """The alarms on what the trail's group and topic count, and the topic that they tell."""
    watched, problem = _watched(account, found)
    answer = account.ask("cloudwatch", "describe_alarms", AlarmTypes=["MetricAlarm"])
    problem = problem or answer.problem
    if problem:
        found.not_seen("alarms", problem)
        found.not_seen("alert-topic", problem)
        return
    alarms = {
        alarm["AlarmName"]: alarm
        for alarm in answer.known.get("MetricAlarms", [])
        if watched & set(_metrics(alarm))
    }
    if not alarms:
        reason = f"{answer.source} shows none on a metric of the trail's log group or topic"
        found.without("alarms", reason)
        found.without("alert-topic", reason)
        return
    source = f"{answer.source}: those on metrics of the trail's log group or topic"
    found.take(
        source,
        alarm_names={name: name for name in alarms},
        alarm_arns={name: alarm["AlarmArn"] for name, alarm in alarms.items()},
    )
    told = Counter(
        action
        for alarm in alarms.values()
        for action in alarm.get("AlarmActions", [])
        if ":sns:" in action
    )
    if not told:
        found.without("alert-topic", f"{answer.source}: no such alarm tells a topic")
        return
    _alert_topic(account, found, [arn for arn, _ in told.most_common()], answer.source)


_Metric = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions


def _watched(account: Account, found: Survey) -> tuple[set[_Metric], str]:
    """The metrics of what the trail delivers, and why they are not all known, if they are not."""
    watched: set[_Metric] = set()
    problem = ""
    if "trail_log_group_name" in found.outputs:
        group = found.outputs["trail_log_group_name"].value
        watched.add(("AWS/Logs", "IncomingLogEvents", frozenset({("LogGroupName", group)})))
        answer = account.ask("logs", "describe_metric_filters", logGroupName=group)
        problem = answer.problem
        watched |= set(_counted(answer))
    if "delivery_topic_arn" in found.outputs:
        topic = found.outputs["delivery_topic_arn"].value.rpartition(":")[2]
        dimensions = frozenset({("TopicName", topic)})
        watched.add(("AWS/SNS", "NumberOfNotificationsDelivered", dimensions))
    return watched, problem


def _counted(answer: Answer) -> Iterator[_Metric]:
    for entry in answer.known.get("metricFilters", []):
        for item in entry["metricTransformations"]:
            yield item["metricNamespace"], item["metricName"], frozenset()


def _metrics(alarm: Mapping[str, Any]) -> Iterator[_Metric]:
    """The metrics that an alarm looks at, by itself or in an expression."""
    stated = [
        item["MetricStat"]["Metric"] for item in alarm.get("Metrics", []) if "MetricStat" in item
    ]
    for metric in [alarm, *stated] if "MetricName" in alarm else stated:
        dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", []))
        yield metric["Namespace"], metric["MetricName"], dimensions


def _alert_topic(account: Account, found: Survey, topics: Sequence[str], source: str) -> None:
    arn = topics[0]
    found.take(
        f"{source}: AlarmActions of most of these alarms{others(topics[1:])}",
        alert_topic_arn=arn,
        alert_topic_name=arn.rpartition(":")[2],
    )
    answer = account.ask("sns", "list_subscriptions_by_topic", TopicArn=arn)
    listed = answer.known.get("Subscriptions", [])
    by_protocol = Counter(one["Protocol"] for one in listed)
    told = ", ".join(f"{count} by {protocol}" for protocol, count in sorted(by_protocol.items()))
    found.take(
        f"addresses are personal and not written here; {answer.source}: {told or 'nobody'}",
        alert_subscription_endpoints=[],
    )
    attributes = account.ask("sns", "get_topic_attributes", TopicArn=arn)
    key = attributes.known.get("Attributes", {}).get("KmsMasterKeyId")
    ours = found.outputs.get("kms_key_arn")
    if not attributes.problem and ours is not None:
        found.expect("alert_topic.key", ours.value, key or "none", attributes.source)
