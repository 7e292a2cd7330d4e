"""Log groups: the trail's events stay as long as they must and all of them feed the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.log_groups import existing_groups, required_days
from verify.checks.subscription import faults_of_pattern
from verify.events.filters import narrowings
from verify.inputs.deployment import Deployment


@pytest.mark.control("log-groups-retention", reads.log_group)
def test_log_groups_keep_events_as_long_as_required(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    for name, group in existing_groups(check, aws, deployment):
        # Without a retention period AWS leaves the field out, and events never expire. A policy of
        # the account goes above the group's own period, and is what is shown.
        check.equal(
            name,
            "retention in days",
            expected=required_days(baseline, name),
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
    for name, group in existing_groups(check, aws, deployment):
        # CloudWatch Logs leaves the field out for a group with its own encryption.
        key = deployment.if_there("kms_key_arn")
        check.equal(name, "KMS key", expected=key, seen=group.get("kmsKeyId"))
    deployment.require("kms_key_arn")  # that there is none is true, and no encryption with one


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
        if pick(entry, "logGroupName") == name
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
    # CloudWatch Logs invokes a function by the function's own policy, in no role.
    check.equal(name, "role of the subscription", expected="", seen=ours.get("roleArn", ""))
    check.equal(
        name,
        "system fields that are sent along",
        expected=[],
        seen=ours.get("emitSystemFields", []),
    )
    check.none(name, "what the subscription does not see as it was written", narrowings(ours))
    check.none(
        name,
        "pattern of the subscription",
        faults_of_pattern(aws, deployment, baseline, pick(ours, "filterPattern")),
        expected="lets through the baseline's events, sign-ins and the root user, not mere reads",
    )
