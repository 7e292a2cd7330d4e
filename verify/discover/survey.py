"""What a trail stands on, as its account shows it: from the trail to whatever it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verify.discover.reading import Account, Answer
from verify.inputs.absence import PARTS
from verify.policy.lifecycle import default_lock_days, locks_as

Say = Callable[[str], None]


class DiscoverError(Exception):
    """Nothing can be discovered. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Known:
    """The value of an output of ours, and where it comes from."""

    value: Any
    source: str


@dataclass
class Survey:
    """What was found.

    `outputs` are ours by name; `absent` the parts that are not there, with the reason; `unseen`
    outputs of which nothing is known, with the reason. `settings` are what the baseline must say
    to fit, by place, and `shortcomings` what falls short of it and is left for a person.
    """

    outputs: dict[str, Known] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    settings: dict[tuple[str, ...], Known] = field(default_factory=dict)
    shortcomings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, source: str, **outputs: Any) -> None:
        """Keep outputs that one source tells."""
        self.outputs |= {name: Known(value, source) for name, value in outputs.items()}

    def without(self, part: str, reason: str) -> None:
        """A part that is not there."""
        self.absent[part] = reason

    def not_seen(self, part: str, problem: str) -> None:
        """A part of which nothing is known."""
        for output in PARTS[part].outputs:
            if output not in self.outputs:
                self.unseen[output] = problem

    def expect(self, place: str, required: Any, live: Any, source: str) -> None:
        """Tell what the account has otherwise than the baseline asks."""
        if required != live:
            self.shortcomings.append(
                f"{place}: {source} shows {_shown(live)}, and it asks for {_shown(required)}"
            )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def survey(account: Account, arn: str, required: Mapping[str, Any], say: Say) -> Survey:
    """What the trail of that ARN stands on, seen against the values of a baseline.

    `say` tells of what is being looked at. Raises DiscoverError where the trail cannot be read.
    """
    found = Survey()
    say(f"looking at the trail {arn}")
    trail = _trail(account, found, arn, required["trail"])
    say(f"looking at the bucket {trail['S3BucketName']}")
    _bucket(account, found, trail["S3BucketName"], required["log_bucket"])
    _key(account, found, trail.get("KmsKeyId"), required["key"])
    _log_group(account, found, trail, required["log_groups"])
    _delivery(account, found, trail)
    say("looking at the alarms, and at whom they tell")
    _alarms(account, found)
    for part, reason in _NOT_LOOKED_FOR.items():
        found.without(part, reason)
    return found


# Parts that a trail does not lead to. What belongs to none of its resources is no part of it.
_NOT_LOOKED_FOR = {
    "access-roles": "not looked for: a trail does not name who reads it",
    "applications": "not looked for: a trail does not name applications",
    "copies": "not looked for: replication is told by the bucket's own controls",
    "dashboard": "not looked for: a trail does not name a dashboard",
    "detection": "not looked for: a trail does not name what else watches the account",
    "function": "no resource of the trail leads to the compliance function of this project",
    "investigation": "not looked for: a trail does not name who asks its files",
    "network": "no resource of the trail stands in a VPC",
    "verifier": "not looked for: whoever verifies gives the role by --role, or uses its own",
}


def _trail(
    account: Account, found: Survey, arn: str, required: Mapping[str, Any]
) -> Mapping[str, Any]:
    answer = account.ask("cloudtrail", "describe_trails", trailNameList=[arn])
    if answer.problem:
        raise DiscoverError(
            f"the trail cannot be read: {answer.problem}: use credentials of its account that may "
            "read, such as of AWS's policy SecurityAudit"
        )
    listed = [one for one in answer.known.get("trailList", []) if one.get("TrailARN") == arn]
    if not listed:
        raise DiscoverError(
            f"there is no trail {arn}: check the ARN (aws cloudtrail list-trails), and that the "
            "credentials are of its account"
        )
    trail: Mapping[str, Any] = listed[0]
    partition, region, owner = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
    found.take("the trail's ARN", account_id=owner, region=region, partition=partition)
    found.take(
        f"{answer.source}: Name, TrailARN, HomeRegion",
        trail_name=trail["Name"],
        trail_arn=arn,
        trail_home_region=trail["HomeRegion"],
    )
    for member, key in (
        ("multi_region", "IsMultiRegionTrail"),
        ("global_service_events", "IncludeGlobalServiceEvents"),
        ("log_file_validation", "LogFileValidationEnabled"),
    ):
        live = trail.get(key, False)
        found.expect(f"trail.{member}", required[member], live, f"{answer.source}: {key}")
    status = account.ask("cloudtrail", "get_trail_status", Name=arn)
    if not status.problem and not status.known.get("IsLogging"):
        found.shortcomings.append(f"{status.source}: the trail is not logging")
    if not account.ask("cloudtrail", "get_event_selectors", TrailName=arn).problem:
        found.notes.append("which events it records is judged by trail-management-events")
    if trail.get("IsOrganizationTrail"):
        found.settings["trail", "organization"] = Known(
            True, f"{answer.source}: IsOrganizationTrail"
        )
        _organization(account, found)
    if trail.get("S3KeyPrefix"):
        found.shortcomings.append(
            f"{answer.source}: the files lie below the folder {trail['S3KeyPrefix']}, and "
            "trail-destination asks for none"
        )
    return trail


def _organization(account: Account, found: Survey) -> None:
    answer = account.ask("organizations", "describe_organization")
    place = "trail", "organization_id"
    if answer.problem:
        found.settings[place] = Known(None, f"not seen: {answer.problem}: fill in the id (o-...)")
    else:
        identifier = answer.known["Organization"]["Id"]
        found.settings[place] = Known(identifier, f"{answer.source}: Id")


