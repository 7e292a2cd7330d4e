"""The front door's guard: identity policies of role sessions; bucket and topic policies of all.

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

from sandbox.access import current, iam_actions, permissions, policy
from sandbox.access.needed_permissions import Needed, needed_for
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.front import bucket_policy, refusals
from sandbox.front.errors import Answer
from sandbox.front.gateway import Arrived
from sandbox.replacement import Replacement
from sandbox.trail import record
from sandbox.world import World

_EXPLICIT = "with an explicit deny in a resource-based policy"
_IMPLICIT = "because no identity-based policy allows the action"

# What whoever makes an organization trail needs in other services: to ask Organizations, and to
# have CloudTrail's service-linked role made.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
_ORGANIZATION_TRAIL = (
    *(
        Needed(f"organizations:{operation}", None)
        for operation in (
            "DescribeOrganization",
            "DisableAWSServiceAccess",
            "EnableAWSServiceAccess",
            "ListAWSServiceAccessForOrganization",
            "ListAccounts",
        )
    ),
    Needed("iam:GetRole", None),
    Needed("iam:CreateServiceLinkedRole", None, {"iam:awsservicename": "cloudtrail.amazonaws.com"}),
)

# The request in whose thread moto asks for a bucket's permission on each key of a bulk deletion.
_current: ContextVar[Arrived | None] = ContextVar("current", default=None)


def guard(world: World, arrived: Arrived) -> Answer | None:
    """The refusal of a request by the policies that are about it; None when moto may see it."""
    _current.set(arrived)
    current.serve(arrived.caller)
    is_role = arrived.caller.kind == "AssumedRole"
    parameters: Mapping[str, Any] = arrived.path_parameters
    if arrived.service == "s3":
        versioned = "versionId=" in arrived.environ.get("QUERY_STRING", "")
        parameters = {**parameters, "VersionId": "x" if versioned else None}
    elif is_role or arrived.service in ("sns", "sts"):
        request = Request(arrived.fresh_environ())
        parameters = record.parse_parameters(
            arrived.service, arrived.operation, arrived.path_parameters, request
        )
    if (arrived.service, arrived.operation) == ("sts", "AssumeRole"):
        refused = _assuming_nobody(world, arrived, parameters)
        if refused is not None:
            return refused
    needed = needed_for(
        arrived.service,
        arrived.operation,
        arrived.signature.region,
        arrived.caller.account,
        parameters,
    )
    decision = _resource_decision(world, arrived, needed[0], parameters)
    if decision is Decision.DENY:
        return refusals.access_denied(arrived, needed[0].action, needed[0].resource, _EXPLICIT)
    if arrived.service == "s3" and parameters.get("Bucket"):
        refused = bucket_policy.blocked_public_access(_bucket(world, arrived), arrived)
        if refused is not None:
            return refused
    if is_role and decision is not Decision.ALLOW:
        return _check_role(world, arrived, needed, parameters)
    return None


def _assuming_nobody(
    world: World, arrived: Arrived, parameters: Mapping[str, Any]
) -> Answer | None:
    """STS's refusal to assume a role that does not exist, which tells no more than any other."""
    arn = str(parameters.get("RoleArn") or "")
    if not arn or permissions.role_documents(world, arn) is not None:
        return None
    return refusals.refuse(
        arrived,
        f"User: {arrived.caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
        f"{arn}",
    )


