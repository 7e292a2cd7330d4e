"""The log bucket: each way to lose the trail's files, now or in time, or what protects them.

On any other bucket most of these are everyday calls; the rules look at buckets that keep a trail's
files. What a configuration that replaces the former one lacks is gone: a Put is judged as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..policy.document import Statement, statements
from ..record import Event, dig, integer, mapping, objects, owner_of, text, texts
from .grants import first_document, foreign_principals

_S3 = "s3.amazonaws.com"
# Six years (45 CFR 164.316(b)(2)(i)).
_RETENTION_DAYS = 2190
_YEAR_DAYS = 365
# What a review looks at must be at hand: files in these classes are restored first, for hours.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_AT_HAND_DAYS = 90
_TRAIL_PREFIX = "AWSLogs/"
_PARTITIONS = (
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-eusc",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
)


def _log_bucket(event: Event, pipeline: AuditPipeline) -> str | None:
    """The bucket of the call if it keeps a trail's files."""
    bucket = text(event.parameters.get("bucketName"))
    return bucket if bucket is not None and pipeline.is_log_bucket(bucket) else None


# --- deleted, or its policy taken away


def _judge_unprotected(event: Event, pipeline: AuditPipeline) -> Finding | None:
    bucket = _log_bucket(event, pipeline)
    if bucket is None:
        return None
    if event.name == "PutBucketPolicy":
        return _judge_policy(event, pipeline, bucket)
    what = "was deleted" if event.name == "DeleteBucket" else "lost its policy"
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} {what}: the trail's records are no longer kept or protected "
            "from change."
        ),
    )


# What the deployment's policy denies to everyone: on the bucket itself (False) or on what it holds.
_DENIED = (
    ("s3:deleteobject", True, "deletion of files"),
    ("s3:deleteobjectversion", True, "deletion of versions"),
    ("s3:putobject", True, "writing by people"),
    ("s3:deletebucket", False, "deletion of the bucket"),
    ("s3:putbucketversioning", False, "change of versioning"),
    ("s3:putlifecycleconfiguration", False, "change of the lifecycle"),
    ("s3:putreplicationconfiguration", False, "change of replication"),
)
_EXCEPTIONS = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")


def _binds_people(statement: Statement) -> bool:
    """Whether a Deny holds of everyone but named roles and AWS's services."""
    if statement.allows or "*" not in statement.principals:
        return False
    for operator, key, values in statement.conditions:
        plain = operator.removesuffix("ifexists")
        named = (
            key == "aws:principalarn"
            and plain in _EXCEPTIONS
            and not any(sign in value for value in values for sign in "*?$")
        )
        spares_services = (
            key == "aws:principalisawsservice" and plain == "bool" and values == ("false",)
        )
        if not named and not spares_services:
            return False
    return True


def _covers(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement speaks of an action on a bucket or an object (bucket/key)."""
    return statement.covers_action(action) and any(
        statement.covers_resource(f"arn:{partition}:s3:::{resource}") for partition in _PARTITIONS
    )


def _lacking(every: list[Statement], bucket: str, file: str) -> list[str]:
    """What the deployment's own policy has and this one has not."""
    binding = [statement for statement in every if _binds_people(statement)]
    lacking = [
        what
        for action, within, what in _DENIED
        if not any(_covers(statement, action, file if within else bucket) for statement in binding)
    ]
    if not any(
        not statement.allows
        and any(
            key == "aws:securetransport" and values == ("false",)
            for _, key, values in statement.conditions
        )
        for statement in every
    ):
        lacking.append("transport without TLS")
    return lacking


def _keeps_trail_out(every: Iterable[Statement], file: str) -> bool:
    """Whether CloudTrail may not write: nothing lets it, or a Deny without conditions holds."""
    admitted = False
    for statement in every:
        whom = any(
            principal == "*" or principal.startswith("cloudtrail.")
            for principal in statement.principals
        )
        if not whom or not _covers(statement, "s3:putobject", file):
            continue
        if statement.allows:
            admitted = True
        elif not statement.conditions:
            return True
    return not admitted


def _judge_policy(event: Event, pipeline: AuditPipeline, bucket: str) -> Finding | None:
    document = first_document(event.parameters.get("bucketPolicy"))
    if document is None:
        return None
    every = statements(document)
    strangers = foreign_principals(every, event.account)
    lacking: list[str] = []
    found = []
    if strangers:
        found.append(f"it lets in {', '.join(strangers[:3])}, of another account")
    # Anyone's bucket may have a like name: only the deployment's own is known to have had these.
    if pipeline.is_own_log_bucket(bucket, event.account):
        file = f"{bucket}/{_TRAIL_PREFIX}{event.account}/CloudTrail/zq-any.json.gz"
        lacking = _lacking(every, bucket, file)
        if lacking:
            found.append(f"it no longer denies {', '.join(lacking)}")
        if _keeps_trail_out(every, file):
            found.append("CloudTrail may no longer write to it")
    if not found:
        return None
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} has another policy, without its former protection: "
            f"{'; '.join(found)}."
        ),
        details={"strangers": strangers[:10], "no_longer_denied": lacking},
    )