def _bucket(account: Account, found: Survey, name: str, required: Mapping[str, Any]) -> None:
    partition = found.outputs["partition"].value
    found.take(
        "cloudtrail.describe_trails: S3BucketName",
        log_bucket_name=name,
        log_bucket_arn=f"arn:{partition}:s3:::{name}",
    )
    owner = {"Bucket": name, "ExpectedBucketOwner": found.outputs["account_id"].value}
    encryption = account.ask(
        "s3", "get_bucket_encryption", ["ServerSideEncryptionConfigurationNotFoundError"], **owner
    )
    rules = encryption.known.get("ServerSideEncryptionConfiguration", {}).get("Rules", [{}])
    algorithm = rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "none")
    versioning = account.ask("s3", "get_bucket_versioning", **owner)
    blocks = account.ask(
        "s3", "get_public_access_block", ["NoSuchPublicAccessBlockConfiguration"], **owner
    )
    for answer, member, live in (
        (encryption, "encryption_algorithm", algorithm),
        (versioning, "versioning", versioning.known.get("Status", "never on")),
    ):
        if not answer.problem:
            found.expect(f"log_bucket.{member}", required[member], live, answer.source)
    open_ways = 4 - sum(blocks.known.get("PublicAccessBlockConfiguration", {}).values())
    if not blocks.problem and open_ways:
        found.shortcomings.append(f"{blocks.source}: {open_ways} of 4 blocks are off")
    _lock(account, found, owner, required["object_lock"])
    logging = account.ask("s3", "get_bucket_logging", **owner)
    target = logging.known.get("LoggingEnabled", {}).get("TargetBucket")
    if target is not None:
        found.take(f"{logging.source}: TargetBucket", access_log_bucket_names=[target])
        arn = f"arn:{partition}:s3:::{target}"
        if arn not in required["sends_to"]:
            found.shortcomings.append(
                f"{logging.source}: access logs go to {target}: log-bucket-sends-nothing-away "
                f"fails until log_bucket.sends_to lists {arn}"
            )
    elif logging.problem:
        found.not_seen("access-logs", logging.problem)
    else:
        found.without("access-logs", f"{logging.source} shows none")


def _lock(account: Account, found: Survey, owner: Mapping[str, str], required: Any) -> None:
    answer = account.ask(
        "s3",
        "get_object_lock_configuration",
        ["ObjectLockConfigurationNotFoundError"],
        **owner,
    )
    lock = answer.known.get("ObjectLockConfiguration", {})
    held = lock.get("Rule", {}).get("DefaultRetention", {})
    if held and required == "none":
        as_now = {"mode": held["Mode"], "minimum_days": default_lock_days(lock)}
        more = f"{answer.source}: more than is asked for"
        found.settings["log_bucket", "object_lock"] = Known(as_now, more)
    elif not answer.problem and not locks_as(lock, required):
        found.expect("log_bucket.object_lock", required, held or "none", answer.source)


def _key(
    account: Account, found: Survey, identifier: str | None, required: Mapping[str, Any]
) -> None:
    if identifier is None:
        found.without("key", "cloudtrail.describe_trails shows no KmsKeyId")
        return
    answer = account.ask("kms", "describe_key", KeyId=identifier)
    if answer.problem:
        found.not_seen("key", answer.problem)
        return
    arn = answer.known["KeyMetadata"]["Arn"]
    found.take(f"cloudtrail.describe_trails: KmsKeyId, {answer.source}: Arn", kms_key_arn=arn)
    rotation = account.ask("kms", "get_key_rotation_status", KeyId=arn)
    if not rotation.problem:
        live = rotation.known["KeyRotationEnabled"]
        found.expect("key.rotation", required["rotation"], live, rotation.source)
    listed = account.ask("kms", "list_aliases", KeyId=arn)
    aliases = [one["AliasName"] for one in listed.known.get("Aliases", [])]
    if aliases:
        found.take(f"{listed.source}{_others(aliases[1:])}", kms_key_alias=aliases[0])
    elif listed.problem:
        found.not_seen("key", listed.problem)
    else:
        found.without("kms_key_alias", f"{listed.source} shows none")


def _others(names: Sequence[str]) -> str:
    return f"; besides it: {', '.join(names)}" if names else ""


def _log_group(
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


def _subscribers(account: Account, found: Survey, group: str) -> None:
    """Whom the group's events are sent to: none of them is the function of our own module."""
    answer = account.ask("logs", "describe_subscription_filters", logGroupName=group)
    for entry in answer.known.get("subscriptionFilters", []):
        destination = entry["destinationArn"]
        what = f"{answer.source}: the group's events are sent to {destination}"
        if ":lambda:" in destination:
            function = account.ask("lambda", "get_function_configuration", FunctionName=destination)
            runs = f" ({function.known.get('Runtime', 'not seen')})"
            what += f"{runs}, a function that this project has not reviewed"
        found.shortcomings.append(
            f"{what}: log-groups-sent-to-nobody-else fails until log_groups.subscribers lists it"
        )


def _delivery(account: Account, found: Survey, trail: Mapping[str, Any]) -> None:
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
    found.take(f"{source}, {answer.source}{_others(queues[1:])}", delivery_queue_url=url)


def _alarms(account: Account, found: Survey) -> None:
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
        f"{source}: AlarmActions of most of these alarms{_others(topics[1:])}",
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