def get_permission(world: World, bucket: Any, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of one key of a bulk deletion; the guard has judged the rest."""
    arrived = _current.get()
    if arrived is None or arrived.operation != "DeleteObjects":
        return PermissionResult.NEUTRAL
    decision = _decide(world, bucket, arrived, action, resource)
    if decision is Decision.DENY:
        return PermissionResult.DENIED
    return PermissionResult.NEUTRAL


def _bucket(world: World, arrived: Arrived) -> Any | None:
    name = arrived.path_parameters.get("Bucket")
    return world.backend("s3", arrived.signature.region).buckets.get(name)


def _resource_decision(
    world: World, arrived: Arrived, needed: Needed, parameters: Mapping[str, Any]
) -> Decision:
    """What the policy of the bucket or topic says that a call is about."""
    if arrived.service == "sns":
        topic = world.backend("sns", arrived.signature.region).topics.get(needed.resource)
        if topic is None:
            return Decision.NEUTRAL
        context = {**bucket_policy.common_context(arrived), **needed.context}
        request = AccessRequest(_principal(arrived), needed.action, topic.arn, context)
        return policy.evaluate([policy.parse(topic.policy)], request)
    if arrived.service == "s3" and arrived.operation != "DeleteObjects":
        bucket = _bucket(world, arrived) if parameters.get("Bucket") else None
        if bucket is not None:
            return _decide(world, bucket, arrived, needed.action, str(needed.resource))
    return Decision.NEUTRAL


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
    world: World, arrived: Arrived, needed: tuple[Needed, ...], parameters: Mapping[str, Any]
) -> Answer | None:
    role = arrived.caller.role_arn
    if needed[0].action in iam_actions.ALWAYS_ALLOWED or role is None:
        return None
    documents = permissions.role_documents(world, role)
    boundary = permissions.role_boundary(world, role)
    layers = [documents or [], *([] if boundary is None else [[boundary]])]
    for permission in needed:
        if not all(_allows(world, arrived, layer, permission) for layer in layers):
            return refusals.access_denied(
                arrived, permission.action, permission.resource, _IMPLICIT
            )
    if parameters.get("IsOrganizationTrail") and not all(
        _allows(world, arrived, layer, permission)
        for layer in layers
        for permission in _ORGANIZATION_TRAIL
    ):
        return refusals.refuse(
            arrived,
            "CloudTrail cannot make the organization trail: access to an API of Organizations or "
            "IAM that this needs is denied.",
            "InsufficientDependencyServiceAccessPermissionException",
        )
    if arrived.operation in ("Publish", "PublishBatch") and arrived.service == "sns":
        return _check_topic_key(world, arrived, documents or [], parameters)
    return None


def _check_topic_key(
    world: World,
    arrived: Arrived,
    documents: list[policy.Document],
    parameters: Mapping[str, Any],
) -> Answer | None:
    """Who publishes to an encrypted topic uses its key."""
    region = arrived.signature.region
    topic = world.backend("sns", region).topics.get(parameters.get("TopicArn"))
    key_id = topic.kms_master_key_id if topic is not None else None
    key = permissions.find_key(world, key_id, region) if key_id else None
    if key is None:
        return None
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        if not key.enabled or not _allows(world, arrived, documents, Needed(action, key.arn)):
            denied = refusals.access_denied(arrived, action, key.arn, _IMPLICIT)
            return Answer(
                "400 Bad Request",
                denied.headers,
                denied.body.replace(b"AuthorizationError", b"KMSAccessDenied"),
            )
    return None


def _allows(
    world: World, arrived: Arrived, documents: list[policy.Document], needed: Needed
) -> bool:
    region, resource = arrived.signature.region, needed.resource
    if resource is not None and arrived.service == "kms":
        key = permissions.find_key(world, resource, region)
        resource = key.arn if key is not None else resource
    context = {**bucket_policy.common_context(arrived), **needed.context}
    if needed.ec2_identifier is not None:
        tags = world.backend("ec2", region).tags.get(needed.ec2_identifier) or {}
        for prefix in ("aws", "ec2"):
            context |= {f"{prefix}:resourcetag/{key.lower()}": tags[key] for key in tags}
    is_iam = arrived.service == "iam"
    role = permissions.find_role(world, needed.role_name, region) if is_iam else None
    if role is not None and arrived.operation != "CreateRole":
        resource = role.arn
        if role.permissions_boundary_arn:
            context["iam:permissionsboundary"] = role.permissions_boundary_arn
    request = AccessRequest(Principal(), needed.action, resource or policy.ANY_RESOURCE, context)
    return policy.evaluate(documents, request) is Decision.ALLOW


REPLACEMENTS = (
    Replacement(
        FakeBucket,
        "get_permission",
        get_permission,
        "moto enforces bucket policies without a look at their conditions.",
    ),
)