# --- lost in time


def _may_cover_trail(rule: Mapping[str, Any], *, own: bool) -> bool:
    """Whether a lifecycle rule's filter may cover the trail's files.

    Sizes and tags may; a prefix may not if it is another one than the deployment's trail writes
    under. Of another trail the prefix is not known.
    """
    scope = rule.get("Filter")
    prefix = text(rule.get("Prefix")) or text(dig(scope, "Prefix"))
    prefix = prefix or text(dig(scope, "And", "Prefix")) or ""
    return not own or prefix.startswith(_TRAIL_PREFIX) or _TRAIL_PREFIX.startswith(prefix)


def _time(value: object) -> datetime | None:
    written = text(value)
    if written is None:
        return None
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _days_to(event: Event, action: Mapping[str, Any], key: str = "Days") -> int | None:
    """After how many days an action of a lifecycle rule takes place; None if it has no time."""
    days = integer(action.get(key))
    if days is not None or action.get("Date") is None:
        return days
    date, now = _time(action.get("Date")), _time(event.record.get("eventTime"))
    # A date that cannot be read is one that may be past.
    return max((date - now).days, 0) if date is not None and now is not None else 0


_Loss = tuple[int, int, str]  # after how many days, how many there should be, in words


def _losses(event: Event, rule: Mapping[str, Any]) -> Iterator[_Loss]:
    for action in objects(rule.get("Expiration")):
        days = _days_to(event, action)
        if days is not None:
            date = text(action.get("Date"))
            when = f"from {date[:64]} on" if date else f"after {days} days"
            yield days, _RETENTION_DAYS, f"deletes the trail's records {when}"
    for action in objects(rule.get("NoncurrentVersionExpiration")):
        days = _days_to(event, action, "NoncurrentDays")
        if days is not None:
            yield (
                days,
                _RETENTION_DAYS,
                f"forgets what was overwritten or deleted after {days} days",
            )
    for name in ("Transition", "Transitions"):
        for action in objects(rule.get(name)):
            kind = text(action.get("StorageClass")) or ""
            days = _days_to(event, action)
            if kind.upper() in _ARCHIVES and days is not None:
                yield (
                    days,
                    _AT_HAND_DAYS,
                    f"moves the trail's records after {days} days to {kind}, where nobody can "
                    "read them before they are restored",
                )


def _judge_lifecycle(event: Event, pipeline: AuditPipeline) -> Finding | None:
    bucket = _log_bucket(event, pipeline)
    if bucket is None:
        return None
    own = pipeline.is_own_log_bucket(bucket, event.account)
    configuration = mapping(event.parameters.get("LifecycleConfiguration"))
    found = [
        loss
        for name in ("Rule", "Rules")
        for rule in objects(configuration.get(name))
        if str(rule.get("Status")).lower() != "disabled" and _may_cover_trail(rule, own=own)
        for loss in _losses(event, rule)
        if loss[0] < loss[1]
    ]
    if not found:
        return None
    lost = [loss for loss in found if loss[1] == _RETENTION_DAYS]
    shortest = min((days for days, _, _ in lost), default=None)
    severity: Severity = "HIGH" if shortest is not None and shortest < _YEAR_DAYS else "MEDIUM"
    return Finding(
        resource_id=bucket,
        reason=f"Log bucket {bucket} now {'; '.join(words for _, _, words in found[:5])}.",
        details={"expiration_days": shortest, "losses": [words for _, _, words in found[:10]]},
        severity=severity,
    )


# --- copied to others


def _foreign(value: object, account: str | None, depth: int = 0) -> Iterator[str]:
    """The accounts in a configuration (``Account``, ``AccountId``, ARNs) that are not one's own."""
    if isinstance(value, list):
        for member in value:
            yield from _foreign(member, account, depth + 1)
    elif isinstance(value, dict) and depth < 12:
        for key, member in value.items():
            owner = text(member)
            if owner is None:
                yield from _foreign(member, account, depth + 1)
                continue
            if not key.lower().endswith(("account", "accountid")):
                owner = owner_of(owner) if owner.startswith("arn:") else None
            if owner is not None and owner != account:
                yield owner


