"""Which permissions an API call needs: actions, resources, and the condition keys of the request.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix
from moto.utilities.utils import get_partition

from sandbox.access import iam_actions

Context = dict[str, str | tuple[str, ...]]

# A call that makes a thing with tags is authorized for the tagging as well.
_TAGGING = {
    ("sqs", "CreateQueue"): "sqs:TagQueue",
    ("sns", "CreateTopic"): "sns:TagResource",
    ("iam", "CreateRole"): "iam:TagRole",
    ("iam", "CreatePolicy"): "iam:TagPolicy",
    ("kms", "CreateKey"): "kms:TagResource",
}
# To see an account's policies of a kind takes what it takes to see a group's, for all groups:
# CloudWatch Logs's API reference, DescribeAccountPolicies.
_ACCOUNT_POLICIES = {
    "DATA_PROTECTION_POLICY": "logs:GetDataProtectionPolicy",
    "FIELD_INDEX_POLICY": "logs:DescribeIndexPolicies",
    "SUBSCRIPTION_FILTER_POLICY": "logs:DescribeSubscriptionFilters",
    "TRANSFORMER_POLICY": "logs:GetTransformer",
}
# What is about an alias and a key; to all else the alias is a name of the key.
ALIASING = ("CreateAlias", "DeleteAlias", "UpdateAlias")
_TRANSACTIONS = {("dynamodb", "TransactWriteItems"), ("dynamodb", "TransactGetItems")}
_TAG_MEMBERS = ("Tags", "tags", "TagsList")
_TAG_KEY_MEMBERS = ("TagKeys", "tagKeys")


@dataclass(frozen=True)
class Needed:
    """One permission. ``resource`` is an ARN, "*" where the action knows no resource, or None for
    one that is not known here; ``context`` holds the request's own condition keys."""

    action: str
    resource: str | None
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    @property
    def role_name(self) -> str | None:
        """The name of the IAM role, whose path and boundary count; None for any other resource."""
        if self.resource is None or ":role/" not in self.resource:
            return None
        return self.resource.rpartition("/")[2]

    @property
    def ec2_identifier(self) -> str | None:
        """The id of the EC2 resource, whose tags are condition keys; None for any other."""
        if self.resource is None or ":ec2:" not in self.resource:
            return None
        return self.resource.rpartition("/")[2]


def needed_for(
    service: str, operation: str, region: str, account: str, parameters: Mapping[str, Any]
) -> tuple[Needed, ...]:
    """Every permission that a call needs."""
    if (service, operation) in _TRANSACTIONS:
        return tuple(_for_transaction(operation, region, account, parameters))
    if service == "ec2":
        prefix = f"arn:{get_partition(region)}:ec2:{region}:{account}:"
        return tuple(_for_ec2(operation, prefix, parameters))
    action = iam_actions.action_of(service, operation, parameters)
    resource = iam_actions.resource_of(service, action, region, account, parameters)
    tags = _tag_keys(parameters)
    context = {
        **tags,
        **_subscription(action, parameters),
        **_boundary(action, parameters),
        **_attached(action, parameters),
        **_assumption(action, parameters),
        **_namespace(action, parameters),
    }
    found = [Needed(action, resource, context)]
    tagging = _TAGGING.get((service, operation))
    if tagging and tags:
        found.append(Needed(tagging, resource, tags))
    if service == "s3" and parameters.get("BypassGovernanceRetention"):
        found.append(Needed("s3:BypassGovernanceRetention", resource))
    alias = parameters.get("AliasName")
    if service == "kms" and alias and operation in ALIASING:
        # Of the alias, which no key's policy speaks of, and of the key.
        # https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
        arn = f"arn:{get_partition(region)}:kms:{region}:{account}:{alias}"
        found = [Needed(action, resource), Needed(action, arn)]
    if action == "logs:DescribeAccountPolicies":
        beside = _ACCOUNT_POLICIES.get(str(parameters.get("policyType")))
        found += [Needed(beside, "*")] if beside else []
    return tuple(found)


def _for_transaction(
    operation: str, region: str, account: str, parameters: Mapping[str, Any]
) -> Iterator[Needed]:
    """A transaction is authorized for each act that it is made of, on that one's table.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    """
    items = parameters.get("TransactItems") or ()
    if not items:
        yield Needed(f"dynamodb:{operation}", None)  # DynamoDB refuses it itself
    for item in items:
        for kind, act in item.items():
            action = f"dynamodb:{kind}Item"
            table = iam_actions.resource_of("dynamodb", action, region, account, act)
            yield Needed(action, table)


