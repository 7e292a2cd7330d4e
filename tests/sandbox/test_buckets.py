"""Bucket policies with conditions, and what S3 says of a bucket."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.support import REGION, Account, refused


def deny(bucket: str, action: Any, condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": condition,
    }


def put_policy(account: Account, bucket: str, *statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))


def test_loopback_counts_as_tls(account: Account) -> None:
    bucket = account.bucket()
    put_policy(account, bucket, deny(bucket, "s3:*", {"Bool": {"aws:SecureTransport": "false"}}))
    account.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert account.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_the_wrong_encryption_is_refused(account: Account) -> None:
    bucket = account.bucket()
    right = account.kms.create_key()["KeyMetadata"]["Arn"]
    wrong = account.kms.create_key()["KeyMetadata"]["Arn"]
    header, key_header = "s3:x-amz-server-side-encryption", "aws-kms-key-id"
    put_policy(
        account,
        bucket,
        deny(
            bucket,
            "s3:PutObject",
            {
                "Null": {header: "false"},
                "StringNotEquals": {header: ["aws:kms", "AES256"]},
            },
        ),
        deny(
            bucket,
            "s3:PutObject",
            {
                "Null": {f"{header}-{key_header}": "false"},
                "StringNotEquals": {f"{header}-{key_header}": right},
            },
        ),
    )
    put = account.s3.put_object
    put(Bucket=bucket, Key="plain", Body=b"x")
    put(Bucket=bucket, Key="s3", Body=b"x", ServerSideEncryption="AES256")
    put(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=right)
    assert (
        refused(
            put,
            Bucket=bucket,
            Key="no",
            Body=b"x",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=wrong,
        )
        == "AccessDenied"
    )
    assert (
        refused(put, Bucket=bucket, Key="no", Body=b"x", ServerSideEncryption="aws:kms:dsse")
        == "AccessDenied"
    )
    # With encryption left to the bucket, the bucket's own key is the one compared.
    account.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": wrong,
                    }
                }
            ]
        },
    )
    assert refused(put, Bucket=bucket, Key="no", Body=b"x") == "AccessDenied"


def test_deletion_is_for_one_role(account: Account) -> None:
    bucket = account.bucket()
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = account.role("ec2.amazonaws.com", everything)
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = account.s3.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    account.s3.put_object(Bucket=bucket, Key="l", Body=b"x")
    actions = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketVersioning"]
    condition = {"ArnNotLike": {"aws:PrincipalArn": [role]}}
    put_policy(account, bucket, deny(bucket, actions, condition))
    s3 = account.s3
    assert refused(s3.delete_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert refused(s3.delete_object, Bucket=bucket, Key="k", VersionId=version) == "AccessDenied"
    assert (
        refused(
            s3.put_bucket_versioning,
            Bucket=bucket,
            VersioningConfiguration={"Status": "Suspended"},
        )
        == "AccessDenied"
    )
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "l"}]})
    assert {one["Code"] for one in answer["Errors"]} == {"AccessDenied"}
    assert "Deleted" not in answer
    session = account.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    admin = account.sandbox.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    admin.delete_object(Bucket=bucket, Key="k")
    # Whoever may remove the policy may then empty and delete the bucket.
    s3.delete_bucket_policy(Bucket=bucket)
    for kind in ("Versions", "DeleteMarkers"):
        for one in s3.list_object_versions(Bucket=bucket).get(kind, []):
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def test_a_bucket_can_admit_a_role_by_its_policy_alone(account: Account) -> None:
    bucket = account.bucket()
    account.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    role = account.role("ec2.amazonaws.com")
    session = account.sts.assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    reader = account.sandbox.client(
        "s3",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert refused(reader.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    put_policy(
        account,
        bucket,
        {
            "Effect": "Allow",
            "Principal": {"AWS": role},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        },
    )
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert refused(reader.put_object, Bucket=bucket, Key="k", Body=b"y") == "AccessDenied"


def test_public_policies_and_acls(account: Account) -> None:
    bucket = account.bucket()
    everyone = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    put_policy(account, bucket, everyone)
    status = account.s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]
    assert status["IsPublic"] is True
    narrowed = {**everyone, "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}
    put_policy(account, bucket, narrowed)
    status = account.s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]
    assert status["IsPublic"] is False
    block = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    account.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
    document = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    assert refused(account.s3.put_bucket_policy, Bucket=bucket, Policy=document) == "AccessDenied"
    assert refused(account.s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessDenied"
    account.s3.put_bucket_acl(Bucket=bucket, ACL="private")


def test_a_bucket_is_always_encrypted(account: Account) -> None:
    bucket = account.bucket()

    def algorithm() -> str:
        found = account.s3.get_bucket_encryption(Bucket=bucket)
        rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]
        return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])

    assert algorithm() == "AES256"
    account.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    assert algorithm() == "aws:kms"
    account.s3.delete_bucket_encryption(Bucket=bucket)
    assert algorithm() == "AES256"
    assert account.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == REGION
