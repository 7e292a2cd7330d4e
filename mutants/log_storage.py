"""Faults of how log files are kept: lock, archive, expiry, access logs, copies."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import (
    bucket_of,
    edit_lifecycle,
    encrypt,
    lifecycle_of,
    put_lifecycle,
    tamper,
)
from mutants.log_bucket_ways_out import log_requests, replicate, replication_of
from mutants.model import Family
from mutants.policies import Edit, change

_GOES, _KEEPS, _LOCKED = (
    "log-bucket-lets-files-go",
    "log-bucket-keeps-files",
    "log-bucket-versioned",
)
_LOGGED = "log-bucket-requests-logged"
_LOGS_ENCRYPTED, _LOGS_CLOSED = "access-log-bucket-encrypted", "access-log-bucket-closed"
_LOGS_KEPT = "access-log-bucket-keeps-files"
_COPIED, _COPIES_ENCRYPTED = "log-files-copied", "copies-encrypted"
_COPIES_CLOSED, _COPIES_KEPT = "copies-closed", "copies-kept"
_ACCESS_LOGS, _REPLICA, _REPLICA_KEY = (
    "access_log_bucket_names",
    "replica_bucket_names",
    "replica_key_arns",
)
FAMILY = Family("log storage", _GOES, _LOGGED, _COPIED)

Rules = list[dict[str, Any]]


# --- lock -----------------------------------------------------------------------------------------


def lock(
    retention: Mapping[str, Any] | None, of: str, account: Account, mending: ExitStack
) -> None:
    """Lock new files of the log bucket, or of that of an output, by default so, or not."""
    name = bucket_of(account, of)
    before = account.s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    mending.callback(_put_lock, account, of, before)
    rule = {} if retention is None else {"Rule": {"DefaultRetention": retention}}
    _put_lock(account, of, {"ObjectLockEnabled": "Enabled", **rule})


def _put_lock(account: Account, of: str, default: Mapping[str, Any]) -> None:
    tamper(account, "put_object_lock_configuration", of=of, ObjectLockConfiguration=default)


for _case, _description, _retention, _fails in (
    ("off", "new files are not locked any more", None, (_LOCKED, _KEEPS)),
    (
        "shorter",
        "files are locked for a year, and deleted ones go a month later",
        {"Mode": "GOVERNANCE", "Days": 365},
        (_LOCKED, _KEEPS),
    ),
    (
        "other-mode",
        "files are locked so that nobody can ever unlock them",
        {"Mode": "COMPLIANCE", "Days": 2557},
        (_LOCKED,),
    ),
    (
        "century",
        "files are locked for a century, and nothing expires before",
        {"Mode": "GOVERNANCE", "Years": 100},
        (_GOES,),
    ),
):
    FAMILY.add(f"lock-{_case}", _description, partial(lock, _retention, ""), *_fails)
FAMILY.add("copies-lock-off", "copies are not locked", partial(lock, None, _REPLICA), _COPIES_KEPT)


# --- lifecycle ------------------------------------------------------------------------------------


def _with(action: str, **values: Any) -> Callable[[Rules], object]:
    """The first rule with these members of an action."""

    def edit(rules: Rules) -> None:
        found = rules[0][action]
        (found[0] if isinstance(found, list) else found).update(values)

    return edit


def _set(**members: Any) -> Callable[[Rules], object]:
    return lambda rules: rules[0].update(members)


def _without(action: str) -> Callable[[Rules], object]:
    return lambda rules: rules[0].pop(action)


_EXPIRY, _VERSIONS, _MOVE = "Expiration", "NoncurrentVersionExpiration", "Transitions"
for _case, _description, _edit, _of, _fails in (
    ("none", "there is no lifecycle at all", list.clear, "", (_GOES,)),
    ("disabled", "the rule is switched off", _set(Status="Disabled"), "", (_GOES,)),
    (
        "for-some",
        "the rule is for the files of one region alone",
        _set(Filter={"Prefix": "AWSLogs/123456789012/CloudTrail/us-east-1/"}),
        "",
        (_GOES,),
    ),
    (
        "for-large",
        "the rule is for large files alone",
        _set(Filter={"ObjectSizeGreaterThan": 10_000_000}),
        "",
        (_GOES,),
    ),
    ("sooner", "files go after a year", _with(_EXPIRY, Days=365), "", (_KEEPS,)),
    ("a-day-sooner", "files go a day too soon", _with(_EXPIRY, Days=2556), "", (_KEEPS,)),
    ("later", "files go after ten years", _with(_EXPIRY, Days=3653), "", (_GOES,)),
    ("never", "nothing expires any more", _without(_EXPIRY), "", (_GOES,)),
    ("archive-never", "nothing moves into the archive", _without(_MOVE), "", (_GOES,)),
    ("archive-later", "files move after a year", _with(_MOVE, Days=365), "", (_GOES,)),
    ("archive-sooner", "files move after a month", _with(_MOVE, Days=30), "", (_KEEPS,)),
    (
        "archive-elsewhere",
        "files move into a deeper archive",
        _with(_MOVE, StorageClass="DEEP_ARCHIVE"),
        "",
        (_KEEPS, _GOES),
    ),
    ("versions-never", "old versions stay for good", _without(_VERSIONS), "", (_GOES,)),
    (
        "versions-at-once",
        "what was deleted is gone the next day, once it is unlocked",
        _with(_VERSIONS, NoncurrentDays=1),
        "",
        (_KEEPS,),
    ),
    (
        "versions-kept",
        "the newest five old versions stay for good",
        _with(_VERSIONS, NewerNoncurrentVersions=5),
        "",
        (_GOES,),
    ),
    (
        "one-more",
        "one more rule expires what bears a tag",
        lambda rules: rules.append(
            {
                "ID": "by-hand",
                "Status": "Enabled",
                "Filter": {"Tag": {"Key": "expire", "Value": "yes"}},
                "Expiration": {"Days": 1},
            }
        ),
        "",
        (_KEEPS,),
    ),
    (
        "logs-sooner",
        "access logs go after a month",
        _with(_EXPIRY, Days=30),
        _ACCESS_LOGS,
        (_LOGS_KEPT,),
    ),
    ("logs-never", "access logs stay for good", list.clear, _ACCESS_LOGS, (_LOGS_KEPT,)),
    (
        "logs-versions-at-once",
        "access logs that were deleted are gone the next day",
        _with(_VERSIONS, NoncurrentDays=1),
        _ACCESS_LOGS,
        (_LOGS_KEPT,),
    ),
    (
        "copies-sooner",
        "copies go after a year",
        _with(_EXPIRY, Days=365),
        _REPLICA,
        (_COPIES_KEPT,),
    ),
    ("copies-never", "copies stay for good", list.clear, _REPLICA, (_COPIES_KEPT,)),
    (
        "copies-archived-at-once",
        "copies move into the archive the next day",
        _with(_MOVE, Days=1),
        _REPLICA,
        (_COPIES_KEPT,),
    ),
):
    FAMILY.add(f"lifecycle-{_case}", _description, partial(edit_lifecycle, _edit, _of), *_fails)


@FAMILY.fault("small files move into the archive too, the digests among them", _KEEPS)
def lifecycle_small_files(account: Account, mending: ExitStack) -> None:
    before = lifecycle_of(account)
    mending.callback(put_lifecycle, account, before)
    smallest = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    put_lifecycle(account, {**before, **smallest})


# --- access logs ----------------------------------------------------------------------------------


@FAMILY.fault("requests to the log bucket are not logged any more", _LOGGED)
def not_logged(account: Account, mending: ExitStack) -> None:
    log_requests(account, mending, {})


def _edit_policy(of: str, edit: Edit, account: Account, mending: ExitStack) -> None:
    """Change a bucket's policy; public ones are let in by opening the block for a moment."""
    _unblock(account, of)
    mending.callback(_block, account, of)
    change(f"bucket:{of}", edit, account, mending)
    _block(account, of)


