"""Access logs and copies: who asked for log files is on record, and each file is in two regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import root_of
from verify.checks.buckets import (
    CLOSED_READS,
    ENCRYPTION_READS,
    KEPT_READS,
    hold_closed,
    hold_denied,
    hold_encryption,
    hold_kept,
    policy_of,
)
from verify.checks.findings import report_findings
from verify.checks.keys import hold_rotation, hold_usable
from verify.inputs.deployment import Deployment
from verify.policy import (
    excessive_grants,
    foreign_grants,
    key_policy_findings,
    service_grants,
)
from verify.policy.replication import Copies, copying_faults

_COPYING = ("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags")
_LOGGING = "logging.s3.amazonaws.com"


# --- access logs ----------------------------------------------------------------------------------


def _access_log_bucket(check: Check, deployment: Deployment) -> str | None:
    """The bucket of the access logs; that there is not one is itself an observation."""
    names = deployment.access_log_bucket_names
    subject = deployment.log_bucket_arn
    check.equal(subject, "buckets for its access logs", expected=1, seen=len(names))
    return names[0] if len(names) == 1 else None


@pytest.mark.control("log-bucket-requests-logged", reads.bucket_logging, reads.bucket_policy)
def test_requests_to_the_log_bucket_are_logged(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    name = _access_log_bucket(check, deployment)
    if name is None:
        return
    enabled = aws.pick(reads.bucket_logging(deployment)).get("LoggingEnabled") or {}
    subject = deployment.log_bucket_arn
    seen = enabled.get("TargetBucket", "nowhere")
    check.equal(subject, "where requests are logged", expected=name, seen=seen)
    granted = [dict(grant) for grant in enabled.get("TargetGrants") or ()]
    check.none(subject, "grants on the access logs", granted)
    # Without this S3 delivers nothing, and says nothing.
    policy = policy_of(check, aws, deployment, name)
    if policy is None:
        return
    target = deployment.bucket_arn(name)
    grants = service_grants(policy)
    check.equal(
        target,
        "services that may act on it",
        expected={_LOGGING},
        seen={grant.service for grant in grants},
    )
    check.equal(
        target,
        "what S3's log delivery may do",
        expected={("s3:PutObject", f"{target}/*")},
        seen={
            (action, resource)
            for grant in grants
            for action in grant.actions
            for resource in grant.resources
        },
    )
    others = [
        deployment.bucket_arn(one)
        for one in (
            *deployment.investigation_results_bucket_names,
            *deployment.config_history_bucket_names,
            *deployment.session_log_bucket_names,
            *deployment.reports_bucket_names,
        )
    ]
    for grant in grants:
        for key, values in (
            ("aws:SourceArn", [deployment.log_bucket_arn, *others]),
            ("aws:SourceAccount", [deployment.account_id]),
        ):
            check.holds(
                target,
                f"{grant.label}: condition on {key}",
                grant.requires(key, *values),
                expected=f"{key} {', '.join(values)}",
                seen=grant.describe(),
            )
    # Where another bucket is one of the sources, it may be the only one.
    sources = {value for grant in grants for one in grant.conditions for value in one.values}
    check.holds(
        target,
        "delivery for the log bucket",
        subject in sources,
        expected=subject,
        seen=", ".join(sorted(sources)) or "no condition",
    )


@pytest.mark.control("access-log-bucket-encrypted", *ENCRYPTION_READS)
def test_access_log_bucket_encrypts_as_s3_can_deliver(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _access_log_bucket(check, deployment)
    if name is not None:
        hold_encryption(check, aws, deployment, name, baseline["access_log_bucket"], None)


@pytest.mark.control("access-log-bucket-closed", *CLOSED_READS)
def test_access_log_bucket_admits_no_stranger(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _access_log_bucket(check, deployment)
    if name is not None:
        hold_closed(check, aws, deployment, baseline, name, "access_log_bucket")


@pytest.mark.control("access-log-bucket-keeps-files", *KEPT_READS)
def test_access_log_bucket_keeps_its_files_as_long_as_it_must(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _access_log_bucket(check, deployment)
    if name is not None:
        hold_kept(check, aws, deployment, baseline, name, "access_log_bucket")


# --- copies ---------------------------------------------------------------------------------------


def _copies(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> tuple[str, str]:
    """Bucket and key of the copies, where there are any.

    A baseline that demands none holds those that a deployment makes to the rest all the same.
    """
    subject, regions = deployment.log_bucket_arn, deployment.replica_regions
    wanted = baseline["copies"]["region"]
    if wanted is not None:
        check.equal(subject, "regions of its copies", expected=[wanted], seen=list(regions))
    elif not deployment.replica_bucket_names:
        rules = aws.read(reads.bucket_replication(deployment)).response
        check.holds(subject, "replication", rules is None, expected="none", seen=rules or "none")
        check.not_applicable("neither the baseline nor the deployment has copies in another region")
    home = deployment.region
    check.none(subject, "copies where the files are", [r for r in regions if r == home])
    names, keys = deployment.replica_bucket_names, deployment.replica_key_arns
    check.equal(subject, "buckets for its copies", expected=1, seen=len(names))
    check.equal(subject, "keys for its copies", expected=1, seen=len(keys))
    return (names or ("",))[0], (keys or ("",))[0]


@pytest.mark.control("log-files-copied", reads.bucket_replication)
def test_every_log_file_is_copied(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, key = _copies(check, aws, deployment, baseline)
    answer = aws.read(reads.bucket_replication(deployment)).response
    found = pick(answer, "ReplicationConfiguration") if answer else {}
    roles = deployment.replication_role_arns
    required = Copies(deployment.bucket_arn(name), key, (roles or ("",))[0])
    check.none(
        deployment.log_bucket_arn,
        "what keeps files from being copied",
        copying_faults(found, required),
        expected=f"every file, to {required.bucket}, encrypted with {key}",
    )


@pytest.mark.control(
    "copies-encrypted",
    reads.bucket_replication,
    *ENCRYPTION_READS,
    reads.key,
    reads.key_rotation,
    reads.key_policy,
    reads.key_grants,
)
def test_copies_are_encrypted_with_a_key_of_their_own(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, key = _copies(check, aws, deployment, baseline)
    if not name or not key:
        return
    hold_encryption(check, aws, deployment, name, baseline["copies"], key)
    _hold_key(check, aws, deployment, baseline, key)


def _hold_key(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], arn: str
) -> None:
    hold_usable(check, aws, deployment, arn)
    found = aws.pick(reads.key(deployment, arn), "KeyMetadata")
    expected = baseline["key"]["multi_region"]
    check.equal(arn, "multi-region", expected=expected, seen=pick(found, "MultiRegion"))
    status = aws.pick(reads.key_rotation(deployment, arn))
    enabled = pick(status, "KeyRotationEnabled")
    check.equal(arn, "rotation", expected=baseline["key"]["rotation"], seen=enabled)
    if enabled:
        maximum = baseline["key"]["maximum_rotation_days"]
        days = pick(status, "RotationPeriodInDays")
        expected = f"at most {maximum}"
        check.holds(arn, "days between rotations", days <= maximum, expected=expected, seen=days)
    hold_rotation(check, aws, deployment, baseline, arn)
    policy = aws.pick(reads.key_policy(deployment, arn), "Policy")
    account = deployment.account_id
    wrong = [*key_policy_findings(policy, account), *foreign_grants(policy, account)]
    report_findings(check, arn, "grants", dict.fromkeys(wrong))
    permitted = {root_of(deployment): ("kms:*",), account: ("kms:*",)}
    report_findings(
        check, arn, "grants beyond the account's own", excessive_grants(policy, permitted)
    )
    grants = aws.pick(reads.key_grants(deployment, arn), "Grants")
    check.none(arn, "grants beside its policy", [pick(grant, "GrantId") for grant in grants])


@pytest.mark.control("copies-closed", *CLOSED_READS)
def test_copies_admit_no_stranger(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, _ = _copies(check, aws, deployment, baseline)
    if not name:
        return
    hold_closed(check, aws, deployment, baseline, name, "copies")
    policy = policy_of(check, aws, deployment, name)
    if policy is not None:
        services = sorted({grant.service for grant in service_grants(policy)})
        check.none(deployment.bucket_arn(name), "services that may act on it", services)


@pytest.mark.control("copies-kept", reads.bucket_replication, *KEPT_READS)
def test_copies_are_kept_as_long_as_they_must(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, _ = _copies(check, aws, deployment, baseline)
    if not name:
        return
    hold_kept(check, aws, deployment, baseline, name, "copies")
    policy = policy_of(check, aws, deployment, name)
    if policy is not None:
        # Replication writes by actions of its own, in the role's name.
        subject, roles = deployment.bucket_arn(name), deployment.replication_role_arns
        hold_denied(check, policy, subject, _COPYING, roles, services=False)
