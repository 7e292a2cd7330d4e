"""On what an action can be asked for: a grant of an action on anything else gives nothing.

So a statement that lists a topic's and a queue's actions with the topic and the queue is the same
as two statements. What is not known here counts as possible. Source: Service Authorization
Reference, the tables of actions with their resource types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from verify.policy.globs import WITHIN
from verify.policy.patterns import has_wildcard, literal_start

# Actions for which the Service Authorization Reference lists no resource type, so that only
# Resource "*" works. Kept to what an audit trail's roles and their verifier may use.
ACTIONS_WITHOUT_RESOURCES = frozenset(
    {
        "access-analyzer:ListAnalyzers",
        "athena:ListWorkGroups",
        "cloudformation:ListStacks",
        "cloudtrail:DeregisterOrganizationDelegatedAdmin",
        "cloudtrail:DescribeTrails",
        "cloudtrail:ListPublicKeys",
        "cloudtrail:ListTrails",
        "cloudtrail:LookupEvents",
        "cloudtrail:RegisterOrganizationDelegatedAdmin",
        "cloudwatch:DescribeAlarmsForMetric",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListAlarmMuteRules",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
        "config:DescribeConfigRules",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannelStatus",
        "config:DescribeDeliveryChannels",
        "config:DescribeRetentionConfigurations",
        "ec2:GetEbsEncryptionByDefault",
        "events:ListEventBuses",
        "events:ListRuleNamesByTarget",
        "events:ListRules",
        "guardduty:ListDetectors",
        "iam:GenerateCredentialReport",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetAccountPasswordPolicy",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
        "iam:ListAccountAliases",
        "iam:ListGroups",
        "iam:ListOpenIDConnectProviders",
        "iam:ListPolicies",
        "iam:ListRoles",
        "iam:ListSAMLProviders",
        "iam:ListUsers",
        "kms:CreateKey",
        "kms:ListAliases",
        "kms:ListKeys",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "logs:CreateLogDelivery",
        "logs:DeleteAccountPolicy",
        "logs:DescribeAccountPolicies",
        "logs:DescribeDeliveryDestinations",
        "logs:DescribeDestinations",
        "logs:DescribeLogGroups",
        "logs:DescribeQueries",
        "logs:DescribeResourcePolicies",
        "logs:GetQueryResults",
        "logs:ListScheduledQueries",
        "logs:ListSyslogConfigurations",
        "logs:PutAccountPolicy",
        "logs:PutResourcePolicy",
        "logs:StopQuery",
        "logs:TestMetricFilter",
        "organizations:DescribeOrganization",
        "s3:GetAccountPublicAccessBlock",
        "s3:ListAccessPoints",
        "s3:ListAllMyBuckets",
        "s3:PutAccountPublicAccessBlock",
        "sns:GetSubscriptionAttributes",
        "sns:ListSubscriptions",
        "sns:ListTopics",
        "sns:SetSubscriptionAttributes",
        "sqs:ListQueues",
        "ssm:DescribeParameters",
        "ssm:ListDocuments",
        "sts:GetCallerIdentity",
        "tag:GetResources",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)

# EC2's Describe actions have no resource types but for these.
_EC2_DESCRIBE_WITH_RESOURCES = frozenset(
    f"ec2:describe{name}"
    for name in (
        "capacityblockextensionofferings",
        "clientvpnauthorizationrules",
        "clientvpnconnections",
        "clientvpnroutes",
        "clientvpntargetnetworks",
        "fleethistory",
        "fleetinstances",
        "fpgaimageattribute",
        "imageattribute",
        "instanceattribute",
        "securitygroupreferences",
        "snapshotattribute",
        "spotfleetinstances",
        "spotfleetrequesthistory",
        "volumeattribute",
        "vpcattribute",
        "vpcendpointservicepermissions",
    )
)

# Actions that name a log group, and that CloudWatch Logs asks for on "*" to see the account's
# policies of that kind (its API reference, DescribeAccountPolicies). They tell settings alone.
_FOR_ACCOUNT_POLICIES = frozenset(
    {
        "logs:DescribeSubscriptionFilters",
        "logs:GetDataProtectionPolicy",
        "logs:GetTransformer",
    }
)
_WITHOUT_RESOURCES = frozenset(
    action.lower() for action in ACTIONS_WITHOUT_RESOURCES | _FOR_ACCOUNT_POLICIES
)


# The service that an action's resources are of, where it is not the action's own. Services that are
# not here may have resources of others (EC2's, for one, may be anything's).
_ARN_SERVICES: Mapping[str, str] = {
    **{
        name: name
        for name in (
            "access-analyzer",
            "athena",
            "cloudformation",
            "cloudtrail",
            "cloudwatch",
            "config",
            "dynamodb",
            "events",
            "glue",
            "guardduty",
            "iam",
            "kms",
            "lambda",
            "logs",
            "s3",
            "securityhub",
            "sns",
            "sqs",
        )
    },
    "sts": "iam",
}


@dataclass(frozen=True)
class Resources:
    """The resources of an action: texts that one of `patterns` matches and none of `but` does.

    `first` are those that it is for, where there are others by which it can be asked for as well.
    `alone` is the text "*" for an action that knows no resource: what a policy must match then.
    """

    patterns: tuple[str, ...] = ("*",)
    but: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    alone: str | None = None


def _arn(service: str, resource: str) -> str:
    return f"arn:{WITHIN}:{service}:{WITHIN}:{WITHIN}:{resource}"


_EVERYTHING = Resources()
_OBJECTS = Resources((_arn("s3", "*/*"),), first=(f"arn:{WITHIN}:s3:::*/*",))
# Some of what is asked of a bucket can be asked through its access points.
_BUCKETS = Resources((_arn("s3", "*"),), ("arn:*:s3:::*/*",), (f"arn:{WITHIN}:s3:::{WITHIN}",))
_ACCESS_POINTS = Resources((_arn("s3", "accesspoint/*"),))
_LOGS = Resources((_arn("logs", "*"),), first=(_arn("logs", "log-group:*"),))
_ROLES = Resources((_arn("iam", "role/*"),))
_POLICIES = Resources((_arn("iam", "policy/*"),))
_DOCUMENTS = Resources((_arn("ssm", "document/*"),))
_NAMED: Mapping[str, Resources] = {
    "ec2:describevpcattribute": Resources((_arn("ec2", f"vpc/{WITHIN}"),)),
    "ec2:getmanagedprefixlistentries": Resources((_arn("ec2", f"prefix-list/{WITHIN}"),)),
    "logs:getscheduledquery": Resources((_arn("logs", "scheduled-query:*"),)),
    **dict.fromkeys(
        (
            "iam:createrole",
            "iam:deleterole",
            "iam:deleterolepolicy",
            "iam:getrole",
            "iam:getrolepolicy",
            "iam:listattachedrolepolicies",
            "iam:listinstanceprofilesforrole",
            "iam:listrolepolicies",
            "iam:listroletags",
            "iam:passrole",
            "iam:putrolepolicy",
            "iam:tagrole",
            "iam:updateassumerolepolicy",
        ),
        _ROLES,
    ),
    **dict.fromkeys(
        (
            "iam:getpolicy",
            "iam:getpolicyversion",
            "iam:listpolicytags",
            "iam:listpolicyversions",
        ),
        _POLICIES,
    ),
    **dict.fromkeys(
        (
            "ssm:describedocument",
            "ssm:describedocumentpermission",
            "ssm:getdocument",
        ),
        _DOCUMENTS,
    ),
    # An instance is EC2's.
    "ssm:listtagsforresource": Resources(
        (_arn("ssm", "*"), _arn("ec2", "instance/*")), first=(_arn("ssm", "*"),)
    ),
}

# S3's actions on objects whose name does not say so; all others have "Object" in it.
_OBJECT_ACTIONS = frozenset(
    {
        "s3:abortmultipartupload",
        "s3:bypassgovernanceretention",
        "s3:listmultipartuploadparts",
        "s3:replicatedelete",
        "s3:replicatetags",
    }
)


def takes_resources(action: str) -> bool:
    """Whether an action, or one that a pattern matches, can name its resources."""
    name = action.lower()
    if has_wildcard(name):
        return True
    if name.startswith("ec2:describe"):
        return name in _EC2_DESCRIBE_WITH_RESOURCES
    return name not in _WITHOUT_RESOURCES


@cache
def resources_of(action: str, partition: str = WITHIN) -> Resources:
    """On what an action, or all that a pattern matches, can be asked for, in a partition."""
    known = _of_any_partition(action)

    def here(patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one.replace(f"arn:{WITHIN}:", f"arn:{partition}:") for one in patterns)

    return replace(known, patterns=here(known.patterns), first=here(known.first))


def _of_any_partition(action: str) -> Resources:
    name = action.lower()
    if not takes_resources(name):
        return Resources((), alone="*")
    if name in _NAMED:
        return _NAMED[name]
    service = literal_start(name).partition(":")[0]
    if service not in _ARN_SERVICES or ":" not in literal_start(name):
        return _EVERYTHING
    if service == "s3" and not has_wildcard(name):
        return _of_s3(name)
    if service == "logs":
        return _LOGS
    return Resources((_arn(_ARN_SERVICES[service], "*"),))


def _of_s3(action: str) -> Resources:
    if "accesspoint" in action and "multiregion" not in action:
        return _ACCESS_POINTS
    return _OBJECTS if _is_of_objects(action) else _BUCKETS


def _is_of_objects(action: str) -> bool:
    return action in _OBJECT_ACTIONS or ("object" in action and "bucket" not in action)