def _block(account: Account, of: str, *off: str) -> None:
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    account.s3.put_public_access_block(
        Bucket=bucket_of(account, of),
        PublicAccessBlockConfiguration={block: block not in off for block in blocks},
    )


def _unblock(account: Account, of: str) -> None:
    _block(account, of, "BlockPublicPolicy")


def _read_by(principal: Any, of: str, account: Account, document: Document) -> None:
    reading = {
        "Sid": "Reading",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
    }
    document["Statement"].append(
        {**reading, "Resource": f"arn:aws:s3:::{bucket_of(account, of)}/*"}
    )


def _drop(sid: str, account: Account, document: Document) -> None:
    without(document, sid)


def _unconditioned(key: str, account: Account, document: Document) -> None:
    for operator in list(statement(document, "S3WritesAccessLogs")["Condition"].values()):
        operator.pop(key, None)
    conditions = statement(document, "S3WritesAccessLogs")["Condition"]
    for name in [name for name, value in conditions.items() if not value]:
        del conditions[name]


def _for_another(account: Account, document: Document) -> None:
    statement(document, "S3WritesAccessLogs")["Condition"]["ArnLike"]["aws:SourceArn"] = (
        "arn:aws:s3:::*"
    )


_STRANGER = {"AWS": f"arn:aws:iam::{STRANGER}:root"}
for _case, _description, _policy_edit, _of, _fails in (
    (
        "logs-undelivered",
        "S3 may not deliver access logs any more",
        partial(_drop, "S3WritesAccessLogs"),
        _ACCESS_LOGS,
        (_LOGGED,),
    ),
    (
        "logs-of-anyone",
        "S3 delivers access logs of any bucket of the account",
        partial(_unconditioned, "aws:SourceArn"),
        _ACCESS_LOGS,
        (_LOGGED,),
    ),
    (
        "logs-of-any-bucket",
        "S3 delivers access logs of a bucket by any name",
        _for_another,
        _ACCESS_LOGS,
        (_LOGGED,),
    ),
    (
        "logs-public",
        "anyone may read the access logs",
        partial(_read_by, "*", _ACCESS_LOGS),
        _ACCESS_LOGS,
        (_LOGS_CLOSED, _LOGGED),
    ),
    (
        "logs-for-a-stranger",
        "another account may read the access logs",
        partial(_read_by, _STRANGER, _ACCESS_LOGS),
        _ACCESS_LOGS,
        (_LOGS_CLOSED,),
    ),
    (
        "logs-in-the-clear",
        "the access-log bucket answers without TLS",
        partial(_drop, "DenyInsecureTransport"),
        _ACCESS_LOGS,
        (_LOGS_CLOSED,),
    ),
    (
        "logs-erasable",
        "people may delete access logs",
        partial(_drop, "DenyDeletion"),
        _ACCESS_LOGS,
        (_LOGS_KEPT,),
    ),
    (
        "logs-forgeable",
        "people may write access logs",
        partial(_drop, "DenyWritesByPeople"),
        _ACCESS_LOGS,
        (_LOGS_KEPT,),
    ),
    (
        "copies-public",
        "anyone may read the copies",
        partial(_read_by, "*", _REPLICA),
        _REPLICA,
        (_COPIES_CLOSED,),
    ),
    (
        "copies-for-a-service",
        "a service may read the copies",
        partial(_read_by, {"Service": "cloudtrail.amazonaws.com"}, _REPLICA),
        _REPLICA,
        (_COPIES_CLOSED,),
    ),
    (
        "copies-erasable",
        "people may delete copies",
        partial(_drop, "DenyDeletion"),
        _REPLICA,
        (_COPIES_KEPT,),
    ),
):
    FAMILY.add(f"policy-{_case}", _description, partial(_edit_policy, _of, _policy_edit), *_fails)


