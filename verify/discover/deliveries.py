"""Where a trail's events and the notices of its files go: the log group, its role, a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from verify.discover.facts import Known, Survey, others
from verify.discover.reading import Account


def log_group(
    account: Account, found: Survey, trail: Mapping[str, Any], required: Mapping[str, Any]
) -> None:
    arn = trail.get("CloudWatchLogsLogGroupArn", "").removesuffix(":*")
    if not arn:
        reason = "cloudtrail.describe_trails shows no CloudWatchLogsLogGroupArn"
        found.without("trail-log-group", reason)
        return
    name = arn.partition(":log-group:")[2]
    source = "cloudtrail.describe_trails: CloudWatchLogsLogGroupArn"
    found.take(source, trail_log_group_name=name, trail_log_group_arn=arn)
    listed = account.ask("logs", "describe_log_groups", logGroupNamePrefix=name)
    for group in listed.known.get("logGroups", []):
        if group["logGroupName"] == name:
            _retention(found, group, required["retention_days"], listed.source)
    _logs_role(account, found, trail)
    _subscribers(account, found, name)


def _retention(found: Survey, group: Mapping[str, Any], required: int, source: str) -> None:
    days = group.get("retentionInDays")
    if days is not None and days > required:
        found.settings["log_groups", "retention_days"] = Known(
            days, f"{source}: retentionInDays, longer than the {required} that are asked for"
        )
    else:
        shown = "never expires" if days is None else days
        found.expect("log_groups.retention_days", required, shown, source)


def _logs_role(account: Account, found: Survey, trail: Mapping[str, Any]) -> None:
    arn = trail["CloudWatchLogsRoleArn"]
    name = arn.rpartition("/")[2]
    source = "cloudtrail.describe_trails: CloudWatchLogsRoleArn"
    found.take(source, trail_logs_role_arn=arn, trail_logs_role_name=name)
    answer = account.ask("iam", "get_role", ["NoSuchEntity"], RoleName=name)
    if not answer.problem and answer.value is None:
        found.shortcomings.append(f"{answer.source}: the role {arn} does not exist")


# The variables by which the function of this project knows what it guards.
_OF_OURS = frozenset({"ALERT_TOPIC_ARN", "LEDGER_TABLE", "TRAIL_ARN"})


def _subscribers(account: Account, found: Survey, group: str) -> None:
    """Whom the group's events are sent to, and whether one of them is the compliance function."""
    answer = account.ask("logs", "describe_subscription_filters", logGroupName=group)
    if answer.problem:
        found.not_seen("function", answer.problem)
    for entry in answer.known.get("subscriptionFilters", []):
        destination = entry["destinationArn"]
        what = f"{answer.source}: the group's events are sent to {destination}"
        if ":lambda:" in destination:
            function = account.ask("lambda", "get_function_configuration", FunctionName=destination)
            variables = function.known.get("Environment", {}).get("Variables", {})
            if function.problem:
                found.not_seen("function", function.problem)
            elif variables.keys() >= _OF_OURS:
                ours = f"{destination} is of this project's own module: give that module's outputs"
                found.not_seen("function", ours)
                continue
            else:
                what += ", a function that this project has not reviewed"
        found.shortcomings.append(
            f"{what}: log-groups-sent-to-nobody-else fails until log_groups.subscribers lists it"
        )


def notices(account: Account, found: Survey, trail: Mapping[str, Any]) -> None:
    arn = trail.get("SnsTopicARN")
    if not arn:
        reason = "cloudtrail.describe_trails shows no SnsTopicARN"
        found.without("delivery-topic", reason)
        found.without("delivery-queue", reason)
        return
    found.take("cloudtrail.describe_trails: SnsTopicARN", delivery_topic_arn=arn)
    answer = account.ask("sns", "list_subscriptions_by_topic", TopicArn=arn)
    queues = [
        one["Endpoint"] for one in answer.known.get("Subscriptions", []) if one["Protocol"] == "sqs"
    ]
    if answer.problem:
        found.not_seen("delivery-queue", answer.problem)
    elif not queues:
        found.without("delivery-queue", f"{answer.source} shows no queue")
    else:
        _queue(account, found, queues, answer.source)


def _queue(account: Account, found: Survey, queues: Sequence[str], source: str) -> None:
    owner, name = queues[0].split(":")[4:6]
    answer = account.ask("sqs", "get_queue_url", QueueName=name, QueueOwnerAWSAccountId=owner)
    if answer.problem:
        found.not_seen("delivery-queue", answer.problem)
        return
    url = answer.known["QueueUrl"]
    found.take(f"{source}, {answer.source}{others(queues[1:])}", delivery_queue_url=url)
