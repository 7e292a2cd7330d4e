"""From an API operation to the IAM action and resource that policies speak of.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.utilities.utils import get_partition

# IAM's prefix, where it is not botocore's name of the service.
_PREFIXES = {
    "s3control": "s3",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
    "accessanalyzer": "access-analyzer",
}

_ACTIONS = {
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("lambda", "InvokeAsync"): "lambda:InvokeFunction",
    ("sns", "PublishBatch"): "sns:Publish",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
    ("s3", "ListBuckets"): "s3:ListAllMyBuckets",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListObjects"): "s3:ListBucket",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
    ("s3", "ListMultipartUploads"): "s3:ListBucketMultipartUploads",
    ("s3", "ListParts"): "s3:ListMultipartUploadParts",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "CopyObject"): "s3:PutObject",
    ("s3", "CreateMultipartUpload"): "s3:PutObject",
    ("s3", "UploadPart"): "s3:PutObject",
    ("s3", "UploadPartCopy"): "s3:PutObject",
    ("s3", "CompleteMultipartUpload"): "s3:PutObject",
    ("s3", "DeleteObjects"): "s3:DeleteObject",
    ("s3", "GetBucketEncryption"): "s3:GetEncryptionConfiguration",
    ("s3", "PutBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "DeleteBucketEncryption"): "s3:PutEncryptionConfiguration",
    ("s3", "GetBucketLifecycleConfiguration"): "s3:GetLifecycleConfiguration",
    ("s3", "PutBucketLifecycleConfiguration"): "s3:PutLifecycleConfiguration",
    ("s3", "DeleteBucketLifecycle"): "s3:PutLifecycleConfiguration",
    ("s3", "GetBucketReplication"): "s3:GetReplicationConfiguration",
    ("s3", "PutBucketReplication"): "s3:PutReplicationConfiguration",
    ("s3", "DeleteBucketReplication"): "s3:PutReplicationConfiguration",
    ("s3", "GetPublicAccessBlock"): "s3:GetBucketPublicAccessBlock",
    ("s3", "PutPublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
    ("s3", "DeletePublicAccessBlock"): "s3:PutBucketPublicAccessBlock",
    ("s3control", "GetPublicAccessBlock"): "s3:GetAccountPublicAccessBlock",
    ("s3control", "PutPublicAccessBlock"): "s3:PutAccountPublicAccessBlock",
    ("s3control", "DeletePublicAccessBlock"): "s3:PutAccountPublicAccessBlock",
    ("s3", "GetBucketNotificationConfiguration"): "s3:GetBucketNotification",
    ("s3", "PutBucketNotificationConfiguration"): "s3:PutBucketNotification",
    ("s3", "GetObjectLockConfiguration"): "s3:GetBucketObjectLockConfiguration",
    ("s3", "PutObjectLockConfiguration"): "s3:PutBucketObjectLockConfiguration",
    ("s3", "DeleteBucketTagging"): "s3:PutBucketTagging",
    ("s3", "GetBucketCors"): "s3:GetBucketCORS",
    ("s3", "PutBucketCors"): "s3:PutBucketCORS",
    ("s3", "DeleteBucketCors"): "s3:PutBucketCORS",
    ("s3", "GetBucketAccelerateConfiguration"): "s3:GetAccelerateConfiguration",
    ("s3", "PutBucketAccelerateConfiguration"): "s3:PutAccelerateConfiguration",
    ("s3", "GetBucketMetadataConfiguration"): "s3:GetBucketMetadataTableConfiguration",
    ("s3", "CreateBucketMetadataConfiguration"): "s3:CreateBucketMetadataTableConfiguration",
    ("s3", "DeleteBucketMetadataConfiguration"): "s3:DeleteBucketMetadataTableConfiguration",
    **{
        ("s3", f"{verb}Bucket{kind}Configuration{plural}"): f"s3:{permission}{kind}Configuration"
        for kind in ("Analytics", "IntelligentTiering", "Inventory", "Metrics")
        for verb, plural, permission in (
            ("Get", "", "Get"),
            ("List", "s", "Get"),
            ("Put", "", "Put"),
            ("Delete", "", "Put"),
        )
    },
    ("s3", "DeleteBucketOwnershipControls"): "s3:PutBucketOwnershipControls",
}
_VERSIONED = {"s3:GetObject", "s3:DeleteObject", "s3:GetObjectTagging", "s3:DeleteObjectTagging"}

# These know no resource: only a statement for "*" permits them.
_ACCOUNT_WIDE = frozenset(
    {
        "cloudtrail:DescribeTrails",
        "cloudwatch:ListAlarmMuteRules",
        "cloudwatch:PutMetricData",
        "config:DescribeConfigRules",
        "config:DescribeConfigurationRecorderStatus",
        "config:DescribeConfigurationRecorders",
        "config:DescribeDeliveryChannelStatus",
        "config:DescribeDeliveryChannels",
        "config:DescribeRetentionConfigurations",
        "iam:GetAccountAuthorizationDetails",
        "iam:GenerateCredentialReport",
        "iam:GetAccountPasswordPolicy",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
        "kms:CreateKey",
        "kms:ListAliases",
        "kms:ListKeys",
        "s3:GetAccountPublicAccessBlock",
        "s3:ListAccessPoints",
        "logs:DescribeAccountPolicies",
        "logs:DescribeResourcePolicies",
        "s3:ListAllMyBuckets",
        "sns:GetSubscriptionAttributes",
        "sqs:ListQueues",
        "ssm:ListDocuments",
    }
)

# Allowed whatever the policies say.
ALWAYS_ALLOWED = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})


def action_of(service: str, operation: str, parameters: Mapping[str, Any]) -> str:
    """The IAM action that an operation needs."""
    action = _ACTIONS.get((service, operation))
    if action is None:
        action = f"{_PREFIXES.get(service, service)}:{operation}"
    if action in _VERSIONED and parameters.get("VersionId"):
        action = action.replace("Object", "ObjectVersion", 1)
    return action


def resource_of(
    service: str, action: str, region: str, account: str, parameters: Mapping[str, Any]
) -> str | None:
    """The ARN that an action is authorized for; None when it is not one that is known here."""
    if action in _ACCOUNT_WIDE:
        return "*"
    if service == "s3":
        bucket = parameters.get("Bucket")
        if not bucket:
            return None
        key, partition = parameters.get("Key"), get_partition(region)
        return f"arn:{partition}:s3:::{bucket}/{key}" if key else f"arn:{partition}:s3:::{bucket}"
    if service == "iam" and (holder := _iam(region, account, parameters)):
        return holder  # whatever policy is attached to it or taken from it
    for member in _ARN_MEMBERS.get(service, ()):
        value = parameters.get(member)
        if isinstance(value, str) and value.startswith("arn:"):
            return _qualified(service, value, parameters)
    make = _ARNS.get(service)
    arn = None if make is None else make(region, account, parameters)
    return arn if arn is None else _qualified(service, arn, parameters)


def _qualified(service: str, arn: str, parameters: Mapping[str, Any]) -> str:
    """A function's ARN with the version or alias that a call names besides.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    """
    qualifier = parameters.get("Qualifier")
    if service != "lambda" or not qualifier or arn.count(":") != _COLONS_OF_FUNCTION:
        return arn
    return f"{arn}:{qualifier}"


