"""What makes a bucket policy public, by S3's own definition."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

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
