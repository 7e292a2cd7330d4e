"""Alarm faults: alarms that look alive and will never ring, or ring where nobody hears."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import Account
from mutants.model import Family

FAMILY = Family("alarms")
_DELIVERY = "alarm-delivery-stopped"
_FUNCTION = "alarm-function-trouble"
_SECURITY = "security-metric-alarms"


def _change(purpose: str, changes: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    account.change_alarm(mending, purpose, **changes)


for _name, _description, _purpose, _changes, _control in (
    (
        "delivery-missing-data-is-fine",
        "silence of the trail counts as fine",
        "trail-delivery",
        {"TreatMissingData": "notBreaching"},
        _DELIVERY,
    ),
    (
        "delivery-missing-data-is-ignored",
        "silence of the log group keeps the alarm as it is",
        "log-delivery",
        {"TreatMissingData": "ignore"},
        _DELIVERY,
    ),
    (
        "delivery-of-another-topic",
        "the alarm watches another topic",
        "trail-delivery",
        {"Dimensions": [{"Name": "TopicName", "Value": "sns-trail-delivery-prod"}]},
        _DELIVERY,
    ),
    (
        "delivery-over-a-day",
        "the alarm waits for a whole day of silence",
        "log-delivery",
        {"Period": 3600, "EvaluationPeriods": 24, "DatapointsToAlarm": 24},
        _DELIVERY,
    ),
    (
        "delivery-threshold-zero",
        "the alarm rings at less than no event",
        "log-delivery",
        {"Threshold": 0.0},
        _DELIVERY,
    ),
    (
        "delivery-in-another-unit",
        "the alarm waits for data in a unit that none is published in",
        "log-delivery",
        {"Unit": "Gigabits/Second"},
        _DELIVERY,
    ),
    (
        "errors-by-the-hundred",
        "rings at a hundred errors",
        "function-errors",
        {"Threshold": 100.0},
        _FUNCTION,
    ),
    (
        "errors-averaged",
        "rings when the average invocation fails",
        "function-errors",
        {"Statistic": "Average"},
        _FUNCTION,
    ),
    (
        "errors-of-another-function",
        "watches the errors of another function",
        "function-errors",
        {"Dimensions": [{"Name": "FunctionName", "Value": "lambda-compliance-checker-prod"}]},
        _FUNCTION,
    ),
    (
        "errors-in-another-unit",
        "waits for errors in seconds, of which there are none",
        "function-errors",
        {"Unit": "Seconds"},
        _FUNCTION,
    ),
    (
        "throttles-the-wrong-way-round",
        "rings while there is no throttle",
        "function-throttles",
        {"ComparisonOperator": "LessThanOrEqualToThreshold"},
        _FUNCTION,
    ),
    (
        "queue-over-hours",
        "waits until dead letters have lain for six hours",
        "dead-letter-queue-depth",
        {"Period": 3600, "EvaluationPeriods": 6, "DatapointsToAlarm": 6},
        _FUNCTION,
    ),
    (
        "security-groups-by-the-hundred",
        "rings at a hundred changes of security groups",
        "security-group-changes",
        {"Threshold": 100.0},
        _SECURITY,
    ),
    (
        "security-groups-another-metric",
        "watches a metric that no filter feeds",
        "security-group-changes",
        {"MetricName": "security-group-changes-prod"},
        _SECURITY,
    ),
    (
        "root-user-with-a-dimension",
        "watches the metric with a dimension that the filter does not give it",
        "root-account-use",
        {"Dimensions": [{"Name": "Account", "Value": "all"}]},
        _SECURITY,
    ),
    (
        "trail-changes-day-after-day",
        "rings when the trail was changed on each of seven days",
        "cloudtrail-changes",
        {"Period": 86400, "EvaluationPeriods": 7, "DatapointsToAlarm": 7},
        _SECURITY,
    ),
):
    FAMILY.add(
        _name,
        f"alarm {_purpose}: {_description}",
        partial(_change, _purpose, _changes),
        _control,
    )


@FAMILY.fault("the alarm for a function that is not invoked computes what is never true", _FUNCTION)
def expression_never_true(account: Account, mending: ExitStack) -> None:
    metrics = account.alarm("function-not-invoked")["Metrics"]
    for query in metrics:
        if "Expression" in query:
            query["Expression"] = query["Expression"].replace("events, 0) > 0", "events, 0) < 0")
    account.change_alarm(mending, "function-not-invoked", Metrics=metrics)


@FAMILY.fault("the alarm for a function that is not invoked counts another function's", _FUNCTION)
def expression_on_another_function(account: Account, mending: ExitStack) -> None:
    metrics = account.alarm("function-not-invoked")["Metrics"]
    for query in metrics:
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", []):
            dimension["Value"] = "lambda-compliance-checker-prod"
    account.change_alarm(mending, "function-not-invoked", Metrics=metrics)


# --- actions --------------------------------------------------------------------------------------


@FAMILY.fault("an alarm has no action", "alarm-actions")
def no_action(account: Account, mending: ExitStack) -> None:
    account.change_alarm(mending, "function-errors", AlarmActions=[])


@FAMILY.fault("an alarm's action points to another topic", "alarm-actions")
def action_elsewhere(account: Account, mending: ExitStack) -> None:
    other = account.outputs["delivery_topic_arn"]
    account.change_alarm(mending, "trail-delivery", AlarmActions=[other])


@FAMILY.fault("an alarm rings only when all is well again", "alarm-actions")
def action_on_recovery_only(account: Account, mending: ExitStack) -> None:
    topic = account.outputs["alert_topic_arn"]
    account.change_alarm(mending, "function-duration", AlarmActions=[], OKActions=[topic])


def _silence(purpose: str, account: Account, mending: ExitStack) -> None:
    names = {"AlarmNames": [account.outputs["alarm_names"][purpose]]}
    mending.callback(account.cloudwatch.enable_alarm_actions, **names)
    account.cloudwatch.disable_alarm_actions(**names)


FAMILY.add(
    "actions-disabled",
    "the actions of an alarm are disabled",
    partial(_silence, "function-throttles"),
    "alarm-actions",
)
FAMILY.add(
    "actions-disabled-for-security",
    "the actions of an alarm on IAM changes are disabled",
    partial(_silence, "iam-policy-changes"),
    "alarm-actions",
    _SECURITY,
)


# --- metric filters -------------------------------------------------------------------------------


def _filter(
    purpose: str, account: Account, mending: ExitStack
) -> tuple[dict[str, Any], dict[str, str]]:
    """A metric filter as PutMetricFilter takes it, restored when mended, and its name."""
    which = {
        "logGroupName": account.outputs["trail_log_group_name"],
        "filterName": f"metric-filter-{purpose}-{account.outputs['environment']}",
    }
    found = account.logs.describe_metric_filters(
        logGroupName=which["logGroupName"], filterNamePrefix=which["filterName"]
    )["metricFilters"]
    [described] = [item for item in found if item["filterName"] == which["filterName"]]
    members = ("filterPattern", "metricTransformations")
    original = {**which, **{member: described[member] for member in members}}
    mending.callback(account.logs.put_metric_filter, **original)
    return original, which


@FAMILY.fault("the metric filter for security groups is deleted", _SECURITY)
def filter_deleted(account: Account, mending: ExitStack) -> None:
    _, which = _filter("security-group-changes", account, mending)
    account.logs.delete_metric_filter(**which)


@FAMILY.fault("the metric filter for the trail no longer sees that logging stops", _SECURITY)
def filter_narrowed(account: Account, mending: ExitStack) -> None:
    original, _ = _filter("cloudtrail-changes", account, mending)
    pattern = original["filterPattern"].replace(" || ($.eventName = StopLogging)", "")
    account.logs.put_metric_filter(**{**original, "filterPattern": pattern})


@FAMILY.fault("the metric filter for the root user counts each use as nothing", _SECURITY)
def filter_counts_nothing(account: Account, mending: ExitStack) -> None:
    original, _ = _filter("root-account-use", account, mending)
    transformations = [{**item, "metricValue": "0"} for item in original["metricTransformations"]]
    account.logs.put_metric_filter(**{**original, "metricTransformations": transformations})


def _count_by(pattern: str, account: Account, mending: ExitStack) -> None:
    original, _ = _filter("relevant-events", account, mending)
    account.logs.put_metric_filter(**{**original, "filterPattern": pattern})


@FAMILY.fault("the count of relevant events looks at nothing that happens", _FUNCTION)
def relevant_events_not_counted(account: Account, mending: ExitStack) -> None:
    _count_by("{ $.eventName = Nothing }", account, mending)


@FAMILY.fault("the count of relevant events has a pattern of its own", _FUNCTION)
def relevant_events_counted_otherwise(account: Account, mending: ExitStack) -> None:
    own = '{ $.userIdentity.type = "Root" || $.readOnly IS FALSE || $.readOnly NOT EXISTS }'
    _count_by(own, account, mending)


@FAMILY.fault(
    "an alarm is deleted, and its tags with it",
    _FUNCTION,
    "alarm-actions",
    errors=frozenset({"resources-tagged"}),
)
def alarm_deleted(account: Account, mending: ExitStack) -> None:
    original = account.alarm("function-errors")
    tags = account.cloudwatch.list_tags_for_resource(
        ResourceARN=account.outputs["alarm_arns"]["function-errors"]
    )["Tags"]
    mending.callback(account.cloudwatch.put_metric_alarm, **original, Tags=tags)
    account.cloudwatch.delete_alarms(AlarmNames=[original["AlarmName"]])
