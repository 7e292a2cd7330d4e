"""The shapes of the records, call by call, as a trail's log group receives them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name, package, trust

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
OPEN_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::x/*",
        }
    ],
}
ADMIN = (
    '{\n  "Version": "2012-10-17",\n'
    '  "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]\n}'
)


@pytest.fixture
def newest(account: Account, trail: dict[str, str]) -> Any:
    """The newest record of an event that holds a text."""

    def find(event_name: str, text: str) -> dict[str, Any]:
        pattern = f'{{ $.eventName = "{event_name}" }}'

        def probe() -> list[dict[str, Any]]:
            records = account.records(trail["group"], pattern)
            return [record for record in records if text in json.dumps(record)]

        found: list[dict[str, Any]] = eventually(probe)
        return found[-1]

    return find


def test_the_members_every_record_has(account: Account, newest: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    group = account.security_group()
    record = newest("CreateSecurityGroup", group)
    assert record["eventVersion"] == "1.11"
    assert record["userIdentity"] == {
        "type": "IAMUser",
        "principalId": "AIDASANDBOXOPERATOR00",
        "arn": f"arn:aws:iam::{ACCOUNT}:user/sandbox",
        "accountId": ACCOUNT,
        "accessKeyId": "test",
        "userName": "sandbox",
    }
    assert account.sts.get_caller_identity()["Arn"] == record["userIdentity"]["arn"]
    moment = datetime.fromisoformat(record["eventTime"])
    assert before <= moment <= datetime.now(UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
    assert record["eventSource"] == "ec2.amazonaws.com"
    assert record["awsRegion"] == REGION
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert record["userAgent"].startswith("Boto3/")
    assert re.fullmatch(r"[0-9a-f-]{36}", record["eventID"])
    assert re.fullmatch(r"[0-9a-f-]{36}", record["requestID"])
    assert record["readOnly"] is False
    assert record["eventType"] == "AwsApiCall"
    assert record["managementEvent"] is True
    assert record["recipientAccountId"] == ACCOUNT
    assert record["eventCategory"] == "Management"
    assert record["tlsDetails"]["clientProvidedHostHeader"] == f"ec2.{REGION}.amazonaws.com"
    assert record["requestParameters"]["groupDescription"] == "for a test"
    assert record["responseElements"]["groupId"] == group
    assert record["responseElements"]["_return"] is True
    assert "errorCode" not in record


def test_an_ingress_rule_in_its_nested_form(account: Account, newest: Any) -> None:
    group = account.security_group()
    answer = account.ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "open"}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            }
        ],
    )
    record = newest("AuthorizeSecurityGroupIngress", group)
    assert record["requestParameters"] == {
        "groupId": group,
        "ipPermissions": {
            "items": [
                {
                    "ipProtocol": "tcp",
                    "fromPort": 22,
                    "toPort": 22,
                    "groups": {},
                    "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0", "description": "open"}]},
                    "ipv6Ranges": {"items": [{"cidrIpv6": "::/0"}]},
                    "prefixListIds": {},
                }
            ]
        },
    }
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    rules = record["responseElements"]["securityGroupRuleSet"]["items"]
    assert {rule.get("cidrIpv4") or rule.get("cidrIpv6") for rule in rules} == {"0.0.0.0/0", "::/0"}
    assert all(rule["isEgress"] is False and rule["fromPort"] == 22 for rule in rules)
    assert all(rule["securityGroupRuleId"].startswith("sgr-") for rule in rules)
    assert all(rule["groupId"] == group for rule in rules)


def test_an_ingress_rule_in_its_flat_form(account: Account, newest: Any) -> None:
    group = account.security_group()
    account.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=3389, ToPort=3389, CidrIp="0.0.0.0/0"
    )
    assert newest("AuthorizeSecurityGroupIngress", group)["requestParameters"] == {
        "groupId": group,
        "ipProtocol": "tcp",
        "fromPort": 3389,
        "toPort": 3389,
        "cidrIp": "0.0.0.0/0",
        "ipPermissions": {},
    }


def test_a_modified_rule_keeps_its_wrapper(account: Account, newest: Any) -> None:
    group = account.security_group()
    created = account.ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="10.0.0.0/8"
    )
    rule = created["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    account.ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule,
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "CidrIpv4": "0.0.0.0/0",
                },
            }
        ],
    )
    record = newest("ModifySecurityGroupRules", group)
    assert record["requestParameters"] == {
        "ModifySecurityGroupRulesRequest": {
            "GroupId": group,
            "SecurityGroupRule": {
                "SecurityGroupRuleId": rule,
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "CidrIpv4": "0.0.0.0/0",
                },
                "tag": 1,
            },
        }
    }
    answer = record["responseElements"]["ModifySecurityGroupRulesResponse"]
    assert answer["return"] is True
    assert answer["xmlns"] == "http://ec2.amazonaws.com/doc/2016-11-15/"


def test_network_acl_entries(account: Account, newest: Any) -> None:
    vpc = account.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    acl = account.ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    account.ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=10,
        Egress=False,
        RuleAction="allow",
        Protocol="-1",
        CidrBlock="0.0.0.0/0",
    )
    assert newest("CreateNetworkAclEntry", acl)["requestParameters"] == {
        "networkAclId": acl,
        "ruleNumber": 10,
        "egress": False,
        "ruleAction": "allow",
        "aclProtocol": "-1",
        "cidrBlock": "0.0.0.0/0",
        "portRange": {},
        "icmpTypeCode": {},
    }
    account.ec2.replace_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=10,
        Egress=False,
        RuleAction="deny",
        Protocol="6",
        PortRange={"From": 22, "To": 23},
        CidrBlock="0.0.0.0/0",
    )
    replaced = newest("ReplaceNetworkAclEntry", acl)["requestParameters"]
    assert replaced["portRange"] == {"from": 22, "to": 23}
    assert replaced["ruleAction"] == "deny"
    account.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=10, Egress=False)
    assert newest("DeleteNetworkAclEntry", acl)["requestParameters"] == {
        "networkAclId": acl,
        "ruleNumber": 10,
        "egress": False,
    }


def test_flow_logs(account: Account, newest: Any) -> None:
    vpc = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    group = name("/flow")
    account.logs.create_log_group(logGroupName=group)
    role = account.role("vpc-flow-logs.amazonaws.com")
    created = account.ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=group,
        DeliverLogsPermissionArn=role,
    )
    record = newest("CreateFlowLogs", vpc)
    request = record["requestParameters"]["CreateFlowLogsRequest"]
    assert request["ResourceId"] == {"content": vpc, "tag": 1}
    assert request["TrafficType"] == "ALL"
    flow_log = created["FlowLogIds"][0]
    assert record["responseElements"]["CreateFlowLogsResponse"]["flowLogIdSet"] == {
        "item": flow_log
    }
    account.ec2.delete_flow_logs(FlowLogIds=[flow_log])
    record = newest("DeleteFlowLogs", flow_log)
    assert record["requestParameters"] == {
        "DeleteFlowLogsRequest": {"FlowLogId": {"content": flow_log, "tag": 1}}
    }
    assert record["responseElements"]["DeleteFlowLogsResponse"]["unsuccessful"] == ""


def test_bucket_settings(account: Account, newest: Any) -> None:
    bucket = account.bucket()
    host = f"s3.{REGION}.amazonaws.com"
    s3 = account.s3
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert newest("PutBucketVersioning", bucket)["requestParameters"] == {
        "bucketName": bucket,
        "Host": host,
        "versioning": "",
        "VersioningConfiguration": {"xmlns": XMLNS, "Status": "Enabled"},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(OPEN_POLICY))
    record = newest("PutBucketPolicy", bucket)
    assert record["requestParameters"] == {
        "bucketName": bucket,
        "Host": host,
        "policy": "",
        "bucketPolicy": OPEN_POLICY,
    }
    assert record["responseElements"] is None
    assert record["resources"] == [
        {"accountId": ACCOUNT, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}
    ]
    s3.delete_bucket_policy(Bucket=bucket)
    assert newest("DeleteBucketPolicy", bucket)["requestParameters"]["policy"] == ""
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    record = newest("PutBucketAcl", bucket)
    assert record["requestParameters"]["x-amz-acl"] == "public-read"
    assert record["requestParameters"]["acl"] == ""
    block = {
        "BlockPublicAcls": False,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    shown = newest("PutBucketPublicAccessBlock", bucket)["requestParameters"]
    assert shown["PublicAccessBlockConfiguration"] == {"xmlns": XMLNS, **block}
    assert shown["publicAccessBlock"] == ""
    s3.delete_public_access_block(Bucket=bucket)
    newest("DeleteBucketPublicAccessBlock", bucket)
    s3.delete_bucket_encryption(Bucket=bucket)
    assert newest("DeleteBucketEncryption", bucket)["requestParameters"]["encryption"] == ""


def test_acl_grants(account: Account, newest: Any) -> None:
    bucket = account.bucket()
    everyone = "http://acs.amazonaws.com/groups/global/AllUsers"
    account.s3.put_bucket_acl(Bucket=bucket, GrantRead=f'uri="{everyone}"')
    record = newest("PutBucketAcl", bucket)
    assert record["requestParameters"]["accessControlList"] == {
        "x-amz-grant-read": f'uri="{everyone}"'
    }
    owner = account.s3.get_bucket_acl(Bucket=bucket)["Owner"]
    grants = [
        {"Grantee": {"Type": "Group", "URI": everyone}, "Permission": "READ"},
        {"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "FULL_CONTROL"},
    ]
    account.s3.put_bucket_acl(
        Bucket=bucket, AccessControlPolicy={"Owner": {"ID": owner["ID"]}, "Grants": grants}
    )

    def with_body() -> Any:
        return newest("PutBucketAcl", bucket)["requestParameters"].get("AccessControlPolicy")

    body = eventually(with_body)
    shown = body["AccessControlList"]["Grant"]
    assert [one["Permission"] for one in shown] == ["READ", "FULL_CONTROL"]
    assert shown[0]["Grantee"]["URI"] == everyone
    assert shown[0]["Grantee"]["xsi:type"] == "Group"


def test_iam_is_recorded_in_us_east_1_with_policies_as_text(account: Account, newest: Any) -> None:
    role, user = name("role"), name("user")
    account.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    record = newest("CreateRole", role)
    assert record["awsRegion"] == "us-east-1"
    assert record["requestParameters"]["assumeRolePolicyDocument"] == trust("ec2.amazonaws.com")
    assert record["responseElements"]["role"]["roleName"] == role
    assert record["responseElements"]["role"]["assumeRolePolicyDocument"].startswith("%7B")
    account.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=ADMIN)
    record = newest("PutRolePolicy", role)
    assert record["requestParameters"] == {
        "roleName": role,
        "policyName": "p",
        "policyDocument": ADMIN,
    }
    assert record["responseElements"] is None
    account.iam.create_user(UserName=user)
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    account.iam.attach_user_policy(UserName=user, PolicyArn=arn)
    record = newest("AttachUserPolicy", user)
    assert record["requestParameters"] == {"userName": user, "policyArn": arn}
    policy = account.iam.create_policy(PolicyName=name("policy"), PolicyDocument=ADMIN)["Policy"]
    record = newest("CreatePolicy", policy["PolicyName"])
    assert record["requestParameters"]["policyDocument"] == ADMIN
    assert record["responseElements"]["policy"]["arn"] == policy["Arn"]
    account.iam.create_policy_version(
        PolicyArn=policy["Arn"], PolicyDocument=ADMIN, SetAsDefault=True
    )
    record = newest("CreatePolicyVersion", policy["Arn"])
    assert record["requestParameters"]["setAsDefault"] is True


def test_a_secret_is_never_in_a_record(account: Account, newest: Any) -> None:
    user = name("user")
    account.iam.create_user(UserName=user)
    key = account.iam.create_access_key(UserName=user)["AccessKey"]
    record = newest("CreateAccessKey", user)
    assert record["responseElements"]["accessKey"]["accessKeyId"] == key["AccessKeyId"]
    assert key["SecretAccessKey"] not in json.dumps(record)


def test_keys(account: Account, newest: Any) -> None:
    key = account.kms.create_key()["KeyMetadata"]
    key_id, arn = key["KeyId"], key["Arn"]
    account.kms.enable_key_rotation(KeyId=key_id)
    account.kms.disable_key_rotation(KeyId=key_id)
    record = newest("DisableKeyRotation", key_id)
    assert record["requestParameters"] == {"keyId": key_id}
    assert record["responseElements"] == {"keyId": arn}
    assert record["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    account.kms.put_key_policy(KeyId=key_id, PolicyName="default", Policy=policy)
    assert newest("PutKeyPolicy", key_id)["requestParameters"]["policy"] == policy
    account.kms.disable_key(KeyId=arn)
    assert newest("DisableKey", arn)["requestParameters"] == {"keyId": arn}
    account.kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    record = newest("ScheduleKeyDeletion", key_id)
    assert record["requestParameters"] == {"keyId": key_id, "pendingWindowInDays": 7}
    assert re.fullmatch(
        r"[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d:\d\d [AP]M",
        record["responseElements"]["deletionDate"],
    )


def test_trail_tampering(account: Account, newest: Any) -> None:
    other = account.trail()
    cloudtrail = account.cloudtrail
    cloudtrail.update_trail(Name=other["name"], EnableLogFileValidation=False)
    record = newest("UpdateTrail", other["name"])
    assert record["requestParameters"] == {"name": other["name"], "enableLogFileValidation": False}
    assert record["responseElements"]["logFileValidationEnabled"] is False
    selectors = [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]
    cloudtrail.put_event_selectors(TrailName=other["name"], EventSelectors=selectors)
    record = newest("PutEventSelectors", other["name"])
    assert record["requestParameters"]["eventSelectors"][0]["readWriteType"] == "ReadOnly"
    cloudtrail.stop_logging(Name=other["arn"])
    record = newest("StopLogging", other["arn"])
    assert record["requestParameters"] == {"name": other["arn"]}
    assert record["responseElements"] is None
    cloudtrail.delete_trail(Name=other["name"])
    assert newest("DeleteTrail", other["name"])["requestParameters"] == {"name": other["name"]}


def test_log_groups_topics_functions_rules_and_alarms(account: Account, newest: Any) -> None:
    group = name("/group")
    account.logs.create_log_group(logGroupName=group, tags={"Keep-Case": "x"})
    record = newest("CreateLogGroup", group)
    assert record["requestParameters"]["tags"] == {"Keep-Case": "x"}
    function = account.function("def handler(event, context): return 1")
    short = function.rpartition(":")[2]
    account.lambda_.add_permission(
        FunctionName=short,
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
    )
    record = newest("AddPermission20150331v2", short)
    assert record["requestParameters"] == {
        "functionName": short,
        "statementId": "logs",
        "action": "lambda:InvokeFunction",
        "principal": "logs.amazonaws.com",
    }
    account.logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="x", destinationArn=function
    )
    assert newest("PutSubscriptionFilter", group)["requestParameters"]["filterName"] == "f"
    account.logs.delete_subscription_filter(logGroupName=group, filterName="f")
    assert newest("DeleteSubscriptionFilter", group)["requestParameters"] == {
        "logGroupName": group,
        "filterName": "f",
    }
    account.logs.delete_log_group(logGroupName=group)
    assert newest("DeleteLogGroup", group)["requestParameters"] == {"logGroupName": group}
    account.lambda_.update_function_configuration(
        FunctionName=short, Environment={"Variables": {"SECRET": "hidden-value"}}
    )
    record = newest("UpdateFunctionConfiguration20150331v2", short)
    assert record["requestParameters"]["environment"] == {}
    assert "hidden-value" not in json.dumps(record)
    account.lambda_.update_function_code(
        FunctionName=short, ZipFile=package("def handler(e, c): return 2")
    )
    record = newest("UpdateFunctionCode20150331v2", short)
    assert record["requestParameters"]["functionName"] == short
    assert "zipFile" not in record["requestParameters"]
    account.lambda_.delete_function(FunctionName=short)
    record = newest("DeleteFunction20150331", short)
    assert record["requestParameters"] == {"functionName": short}
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    account.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert newest("SetTopicAttributes", topic)["requestParameters"] == {
        "topicArn": topic,
        "attributeName": "Policy",
        "attributeValue": policy,
    }
    account.sns.delete_topic(TopicArn=topic)
    record = newest("DeleteTopic", topic)
    assert record["requestParameters"] == {"topicArn": topic}
    assert record["responseElements"] is None
    rule = name("rule")
    account.events.put_rule(Name=rule, ScheduleExpression="rate(1 day)")
    assert newest("PutRule", rule)["responseElements"]["ruleArn"].endswith(rule)
    account.events.disable_rule(Name=rule)
    assert newest("DisableRule", rule)["requestParameters"] == {"name": rule}
    alarm = name("alarm")
    account.cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="N",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    record = newest("PutMetricAlarm", alarm)
    assert record["eventSource"] == "monitoring.amazonaws.com"
    assert record["requestParameters"]["alarmName"] == alarm
    assert record["requestParameters"]["evaluationPeriods"] == 1
    account.cloudwatch.disable_alarm_actions(AlarmNames=[alarm])
    newest("DisableAlarmActions", alarm)
    account.cloudwatch.delete_alarms(AlarmNames=[alarm])
    assert newest("DeleteAlarms", alarm)["requestParameters"] == {"alarmNames": [alarm]}


def test_detective_services(account: Account, newest: Any) -> None:
    guardduty = account.sandbox.client("guardduty")
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    guardduty.delete_detector(DetectorId=detector)
    assert newest("DeleteDetector", detector)["requestParameters"] == {"detectorId": detector}
    config = account.sandbox.client("config")
    recorder = name("recorder")
    role = account.role("config.amazonaws.com")
    config.put_configuration_recorder(ConfigurationRecorder={"name": recorder, "roleARN": role})
    record = newest("PutConfigurationRecorder", recorder)
    assert record["requestParameters"]["configurationRecorder"]["name"] == recorder
    config.delete_configuration_recorder(ConfigurationRecorderName=recorder)
    assert newest("DeleteConfigurationRecorder", recorder)["requestParameters"] == {
        "configurationRecorderName": recorder
    }
    securityhub = account.sandbox.client("securityhub")
    securityhub.enable_security_hub()
    securityhub.disable_security_hub()
    newest("DisableSecurityHub", "securityhub.amazonaws.com")


def test_failed_calls(account: Account, newest: Any) -> None:
    with pytest.raises(ClientError):
        account.ec2.authorize_security_group_ingress(
            GroupId="sg-00000000", IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="0.0.0.0/0"
        )
    record = newest("AuthorizeSecurityGroupIngress", "sg-00000000")
    assert record["errorCode"] == "Client.InvalidGroup.NotFound"
    assert record["errorMessage"]
    assert record["requestParameters"]["groupId"] == "sg-00000000"
    assert record["responseElements"] is None
    missing = name("missing")
    with pytest.raises(ClientError):
        account.s3.delete_bucket_policy(Bucket=missing)
    assert newest("DeleteBucketPolicy", missing)["errorCode"] == "NoSuchBucket"
    with pytest.raises(ClientError):
        account.iam.delete_role(RoleName=missing)
    record = newest("DeleteRole", missing)
    assert record["errorCode"] == "NoSuchEntity"


def test_a_role_session_and_its_refusals(account: Account, newest: Any) -> None:
    statement = {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}
    role = account.role("ec2.amazonaws.com", statement)
    session = name("session")
    credentials = account.sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    record = newest("AssumeRole", session)
    assert record["awsRegion"] == "us-east-1"
    assert record["readOnly"] is True
    assert credentials["SessionToken"] not in json.dumps(record)
    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }
    ec2 = account.sandbox.client("ec2", **keys)
    ec2.describe_vpcs()
    with pytest.raises(ClientError) as refused:
        ec2.create_vpc(CidrBlock="10.1.0.0/16")
    assert refused.value.response["Error"]["Code"] == "UnauthorizedOperation"
    record = newest("CreateVpc", session)
    assert record["errorCode"] == "Client.UnauthorizedOperation"
    assert record["requestParameters"]["cidrBlock"] == "10.1.0.0/16"
    identity = record["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"].endswith(f":assumed-role/{role.rpartition('/')[2]}/{session}")
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role
    assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
    for service, operation, event in (
        ("iam", "list_users", "ListUsers"),
        ("logs", "describe_log_groups", "DescribeLogGroups"),
        ("sns", "list_topics", "ListTopics"),
        ("lambda", "list_functions", "ListFunctions20150331"),
    ):
        client = account.sandbox.client(service, **keys)
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)()
        assert "not authorized" in refused.value.response["Error"]["Message"]
        record = newest(event, session)
        assert re.search("AccessDenied|AuthorizationError", record["errorCode"])
        assert record["requestParameters"] is None
        assert record["responseElements"] is None


def test_reads_are_recorded_and_data_events_are_not(
    account: Account, trail: dict[str, str], newest: Any
) -> None:
    bucket = account.bucket()
    account.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    account.s3.get_object(Bucket=bucket, Key="k")
    account.s3.get_bucket_versioning(Bucket=bucket)
    record = newest("GetBucketVersioning", bucket)
    assert record["readOnly"] is True
    assert record["responseElements"] is None
    names = {one["eventName"] for one in account.records(trail["group"]) if bucket in str(one)}
    assert "CreateBucket" in names
    assert not names & {"PutObject", "GetObject", "ListObjects"}


def test_the_event_history(account: Account) -> None:
    group = account.security_group()

    def probe() -> list[dict[str, Any]]:
        found = account.cloudtrail.lookup_events(
            LookupAttributes=[
                {"AttributeKey": "EventName", "AttributeValue": "CreateSecurityGroup"}
            ],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
        )
        return [event for event in found["Events"] if group in event["CloudTrailEvent"]]

    event = eventually(probe)[0]
    assert event["EventSource"] == "ec2.amazonaws.com"
    assert event["Username"] == "sandbox"
    assert event["ReadOnly"] == "false"
    assert json.loads(event["CloudTrailEvent"])["eventID"] == event["EventId"]
