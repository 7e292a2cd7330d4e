"""Organization trails: what one needs, where its files lie, and what both validators say."""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.support import (
    ACCOUNT,
    REGION,
    Account,
    eventually,
    name,
    run,
    started,
    validate_logs,
)

OTHER = "us-west-2"
OWN = f"AWSLogs/{ACCOUNT}"
NOT_MADE = "InsufficientDependencyServiceAccessPermissionException"


@pytest.fixture(scope="module")
def alone() -> Iterator[Account]:
    """An account that is in no organization, with a digest every second."""
    with started("--region", REGION, "--digest-period", "1", "--digest-regions", REGION) as running:
        yield Account(running)


@pytest.fixture
def organization(alone: Account) -> Iterator[str]:
    """The id of an organization of the account's that trusts CloudTrail."""
    client = alone.sandbox.client("organizations")
    made = client.create_organization(FeatureSet="ALL")["Organization"]
    client.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    yield str(made["Id"])
    for trail in alone.cloudtrail.list_trails()["Trails"]:
        alone.cloudtrail.delete_trail(Name=trail["Name"])
    client.delete_organization()


def create(account: Account, bucket: str, trail: str, **settings: Any) -> str | None:
    """CreateTrail's error for an organization trail; None when it is made."""
    try:
        account.cloudtrail.create_trail(
            Name=trail, S3BucketName=bucket, IsOrganizationTrail=True, **settings
        )
    except ClientError as refused:
        return str(refused.response["Error"]["Code"])
    return None


def test_an_organization_is_asked_for_with_all_features_and_trust(alone: Account) -> None:
    client = alone.sandbox.client("organizations")
    trail = name("trail")
    bucket = alone.trail_bucket(trail, "AWSLogs")
    assert create(alone, bucket, trail) == "OrganizationsNotInUseException"
    client.create_organization(FeatureSet="CONSOLIDATED_BILLING")
    assert create(alone, bucket, trail) == "OrganizationNotInAllFeaturesModeException"
    client.delete_organization()
    client.create_organization(FeatureSet="ALL")
    assert create(alone, bucket, trail) == "CloudTrailAccessNotEnabledException"
    client.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    assert create(alone, bucket, trail) is None
    client.disable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    with pytest.raises(ClientError, match="CloudTrailAccessNotEnabledException"):
        alone.cloudtrail.update_trail(Name=trail, IsOrganizationTrail=True)
    alone.cloudtrail.update_trail(Name=trail, IsOrganizationTrail=False)
    assert alone.cloudtrail.get_trail(Name=trail)["Trail"]["IsOrganizationTrail"] is False
    alone.cloudtrail.delete_trail(Name=trail)
    client.delete_organization()


def test_the_bucket_admits_the_organization_and_the_account(
    alone: Account, organization: str
) -> None:
    trail = name("trail")
    theirs = f"AWSLogs/{organization}"
    code = "InsufficientS3BucketPolicyException"
    assert create(alone, alone.trail_bucket(trail, OWN), trail) == code
    assert create(alone, alone.trail_bucket(trail, theirs), trail) == code
    both = alone.trail_bucket(trail, OWN, theirs)
    assert create(alone, both, trail, S3KeyPrefix="audit") == code
    assert trail not in str(alone.cloudtrail.list_trails()["Trails"])

    # A trail of the account's own is held to the same when it is to become the organization's.
    alone.cloudtrail.create_trail(Name=trail, S3BucketName=alone.trail_bucket(trail, OWN))
    with pytest.raises(ClientError, match=code):
        alone.cloudtrail.update_trail(Name=trail, IsOrganizationTrail=True)
    assert alone.cloudtrail.get_trail(Name=trail)["Trail"]["IsOrganizationTrail"] is False
    updated = alone.cloudtrail.update_trail(Name=trail, S3BucketName=both, IsOrganizationTrail=True)
    assert updated["IsOrganizationTrail"] is True


