"""What holds a bucket of the deployment, by its name: the log bucket, and those beside it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.bucket_listings import listed
from verify.checks.findings import report_findings, report_judgement
from verify.checks.trust import EXEMPT_ROLE_READS, hold_exempt_role
from verify.inputs.deployment import Deployment
from verify.policy import (
    denies_insecure_transport,
    denies_people,
    foreign_grants,
    public_grants,
)
from verify.policy.lifecycle import (
    archivals,
    default_lock_days,
    leftovers,
    locks_as,
    losses,
)
from verify.policy.outflows import (
    Outflow,
    analyzed,
    inventoried,
    logged,
    notified,
    replicated,
    tabulated,
)

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

# What the functions below read, for the markers of the controls that call them.
ENCRYPTION_READS = (reads.bucket_encryption,)
OUTFLOW_READS = (
    reads.bucket_replication,
    reads.bucket_inventories,
    reads.bucket_analytics,
    reads.bucket_metadata,
    reads.bucket_notifications,
    reads.bucket_logging,
)
DOOR_READS = (
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
CLOSED_READS = (
    reads.public_access_block,
    reads.bucket_ownership,
    reads.bucket_policy,
    reads.bucket_policy_status,
    reads.bucket_acl,
    *OUTFLOW_READS,
    *DOOR_READS,
)
LIFECYCLE_READS = (reads.bucket_lifecycle, reads.bucket_tiering, reads.bucket_object_lock)
KEPT_READS = (
    reads.bucket_versioning,
    reads.bucket_policy,
    *LIFECYCLE_READS,
    *EXEMPT_ROLE_READS,
)

Required = Mapping[str, Any]  # a bucket's part of the baseline


# --- encryption -----------------------------------------------------------------------------------


def hold_encryption(
    check: Check, aws: Aws, deployment: Deployment, name: str, required: Required, key: str | None
) -> None:
    """By default the bucket encrypts by the required algorithm, with that key or S3's own."""
    subject = deployment.bucket_arn(name)
    answer = aws.read(reads.bucket_encryption(deployment, name))
    found = {} if answer.response is None else answer.response
    rules = pick(found, "ServerSideEncryptionConfiguration", "Rules") if found else []
    check.equal(subject, "rules of default encryption", expected=1, seen=len(rules))
    for rule in rules:
        default = pick(rule, "ApplyServerSideEncryptionByDefault")
        algorithm = pick(default, "SSEAlgorithm")
        expected = required["encryption_algorithm"]
        check.equal(subject, "algorithm", expected=expected, seen=algorithm)
        check.equal(subject, "key", expected=key, seen=default.get("KMSMasterKeyID"))
        seen = rule.get("BucketKeyEnabled", False)
        check.equal(subject, "bucket key", expected=key is not None, seen=seen)


# --- who gets in, and what gets out ---------------------------------------------------------------


def hold_closed(
    check: Check, aws: Aws, deployment: Deployment, baseline: Required, name: str, part: str
) -> None:
    """Nobody beyond the account gets in, by whatever door, and nothing is sent away.

    `part` is the bucket's in the baseline. Which services its policy admits is not judged here.
    """
    subject = deployment.bucket_arn(name)
    required, common = baseline[part], baseline["log_bucket"]
    _hold_blocks(check, aws, deployment, name)
    ownership = aws.read(reads.bucket_ownership(deployment, name)).response
    rules = pick(ownership, "OwnershipControls", "Rules") if ownership else []
    check.equal(
        subject,
        "object ownership",
        expected=[common["object_ownership"]],
        seen=[rule.get("ObjectOwnership") for rule in rules],
    )
    _hold_acl(check, aws, deployment, name)
    policy = policy_of(check, aws, deployment, name)
    if policy is not None:
        _hold_policy(check, aws, deployment, name, policy)
    sends_to = required["sends_to"]
    check.none(
        subject,
        "what S3 sends elsewhere",
        [
            found
            for found in outflows(check, aws, deployment, name)
            if found.destination not in sends_to
        ],
        expected=f"nothing but to {', '.join(sends_to)}" if sends_to else "nothing",
    )
    hold_doors(check, aws, deployment, name, {**common, "access_points": []})


def policy_of(check: Check, aws: Aws, deployment: Deployment, name: str) -> str | None:
    """The bucket's policy; that there is none is itself an observation."""
    answer = aws.read(reads.bucket_policy(deployment, name))
    check.holds(
        deployment.bucket_arn(name),
        "bucket policy",
        answer.found,
        expected="exists",
        seen="exists" if answer.found else answer.error_code,
    )
    return None if answer.response is None else str(pick(answer.response, "Policy"))


