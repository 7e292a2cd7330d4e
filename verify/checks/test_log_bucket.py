"""Log bucket: encrypted, private, versioned, written by the trail alone, erased by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings, report_judgement
from verify.inputs.deployment import Deployment
from verify.policy import (
    denies_insecure_transport,
    denies_other_encryption,
    denies_people,
    foreign_grants,
    public_grants,
    service_grants,
)
from verify.policy.lifecycle import removals

_BLOCKS = {
    "block_public_acls": "BlockPublicAcls",
    "ignore_public_acls": "IgnorePublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
_ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration.logs"


def _policy(check: Check, aws: Aws, deployment: Deployment) -> str | None:
    """The bucket's policy; that there is none is itself an observation."""
    answer = aws.read(reads.bucket_policy(deployment))
    check.holds(
        deployment.log_bucket_arn,
        "bucket policy",
        answer.found,
        expected="exists",
        seen="exists" if answer.found else answer.error_code,
    )
    return None if answer.response is None else str(pick(answer.response, "Policy"))


@pytest.mark.control("log-bucket-encrypted")
def test_log_bucket_encrypts_with_the_customer_managed_key(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.log_bucket_arn
    answer = aws.read(reads.bucket_encryption(deployment))
    check.holds(
        name,
        "default encryption",
        answer.found,
        expected="exists",
        seen=answer.error_code or "exists",
    )
    if answer.response is None:
        return
    required = baseline["log_bucket"]
    for rule in pick(answer.response, "ServerSideEncryptionConfiguration", "Rules"):
        default = pick(rule, "ApplyServerSideEncryptionByDefault")
        check.equal(
            name,
            "algorithm",
            expected=required["encryption_algorithm"],
            seen=pick(default, "SSEAlgorithm"),
            declared=f"{_ENCRYPTION}.rule.apply_server_side_encryption_by_default.sse_algorithm",
        )
        # AWS leaves the key out where it is AWS's own.
        check.equal(
            name, "key", expected=deployment.kms_key_arn, seen=default.get("KMSMasterKeyID")
        )
        check.equal(
            name,
            "bucket key",
            expected=required["bucket_key"],
            seen=rule.get("BucketKeyEnabled", False),
            declared=f"{_ENCRYPTION}.rule.bucket_key_enabled",
        )


@pytest.mark.control("log-bucket-public-access-blocked")
def test_log_bucket_blocks_public_access(check: Check, aws: Aws, deployment: Deployment) -> None:
    answer = aws.read(reads.public_access_block(deployment))
    live = (
        pick(answer.response, "PublicAccessBlockConfiguration")
        if answer.response
        else dict.fromkeys(_BLOCKS.values(), False)
    )
    for argument, block in _BLOCKS.items():
        check.equal(
            deployment.log_bucket_arn,
            block,
            expected=True,
            seen=pick(live, block),
            declared=f"aws_s3_bucket_public_access_block.logs.{argument}",
        )


@pytest.mark.control("log-bucket-not-public")
def test_log_bucket_admits_no_stranger(check: Check, aws: Aws, deployment: Deployment) -> None:
    name = deployment.log_bucket_arn
    policy = _policy(check, aws, deployment)
    if policy is not None:
        report_findings(
            check, name, "grants to anyone", public_grants(policy, deployment.account_id)
        )
        status = aws.read(reads.bucket_policy_status(deployment))
        check.equal(
            name,
            "public by AWS's own judgement",
            expected=False,
            seen=pick(status.response or {}, "PolicyStatus", "IsPublic"),
        )
    acl = aws.read(reads.bucket_acl(deployment)).response or {}
    owner = pick(acl, "Owner", "ID")
    check.none(
        name,
        "ACL grants to others than the owner",
        [
            f"{grant.get('Permission')} to {grantee.get('URI') or grantee.get('ID')}"
            for grant in pick(acl, "Grants")
            if (grantee := pick(grant, "Grantee")).get("ID") != owner
        ],
    )


@pytest.mark.control("log-bucket-versioned")
def test_log_bucket_keeps_every_version(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    answer = aws.read(reads.bucket_versioning(deployment))
    # S3 leaves Status out for a bucket that never had versioning.
    check.equal(
        deployment.log_bucket_arn,
        "versioning",
        expected=baseline["log_bucket"]["versioning"],
        seen=(answer.response or {}).get("Status", "never enabled"),
        declared="aws_s3_bucket_versioning.logs.versioning_configuration.status",
    )


@pytest.mark.control("log-bucket-owner-enforced")
def test_log_bucket_owner_owns_every_object(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    answer = aws.read(reads.bucket_ownership(deployment))
    rules = pick(answer.response, "OwnershipControls", "Rules") if answer.response else []
    check.equal(
        deployment.log_bucket_arn,
        "object ownership",
        expected=[baseline["log_bucket"]["object_ownership"]],
        seen=[pick(rule, "ObjectOwnership") for rule in rules],
        declared="aws_s3_bucket_ownership_controls.logs.rule.object_ownership",
    )


@pytest.mark.control("log-bucket-denies-plain-http")
def test_log_bucket_refuses_requests_without_tls(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    policy = _policy(check, aws, deployment)
    if policy is not None:
        report_judgement(
            check,
            deployment.log_bucket_arn,
            "requests without TLS",
            denies_insecure_transport(policy, deployment.log_bucket_arn),
            "denied to everyone, for every action on bucket and objects",
        )


@pytest.mark.control("log-bucket-admits-only-the-trail")
def test_log_bucket_admits_the_trail_and_nobody_else(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    name = deployment.log_bucket_arn
    policy = _policy(check, aws, deployment)
    if policy is None:
        return
    report_findings(
        check,
        name,
        "grants to other accounts or for anyone's sake",
        foreign_grants(policy, deployment.account_id),
    )
    grants = service_grants(policy)
    check.equal(
        name,
        "services that may act on it",
        expected={"cloudtrail.amazonaws.com"},
        seen={grant.service for grant in grants},
    )
    for grant in grants:
        check.holds(
            name,
            f"{grant.label}: condition on the trail",
            grant.requires("aws:SourceArn", deployment.trail_arn),
            expected=f"aws:SourceArn {deployment.trail_arn}",
            seen=grant.describe(),
        )
    check.equal(
        name,
        "what the trail may do",
        expected={
            ("s3:GetBucketAcl", name),
            ("s3:PutObject", f"{name}/AWSLogs/{deployment.account_id}/*"),
        },
        seen={
            (action, resource)
            for grant in grants
            for action in grant.actions
            for resource in grant.resources
        },
    )


@pytest.mark.control("log-bucket-protects-files")
def test_log_bucket_lets_nobody_forge_or_erase_files(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    policy = _policy(check, aws, deployment)
    if policy is None:
        return
    required = baseline["log_bucket"]
    exempt = [
        template.format(
            partition=deployment.partition,
            account=deployment.account_id,
            environment=deployment.environment,
        )
        for template in required["break_glass_roles"]
    ]
    nobody = f"denied to everyone but {', '.join(exempt)}"
    for actions, services_exempt, expected in (
        (required["protected_actions"], False, nobody),
        (required["protected_writes"], True, f"{nobody} and services"),
    ):
        for action in actions:
            judgement = denies_people(
                policy,
                deployment.log_bucket_arn,
                [action],
                exempt,
                services_exempt=services_exempt,
            )
            report_judgement(check, deployment.log_bucket_arn, action, judgement, expected)


@pytest.mark.control("log-bucket-refuses-other-keys")
def test_log_bucket_refuses_files_encrypted_otherwise(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    policy = _policy(check, aws, deployment)
    if policy is None:
        return
    algorithms = baseline["log_bucket"]["accepted_encryption_algorithms"]
    report_judgement(
        check,
        deployment.log_bucket_arn,
        "files encrypted otherwise",
        denies_other_encryption(
            policy, deployment.log_bucket_arn, deployment.kms_key_arn, algorithms
        ),
        f"denied unless with {deployment.kms_key_arn} and {' or '.join(algorithms)}",
    )


@pytest.mark.control("log-bucket-keeps-files")
def test_log_bucket_has_no_rule_that_removes_files(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    answer = aws.read(reads.bucket_lifecycle(deployment))
    rules = pick(answer.response, "Rules") if answer.response is not None else []
    check.none(
        deployment.log_bucket_arn,
        "lifecycle rules that remove or move files",
        removals(rules, baseline["log_bucket"]["lifecycle_actions"]),
    )
