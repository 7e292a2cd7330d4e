"""Answers about keys, queues and topics in which moto differs from AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, Account, name

DENY_ALL = '{"redrivePermission": "denyAll"}'


def _queue(account: Account, **attributes: str) -> str:
    return str(account.sqs.create_queue(QueueName=name("queue"), Attributes=attributes)["QueueUrl"])


def _attributes(account: Account, url: str) -> dict[str, str]:
    answer = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


def test_setting_one_attribute_of_a_queue_leaves_the_others(account: Account) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "S"}]})
    url = _queue(account, Policy=policy, RedriveAllowPolicy=DENY_ALL)
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "7"})
    attributes = _attributes(account, url)
    assert attributes["DelaySeconds"] == "7"
    assert json.loads(attributes["Policy"])["Statement"] == [{"Sid": "S"}]
    assert json.loads(attributes["RedriveAllowPolicy"]) == {"redrivePermission": "denyAll"}
    assert attributes["CreatedTimestamp"].isdigit()
    account.sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": "", "RedriveAllowPolicy": ""}
    )
    assert {"Policy", "RedriveAllowPolicy"} & set(_attributes(account, url)) == set()


def test_an_attribute_of_a_queue_can_be_asked_for_alone(account: Account) -> None:
    url = _queue(account, RedriveAllowPolicy=DENY_ALL)
    answer = account.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedriveAllowPolicy"])
    assert json.loads(answer["Attributes"]["RedriveAllowPolicy"]) == {
        "redrivePermission": "denyAll"
    }


def _arn(account: Account, url: str) -> str:
    return _attributes(account, url)["QueueArn"]


def test_a_queue_may_refuse_to_be_another_queues_dead_letter_queue(account: Account) -> None:
    source = _queue(account)
    ours = {"redrivePermission": "byQueue", "sourceQueueArns": [_arn(account, source)]}
    for allowed, taken in (
        (DENY_ALL, False),
        ('{"redrivePermission": "byQueue", "sourceQueueArns": []}', False),
        (json.dumps(ours), True),
        ('{"redrivePermission": "allowAll"}', True),
    ):
        target = _arn(account, _queue(account, RedriveAllowPolicy=allowed))
        redrive = json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": 1})
        change = {"QueueUrl": source, "Attributes": {"RedrivePolicy": redrive}}
        if taken:
            account.sqs.set_queue_attributes(**change)
            assert target in _attributes(account, source)["RedrivePolicy"]
            continue
        with pytest.raises(ClientError, match="redrive allow policy"):
            account.sqs.set_queue_attributes(**change)
        assert "RedrivePolicy" not in _attributes(account, source)


def test_a_queue_has_one_encryption(account: Account) -> None:
    url = _queue(account, KmsMasterKeyId="alias/aws/sqs")
    attributes = _attributes(account, url)
    assert attributes["KmsMasterKeyId"] == "alias/aws/sqs"
    assert attributes["SqsManagedSseEnabled"] == "false"
    account.sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    attributes = _attributes(account, url)
    assert "KmsMasterKeyId" not in attributes
    assert attributes["SqsManagedSseEnabled"] == "true"


def test_a_key_says_that_it_is_of_one_region(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]
    assert account.kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["MultiRegion"] is False
    replicated = account.kms.create_key(MultiRegion=True)["KeyMetadata"]
    assert replicated["MultiRegion"] is True
    assert replicated["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"


def test_a_rotated_key_has_a_next_date(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    assert "NextRotationDate" not in account.kms.get_key_rotation_status(KeyId=key)
    account.kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    following = account.kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    assert timedelta(days=89) < following - datetime.now(UTC) <= timedelta(days=90)


def test_a_grant_is_listed_as_kms_lists_it(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    grantee = f"arn:aws:iam::{ACCOUNT}:role/somebody"
    made = account.kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    [grant] = account.kms.list_grants(KeyId=key)["Grants"]
    assert grant.pop("CreationDate") <= datetime.now(UTC)
    assert grant == {
        "KeyId": key,
        "GrantId": made["GrantId"],
        "GranteePrincipal": grantee,
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Decrypt"],
    }


def test_an_alias_has_a_date(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    account.kms.create_alias(AliasName=f"alias/{name('a')}", TargetKeyId=key)
    [alias] = account.kms.list_aliases(KeyId=key)["Aliases"]
    assert alias["CreationDate"] <= datetime.now(UTC)


def test_a_topic_shows_what_was_set_and_the_retries_in_force(account: Account) -> None:
    arn = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    attributes = account.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert {"DeliveryPolicy", "SignatureVersion", "TracingConfig"} & set(attributes) == set()
    in_force = json.loads(attributes["EffectiveDeliveryPolicy"])["http"]
    assert in_force["defaultHealthyRetryPolicy"]["numRetries"] == 3
    for attribute, value in (
        ("SignatureVersion", "2"),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 0}}}'),
    ):
        account.sns.set_topic_attributes(
            TopicArn=arn, AttributeName=attribute, AttributeValue=value
        )
    attributes = account.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["SignatureVersion"] == "2"
    in_force = json.loads(attributes["EffectiveDeliveryPolicy"])["http"]
    assert in_force["defaultHealthyRetryPolicy"]["numRetries"] == 0


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("SignatureVersion", "3"),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 101}}}'),
    ],
)
def test_a_topic_refuses_what_sns_refuses(account: Account, attribute: str, value: str) -> None:
    arn = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    with pytest.raises(ClientError, match="Invalid parameter"):
        account.sns.set_topic_attributes(
            TopicArn=arn, AttributeName=attribute, AttributeValue=value
        )


def test_an_https_subscription_tells_the_retries_in_force(account: Account) -> None:
    arn = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    made = account.sns.subscribe(
        TopicArn=arn,
        Protocol="https",
        Endpoint="https://127.0.0.1:9/",
        Attributes={"DeliveryPolicy": '{"healthyRetryPolicy": {"numRetries": 1}}'},
        ReturnSubscriptionArn=True,
    )
    attributes = account.sns.get_subscription_attributes(SubscriptionArn=made["SubscriptionArn"])
    in_force = json.loads(attributes["Attributes"]["EffectiveDeliveryPolicy"])
    assert in_force["healthyRetryPolicy"]["numRetries"] == 1
    assert in_force["throttlePolicy"] is None


def test_a_topic_may_have_a_data_protection_policy(account: Account) -> None:
    arn = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    assert "DataProtectionPolicy" not in account.sns.get_data_protection_policy(ResourceArn=arn)
    policy = '{"Name": "p", "Version": "2021-06-01", "Statement": []}'
    account.sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy=policy)
    answer = account.sns.get_data_protection_policy(ResourceArn=arn)
    assert answer["DataProtectionPolicy"] == policy
    with pytest.raises(ClientError, match="Invalid parameter"):
        account.sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy="{")
    account.sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy="")
    assert "DataProtectionPolicy" not in account.sns.get_data_protection_policy(ResourceArn=arn)


def test_lambda_decrypts_variables_by_a_grant(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    function = account.function(
        "def handler(event, context): pass", KMSKeyArn=key, Environment={"Variables": {"A": "b"}}
    )
    [grant] = account.kms.list_grants(KeyId=key)["Grants"]
    assert grant["GranteePrincipal"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert grant["GranteePrincipal"].endswith(f"/{function.rpartition(':')[2]}")
    assert grant["Operations"] == ["Decrypt", "RetireGrant"]
    assert grant["Constraints"] == {"EncryptionContextEquals": {"aws:lambda:FunctionArn": function}}
