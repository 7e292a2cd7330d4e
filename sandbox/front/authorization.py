"""The front door's guard: identity policies of role sessions; bucket and topic policies of all.

A key's policy is held against role sessions: without it no identity policy permits anything.

Whoever uses credentials that the sandbox has not issued is the account's administrator. A role's
session (a function's, or one from AssumeRole) may do what its role's policies allow, so that a
permission that is missing here would be missing on AWS too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from moto.core.request import Request
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from sandbox import regions
from sandbox.access import current, iam_actions, permissions, policy
from sandbox.access.needed_permissions import ALIASING, Context, Needed, needed_for
from sandbox.access.policy import AccessRequest, Decision, Principal
from sandbox.front import bucket_policy, refusals
from sandbox.front.errors import Answer
from sandbox.front.gateway import Arrived
from sandbox.replacement import Replacement
from sandbox.trail import record
from sandbox.trail.record_names import DATA_EVENTS
from sandbox.world import World

_EXPLICIT = "with an explicit deny in a resource-based policy"
_IMPLICIT = "because no identity-based policy allows the action"
_NO_KEY = "because no resource-based policy allows the action"

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

_ASSUME, _BYPASS = "sts:AssumeRole", "s3:BypassGovernanceRetention"

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
        parameters = {
            **parameters,
            "VersionId": "x" if versioned else None,
            "BypassGovernanceRetention": _bypasses(arrived),
        }
    elif is_role or arrived.service in ("sns", "sts"):
        request = Request(arrived.fresh_environ())
        parameters = record.parse_parameters(
            arrived.service, arrived.operation, arrived.path_parameters, request
        )
    needed = needed_for(
        arrived.service,
        arrived.operation,
        arrived.signature.region,
        arrived.caller.account,
        parameters,
    )
    decision = _resource_decision(world, arrived, needed[0], parameters)
    if needed[0].action == _ASSUME and decision not in (Decision.ALLOW, Decision.DELEGATE):
        # A role that is not there is refused in the same words as one that trusts somebody else.
        return refusals.refuse(
            arrived,
            f"User: {arrived.caller.arn} is not authorized to perform: {_ASSUME} on resource: "
            f"{needed[0].resource}",
        )
    if decision is Decision.DENY:
        return refusals.access_denied(arrived, needed[0].action, needed[0].resource, _EXPLICIT)
    if arrived.service == "s3" and parameters.get("Bucket"):
        refused = bucket_policy.blocked_public_access(_bucket(world, arrived), arrived)
        if refused is not None:
            return refused
    if (
        arrived.service == "kms"
        and is_role
        and decision is Decision.NEUTRAL
        and _key(world, arrived, parameters) is not None
    ):
        return refusals.access_denied(arrived, needed[0].action, needed[0].resource, _NO_KEY)
    remaining = needed if decision is not Decision.ALLOW else _beside(arrived, needed)
    if needed[-1].action == _BYPASS:
        # A lock's bypass is a permission of its own, whatever the policy says of the call itself.
        bypass = needed[-1]
        decision = _resource_decision(world, arrived, bypass, parameters)
        if decision is Decision.DENY:
            return refusals.access_denied(arrived, bypass.action, bypass.resource, _EXPLICIT)
        remaining = (*remaining[:1], *(() if decision is Decision.ALLOW else (bypass,)))
    return _check_role(world, arrived, remaining, parameters) if is_role and remaining else None


def _bypasses(arrived: Arrived) -> bool:
    """Whether a request would go past a lock in GOVERNANCE mode.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
    """
    return arrived.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"


def get_permission(world: World, bucket: Any, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of one key of a bulk deletion; the guard has judged the rest."""
    arrived = _current.get()
    if arrived is None or arrived.operation != "DeleteObjects":
        return PermissionResult.NEUTRAL
    for demanded in (action, *([_BYPASS] if _bypasses(arrived) else ())):
        if _decide_of_bucket(bucket, arrived, demanded, resource) is Decision.DENY:
            return PermissionResult.DENIED
    return PermissionResult.NEUTRAL


def _bucket(world: World, arrived: Arrived) -> Any | None:
    name = arrived.path_parameters.get("Bucket")
    return world.backend("s3", arrived.signature.region).buckets.get(name)


def _resource_decision(
    world: World, arrived: Arrived, needed: Needed, parameters: Mapping[str, Any]
) -> Decision:
    """What the policy of the bucket, topic or role says that a call is about."""
    if needed.action == _ASSUME:
        # A trust policy names no resource: it is the role's own.
        document = permissions.trust_policy(world, str(needed.resource))
        context = {**bucket_policy.common_context(arrived), **needed.context}
        return _decide(arrived, document, needed.action, str(needed.resource), context)
    if arrived.service == "sns":
        topic = world.backend("sns", arrived.signature.region).topics.get(needed.resource)
        if topic is None:
            return Decision.NEUTRAL
        context = {**bucket_policy.common_context(arrived), **needed.context}
        return _decide(arrived, policy.parse(topic.policy), needed.action, topic.arn, context)
    if arrived.service == "kms":
        key = _key(world, arrived, parameters)
        if key is None or arrived.caller.kind != "AssumedRole":
            return Decision.NEUTRAL
        context = {**bucket_policy.common_context(arrived), **needed.context}
        return _decide(arrived, policy.parse(key.policy), needed.action, key.arn, context)
    if arrived.service == "s3" and arrived.operation != "DeleteObjects":
        bucket = _bucket(world, arrived) if parameters.get("Bucket") else None
        if bucket is not None:
            return _decide_of_bucket(bucket, arrived, needed.action, str(needed.resource))
    return Decision.NEUTRAL


