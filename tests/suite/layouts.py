"""Audit trails as other people's modules lay them out, built by hand in a sandbox.

They follow what the modules' own documentation says of their resources and outputs, with those of
their inputs set that make them strict:

- `organization_trail`: cloudposse/cloudtrail with is_organization_trail, over the bucket of
  cloudposse/cloudtrail-s3-bucket with a policy of one's own. No log group, no topic, no function.
- `alarmed_trail`: the same two modules for one account, with the log group, the role and the key
  of the complete example of cloudposse/cloudtrail-cloudwatch-alarms, and that module's metric
  filters, alarms and topic. No function, no notices of deliveries.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.sandbox.support import ACCOUNT, REGION, RunningSandbox

_ROOT = f"arn:aws:iam::{ACCOUNT}:root"
_CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
_NAMESPACE = "CISBenchmark"
_ALARM_ARNS = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"

# What each metric filter counts: events by name, after the module's catalogue, with the events
# that IAM and EC2 have got since it was written.
_COUNTED = {
    "SecurityGroupEventCount": (
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup "
        "DeleteSecurityGroup ModifySecurityGroupRules RevokeSecurityGroupEgress "
        "RevokeSecurityGroupIngress"
    ),
    "IAMPolicyEventCount": (
        "AttachGroupPolicy AttachRolePolicy AttachUserPolicy CreatePolicy CreatePolicyVersion "
        "DeleteGroupPolicy DeletePolicy DeletePolicyVersion DeleteRolePermissionsBoundary "
        "DeleteRolePolicy DeleteUserPermissionsBoundary DeleteUserPolicy DetachGroupPolicy "
        "DetachRolePolicy DetachUserPolicy PutGroupPolicy PutRolePermissionsBoundary "
        "PutRolePolicy PutUserPermissionsBoundary PutUserPolicy SetDefaultPolicyVersion "
        "UpdateAssumeRolePolicy"
    ),
    "CloudTrailEventCount": (
        "CreateTrail DeleteTrail PutEventSelectors PutInsightSelectors StartLogging StopLogging "
        "UpdateTrail"
    ),
}
_ROOT_USE = (
    '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && '
    '$.eventType != "AwsServiceEvent" }'
)


@dataclass(frozen=True)
class Layout:
    """A trail that somebody else's module made, and what that module's outputs say of it."""

    trail_arn: str
    bucket: str
    outputs: dict[str, Any]

    def terraform_outputs(self) -> str:
        """The outputs, as `terraform output -json` prints them."""
        printed = {
            name: {"value": value, "sensitive": False} for name, value in self.outputs.items()
        }
        return json.dumps(printed, indent=1)


def organization_trail(sandbox: RunningSandbox) -> Layout:
    """An organization's trail, of the management account, with a central log bucket."""
    organizations = sandbox.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    organizations.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    trail, bucket = "acme-org-trail", "acme-audit-org-cloudtrail"
    arn = _trail_arn(trail)
    key = _key(sandbox, "alias/acme-audit-cloudtrail", _trail_statements(arn))
    folders = (f"AWSLogs/{ACCOUNT}", f"AWSLogs/{organization}")
    _bucket(sandbox, bucket, arn, key, folders)
    _start(sandbox, trail, S3BucketName=bucket, KmsKeyId=key, IsOrganizationTrail=True)
    return Layout(
        arn,
        bucket,
        {
            "cloudtrail_id": trail,
            "cloudtrail_arn": arn,
            "cloudtrail_home_region": REGION,
            "log_bucket": _bucket_outputs(bucket),
            "kms": {"key_arn": key, "alias_name": "alias/acme-audit-cloudtrail"},
        },
    )