def _encrypt(
    default: Callable[[Account], Mapping[str, Any]], of: str, account: Account, mending: ExitStack
) -> None:
    encrypt(account, mending, default(account), of=of)


FAMILY.add(
    "logs-by-our-key",
    "the access-log bucket encrypts with a customer's key, so that S3 delivers nothing",
    partial(
        _encrypt,
        lambda account: {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": account.outputs["kms_key_arn"],
        },
        _ACCESS_LOGS,
    ),
    _LOGS_ENCRYPTED,
)
FAMILY.add(
    "copies-by-s3",
    "what else comes to the copies is encrypted with S3's own keys",
    partial(_encrypt, lambda _: {"SSEAlgorithm": "AES256"}, _REPLICA),
    _COPIES_ENCRYPTED,
)


def _open_block(of: str, account: Account, mending: ExitStack) -> None:
    mending.callback(_block, account, of)
    _block(account, of, "RestrictPublicBuckets")


def _own(of: str, account: Account, mending: ExitStack) -> None:
    def put(ownership: str) -> None:
        account.s3.put_bucket_ownership_controls(
            Bucket=bucket_of(account, of),
            OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]},
        )

    mending.callback(put, "BucketOwnerEnforced")
    put("ObjectWriter")


def _suspend(of: str, account: Account, mending: ExitStack) -> None:
    def put(status: str) -> None:
        versioning = {"Status": status}
        tamper(account, "put_bucket_versioning", of=of, VersioningConfiguration=versioning)

    mending.callback(put, "Enabled")
    put("Suspended")


def _notify(of: str, account: Account, mending: ExitStack) -> None:
    put = partial(account.s3.put_bucket_notification_configuration, Bucket=bucket_of(account, of))
    mending.callback(put, NotificationConfiguration={})
    put(NotificationConfiguration={"EventBridgeConfiguration": {}})


def _serve(of: str, account: Account, mending: ExitStack) -> None:
    which = {"Bucket": bucket_of(account, of)}
    mending.callback(account.s3.delete_bucket_website, **which)
    website = {"IndexDocument": {"Suffix": "index.html"}}
    account.s3.put_bucket_website(**which, WebsiteConfiguration=website)


# S3 suspends no versioning of a bucket that it locks, as the copies' is.
FAMILY.add(
    "logs-without-versions",
    "versioning of the access-log bucket is suspended",
    partial(_suspend, _ACCESS_LOGS),
    _LOGS_KEPT,
)

