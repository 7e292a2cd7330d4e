"""Each rule raised by its real API call, from the call to the message, in the local AWS account.

The records here are the sandbox's, written by another hand after CloudTrail's; so are filter,
function runtime and topic.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from compliance_checker.filter_pattern import deployed_pattern

from tests.compliance_checker.records import policy_text, statement
from tests.sandbox.support import ACCOUNT, REGION, Account, started

REPOSITORY = Path(__file__).parents[2]
FUNCTION = "lambda-compliance-checker-dev"
TOPIC = "sns-compliance-alerts-dev"
ALL_TRAFFIC = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
EVERYTHING = policy_text(statement())
ASSUME = "sts:AssumeRole"
LAMBDA_TRUST = policy_text(statement(ASSUME, None, Principal={"Service": "lambda.amazonaws.com"}))


class Deployment:
    """The function behind a trail, and a queue that hears its topic."""

    def __init__(self, account: Account, package: bytes) -> None:
        self.account = account
        self.trail = account.trail()
        self.topic = account.sns.create_topic(Name=TOPIC)["TopicArn"]
        self.queue, queue_arn = account.queue()
        account.admit(self.queue, queue_arn, "sns.amazonaws.com", self.topic)
        account.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue_arn)
        dead_letters = account.sqs.create_queue(QueueName="sqs-compliance-checker-dlq-dev")
        self.dead_letters = dead_letters["QueueUrl"]
        may = [
            statement("sns:Publish", self.topic),
            statement("sqs:SendMessage", "*"),
            statement(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
            # What Terraform grants for confirmation, the scan and the remedies of the tests below.
            statement(
                [
                    "ec2:GetManagedPrefixListEntries",
                    "ec2:DescribeSecurityGroupRules",
                    "iam:GetPolicy",
                    "iam:GetPolicyVersion",
                    "iam:GetGroupPolicy",
                    "iam:ListAttachedGroupPolicies",
                    "iam:ListGroupPolicies",
                    "cloudtrail:GetTrail",
                    "ec2:DescribeFlowLogs",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeVpcs",
                    "ec2:RevokeSecurityGroupIngress",
                    "s3:GetAccountPublicAccessBlock",
                    "s3:ListAllMyBuckets",
                    "cloudtrail:DescribeTrails",
                    "cloudtrail:GetEventSelectors",
                    "cloudtrail:GetTrailStatus",
                ],
                "*",
            ),
            statement(
                [
                    "s3:GetBucketAcl",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetEncryptionConfiguration",
                ],
                "arn:aws:s3:::*",
            ),
        ]
        arn = account.lambda_.create_function(
            FunctionName=FUNCTION,
            Runtime="python3.11",
            Role=account.role("lambda.amazonaws.com", *may),
            Handler="compliance_checker.handler.handler",
            Code={"ZipFile": package},
            Timeout=60,
            MemorySize=256,
            Environment={"Variables": self._variables()},
        )["FunctionArn"]
        account.let_logs_invoke(arn, self.trail["group"])
        account.logs.put_subscription_filter(
            logGroupName=self.trail["group"],
            filterName="subscription-compliance-checker-dev",
            filterPattern=deployed_pattern(),
            destinationArn=arn,
        )

    def _variables(self, **more: str) -> dict[str, str]:
        return {
            "ALERT_TOPIC_ARN": self.topic,
            "ENVIRONMENT": "dev",
            "DEAD_LETTER_QUEUE_URL": self.dead_letters,
            **more,
        }

    def configure(self, **more: str) -> None:
        """Give the function these settings besides; it raises one alert about that."""
        self.account.lambda_.update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": self._variables(**more)}
        )
        (alert,) = self.alerts(1, seconds=20)
        assert alert["rule"] == "compliance-function-tampered"

    def alerts(self, expected: int, seconds: float) -> list[dict[str, Any]]:
        """The alerts heard until there are as many as expected, or time is up."""
        found: list[dict[str, Any]] = []
        until = time.monotonic() + seconds
        while len(found) < expected and time.monotonic() < until:
            answer = self.account.sqs.receive_message(
                QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            for message in answer.get("Messages", []):
                found.append(json.loads(json.loads(message["Body"])["Message"]))
                self.account.sqs.delete_message(
                    QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    package = tmp_path_factory.mktemp("package") / "function.zip"
    builder = REPOSITORY / "lambda" / "build.py"
    subprocess.run([sys.executable, builder, "--output", package], check=True, capture_output=True)
    with started("--region", REGION) as running:
        yield Deployment(Account(running), package.read_bytes())


Act = Callable[[Deployment], None]


def _network(deployment: Deployment) -> None:
    ec2 = deployment.account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
    added = ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )
    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": added["SecurityGroupRules"][0]["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 3389,
                    "ToPort": 3389,
                    "CidrIpv4": "0.0.0.0/0",
                },
            }
        ],
    )
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=10,
        Protocol="-1",
        RuleAction="allow",
        Egress=False,
        CidrBlock="0.0.0.0/0",
    )
    log_group = deployment.trail["group"]
    flow = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="cloud-watch-logs",
        LogGroupName=log_group,
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/flow",
    )
    ec2.delete_flow_logs(FlowLogIds=flow["FlowLogIds"])


def _storage(deployment: Deployment) -> None:
    s3 = deployment.account.s3
    bucket = deployment.account.bucket()
    public = statement("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy_text(public))
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": True,
        },
    )
    s3.delete_public_access_block(Bucket=bucket)
    s3.delete_bucket_encryption(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    logs = "s3-cloudtrail-logs-dev-scratch"
    s3.create_bucket(Bucket=logs, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_lifecycle_configuration(
        Bucket=logs,
        LifecycleConfiguration={
            "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
        },
    )
    s3.delete_bucket(Bucket=logs)


def _identity(deployment: Deployment) -> None:
    iam = deployment.account.iam
    iam.create_role(RoleName="scratch", AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.put_role_policy(RoleName="scratch", PolicyName="p", PolicyDocument=EVERYTHING)
    iam.create_policy(PolicyName="scratch", PolicyDocument=EVERYTHING)
    iam.attach_role_policy(
        RoleName="scratch", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    iam.update_assume_role_policy(
        RoleName="scratch",
        PolicyDocument=policy_text(statement(ASSUME, None, Principal={"AWS": "*"})),
    )
    iam.create_role(RoleName="role-cloudtrail-logs-dev", AssumeRolePolicyDocument=LAMBDA_TRUST)
    iam.delete_role(RoleName="role-cloudtrail-logs-dev")


def _keys(deployment: Deployment) -> None:
    kms = deployment.account.kms
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key)
    kms.disable_key_rotation(KeyId=key)
    public = statement("kms:*", Principal={"AWS": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy_text(public))
    kms.disable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


def _delivery(deployment: Deployment) -> None:
    account = deployment.account
    alarm = "alarm-scratch-dev"
    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/SNS",
        MetricName="NumberOfNotificationsDelivered",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        AlarmActions=[deployment.topic],
    )
    account.cloudwatch.delete_alarms(AlarmNames=[alarm])
    topic = account.sns.create_topic(Name="sns-trail-delivery-dev")["TopicArn"]
    public = statement("sns:Publish", topic, Principal={"AWS": "*"})
    account.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=policy_text(public)
    )
    account.sns.delete_topic(TopicArn=topic)
    account.sqs.purge_queue(QueueUrl=deployment.dead_letters)
    account.lambda_.add_permission(
        FunctionName=FUNCTION,
        StatementId="anyone",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    account.lambda_.remove_permission(FunctionName=FUNCTION, StatementId="anyone")
    account.events.put_rule(Name="rule-scratch-dev", ScheduleExpression="rate(1 hour)")
    account.events.disable_rule(Name="rule-scratch-dev")
    account.logs.create_log_group(logGroupName="scratch")
    account.logs.delete_log_group(logGroupName="scratch")


def _trail(deployment: Deployment) -> None:
    cloudtrail = deployment.account.cloudtrail
    other = deployment.account.trail()["name"]
    cloudtrail.update_trail(Name=other, EnableLogFileValidation=False)
    cloudtrail.put_event_selectors(
        TrailName=other,
        EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": False}],
    )
    cloudtrail.stop_logging(Name=other)
    cloudtrail.delete_trail(Name=other)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        pytest.param(
            _network,
            {
                "AuthorizeSecurityGroupIngress": "security-group-open-to-internet",
                "ModifySecurityGroupRules": "security-group-rule-changed-to-internet",
                "CreateNetworkAclEntry": "network-acl-open-to-internet",
                "DeleteFlowLogs": "flow-logs-deleted",
            },
            id="network",
        ),
        pytest.param(
            _storage,
            {
                "PutBucketPolicy": "bucket-policy-public",
                "PutBucketAcl": "bucket-acl-public",
                "PutBucketPublicAccessBlock": "public-access-block-weakened",
                "DeleteBucketPublicAccessBlock": "public-access-block-weakened",
                "DeleteBucketEncryption": "bucket-encryption-weakened",
                "PutBucketVersioning": "bucket-versioning-suspended",
                "PutBucketLogging": "bucket-logging-disabled",
                "PutBucketLifecycle": "log-bucket-expiry-shortened",
                "DeleteBucket": "log-bucket-unprotected",
            },
            id="storage",
        ),
        pytest.param(
            _identity,
            {
                "PutRolePolicy": "iam-policy-too-broad",
                "CreatePolicy": "iam-policy-too-broad",
                "AttachRolePolicy": "iam-administrator-policy-attached",
                "UpdateAssumeRolePolicy": "iam-role-trusts-anyone",
                "DeleteRole": "audit-role-changed",
            },
            id="identity",
        ),
        pytest.param(
            _keys,
            {
                "DisableKeyRotation": "kms-key-rotation-disabled",
                "PutKeyPolicy": "kms-key-policy-public",
                "DisableKey": "kms-key-disabled",
                "ScheduleKeyDeletion": "kms-key-deletion-scheduled",
            },
            id="keys",
        ),
        pytest.param(
            _delivery,
            {
                "DeleteAlarms": "audit-alarm-silenced",
                "SetTopicAttributes": "topic-policy-public",
                "DeleteTopic": "alert-topic-tampered",
                "PurgeQueue": "audit-queue-emptied",
                "AddPermission20150331v2": "function-policy-public",
                "RemovePermission20150331v2": "compliance-function-tampered",
                "DisableRule": "audit-event-rule-disabled",
                "DeleteLogGroup": "log-group-deleted",
            },
            id="delivery",
        ),
        pytest.param(
            _trail,
            {
                "UpdateTrail": "trail-weakened",
                "PutEventSelectors": "trail-selectors-narrowed",
                "StopLogging": "trail-stopped",
                "DeleteTrail": "trail-stopped",
            },
            id="trail",
        ),
    ],
)
def test_real_calls_raise_alerts(
    deployment: Deployment, act: Act, expected: dict[str, str]
) -> None:
    act(deployment)
    heard = {
        alert["event"]["event_name"]: alert["rule"]
        for alert in deployment.alerts(len(expected), seconds=20)
    }
    assert heard == expected


def _group_open_to_all(deployment: Deployment) -> str:
    ec2 = deployment.account.ec2
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="reach", Description="d", VpcId=vpc)["GroupId"]
    for cidr in ("10.0.0.0/8", "0.0.0.0/0"):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr
        )
    return str(group)


def _sources(deployment: Deployment, group: str) -> list[str]:
    (found,) = deployment.account.ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return sorted(entry["CidrIp"] for each in found["IpPermissions"] for entry in each["IpRanges"])


def test_dry_run_then_remedy(deployment: Deployment) -> None:
    chosen = {"REMEDIATION_RULES": "security-group-open-to-internet"}
    deployment.configure(**chosen)
    group = _group_open_to_all(deployment)
    (alert,) = deployment.alerts(1, seconds=20)
    assert alert["remediation"]["outcome"] == "would-apply"
    assert _sources(deployment, group) == ["0.0.0.0/0", "10.0.0.0/8"]

    deployment.configure(**chosen, REMEDIATION_MODE="apply")
    group = _group_open_to_all(deployment)
    (alert,) = deployment.alerts(1, seconds=20)
    assert alert["rule"] == "security-group-open-to-internet"
    assert alert["remediation"]["outcome"] == "applied"
    assert group in alert["remediation"]["undo"]
    assert _sources(deployment, group) == ["10.0.0.0/8"]
    assert deployment.alerts(1, seconds=6) == []  # the function's own call is on the trail by now
    deployment.configure()


def test_attached_customer_policy_is_read_from_the_account(deployment: Deployment) -> None:
    iam = deployment.account.iam
    iam.create_role(RoleName="attached", AssumeRolePolicyDocument=LAMBDA_TRUST)
    arn = iam.create_policy(PolicyName="broad", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="attached", PolicyArn=arn)
    heard = {alert["event"]["event_name"]: alert for alert in deployment.alerts(2, seconds=20)}
    assert heard["CreatePolicy"]["basis"] == "record"
    assert heard["AttachRolePolicy"]["basis"] == "record-and-live-state"
    assert heard["AttachRolePolicy"]["rule"] == "iam-policy-too-broad"


def test_group_of_a_new_member_is_read_from_the_account(deployment: Deployment) -> None:
    iam = deployment.account.iam
    iam.create_user(UserName="eve")
    for group in ("readers", "leaders", "owners"):
        iam.create_group(GroupName=group)
    narrow = policy_text(statement("s3:GetObject", "arn:aws:s3:::team/*"))
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=narrow)
    iam.put_group_policy(GroupName="leaders", PolicyName="p", PolicyDocument=EVERYTHING)
    iam.attach_group_policy(
        GroupName="owners", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    for group in ("readers", "leaders", "owners"):
        iam.add_user_to_group(GroupName=group, UserName="eve")
    heard = deployment.alerts(4, seconds=20) + deployment.alerts(1, seconds=3)
    additions = [alert for alert in heard if alert["event"]["event_name"] == "AddUserToGroup"]
    assert {alert["details"]["group_name"] for alert in additions} == {"leaders", "owners"}
    assert len(heard) == 4
    for alert in additions:
        assert alert["rule"] == "iam-policy-too-broad"
        assert (alert["severity"], alert["basis"]) == ("CRITICAL", "record-and-live-state")
        assert alert["resource"] == {"type": "AWS::IAM::User", "id": "eve"}
        assert "not_read" not in alert


def test_scan_tells_what_is_wrong(deployment: Deployment) -> None:
    group = _group_open_to_all(deployment)
    deployment.alerts(1, seconds=20)
    answer = deployment.account.lambda_.invoke(
        FunctionName=FUNCTION,
        Payload=json.dumps(
            {
                "id": "scan-1",
                "source": "aws.events",
                "detail-type": "Scheduled Event",
                "time": "2026-11-20T08:00:00Z",
                "detail": {},
            }
        ),
    )
    summary = json.loads(answer["Payload"].read())
    assert (summary["source"], summary["published"]) == ("schedule", 1), summary
    (alert,) = deployment.alerts(1, seconds=20)
    assert alert["rule"] == "account-scan"
    # The SDK puts the account before the host's name there, which an address cannot take.
    assert {each["call"] for each in alert.get("not_read", [])} <= {
        "s3:GetAccountPublicAccessBlock"
    }
    faults = {(fault["resource"], fault["check"]) for fault in alert["details"]["faults"]}
    assert (group, "security-groups") in faults
    assert "flow-logs" in {check for _, check in faults}