def _subscription(action: str, parameters: Mapping[str, Any]) -> Context:
    """SNS's own condition keys of Subscribe.

    https://docs.aws.amazon.com/sns/latest/dg/sns-using-identity-based-policies.html
    """
    if action != "sns:Subscribe":
        return {}
    members = {"sns:protocol": "Protocol", "sns:endpoint": "Endpoint"}
    return {key: str(parameters[name]) for key, name in members.items() if name in parameters}


def _assumption(action: str, parameters: Mapping[str, Any]) -> Context:
    """The condition keys of a role's assumption.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    if action != "sts:AssumeRole":
        return {}
    members = {
        "sts:externalid": "ExternalId",
        "sts:rolesessionname": "RoleSessionName",
        "sts:sourceidentity": "SourceIdentity",
    }
    found: Context = {
        key: str(parameters[name]) for key, name in members.items() if parameters.get(name)
    }
    if parameters.get("SerialNumber") and parameters.get("TokenCode"):
        found |= {"aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0"}
    return found


def _namespace(action: str, parameters: Mapping[str, Any]) -> Context:
    """The condition key of where metrics are published.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html
    """
    if action != "cloudwatch:PutMetricData" or "Namespace" not in parameters:
        return {}
    return {"cloudwatch:namespace": str(parameters["Namespace"])}


def _attached(action: str, parameters: Mapping[str, Any]) -> Context:
    """The condition key of the managed policy that is attached or detached.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    if not action.startswith(("iam:Attach", "iam:Detach")) or "PolicyArn" not in parameters:
        return {}
    return {"iam:policyarn": str(parameters["PolicyArn"])}


def _boundary(action: str, parameters: Mapping[str, Any]) -> Context:
    """The condition key of the permissions boundary that a new principal gets.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    given = parameters.get("PermissionsBoundary")
    if action not in ("iam:CreateRole", "iam:CreateUser") or not given:
        return {}
    return {"iam:permissionsboundary": str(given)}


# --- EC2: a call is authorized for each resource that it names, and for what it makes -----------

_IDENTIFIER = re.compile(r"[a-z-]+-[0-9a-f]{8,17}")
# In ARNs, where moto's type differs.
_TYPES = {
    "nat-gateway": "natgateway",
    "managed-prefix-list": "prefix-list",
    "vpc-elastic-ip": "elastic-ip",
    "flow-logs": "vpc-flow-log",
}


def _for_ec2(operation: str, prefix: str, parameters: Mapping[str, Any]) -> Iterator[Needed]:
    action = f"ec2:{operation}"
    # Only the questions about one attribute know a resource.
    if operation.startswith("Describe") and not operation.endswith("Attribute"):
        yield Needed(action, "*")
        return
    made = _made(operation, prefix)
    named = list(_named(parameters, prefix))
    # Tagging takes the request's tags to what is named, making takes them to what is made.
    context = _tag_keys(parameters) if operation in ("CreateTags", "DeleteTags") else {}
    for arn in named:
        yield Needed(action, arn, context)
    tags = _tag_keys(_tags_of_made(parameters))
    if made is not None:
        yield Needed(action, made, tags)
        if tags:
            yield Needed("ec2:CreateTags", made, {**tags, "ec2:createaction": operation})
    elif not named:
        yield Needed(action, None)


def _named(parameters: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for value in parameters.values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and _IDENTIFIER.fullmatch(text):
                kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(text) or "")
                if kind is not None:
                    yield f"{prefix}{_TYPES.get(kind, kind)}/{text}"


def _made(operation: str, prefix: str) -> str | None:
    """What an operation makes; it has no id yet."""
    name = operation.removeprefix("Create")
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
    if name == operation or kind not in EC2_PREFIX_TO_RESOURCE.values():
        return None
    return f"{prefix}{_TYPES.get(kind, kind)}/*"


def _tags_of_made(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    specifications = parameters.get("TagSpecifications") or []
    return {
        "Tags": [tag for specification in specifications for tag in specification.get("Tags") or []]
    }


# --- tags of a request --------------------------------------------------------------------------


def _tag_keys(parameters: Mapping[str, Any]) -> Context:
    """aws:RequestTag and aws:TagKeys; nothing for a request without tags."""
    tags: dict[str, str] = {}
    for member in _TAG_MEMBERS:
        given = parameters.get(member)
        if isinstance(given, Mapping):
            tags |= {str(key): str(value) for key, value in given.items()}
        elif isinstance(given, list):
            for tag in given:
                key = tag.get("Key", tag.get("TagKey"))
                tags[str(key)] = str(tag.get("Value", tag.get("TagValue", "")))
    keys = [
        *tags,
        *(str(key) for member in _TAG_KEY_MEMBERS for key in parameters.get(member) or ()),
    ]
    if not keys:
        return {}
    requested = {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    return {**requested, "aws:tagkeys": tuple(keys)}
