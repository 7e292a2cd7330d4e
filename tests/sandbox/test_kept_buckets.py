"""How buckets of the sandbox keep what they hold: locks, lifecycles and copies, as S3 has them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import ACCOUNT, Account
from tests.sandbox.test_authorization import clients_of, refused, session
from tests.sandbox.test_buckets import deny, put_policy

BYPASS = "s3:BypassGovernanceRetention"
DELETING = {"Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"]}


def _versioned(account: Account) -> str:
    bucket = account.bucket()
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def _locked(account: Account, mode: str = "GOVERNANCE") -> str:
    bucket = _versioned(account)
    rule = {"DefaultRetention": {"Mode": mode, "Days": 10}}
    account.s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return bucket


def _file(account: Account, bucket: str, key: str = "k") -> dict[str, Any]:
    version = account.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    return {"Bucket": bucket, "Key": key, "VersionId": version}


def _code(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return str(raised.value.response["Error"]["Code"])


# --- locks ----------------------------------------------------------------------------------------


def test_a_bucket_with_versions_can_be_locked_and_no_other(account: Account) -> None:
    bucket = _locked(account)
    version = account.s3.get_object_retention(**_file(account, bucket))["Retention"]
    assert version["Mode"] == "GOVERNANCE"
    lock = {"ObjectLockEnabled": "Enabled"}
    put = account.s3.put_object_lock_configuration
    code = _code(put, Bucket=account.bucket(), ObjectLockConfiguration=lock)
    assert code == "InvalidBucketState"


def test_a_version_without_a_lock_has_no_retention(account: Account) -> None:
    version = _file(account, _versioned(account))
    code = _code(account.s3.get_object_retention, **version)
    assert code == "NoSuchObjectLockConfiguration"


def test_who_goes_past_a_lock_needs_the_permission_for_it(account: Account) -> None:
    bucket = _locked(account)
    without = session(account, DELETING)("s3").delete_object
    allowed = session(account, DELETING, {"Action": BYPASS})("s3").delete_object
    version = _file(account, bucket)
    assert refused(without, **version)
    assert BYPASS in refused(without, **version, BypassGovernanceRetention=True)
    assert refused(allowed, **version)  # it has to be said as well
    allowed(**version, BypassGovernanceRetention=True)
    assert "Versions" not in account.s3.list_object_versions(Bucket=bucket)


def test_a_policy_that_allows_the_deletion_allows_no_bypass(account: Account) -> None:
    bucket = _locked(account)
    role = account.role("ec2.amazonaws.com")
    admit = deny(bucket, [*DELETING["Action"]], {})
    admit |= {"Effect": "Allow", "Principal": {"AWS": role}}
    admit.pop("Condition", None)
    put_policy(account, bucket, admit)
    delete = clients_of(account, role)("s3").delete_object
    version = _file(account, bucket)
    assert BYPASS in refused(delete, **version, BypassGovernanceRetention=True)
    put_policy(account, bucket, {**admit, "Action": [*DELETING["Action"], BYPASS]})
    delete(**version, BypassGovernanceRetention=True)


def test_a_policy_denies_the_bypass_to_the_administrator_too(account: Account) -> None:
    bucket = _locked(account)
    version = _file(account, bucket)
    condition = {"StringNotEquals": {"aws:PrincipalAccount": "999999999999"}}
    put_policy(account, bucket, deny(bucket, [BYPASS], condition))
    assert refused(account.s3.delete_object, **version, BypassGovernanceRetention=True)
    which = {"Key": version["Key"], "VersionId": version["VersionId"]}
    answer = account.s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [which]}, BypassGovernanceRetention=True
    )
    assert [one["Code"] for one in answer["Errors"]] == ["AccessDenied"]
    account.s3.delete_bucket_policy(Bucket=bucket)
    account.s3.delete_object(**version, BypassGovernanceRetention=True)


def test_nobody_goes_past_a_lock_for_compliance(account: Account) -> None:
    version = _file(account, _locked(account, "COMPLIANCE"))
    assert refused(account.s3.delete_object, **version, BypassGovernanceRetention=True)


def test_a_locked_bucket_keeps_its_versions(account: Account) -> None:
    bucket = _locked(account)
    suspended = {"Status": "Suspended"}
    put = account.s3.put_bucket_versioning
    assert _code(put, Bucket=bucket, VersioningConfiguration=suspended) == "InvalidBucketState"
    assert account.s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    put(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(Bucket=_versioned(account), VersioningConfiguration=suspended)


# --- copies ---------------------------------------------------------------------------------------


def test_a_bucket_is_copied_as_it_was_said_and_keeps_its_versions(account: Account) -> None:
    bucket, copies = _versioned(account), _versioned(account)
    key = account.kms.create_key()["KeyMetadata"]["Arn"]
    rule = {
        "ID": "every-file",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "Destination": {
            "Bucket": f"arn:aws:s3:::{copies}",
            "EncryptionConfiguration": {"ReplicaKmsKeyID": key},
            "Metrics": {"Status": "Enabled"},
        },
    }
    put = {"Role": f"arn:aws:iam::{ACCOUNT}:role/copies", "Rules": [rule]}
    account.s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=put)
    shown = account.s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    assert shown == put
    suspended = {"Status": "Suspended"}
    suspend = account.s3.put_bucket_versioning
    assert _code(suspend, Bucket=bucket, VersioningConfiguration=suspended) == "InvalidBucketState"
    account.s3.delete_bucket_replication(Bucket=bucket)
    suspend(Bucket=bucket, VersioningConfiguration=suspended)


# --- lifecycles -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "versions"),
    [
        ({"Prefix": ""}, {"NoncurrentDays": 30}),
        ({"Prefix": ""}, {"NoncurrentDays": 30, "NewerNoncurrentVersions": 5}),
        ({"ObjectSizeGreaterThan": 10_000_000}, {"NoncurrentDays": 30}),
        ({"And": {"Prefix": "a/", "ObjectSizeLessThan": 500}}, {"NoncurrentDays": 30}),
    ],
)
def test_a_lifecycle_is_shown_as_it_was_put(
    account: Account, selection: dict[str, Any], versions: dict[str, Any]
) -> None:
    bucket = _versioned(account)
    rule = {
        "ID": "rule",
        "Status": "Enabled",
        "Filter": selection,
        "Expiration": {"Days": 100},
        "NoncurrentVersionExpiration": versions,
        "Transitions": [{"Days": 90, "StorageClass": "GLACIER"}],
    }
    account.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    shown = account.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert shown["Rules"] == [rule]
    assert shown["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    plain = {**rule, "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    account.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": [plain]},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class",
    )
    shown = account.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert shown["Rules"] == [plain]
    assert shown["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
