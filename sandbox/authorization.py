"""The front door's guard: identity policies of role sessions, and bucket policies for everyone.

Whoever uses credentials that the sandbox has not issued is the account's administrator. A role's
session (a function's, or one from AssumeRole) may do what its role's policies allow, so that a
permission that is missing here would be missing on AWS too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from moto.core.request import Request
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from sandbox import bucket_policy, iam_actions, permissions, policy, record, refusals
from sandbox.gateway import Answer, Arrived, Guard
from sandbox.policy import AccessRequest, Decision, Principal
from sandbox.world import World

_EXPLICIT = "with an explicit deny in a resource-based policy"
_IMPLICIT = "because no identity-based policy allows the action"

# The request in whose thread moto asks for a bucket's permission on each key of a bulk deletion.
_current: ContextVar[Arrived | None] = ContextVar("current", default=None)


def install(world: World) -> Guard:
    """The guard; and moto's own, condition-blind check of bucket policies is retired."""

    def guard(arrived: Arrived) -> Answer | None:
        _current.set(arrived)
        parameters: Mapping[str, Any] = arrived.path_parameters
        if arrived.service == "s3":
            versioned = "versionId=" in arrived.environ.get("QUERY_STRING", "")
            parameters = {**parameters, "VersionId": "x" if versioned else None}
        elif arrived.caller.kind == "AssumedRole":
            request = Request(arrived.fresh_environ())
            parameters = record.parse_parameters(
                arrived.service, arrived.operation, arrived.path_parameters, request
            )
        action = iam_actions.action_of(arrived.service, arrived.operation, parameters)
        resource = iam_actions.resource_of(
            arrived.service, arrived.signature.region, arrived.caller.account, parameters
        )
        allowed_by_resource = False
        if arrived.service == "s3" and parameters.get("Bucket"):
            if arrived.operation != "DeleteObjects":
                decision = _bucket_decision(world, arrived, action, str(resource))
                if decision is Decision.DENY:
                    return refusals.access_denied(arrived, action, resource, _EXPLICIT)
                allowed_by_resource = decision is Decision.ALLOW
            refused = bucket_policy.blocked_public_access(_bucket(world, arrived), arrived)
            if refused is not None:
                return refused
        if arrived.caller.kind == "AssumedRole" and not allowed_by_resource:
            return _check_role(world, arrived, action, resource, parameters)
        return None

    def get_permission(bucket: Any, action: str, resource: str) -> PermissionResult:
        arrived = _current.get()
        if arrived is None or arrived.operation != "DeleteObjects":
            return PermissionResult.NEUTRAL  # the guard has judged it already
        decision = _decide(world, bucket, arrived, action, resource)
        if decision is Decision.DENY:
            return PermissionResult.DENIED
        return PermissionResult.NEUTRAL

    FakeBucket.get_permission = get_permission
    return guard


def _bucket(world: World, arrived: Arrived) -> Any | None:
    name = arrived.path_parameters.get("Bucket")
    return world.backend("s3", arrived.signature.region).buckets.get(name)


def _bucket_decision(world: World, arrived: Arrived, action: str, resource: str) -> Decision:
    bucket = _bucket(world, arrived)
    if bucket is None or bucket.policy is None:
        return Decision.NEUTRAL
    return _decide(world, bucket, arrived, action, resource)


def _decide(world: World, bucket: Any, arrived: Arrived, action: str, resource: str) -> Decision:
    if bucket.policy is None:
        return Decision.NEUTRAL
    context = bucket_policy.context_of(arrived, bucket, action)
    request = AccessRequest(_principal(arrived), action, resource, context)
    return policy.evaluate([policy.parse(bucket.policy)], request)


def _principal(arrived: Arrived) -> Principal:
    caller = arrived.caller
    return Principal(account=caller.account, arns=(caller.arn, caller.principal_arn))


def _check_role(
    world: World,
    arrived: Arrived,
    action: str,
    resource: str | None,
    parameters: Mapping[str, Any],
) -> Answer | None:
    if action in iam_actions.ALWAYS_ALLOWED or arrived.caller.role_arn is None:
        return None
    documents = permissions.role_documents(world, arrived.caller.role_arn)
    if documents is None:
        return refusals.access_denied(arrived, action, resource, _IMPLICIT)
    context = bucket_policy.common_context(arrived)
    region = arrived.signature.region
    if resource is not None and arrived.service == "kms":
        key = permissions.find_key(world, resource, region)
        resource = key.arn if key is not None else resource
    boundary = permissions.role_boundary(world, arrived.caller.role_arn)
    if not _allows(documents, action, resource, context) or (
        boundary is not None and not _allows([boundary], action, resource, context)
    ):
        return refusals.access_denied(arrived, action, resource, _IMPLICIT)
    if arrived.operation in ("Publish", "PublishBatch") and arrived.service == "sns":
        topic = world.backend("sns", region).topics.get(parameters.get("TopicArn"))
        key_id = topic.kms_master_key_id if topic is not None else None
        key = permissions.find_key(world, key_id, region) if key_id else None
        if key is not None:
            for needed in ("kms:GenerateDataKey", "kms:Decrypt"):
                if not key.enabled or not _allows(documents, needed, key.arn, context):
                    denied = refusals.access_denied(arrived, needed, key.arn, _IMPLICIT)
                    return Answer(
                        "400 Bad Request",
                        denied.headers,
                        denied.body.replace(b"AuthorizationError", b"KMSAccessDenied"),
                    )
    return None


def _allows(
    documents: list[policy.Document],
    action: str,
    resource: str | None,
    context: Mapping[str, str | tuple[str, ...]],
) -> bool:
    request = AccessRequest(Principal(), action, resource or policy.ANY_RESOURCE, context)
    return policy.evaluate(documents, request) is Decision.ALLOW
