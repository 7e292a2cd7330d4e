"""AWS Config: how a recorder records, and whether what it records is delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name

ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
EVERYTHING = {"allSupported": True, "includeGlobalResourceTypes": True}


def _policy(bucket: str) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "config.amazonaws.com"},
                "Action": ["s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"],
                "Resource": [arn, f"{arn}/AWSLogs/{ACCOUNT}/Config/*"],
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ],
    }


@pytest.fixture
def bucket(account: Account) -> str:
    made = name("bucket")
    account.s3.create_bucket(Bucket=made, CreateBucketConfiguration={"LocationConstraint": REGION})
    account.s3.put_bucket_policy(Bucket=made, Policy=json.dumps(_policy(made)))
    return made


@pytest.fixture
def config(account: Account) -> Iterator[Any]:
    """AWS Config with a recorder, and without a channel."""
    client = account.sandbox.client("config")
    recorder = {"name": "r", "roleARN": ROLE, "recordingGroup": EVERYTHING}
    client.put_configuration_recorder(ConfigurationRecorder=recorder)
    yield client
    client.stop_configuration_recorder(ConfigurationRecorderName="r")
    for channel in client.describe_delivery_channels()["DeliveryChannels"]:
        client.delete_delivery_channel(DeliveryChannelName=channel["name"])
    client.delete_configuration_recorder(ConfigurationRecorderName="r")


def _deliver_to(config: Any, bucket: str, **members: Any) -> None:
    config.put_delivery_channel(DeliveryChannel={"name": "c", "s3BucketName": bucket, **members})


def test_a_recorder_says_how_often_it_records(config: Any) -> None:
    [told] = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert told["recordingMode"] == {"recordingFrequency": "CONTINUOUS"}
    assert told["arn"] == f"arn:aws:config:{REGION}:{ACCOUNT}:configuration-recorder/r"
    assert "status" not in told
    daily = {"recordingFrequency": "DAILY"}
    changed = {"name": "r", "roleARN": ROLE, "recordingGroup": EVERYTHING, "recordingMode": daily}
    config.put_configuration_recorder(ConfigurationRecorder=changed)
    [told] = config.describe_configuration_recorders()["ConfigurationRecorders"]
    assert told["recordingMode"] == daily


def test_what_is_recorded_is_delivered_as_long_as_the_bucket_admits_it(
    account: Account, config: Any, bucket: str
) -> None:
    _deliver_to(config, bucket)
    key = f"AWSLogs/{ACCOUNT}/Config/ConfigWritabilityCheckFile"
    assert account.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 0
    [before] = config.describe_delivery_channel_status()["DeliveryChannelsStatus"]
    assert before["configSnapshotDeliveryInfo"] == {}
    config.start_configuration_recorder(ConfigurationRecorderName="r")
    [status] = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert (status["recording"], status["lastStatus"]) == (True, "SUCCESS")
    [went] = config.describe_delivery_channel_status()["DeliveryChannelsStatus"]
    last = went["configSnapshotDeliveryInfo"]
    assert last["lastStatus"] == "SUCCESS"
    assert datetime.now(UTC) - last["lastSuccessfulTime"] < timedelta(minutes=1)
    assert went["configStreamDeliveryInfo"] == {"lastStatus": "NOT_APPLICABLE"}

    account.s3.delete_bucket_policy(Bucket=bucket)
    [fails] = config.describe_delivery_channel_status()["DeliveryChannelsStatus"]
    last = fails["configHistoryDeliveryInfo"]
    assert (last["lastStatus"], last["lastErrorCode"]) == ("FAILURE", "AccessDenied")
    assert last["lastSuccessfulTime"] <= last["lastAttemptTime"]


def test_a_bucket_that_refuses_is_not_taken(account: Account, config: Any, bucket: str) -> None:
    with pytest.raises(ClientError, match="NoSuchBucketException"):
        _deliver_to(config, name("none"))
    account.s3.delete_bucket_policy(Bucket=bucket)
    with pytest.raises(ClientError, match="InsufficientDeliveryPolicyException"):
        _deliver_to(config, bucket)
    assert config.describe_delivery_channels()["DeliveryChannels"] == []


def test_a_key_that_refuses_is_not_taken(account: Account, config: Any, bucket: str) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="InsufficientDeliveryPolicyException"):
        _deliver_to(config, bucket, s3KmsKeyArn=key)
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    admitted = {"Service": "config.amazonaws.com"}
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": admitted,
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
            },
        ],
    }
    account.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    _deliver_to(config, bucket, s3KmsKeyArn=key)
    [told] = config.describe_delivery_channels()["DeliveryChannels"]
    assert told["s3KmsKeyArn"] == key


def test_a_rule_looks_at_what_is_there(config: Any) -> None:
    source = {"Owner": "AWS", "SourceIdentifier": "INCOMING_SSH_DISABLED"}
    named = name("rule")
    config.put_config_rule(ConfigRule={"ConfigRuleName": named, "Source": source})
    [told] = config.describe_config_rules(ConfigRuleNames=[named])["ConfigRules"]
    assert told["EvaluationModes"] == [{"Mode": "DETECTIVE"}]
    config.tag_resource(ResourceArn=told["ConfigRuleArn"], Tags=[{"Key": "a", "Value": "b"}])
    changed = {"ConfigRuleName": named, "Source": source, "Scope": {"TagKey": "a"}}
    config.put_config_rule(ConfigRule=changed)
    kept = config.list_tags_for_resource(ResourceArn=told["ConfigRuleArn"])["Tags"]
    assert kept == [{"Key": "a", "Value": "b"}]
    [told] = config.describe_config_rules(ConfigRuleNames=[named])["ConfigRules"]
    assert told["Scope"] == {"TagKey": "a"}
    config.delete_config_rule(ConfigRuleName=named)


def test_the_services_own_role_has_awss_name(account: Account) -> None:
    made = account.iam.create_service_linked_role(AWSServiceName="config.amazonaws.com")["Role"]
    assert made["Arn"] == ROLE
    account.iam.delete_service_linked_role(RoleName=made["RoleName"])
