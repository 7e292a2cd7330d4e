"""Judging the grants of a KMS key: permissions beside every policy, which no policy shows.

Source: KMS developer guide, "Grants in AWS KMS"; API reference, GrantListEntry and
GrantConstraints; Lambda developer guide, "Securing environment variables" (Lambda makes a grant).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.policy.patterns import arn_fields


@dataclass(frozen=True)
class PermittedGrant:
    """A grant that a key may have: to whom, for what, bound to which encryption context."""

    grantee: str
    operations: frozenset[str]
    encryption_context: Mapping[str, str]


def fault_of_grant(
    grant: Mapping[str, Any], key_arn: str, account: str, permitted: Iterable[PermittedGrant]
) -> str | None:
    """What is wrong with an entry of ListGrants, in words; None when it is a permitted one.

    It must be issued by `account`, for the key, to the grantee of one of the permitted, for no
    operation beyond that one's, and bound to its encryption context; nobody but the grantee or a
    service may end it.
    """
    grantees = [
        str(grant[member])
        for member in ("GranteePrincipal", "GranteeServicePrincipal")
        if grant.get(member)
    ]
    grantee = " and ".join(grantees) or "nobody"
    operations = frozenset(grant.get("Operations", ()))
    name = f"grant {grant.get('GrantId')} of {', '.join(sorted(operations))} to {grantee}"
    if grant.get("KeyId") != key_arn:
        return f"{name} is of the key {grant.get('KeyId')}"
    if not _is_root(str(grant.get("IssuingAccount", "")), account):
        return f"{name} was issued by {grant.get('IssuingAccount', 'nobody')}"
    candidates = [entry for entry in permitted if entry.grantee == grantee]
    if not candidates:
        return f"{name}, whom the baseline does not list"
    retiring = grant.get("RetiringPrincipal")
    if retiring is not None and retiring not in grantees and not _is_service(retiring):
        return f"{name} can be ended by {retiring}"
    faults = [fault for entry in candidates if (fault := _beyond(grant, operations, entry))]
    return f"{name} {faults[0]}" if len(faults) == len(candidates) else None


def _beyond(
    grant: Mapping[str, Any], operations: frozenset[str], permitted: PermittedGrant
) -> str | None:
    excess = operations - permitted.operations
    if excess:
        return f"goes beyond the baseline with {', '.join(sorted(excess))}"
    constraints = grant.get("Constraints") or {}
    bound = constraints.get("EncryptionContextEquals") or constraints.get("EncryptionContextSubset")
    for name, value in permitted.encryption_context.items():
        if (bound or {}).get(name) != value:
            return f"is not bound to {name} {value}"
    return None


def _is_root(principal: str, account: str) -> bool:
    fields = arn_fields(principal)
    return principal == account or (fields is not None and fields[4:] == (account, "root"))


def _is_service(principal: str) -> bool:
    return arn_fields(principal) is None and ".amazonaws." in principal