def alarmed_trail(sandbox: RunningSandbox) -> Layout:
    """An account's trail with a log group, and alarms on metric filters that tell a topic."""
    trail, bucket, group = "acme-prod", "acme-prod-cloudtrail", "acme-prod-cloudtrail-logs"
    arn, topic = _trail_arn(trail), f"arn:aws:sns:{REGION}:{ACCOUNT}:acme-prod-breach"
    group_arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    key = _key(
        sandbox,
        "alias/acme-prod-audit",
        [*_trail_statements(arn), _group_statement(group_arn), _alarm_statement()],
    )
    _bucket(sandbox, bucket, arn, key, (f"AWSLogs/{ACCOUNT}",))
    logs = sandbox.client("logs")
    logs.create_log_group(logGroupName=group, kmsKeyId=key)
    logs.put_retention_policy(logGroupName=group, retentionInDays=365)
    role = _logs_role(sandbox, "acme-prod-cloudtrail-logs", group_arn)
    _start(
        sandbox,
        trail,
        S3BucketName=bucket,
        KmsKeyId=key,
        CloudWatchLogsLogGroupArn=f"{group_arn}:*",
        CloudWatchLogsRoleArn=role,
    )
    _topic(sandbox, topic, key)
    alarms = _alarms(sandbox, group, topic)
    return Layout(
        arn,
        bucket,
        {
            "cloudtrail_id": trail,
            "cloudtrail_arn": arn,
            "cloudtrail_home_region": REGION,
            "log_bucket": _bucket_outputs(bucket),
            "log_group": {"name": group, "arn": group_arn},
            "roles": [{"name": role.rpartition("/")[2], "arn": role}],
            "kms": {"key_arn": key, "alias_name": "alias/acme-prod-audit"},
            "sns_topic_arn": topic,
            "alarms": alarms,
        },
    )


def _trail_arn(name: str) -> str:
    return f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"


def _bucket_outputs(name: str) -> dict[str, str]:
    return {"bucket_id": name, "bucket_arn": f"arn:aws:s3:::{name}"}


def _start(sandbox: RunningSandbox, name: str, **settings: Any) -> None:
    client = sandbox.client("cloudtrail")
    client.create_trail(
        Name=name,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        **settings,
    )
    client.start_logging(Name=name)


def _policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _key(sandbox: RunningSandbox, alias: str, statements: list[dict[str, Any]]) -> str:
    client = sandbox.client("kms")
    administers = {
        "Effect": "Allow",
        "Principal": {"AWS": _ROOT},
        "Action": "kms:*",
        "Resource": "*",
    }
    made = client.create_key(
        KeyUsage="ENCRYPT_DECRYPT",
        Policy=_policy([administers, *statements]),
    )["KeyMetadata"]
    client.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
    client.enable_key_rotation(KeyId=made["KeyId"])
    return str(made["Arn"])


def _trail_statements(trail: str) -> list[dict[str, Any]]:
    of_trail = {"StringEquals": {"aws:SourceArn": trail}}
    encrypting = {
        **of_trail,
        "StringLike": {
            "kms:EncryptionContext:aws:cloudtrail:arn": trail.replace(f":{REGION}:", ":*:")
        },
    }
    common = {"Effect": "Allow", "Principal": _CLOUDTRAIL, "Resource": "*"}
    return [
        {**common, "Action": "kms:GenerateDataKey*", "Condition": encrypting},
        {**common, "Action": ["kms:DescribeKey", "kms:Decrypt"], "Condition": of_trail},
    ]


def _group_statement(group_arn: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
        "Action": [
            "kms:Encrypt*",
            "kms:Decrypt*",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:Describe*",
        ],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group_arn}},
    }


def _of_alarms() -> dict[str, Any]:
    return {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": _ALARM_ARNS},
    }


def _alarm_statement() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": _of_alarms(),
    }


