"""What bucket policies are judged by, a request's condition keys, and public access blocked."""

from __future__ import annotations

from typing import Any

from sandbox.access import policy, public_access
from sandbox.front import refusals
from sandbox.front.errors import Answer
from sandbox.front.gateway import Arrived

Context = dict[str, str | tuple[str, ...]]

_HEADER_KEYS = (
    "x-amz-acl",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-copy-source",
    "x-amz-storage-class",
    "x-amz-object-ownership",
    "x-amz-grant-read",
    "x-amz-grant-write",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
)
_KEY_HEADER = "s3:x-amz-server-side-encryption-aws-kms-key-id"


def common_context(arrived: Arrived) -> Context:
    """The global condition keys of a request. The loopback interface counts as TLS."""
    caller = arrived.caller
    context: Context = {
        "aws:securetransport": "true",
        "aws:principalarn": caller.principal_arn,
        "aws:principalaccount": caller.account,
        "aws:principaltype": caller.kind.replace("IAM", ""),
        "aws:principalisawsservice": "false",
        "aws:userid": caller.principal_id,
        "aws:sourceip": arrived.environ.get("REMOTE_ADDR", ""),
        "aws:useragent": arrived.headers.get("user-agent", ""),
        "aws:requestedregion": arrived.signature.region,
    }
    if caller.kind == "IAMUser" and caller.user_name:
        context["aws:username"] = caller.user_name
    return context


def context_of(arrived: Arrived, bucket: Any, action: str) -> Context:
    """The condition keys of an S3 request."""
    context = common_context(arrived)
    for name in _HEADER_KEYS:
        if name in arrived.headers:
            context[f"s3:{name}"] = arrived.headers[name]
    if action == "s3:PutObject" and _KEY_HEADER not in context and bucket.encryption:
        # With encryption left to the bucket, the key that takes effect is the one compared.
        default = bucket.encryption.get("Rule", {}).get("ApplyServerSideEncryptionByDefault", {})
        if default.get("KMSMasterKeyID"):
            context[_KEY_HEADER] = default["KMSMasterKeyID"]
    return context


def blocked_public_access(bucket: Any | None, arrived: Arrived) -> Answer | None:
    """The refusal of a public policy or ACL where the bucket's block forbids it."""
    block = None if bucket is None else bucket.public_access_block
    if block is None:
        return None
    if (
        arrived.operation == "PutBucketPolicy"
        and block.block_public_policy
        and public_access.is_public(policy.parse(arrived.body))
    ):
        return refusals.access_denied(
            arrived,
            "s3:PutBucketPolicy",
            bucket.arn if bucket is not None else None,
            "because public policies are prevented by the BlockPublicPolicy setting",
        )
    if arrived.operation in ("PutBucketAcl", "PutObjectAcl") and block.block_public_acls:
        canned = arrived.headers.get("x-amz-acl", "").startswith("public")
        grants = any(
            b"AllUsers" in text or b"AuthenticatedUsers" in text
            for text in (
                arrived.body,
                *(
                    value.encode()
                    for name, value in arrived.headers.items()
                    if name.startswith("x-amz-grant-")
                ),
            )
        )
        if canned or grants:
            return refusals.access_denied(
                arrived,
                f"s3:{arrived.operation}",
                bucket.arn if bucket is not None else None,
                "because public ACLs are prevented by the BlockPublicAcls setting",
            )
    return None
