"""Trail: it records everything, everywhere, and is really running."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import CLOCKS_DIFFER, pick
from verify.account.door import Aws
from verify.check import Check
from verify.events.selection import DataEvents, recorded_data, unrecorded, unrecorded_data
from verify.inputs.deployment import Deployment
from verify.wording import utc_time

# Within so long after logging began, a first delivery that has not come is no sign of a fault.
YOUNG_TRAIL = timedelta(minutes=30)


@pytest.mark.control("trail-multi-region", reads.trail)
def test_trail_covers_every_region(
    check: Check,
    trail: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    for aspect, expected, key in (
        ("home region", deployment.trail_home_region, "HomeRegion"),
        ("for a whole organization", baseline["trail"]["organization"], "IsOrganizationTrail"),
    ):
        check.equal(deployment.trail_arn, aspect, expected=expected, seen=pick(trail, key))


@pytest.mark.control("trail-log-file-validation", reads.trail)
def test_trail_signs_its_log_files(hold_settings: Callable[[], None]) -> None:
    hold_settings()


@pytest.mark.control("trail-encrypted", reads.trail)
def test_trail_encrypts_with_the_customer_managed_key(
    check: Check, trail: Mapping[str, Any], deployment: Deployment
) -> None:
    # CloudTrail leaves KmsKeyId out for a trail that does not encrypt with KMS.
    check.equal(
        trail["TrailARN"],
        "KMS key",
        expected=deployment.if_there("kms_key_arn"),
        seen=trail.get("KmsKeyId"),
    )
    deployment.require("kms_key_arn")  # that there is none is true, and no encryption with one


@pytest.mark.control("trail-is-logging", reads.trail_status)
def test_trail_is_logging(
    check: Check, aws: Aws, deployment: Deployment, hold_settings: Callable[[], None]
) -> None:
    hold_settings()
    answer = aws.read(reads.trail_status(deployment))
    status = answer.response or {}
    started, stopped = status.get("StartLoggingTime"), status.get("StopLoggingTime")
    # AWS says when a trail was last stopped also while it is logging again.
    check.holds(
        deployment.trail_arn,
        "StartLoggingTime",
        started is not None
        and started <= answer.time + CLOCKS_DIFFER
        and (stopped is None or started > stopped),
        expected="past, and after the trail was last stopped",
        seen=f"started {started}, stopped {stopped or 'never'}",
    )


@pytest.mark.control("trail-management-events", reads.event_selectors, reads.trail)
def test_trail_records_all_management_events(
    check: Check,
    aws: Aws,
    trail: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    basic, advanced = _selectors(check, aws, deployment)
    left_out = unrecorded(basic, advanced, baseline["trail"]["read_write_type"])
    check.holds(
        deployment.trail_arn,
        "event selectors",
        left_out is None,
        expected="together they record all management events, read and write, of every service",
        seen=f"{left_out or 'nothing'} left out by {basic or advanced or 'no selector'}",
        declared="aws_cloudtrail.audit.event_selector",
    )
    # Off, it keeps back what CloudTrail does to deliver; AWS leaves it out where it is on.
    check.equal(
        deployment.trail_arn,
        "recursive logging",
        expected=baseline["trail"]["recursive_logging"],
        seen=trail.get("RecursiveLogging", True),
    )


def _selectors(
    check: Check, aws: Aws, deployment: Deployment
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The basic and the advanced selectors of the trail that was asked for."""
    selectors = aws.pick(reads.event_selectors(deployment))
    check.equal(
        deployment.trail_arn,
        "trail that was asked for",
        expected=deployment.trail_arn,
        seen=pick(selectors, "TrailARN"),
    )
    return selectors.get("EventSelectors") or [], selectors.get("AdvancedEventSelectors") or []