def bucket_statements(
    bucket: str, trail: str, key: str, folders: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The bucket's policy: CloudTrail's two, and what keeps everybody else off the files."""
    arn = f"arn:aws:s3:::{bucket}"
    of_trail = {"aws:SourceArn": trail}
    everybody = {"Effect": "Deny", "Principal": "*"}
    algorithm = "s3:x-amz-server-side-encryption"
    return [
        {
            "Effect": "Allow",
            "Principal": _CLOUDTRAIL,
            "Action": "s3:GetBucketAcl",
            "Resource": arn,
            "Condition": {"StringEquals": of_trail},
        },
        {
            "Effect": "Allow",
            "Principal": _CLOUDTRAIL,
            "Action": "s3:PutObject",
            "Resource": [f"{arn}/{folder}/*" for folder in folders],
            "Condition": {
                "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **of_trail}
            },
        },
        {
            **everybody,
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            **everybody,
            "Action": "s3:PutObject",
            "Resource": f"{arn}/*",
            "Condition": {
                "Null": {algorithm: "false"},
                "StringNotEquals": {algorithm: ["aws:kms", "AES256"]},
            },
        },
        {
            **everybody,
            "Action": "s3:PutObject",
            "Resource": f"{arn}/*",
            "Condition": {
                "Null": {f"{algorithm}-aws-kms-key-id": "false"},
                "StringNotEquals": {f"{algorithm}-aws-kms-key-id": key},
            },
        },
        {
            **everybody,
            "Action": [
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:PutObjectTagging",
                "s3:PutObjectVersionAcl",
                "s3:PutObjectVersionTagging",
            ],
            "Resource": f"{arn}/*",
            "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}},
        },
        {
            **everybody,
            "Action": [
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:DeleteObjectTagging",
                "s3:DeleteObjectVersionTagging",
            ],
            "Resource": f"{arn}/*",
        },
        {
            **everybody,
            "Action": [
                "s3:DeleteBucket",
                "s3:PutBucketVersioning",
                "s3:PutLifecycleConfiguration",
                "s3:PutReplicationConfiguration",
            ],
            "Resource": arn,
        },
    ]


def _bucket(
    sandbox: RunningSandbox, bucket: str, trail: str, key: str, folders: tuple[str, ...]
) -> None:
    client = sandbox.client("s3")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    block_public_access(sandbox, bucket)
    client.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    client.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": True}]
        },
    )
    statements = bucket_statements(bucket, trail, key, folders)
    client.put_bucket_policy(Bucket=bucket, Policy=_policy(statements))


def block_public_access(sandbox: RunningSandbox, bucket: str) -> None:
    """All four blocks, as the module's inputs have them by default."""
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    sandbox.client("s3").put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
    )


def _logs_role(sandbox: RunningSandbox, name: str, group_arn: str) -> str:
    client = sandbox.client("iam")
    trusted = {
        "Effect": "Allow",
        "Principal": _CLOUDTRAIL,
        "Action": "sts:AssumeRole",
    }
    made = client.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trusted]))["Role"]
    writing = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group_arn}:log-stream:{ACCOUNT}_CloudTrail_{REGION}*",
    }
    client.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=_policy([writing]))
    return str(made["Arn"])


def _topic(sandbox: RunningSandbox, arn: str, key: str) -> None:
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": _of_alarms(),
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    attributes = {
        "KmsMasterKeyId": key,
        "SignatureVersion": "2",
        "Policy": _policy(statements),
    }
    sandbox.client("sns").create_topic(Name=arn.rpartition(":")[2], Attributes=attributes)


def _alarms(sandbox: RunningSandbox, group: str, topic: str) -> dict[str, dict[str, str]]:
    patterns = {
        name: "{ " + " || ".join(f"($.eventName = {event})" for event in events.split()) + " }"
        for name, events in _COUNTED.items()
    }
    made = {}
    logs, cloudwatch = sandbox.client("logs"), sandbox.client("cloudwatch")
    for name, pattern in {**patterns, "RootAccountUsageCount": _ROOT_USE}.items():
        logs.put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[
                {"metricName": name, "metricNamespace": _NAMESPACE, "metricValue": "1"}
            ],
        )
        alarm = f"{name}-alarm"
        cloudwatch.put_metric_alarm(
            AlarmName=alarm,
            Namespace=_NAMESPACE,
            MetricName=name,
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[topic],
        )
        made[name] = {"name": alarm, "arn": f"{_ALARM_ARNS[:-1]}{alarm}"}
    silence = "TrailSilent"
    cloudwatch.put_metric_alarm(
        AlarmName=silence,
        Metrics=[
            {"Id": "filled", "Expression": "FILL(arriving, 0)", "ReturnData": True},
            {
                "Id": "arriving",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Logs",
                        "MetricName": "IncomingLogEvents",
                        "Dimensions": [{"Name": "LogGroupName", "Value": group}],
                    },
                    "Stat": "Sum",
                    "Period": 900,
                },
            },
        ],
        EvaluationPeriods=4,
        Threshold=1.0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        AlarmActions=[topic],
    )
    made[silence] = {"name": silence, "arn": f"{_ALARM_ARNS[:-1]}{silence}"}
    return made
