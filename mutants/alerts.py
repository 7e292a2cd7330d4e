"""Alert faults: the way from the API call to the alert is cut at each of its links."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from mutants.account import Account, without
from mutants.event_path import alter_rule
from mutants.function import throttle
from mutants.function_callers import forbid
from mutants.function_code import run_with
from mutants.log_groups import unsubscribe
from mutants.model import Break, Family, Suite
from mutants.trail import change_policy, policy_statements, select
from verify.inputs import catalogue

FAMILY = Family("alerts")


_ALERTS = tuple(name for name in catalogue.load() if name.startswith("alert-on-"))
_ALARMS = "alarms-tell-of-acts"


def _cut(
    description: str, *fails: str, errors: frozenset[str] = frozenset()
) -> Callable[[Break], Break]:
    """A fault that keeps alerts, all or those named, from coming: they cannot be timed either."""
    return FAMILY.fault(
        description,
        *(fails or _ALERTS),
        errors=errors | {"alert-within-target", "alert-by-both-paths"},
        suite=Suite.LIVE_FIRE,
    )


def _cut_log_path(description: str) -> Callable[[Break], Break]:
    """A fault of the log group's path alone: the alert comes, and that path can't be timed."""
    return FAMILY.fault(
        description,
        "alert-by-both-paths",
        errors=frozenset({"alert-within-target"}),
        suite=Suite.LIVE_FIRE,
    )


@FAMILY.fault(
    "EventBridge takes opened rules to the function no longer",
    "alert-by-both-paths",
    suite=Suite.LIVE_FIRE,
)
def quick_path_cut(account: Account, mending: ExitStack) -> None:
    alter_rule(lambda rule: rule.update(State="DISABLED"), "changes-1", account, mending)


@_cut("the trail is stopped", *_ALERTS, _ALARMS)
def trail_stopped(account: Account, mending: ExitStack) -> None:
    name = {"Name": account.outputs["trail_arn"]}
    mending.callback(account.cloudtrail.start_logging, **name)
    account.cloudtrail.stop_logging(**name)


@_cut("the trail records reads only", *_ALERTS, _ALARMS)
def trail_records_reads(account: Account, mending: ExitStack) -> None:
    selector = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True, "DataResources": []}
    select({"EventSelectors": [selector]}, account, mending)


@_cut_log_path("the subscription is deleted")
def subscription_deleted(account: Account, mending: ExitStack) -> None:
    unsubscribe(account, mending)


@_cut_log_path("the subscription's pattern lets opened rules through no longer")
def opened_rules_passed_over(account: Account, mending: ExitStack) -> None:
    _narrow(account, mending, "AuthorizeSecurityGroupIngress")


@_cut_log_path("the subscription's pattern lets bucket policies through no longer")
def bucket_policies_passed_over(account: Account, mending: ExitStack) -> None:
    _narrow(account, mending, "PutBucketPolicy")


def _narrow(account: Account, mending: ExitStack, event: str) -> None:
    """Keep the records of one event, and no other, from the function until mended."""
    original = account.subscription_filter
    mending.callback(account.logs.put_subscription_filter, **original)
    pattern = f"{{ $.eventName != {event} }}"
    account.logs.put_subscription_filter(**{**original, "filterPattern": pattern})


@_cut("the trail leaves out the events of global services", "alert-on-administrator-role", _ALARMS)
def global_services_left_out(account: Account, mending: ExitStack) -> None:
    name = {"Name": account.outputs["trail_arn"]}
    mending.callback(
        account.cloudtrail.update_trail,
        **name,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
    )
    account.cloudtrail.update_trail(
        **name, IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False
    )


@_cut_log_path("CloudWatch Logs may no longer invoke the function")
def invocation_forbidden(account: Account, mending: ExitStack) -> None:
    forbid(account, mending)


@_cut(
    "the function is throttled: no concurrency is left to it",
    errors=frozenset({"function-judges-every-rule"}),
)
def function_throttled(account: Account, mending: ExitStack) -> None:
    throttle(account, mending)


@_cut("the function's role may no longer publish")
def publishing_not_permitted(account: Account, mending: ExitStack) -> None:
    arn = account.own_policy(account.outputs["function_role_name"])
    kept = [item for item in policy_statements(account, arn) if item["Sid"] != "PublishAlerts"]
    change_policy(account, mending, arn, *kept)


@_cut("the topic's policy denies the function's role")
def publishing_denied(account: Account, mending: ExitStack) -> None:
    policy = account.document("topic:alert_topic_arn")
    policy["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": {"AWS": account.outputs["function_role_arn"]},
            "Action": "sns:Publish",
            "Resource": account.outputs["alert_topic_arn"],
        }
    )
    account.replace(mending, "topic:alert_topic_arn", policy)


@_cut("the function alerts another topic")
def alert_sent_elsewhere(account: Account, mending: ExitStack) -> None:
    now = account.functions.get_function_configuration(
        FunctionName=account.outputs["function_arn"]
    )["Environment"]["Variables"]
    variables = {**now, "ALERT_TOPIC_ARN": account.outputs["delivery_topic_arn"]}
    account.change_function(mending, Environment={"Variables": variables})


def _silenced(description: str) -> Callable[[Break], Break]:
    """A fault of the alarms' way alone: the function tells of all acts."""
    return FAMILY.fault(description, _ALARMS, suite=Suite.LIVE_FIRE)


