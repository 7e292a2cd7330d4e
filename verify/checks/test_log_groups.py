"""Log groups: the trail's events stay as long as they must and all of them feed the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.subscription import faults_of_pattern
from verify.inputs.deployment import Deployment


def _log_group(aws: Aws, deployment: Deployment, name: str) -> Mapping[str, Any] | None:
    found: list[Mapping[str, Any]] = [
        group
        for group in aws.pick(reads.log_group(deployment, name), "logGroups")
        if pick(group, "logGroupName") == name
    ]
    return found[0] if found else None


@pytest.mark.control("log-groups-retention", reads.log_group)
def test_log_groups_keep_events_as_long_as_required(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    for name in deployment.identified("aws_cloudwatch_log_group"):
        group = _log_group(aws, deployment, name)
        check.holds(
            name, "log group", group is not None, expected="exists", seen=group and "exists"
        )
        if group is None:
            continue
        # Without a retention period AWS leaves the field out, and events never expire.
        check.equal(
            name,
            "retention in days",
            expected=baseline["log_groups"]["retention_days"],
            seen=group.get("retentionInDays", "never expires"),
            declared=f"{deployment.address(name)}.retention_in_days",
        )
        check.equal(
            name, "log class", expected="STANDARD", seen=group.get("logGroupClass", "STANDARD")
        )


@pytest.mark.control("log-groups-encrypted", reads.log_group)
def test_log_groups_are_encrypted_with_the_customer_managed_key(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    for name in deployment.identified("aws_cloudwatch_log_group"):
        group = _log_group(aws, deployment, name)
        # CloudWatch Logs leaves the field out for a group with its own encryption.
        check.equal(
            name,
            "KMS key",
            expected=deployment.kms_key_arn,
            seen=(group or {}).get("kmsKeyId"),
        )


@pytest.mark.control(
    "trail-log-group-feeds-function", reads.subscription_filters, reads.pattern_on_messages
)
def test_trail_log_group_feeds_the_function(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.trail_log_group_name
    filters = {
        pick(entry, "filterName"): entry
        for entry in aws.pick(reads.subscription_filters(deployment), "subscriptionFilters")
    }
    ours = filters.get(deployment.subscription_filter_name)
    check.holds(
        name,
        "subscription filter",
        ours is not None,
        expected=deployment.subscription_filter_name,
        seen=set(filters),
    )
    if ours is None:
        return
    check.equal(
        name,
        "destination of the subscription",
        expected=deployment.function_arn,
        seen=pick(ours, "destinationArn"),
    )
    check.none(
        name,
        "pattern of the subscription",
        faults_of_pattern(aws, deployment, baseline, pick(ours, "filterPattern")),
        expected="lets through the baseline's events, sign-ins and the root user, not mere reads",
    )