_COLONS_OF_FUNCTION = 6

_ARN_MEMBERS = {
    "dynamodb": ("TableName", "ResourceArn"),
    "sns": ("TopicArn", "TargetArn", "ResourceArn", "SubscriptionArn"),
    "lambda": ("FunctionName", "Resource"),
    "kms": ("KeyId", "TargetKeyId"),
    "cloudtrail": ("Name", "TrailName"),
    "logs": ("resourceArn", "logGroupIdentifier"),
    "iam": ("PolicyArn", "PolicySourceArn"),
    "sts": ("RoleArn",),
    "events": ("ResourceARN",),
    "athena": ("ResourceARN",),
    "glue": ("ResourceArn",),
    "config": ("ResourceArn",),
}


def _queue(region: str, account: str, parameters: Mapping[str, Any]) -> str | None:
    url = parameters.get("QueueUrl")
    name = url.rstrip("/").rpartition("/")[2] if isinstance(url, str) else None
    name = name or parameters.get("QueueName")
    return f"arn:{get_partition(region)}:sqs:{region}:{account}:{name}" if name else None


def _log_group(region: str, account: str, parameters: Mapping[str, Any]) -> str | None:
    group = parameters.get("logGroupName")
    if not group:
        return None
    arn = f"arn:{get_partition(region)}:logs:{region}:{account}:log-group:{group}"
    stream = parameters.get("logStreamName")
    return f"{arn}:log-stream:{stream}" if stream else f"{arn}:*"


