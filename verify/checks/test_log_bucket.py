"""Log bucket: encrypted, private, versioned, written by the trail alone, erased by nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.bucket_listings import listed
from verify.checks.buckets import (
    LIFECYCLE_READS,
    hold_denied,
    hold_leftovers,
    hold_lock,
    hold_losses,
    lifecycle,
    named,
    policy_of,
)
from verify.checks.findings import report_findings, report_judgement
from verify.checks.trust import EXEMPT_ROLE_READS, hold_exempt_role
from verify.inputs.deployment import Deployment
from verify.policy import (
    denies_insecure_transport,
    denies_other_encryption,
    foreign_grants,
    public_grants,
    service_grants,
)
from verify.policy.lifecycle import archivals, removals


def _policy(check: Check, aws: Aws, deployment: Deployment) -> str | None:
    return policy_of(check, aws, deployment, deployment.log_bucket_name)


@pytest.mark.control("log-bucket-encrypted", reads.bucket_encryption)
def test_log_bucket_encrypts_with_the_customer_managed_key(
    check: Check, aws: Aws, deployment: Deployment, hold_settings: Callable[[], None]
) -> None:
    hold_settings()
    answer = aws.read(reads.bucket_encryption(deployment))
    if answer.response is None:
        return
    for rule in pick(answer.response, "ServerSideEncryptionConfiguration", "Rules"):
        # AWS leaves the key out where it is AWS's own.
        check.equal(
            deployment.log_bucket_arn,
            "key",
            expected=deployment.if_there("kms_key_arn"),
            seen=pick(rule, "ApplyServerSideEncryptionByDefault").get("KMSMasterKeyID"),
        )
    deployment.require("kms_key_arn")  # that there is none is true, and no encryption with one


@pytest.mark.control(
    "log-bucket-public-access-blocked",
    reads.public_access_block,
    reads.account_public_access_block,
)
def test_log_bucket_blocks_public_access(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    required = baseline["log_bucket"]["account_public_access_blocks"]
    if not required:
        return
    answer = aws.read(reads.account_public_access_block(deployment))
    blocks = pick(answer.response or {}, "PublicAccessBlockConfiguration") if answer.found else {}
    for block in required:
        check.equal(
            f"account {deployment.account_id}", block, expected=True, seen=blocks.get(block, False)
        )


@pytest.mark.control(
    "log-bucket-not-public", reads.bucket_policy, reads.bucket_policy_status, reads.bucket_acl
)
def test_log_bucket_admits_no_stranger(check: Check, aws: Aws, deployment: Deployment) -> None:
    name = deployment.log_bucket_arn
    policy = _policy(check, aws, deployment)
    if policy is not None:
        report_findings(
            check, name, "grants to anyone", public_grants(policy, deployment.account_id)
        )
        check.equal(
            name,
            "public by AWS's own judgement",
            expected=False,
            seen=aws.pick(reads.bucket_policy_status(deployment), "PolicyStatus", "IsPublic"),
        )
    acl = aws.pick(reads.bucket_acl(deployment))
    owner = pick(acl, "Owner", "ID")
    check.none(
        name,
        "ACL grants to others than the owner",
        [
            f"{grant.get('Permission')} to {named(pick(grant, 'Grantee'))}"
            for grant in pick(acl, "Grants")
            if named(pick(grant, "Grantee")) != f"CanonicalUser {owner}"
        ],
    )


@pytest.mark.control("log-bucket-versioned", reads.bucket_versioning, reads.bucket_object_lock)
def test_log_bucket_keeps_every_version(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    name, required = deployment.log_bucket_arn, baseline["log_bucket"]
    # S3 leaves it out for a bucket where it was never set.
    mfa_delete = aws.pick(reads.bucket_versioning(deployment)).get("MFADelete", "Disabled")
    check.equal(name, "MFA delete", expected=required["mfa_delete"], seen=mfa_delete)
    hold_lock(check, aws, deployment, deployment.log_bucket_name, required["object_lock"])


@pytest.mark.control("log-bucket-owner-enforced", reads.bucket_ownership)
def test_log_bucket_owner_owns_every_object(hold_settings: Callable[[], None]) -> None:
    hold_settings()


@pytest.mark.control("log-bucket-denies-plain-http", reads.bucket_policy)
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


@pytest.mark.control("log-bucket-admits-only-the-trail", reads.bucket_policy, reads.bucket_acl)
def test_log_bucket_admits_the_trail_and_nobody_else(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.log_bucket_arn
    policy = _policy(check, aws, deployment)
    if policy is None:
        return
    report_findings(
        check,
        name,
        "grants to other accounts or for anyone's sake",
        foreign_grants(
            policy,
            deployment.account_id,
            canonical_user=aws.pick(reads.bucket_acl(deployment), "Owner", "ID"),
        ),
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
    # An organization's trail writes to the folder of its account until it is the organization's.
    folders = filter(None, (deployment.account_id, baseline["trail"]["organization_id"]))
    check.equal(
        name,
        "what the trail may do",
        expected={
            ("s3:GetBucketAcl", name),
            *(("s3:PutObject", f"{name}/AWSLogs/{folder}/*") for folder in folders),
        },
        seen={
            (action, resource)
            for grant in grants
            for action in grant.actions
            for resource in grant.resources
        },
    )


@pytest.mark.control("log-bucket-protects-files", reads.bucket_policy, *EXEMPT_ROLE_READS)
def test_log_bucket_lets_nobody_forge_or_erase_files(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    policy = _policy(check, aws, deployment)
    if policy is None:
        return
    required = baseline["log_bucket"]
    exempt = required["break_glass_roles"]
    for actions, services in (
        (required["protected_actions"], False),
        (required["protected_writes"], True),
    ):
        hold_denied(check, policy, deployment.log_bucket_arn, actions, exempt, services=services)
    for role in exempt:
        hold_exempt_role(check, aws, deployment, baseline, role)


@pytest.mark.control("log-bucket-refuses-other-keys", reads.bucket_policy)
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


@pytest.mark.control("log-bucket-keeps-files", *LIFECYCLE_READS)
def test_log_bucket_has_no_rule_that_removes_files_too_soon(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required, name = baseline["log_bucket"], deployment.log_bucket_name
    if not isinstance(required["lifecycle"], str):
        hold_losses(check, aws, deployment, name, required["lifecycle"])
        return
    subject, permitted = deployment.log_bucket_arn, required["lifecycle_actions"]
    rules = lifecycle(aws, deployment, name).get("Rules", ())
    check.none(subject, "lifecycle rules that remove or move files", removals(rules, permitted))
    tierings = listed(check, aws, deployment, reads.bucket_tiering)
    check.none(subject, "tiering that archives files", archivals(tierings, permitted))


@pytest.mark.control("log-bucket-lets-files-go", reads.bucket_lifecycle, reads.bucket_object_lock)
def test_log_bucket_archives_and_removes_files_in_time(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = baseline["log_bucket"]["lifecycle"]
    if isinstance(required, str):
        check.not_applicable("the baseline's log_bucket.lifecycle says that files stay for good")
    hold_leftovers(check, aws, deployment, deployment.log_bucket_name, required)