def _hold_blocks(check: Check, aws: Aws, deployment: Deployment, name: str) -> None:
    answer = aws.read(reads.public_access_block(deployment, name)).response
    blocks = pick(answer, "PublicAccessBlockConfiguration") if answer else {}
    for block in _BLOCKS:
        subject = deployment.bucket_arn(name)
        check.equal(subject, block, expected=True, seen=blocks.get(block, False))


def _hold_acl(check: Check, aws: Aws, deployment: Deployment, name: str) -> None:
    acl = aws.pick(reads.bucket_acl(deployment, name))
    owner = pick(acl, "Owner", "ID")
    check.none(
        deployment.bucket_arn(name),
        "ACL grants to others than the owner",
        [
            f"{grant.get('Permission')} to {named(pick(grant, 'Grantee'))}"
            for grant in pick(acl, "Grants")
            if named(pick(grant, "Grantee")) != f"CanonicalUser {owner}"
        ],
    )


def named(grantee: Mapping[str, Any]) -> str:
    """Whom an ACL grants something, with the kind that tells what the identifier is."""
    identifiers = (grantee.get(member) for member in ("URI", "EmailAddress", "ID"))
    found = " ".join(text for text in identifiers if text)
    return f"{grantee.get('Type')} {found}"


def _hold_policy(check: Check, aws: Aws, deployment: Deployment, name: str, policy: str) -> None:
    subject, account = deployment.bucket_arn(name), deployment.account_id
    report_findings(check, subject, "grants to anyone", public_grants(policy, account))
    owner = aws.pick(reads.bucket_acl(deployment, name), "Owner", "ID")
    report_findings(
        check,
        subject,
        "grants to other accounts or for anyone's sake",
        foreign_grants(policy, account, canonical_user=owner),
    )
    check.equal(
        subject,
        "public by AWS's own judgement",
        expected=False,
        seen=aws.pick(reads.bucket_policy_status(deployment, name), "PolicyStatus", "IsPublic"),
    )
    report_judgement(
        check,
        subject,
        "requests without TLS",
        denies_insecure_transport(policy, subject),
        "denied to everyone, for every action on bucket and objects",
    )


def outflows(check: Check, aws: Aws, deployment: Deployment, name: str) -> Iterator[Outflow]:
    """What S3 by itself sends elsewhere of a bucket, and where."""
    replication = aws.read(reads.bucket_replication(deployment, name)).response
    if replication is not None:
        yield from replicated(pick(replication, "ReplicationConfiguration"))
    yield from inventoried(listed(check, aws, deployment, reads.bucket_inventories, name))
    yield from analyzed(listed(check, aws, deployment, reads.bucket_analytics, name))
    metadata = aws.read(reads.bucket_metadata(deployment, name)).response
    if metadata is not None:
        result = pick(metadata, "GetBucketMetadataConfigurationResult")
        yield from tabulated(pick(result, "MetadataConfigurationResult"))
    yield from notified(aws.pick(reads.bucket_notifications(deployment, name)))
    yield from logged(aws.pick(reads.bucket_logging(deployment, name)), deployment.partition)


def hold_doors(
    check: Check, aws: Aws, deployment: Deployment, name: str, required: Required
) -> None:
    """The bucket is reached by its own name alone, under its own policy, at its owner's expense."""
    subject = deployment.bucket_arn(name)
    for aspect, reading in (
        ("website", reads.bucket_website),
        ("access from other sites' pages (CORS)", reads.bucket_cors),
    ):
        answer = aws.read(reading(deployment, name))
        check.holds(
            subject, aspect, not answer.found, expected="none", seen=answer.response or "none"
        )
    payer = aws.pick(reads.bucket_payer(deployment, name), "Payer")
    check.equal(subject, "who pays for requests", expected=required["payer"], seen=payer)
    by_tags = aws.pick(reads.bucket_tag_access(deployment, name), "AbacStatus", "Status")
    check.equal(subject, "access by tags (ABAC)", expected=required["access_by_tags"], seen=by_tags)
    # S3 says nothing where acceleration was never set, and refuses to where there is none.
    acceleration = aws.read(reads.bucket_acceleration(deployment, name)).response or {}
    check.equal(
        subject,
        "transfer acceleration",
        expected=required["acceleration"],
        seen=acceleration.get("Status", "Suspended"),
    )
    _hold_access_points(check, aws, deployment, name, required["access_points"])


def _hold_access_points(
    check: Check, aws: Aws, deployment: Deployment, bucket: str, permitted: list[str]
) -> None:
    """There are none but the permitted, and none admits more than the bucket's own policy does."""
    points = aws.pick(reads.access_points(deployment, bucket), "AccessPointList")
    check.none(
        deployment.bucket_arn(bucket),
        "access points",
        [
            f"{pick(point, 'Name')} from {point.get('NetworkOrigin')}"
            for point in points
            if pick(point, "Name") not in permitted
        ],
        expected=f"none but {', '.join(permitted)}" if permitted else "none",
    )
    for point in points:
        _hold_access_point(check, aws, deployment, pick(point, "Name"))