@_silenced("the alarm on changes of security groups takes no action")
def alarm_disabled(account: Account, mending: ExitStack) -> None:
    names = {"AlarmNames": [account.outputs["alarm_names"]["security-group-changes"]]}
    mending.callback(account.cloudwatch.enable_alarm_actions, **names)
    account.cloudwatch.disable_alarm_actions(**names)


@_silenced("the filter that counts changes of security groups is deleted")
def filter_deleted(account: Account, mending: ExitStack) -> None:
    group = account.outputs["trail_log_group_name"]
    filters = account.logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    [found] = [item for item in filters if "AuthorizeSecurityGroupIngress" in item["filterPattern"]]
    original = account.accepted(account.logs, "PutMetricFilter", found)
    mending.callback(account.logs.put_metric_filter, **original)
    account.logs.delete_metric_filter(logGroupName=group, filterName=found["filterName"])


@_silenced("alarms may no longer publish to the alert topic")
def alarms_not_admitted(account: Account, mending: ExitStack) -> None:
    policy = account.document("topic:alert_topic_arn")
    without(policy, "CloudWatchAlarmsPublish")
    account.replace(mending, "topic:alert_topic_arn", policy)


def _miscoded(description: str) -> Callable[[Break], Break]:
    return FAMILY.fault(description, "function-judges-every-rule", suite=Suite.LIVE_FIRE)


def _leave_rule_out(rule: str, account: Account, mending: ExitStack) -> None:
    others = f"_TABLE = _by_event(rule for rule in RULES if rule.id != '{rule}')\n"
    run_with(account, mending, "compliance_checker/evaluate.py", others)


@_miscoded("the function's code leaves out a rule")
def rule_left_out(account: Account, mending: ExitStack) -> None:
    _leave_rule_out("kms-key-policy-public", account, mending)


# One of several acts of a probe raises no alert, and the others do.
for _control, _rule in (
    ("alert-on-unprotected-bucket", "bucket-versioning-suspended"),
    ("alert-on-key-removal", "kms-key-disabled"),
    ("alert-on-opened-network-acl", "network-acl-open-to-internet"),
    ("alert-on-administrator-role", "iam-administrator-policy-attached"),
):
    FAMILY.add(
        f"no-{_rule}",
        f"the function's code leaves out the rule {_rule}",
        partial(_leave_rule_out, _rule),
        _control,
        "function-judges-every-rule",
        errors=frozenset({"alert-within-target", "alert-by-both-paths"}),
        suite=Suite.LIVE_FIRE,
    )


@_miscoded("the function's code takes a failed call for a change")
def failed_calls_reported(account: Account, mending: ExitStack) -> None:
    never = "def failed(record):\n    return False\n"
    run_with(account, mending, "compliance_checker/evaluate.py", never)


@FAMILY.fault(
    "the verifier may open its group, and not delete it",
    "live-fire-leaves-nothing",
    suite=Suite.LIVE_FIRE,
)
def removal_not_permitted(account: Account, mending: ExitStack) -> None:
    arn = (
        f"arn:{account.outputs['partition']}:iam::{account.outputs['account_id']}"
        f":policy/policy-verifier-live-fire-{account.outputs['environment']}"
    )
    statements = policy_statements(account, arn)
    for item in statements:
        if item["Sid"] == "UseOwnSecurityGroup":
            item["Action"] = [name for name in item["Action"] if "Delete" not in name]
    mending.callback(_remove_groups, account)
    change_policy(account, mending, arn, *statements)


def _remove_groups(account: Account) -> None:
    """Remove, as the administrator, what the verifier could not."""
    for group in account.ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["trailwarden-live-fire-*"]}]
    )["SecurityGroups"]:
        account.ec2.delete_security_group(GroupId=group["GroupId"])