for _case, _description, _break in (
    ("a-block-off", "one public-access block is off", _open_block),
    ("with-acls", "ACLs are on", _own),
    ("notifying", "news of every file goes to EventBridge", _notify),
    ("website", "the bucket serves a website", _serve),
):
    for _which, _of, _control in (
        ("logs", _ACCESS_LOGS, _LOGS_CLOSED),
        ("copies", _REPLICA, _COPIES_CLOSED),
    ):
        FAMILY.add(
            f"{_which}-{_case}",
            f"{_description}, of the {'access-log bucket' if _of == _ACCESS_LOGS else 'copies'}",
            partial(_break, _of),
            _control,
        )


# --- copies ---------------------------------------------------------------------------------------


def _edit_replication(
    edit: Callable[[dict[str, Any]], object], account: Account, mending: ExitStack
) -> None:
    before = replication_of(account)
    mending.callback(replicate, account, before)
    after = copy.deepcopy(dict(before or {}))
    edit(after)
    replicate(account, after)


def _rule(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration["Rules"][0].update(members)


def _destination(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda configuration: configuration["Rules"][0]["Destination"].update(members)


@FAMILY.fault("nothing is copied any more", _COPIED)
def copies_off(account: Account, mending: ExitStack) -> None:
    mending.callback(replicate, account, replication_of(account))
    replicate(account, None)


_OFF = {"Status": "Disabled"}
for _case, _description, _change in (
    ("switched-off", "the copying rule is switched off", _rule(Status="Disabled")),
    (
        "of-one-prefix",
        "the digests alone are copied",
        _rule(Filter={"Prefix": "AWSLogs/123456789012/CloudTrail-Digest/"}),
    ),
    (
        "of-one-tag",
        "what bears a tag alone is copied",
        _rule(Filter={"Tag": {"Key": "copy", "Value": "yes"}}),
    ),
    (
        "without-encrypted",
        "what is encrypted with a key of KMS is passed over",
        _rule(SourceSelectionCriteria={"SseKmsEncryptedObjects": _OFF}),
    ),
    (
        "of-deletions",
        "deletions are copied too",
        _rule(DeleteMarkerReplication={"Status": "Enabled"}),
    ),
    ("uncounted", "nobody counts what could not be copied", _destination(Metrics=_OFF)),
    ("in-an-archive", "copies go into the archive at once", _destination(StorageClass="GLACIER")),
    (
        "of-a-stranger",
        "copies belong to another account",
        _destination(Account=STRANGER, AccessControlTranslation={"Owner": "Destination"}),
    ),
    (
        "by-another-key",
        "copies are encrypted with another key",
        _destination(
            EncryptionConfiguration={
                "ReplicaKmsKeyID": f"arn:aws:kms:ap-southeast-2:{STRANGER}:key/of-a-stranger"
            }
        ),
    ),
):
    FAMILY.add(f"copies-{_case}", _description, partial(_edit_replication, _change), _COPIED)


@FAMILY.fault("S3 copies by another role, which may not", _COPIED)
def copies_by_another_role(account: Account, mending: ExitStack) -> None:
    role = account.outputs["function_role_arn"]
    _edit_replication(lambda found: found.update(Role=role), account, mending)


@FAMILY.fault("a second rule of higher priority takes files out", _COPIED)
def copies_but_some(account: Account, mending: ExitStack) -> None:
    def edit(found: dict[str, Any]) -> None:
        second = copy.deepcopy(found["Rules"][0])
        second.update(ID="by-hand", Priority=2, Status="Disabled", Filter={"Prefix": "AWSLogs/"})
        found["Rules"].append(second)

    _edit_replication(edit, account, mending)


@FAMILY.fault("the key of the copies is not rotated", _COPIES_ENCRYPTED)
def copies_key_unrotated(account: Account, mending: ExitStack) -> None:
    arn = account.outputs[_REPLICA_KEY][0]
    kms = account.kms_of(arn)
    mending.callback(kms.enable_key_rotation, KeyId=arn, RotationPeriodInDays=365)
    kms.disable_key_rotation(KeyId=arn)


@FAMILY.fault("the key of the copies is disabled", _COPIES_ENCRYPTED)
def copies_key_disabled(account: Account, mending: ExitStack) -> None:
    arn = account.outputs[_REPLICA_KEY][0]
    kms = account.kms_of(arn)
    mending.callback(kms.enable_key, KeyId=arn)
    kms.disable_key(KeyId=arn)


@FAMILY.fault("another account may use the key of the copies", _COPIES_ENCRYPTED)
def copies_key_for_a_stranger(account: Account, mending: ExitStack) -> None:
    def edit(_: Account, document: Document) -> None:
        document["Statement"].append(
            {"Effect": "Allow", "Principal": _STRANGER, "Action": "kms:Decrypt", "Resource": "*"}
        )

    change(f"key:{_REPLICA_KEY}", edit, account, mending)
