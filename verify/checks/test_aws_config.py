"""AWS Config: every resource of the account is recorded, delivered, kept, and held to rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import CLOCKS_DIFFER, pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.buckets import (
    CLOSED_READS,
    ENCRYPTION_READS,
    KEPT_READS,
    hold_closed,
    hold_encryption,
    hold_kept,
    policy_of,
)
from verify.checks.config_rules import HOURS, shortcomings
from verify.inputs.deployment import Deployment
from verify.policy import service_grants
from verify.wording import utc_time

_PART = "config"
_SERVICE = "config.amazonaws.com"
# What AWS Config keeps without being told.
_KEPT_DAYS = 2557
Ended = Callable[[], None]


def _one(check: Check, found: list[Any], name: str, what: str) -> Mapping[str, Any]:
    """The entry of that name in a listing; empty where there is none, which decides the control."""
    ours: Mapping[str, Any] = next((one for one in found if one.get("name") == name), {})
    check.holds(name, what, bool(ours), expected="there", seen="there" if ours else "none")
    return ours


def _named(check: Check, deployment: Deployment, name: str | None, what: str) -> str:
    """A name of the outputs; that there is none decides the control."""
    subject = f"account {deployment.account_id}"
    check.holds(subject, what, name is not None, expected="one", seen=name or "none")
    return name or ""


def _last(found: Mapping[str, Any]) -> tuple[str, str]:
    """How the last attempt ended, and with which error; empty without one.

    The models write Success, the answers SUCCESS.
    """
    status = found.get("lastStatus")
    parts = ("lastErrorCode", "lastErrorMessage")
    error = ": ".join(str(found[part]) for part in parts if found.get(part))
    return "NONE" if status is None else str(status).upper(), error


# --- recording ------------------------------------------------------------------------------------


@pytest.mark.control("configuration-recorded", reads.config_recorders, reads.config_recorder_status)
def test_every_resource_is_recorded_as_it_changes(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _named(check, deployment, deployment.config_recorder_name, "recorder of AWS Config")
    if not name:
        return
    recorders = aws.pick(reads.config_recorders(deployment), "ConfigurationRecorders")
    recorder = _one(check, recorders, name, "recorder")
    if not recorder:
        return
    check.equal(name, "role", expected=baseline[_PART]["role"], seen=pick(recorder, "roleARN"))
    elsewhere = recorder.get("connectorArn", "none")
    check.equal(name, "another cloud that it records instead", expected="none", seen=elsewhere)
    group = pick(recorder, "recordingGroup")
    for aspect, member in (
        ("every type of resource", "allSupported"),
        ("IAM's, which belong to no region", "includeGlobalResourceTypes"),
    ):
        check.equal(name, aspect, expected=True, seen=group.get(member, False))
    strategy = group.get("recordingStrategy", {}).get("useOnly", "none")
    check.equal(name, "strategy", expected="ALL_SUPPORTED_RESOURCE_TYPES", seen=strategy)
    check.none(name, "the only types that it records", group.get("resourceTypes") or ())
    excluded = (group.get("exclusionByResourceTypes") or {}).get("resourceTypes") or ()
    check.none(name, "types that it leaves out", excluded)
    mode = recorder.get("recordingMode") or {}
    # Recorders from before there was a choice say nothing, and record at once.
    often = mode.get("recordingFrequency", "CONTINUOUS")
    check.equal(name, "how often", expected="CONTINUOUS", seen=often)
    seldom = [
        f"{', '.join(pick(one, 'resourceTypes'))} {pick(one, 'recordingFrequency')}"
        for one in mode.get("recordingModeOverrides") or ()
        if pick(one, "recordingFrequency") != "CONTINUOUS"
    ]
    check.none(name, "types that it records less often", seldom)
    _hold_recording(check, aws, deployment, name)


def _hold_recording(check: Check, aws: Aws, deployment: Deployment, name: str) -> None:
    statuses = aws.pick(reads.config_recorder_status(deployment), "ConfigurationRecordersStatus")
    status = _one(check, statuses, name, "status of the recorder")
    if not status:
        return
    check.equal(name, "recording", expected=True, seen=status.get("recording", False))
    last, error = _last(status)
    if last == "PENDING":
        check.unknown(name, "AWS Config has not tried to record anything yet")
        return
    check.holds(
        name,
        "last recording",
        last == "SUCCESS",
        expected="SUCCESS",
        seen=f"{last} ({error})" if error else last,
    )


# --- delivery -------------------------------------------------------------------------------------


@pytest.mark.control(
    "configuration-delivered",
    reads.config_channels,
    reads.config_channel_status,
    reads.config_recorder_status,
    reads.bucket_policy,
)
def test_what_is_recorded_is_delivered(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _named(check, deployment, deployment.config_delivery_channel_name, "delivery channel")
    bucket = _bucket(check, deployment)
    if not (name and bucket):
        return
    channels = aws.pick(reads.config_channels(deployment), "DeliveryChannels")
    channel = _one(check, channels, name, "delivery channel")
    if not channel:
        return
    for aspect, member, expected in (
        ("bucket", "s3BucketName", bucket),
        ("folder before AWSLogs", "s3KeyPrefix", "none"),
        ("key", "s3KmsKeyArn", deployment.kms_key_arn),
        ("topic", "snsTopicARN", "none"),
    ):
        check.equal(name, aspect, expected=expected, seen=channel.get(member, "none"))
    often = (channel.get("configSnapshotDeliveryProperties") or {}).get("deliveryFrequency", "none")
    required = baseline[_PART]["snapshot_frequency"]
    check.holds(
        name,
        "snapshots",
        HOURS.get(often, 1_000) <= HOURS[required],
        expected=f"{required} or more often",
        seen=often,
    )
    _hold_admitted(check, aws, deployment, bucket)
    _hold_delivered(check, aws, deployment, baseline, name)


def _hold_admitted(check: Check, aws: Aws, deployment: Deployment, bucket: str) -> None:
    """The bucket's policy lets AWS Config deliver, for this account, and no other service in."""
    policy = policy_of(check, aws, deployment, bucket)
    if policy is None:
        return
    subject, account = deployment.bucket_arn(bucket), deployment.account_id
    grants = service_grants(policy)
    services = {grant.service for grant in grants}
    check.equal(subject, "services that may act on it", expected={_SERVICE}, seen=services)
    check.equal(
        subject,
        "what AWS Config may do",
        expected={
            ("s3:GetBucketAcl", subject),
            ("s3:ListBucket", subject),
            ("s3:PutObject", f"{subject}/AWSLogs/{account}/Config/*"),
        },
        seen={
            (action, resource)
            for grant in grants
            for action in grant.actions
            for resource in grant.resources
        },
    )
    for grant in grants:
        check.holds(
            subject,
            f"{grant.label}: condition on aws:SourceAccount",
            grant.requires("aws:SourceAccount", account),
            expected=f"aws:SourceAccount {account}",
            seen=grant.describe(),
        )


