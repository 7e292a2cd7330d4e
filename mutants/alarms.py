"""Alarm faults: alarms that look alive and will never ring, or ring where nobody hears."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family
from verify.live_fire.probes import ALWAYS, OPTIONAL

FAMILY = Family("alarms")
# How much older than all that the alarms on activity look at, and how long they may take to see it.
_OLDER_MINUTES, _SEEN_SECONDS = 20, 10.0
_DELIVERY = "alarm-delivery-stopped"
_FUNCTION = "alarm-function-trouble"
_SECURITY = "security-metric-alarms"
# Of an alarm that watches another metric: the dashboard shows what the deployment's alarms watch.
_SHOWN = "dashboard-shows-what-is-watched"


def quiet(account: Account) -> None:
    """Let the alarms that live fire sets off rest: one that rings already tells nothing of an act.

    The acts of the run before are so much older. What goes on ringing has another reason.
    """
    account.control("age-metrics", minutes=_OLDER_MINUTES)
    names = account.outputs["alarm_names"]
    watched = {act.alarm for probe in (ALWAYS, *OPTIONAL.values()) for act in probe.acts}
    alarms = [names[purpose] for purpose in sorted(watched & names.keys())]
    until = time.monotonic() + _SEEN_SECONDS
    while time.monotonic() < until:
        found = account.cloudwatch.describe_alarms(AlarmNames=alarms)["MetricAlarms"]
        if all(alarm["StateValue"] != "ALARM" for alarm in found):
            return
        time.sleep(0.2)


def _change(purpose: str, changes: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    """Change members of an alarm; those that are None are taken away."""
    original = account.alarm(purpose)
    changed = {**original, **changes}
    mending.callback(account.cloudwatch.put_metric_alarm, **original)
    account.cloudwatch.put_metric_alarm(
        **{member: value for member, value in changed.items() if value is not None}
    )


def _change_queries(
    purpose: str,
    change: Callable[[dict[str, Any]], None],
    others: Mapping[str, Any],
    account: Account,
    mending: ExitStack,
) -> None:
    """Change each query of an alarm on metric math, and other members of it."""
    metrics = account.alarm(purpose)["Metrics"]
    for query in metrics:
        change(query)
    account.change_alarm(mending, purpose, Metrics=metrics, **others)


def _in_stat(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """A change of how a metric is asked for."""
    return lambda query: query.get("MetricStat", {"Metric": {}}).update(changes)


def _in_metric(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """A change of which metric is asked for."""
    return lambda query: query.get("MetricStat", {"Metric": {}})["Metric"].update(changes)


def _computing(expression: str) -> Callable[[dict[str, Any]], None]:
    """Another expression."""

    def change(query: dict[str, Any]) -> None:
        if "Expression" in query:
            query["Expression"] = expression

    return change


for _name, _description, _purpose, _changes, _controls in (
    (
        "delivery-missing-data-is-fine",
        "silence of the trail counts as fine",
        "trail-delivery",
        {"TreatMissingData": "notBreaching"},
        (_DELIVERY,),
    ),
    (
        "delivery-missing-data-is-ignored",
        "silence of the log group keeps the alarm as it is",
        "log-delivery",
        {"TreatMissingData": "ignore"},
        (_DELIVERY,),
    ),
    (
        "delivery-threshold-zero",
        "the alarm rings at less than no event",
        "log-delivery",
        {"Threshold": 0.0},
        (_DELIVERY,),
    ),
    (
        "errors-by-the-hundred",
        "rings at a hundred errors",
        "function-errors",
        {"Threshold": 100.0},
        (_FUNCTION,),
    ),
    (
        "errors-averaged",
        "rings when the average invocation fails",
        "function-errors",
        {"Statistic": "Average"},
        (_FUNCTION,),
    ),
    (
        "errors-of-another-function",
        "watches the errors of another function",
        "function-errors",
        {"Dimensions": [{"Name": "FunctionName", "Value": "lambda-compliance-checker-elsewhere"}]},
        (_FUNCTION, _SHOWN),
    ),
    (
        "errors-in-another-unit",
        "waits for errors in seconds, of which there are none",
        "function-errors",
        {"Unit": "Seconds"},
        (_FUNCTION,),
    ),
    (
        "errors-five-minutes-in-a-row",
        "rings when each of five minutes has an error",
        "function-errors",
        {"Period": 60, "EvaluationPeriods": 5},
        (_FUNCTION,),
    ),
    (
        "errors-from-zero",
        "rings at no error as well",
        "function-errors",
        {"Threshold": 0.0},
        (_FUNCTION,),
    ),
    (
        "errors-missing-are-errors",
        "rings while the function is not invoked",
        "function-errors",
        {"TreatMissingData": "breaching"},
        (_FUNCTION,),
    ),
    (
        "errors-once-and-never-more",
        "stays in ALARM after an error, and cannot ring again",
        "function-errors",
        {"TreatMissingData": "ignore"},
        (_FUNCTION,),
    ),
    (
        "throttles-a-quarter-later",
        "looks at a quarter of an hour at a time",
        "function-throttles",
        {"Period": 900},
        (_FUNCTION,),
    ),
    (
        "duration-in-sum",
        "rings at the sum of durations",
        "function-duration",
        {"Statistic": "Sum"},
        (_FUNCTION,),
    ),
    (
        "queue-at-its-lowest",
        "rings when the queue was never empty for five minutes",
        "dead-letter-queue-depth",
        {"Statistic": "Minimum"},
        (_FUNCTION,),
    ),
    (
        "throttles-the-wrong-way-round",
        "rings while there is no throttle",
        "function-throttles",
        {"ComparisonOperator": "LessThanOrEqualToThreshold"},
        (_FUNCTION,),
    ),
    (
        "queue-over-hours",
        "waits until dead letters have lain for six hours",
        "dead-letter-queue-depth",
        {"Period": 3600, "EvaluationPeriods": 6, "DatapointsToAlarm": 6},
        (_FUNCTION,),
    ),
    (
        "security-groups-by-the-hundred",
        "rings at a hundred changes of security groups",
        "security-group-changes",
        {"Threshold": 100.0},
        (_SECURITY,),
    ),
    (
        "security-groups-another-metric",
        "watches a metric that no filter feeds",
        "security-group-changes",
        {"MetricName": "security-group-changes-elsewhere"},
        (_SECURITY, _SHOWN),
    ),
    (
        "root-user-with-a-dimension",
        "watches the metric with a dimension that the filter does not give it",
        "root-account-use",
        {"Dimensions": [{"Name": "Account", "Value": "all"}]},
        (_SECURITY, _SHOWN),
    ),
    (
        "trail-changes-day-after-day",
        "rings when the trail was changed on each of seven days",
        "cloudtrail-changes",
        {"Period": 86400, "EvaluationPeriods": 7, "DatapointsToAlarm": 7},
        (_SECURITY,),
    ),
):
    FAMILY.add(
        _name,
        f"alarm {_purpose}: {_description}",
        partial(_change, _purpose, _changes),
        *_controls,
    )


def _elsewhere(name: str, value: str) -> Callable[[dict[str, Any]], None]:
    return _in_metric(Dimensions=[{"Name": name, "Value": value}])


def _in_another_account(query: dict[str, Any]) -> None:
    if "MetricStat" in query:
        query["AccountId"] = STRANGER


_UNTOUCHED: Mapping[str, Any] = {}
_NOT_INVOKED = "function-not-invoked"
for _name, _description, _purpose, _queries, _others, _controls in (
    (
        "delivery-of-another-topic",
        "the alarm watches another topic",
        "trail-delivery",
        _elsewhere("TopicName", "sns-trail-delivery-elsewhere"),
        _UNTOUCHED,
        (_DELIVERY, _SHOWN),
    ),
    (
        "delivery-over-a-day",
        "the alarm waits for a whole day of silence",
        "log-delivery",
        _in_stat(Period=3600),
        {"EvaluationPeriods": 24},
        (_DELIVERY,),
    ),
    (
        "delivery-in-another-unit",
        "the alarm waits for data in a unit that none is published in",
        "log-delivery",
        _in_stat(Unit="Gigabits/Second"),
        _UNTOUCHED,
        (_DELIVERY,),
    ),
    (
        "delivery-as-it-comes",
        "CloudWatch looks for missing data further back than told, and the alarm rings late",
        "trail-delivery",
        _computing("arrived + 0"),
        _UNTOUCHED,
        (_DELIVERY,),
    ),
    (
        "delivery-at-the-first-pause",
        "the alarm rings when ten minutes bring nothing",
        "log-delivery",
        _in_stat(Period=300),
        {"EvaluationPeriods": 2},
        (_DELIVERY,),
    ),
    (
        "not-invoked-never-true",
        "the alarm computes what is never true",
        _NOT_INVOKED,
        _computing("events * 0"),
        _UNTOUCHED,
        (_FUNCTION,),
    ),
    (
        "not-invoked-in-one-period",
        "rings whenever an invocation falls into the period after its event's",
        _NOT_INVOKED,
        _in_stat(Period=300),
        {"EvaluationPeriods": 1},
        (_FUNCTION,),
    ),
    (
        "not-invoked-of-nothing",
        "says nothing when the function was never invoked",
        _NOT_INVOKED,
        _computing("IF(FILL(events, 0) > 0 AND FILL(invocations, 0) == 0, 1, 0)"),
        _UNTOUCHED,
        (_FUNCTION,),
    ),
    (
        "not-invoked-of-another-function",
        "the alarm counts another function's invocations",
        _NOT_INVOKED,
        _elsewhere("FunctionName", "lambda-compliance-checker-elsewhere"),
        _UNTOUCHED,
        (_FUNCTION, _SHOWN),
    ),
    (
        "not-invoked-in-another-account",
        "the alarm takes its metrics from another account",
        _NOT_INVOKED,
        _in_another_account,
        _UNTOUCHED,
        (_FUNCTION,),
    ),
):
    FAMILY.add(
        _name,
        f"alarm {_purpose}: {_description}",
        partial(_change_queries, _purpose, _queries, _others),
        *_controls,
    )

FAMILY.add(
    "errors-by-percentile",
    "alarm function-errors: watches a percentile, of which a few errors may be no part",
    partial(_change, "function-errors", {"Statistic": None, "ExtendedStatistic": "p50"}),
    errors=frozenset({_FUNCTION}),
)
FAMILY.add(
    "not-invoked-by-a-band",
    "alarm function-not-invoked: computes what is not known to be right",
    partial(_change_queries, _NOT_INVOKED, _computing("RATE(events)"), _UNTOUCHED),
    errors=frozenset({_FUNCTION}),
)


# --- unusual access -------------------------------------------------------------------------------

_UNUSUAL = "unusual-access"
_UNUSUAL_RINGS = "unusual-access-rings"


def _fixed_number(account: Account, mending: ExitStack) -> None:
    """The alarm holds its metric against a number, and not against a band."""
    [measured] = [one for one in account.alarm(_UNUSUAL)["Metrics"] if "MetricStat" in one]
    changes = {
        "Metrics": [measured],
        "ThresholdMetricId": None,
        "Threshold": 1000.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    _change(_UNUSUAL, changes, account, mending)


FAMILY.add(
    "unusual-by-a-fixed-number",
    "alarm unusual-access: rings at a thousand requests, usual or not",
    _fixed_number,
    _UNUSUAL_RINGS,
    needs=_UNUSUAL_RINGS,
)
for _name, _description, _queries, _others, _controls in (
    (
        "unusual-is-far-away",
        "its band is as wide as twenty standard deviations",
        _computing("ANOMALY_DETECTION_BAND(requests, 20)"),
        _UNTOUCHED,
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-is-everything",
        "its band is so narrow that it never rests",
        _computing("ANOMALY_DETECTION_BAND(requests, 0.5)"),
        _UNTOUCHED,
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-is-less",
        "rings where there are fewer requests than usual",
        _in_stat(),
        {"ComparisonOperator": "LessThanLowerThreshold"},
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-for-a-day",
        "rings when a whole day was unusual",
        _in_stat(),
        {"EvaluationPeriods": 288, "DatapointsToAlarm": 288},
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-on-average",
        "looks at the average of requests, each of which counts one",
        _in_stat(Stat="Average"),
        _UNTOUCHED,
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-in-another-account",
        "takes its metric from another account",
        _in_another_account,
        _UNTOUCHED,
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-once-and-never-more",
        "stays in ALARM after unusual access, and cannot ring again",
        _in_stat(),
        {"TreatMissingData": "ignore"},
        (_UNUSUAL_RINGS,),
    ),
    (
        "unusual-deletions-alone",
        "counts deletions alone, and no reads",
        _in_metric(MetricName="DeleteRequests"),
        _UNTOUCHED,
        (_UNUSUAL_RINGS, _SHOWN),
    ),
    (
        "unusual-of-another-bucket",
        "watches another bucket",
        _in_metric(
            Dimensions=[
                {"Name": "BucketName", "Value": "s3-access-logs-elsewhere-123456789012"},
                {"Name": "FilterId", "Value": "all-requests"},
            ]
        ),
        _UNTOUCHED,
        (_UNUSUAL_RINGS, _SHOWN),
    ),
):
    FAMILY.add(
        _name,
        f"alarm {_UNUSUAL}: {_description}",
        partial(_change_queries, _UNUSUAL, _queries, _others),
        *_controls,
        needs=_UNUSUAL_RINGS,
    )
FAMILY.add(
    "unusual-by-metric-math",
    "alarm unusual-access: computes what is not known to be right",
    partial(
        _change_queries,
        _UNUSUAL,
        _computing("ANOMALY_DETECTION_BAND(requests, 3) * 2"),
        _UNTOUCHED,
    ),
    errors=frozenset({_UNUSUAL_RINGS}),
    needs=_UNUSUAL_RINGS,
)


def _counting(account: Account, mending: ExitStack) -> dict[str, str]:
    """The configuration by which S3 counts requests to the log bucket, restored when mended."""
    which = {"Bucket": account.outputs["log_bucket_name"], "Id": "all-requests"}
    found = account.s3.get_bucket_metrics_configuration(**which)["MetricsConfiguration"]
    mending.callback(
        account.s3.put_bucket_metrics_configuration, **which, MetricsConfiguration=found
    )
    return which


@FAMILY.fault(
    "S3 does not count requests to the log bucket any more", _UNUSUAL_RINGS, needs=_UNUSUAL_RINGS
)
def requests_not_counted(account: Account, mending: ExitStack) -> None:
    account.s3.delete_bucket_metrics_configuration(**_counting(account, mending))


@FAMILY.fault(
    "S3 counts requests for a folder of the log bucket alone", _UNUSUAL_RINGS, needs=_UNUSUAL_RINGS
)
def requests_of_a_folder_counted(account: Account, mending: ExitStack) -> None:
    which = _counting(account, mending)
    account.s3.put_bucket_metrics_configuration(
        **which, MetricsConfiguration={"Id": which["Id"], "Filter": {"Prefix": "elsewhere/"}}
    )


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


@FAMILY.fault("an alarm tells a stranger's topic when all is well again", "alarm-actions")
def action_for_a_stranger(account: Account, mending: ExitStack) -> None:
    topic = f"arn:aws:sns:{account.outputs['region']}:{STRANGER}:alerts"
    account.change_alarm(mending, "function-duration", OKActions=[topic])


def _mute(expression: str, purpose: str, account: Account, mending: ExitStack) -> None:
    name = "quiet-please"
    mending.callback(account.cloudwatch.delete_alarm_mute_rule, AlarmMuteRuleName=name)
    account.cloudwatch.put_alarm_mute_rule(
        Name=name,
        Rule={"Schedule": {"Expression": expression, "Duration": "PT8H"}},
        MuteTargets={"AlarmNames": [account.outputs["alarm_names"][purpose]]},
    )


FAMILY.add(
    "muted-now",
    "a mute rule keeps the alarm on lost records quiet, from now on",
    partial(_mute, "cron(* * * * *)", "dead-letter-queue-depth"),
    "alarm-actions",
)
FAMILY.add(
    "muted-at-times",
    "a mute rule will keep the alarm on changes of the trail quiet, on some day",
    partial(_mute, "at(2090-01-01T00:00)", "cloudtrail-changes"),
    "alarm-actions",
)


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
    "actions-disabled-for-unusual-access",
    "the actions of the alarm on unusual access are disabled",
    partial(_silence, _UNUSUAL),
    "alarm-actions",
    _UNUSUAL_RINGS,
    needs=_UNUSUAL_RINGS,
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


def _transform(
    purpose: str, changes: Mapping[str, Any], account: Account, mending: ExitStack
) -> None:
    original, _ = _filter(purpose, account, mending)
    changed = [{**item, **changes} for item in original["metricTransformations"]]
    account.logs.put_metric_filter(**{**original, "metricTransformations": changed})


for _name, _description, _purpose, _changes in (
    ("counts-nothing", "counts each use as nothing", "root-account-use", {"metricValue": "0"}),
    (
        "counts-halves",
        "counts each change as a half, and the alarm rings at one",
        "iam-policy-changes",
        {"metricValue": "0.5"},
    ),
    (
        "counts-always",
        "counts every other event as well, so that the alarm never rests",
        "security-group-changes",
        {"defaultValue": 1.0},
    ),
):
    FAMILY.add(
        _name,
        f"metric filter {_purpose}: {_description}",
        partial(_transform, _purpose, _changes),
        _SECURITY,
    )


# What prod watches besides dev.
_OF_PROD = frozenset(
    {
        "network-acl-changes",
        "gateway-changes",
        "route-table-changes",
        "vpc-changes",
        "key-removals",
        "bucket-policy-changes",
        "config-changes",
        "unauthorized-calls",
        "sign-ins-without-mfa",
        "failed-sign-ins",
    }
)
_OF_BOTH = frozenset(
    {
        "security-group-changes",
        "iam-policy-changes",
        "cloudtrail-changes",
        "root-account-use",
    }
)


def _select(pattern: str, purpose: str, account: Account, mending: ExitStack) -> None:
    original, _ = _filter(purpose, account, mending)
    account.logs.put_metric_filter(**{**original, "filterPattern": pattern})


for _purpose in sorted(_OF_BOTH | _OF_PROD):
    for _name, _description, _pattern in (
        ("never", "selects nothing that happens", "{ $.eventName = NothingThatHappens }"),
        ("always", "selects whatever happens", "{ $.eventName = * }"),
    ):
        FAMILY.add(
            f"{_purpose}-{_name}",
            f"metric filter {_purpose}: {_description}",
            partial(_select, _pattern, _purpose),
            _SECURITY,
            needs="tier-routes" if _purpose in _OF_PROD else "",
        )
FAMILY.add(
    "failed-sign-ins-by-the-hundred",
    "the alarm on failed sign-ins rings at a hundred",
    partial(_change, "failed-sign-ins", {"Threshold": 100.0}),
    _SECURITY,
    needs="tier-routes",
)


@FAMILY.fault("the metric filter for security groups looks away when one user acts", _SECURITY)
def filter_with_an_exception(account: Account, mending: ExitStack) -> None:
    original, _ = _filter("security-group-changes", account, mending)
    inner = original["filterPattern"].strip("{ }")
    pattern = f"{{ ({inner}) && $.userIdentity.userName != ada }}"
    account.logs.put_metric_filter(**{**original, "filterPattern": pattern})


def _count_by(pattern: str, account: Account, mending: ExitStack) -> None:
    original, _ = _filter("relevant-events", account, mending)
    account.logs.put_metric_filter(**{**original, "filterPattern": pattern})


@FAMILY.fault("the count of relevant events looks at nothing that happens", _FUNCTION)
def relevant_events_not_counted(account: Account, mending: ExitStack) -> None:
    _count_by("{ $.eventName = Nothing }", account, mending)


@FAMILY.fault("the relevant events are counted in another metric than the alarm's", _FUNCTION)
def relevant_events_counted_elsewhere(account: Account, mending: ExitStack) -> None:
    _transform("relevant-events", {"metricName": "relevant-events-elsewhere"}, account, mending)


@FAMILY.fault("the count of relevant events has a pattern of its own", _FUNCTION)
def relevant_events_counted_otherwise(account: Account, mending: ExitStack) -> None:
    own = '{ $.userIdentity.type = "Root" || $.readOnly IS FALSE || $.readOnly NOT EXISTS }'
    _count_by(own, account, mending)


@FAMILY.fault(
    "an alarm is deleted, and its tags with it",
    _FUNCTION,
    "alarm-actions",
    _SHOWN,  # its metric is one that nobody watches
    errors=frozenset({"resources-tagged"}),
)
def alarm_deleted(account: Account, mending: ExitStack) -> None:
    original = account.alarm("function-errors")
    tags = account.cloudwatch.list_tags_for_resource(
        ResourceARN=account.outputs["alarm_arns"]["function-errors"]
    )["Tags"]
    mending.callback(account.cloudwatch.put_metric_alarm, **original, Tags=tags)
    account.cloudwatch.delete_alarms(AlarmNames=[original["AlarmName"]])
