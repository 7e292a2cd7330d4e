"""Log bucket: S3 itself neither carries its files away nor opens another door to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.bucket_listings import listed
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import foreign_grants
from verify.policy.outflows import (
    Outflow,
    analyzed,
    inventoried,
    logged,
    notified,
    replicated,
    tabulated,
)


@pytest.mark.control(
    "log-bucket-sends-nothing-away",
    reads.bucket_replication,
    reads.bucket_inventories,
    reads.bucket_analytics,
    reads.bucket_metadata,
    reads.bucket_notifications,
    reads.bucket_logging,
)
def test_s3_sends_nothing_of_the_log_bucket_elsewhere(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    permitted = baseline["log_bucket"]["sends_to"]
    check.none(
        deployment.log_bucket_arn,
        "what S3 sends elsewhere",
        [
            outflow
            for outflow in _outflows(check, aws, deployment)
            if outflow.destination not in permitted
        ],
        expected=f"nothing but to {', '.join(permitted)}" if permitted else "nothing",
    )


def _outflows(check: Check, aws: Aws, deployment: Deployment) -> Iterator[Outflow]:
    replication = aws.read(reads.bucket_replication(deployment)).response
    if replication is not None:
        yield from replicated(pick(replication, "ReplicationConfiguration"))
    yield from inventoried(listed(check, aws, deployment, reads.bucket_inventories))
    yield from analyzed(listed(check, aws, deployment, reads.bucket_analytics))
    metadata = aws.read(reads.bucket_metadata(deployment)).response
    if metadata is not None:
        result = pick(metadata, "GetBucketMetadataConfigurationResult")
        yield from tabulated(pick(result, "MetadataConfigurationResult"))
    yield from notified(aws.pick(reads.bucket_notifications(deployment)))
    yield from logged(aws.pick(reads.bucket_logging(deployment)), deployment.partition)


@pytest.mark.control(
    "log-bucket-has-one-door",
    reads.bucket_website,
    reads.bucket_cors,
    reads.bucket_payer,
    reads.bucket_acceleration,
    reads.bucket_tag_access,
    reads.access_points,
    reads.access_point,
    reads.access_point_policy,
    reads.access_point_policy_status,
)
def test_log_bucket_is_reached_in_one_way(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, required = deployment.log_bucket_arn, baseline["log_bucket"]
    for aspect, reading in (
        ("website", reads.bucket_website),
        ("access from other sites' pages (CORS)", reads.bucket_cors),
    ):
        answer = aws.read(reading(deployment))
        check.holds(name, aspect, not answer.found, expected="none", seen=answer.response or "none")
    payer = aws.pick(reads.bucket_payer(deployment), "Payer")
    check.equal(name, "who pays for requests", expected=required["payer"], seen=payer)
    by_tags = aws.pick(reads.bucket_tag_access(deployment), "AbacStatus", "Status")
    check.equal(name, "access by tags (ABAC)", expected=required["access_by_tags"], seen=by_tags)
    # S3 says nothing where acceleration was never set, and refuses to where there is none.
    acceleration = aws.read(reads.bucket_acceleration(deployment)).response or {}
    check.equal(
        name,
        "transfer acceleration",
        expected=required["acceleration"],
        seen=acceleration.get("Status", "Suspended"),
    )
    _check_access_points(check, aws, deployment, required["access_points"])


def _check_access_points(
    check: Check, aws: Aws, deployment: Deployment, permitted: list[str]
) -> None:
    """There are none but the permitted, and none admits more than the bucket's own policy does."""
    points = aws.pick(reads.access_points(deployment), "AccessPointList")
    check.none(
        deployment.log_bucket_arn,
        "access points",
        [
            f"{pick(point, 'Name')} from {point.get('NetworkOrigin')}"
            for point in points
            if pick(point, "Name") not in permitted
        ],
        expected=f"none but {', '.join(permitted)}" if permitted else "none",
    )
    for point in points:
        _check_access_point(check, aws, deployment, pick(point, "Name"))


def _check_access_point(check: Check, aws: Aws, deployment: Deployment, name: str) -> None:
    subject = f"access point {name}"
    blocks = aws.pick(reads.access_point(deployment, name), "PublicAccessBlockConfiguration")
    for block in (
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ):
        check.equal(subject, block, expected=True, seen=blocks.get(block, False))
    policy = aws.read(reads.access_point_policy(deployment, name)).response
    if policy is None:
        return
    report_findings(
        check,
        subject,
        "grants to other accounts or to anyone",
        foreign_grants(pick(policy, "Policy"), deployment.account_id),
    )
    check.equal(
        subject,
        "public by AWS's own judgement",
        expected=False,
        seen=aws.pick(
            reads.access_point_policy_status(deployment, name), "PolicyStatus", "IsPublic"
        ),
    )
