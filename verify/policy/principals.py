"""For whom the statements of a resource's policy are."""

from __future__ import annotations

import re

from verify.policy.document import Document, Policy, PolicyError, Principal, Statement
from verify.policy.patterns import arn_fields, has_wildcard, is_account


def resource_policy(document: Policy) -> Document:
    """A resource's policy, parsed. Raises PolicyError, also for a statement without principal."""
    parsed = Document.parse(document)
    for statement in parsed.statements:
        if not (statement.principals or statement.not_principals):
            raise PolicyError(f"{statement.label} has no Principal: not a resource's policy")
    return parsed


def is_anyone(principal: Principal) -> bool:
    """Whether a principal is a star, or an ARN with a wildcard for its account."""
    if principal.value == "*":
        return True
    fields = arn_fields(principal.value)
    return principal.kind == "AWS" and (
        has_wildcard(fields[4]) if fields else has_wildcard(principal.value)
    )


def open_to_anyone(statement: Statement) -> str | None:
    """How a statement is for anyone, in words; None when it is not."""
    if statement.not_principals:
        exempt = ", ".join(principal.describe() for principal in statement.not_principals)
        return f"everyone but {exempt} (NotPrincipal)"
    names = [principal.describe() for principal in statement.principals if is_anyone(principal)]
    return f"anyone (Principal {', '.join(names)})" if names else None


def account_of(principal: Principal) -> str | None:
    """The account that a principal belongs to; None where it does not tell."""
    if is_account(principal.value):
        return principal.value
    fields = arn_fields(principal.value)
    return fields[4] if fields and fields[4] else None


# `<name>`, mostly one word; some regional principals have the region before the suffix, which is
# the partition's (partitions.json of botocore) where it is not amazonaws.com everywhere.
_SERVICE = re.compile(
    r"(?P<name>[a-z0-9-]+(?:\.[a-z0-9-]+)*?)"
    r"(?:\.[a-z]{2,5}(?:-[a-z]+)+-[0-9]+)?"
    r"\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|amazon\.com|c2s\.ic\.gov|sc2s\.sgov\.gov"
    r"|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)


def is_service(name: str) -> bool:
    """Whether a name is a service principal's, of any partition."""
    return _SERVICE.fullmatch(name) is not None


def service_of(principal: str) -> str:
    """A service principal's name as in the partition aws, without a region: `logs.amazonaws.com`.

    Any other text stays as it is.
    """
    found = _SERVICE.fullmatch(principal)
    return f"{found['name']}.amazonaws.com" if found else principal
