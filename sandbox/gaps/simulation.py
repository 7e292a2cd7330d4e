"""IAM's policy simulator, which moto lacks: what a principal's own policies say to an action.

As on AWS it sees the principal's policies and boundary and what it is told of a request, and no
resource's policy unless given one, which is not followed here. A condition on what it is not told
is among the missing context values.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException, ValidationError
from moto.iam.responses import IamResponse

from sandbox.access import permissions, policy
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_EXPLICIT, _IMPLICIT, _ALLOWED = "explicitDeny", "implicitDeny", "allowed"


def simulate_principal_policy(world: World, response: Any) -> ActionResult:
    """What a role's or a user's policies say to each action on each resource."""
    arn = response._get_param("PolicySourceArn")
    layers = _layers(world, response, arn)
    context = {
        entry["ContextKeyName"].lower(): tuple(entry["ContextKeyValues"])
        for entry in response._get_param("ContextEntries", [])
    }
    missing = sorted(set(_asked(layers)) - set(context))
    actions = response._get_param("ActionNames", [])
    for name in actions:
        if name.count(":") != 1 or "*" in name.partition(":")[0]:
            raise ValidationError(f"Invalid action name: {name}")
    return ActionResult(
        {
            "EvaluationResults": [
                {
                    "EvalActionName": name,
                    "EvalResourceName": resource,
                    "EvalDecision": _decide(layers, name, resource, context),
                    "MatchedStatements": [],
                    "MissingContextValues": missing,
                }
                for name in actions
                for resource in response._get_param("ResourceArns", None) or ["*"]
            ],
            "IsTruncated": False,
        }
    )


def _layers(world: World, response: Any, arn: str) -> list[list[policy.Document]]:
    """The documents each of which must allow: the principal's own, and its boundary's."""
    documents = permissions.role_documents(world, arn)
    if documents is not None:
        boundary = permissions.role_boundary(world, arn)
        return [documents, *([] if boundary is None else [[boundary]])]
    user = next((one for one in response.backend.users.values() if one.arn == arn), None)
    if user is None:
        raise NotFoundException(f"The principal {arn} does not exist.")
    groups = [group for group in response.backend.groups.values() if user in group.users]
    return [[document for one in (user, *groups) for document in _documents(one)]]


def _documents(holder: Any) -> Iterator[policy.Document]:
    for text in holder.policies.values():
        yield policy.parse(text if isinstance(text, str) else json.dumps(text))
    for attached in holder.managed_policies.values():
        yield from (policy.parse(kept.document) for kept in attached.versions if kept.is_default)


def _decide(
    layers: list[list[policy.Document]],
    action: str,
    resource: str,
    context: Mapping[str, tuple[str, ...]],
) -> str:
    request = AccessRequest(Principal(), action, resource, context)
    decisions = [policy.evaluate(documents, request) for documents in layers]
    if Decision.DENY in decisions:
        return _EXPLICIT
    return _ALLOWED if all(one is Decision.ALLOW for one in decisions) else _IMPLICIT


def _asked(layers: list[list[policy.Document]]) -> Iterator[str]:
    """The condition keys that the policies ask for."""
    for documents in layers:
        for document in documents:
            for statement in document.get("Statement", []):
                for keys in (statement.get("Condition") or {}).values():
                    yield from (key.lower() for key in keys)


REPLACEMENTS = (
    Replacement(
        IamResponse,
        "simulate_principal_policy",
        simulate_principal_policy,
        "moto has no policy simulator, by which IAM says what a role may do without its doing it.",
        Kind.ADDED,
    ),
)