@pytest.mark.control("trail-data-events", reads.event_selectors)
def test_trail_records_data_events_that_do_not_go_round(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    basic, advanced = _selectors(check, aws, deployment)
    for events in _data_events(baseline["trail"]["data_events"]):
        left_out = unrecorded_data(basic, advanced, events)
        check.holds(
            deployment.trail_arn,
            f"data events of {_in_words(events)}",
            left_out is None,
            expected="all recorded",
            seen=f"{left_out or 'none'} left out by {advanced or basic or 'no selector'}",
        )
    for events in _data_events(baseline["trail"]["circular_data_events"]):
        taken = recorded_data(basic, advanced, events)
        check.holds(
            deployment.trail_arn,
            f"data events of {_in_words(events)}",
            taken is None,
            expected="none recorded: each would be the cause of the next",
            seen=f"{taken or 'none'} recorded by {advanced or basic or 'no selector'}",
        )


def _data_events(required: Iterable[Mapping[str, Any]]) -> Iterator[DataEvents]:
    for entry in required:
        for arn in entry["arns"]:
            yield DataEvents(
                entry["type"],
                arn,
                tuple(entry.get("but_for", ())),
                tuple(entry.get("names", ())),
                entry.get("read_write_type", "All"),
            )


def _in_words(events: DataEvents) -> str:
    named = f", {' and '.join(events.names)}" if events.names else ""
    left_out = f" but for {', '.join(events.but_for)}" if events.but_for else ""
    return f"{events.type} {events.arn}*{left_out}{named}"


@pytest.mark.control("trail-destination", reads.trail)
def test_trail_writes_to_our_bucket_and_log_group(
    check: Check, trail: Mapping[str, Any], deployment: Deployment
) -> None:
    group = deployment.if_there("trail_log_group_arn")
    for aspect, expected, key in (
        ("bucket", deployment.log_bucket_name, "S3BucketName"),
        # CloudTrail leaves it out for a trail that writes to the bucket's own top.
        ("folder in the bucket", None, "S3KeyPrefix"),
        ("log group", None if group is None else f"{group}:*", "CloudWatchLogsLogGroupArn"),
        (
            "role for the log group",
            deployment.if_there("trail_logs_role_arn"),
            "CloudWatchLogsRoleArn",
        ),
        ("topic for delivered files", deployment.if_there("delivery_topic_arn"), "SnsTopicARN"),
    ):
        check.equal(trail["TrailARN"], aspect, expected=expected, seen=trail.get(key))


@pytest.mark.control("trail-delivers-to-log-group", reads.trail_status_after_live_fire)
@pytest.mark.after_live_fire
def test_trail_delivers_to_the_log_group(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    deployment.require("trail_log_group_arn")
    _check_delivery(check, aws, deployment, baseline, "LatestCloudWatchLogsDelivery")


@pytest.mark.control("trail-delivers-to-bucket", reads.trail_status_after_live_fire)
@pytest.mark.after_live_fire
def test_trail_delivers_to_the_bucket(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    _check_delivery(check, aws, deployment, baseline, "LatestDelivery")


@pytest.mark.control("trail-notifies-deliveries", reads.trail_status_after_live_fire)
@pytest.mark.after_live_fire
def test_trail_notifies_of_its_deliveries(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    deployment.require("delivery_topic_arn")
    _check_delivery(check, aws, deployment, baseline, "LatestNotification")


def _check_delivery(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    what: str,
) -> None:
    """The last delivery of a kind is recent and without error; a new trail's first is awaited.

    GetTrailStatus is the only witness (trails publish no metric), and its error field is silent on
    time-outs, so the age counts as well.
    """
    limits = baseline["trail"]

    def status() -> Mapping[str, Any]:
        now: Mapping[str, Any] = aws.pick_again(reads.trail_status(deployment))
        return now

    def may_still_come(seen: Mapping[str, Any]) -> bool:
        started = seen.get("StartLoggingTime")
        fresh = isinstance(started, datetime) and datetime.now(UTC) - started < timedelta(
            minutes=limits["first_delivery_minutes"]
        )
        fresh = fresh and aws.source.moves_on
        return f"{what}Time" not in seen and fresh and bool(seen.get("IsLogging"))

    answer = aws.read(reads.trail_status_after_live_fire(deployment))
    seen, asked = answer.response or {}, answer.time
    if may_still_come(seen):
        # Imported here: it takes long, and as a rule there is nothing to wait for.
        import tenacity

        seen = tenacity.Retrying(
            retry=tenacity.retry_if_result(may_still_come),
            wait=tenacity.wait_exponential(multiplier=0.2, max=15),
        )(status)
        asked = datetime.now(UTC)
    latest, started = seen.get(f"{what}Time"), seen.get("StartLoggingTime")
    if (
        latest is None
        and seen.get("IsLogging")
        and isinstance(started, datetime)
        and asked - started < YOUNG_TRAIL
    ):
        check.unknown(
            deployment.trail_arn,
            f"not yet: logging began at {utc_time(started)}, and a trail's first delivery may take "
            f"half an hour; {what}Time is still to come, so verify again after that",
        )
        return
    maximum = timedelta(minutes=limits["maximum_delivery_age_minutes"])
    check.holds(
        deployment.trail_arn,
        f"{what}Time",
        isinstance(latest, datetime) and -CLOCKS_DIFFER <= asked - latest <= maximum,
        expected=f"within the last {limits['maximum_delivery_age_minutes']} minutes",
        seen=latest,
    )
    # AWS leaves the error out, or empty, while deliveries succeed.
    check.none(
        deployment.trail_arn,
        f"{what}Error",
        [error for error in [seen.get(f"{what}Error")] if error],
    )
