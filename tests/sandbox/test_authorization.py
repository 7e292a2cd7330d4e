"""What a role's session may do: by its policies' conditions, and by a topic's own policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name, trust

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