def _judge_copied(event: Event, pipeline: AuditPipeline) -> Finding | None:
    bucket = _log_bucket(event, pipeline)
    if bucket is None:
        return None
    if event.name == "PutBucketReplication":
        return _judge_replication(event, bucket)
    found = list(dict.fromkeys(_foreign(dict(event.parameters), event.account)))
    if not found:
        return None
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} tells another account, {', '.join(found[:3])}, which files it "
            f"holds ({event.name})."
        ),
        details={"accounts": found[:10]},
        severity="MEDIUM",
    )


def _judge_replication(event: Event, bucket: str) -> Finding | None:
    configuration = event.parameters.get("ReplicationConfiguration")
    strangers, unknown = [], []
    for name in ("Rule", "Rules"):
        for rule in objects(dig(configuration, name)):
            if str(rule.get("Status")).lower() == "disabled":
                continue
            destination = mapping(rule.get("Destination"))
            owner = text(destination.get("Account"))
            target = text(destination.get("Bucket")) or "an unnamed bucket"
            if owner is not None and owner != event.account:
                strangers.append(f"{target} of account {owner}")
            elif owner is None and (event.account is None or event.account not in target):
                unknown.append(target)
    if not strangers and not unknown:
        return None
    where = ", ".join((strangers or unknown)[:3])
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} is now copied to {where}"
            + (
                ": whoever owns that bucket reads the trail."
                if strangers
                else ", and the record does not say whose bucket that is: look at it."
            )
        ),
        details={"destinations": [*strangers, *unknown][:10]},
        severity=None if strangers else "MEDIUM",
    )


# --- protections taken back in part


def _judge_weakened(event: Event, pipeline: AuditPipeline) -> Finding | None:
    if event.name == "CreateAccessPoint":
        return _judge_access_point(event, pipeline)
    bucket = _log_bucket(event, pipeline)
    if bucket is None:
        return None
    what = _WEAKENINGS[event.name](event)
    if what is None:
        return None
    return Finding(
        resource_id=bucket,
        reason=f"Log bucket {bucket} {what}.",
        details={"event": event.name},
    )


def _versioning(event: Event) -> str | None:
    configuration = mapping(event.parameters.get("VersioningConfiguration"))
    setting = configuration.get("MfaDelete") or configuration.get("MFADelete")
    if str(text(setting)).lower() != "disabled":
        return None
    return "lets versions be deleted without a second factor (MFA delete is off)"


def _object_lock(event: Event) -> str | None:
    configuration = event.parameters.get("ObjectLockConfiguration")
    if not isinstance(configuration, dict):
        return None
    retention = mapping(dig(configuration, "Rule", "DefaultRetention"))
    years, days = integer(retention.get("Years")), integer(retention.get("Days"))
    if years is not None:
        days = years * _YEAR_DAYS
    if days is None:
        return "no longer locks new files against deletion (Object Lock has no default retention)"
    if days < _RETENTION_DAYS:
        return f"locks new files against deletion for {days} days only (Object Lock)"
    return None


def _ownership(event: Event) -> str | None:
    if event.name == "PutBucketOwnershipControls":
        kinds = [
            text(rule.get("ObjectOwnership"))
            for rule in objects(dig(event.parameters, "OwnershipControls", "Rule"))
        ]
        if not kinds or all(kind == "BucketOwnerEnforced" for kind in kinds):
            return None
    return "heeds access control lists again: one is enough to let strangers in"


def _replica(_: Event) -> str | None:
    return "is no longer replicated: a second copy of the trail's records is no longer made"


def _acl(event: Event) -> str | None:
    parameters = event.parameters
    owner = text(dig(parameters, "AccessControlPolicy", "Owner", "ID"))
    others = []
    for grant in objects(dig(parameters, "AccessControlPolicy", "AccessControlList", "Grant")):
        grantee = mapping(grant.get("Grantee"))
        who = text(grantee.get("ID")) or text(grantee.get("EmailAddress"))
        if who is not None and who != owner:
            others.append(who)
    headers = {**mapping(parameters.get("accessControlList")), **parameters}
    for name, value in headers.items():
        if name.lower().startswith("x-amz-grant-"):
            others += [
                each.strip()
                for content in texts(value)
                for each in content.split(",")
                if each.strip().lower().startswith(("id=", "emailaddress="))
            ]
    if not others:
        return None
    return f"lets {', '.join(each[:80] for each in others[:3])} in by its access control list"


