"""What a trail delivers, where, and what it says of it."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, eventually, name

KEY = re.compile(
    rf"AWSLogs/{ACCOUNT}/CloudTrail/(?P<region>[a-z0-9-]+)/(?P<day>\d{{4}}/\d\d/\d\d)/"
    rf"{ACCOUNT}_CloudTrail_(?P=region)_\d{{8}}T\d{{4}}Z_[A-Za-z0-9]{{16}}\.json\.gz"
)


def log_files(account: Account, bucket: str) -> list[str]:
    found = account.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [one["Key"] for one in found]


def file_records(account: Account, bucket: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for key in log_files(account, bucket):
        body = account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        records += json.loads(gzip.decompress(body))["Records"]
    return records


def test_log_files_have_the_real_layout_and_hold_what_the_log_group_holds(
    account: Account,
) -> None:
    trail = account.trail()
    group = account.security_group()
    role = account.role("ec2.amazonaws.com").rpartition("/")[2]
    eventually(lambda: group in str(file_records(account, trail["bucket"])))
    eventually(lambda: role in str(file_records(account, trail["bucket"])))
    regions = set()
    for key in log_files(account, trail["bucket"]):
        found = KEY.fullmatch(key)
        assert found is not None, key
        assert found["day"] == datetime.now(UTC).strftime("%Y/%m/%d")
        regions.add(found["region"])
        body = account.s3.get_object(Bucket=trail["bucket"], Key=key)["Body"].read()
        records = json.loads(gzip.decompress(body))["Records"]
        assert {record["awsRegion"] for record in records} == {found["region"]}
    assert regions == {REGION, "us-east-1"}
    in_files = {one["eventID"] for one in file_records(account, trail["bucket"])}
    in_group = {one["eventID"] for one in account.records(trail["group"])}
    assert in_files <= in_group
    streams = account.logs.describe_log_streams(logGroupName=trail["group"])["logStreams"]
    assert [one["logStreamName"] for one in streams] == [f"{ACCOUNT}_CloudTrail_{REGION}"]


def test_the_status_says_what_has_happened(account: Account) -> None:
    trail = account.trail()
    before = datetime.now(UTC)
    account.security_group()

    def status() -> Any:
        return account.cloudtrail.get_trail_status(Name=trail["arn"])

    delivered = eventually(
        status,
        lambda found: (
            found.get("LatestDeliveryTime", before) > before
            and found.get("LatestCloudWatchLogsDeliveryTime", before) > before
        ),
    )
    assert delivered["IsLogging"] is True
    assert delivered["StartLoggingTime"] <= delivered["LatestDeliveryTime"]
    assert "LatestDeliveryError" not in delivered
    assert "LatestNotificationTime" not in delivered
    assert "LatestDigestDeliveryTime" not in delivered
    assert "StopLoggingTime" not in delivered
    account.cloudtrail.stop_logging(Name=trail["name"])
    stopped = status()
    assert stopped["IsLogging"] is False
    assert stopped["StopLoggingTime"] >= delivered["StartLoggingTime"]


def test_each_log_file_is_notified(account: Account) -> None:
    topic, queue_url = account.topic_with_queue()
    trail_name = name("trail")
    account.sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudtrail.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": topic,
                        "Condition": {
                            "StringEquals": {
                                "aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}"
                                f":trail/{trail_name}"
                            }
                        },
                    }
                ],
            }
        ),
    )
    bucket = account.trail_bucket(trail_name)
    account.cloudtrail.create_trail(
        Name=trail_name, S3BucketName=bucket, SnsTopicName=topic.rpartition(":")[2]
    )
    shown = account.cloudtrail.describe_trails(trailNameList=[trail_name])["trailList"]
    assert [one["SnsTopicARN"] for one in shown if one["Name"] == trail_name] == [topic]
    account.cloudtrail.start_logging(Name=trail_name)
    notification = json.loads(account.message(queue_url)["Body"])
    message = json.loads(notification["Message"])
    assert message["s3Bucket"] == bucket
    assert message["s3ObjectKey"][0] in log_files(account, bucket)
    status = account.cloudtrail.get_trail_status(Name=trail_name)
    assert status["LatestNotificationTime"]
    # A topic that no longer admits the trail is told as an error.
    account.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue='{"Statement": []}'
    )
    account.security_group()
    status = eventually(
        lambda: account.cloudtrail.get_trail_status(Name=trail_name),
        lambda found: "LatestNotificationError" in found,
    )
    assert status["LatestNotificationError"] == "AuthorizationError"


def test_a_stopped_trail_sees_its_stop_and_then_nothing(account: Account) -> None:
    trail = account.trail()
    account.cloudtrail.stop_logging(Name=trail["name"])
    account.record(trail["group"], "StopLogging")
    group = account.security_group()
    witness = account.trail()
    eventually(lambda: account.records(witness["group"]))
    assert group not in str(account.records(trail["group"]))


def test_a_single_region_trail_sees_its_region_and_global_services(account: Account) -> None:
    trail = account.trail(IsMultiRegionTrail=False)
    elsewhere = account.sandbox.client("sqs", "us-west-2")
    far = elsewhere.create_queue(QueueName=name("far"))["QueueUrl"]
    near = account.queue()[0]
    role = account.role("ec2.amazonaws.com")
    eventually(lambda: role.rpartition("/")[2] in str(account.records(trail["group"])))
    text = str(account.records(trail["group"]))
    assert near.rpartition("/")[2] in text
    assert far.rpartition("/")[2] not in text
    everywhere = account.trail()
    far = elsewhere.create_queue(QueueName=name("far"))["QueueUrl"].rpartition("/")[2]
    record = eventually(lambda: [r for r in account.records(everywhere["group"]) if far in str(r)])
    assert record[0]["awsRegion"] == "us-west-2"


def test_what_the_policies_forbid_is_told_as_an_error(account: Account) -> None:
    trail = account.trail()
    account.s3.delete_bucket_policy(Bucket=trail["bucket"])
    account.iam.delete_role_policy(RoleName=trail["role"].rpartition("/")[2], PolicyName="p")

    def status() -> Any:
        return account.cloudtrail.get_trail_status(Name=trail["name"])

    found = eventually(
        status,
        lambda one: "LatestDeliveryError" in one and "LatestCloudWatchLogsDeliveryError" in one,
    )
    assert found["LatestDeliveryError"] == "AccessDenied"
    assert found["LatestCloudWatchLogsDeliveryError"] == "AccessDenied"


def test_a_disabled_key_stops_log_files(account: Account) -> None:
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    admit = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
            }
        ],
    }
    account.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(admit))
    trail = account.trail(KmsKeyId=key)
    account.security_group()
    file = eventually(lambda: log_files(account, trail["bucket"]))[0]
    head = account.s3.head_object(Bucket=trail["bucket"], Key=file)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == key
    account.kms.disable_key(KeyId=key)
    status = eventually(
        lambda: account.cloudtrail.get_trail_status(Name=trail["name"]),
        lambda found: "LatestDeliveryError" in found,
    )
    assert status["LatestDeliveryError"] == "KMS.DisabledException"


def test_event_selectors(account: Account) -> None:
    trail = account.trail()
    selectors = account.cloudtrail.get_event_selectors(TrailName=trail["name"])["EventSelectors"]
    assert selectors == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
    described = account.cloudtrail.get_trail(Name=trail["name"])["Trail"]
    assert described["HasCustomEventSelectors"] is False
    bucket = account.bucket()
    account.cloudtrail.put_event_selectors(
        TrailName=trail["name"],
        EventSelectors=[
            {
                "ReadWriteType": "WriteOnly",
                "IncludeManagementEvents": True,
                "DataResources": [
                    {"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{bucket}/"]}
                ],
            }
        ],
    )
    described = account.cloudtrail.get_trail(Name=trail["name"])["Trail"]
    assert described["HasCustomEventSelectors"] is True
    other = account.bucket()
    account.s3.put_object(Bucket=other, Key="k", Body=b"x")
    account.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    account.s3.get_object(Bucket=bucket, Key="k")
    account.s3.get_bucket_acl(Bucket=bucket)
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    account.record(trail["group"], "PutBucketVersioning")
    records = account.records(trail["group"])
    objects = [one for one in records if one["eventName"] == "PutObject"]
    assert [one["requestParameters"]["bucketName"] for one in objects] == [bucket]
    assert objects[0]["eventCategory"] == "Data"
    assert objects[0]["managementEvent"] is False
    assert "GetObject" not in {one["eventName"] for one in records}
    assert "GetBucketAcl" not in {one["eventName"] for one in records if one["readOnly"]}


def test_advanced_selectors(account: Account) -> None:
    trail = account.trail()
    account.cloudtrail.put_event_selectors(
        TrailName=trail["name"],
        AdvancedEventSelectors=[
            {
                "Name": "no kms",
                "FieldSelectors": [
                    {"Field": "eventCategory", "Equals": ["Management"]},
                    {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
                ],
            }
        ],
    )
    account.kms.create_key(Description=name("key"))
    group = account.security_group()
    eventually(lambda: group in str(account.records(trail["group"])))
    sources = {one["eventSource"] for one in account.records(trail["group"])[1:]}
    assert "kms.amazonaws.com" not in sources


def test_advanced_selectors_of_data_events(account: Account) -> None:
    trail = account.trail()
    left_out, other = account.bucket(), account.bucket()
    function = account.function("def handler(event, context): return 1")

    def selector(*fields: dict[str, Any]) -> dict[str, Any]:
        return {"Name": "some", "FieldSelectors": [*fields]}

    data = {"Field": "eventCategory", "Equals": ["Data"]}
    objects = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}
    bucket = f"arn:aws:s3:::{left_out}/"
    account.cloudtrail.put_event_selectors(
        TrailName=trail["name"],
        AdvancedEventSelectors=[
            selector({"Field": "eventCategory", "Equals": ["Management"]}),
            selector(data, objects, {"Field": "resources.ARN", "NotStartsWith": [bucket]}),
            selector(
                data,
                objects,
                {"Field": "resources.ARN", "StartsWith": [bucket]},
                {"Field": "readOnly", "Equals": ["false"]},
                {"Field": "eventName", "NotEquals": ["PutObject"]},
            ),
            selector(data, {"Field": "resources.type", "Equals": ["AWS::Lambda::Function"]}),
        ],
    )
    for name_ in (left_out, other):
        account.s3.put_object(Bucket=name_, Key="k", Body=b"x")
        account.s3.get_object(Bucket=name_, Key="k")
        account.s3.delete_object(Bucket=name_, Key="k")
    account.lambda_.invoke(FunctionName=function)
    account.s3.put_bucket_versioning(Bucket=other, VersioningConfiguration={"Status": "Enabled"})
    account.record(trail["group"], "PutBucketVersioning")
    taken = [
        (one["eventName"], (one["requestParameters"] or {}).get("bucketName"))
        for one in account.records(trail["group"])
        if one["eventCategory"] == "Data"
    ]
    assert taken == [
        ("DeleteObject", left_out),
        ("PutObject", other),
        ("GetObject", other),
        ("DeleteObject", other),
        ("Invoke", None),
    ]


def test_what_is_asked_of_a_trail_that_is_not_there(account: Account) -> None:
    for call in (
        account.cloudtrail.get_trail_status,
        account.cloudtrail.delete_trail,
        account.cloudtrail.start_logging,
    ):
        with pytest.raises(ClientError) as refused:
            call(Name="no-such-trail")
        assert refused.value.response["Error"]["Code"] == "TrailNotFoundException"


def test_a_trail_is_not_made_without_what_it_needs(account: Account) -> None:
    trail = name("trail")
    bucket = account.trail_bucket(trail)
    group = name("/group")
    account.logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}"
    powerless = account.role("cloudtrail.amazonaws.com")
    topic = account.sns.create_topic(Name=name("topic"))["TopicArn"]
    key = account.kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))

    def refusal(**settings: Any) -> str:
        with pytest.raises(ClientError) as refused:
            account.cloudtrail.create_trail(**{"Name": trail, "S3BucketName": bucket, **settings})
        return str(refused.value.response["Error"]["Code"])

    assert refusal(S3BucketName=account.bucket()) == "InsufficientS3BucketPolicyException"
    assert refusal(S3KeyPrefix="elsewhere") == "InsufficientS3BucketPolicyException"
    assert refusal(Name=name("other")) == "InsufficientS3BucketPolicyException"
    key_arn = key["KeyMetadata"]["Arn"]
    assert refusal(KmsKeyId=key_arn) == "InsufficientEncryptionPolicyException"
    assert refusal(SnsTopicName=topic) == "InsufficientSnsTopicPolicyException"
    logs = {"CloudWatchLogsRoleArn": powerless}
    code = "InvalidCloudWatchLogsLogGroupArnException"
    assert refusal(CloudWatchLogsLogGroupArn=f"{arn}:*", **logs) == code
    assert refusal(CloudWatchLogsLogGroupArn=arn, **logs) == code
    listed = account.cloudtrail.list_trails()["Trails"]
    assert trail not in {one["Name"] for one in listed}
    account.cloudtrail.create_trail(Name=trail, S3BucketName=bucket)
    with pytest.raises(ClientError, match="InsufficientEncryptionPolicyException"):
        account.cloudtrail.update_trail(Name=trail, KmsKeyId=key_arn)
    assert "KmsKeyId" not in account.cloudtrail.get_trail(Name=trail)["Trail"]
    assert refusal() == "TrailAlreadyExistsException"