def _named(template: str, *members: str) -> Any:
    def make(region: str, account: str, parameters: Mapping[str, Any]) -> str | None:
        for member in members:
            value = parameters.get(member)
            if isinstance(value, str) and value:
                return template.format(
                    partition=get_partition(region), region=region, account=account, name=value
                )
        return None

    return make


def _iam(region: str, account: str, parameters: Mapping[str, Any]) -> str | None:
    for member, kind in (("RoleName", "role"), ("UserName", "user"), ("GroupName", "group")):
        value = parameters.get(member)
        if isinstance(value, str) and value:
            path = parameters.get("Path") or "/"  # given when it is made
            return f"arn:{get_partition(region)}:iam::{account}:{kind}{path}{value}"
    return None


def _stack_set(region: str, account: str, parameters: Mapping[str, Any]) -> str | None:
    """By its id, "name:uuid", which policies speak of; by the name alone it is not known here."""
    name = parameters.get("StackSetName")
    if not isinstance(name, str) or ":" not in name:
        return None
    return f"arn:{get_partition(region)}:cloudformation:{region}:{account}:stackset/{name}"


def _catalog(region: str, account: str, parameters: Mapping[str, Any]) -> str:
    """The innermost part of Glue's catalog that is named."""
    prefix = f"arn:{get_partition(region)}:glue:{region}:{account}"
    name, database = parameters.get("Name"), parameters.get("DatabaseName")
    if database and name:
        return f"{prefix}:table/{database}/{name}"
    found = database or name
    return f"{prefix}:database/{found}" if found else f"{prefix}:catalog"


_ARNS: dict[str, Any] = {
    "cloudformation": _stack_set,
    "sqs": _queue,
    "logs": _log_group,
    "iam": _iam,
    "lambda": _named("arn:{partition}:lambda:{region}:{account}:function:{name}", "FunctionName"),
    "kms": _named("arn:{partition}:kms:{region}:{account}:key/{name}", "KeyId", "TargetKeyId"),
    "cloudtrail": _named(
        "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}", "Name", "TrailName"
    ),
    "dynamodb": _named(
        "arn:{partition}:dynamodb:{region}:{account}:table/{name}", "TableName", "GlobalTableName"
    ),
    "events": _named("arn:{partition}:events:{region}:{account}:rule/{name}", "Name", "Rule"),
    "athena": _named("arn:{partition}:athena:{region}:{account}:workgroup/{name}", "WorkGroup"),
    "glue": _catalog,
    "ssm": _named("arn:{partition}:ssm:{region}:{account}:document/{name}", "Name", "ResourceId"),
    # A dashboard is of no region.
    "cloudwatch": _named("arn:{partition}:cloudwatch::{account}:dashboard/{name}", "DashboardName"),
    "s3control": _named("arn:{partition}:s3:{region}:{account}:accesspoint/{name}", "Name"),
}