_WEAKENINGS = {
    "PutBucketVersioning": _versioning,
    "PutObjectLockConfiguration": _object_lock,
    "PutBucketObjectLockConfiguration": _object_lock,
    "PutBucketOwnershipControls": _ownership,
    "DeleteBucketOwnershipControls": _ownership,
    "DeleteBucketReplication": _replica,
    "PutBucketAcl": _acl,
}


def _judge_access_point(event: Event, pipeline: AuditPipeline) -> Finding | None:
    request = mapping(event.parameters.get("CreateAccessPointRequest"))
    candidates = [
        text(part.get(key))
        for part in (event.parameters, request)
        for key in ("bucketName", "bucket", "Bucket")
    ]
    bucket = next((each for each in candidates if each and pipeline.is_log_bucket(each)), None)
    if bucket is None:
        return None
    return Finding(
        resource_id=bucket,
        reason=(
            f"Log bucket {bucket} has an access point now: another door to the trail's files, with "
            "a policy of its own."
        ),
        details={"access_point": text(event.parameters.get("name")), "event": event.name},
    )


# --- single files: a trail records these calls where it is told to record data events


def _judge_file(event: Event, pipeline: AuditPipeline) -> Finding | None:
    bucket = _log_bucket(event, pipeline)
    if bucket is None or text(event.identity.get("type")) == "AWSService":
        return None
    key = text(event.parameters.get("key"))
    what = _file_change(event)
    if what is None:
        return None
    return Finding(
        resource_id=f"{bucket}/{key}" if key else bucket,
        reason=f"{'File ' + key if key else 'A file'} of log bucket {bucket} {what}.",
        details={"event": event.name, "version_id": text(event.parameters.get("versionId"))},
    )


def _file_change(event: Event) -> str | None:
    parameters = event.parameters
    if event.name in ("DeleteObject", "DeleteObjects"):
        for_ever = text(parameters.get("versionId")) is not None
        return "was deleted" + (" for ever, as a version" if for_ever else "")
    if event.name == "PutObjectLegalHold":
        status = str(text(dig(parameters, "LegalHold", "Status"))).upper()
        return "is no longer held (legal hold off)" if status == "OFF" else None
    retention = parameters.get("Retention")
    if not isinstance(retention, dict):
        return None
    until, now = _time(retention.get("RetainUntilDate")), _time(event.record.get("eventTime"))
    if until is None or now is None:
        return "is no longer locked against deletion (Object Lock)"
    days = (until - now).days
    if days >= _RETENTION_DAYS:
        return None
    return f"is locked against deletion for {max(days, 0)} days from now only (Object Lock)"


def _named(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((_S3, name) for name in names)


RULES: tuple[Rule, ...] = (
    Rule(
        id="log-bucket-unprotected",
        title="Log bucket deleted or left without its protection",
        severity="CRITICAL",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::S3::Bucket",
        fields=("eventName", "requestParameters.bucketName", "requestParameters.bucketPolicy"),
        events=_named("DeleteBucket", "DeleteBucketPolicy", "PutBucketPolicy"),
        judge=_judge_unprotected,
    ),
    Rule(
        id="log-bucket-expiry-shortened",
        title="Log bucket set to lose its records early",
        severity="HIGH",
        citations=("164.312(b)", "164.316(b)(2)(i)"),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.LifecycleConfiguration.Rule",),
        events=_named("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
        judge=_judge_lifecycle,
    ),
    Rule(
        id="log-bucket-copied-out",
        title="Log bucket copied or listed to others",
        severity="HIGH",
        citations=("164.312(a)(1)", "164.308(a)(4)(i)"),
        resource_type="AWS::S3::Bucket",
        fields=("requestParameters.ReplicationConfiguration", "requestParameters.bucketName"),
        events=_named(
            "PutBucketReplication",
            "PutBucketInventoryConfiguration",
            "PutBucketAnalyticsConfiguration",
            "PutBucketNotification",
        ),
        judge=_judge_copied,
    ),
    Rule(
        id="log-bucket-weakened",
        title="Log bucket's protection weakened",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::S3::Bucket",
        fields=("eventName", "requestParameters.bucketName"),
        events=_named(*_WEAKENINGS, "CreateAccessPoint"),
        judge=_judge_weakened,
    ),
    Rule(
        id="log-file-deleted-or-unlocked",
        title="File of the trail deleted or unlocked",
        severity="CRITICAL",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::S3::Object",
        fields=(
            "eventName",
            "requestParameters.bucketName",
            "requestParameters.Retention",
            "requestParameters.LegalHold",
        ),
        events=_named("DeleteObject", "DeleteObjects", "PutObjectLegalHold", "PutObjectRetention"),
        judge=_judge_file,
        data_events=True,
    ),
)
