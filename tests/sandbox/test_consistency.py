"""The sandbox as late to know and to forget as AWS is, where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import (
    REGION,
    Account,
    RunningSandbox,
    eventually,
    name,
    refused,
    started,
    trust,
)

pytestmark = pytest.mark.slow

GONE = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with started("--region", REGION, "--consistency=aws") as running:
        yield Account(running)


def _becomes_known(call: Callable[[], Any]) -> Any:
    def attempt() -> Any:
        try:
            return call()
        except ClientError:
            return None

    return eventually(attempt, lambda answer: answer is not None)


def test_a_new_security_group_is_unknown_for_some_seconds(account: Account) -> None:
    ec2 = account.sandbox.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName=name("g"), Description="g", VpcId=vpc)["GroupId"]
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    said = refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule])
    assert said == "InvalidGroup.NotFound"
    assert refused(ec2.describe_security_groups, GroupIds=[group]) == "InvalidGroup.NotFound"
    ours = [{"Name": "vpc-id", "Values": [vpc]}]
    listed = ec2.describe_security_groups(Filters=ours)["SecurityGroups"]
    assert group not in {one["GroupId"] for one in listed}
    _becomes_known(
        lambda: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    )
    listed = ec2.describe_security_groups(Filters=ours)["SecurityGroups"]
    assert group in {one["GroupId"] for one in listed}


def test_a_new_role_is_unknown_for_some_seconds(account: Account) -> None:
    iam, role = account.sandbox.client("iam"), name("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    policy = {"RoleName": role, "PolicyName": "p", "PolicyDocument": document}
    assert refused(iam.put_role_policy, **policy) == "NoSuchEntity"
    assert role not in {one["RoleName"] for one in iam.list_roles()["Roles"]}
    _becomes_known(lambda: iam.put_role_policy(**policy))
    assert role in {one["RoleName"] for one in iam.list_roles()["Roles"]}


def test_a_new_bucket_is_unknown_for_some_seconds(account: Account) -> None:
    s3, bucket = account.sandbox.client("s3"), name("bucket").lower()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert refused(s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": []}) == "NoSuchBucket"
    _becomes_known(lambda: s3.get_bucket_acl(Bucket=bucket))


def test_a_deleted_queue_lingers_and_its_name_is_taken(account: Account) -> None:
    sqs, queue = account.sandbox.client("sqs"), name("queue")
    url = sqs.create_queue(QueueName=queue)["QueueUrl"]
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]) == GONE
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=queue)
    _becomes_known(lambda: sqs.get_queue_attributes(QueueUrl=url))
    assert sqs.list_queues(QueueNamePrefix=queue)["QueueUrls"] == [url]
    sqs.delete_queue(QueueUrl=url)
    assert sqs.list_queues(QueueNamePrefix=queue)["QueueUrls"] == [url]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {}
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]) == GONE
    assert refused(sqs.create_queue, QueueName=queue).endswith("QueueDeletedRecently")


def test_all_is_known_at_once_where_nothing_is_asked_for(sandbox: RunningSandbox) -> None:
    sqs = sandbox.client("sqs")
    url = sqs.create_queue(QueueName=name("queue"))["QueueUrl"]
    assert "Attributes" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    sqs.delete_queue(QueueUrl=url)
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]) == GONE
