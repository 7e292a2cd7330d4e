"""Log-bucket faults: its encryption, its openness, and a policy that protects less than it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family
from mutants.trail import make_key

FAMILY = Family("log bucket")
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _bucket(account: Account) -> dict[str, str]:
    return {"Bucket": account.outputs["log_bucket_name"]}


# --- encryption -----------------------------------------------------------------------------------


def _encrypt(account: Account, mending: ExitStack, default: Mapping[str, Any], **rule: Any) -> None:
    configuration = account.s3.get_bucket_encryption(**_bucket(account))[
        "ServerSideEncryptionConfiguration"
    ]

    def put(value: Mapping[str, Any]) -> None:
        account.s3.put_bucket_encryption(
            **_bucket(account), ServerSideEncryptionConfiguration=value
        )

    mending.callback(put, configuration)
    put({"Rules": [{"ApplyServerSideEncryptionByDefault": default, **rule}]})


@FAMILY.fault("the bucket encrypts with S3's own keys", "log-bucket-encrypted")
def encrypted_without_kms(account: Account, mending: ExitStack) -> None:
    _encrypt(account, mending, {"SSEAlgorithm": "AES256"})


@FAMILY.fault("the bucket encrypts with the key that AWS manages", "log-bucket-encrypted")
def encrypted_with_the_managed_key(account: Account, mending: ExitStack) -> None:
    _encrypt(account, mending, {"SSEAlgorithm": "aws:kms"}, BucketKeyEnabled=True)


@FAMILY.fault("the bucket encrypts with another key of ours", "log-bucket-encrypted")
def encrypted_with_another_key(account: Account, mending: ExitStack) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": make_key(account, mending)}
    _encrypt(account, mending, default, BucketKeyEnabled=True)


@FAMILY.fault("the bucket key is off", "log-bucket-encrypted")
def bucket_key_off(account: Account, mending: ExitStack) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": account.outputs["kms_key_arn"]}
    _encrypt(account, mending, default, BucketKeyEnabled=False)


# --- public access --------------------------------------------------------------------------------


def _block(account: Account, *off: str) -> None:
    account.s3.put_public_access_block(
        **_bucket(account),
        PublicAccessBlockConfiguration={block: block not in off for block in _BLOCKS},
    )


def _unblock(block: str, account: Account, mending: ExitStack) -> None:
    mending.callback(_block, account)
    _block(account, block)


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
    mending.callback(_block, account)
    account.s3.delete_public_access_block(**_bucket(account))


def _own(account: Account, ownership: str) -> None:
    account.s3.put_bucket_ownership_controls(
        **_bucket(account), OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]}
    )


@FAMILY.fault(
    "ACLs are on and the bucket's admits all users; the blocks are back on",
    "log-bucket-not-public",
    "log-bucket-owner-enforced",
)
def public_acl(account: Account, mending: ExitStack) -> None:
    mending.callback(_own, account, "BucketOwnerEnforced")
    _own(account, "ObjectWriter")
    mending.callback(_block, account)
    _block(account, "BlockPublicAcls", "IgnorePublicAcls")
    mending.callback(account.s3.put_bucket_acl, **_bucket(account), ACL="private")
    account.s3.put_bucket_acl(**_bucket(account), ACL="public-read")
    _block(account)


def _change_policy(
    edit: Callable[[Account, Document], None], account: Account, mending: ExitStack
) -> None:
    """Change the bucket policy; public ones are let in by opening the block for a moment."""
    policy = account.document("bucket")
    edit(account, policy)
    mending.callback(_block, account)
    _block(account, "BlockPublicPolicy")
    account.replace(mending, "bucket", policy)
    _block(account)


def _policy_fault(
    description: str, *fails: str
) -> Callable[[Callable[[Account, Document], None]], Callable[[Account, Document], None]]:
    """Declare a fault of the bucket policy alone."""

    def declare(edit: Callable[[Account, Document], None]) -> Callable[[Account, Document], None]:
        name = edit.__name__.replace("_", "-")
        FAMILY.add(name, description, partial(_change_policy, edit), *fails)
        return edit

    return declare


def _allow(account: Account, document: Document, principal: Any, **more: Any) -> None:
    """Let `principal` read every file."""
    document["Statement"].append(
        {
            "Sid": "Reading",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:GetObject",
            "Resource": f"{account.outputs['log_bucket_arn']}/*",
            **more,
        }
    )


@_policy_fault(
    "the policy lets anyone read", "log-bucket-not-public", "log-bucket-admits-only-the-trail"
)
def policy_for_anyone(account: Account, document: Document) -> None:
    _allow(account, document, "*")


@_policy_fault(
    "the policy lets anyone read, on a condition that everybody meets",
    "log-bucket-not-public",
    "log-bucket-admits-only-the-trail",
)
def policy_for_anyone_with_a_condition(account: Account, document: Document) -> None:
    condition = {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"}}
    _allow(account, document, {"AWS": "*"}, Condition=condition)


@_policy_fault(
    "the policy lets anyone read from any address",
    "log-bucket-not-public",
    "log-bucket-admits-only-the-trail",
)
def policy_for_any_address(account: Account, document: Document) -> None:
    condition = {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}
    _allow(account, document, "*", Condition=condition)


@_policy_fault("the policy lets another account read", "log-bucket-admits-only-the-trail")
def policy_for_a_stranger(account: Account, document: Document) -> None:
    _allow(account, document, {"AWS": f"arn:aws:iam::{STRANGER}:root"})


@_policy_fault("the policy admits AWS Config as well", "log-bucket-admits-only-the-trail")
def policy_for_another_service(account: Account, document: Document) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    _allow(account, document, {"Service": "config.amazonaws.com"}, Condition=condition)


# --- whom it lets write ---------------------------------------------------------------------------


@_policy_fault("CloudTrail may write for whomever it likes", "log-bucket-admits-only-the-trail")
def trail_without_source(account: Account, document: Document) -> None:
    del statement(document, "AWSCloudTrailWrite")["Condition"]["StringEquals"]["aws:SourceArn"]


@_policy_fault("another account's trail may write as well", "log-bucket-admits-only-the-trail")
def trail_of_a_stranger(account: Account, document: Document) -> None:
    equals = statement(document, "AWSCloudTrailWrite")["Condition"]["StringEquals"]
    ours = equals["aws:SourceArn"]
    equals["aws:SourceArn"] = [ours, ours.replace(account.outputs["account_id"], STRANGER)]


@_policy_fault("any trail of any account may write", "log-bucket-admits-only-the-trail")
def any_trail(account: Account, document: Document) -> None:
    condition = statement(document, "AWSCloudTrailWrite")["Condition"]
    del condition["StringEquals"]["aws:SourceArn"]
    condition["ArnLike"] = {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}


@_policy_fault(
    "the source of a write counts only where it is given", "log-bucket-admits-only-the-trail"
)
def source_if_it_exists(account: Account, document: Document) -> None:
    condition = statement(document, "AWSCloudTrailWrite")["Condition"]
    condition["StringEqualsIfExists"] = condition.pop("StringEquals")


@_policy_fault("the trail may write anywhere in the bucket", "log-bucket-admits-only-the-trail")
def trail_may_write_anywhere(account: Account, document: Document) -> None:
    resource = f"{account.outputs['log_bucket_arn']}/*"
    statement(document, "AWSCloudTrailWrite")["Resource"] = resource


# --- transport ------------------------------------------------------------------------------------


def _deny_transport(changes: Mapping[str, Any], account: Account, document: Document) -> None:
    arn = account.outputs["log_bucket_arn"]
    text = {key: _filled(value, arn) for key, value in changes.items()}
    statement(document, "DenyInsecureTransport").update(text)


def _filled(value: Any, arn: str) -> Any:
    if isinstance(value, list):
        return [_filled(item, arn) for item in value]
    return value.replace("BUCKET", arn) if isinstance(value, str) else value


for _name, _description, _changes in (
    ("objects-only", "covers the objects, not the bucket", {"Resource": "BUCKET/*"}),
    ("bucket-only", "covers the bucket, not its objects", {"Resource": "BUCKET"}),
    (
        "another-bucket",
        "covers a bucket whose name begins like ours",
        {"Resource": ["BUCKET-old", "BUCKET-old/*"]},
    ),
    ("one-action", "covers reading objects alone", {"Action": "s3:GetObject"}),
    (
        "one-prefix",
        "covers one prefix of the objects",
        {"Resource": ["BUCKET", "BUCKET/AWSLogs/*"]},
    ),
    (
        "one-principal",
        "holds for one account's principals",
        {"Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"}},
    ),
    (
        "inverted",
        "refuses requests with TLS instead, a stranger's",
        # Not for the trail, whose deliveries use TLS.
        {
            "Condition": {
                "Bool": {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "false"},
                "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{STRANGER}:*"},
            }
        },
    ),
    (
        "half-the-addresses",
        "holds for half of the addresses",
        {
            "Condition": {
                "Bool": {"aws:SecureTransport": "false"},
                "IpAddress": {"aws:SourceIp": "0.0.0.0/1"},
            }
        },
    ),
):
    FAMILY.add(
        f"tls-statement-{_name}",
        f"the statement that demands TLS {_description}",
        partial(_change_policy, partial(_deny_transport, _changes)),
        "log-bucket-denies-plain-http",
    )


@_policy_fault("the statement that demands TLS is gone", "log-bucket-denies-plain-http")
def no_tls_statement(account: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


# --- deletion -------------------------------------------------------------------------------------


@_policy_fault("files may be deleted", "log-bucket-protects-files")
def deletion_allowed(account: Account, document: Document) -> None:
    without(document, "DenyDeletion")


@_policy_fault("old versions of files may be deleted", "log-bucket-protects-files")
def deletion_of_versions_allowed(account: Account, document: Document) -> None:
    statement(document, "DenyDeletion")["Action"] = "s3:DeleteObject"


@_policy_fault("files may be deleted outside one prefix", "log-bucket-protects-files")
def deletion_denied_for_a_prefix(account: Account, document: Document) -> None:
    resource = (
        f"{account.outputs['log_bucket_arn']}/AWSLogs/{account.outputs['account_id']}/CloudTrail/*"
    )
    statement(document, "DenyDeletion")["Resource"] = resource


@_policy_fault("every role is as exempt as the break-glass role", "log-bucket-protects-files")
def every_role_exempt(account: Account, document: Document) -> None:
    exempt = f"arn:aws:iam::{account.outputs['account_id']}:role/*"
    statement(document, "DenyDeletion")["Condition"]["ArnNotLike"]["aws:PrincipalArn"] = exempt


@_policy_fault("one more role is exempt", "log-bucket-protects-files")
def another_role_exempt(account: Account, document: Document) -> None:
    unlike = statement(document, "DenyDeletion")["Condition"]["ArnNotLike"]
    unlike["aws:PrincipalArn"] = [unlike["aws:PrincipalArn"], account.outputs["verifier_role_arn"]]


@_policy_fault("a lifecycle rule may expire the files", "log-bucket-protects-files")
def lifecycle_allowed(account: Account, document: Document) -> None:
    statement(document, "DenyTampering")["Action"].remove("s3:PutLifecycleConfiguration")


@_policy_fault("nothing of the bucket's protection is protected", "log-bucket-protects-files")
def tampering_allowed(account: Account, document: Document) -> None:
    without(document, "DenyTampering")


# --- versions and owners --------------------------------------------------------------------------


def _version(account: Account, status: str) -> None:
    """Set versioning, which the policy denies to all but the break-glass role."""
    with ExitStack() as opened:
        account.replace(opened, "bucket", without(account.document("bucket"), "DenyTampering"))
        account.s3.put_bucket_versioning(
            **_bucket(account), VersioningConfiguration={"Status": status}
        )


@FAMILY.fault("versioning is suspended", "log-bucket-versioned", "declared-matches-live")
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
    )


@FAMILY.fault("the bucket's ownership controls are deleted", "log-bucket-owner-enforced")
def no_ownership_controls(account: Account, mending: ExitStack) -> None:
    mending.callback(_own, account, "BucketOwnerEnforced")
    account.s3.delete_bucket_ownership_controls(**_bucket(account))
