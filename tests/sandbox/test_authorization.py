"""What a role's session may do: by its policies' conditions, and by a topic's own policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, ROOT_ARN, Account, name, package, trust, trusting

EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
GROUPS = f"{EC2}:security-group/*"
LIVE_FIRE = {"Key": "purpose", "Value": "live-fire"}

ClientOf = Callable[[str], Any]


def session(account: Account, *statements: dict[str, Any]) -> ClientOf:
    """Clients with the credentials of a role that has these permissions."""
    return clients_of(
        account,
        account.role(
            "ec2.amazonaws.com",
            *({"Effect": "Allow", "Resource": "*", **one} for one in statements),
        ),
    )


def clients_of(account: Account, arn: str) -> ClientOf:
    keys = account.sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return lambda service: account.sandbox.client(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    """The message of a refusal; fails when the call is permitted."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    assert error["Code"] in {
        "UnauthorizedOperation",
        "AuthorizationError",
        "AccessDenied",
        "AccessDeniedException",
    }
    return str(error["Message"])


def tagged(kind: str, *tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": list(tags)}]


@pytest.fixture(scope="module")
def vpc(account: Account) -> str:
    return str(account.ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"])


def creating(vpc: str, *tags: dict[str, str]) -> dict[str, Any]:
    specifications = {"TagSpecifications": tagged("security-group", *tags)} if tags else {}
    return {"GroupName": name("group"), "Description": "d", "VpcId": vpc, **specifications}


def test_making_a_thing_needs_its_tags_its_place_and_the_tagging(
    account: Account, vpc: str
) -> None:
    making = {
        "Action": "ec2:CreateSecurityGroup",
        "Resource": GROUPS,
        "Condition": {"StringEquals": {"aws:RequestTag/purpose": "live-fire"}},
    }
    placing = {"Action": "ec2:CreateSecurityGroup", "Resource": f"{EC2}:vpc/{vpc}"}
    tagging = {
        "Action": "ec2:CreateTags",
        "Resource": GROUPS,
        "Condition": {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}},
    }
    create = session(account, making, placing, tagging)("ec2").create_security_group
    group = create(**creating(vpc, LIVE_FIRE))["GroupId"]
    assert refused(create, **creating(vpc))
    assert refused(create, **creating(vpc, {"Key": "purpose", "Value": "another"}))
    other = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert f"vpc/{other}" in refused(create, **creating(other, LIVE_FIRE))

    without_tagging = session(account, making, placing)("ec2").create_security_group
    assert "ec2:CreateTags" in refused(without_tagging, **creating(vpc, LIVE_FIRE))
    without_place = session(account, making, tagging)("ec2").create_security_group
    assert f"vpc/{vpc}" in refused(without_place, **creating(vpc, LIVE_FIRE))

    # What may be tagged while it is made may not be tagged afterwards.
    tag = session(account, making, placing, tagging)("ec2").create_tags
    assert refused(tag, Resources=[group], Tags=[{"Key": "purpose", "Value": "mine"}])


@pytest.mark.parametrize("prefix", ["aws", "ec2"])
def test_a_things_own_tags_decide(account: Account, vpc: str, prefix: str) -> None:
    ec2 = session(
        account,
        {
            "Action": ["ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSecurityGroup"],
            "Resource": GROUPS,
            "Condition": {"StringEquals": {f"{prefix}:ResourceTag/purpose": "live-fire"}},
        },
    )("ec2")
    mine = account.ec2.create_security_group(**creating(vpc, LIVE_FIRE))["GroupId"]
    another = account.ec2.create_security_group(**creating(vpc))["GroupId"]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    ec2.authorize_security_group_ingress(GroupId=mine, IpPermissions=[permission])
    ec2.delete_security_group(GroupId=mine)
    assert refused(
        ec2.authorize_security_group_ingress, GroupId=another, IpPermissions=[permission]
    )
    assert refused(ec2.delete_security_group, GroupId=another)


def test_the_keys_of_a_requests_tags(account: Account) -> None:
    condition = {"ForAllValues:StringEquals": {"aws:TagKeys": ["purpose", "run"]}}
    sqs = session(account, {"Action": ["sqs:CreateQueue", "sqs:TagQueue"], "Condition": condition})(
        "sqs"
    )
    sqs.create_queue(QueueName=name("queue"), tags={"purpose": "x", "run": "y"})
    assert refused(sqs.create_queue, QueueName=name("queue"), tags={"purpose": "x", "owner": "y"})
    untagging = session(account, {"Action": "sqs:CreateQueue"})("sqs")
    untagging.create_queue(QueueName=name("queue"))
    assert "sqs:TagQueue" in refused(
        untagging.create_queue, QueueName=name("queue"), tags={"purpose": "x"}
    )


def test_a_subscription_by_protocol_and_endpoint(account: Account) -> None:
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    endpoint = f"arn:aws:sqs:{REGION}:{ACCOUNT}:live-fire-"
    sns = session(
        account,
        {
            "Action": "sns:Subscribe",
            "Resource": topic,
            "Condition": {
                "StringEquals": {"sns:Protocol": "sqs"},
                "StringLike": {"sns:Endpoint": f"{endpoint}*"},
            },
        },
    )("sns")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{endpoint}1")
    for protocol, other in (("sqs", endpoint.replace("live", "other")), ("lambda", f"{endpoint}1")):
        assert refused(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=other)


def test_metrics_are_published_by_their_namespace_and_a_dashboard_seen_by_its_name(
    account: Account,
) -> None:
    own, dashboard = name("Own"), name("dashboard")
    account.cloudwatch.put_dashboard(DashboardName=dashboard, DashboardBody='{"widgets": []}')
    cloudwatch = session(
        account,
        {
            "Action": "cloudwatch:PutMetricData",
            "Condition": {"StringEquals": {"cloudwatch:namespace": own}},
        },
        {
            "Action": "cloudwatch:GetDashboard",
            "Resource": f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{dashboard}",
        },
    )("cloudwatch")
    data = [{"MetricName": "m", "Value": 1}]
    cloudwatch.put_metric_data(Namespace=own, MetricData=data)
    assert refused(cloudwatch.put_metric_data, Namespace=name("Other"), MetricData=data)
    assert cloudwatch.get_dashboard(DashboardName=dashboard)["DashboardName"] == dashboard
    assert refused(cloudwatch.get_dashboard, DashboardName=name("other"))


def test_what_knows_no_resource_is_permitted_for_all_alone(account: Account) -> None:
    somewhere = {"Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"}
    narrow = session(
        account,
        {"Action": "sqs:ListQueues", **somewhere},
        {"Action": "ec2:DescribeVpcs", "Resource": f"{EC2}:vpc/*"},
    )
    assert refused(narrow("sqs").list_queues)
    assert refused(narrow("ec2").describe_vpcs)
    wide = session(account, {"Action": ["sqs:ListQueues", "ec2:DescribeVpcs"]})
    wide("sqs").list_queues()
    wide("ec2").describe_vpcs()


def test_a_topics_policy_denies_and_permits(account: Account) -> None:
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    role = account.role(
        "ec2.amazonaws.com", {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    )
    powerless = account.role("ec2.amazonaws.com")

    def publish(arn: str) -> Callable[..., Any]:
        method: Callable[..., Any] = clients_of(account, arn)("sns").publish
        return method

    def put(effect: str, principal: Any) -> None:
        statement = {
            "Effect": effect,
            "Principal": principal,
            "Action": "sns:Publish",
            "Resource": topic,
        }
        account.sns.set_topic_attributes(
            TopicArn=topic,
            AttributeName="Policy",
            AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    publish(role)(TopicArn=topic, Message="m")
    assert refused(publish(powerless), TopicArn=topic, Message="m")
    put("Deny", {"AWS": role})
    said = refused(publish(role), TopicArn=topic, Message="m")
    assert "explicit deny in a resource-based policy" in said
    account.sns.publish(TopicArn=topic, Message="m")
    put("Deny", "*")
    assert refused(account.sns.publish, TopicArn=topic, Message="m")
    put("Allow", {"AWS": powerless})
    publish(powerless)(TopicArn=topic, Message="m")


def test_a_role_may_be_made_and_changed_with_the_required_path_and_boundary_alone(
    account: Account,
) -> None:
    deny_all = "arn:aws:iam::aws:policy/AWSDenyAll"
    client = session(
        account,
        {
            "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
            "Resource": f"arn:aws:iam::{ACCOUNT}:role/scratch/*",
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": deny_all}},
        },
        {"Action": "iam:TagRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/scratch/*"},
    )("iam")
    bounded, free = name("role"), name("role")
    making = {"RoleName": bounded, "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")}
    inside = {"Path": "/scratch/", "PermissionsBoundary": deny_all}
    for parameters in (
        making,
        {**making, "Path": "/scratch/"},
        {**making, "PermissionsBoundary": deny_all},
        {**making, **inside, "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    ):
        assert "iam:CreateRole" in refused(client.create_role, **parameters)
    client.create_role(**making, **inside, Tags=[{"Key": "purpose", "Value": "live-fire"}])
    account.iam.create_role(**{**making, "RoleName": free}, Path="/scratch/")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    policy = {"PolicyName": "p", "PolicyDocument": document}
    client.put_role_policy(RoleName=bounded, **policy)
    assert "iam:PutRolePolicy" in refused(client.put_role_policy, RoleName=free, **policy)


def test_a_role_that_does_not_exist_is_assumed_by_nobody(account: Account) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name('gone')}"
    with pytest.raises(ClientError) as raised:
        account.sts.assume_role(RoleArn=arn, RoleSessionName="test")
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    said = raised.value.response["Error"]["Message"]
    assert said.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {arn}")


OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
PEOPLE = {"Principal": {"AWS": ROOT_ARN}}


def _on(operator: str, key: str, value: str) -> dict[str, Any]:
    return {**PEOPLE, "Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statements", "asked", "granted"),
    [
        ([PEOPLE], {}, True),
        ([{"Principal": {"AWS": OPERATOR}}], {}, True),
        ([{"Principal": {"AWS": f"{OPERATOR}-two"}}], {}, False),
        ([{"Principal": {"Service": "ec2.amazonaws.com"}}], {}, False),
        ([{**PEOPLE, "Action": "sts:TagSession"}], {}, False),
        ([PEOPLE, {**PEOPLE, "Effect": "Deny"}], {}, False),
        ([PEOPLE, {"Principal": "*", "Effect": "Deny", "Action": "sts:*"}], {}, False),
        ([_on("StringEquals", "sts:ExternalId", "word")], {"ExternalId": "word"}, True),
        ([_on("StringEquals", "sts:ExternalId", "word")], {"ExternalId": "another"}, False),
        ([_on("StringEquals", "sts:ExternalId", "word")], {}, False),
        ([_on("StringLike", "sts:RoleSessionName", "te*")], {}, True),
        ([_on("StringLike", "sts:RoleSessionName", "ci-*")], {}, False),
        ([_on("ArnLike", "aws:PrincipalArn", OPERATOR)], {}, True),
        ([_on("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/*")], {}, False),
        ([_on("Bool", "aws:MultiFactorAuthPresent", "true")], {}, False),
        (
            [_on("Bool", "aws:MultiFactorAuthPresent", "true")],
            {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/sandbox", "TokenCode": "123456"},
            True,
        ),
        ([_on("StringEquals", "aws:SourceAccount", ACCOUNT)], {}, False),
    ],
)
def test_who_assumes_a_role_is_judged_by_its_whole_trust_policy(
    account: Account, statements: list[dict[str, Any]], asked: dict[str, str], granted: bool
) -> None:
    role = account.role_trusting(trusting(*statements))
    call = {"RoleArn": role, "RoleSessionName": "test", **asked}
    if granted:
        assert account.sts.assume_role(**call)["AssumedRoleUser"]["Arn"].endswith("/test")
    else:
        assert f"sts:AssumeRole on resource: {role}" in refused(account.sts.assume_role, **call)


def test_a_trusted_account_leaves_its_roles_to_their_own_policies(account: Account) -> None:
    bare = account.role("ec2.amazonaws.com")
    sts = clients_of(account, bare)("sts")
    by_account = account.role_trusting(trusting(PEOPLE))
    by_name = account.role_trusting(trusting({"Principal": {"AWS": bare}}))
    assert "AssumeRole" in refused(sts.assume_role, RoleArn=by_account, RoleSessionName="test")
    sts.assume_role(RoleArn=by_name, RoleSessionName="test")
    permitted = session(account, {"Action": "sts:AssumeRole", "Resource": by_account})("sts")
    permitted.assume_role(RoleArn=by_account, RoleSessionName="test")


def test_a_bucket_that_trusts_an_account_leaves_its_roles_to_their_own_policies(
    account: Account,
) -> None:
    bucket, bare = account.bucket(), account.role("ec2.amazonaws.com")
    s3 = clients_of(account, bare)("s3")
    for principal, granted in ((ROOT_ARN, False), (bare, True)):
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": principal},
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{bucket}",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        account.s3.put_bucket_policy(Bucket=bucket, Policy=document)
        if granted:
            assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        else:
            assert "s3:ListBucket" in refused(s3.list_objects_v2, Bucket=bucket)


@pytest.mark.parametrize(
    ("condition", "granted"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        (
            {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:mine-*"}},
            True,
        ),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:my"}}, False),
    ],
)
def test_a_service_assumes_a_role_for_the_sources_that_its_trust_names(
    account: Account, condition: dict[str, Any], granted: bool
) -> None:
    service = {"Principal": {"Service": "lambda.amazonaws.com"}}
    role = account.role_trusting(trusting({**service, "Condition": condition}))
    making = {
        "FunctionName": name("mine"),
        "Runtime": "python3.11",
        "Role": role,
        "Handler": "app.handler",
        "Code": {"ZipFile": package("")},
    }
    if granted:
        assert account.lambda_.create_function(**making)["Role"] == role
        return
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        account.lambda_.create_function(**making)


def test_cloudtrail_does_not_say_for_which_trail_it_assumes_its_role(account: Account) -> None:
    service = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    everything = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    of_account = {**service, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    roles = [account.role_trusting(trusting(one), everything) for one in (service, of_account)]
    group, trail = name("group"), name("trail")
    account.logs.create_log_group(logGroupName=group)
    account.cloudtrail.create_trail(Name=trail, S3BucketName=account.trail_bucket(trail))
    delivering = {
        "Name": trail,
        "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",
    }
    account.cloudtrail.update_trail(**delivering, CloudWatchLogsRoleArn=roles[0])
    with pytest.raises(ClientError, match="Check the permissions for your role"):
        account.cloudtrail.update_trail(**delivering, CloudWatchLogsRoleArn=roles[1])


# --- keys and their aliases -----------------------------------------------------------------------

NAME_OF_KEYS = f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/scratch-*"


def _key_policy(principal: str, *actions: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Resource": "*"}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**statement, "Action": list(actions)}]}
    )


def test_the_policy_of_a_key_permits_by_itself_whom_it_names(account: Account) -> None:
    arn = account.role("ec2.amazonaws.com")
    kms = clients_of(account, arn)("kms")
    key = account.sandbox.client("kms").create_key(Policy=_key_policy(arn, "kms:DisableKey"))
    identifier = key["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=identifier)
    message = refused(kms.schedule_key_deletion, KeyId=identifier)
    assert "kms:ScheduleKeyDeletion" in message
    assert "because no resource-based policy allows the action" in message


def test_an_identity_policy_permits_nothing_of_a_key_that_does_not_leave_it_to_iam(
    account: Account,
) -> None:
    kms = session(account, {"Action": "kms:*"})("kms")
    administrator = account.sandbox.client("kms")
    closed = administrator.create_key(Policy=_key_policy(f"{ROOT_ARN[:-4]}role/other", "kms:*"))
    assert "kms:DescribeKey" in refused(kms.describe_key, KeyId=closed["KeyMetadata"]["KeyId"])
    left = administrator.create_key(Policy=_key_policy(ROOT_ARN, "kms:*"))
    assert kms.describe_key(KeyId=left["KeyMetadata"]["KeyId"])["KeyMetadata"]["Enabled"]


def test_an_alias_takes_a_permission_of_its_own(account: Account) -> None:
    arn = account.role(
        "ec2.amazonaws.com",
        {
            "Effect": "Allow",
            "Action": ["kms:CreateAlias", "kms:DeleteAlias"],
            "Resource": NAME_OF_KEYS,
        },
    )
    kms = clients_of(account, arn)("kms")
    administrator = account.sandbox.client("kms")
    both = _key_policy(arn, "kms:CreateAlias", "kms:DeleteAlias")
    key = administrator.create_key(Policy=both)["KeyMetadata"]["KeyId"]
    ours, another = f"alias/{name('scratch')}", f"alias/{name('another')}"
    kms.create_alias(AliasName=ours, TargetKeyId=key)
    assert another in refused(kms.create_alias, AliasName=another, TargetKeyId=key)
    kms.delete_alias(AliasName=ours)
    foreign = administrator.create_key(Policy=_key_policy(ROOT_ARN, "kms:*"))
    assert "kms:CreateAlias" in refused(
        kms.create_alias, AliasName=ours, TargetKeyId=foreign["KeyMetadata"]["KeyId"]
    )


def test_attaching_is_authorized_for_the_role_and_by_the_policy(account: Account) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/scratch/*"
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam = session(
        account,
        {
            "Action": "iam:AttachRolePolicy",
            "Resource": arn,
            "Condition": {"ArnEquals": {"iam:PolicyARN": administrator}},
        },
    )("iam")
    role = name("role")
    account.iam.create_role(
        RoleName=role, Path="/scratch/", AssumeRolePolicyDocument=json.dumps(trust("ec2"))
    )
    iam.attach_role_policy(RoleName=role, PolicyArn=administrator)
    other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert "iam:AttachRolePolicy" in refused(iam.attach_role_policy, RoleName=role, PolicyArn=other)
    elsewhere = account.role("ec2.amazonaws.com").rpartition("/")[2]
    assert "iam:AttachRolePolicy" in refused(
        iam.attach_role_policy, RoleName=elsewhere, PolicyArn=administrator
    )
