"""Bucket-policy faults: a policy that admits more, or protects less, than it says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import block
from mutants.model import Family
from mutants.policies import Edit, PolicyFaults, change

FAMILY = Family("log bucket policy")
_ADMITS = "log-bucket-admits-only-the-trail"
_NOT_PUBLIC = "log-bucket-not-public"
_PROTECTS = "log-bucket-protects-files"
_REFUSES = "log-bucket-refuses-other-keys"


def _change_policy(edit: Edit, account: Account, mending: ExitStack) -> None:
    """Change the bucket policy; public ones are let in by opening the block for a moment."""
    mending.callback(block, account)
    block(account, "BlockPublicPolicy")
    change("bucket", edit, account, mending)
    block(account)


_POLICY = PolicyFaults(FAMILY, _change_policy)


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


@_POLICY.fault("the policy lets anyone read", _NOT_PUBLIC, _ADMITS)
def policy_for_anyone(account: Account, document: Document) -> None:
    _allow(account, document, "*")


@_POLICY.fault(
    "the policy lets anyone read, on a condition that everybody meets",
    _NOT_PUBLIC,
    _ADMITS,
)
def policy_for_anyone_with_a_condition(account: Account, document: Document) -> None:
    condition = {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"}}
    _allow(account, document, {"AWS": "*"}, Condition=condition)


@_POLICY.fault(
    "the policy lets anyone read from any address",
    _NOT_PUBLIC,
    _ADMITS,
)
def policy_for_any_address(account: Account, document: Document) -> None:
    condition = {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}
    _allow(account, document, "*", Condition=condition)


@_POLICY.fault(
    "requests without TLS are refused under a condition that is not known",
    errors=frozenset({"log-bucket-denies-plain-http"}),
)
def plain_http_under_an_unknown_key(account: Account, document: Document) -> None:
    condition = statement(document, "DenyInsecureTransport")["Condition"]
    condition["StringNotEquals"] = {"aws:PrincipalStarSign": "leo"}


@_POLICY.fault("the policy lets another account read", _ADMITS)
def policy_for_a_stranger(account: Account, document: Document) -> None:
    _allow(account, document, {"AWS": f"arn:aws:iam::{STRANGER}:root"})


@_POLICY.fault("the policy lets a canonical user read, who may be anyone", _ADMITS)
def policy_for_a_canonical_user(account: Account, document: Document) -> None:
    user = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
    _allow(account, document, {"CanonicalUser": user})


@_POLICY.fault("the policy admits AWS Config as well", _ADMITS)
def policy_for_another_service(account: Account, document: Document) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    _allow(account, document, {"Service": "config.amazonaws.com"}, Condition=condition)


# --- whom it lets write ---------------------------------------------------------------------------


@_POLICY.fault("CloudTrail may write for whomever it likes", _ADMITS)
def trail_without_source(account: Account, document: Document) -> None:
    del statement(document, "AWSCloudTrailWrite")["Condition"]["StringEquals"]["aws:SourceArn"]


@_POLICY.fault("another account's trail may write as well", _ADMITS)
def trail_of_a_stranger(account: Account, document: Document) -> None:
    equals = statement(document, "AWSCloudTrailWrite")["Condition"]["StringEquals"]
    ours = equals["aws:SourceArn"]
    equals["aws:SourceArn"] = [ours, ours.replace(account.outputs["account_id"], STRANGER)]


@_POLICY.fault("any trail of any account may write", _ADMITS)
def any_trail(account: Account, document: Document) -> None:
    condition = statement(document, "AWSCloudTrailWrite")["Condition"]
    del condition["StringEquals"]["aws:SourceArn"]
    condition["ArnLike"] = {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}


@_POLICY.fault("the source of a write counts only where it is given", _ADMITS)
def source_if_it_exists(account: Account, document: Document) -> None:
    condition = statement(document, "AWSCloudTrailWrite")["Condition"]
    condition["StringEqualsIfExists"] = condition.pop("StringEquals")


@_POLICY.fault("the trail may write anywhere in the bucket", _ADMITS)
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
    _POLICY.add(
        f"tls-statement-{_name}",
        f"the statement that demands TLS {_description}",
        partial(_deny_transport, _changes),
        "log-bucket-denies-plain-http",
    )


@_POLICY.fault("the statement that demands TLS is gone", "log-bucket-denies-plain-http")
def no_tls_statement(account: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


# --- deletion -------------------------------------------------------------------------------------


@_POLICY.fault("files may be deleted", _PROTECTS)
def deletion_allowed(account: Account, document: Document) -> None:
    without(document, "DenyDeletion")


@_POLICY.fault("old versions of files may be deleted", _PROTECTS)
def deletion_of_versions_allowed(account: Account, document: Document) -> None:
    statement(document, "DenyDeletion")["Action"] = "s3:DeleteObject"


@_POLICY.fault("files may be deleted outside one prefix", _PROTECTS)
def deletion_denied_for_a_prefix(account: Account, document: Document) -> None:
    resource = (
        f"{account.outputs['log_bucket_arn']}/AWSLogs/{account.outputs['account_id']}/CloudTrail/*"
    )
    statement(document, "DenyDeletion")["Resource"] = resource


def _exempt(roles: Any, sid: str, document: Document) -> None:
    """Let the denial of that Sid except these roles."""
    condition = statement(document, sid).setdefault("Condition", {})
    condition["ArnNotLike"] = {"aws:PrincipalArn": roles}


@_POLICY.fault("every role of the account may delete files", _PROTECTS)
def every_role_exempt(account: Account, document: Document) -> None:
    every = f"arn:aws:iam::{account.outputs['account_id']}:role/*"
    _exempt(every, "DenyDeletion", document)


@_POLICY.fault("a role may delete files that does not exist yet, for whoever makes it", _PROTECTS)
def absent_role_exempt(account: Account, document: Document) -> None:
    role = f"arn:aws:iam::{account.outputs['account_id']}:role/role-break-glass"
    _exempt(role, "DenyDeletion", document)


@_POLICY.fault("the verifier may delete files", _PROTECTS)
def verifier_exempt(account: Account, document: Document) -> None:
    _exempt([account.outputs["verifier_role_arn"]], "DenyDeletion", document)


@_POLICY.fault("a lifecycle rule may expire the files", _PROTECTS)
def lifecycle_allowed(account: Account, document: Document) -> None:
    statement(document, "DenyTampering")["Action"].remove("s3:PutLifecycleConfiguration")


@_POLICY.fault("nothing of the bucket's protection is protected", _PROTECTS)
def tampering_allowed(account: Account, document: Document) -> None:
    without(document, "DenyTampering")


def _permit(action: str, account: Account, document: Document) -> None:
    for sid in ("DenyDeletion", "DenyTampering"):
        actions = statement(document, sid)["Action"]
        if action in actions:
            actions.remove(action)


for _action in (
    "s3:DeleteObjectTagging",  # a lifecycle rule may go by tags
    "s3:PutReplicationConfiguration",
):
    _POLICY.add(
        f"{_action.removeprefix('s3:')}-allowed",
        f"{_action} is denied to nobody",
        partial(_permit, _action),
        _PROTECTS,
    )


# --- forgery --------------------------------------------------------------------------------------


@_POLICY.fault("people may write files", _PROTECTS)
def people_may_write(account: Account, document: Document) -> None:
    without(document, "DenyWritesByPeople")


@_POLICY.fault("people may write tags of old versions", _PROTECTS)
def people_may_tag_versions(account: Account, document: Document) -> None:
    statement(document, "DenyWritesByPeople")["Action"].remove("s3:PutObjectVersionTagging")


@_POLICY.fault("the verifier may write files", _PROTECTS)
def verifier_may_write(account: Account, document: Document) -> None:
    _exempt([account.outputs["verifier_role_arn"]], "DenyWritesByPeople", document)


@_POLICY.fault("people may write beside the trail's folder", _PROTECTS)
def people_may_write_elsewhere(account: Account, document: Document) -> None:
    resource = f"{account.outputs['log_bucket_arn']}/AWSLogs/*"
    statement(document, "DenyWritesByPeople")["Resource"] = resource


@_POLICY.fault("who has signed in with MFA may write files", _PROTECTS)
def people_with_mfa_may_write(account: Account, document: Document) -> None:
    condition = statement(document, "DenyWritesByPeople")["Condition"]
    condition["Bool"]["aws:MultiFactorAuthPresent"] = "false"


# --- other keys -----------------------------------------------------------------------------------

_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@_POLICY.fault("files may be encrypted with any key", _REFUSES)
def any_key(account: Account, document: Document) -> None:
    without(document, "DenyWrongEncryptionKey")


@_POLICY.fault("files may be encrypted by any algorithm", _REFUSES)
def any_algorithm(account: Account, document: Document) -> None:
    without(document, "DenyWrongEncryptionAlgorithm")


@_POLICY.fault("files may be encrypted with any key of the account", _REFUSES)
def any_key_of_the_account(account: Account, document: Document) -> None:
    ours = account.outputs["kms_key_arn"].rpartition("/")[0]
    condition = statement(document, "DenyWrongEncryptionKey")["Condition"]
    del condition["StringNotEquals"]
    condition["StringNotLike"] = {_KEY: f"{ours}/*"}


@_POLICY.fault("files may be encrypted with a stranger's key as well", _REFUSES)
def key_of_a_stranger(account: Account, document: Document) -> None:
    ours = account.outputs["kms_key_arn"]
    unequal = statement(document, "DenyWrongEncryptionKey")["Condition"]["StringNotEquals"]
    unequal[_KEY] = [ours, ours.replace(account.outputs["account_id"], STRANGER)]


@_POLICY.fault("the trail's own service may use any key", _REFUSES)
def any_key_for_services(account: Account, document: Document) -> None:
    condition = statement(document, "DenyWrongEncryptionKey")["Condition"]
    condition["Bool"] = {"aws:PrincipalIsAWSService": "false"}


@_POLICY.fault("another key is refused for reading, not for writing", _REFUSES)
def other_keys_refused_for_reading(account: Account, document: Document) -> None:
    statement(document, "DenyWrongEncryptionKey")["Action"] = "s3:GetObject"
