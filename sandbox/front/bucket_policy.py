"""What bucket policies are judged by: a request's condition keys, and what makes one public."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from sandbox.access import policy
from sandbox.front import refusals
from sandbox.front.gateway import Answer, Arrived

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


# --- what is public ----------------------------------------------------------------------------

# A statement for everyone is not public when one of these keys has fixed values.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
_NARROWING_KEYS = frozenset(
    {
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    }
)
_NARROWING_OPERATORS = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
)


def is_public(document: Mapping[str, Any]) -> bool:
    """Whether a bucket policy is public by S3's own definition."""
    statements = document.get("Statement") or []
    for statement in statements if isinstance(statements, list) else [statements]:
        if (
            isinstance(statement, dict)
            and statement.get("Effect") == "Allow"
            and (_for_everyone(statement.get("Principal")) or "NotPrincipal" in statement)
            and not _narrowed(statement.get("Condition") or {})
        ):
            return True
    return False


def _for_everyone(principal: Any) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    named = principal.get("AWS")
    return "*" in (named if isinstance(named, list) else [named])


def _narrowed(conditions: Mapping[str, Any]) -> bool:
    for operator, keys in conditions.items():
        name = operator.rpartition(":")[2]
        for key, wanted in keys.items() if isinstance(keys, dict) else ():
            values = [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]
            if name == "IpAddress" and key.lower() == "aws:sourceip":
                if all(_is_narrow_network(value) for value in values):
                    return True
            elif (
                name in _NARROWING_OPERATORS
                and key.lower() in _NARROWING_KEYS
                and all(_is_fixed(key.lower(), value) for value in values)
            ):
                return True
    return False


def _is_fixed(key: str, value: str) -> bool:
    if "${" in value:
        return False
    if key == "s3:dataaccesspointarn":
        return not any(part in ("*", "") for part in value.split(":")[4:5])
    return "*" not in value and "?" not in value


def _is_narrow_network(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


def blocked_public_access(bucket: Any | None, arrived: Arrived) -> Answer | None:
    """The refusal of a public policy or ACL where the bucket's block forbids it."""
    block = None if bucket is None else bucket.public_access_block
    if block is None:
        return None
    if (
        arrived.operation == "PutBucketPolicy"
        and block.block_public_policy
        and is_public(policy.parse(arrived.body))
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
