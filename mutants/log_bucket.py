"""Log-bucket faults: its encryption, its openness, its versions, and what S3 does in time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from mutants.account import Account, without
from mutants.model import Family
from mutants.trail import make_key

FAMILY = Family("log bucket")
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _bucket(account: Account) -> dict[str, str]:
    return {"Bucket": account.outputs["log_bucket_name"]}


# --- encryption -----------------------------------------------------------------------------------


def bucket_of(account: Account, of: str = "") -> str:
    """The name of the log bucket, or of the first bucket of an output."""
    return str(account.outputs[of][0] if of else account.outputs["log_bucket_name"])


def encrypt(
    account: Account, mending: ExitStack, default: Mapping[str, Any], *, of: str = "", **rule: Any
) -> None:
    """Encrypt by `default` what says nothing else, in the log bucket or that of an output."""
    which = {"Bucket": bucket_of(account, of)}
    found = account.s3.get_bucket_encryption(**which)["ServerSideEncryptionConfiguration"]

    def put(value: Mapping[str, Any]) -> None:
        account.s3.put_bucket_encryption(**which, ServerSideEncryptionConfiguration=value)

    mending.callback(put, found)
    put({"Rules": [{"ApplyServerSideEncryptionByDefault": default, **rule}]})


@FAMILY.fault(
    "the bucket encrypts with S3's own keys", "log-bucket-encrypted", "declared-matches-live"
)
def encrypted_without_kms(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "AES256"})


@FAMILY.fault("the bucket encrypts with the key that AWS manages", "log-bucket-encrypted")
def encrypted_with_the_managed_key(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "aws:kms"}, BucketKeyEnabled=True)


@FAMILY.fault("the bucket encrypts with another key of ours", "log-bucket-encrypted")
def encrypted_with_another_key(account: Account, mending: ExitStack) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": make_key(account, mending)}
    encrypt(account, mending, default, BucketKeyEnabled=True)


@FAMILY.fault("the bucket key is off", "log-bucket-encrypted", "declared-matches-live")
def bucket_key_off(account: Account, mending: ExitStack) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": account.outputs["kms_key_arn"]}
    encrypt(account, mending, default, BucketKeyEnabled=False)


# --- public access --------------------------------------------------------------------------------


def block(account: Account, *off: str) -> None:
    account.s3.put_public_access_block(
        **_bucket(account),
        PublicAccessBlockConfiguration={block: block not in off for block in _BLOCKS},
    )


def _unblock(setting: str, account: Account, mending: ExitStack) -> None:
    mending.callback(block, account)
    block(account, setting)


for _block_name in _BLOCKS:
    FAMILY.add(
        f"without-{_block_name}",
        f"{_block_name} is off, the other three are on",
        partial(_unblock, _block_name),
        "log-bucket-public-access-blocked",
        "declared-matches-live",
    )


@FAMILY.fault(
    "the bucket's public-access blocks are deleted",
    "log-bucket-public-access-blocked",
    "declared-matches-live",
)
def no_blocks(account: Account, mending: ExitStack) -> None:
    mending.callback(block, account)
    account.s3.delete_public_access_block(**_bucket(account))


def _own(account: Account, ownership: str) -> None:
    account.s3.put_bucket_ownership_controls(
        **_bucket(account), OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]}
    )


@FAMILY.fault(
    "ACLs are on and the bucket's admits all users; the blocks are back on",
    "log-bucket-not-public",
    "log-bucket-owner-enforced",
    "declared-matches-live",
)
def public_acl(account: Account, mending: ExitStack) -> None:
    mending.callback(_own, account, "BucketOwnerEnforced")
    _own(account, "ObjectWriter")
    mending.callback(block, account)
    block(account, "BlockPublicAcls", "IgnorePublicAcls")
    mending.callback(account.s3.put_bucket_acl, **_bucket(account), ACL="private")
    account.s3.put_bucket_acl(**_bucket(account), ACL="public-read")
    block(account)


# --- lifecycle ------------------------------------------------------------------------------------


def tamper(account: Account, operation: str, *, of: str = "", **parameters: Any) -> Any:
    """Make a call that the policy denies to everyone, on the log bucket or that of an output."""
    kind = f"bucket:{of}" if of else "bucket"
    with ExitStack() as opened:
        account.replace(opened, kind, without(account.document(kind), "DenyTampering"))
        return getattr(account.s3, operation)(Bucket=bucket_of(account, of), **parameters)


def lifecycle_of(account: Account, of: str = "") -> dict[str, Any]:
    """The lifecycle as PutBucketLifecycleConfiguration takes it; without rules where none is."""
    try:
        answer = account.s3.get_bucket_lifecycle_configuration(Bucket=bucket_of(account, of))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return {"LifecycleConfiguration": {"Rules": []}}
    smallest = "TransitionDefaultMinimumObjectSize"
    return {
        "LifecycleConfiguration": {"Rules": answer["Rules"]},
        **({smallest: answer[smallest]} if smallest in answer else {}),
    }


def put_lifecycle(account: Account, lifecycle: Mapping[str, Any], of: str = "") -> None:
    """Put a lifecycle in place of the bucket's, or take it away where it has no rules."""
    if lifecycle["LifecycleConfiguration"]["Rules"]:
        tamper(account, "put_bucket_lifecycle_configuration", of=of, **lifecycle)
    else:
        tamper(account, "delete_bucket_lifecycle", of=of)