def _hold_access_point(check: Check, aws: Aws, deployment: Deployment, name: str) -> None:
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


# --- how long what it holds is kept ---------------------------------------------------------------


def hold_kept(
    check: Check, aws: Aws, deployment: Deployment, baseline: Required, name: str, part: str
) -> None:
    """What the bucket holds stays as long as it must, and no longer; `part` as for `hold_closed`.

    Versions, lock, lifecycle, and that nobody may delete, alter or forge it, nor change these.
    """
    subject, required = deployment.bucket_arn(name), baseline[part]
    found, common = aws.pick(reads.bucket_versioning(deployment, name)), baseline["log_bucket"]
    status = found.get("Status", "never enabled")
    check.equal(subject, "versioning", expected=common["versioning"], seen=status)
    mfa_delete = found.get("MFADelete", "Disabled")
    check.equal(subject, "MFA delete", expected=common["mfa_delete"], seen=mfa_delete)
    hold_lock(check, aws, deployment, name, required["object_lock"])
    hold_losses(check, aws, deployment, name, required["lifecycle"])
    hold_leftovers(check, aws, deployment, name, required["lifecycle"])
    policy = policy_of(check, aws, deployment, name)
    if policy is None:
        return
    exempt = baseline["log_bucket"]["break_glass_roles"]
    for part_of, services in (("protected_actions", False), ("protected_writes", True)):
        hold_denied(check, policy, subject, required[part_of], exempt, services=services)
    for role in exempt:
        hold_exempt_role(check, aws, deployment, baseline, role)


def hold_denied(
    check: Check,
    policy: str,
    subject: str,
    actions: Collection[str],
    exempt: Collection[str],
    *,
    services: bool,
) -> None:
    """Each action is denied to everyone but the exempt, and where `services`, to no service."""
    everyone = "denied to everyone"
    excepted = [*exempt, *(["services"] if services else [])]
    expected = f"{everyone} but {', '.join(excepted)}" if excepted else everyone
    for action in actions:
        judgement = denies_people(policy, subject, [action], exempt, services_exempt=services)
        report_judgement(check, subject, action, judgement, expected)


def lock_of(aws: Aws, deployment: Deployment, name: str) -> Mapping[str, Any]:
    """The bucket's Object Lock, empty where there is none."""
    answer = aws.read(reads.bucket_object_lock(deployment, name))
    found: Mapping[str, Any] = (
        {} if answer.response is None else pick(answer.response, "ObjectLockConfiguration")
    )
    return found


def hold_lock(
    check: Check, aws: Aws, deployment: Deployment, name: str, required: Mapping[str, Any] | str
) -> None:
    """The bucket locks what it holds as required, or nothing."""
    lock = lock_of(aws, deployment, name)
    check.holds(
        deployment.bucket_arn(name),
        "Object Lock",
        locks_as(lock, required),
        expected=required,
        seen=lock or "none",
    )


def hold_losses(
    check: Check, aws: Aws, deployment: Deployment, name: str, required: Mapping[str, Any]
) -> None:
    """S3 by itself takes nothing away, or out of reach, sooner than it may."""
    subject = deployment.bucket_arn(name)
    check.none(
        subject,
        "lifecycle rules that remove or move files too soon, or elsewhere",
        losses(
            lifecycle(aws, deployment, name),
            default_lock_days(lock_of(aws, deployment, name)),
            required,
        ),
    )
    tierings = listed(check, aws, deployment, reads.bucket_tiering, name)
    check.none(subject, "tiering that archives files", archivals(tierings, ()))


def hold_leftovers(
    check: Check, aws: Aws, deployment: Deployment, name: str, required: Mapping[str, Any]
) -> None:
    """S3 by itself archives and removes every file in time."""
    archive = required["archive"]
    moved = (
        ""
        if isinstance(archive, str)
        else (f"moved to {archive['storage_class']} after {archive['after_days']} days, ")
    )
    check.none(
        deployment.bucket_arn(name),
        "what stays beyond its time",
        leftovers(
            lifecycle(aws, deployment, name),
            default_lock_days(lock_of(aws, deployment, name)),
            required,
        ),
        expected=f"nothing: {moved}gone after {required['gone_after_days']} days",
    )


def lifecycle(aws: Aws, deployment: Deployment, name: str) -> Mapping[str, Any]:
    """A bucket's lifecycle configuration, empty where it has none."""
    found = aws.read(reads.bucket_lifecycle(deployment, name)).response
    # Of a bucket that has none there is an error: an answer without rules has not been seen whole.
    return {} if found is None else {**found, "Rules": pick(found, "Rules")}