def _beside(arrived: Arrived, needed: tuple[Needed, ...]) -> tuple[Needed, ...]:
    """What a call needs that the policy of what it is about does not permit: KMS's of an alias."""
    return needed[1:] if arrived.service == "kms" else ()


def _key(world: World, arrived: Arrived, parameters: Mapping[str, Any]) -> Any | None:
    """moto's key that a call to KMS is about; None for one of none, or of one that is not there."""
    for member in ("TargetKeyId", "KeyId", "AliasName"):
        named = parameters.get(member)
        if isinstance(named, str) and named:
            return permissions.find_key(world, named, arrived.signature.region)
    return None


def _decide_of_bucket(bucket: Any, arrived: Arrived, action: str, resource: str) -> Decision:
    if bucket.policy is None:
        return Decision.NEUTRAL
    context = bucket_policy.context_of(arrived, bucket, action)
    return _decide(arrived, policy.parse(bucket.policy), action, resource, context)


def _decide(
    arrived: Arrived, document: policy.Document, action: str, resource: str, context: Context
) -> Decision:
    """What a resource's policy says of the caller.

    A policy that allows an account leaves its principals to their own policies.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
    """
    caller = arrived.caller
    itself = Principal(arns=(caller.arn, caller.principal_arn))
    of_account = dataclasses.replace(itself, account=caller.account)
    decision = policy.evaluate([document], AccessRequest(of_account, action, resource, context))
    if decision is Decision.ALLOW:
        named = policy.evaluate([document], AccessRequest(itself, action, resource, context))
        return decision if named is Decision.ALLOW else Decision.DELEGATE
    return decision


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
        if not _all_allow(world, arrived, layers, permission):
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
        return _check_topic_key(world, arrived, layers, parameters)
    if arrived.service == "dynamodb" and arrived.operation in DATA_EVENTS["dynamodb"]:
        return _check_table_keys(world, arrived, layers, needed)
    return None


def _check_topic_key(
    world: World,
    arrived: Arrived,
    layers: list[list[policy.Document]],
    parameters: Mapping[str, Any],
) -> Answer | None:
    """Who publishes to an encrypted topic uses its key, through SNS."""
    region = arrived.signature.region
    topic = world.backend("sns", region).topics.get(parameters.get("TopicArn"))
    key_id = topic.kms_master_key_id if topic is not None else None
    key = permissions.find_key(world, key_id, region) if key_id else None
    if key is None:
        return None
    context = _via("sns", region, {"aws:sns:topicarn": topic.arn})
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        permission = Needed(action, key.arn, context)
        if not key.enabled or not _all_allow(world, arrived, layers, permission):
            denied = refusals.access_denied(arrived, action, key.arn, _IMPLICIT)
            return Answer(
                "400 Bad Request",
                denied.headers,
                denied.body.replace(b"AuthorizationError", b"KMSAccessDenied"),
            )
    return None


def _check_table_keys(
    world: World,
    arrived: Arrived,
    layers: list[list[policy.Document]],
    needed: tuple[Needed, ...],
) -> Answer | None:
    """Who reads or writes a table under a customer-managed key uses that, through DynamoDB.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    region = arrived.signature.region
    tables = world.backend("dynamodb", region).tables
    for arn in sorted({permission.resource for permission in needed if permission.resource}):
        table = tables.get(arn.rpartition("/")[2])
        key_id = (table.sse_specification or {}).get("KMSMasterKeyId") if table else None
        key = permissions.find_key(world, key_id, region) if key_id else None
        if table is None or key is None:
            continue
        context = _via(
            "dynamodb",
            region,
            {
                "aws:dynamodb:tablename": table.name,
                "aws:dynamodb:subscriberid": world.settings.account,
            },
        )
        permission = Needed("kms:Decrypt", key.arn, context)
        if not key.enabled or not _all_allow(world, arrived, layers, permission):
            return refusals.access_denied(arrived, "kms:Decrypt", key.arn, _IMPLICIT)
    return None


def _via(service: str, region: str, encryption_context: Mapping[str, str]) -> Context:
    """The condition keys of a use of a key that a service makes in its caller's name.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    bound = {f"kms:encryptioncontext:{name}": value for name, value in encryption_context.items()}
    return {"kms:viaservice": f"{service}.{region}.{regions.dns_suffix(region)}", **bound}


def _all_allow(
    world: World, arrived: Arrived, layers: list[list[policy.Document]], needed: Needed
) -> bool:
    return all(_allows(world, arrived, layer, needed) for layer in layers)


def _allows(
    world: World, arrived: Arrived, documents: list[policy.Document], needed: Needed
) -> bool:
    region, resource = arrived.signature.region, needed.resource
    is_alias = ":alias/" in (resource or "") and arrived.operation in ALIASING
    if resource is not None and arrived.service == "kms" and not is_alias:
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
