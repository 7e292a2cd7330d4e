"""Where moto's answers about IAM policies differ from IAM's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# IAM user guide, "IAM and AWS STS quotas". White space is not counted.
_OF_MANAGED_POLICY = ("PolicySize", 6144)
_OF_TRUST_POLICY = ("ACLSizePerRole", 2048)
# The default, which an account may have raised to 25.
_POLICIES_OF_A_ROLE = 10


def _require(text: str, quota: tuple[str, int]) -> None:
    name, most = quota
    if len("".join(text.split())) > most:
        raise LimitExceededException(f"Cannot exceed quota for {name}: {most}")


def create_policy(
    world: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """A managed policy. Raises LimitExceededException for one that is too large."""
    _require(keywords.get("policy_document") or arguments[2], _OF_MANAGED_POLICY)
    return original(backend, *arguments, **keywords)


def create_policy_version(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    policy_arn: str,
    policy_document: str,
    set_as_default: bool,
) -> Any:
    """A version of a managed policy. Raises LimitExceededException for one that is too large."""
    _require(policy_document, _OF_MANAGED_POLICY)
    return original(backend, policy_arn, policy_document, set_as_default)


def create_role(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    role_name: str,
    assume_role_policy_document: str,
    *arguments: Any,
    **keywords: Any,
) -> Any:
    """A role. Raises LimitExceededException for a trust policy that is too large."""
    _require(assume_role_policy_document, _OF_TRUST_POLICY)
    return original(backend, role_name, assume_role_policy_document, *arguments, **keywords)


def update_assume_role_policy(
    world: World, original: Callable[..., Any], backend: Any, role_name: str, policy_document: str
) -> None:
    """Another trust policy. Raises LimitExceededException for one that is too large."""
    _require(policy_document, _OF_TRUST_POLICY)
    original(backend, role_name, policy_document)


def attach_role_policy(
    world: World, original: Callable[..., Any], backend: Any, policy_arn: str, role_name: str
) -> None:
    """Give a role a managed policy. Raises LimitExceededException for one more than it may have."""
    attached = backend.get_role(role_name).managed_policies
    if policy_arn not in attached and len(attached) >= _POLICIES_OF_A_ROLE:
        raise LimitExceededException(
            f"Cannot exceed quota for PoliciesPerRole: {_POLICIES_OF_A_ROLE}"
        )
    original(backend, policy_arn, role_name)


def get_account_authorization_details(
    world: World, original: Callable[..., Any], backend: Any, policy_filter: list[str]
) -> dict[str, Any]:
    """The account's IAM: of AWS's own policies those that are in use."""
    found: dict[str, Any] = original(backend, policy_filter)
    holders = (*backend.users.values(), *backend.groups.values(), *backend.roles.values())
    used = {arn for holder in holders for arn in holder.managed_policies}
    used |= {getattr(holder, "permissions_boundary_arn", None) for holder in holders}
    told = [
        policy
        for policy in found["managed_policies"]
        if ":iam::aws:" not in policy.arn or policy.arn in used
    ]
    return {**found, "managed_policies": told}


_LENGTHS = tuple(
    Replacement(
        IAMBackend,
        by.__name__,
        by,
        "A policy has a greatest length, which moto does not hold it to.",
        Kind.AROUND,
    )
    for by in (create_policy, create_policy_version, create_role, update_assume_role_policy)
)

REPLACEMENTS = (
    *_LENGTHS,
    Replacement(
        IAMBackend,
        "attach_role_policy",
        attach_role_policy,
        "A role has only so many managed policies, which moto does not hold it to.",
        Kind.AROUND,
    ),
    Replacement(
        IAMBackend,
        "get_account_authorization_details",
        get_account_authorization_details,
        "IAM tells of those of AWS's policies that somebody has; moto of all that there are.",
        Kind.AROUND,
    ),
)