def test_who_makes_one_may_use_organizations_and_iam(alone: Account, organization: str) -> None:
    needed = [
        "iam:CreateServiceLinkedRole",
        "iam:GetRole",
        "organizations:DescribeOrganization",
        "organizations:DisableAWSServiceAccess",
        "organizations:EnableAWSServiceAccess",
        "organizations:ListAWSServiceAccessForOrganization",
        "organizations:ListAccounts",
    ]
    trail = name("trail")
    bucket = alone.trail_bucket(trail, "AWSLogs")

    def session(*actions: str) -> Any:
        """CloudTrail's client of a role with these permissions."""
        permitted = {"Effect": "Allow", "Action": ["cloudtrail:*", *actions], "Resource": "*"}
        role = alone.role("ec2.amazonaws.com", permitted)
        keys = alone.sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return alone.sandbox.client(
            "cloudtrail",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    powerless = session()
    powerless.create_trail(Name=trail, S3BucketName=bucket)
    with pytest.raises(ClientError, match=NOT_MADE):
        powerless.update_trail(Name=trail, IsOrganizationTrail=True)
    for missing in needed:
        client = session(*(action for action in needed if action != missing))
        with pytest.raises(ClientError, match=NOT_MADE):
            client.update_trail(Name=trail, IsOrganizationTrail=True)
    session(*needed).update_trail(Name=trail, IsOrganizationTrail=True)
    assert alone.cloudtrail.get_trail(Name=trail)["Trail"]["IsOrganizationTrail"] is True


def keys(account: Account, bucket: str, prefix: str = "") -> list[str]:
    found: list[str] = []
    for page in account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += [one["Key"] for one in page.get("Contents", [])]
    return found


def read(account: Account, bucket: str, key: str) -> dict[str, Any]:
    body = account.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return dict(json.loads(gzip.decompress(body)))


def files_with(account: Account, bucket: str, folder: str, text: str) -> list[str]:
    """The log or digest files in a folder that have a text in them."""
    return [key for key in keys(account, bucket, folder) if text in str(read(account, bucket, key))]


@dataclass(frozen=True)
class Delivered:
    """An organization trail that was stopped, and what it delivered."""

    trail: dict[str, str]
    root: str  # the account's folder in the bucket
    told: dict[str, str]  # a log file of each region that something was done in
    since: datetime  # when the second digest began at the latest


@pytest.fixture
def delivered(alone: Account, organization: str) -> Delivered:
    trail = alone.trail(
        f"audit/{OWN}",
        f"audit/AWSLogs/{organization}",
        IsOrganizationTrail=True,
        S3KeyPrefix="audit",
        EnableLogFileValidation=True,
    )
    bucket, root = trail["bucket"], f"audit/AWSLogs/{organization}/{ACCOUNT}"
    started = alone.cloudtrail.get_trail_status(Name=trail["arn"])["StartLoggingTime"]
    told = {}
    for region in (REGION, OTHER):
        queue = name("queue")
        alone.sandbox.client("sqs", region).create_queue(QueueName=queue)
        found = functools.partial(files_with, alone, bucket, f"{root}/CloudTrail/{region}/", queue)
        told[region] = eventually(found)[0]
    home = f"{root}/CloudTrail-Digest/{REGION}/"
    eventually(lambda: len(keys(alone, bucket, home)) >= 2)
    alone.cloudtrail.stop_logging(Name=trail["name"])
    logs = f"{root}/CloudTrail/{REGION}/"
    last = eventually(lambda: files_with(alone, bucket, logs, "StopLogging"))[0]
    final = eventually(lambda: files_with(alone, bucket, home, last))[0]
    # What is asked for ends now, and a final digest may end with the second that has begun.
    end = datetime.fromisoformat(read(alone, bucket, final)["digestEndTime"])
    eventually(lambda: datetime.now(UTC) >= end)
    return Delivered(trail, root, told, started + timedelta(seconds=1))


def test_an_organization_trail_writes_to_its_accounts_folder(
    alone: Account, organization: str, delivered: Delivered
) -> None:
    bucket, root, trail = delivered.trail["bucket"], delivered.root, delivered.trail["name"]
    day, region = r"\d{4}/\d\d/\d\d", r"[a-z]+-[a-z]+-\d"
    log = (
        rf"CloudTrail/{region}/{day}/"
        rf"{ACCOUNT}_CloudTrail_{region}_\d{{8}}T\d{{4}}Z_[0-9A-Za-z]{{16}}"
    )
    digest = (
        rf"CloudTrail-Digest/{region}/{day}/"
        rf"{ACCOUNT}_CloudTrail-Digest_{region}_{trail}_{REGION}_\d{{8}}T\d{{6}}Z"
    )
    for key in keys(alone, bucket):
        assert re.fullmatch(rf"{root}/({log}|{digest})\.json\.gz", key), key
    for region in delivered.told:
        *_, before, final = [None, *keys(alone, bucket, f"{root}/CloudTrail-Digest/{region}/")]
        document = read(alone, bucket, str(final))
        assert document["awsAccountId"] == ACCOUNT
        assert (document["digestS3Bucket"], document["digestS3Object"]) == (bucket, final)
        assert document["previousDigestS3Object"] == before
    streams = alone.logs.describe_log_streams(logGroupName=delivered.trail["group"])["logStreams"]
    assert [one["logStreamName"] for one in streams] == [
        f"{organization}_{ACCOUNT}_CloudTrail_{REGION}"
    ]


@pytest.mark.skipif(importlib.util.find_spec("awscli") is None, reason="awscli is not installed")
def test_both_validators_find_it_whole_and_then_a_changed_log_file(
    alone: Account, organization: str, delivered: Delivered
) -> None:
    bucket, root, told = delivered.trail["bucket"], delivered.root, delivered.told
    exit_code, result = ours(alone, delivered)
    assert (exit_code, result["organization"]) == (0, organization), result["findings"]
    assert {one["account"] for one in result["targets"]} == {ACCOUNT}
    covered = {one["region"] for one in result["targets"] if one["covered"]}
    assert {REGION, OTHER} <= covered
    assert result["totals"]["logs_intact"] == len(keys(alone, bucket, f"{root}/CloudTrail/"))
    for region in told:
        count = len(keys(alone, bucket, f"{root}/CloudTrail-Digest/{region}/"))
        finished = theirs(alone, delivered, region)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert f"{count}/{count} digest files valid" in finished.stdout
        assert "INVALID" not in finished.stdout + finished.stderr

    alone.s3.put_object(Bucket=bucket, Key=told[OTHER], Body=gzip.compress(b'{"Records":[]}'))
    exit_code, result = ours(alone, delivered)
    assert exit_code == 1
    changed = [one for one in result["findings"] if one["kind"] == "log-changed"]
    assert [(one["account"], one["region"], one["key"]) for one in changed] == [
        (ACCOUNT, OTHER, told[OTHER])
    ]
    finished = theirs(alone, delivered, OTHER)
    assert finished.returncode == 1
    assert "hash value doesn't match" in finished.stderr


def ours(account: Account, delivered: Delivered) -> tuple[int, dict[str, Any]]:
    """This product's judgement of every region: the exit code and the result."""
    begin = delivered.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    question = ["--trail-arn", delivered.trail["arn"], "--start", begin, "--json"]
    finished = run(account, "verify", "integrity", *question)
    return finished.returncode, json.loads(finished.stdout)


def theirs(account: Account, delivered: Delivered, region: str) -> subprocess.CompletedProcess[str]:
    """The AWS CLI's judgement of a region; it takes the account's id for an organization trail."""
    since = delivered.since - timedelta(seconds=3)
    return validate_logs(account, delivered.trail, since, region, "--account-id", ACCOUNT)