def edit_lifecycle(
    edit: Callable[[list[dict[str, Any]]], object], of: str, account: Account, mending: ExitStack
) -> None:
    """Change the rules of the log bucket's lifecycle, or of that of an output's bucket."""
    before = lifecycle_of(account, of)
    mending.callback(put_lifecycle, account, before, of)
    after = copy.deepcopy(before)
    edit(after["LifecycleConfiguration"]["Rules"])
    put_lifecycle(account, after, of)


def _expire(rule: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    before = lifecycle_of(account)
    mending.callback(put_lifecycle, account, before)
    by_hand = {"ID": "by-hand", "Status": "Enabled", "Filter": {"Prefix": ""}, **rule}
    rules = [*before["LifecycleConfiguration"]["Rules"], by_hand]
    put_lifecycle(account, {**before, "LifecycleConfiguration": {"Rules": rules}})


for _name, _description, _rule in (
    ("files-after-a-day", "expires files after a day", {"Expiration": {"Days": 1}}),
    (
        "files-of-one-prefix",
        "expires the files under AWSLogs/",
        {
            "Filter": {"Prefix": "AWSLogs/123456789012/CloudTrail-Digest/"},
            "Expiration": {"Days": 1},
        },
    ),
    (
        "files-on-a-date",
        "expires every file on a date",
        {"Expiration": {"Date": "2030-01-01T00:00:00Z"}},
    ),
    (
        "old-versions",
        "expires old versions: what was overwritten is gone",
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    ),
    (
        "files-into-an-archive",
        "moves files where they cannot be read",
        {"Transitions": [{"Days": 0, "StorageClass": "DEEP_ARCHIVE"}]},
    ),
    (
        "old-versions-into-an-archive",
        "moves old versions where they cannot be read",
        {"NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}]},
    ),
):
    FAMILY.add(
        f"lifecycle-{_name}",
        f"a lifecycle rule {_description}",
        partial(_expire, _rule),
        "log-bucket-keeps-files",
    )


# --- versions and owners --------------------------------------------------------------------------


def _version(account: Account, status: str) -> None:
    tamper(account, "put_bucket_versioning", VersioningConfiguration={"Status": status})


# S3 suspends no versioning of a bucket that it locks or copies.
@FAMILY.fault(
    "versioning is suspended",
    "log-bucket-versioned",
    "declared-matches-live",
    unless="log-files-copied",
)
def versioning_suspended(account: Account, mending: ExitStack) -> None:
    mending.callback(_version, account, "Enabled")
    _version(account, "Suspended")


def _owned_by(ownership: str, account: Account, mending: ExitStack) -> None:
    mending.callback(_own, account, "BucketOwnerEnforced")
    _own(account, ownership)


for _ownership in ("ObjectWriter", "BucketOwnerPreferred"):
    FAMILY.add(
        f"ownership-{_ownership}",
        f"ACLs are on: object ownership is {_ownership}",
        partial(_owned_by, _ownership),
        "log-bucket-owner-enforced",
        "declared-matches-live",
    )


@FAMILY.fault(
    "the bucket's ownership controls are deleted",
    "log-bucket-owner-enforced",
    "declared-matches-live",
)
def no_ownership_controls(account: Account, mending: ExitStack) -> None:
    mending.callback(_own, account, "BucketOwnerEnforced")
    account.s3.delete_bucket_ownership_controls(**_bucket(account))