def _hold_delivered(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], name: str
) -> None:
    """The last deliveries went well, and the last snapshot is no older than it may be.

    Histories come when there is news, snapshots by the clock: so it is these that must be new.
    """
    answer = aws.read(reads.config_channel_status(deployment))
    statuses = aws.pick(reads.config_channel_status(deployment), "DeliveryChannelsStatus")
    status = _one(check, statuses, name, "status of the delivery channel")
    if not status:
        return
    for aspect, member in (
        ("last history", "configHistoryDeliveryInfo"),
        ("last snapshot", "configSnapshotDeliveryInfo"),
        ("last notice", "configStreamDeliveryInfo"),
    ):
        last, error = _last(status.get(member) or {})
        check.holds(
            name,
            aspect,
            last in ("SUCCESS", "NOT_APPLICABLE", "NONE") and not error,
            expected="no failure",
            seen=f"{last} ({error})" if error else last,
        )
    maximum = timedelta(hours=baseline[_PART]["maximum_snapshot_age_hours"])
    snapshot = status.get("configSnapshotDeliveryInfo") or {}
    begun = _begun(aws, deployment)
    young = begun is not None and answer.time - begun <= maximum
    tried = snapshot.get("lastAttemptTime") or snapshot.get("lastSuccessfulTime")
    if begun is not None and young and not tried:
        check.not_applicable(
            f"no snapshot is due yet: recording began at {utc_time(begun)}, "
            f"the first is due by {utc_time(begun + maximum)}"
        )
    seen = snapshot.get("lastSuccessfulTime")
    check.holds(
        name,
        "snapshot delivered",
        isinstance(seen, datetime) and -CLOCKS_DIFFER <= answer.time - seen <= maximum,
        expected=f"within the last {baseline[_PART]['maximum_snapshot_age_hours']} hours",
        seen=seen or "never",
    )


def _begun(aws: Aws, deployment: Deployment) -> datetime | None:
    """When the recorder was last switched on; None where AWS does not say."""
    for status in aws.pick(
        reads.config_recorder_status(deployment), "ConfigurationRecordersStatus"
    ):
        begun = status.get("lastStartTime")
        if status.get("name") == deployment.config_recorder_name and isinstance(begun, datetime):
            return begun
    return None


# --- what it keeps --------------------------------------------------------------------------------


def _bucket(check: Check, deployment: Deployment) -> str:
    name = next(iter(deployment.config_history_bucket_names), None)
    return _named(check, deployment, name, "bucket that AWS Config delivers into")


@pytest.mark.control("configuration-history-encrypted", *ENCRYPTION_READS)
def test_history_is_encrypted_with_the_key_of_the_records(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _bucket(check, deployment)
    if name:
        hold_encryption(check, aws, deployment, name, baseline[_PART], deployment.kms_key_arn)


@pytest.mark.control("configuration-history-closed", *CLOSED_READS)
def test_history_is_open_to_nobody_else(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _bucket(check, deployment)
    if name:
        hold_closed(check, aws, deployment, baseline, name, _PART)


@pytest.mark.control("configuration-history-kept", reads.config_retention, *KEPT_READS)
def test_history_is_kept_as_long_as_it_must(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _bucket(check, deployment)
    if not name:
        return
    found = aws.pick(reads.config_retention(deployment), "RetentionConfigurations")
    days = [pick(one, "RetentionPeriodInDays") for one in found] or [_KEPT_DAYS]
    check.equal(
        f"AWS Config in {deployment.region}",
        "days that it keeps what it recorded",
        expected=[baseline[_PART]["retention_days"]],
        seen=days,
    )
    hold_kept(check, aws, deployment, baseline, name, _PART)


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.control("config-rules-in-place", reads.config_rules)
def test_the_account_is_held_to_the_rules(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    rules = aws.pick(reads.config_rules(deployment), "ConfigRules")
    for identifier, required in baseline[_PART]["rules"].items():
        check.none(
            identifier,
            "what the account's rules lack",
            shortcomings(rules, identifier, required),
            expected="a rule of AWS's own that looks at every resource",
        )
