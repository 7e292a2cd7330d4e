"""The configurations of buckets that moto lacks, as a client puts, reads and removes them."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, REGION, Account, name, refused

EXPORT = {"Format": "CSV", "Bucket": "arn:aws:s3:::elsewhere"}
MANY: dict[str, tuple[str, dict[str, Any]]] = {
    "analytics": (
        "AnalyticsConfiguration",
        {
            "StorageClassAnalysis": {
                "DataExport": {
                    "OutputSchemaVersion": "V_1",
                    "Destination": {"S3BucketDestination": EXPORT},
                }
            }
        },
    ),
    "intelligent_tiering": (
        "IntelligentTieringConfiguration",
        {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    ),
    "inventory": (
        "InventoryConfiguration",
        {
            "Destination": {"S3BucketDestination": {**EXPORT, "AccountId": "999999999999"}},
            "IsEnabled": True,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": "Daily"},
        },
    ),
    "metrics": ("MetricsConfiguration", {}),
}


@pytest.mark.parametrize("kind", MANY)
def test_configurations_of_which_there_may_be_many(account: Account, kind: str) -> None:
    member, configuration = MANY[kind]
    bucket, s3 = account.bucket(), account.s3

    def call(verb: str, **more: Any) -> Any:
        return getattr(s3, f"{verb}_bucket_{kind}_configuration")(Bucket=bucket, **more)

    listed = getattr(s3, f"list_bucket_{kind}_configurations")
    assert f"{member}List" not in listed(Bucket=bucket)
    assert listed(Bucket=bucket)["IsTruncated"] is False
    for identifier in ("first", "second"):
        call("put", Id=identifier, **{member: {"Id": identifier, **configuration}})
    assert call("get", Id="second")[member] == {"Id": "second", **configuration}
    assert [found["Id"] for found in listed(Bucket=bucket)[f"{member}List"]] == ["first", "second"]
    call("delete", Id="first")
    assert listed(Bucket=bucket)[f"{member}List"] == [{"Id": "second", **configuration}]
    with pytest.raises(ClientError, match="NoSuchConfiguration"):
        call("get", Id="first")
    s3.head_bucket(Bucket=bucket)  # that a configuration is deleted deletes no bucket


def test_who_pays(account: Account) -> None:
    bucket = account.bucket()
    assert account.s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    account.s3.put_bucket_request_payment(
        Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"}
    )
    assert account.s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"


def test_access_by_tags(account: Account) -> None:
    bucket = account.bucket()
    assert account.s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    account.s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert account.s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Enabled"}


def test_metadata_tables(account: Account) -> None:
    bucket, s3 = account.bucket(), account.s3
    absent = "MetadataConfigurationNotFound"
    assert refused(s3.get_bucket_metadata_configuration, Bucket=bucket) == absent
    s3.create_bucket_metadata_configuration(
        Bucket=bucket,
        MetadataConfiguration={
            "JournalTableConfiguration": {"RecordExpiration": {"Expiration": "ENABLED", "Days": 7}}
        },
    )
    answer = s3.get_bucket_metadata_configuration(Bucket=bucket)
    found = answer["GetBucketMetadataConfigurationResult"]["MetadataConfigurationResult"]
    assert found["DestinationResult"] == {
        "TableBucketType": "aws",
        "TableBucketArn": f"arn:aws:s3tables:{REGION}:{ACCOUNT}:bucket/aws-s3",
        "TableNamespace": f"b_{bucket}",
    }
    expiration = found["JournalTableConfigurationResult"]["RecordExpiration"]
    assert expiration == {"Expiration": "ENABLED", "Days": 7}
    s3.delete_bucket_metadata_configuration(Bucket=bucket)
    assert refused(s3.get_bucket_metadata_configuration, Bucket=bucket) == absent


def test_notifications_to_event_bridge_are_shown(account: Account) -> None:
    bucket, s3 = account.bucket(), account.s3
    configuration: dict[str, Any] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert shown["EventBridgeConfiguration"] == {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert "EventBridgeConfiguration" not in shown


def test_mfa_delete_takes_a_device(account: Account) -> None:
    bucket, s3 = account.bucket(), account.s3
    on = {"Status": "Enabled", "MFADelete": "Enabled"}
    assert "MFADelete" not in s3.get_bucket_versioning(Bucket=bucket)
    put = s3.put_bucket_versioning
    assert refused(put, Bucket=bucket, VersioningConfiguration=on) == "AccessDenied"
    device = f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device 123456"
    put(Bucket=bucket, VersioningConfiguration=on, MFA=device)
    shown = s3.get_bucket_versioning(Bucket=bucket)
    assert (shown["Status"], shown["MFADelete"]) == ("Enabled", "Enabled")
    suspended = {"Status": "Suspended"}
    assert refused(put, Bucket=bucket, VersioningConfiguration=suspended) == "AccessDenied"
    put(Bucket=bucket, VersioningConfiguration={**on, "MFADelete": "Disabled"}, MFA=device)
    assert s3.get_bucket_versioning(Bucket=bucket)["MFADelete"] == "Disabled"


def test_a_bucket_of_somebody_else_isrefused(account: Account) -> None:
    bucket, s3 = account.bucket(), account.s3
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for owner, code in ((ACCOUNT, None), ("999999999999", "AccessDenied")):
        for call, more in ((s3.get_bucket_acl, {}), (s3.get_object, {"Key": "k"})):
            arguments = {"Bucket": bucket, "ExpectedBucketOwner": owner, **more}
            if code is None:
                call(**arguments)
            else:
                assert refused(call, **arguments) == code


def _s3_control(account: Account) -> Any:
    """A client that puts the account before the host, a name that only a proxy can do without."""
    return boto3.client(
        "s3control",
        region_name=REGION,
        endpoint_url=account.sandbox.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(proxies={"http": account.sandbox.url}),
    )


def test_the_account_host_of_s3_control_is_reached_through_the_proxy(account: Account) -> None:
    bucket, point = account.bucket(), name("point")
    control = _s3_control(account)
    control.create_access_point(AccountId=ACCOUNT, Name=point, Bucket=bucket)
    found = control.list_access_points(AccountId=ACCOUNT, Bucket=bucket)["AccessPointList"]
    assert [item["Name"] for item in found] == [point]


def test_a_function_reaches_the_account_host(account: Account) -> None:
    source = """
import boto3
def handler(event, context):
    answer = boto3.client("s3control").list_access_points(AccountId=event["account"])
    return {"names": [point["Name"] for point in answer["AccessPointList"]]}
"""
    function = account.function(source)
    answer = account.lambda_.invoke(
        FunctionName=function, Payload=json.dumps({"account": ACCOUNT}).encode()
    )
    assert "names" in json.loads(answer["Payload"].read())


def test_whether_an_access_point_is_public(account: Account) -> None:
    bucket, point = account.bucket(), name("point")
    control = _s3_control(account)
    which = {"AccountId": ACCOUNT, "Name": point}
    control.create_access_point(**which, Bucket=bucket)
    arn = control.get_access_point(**which)["AccessPointArn"]
    assert arn == f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/{point}"
    status = control.get_access_point_policy_status
    assert refused(status, **which) == "NoSuchAccessPointPolicy"
    for principal, public in (({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False), ("*", True)):
        allowed = {"Action": "s3:GetObject", "Resource": f"{arn}/object/*"}
        statement = {"Effect": "Allow", "Principal": principal, **allowed}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        control.put_access_point_policy(**which, Policy=document)
        assert status(**which)["PolicyStatus"]["IsPublic"] is public
