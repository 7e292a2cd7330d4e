"""What roles and services may do in the account, by the policies that are in force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sandbox.access import policy
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.world import World


def role_documents(world: World, role_arn: str) -> list[policy.Document] | None:
    """The policy documents of a role, inline and attached; None when there is no such role."""
    role = _role(world, role_arn)
    if role is None:
        return None
    texts = list(role.policies.values())
    for attached in role.managed_policies.values():
        version = next((kept for kept in attached.versions if kept.is_default), None)
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
    boundary = role_boundary(world, role_arn)
    return policy.evaluate(documents, request) is Decision.ALLOW and (
        boundary is None or policy.evaluate([boundary], request) is Decision.ALLOW
    )


def find_role(world: World, name: str | None, region: str) -> Any | None:
    """moto's role of this name, in the partition of a region."""
    roles = world.backend("iam", region).roles.values()
    return next((role for role in roles if role.name == name), None)


def _iam_of(world: World, arn: str) -> Any:
    """moto's state of IAM in the partition of an ARN."""
    return world.backend("iam", arn.split(":")[1] if arn.count(":") == 5 else "aws")


def _role(world: World, arn: str) -> Any | None:
    roles = _iam_of(world, arn).roles.values()
    return next((role for role in roles if role.arn == arn), None)


def role_boundary(world: World, role_arn: str) -> policy.Document | None:
    """A role's permissions boundary, without which nothing is allowed; None when it has none."""
    role = _role(world, role_arn)
    arn = getattr(role, "permissions_boundary_arn", None)
    if not arn:
        return None
    managed = _iam_of(world, arn).managed_policies.get(arn)
    version = (
        None
        if managed is None
        else next((kept for kept in managed.versions if kept.is_default), None)
    )
    return {} if version is None else policy.parse(version.document)


def trust_policy(world: World, role_arn: str) -> policy.Document:
    """A role's trust policy; one that trusts nobody for a role that is not there."""
    role = _role(world, role_arn)
    if role is None:
        return {}
    text = role.assume_role_policy_document
    document = policy.parse(text if isinstance(text, str) else json.dumps(text))
    if not document and isinstance(text, str):
        document = policy.parse(unquote(text))
    return document


def service_may_assume(world: World, role_arn: str, service: str, source_arn: str | None) -> bool:
    """Whether a role trusts a service that acts for a resource of the account.

    A service that does not say for what it assumes a role gives no ``source_arn``: a condition on
    the source then never holds.
    """
    context = {"aws:principalisawsservice": "true", "aws:principalservicename": service}
    if source_arn is not None:
        context |= {"aws:sourcearn": source_arn, "aws:sourceaccount": world.settings.account}
    return trusts(world, role_arn, Principal(service=service), context)


def trusts(
    world: World,
    role_arn: str,
    principal: Principal,
    context: Mapping[str, str | tuple[str, ...]],
) -> bool:
    """Whether a role that is there trusts a principal to assume it."""
    request = AccessRequest(principal, "sts:AssumeRole", role_arn, context)
    return policy.evaluate([trust_policy(world, role_arn)], request) is Decision.ALLOW


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


def find_key(world: World, key: str, region: str) -> Any | None:
    """moto's key of a key id, key ARN, alias name or alias ARN; None when there is none."""
    if key.startswith("arn:"):
        region = key.split(":")[3]
    backend = world.backend("kms", region)
    name = key.split(":", 5)[-1].removeprefix("key/")
    if name.startswith("alias/"):
        return next((known for known in backend.keys.values() if name in known.aliases), None)
    return backend.keys.get(name)


def key_refusal(
    world: World,
    key: str,
    service: str,
    action: str,
    source_arn: str | None,
    context: Mapping[str, str | tuple[str, ...]],
    region: str | None = None,
) -> str | None:
    """Why a service may not use a key, in KMS's words; None when it may."""
    found = find_key(world, key, region or world.settings.region)
    if found is None:
        return "KMS.NotFoundException"
    if found.key_state == "PendingDeletion":
        return "KMS.KMSInvalidStateException"
    if not found.enabled:
        return "KMS.DisabledException"
    values: dict[str, str | tuple[str, ...]] = {
        "aws:principalisawsservice": "true",
        "aws:securetransport": "true",
        **context,
    }
    if source_arn is not None:
        values["aws:sourcearn"] = source_arn
        values["aws:sourceaccount"] = world.settings.account
    request = AccessRequest(Principal(service=service), action, found.arn, values)
    if policy.evaluate([policy.parse(found.policy)], request) is Decision.ALLOW:
        return None
    return "KMS.AccessDeniedException"


def may_publish(world: World, topic: Any, service: str, source_arn: str | None) -> bool:
    """Whether a service may publish to a topic: by the topic's policy and by its key's.

    EventBridge names no source (``source_arn`` None), so that a statement with a condition on it
    never admits EventBridge, as on AWS.
    """
    context: dict[str, str | tuple[str, ...]] = {
        "aws:principalisawsservice": "true",
        "aws:securetransport": "true",
    }
    if source_arn is not None:
        context["aws:sourcearn"] = source_arn
        context["aws:sourceaccount"] = world.settings.account
    request = AccessRequest(Principal(service=service), "sns:Publish", topic.arn, context)
    if policy.evaluate([policy.parse(topic.policy)], request) is not Decision.ALLOW:
        return False
    key = topic.kms_master_key_id
    if not key:
        return True
    if "alias/aws/" in key:
        return False  # the policy of AWS's own key for SNS admits no service
    region = topic.arn.split(":")[3]
    encryption = {"kms:encryptioncontext:aws:sns:topicarn": topic.arn}
    return all(
        key_refusal(world, key, service, action, source_arn, encryption, region) is None
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
