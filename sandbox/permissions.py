"""What roles and services may do in the account, by the policies that are in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sandbox import policy
from sandbox.policy import AccessRequest, Decision, Principal
from sandbox.world import World


def role_documents(world: World, role_arn: str) -> list[policy.Document] | None:
    """The policy documents of a role, inline and attached; None when there is no such role."""
    backend = world.backend("iam", "us-east-1")
    role = next((role for role in backend.roles.values() if role.arn == role_arn), None)
    if role is None:
        return None
    texts = list(role.policies.values())
    for attached in role.managed_policies.values():
        version = next((one for one in attached.versions if one.is_default), None)
        if version is not None:
            texts.append(version.document)
    return [policy.parse(text if isinstance(text, str) else json.dumps(text)) for text in texts]


def role_may(
    world: World,
    role_arn: str,
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]] | None = None,
) -> bool:
    """Whether a role's own policies allow an action on a resource."""
    documents = role_documents(world, role_arn)
    if documents is None:
        return False
    request = AccessRequest(Principal(), action, resource, context or {})
    return policy.evaluate(documents, request) is Decision.ALLOW


def service_may_assume(world: World, role_arn: str, service: str) -> bool:
    """Whether a role trusts a service. Conditions of the trust policy are not looked at."""
    backend = world.backend("iam", "us-east-1")
    role = next((role for role in backend.roles.values() if role.arn == role_arn), None)
    if role is None:
        return False
    text = role.assume_role_policy_document
    document = policy.parse(text if isinstance(text, str) else json.dumps(text))
    if not document and isinstance(text, str):
        document = policy.parse(unquote(text))
    statements = document.get("Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if (
            isinstance(statement, dict)
            and statement.get("Effect") == "Allow"
            and policy.principal_matches(statement.get("Principal"), Principal(service=service))
        ):
            return True
    return False


def service_may(
    document: Any,
    service: str,
    action: str,
    resource: str,
    source_arn: str,
    account: str,
    context: Mapping[str, str | tuple[str, ...]] | None = None,
) -> bool:
    """Whether a resource's policy admits a service that acts for a resource of the account."""
    if isinstance(document, str | bytes):
        document = policy.parse(document)
    request = AccessRequest(
        Principal(service=service),
        action,
        resource,
        {
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account,
            "aws:principalisawsservice": "true",
            "aws:principalservicename": service,
            "aws:securetransport": "true",
            **(context or {}),
        },
    )
    return policy.evaluate([document or {}], request) is Decision.ALLOW
