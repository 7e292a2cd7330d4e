"""Storage: buckets made public, and protections taken from them."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, dig, flag, mapping, objects, owner_of, text, texts
from .grants import doubt_about, granted_to_anyone, statement_details

_S3 = "s3.amazonaws.com"
# The groups of an access control list that stand for strangers, by the end of their address.
PUBLIC_GROUPS = {
    "acs.amazonaws.com/groups/global/AllUsers": "everyone",
    "acs.amazonaws.com/groups/global/AuthenticatedUsers": "every AWS account",
}
_CANNED = {
    "public-read": "everyone",
    "public-read-write": "everyone",
    "authenticated-read": "every AWS account",
}
# What a public access block is made of.
PUBLIC_ACCESS_FLAGS = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


def _bucket(event: Event) -> str | None:
    return text(event.parameters.get("bucketName"))


def _named(bucket: str | None) -> str:
    return f"Bucket {bucket}" if bucket else "A bucket"


def _judge_policy(event: Event, _: AuditPipeline) -> Finding | None:
    found = granted_to_anyone(event.parameters.get("bucketPolicy"))
    if not found:
        return None
    bucket = _bucket(event)
    writes = any(
        statement.covers_action(action)
        for statement in found
        for action in ("s3:putobject", "s3:deleteobject", "s3:putbucketpolicy")
    )
    return Finding(
        resource_id=bucket,
        reason=(
            f"{_named(bucket)} has a policy that lets anyone in, with no condition that names "
            f"accounts or networks. Strangers can {'change' if writes else 'read'} what it holds."
            + doubt_about(found)
        ),
        details={"statements": statement_details(found)},
        severity="CRITICAL",
    )


def _acl_entries(event: Event) -> Iterator[tuple[str, str]]:
    """Pairs of who is let in and the permission, from each of the three forms of an ACL."""
    parameters = event.parameters
    headers = {**mapping(parameters.get("accessControlList")), **parameters}
    canned = text(headers.get("x-amz-acl"))
    if canned and canned.lower() in _CANNED:
        yield _CANNED[canned.lower()], canned
    for name, value in headers.items():
        if name.lower().startswith("x-amz-grant-"):
            for content in texts(value):
                for uri, who in PUBLIC_GROUPS.items():
                    if uri in content:
                        yield who, name[len("x-amz-grant-") :]
    for entry in objects(dig(parameters, "AccessControlPolicy", "AccessControlList", "Grant")):
        grantee = text(dig(entry, "Grantee", "URI")) or ""
        group = next((who for uri, who in PUBLIC_GROUPS.items() if grantee.endswith(uri)), None)
        if group is not None:
            permission = text(entry.get("Permission")) or text(entry.get("permission"))
            yield group, permission or "unknown"


def _judge_acl(event: Event, _: AuditPipeline) -> Finding | None:
    grants = list(dict.fromkeys(_acl_entries(event)))
    if not grants:
        return None
    bucket = _bucket(event)
    who = " and ".join(dict.fromkeys(each for each, _ in grants))
    return Finding(
        resource_id=bucket,
        reason=(
            f"{_named(bucket)} has an access control list that grants "
            f"{', '.join(dict.fromkeys(permission for _, permission in grants))} to {who}."
        ),
        details={"grants": [{"to": who, "permission": what} for who, what in grants]},
    )


def _judge_public_access_block(event: Event, _: AuditPipeline) -> Finding | None:
    account_wide = "Account" in event.name
    bucket = None if account_wide else _bucket(event)
    subject = "the whole account" if account_wide else _named(bucket).replace("B", "b", 1)
    if event.name.startswith("Delete"):
        weakened = list(PUBLIC_ACCESS_FLAGS)
        reason = f"The public access block of {subject} was removed."
    else:
        configuration = event.parameters.get("PublicAccessBlockConfiguration")
        if not isinstance(configuration, dict):
            return None
        # A flag that is left out counts as false (S3 API reference).
        weakened = [
            name for name in PUBLIC_ACCESS_FLAGS if flag(configuration.get(name)) is not True
        ]
        if not weakened:
            return None
        reason = f"The public access block of {subject} no longer has {', '.join(weakened)}."
    return Finding(
        resource_id=event.account if account_wide else bucket,
        reason=f"{reason} A policy or access control list can now make data public.",
        details={"scope": "account" if account_wide else "bucket", "off": weakened},
        severity="CRITICAL" if account_wide else "HIGH",
        resource_type="AWS::S3::AccountPublicAccessBlock" if account_wide else None,
    )


def _judge_encryption(event: Event, pipeline: AuditPipeline) -> Finding | None:
    bucket = _bucket(event)
    if event.name == "DeleteBucketEncryption":
        return Finding(
            resource_id=bucket,
            reason=(
                f"{_named(bucket)} lost its encryption configuration: new objects are no longer "
                "encrypted with the key that was chosen for it."
            ),
        )
    if bucket is None or not pipeline.is_log_bucket(bucket):
        return None
    rules = dig(event.parameters, "ServerSideEncryptionConfiguration", "Rule")
    weak: list[str] = []
    for rule in objects(rules):
        default = mapping(rule.get("ApplyServerSideEncryptionByDefault"))
        algorithm, key = text(default.get("SSEAlgorithm")), text(default.get("KMSMasterKeyID"))
        if algorithm is not None and (why := _weak_encryption(algorithm, key, event.account)):
            weak.append(why)
    if not weak:
        return None
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} no longer encrypts with a key of this account's own "
            f"({', '.join(weak[:3])}): the key no longer says who may read the trail."
        ),
        details={"encryption": weak[:3]},
    )


def _weak_encryption(algorithm: str, key: str | None, account: str | None) -> str | None:
    """Why a default encryption does not keep the trail's files as a key of one's own does."""
    if not algorithm.startswith("aws:kms"):
        return algorithm
    if key is None or key.endswith("alias/aws/s3"):
        return f"{algorithm} with the key that AWS manages"
    owner = owner_of(key)
    if owner is not None and account is not None and owner != account:
        return f"{algorithm} with a key of account {owner}"
    return None


def _judge_versioning(event: Event, _: AuditPipeline) -> Finding | None:
    configuration = mapping(event.parameters.get("VersioningConfiguration"))
    bucket = _bucket(event)
    if str(configuration.get("Status")).lower() == "suspended":
        return Finding(
            resource_id=bucket,
            reason=f"{_named(bucket)} no longer keeps versions: an overwrite or deletion is final.",
            details={"status": "Suspended"},
        )
    return None


def _judge_logging(event: Event, _: AuditPipeline) -> Finding | None:
    status = event.parameters.get("BucketLoggingStatus")
    if not isinstance(status, dict) or status.get("LoggingEnabled"):
        return None
    bucket = _bucket(event)
    return Finding(
        resource_id=bucket,
        reason=f"{_named(bucket)} no longer logs who reads and writes its objects.",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="bucket-policy-public",
        title="Bucket made public by its policy",
        severity="CRITICAL",
        citations=("164.312(a)(1)", "164.308(a)(4)(i)"),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.bucketPolicy",),
        events=((_S3, "PutBucketPolicy"),),
        judge=_judge_policy,
    ),
    Rule(
        id="bucket-acl-public",
        title="Bucket made public by its access control list",
        severity="CRITICAL",
        citations=("164.312(a)(1)", "164.308(a)(4)(i)"),
        resource_type="AWS::S3::Bucket",
        fields=(
            "requestParameters.x-amz-acl",
            "requestParameters.accessControlList",
            "requestParameters.AccessControlPolicy",
        ),
        events=((_S3, "PutBucketAcl"), (_S3, "CreateBucket")),
        judge=_judge_acl,
    ),
    Rule(
        id="public-access-block-weakened",
        title="Public access block removed or weakened",
        severity="HIGH",
        citations=("164.312(a)(1)",),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.PublicAccessBlockConfiguration", "eventName"),
        events=tuple(
            (_S3, f"{verb}{scope}PublicAccessBlock")
            for verb in ("Put", "Delete")
            for scope in ("Bucket", "Account")
        ),
        judge=_judge_public_access_block,
    ),
    Rule(
        id="bucket-encryption-weakened",
        title="Bucket encryption removed or weakened",
        severity="HIGH",
        citations=("164.312(a)(2)(iv)",),
        resource_type="AWS::S3::Bucket",
        fields=("eventName", "requestParameters.ServerSideEncryptionConfiguration"),
        events=((_S3, "DeleteBucketEncryption"), (_S3, "PutBucketEncryption")),
        judge=_judge_encryption,
    ),
    Rule(
        id="bucket-versioning-suspended",
        title="Bucket versioning suspended",
        severity="HIGH",
        citations=("164.312(c)(1)", "164.308(a)(7)(ii)(A)"),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.VersioningConfiguration.Status",),
        events=((_S3, "PutBucketVersioning"),),
        judge=_judge_versioning,
    ),
    Rule(
        id="bucket-logging-disabled",
        title="Bucket access logging disabled",
        severity="MEDIUM",
        citations=("164.312(b)",),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.BucketLoggingStatus.LoggingEnabled",),
        events=((_S3, "PutBucketLogging"),),
        judge=_judge_logging,
    ),
)
