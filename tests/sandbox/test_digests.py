"""Digest files: their chain, their signature, and what ends and begins a chain."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

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
ASKED_FOR = "ap-south-1"
KEY = re.compile(
    rf"AWSLogs/{ACCOUNT}/CloudTrail-Digest/(?P<region>[a-z0-9-]+)/(?P<day>\d{{4}}/\d\d/\d\d)/"
    rf"{ACCOUNT}_CloudTrail-Digest_(?P=region)_(?P<trail>trail-[0-9a-f]+)_{REGION}_"
    r"(?P<end>\d{8}T\d{6}Z)(?P<backfill>_backfill)?\.json\.gz"
)
FIELDS = [
    "awsAccountId",
    "digestStartTime",
    "digestEndTime",
    "digestS3Bucket",
    "digestS3Object",
    "digestPublicKeyFingerprint",
    "digestSignatureAlgorithm",
    "newestEventTime",
    "oldestEventTime",
    "previousDigestS3Bucket",
    "previousDigestS3Object",
    "previousDigestHashValue",
    "previousDigestHashAlgorithm",
    "previousDigestSignature",
    "logFiles",
]
PREVIOUS = [field for field in FIELDS if field.startswith("previous")]


@pytest.fixture(scope="module")
def quick() -> Iterator[Account]:
    """An account with a digest every second."""
    with started(
        "--region", REGION, "--digest-period", "1", "--digest-regions", f"{ASKED_FOR},{REGION}"
    ) as running:
        yield Account(running)


@dataclass(frozen=True)
class Digest:
    """A digest as it lies in the bucket."""

    key: str
    content: bytes
    metadata: dict[str, str]

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.content))

    @property
    def files(self) -> list[str]:
        return [file["s3Object"] for file in self.document["logFiles"]]

    @property
    def is_first(self) -> bool:
        return all(self.document[field] is None for field in PREVIOUS)


def keys(account: Account, bucket: str, kind: str, region: str = "") -> list[str]:
    prefix = f"AWSLogs/{ACCOUNT}/{kind}/{region}"
    found: list[str] = []
    for page in account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        found += [one["Key"] for one in page.get("Contents", [])]
    return found


def read(account: Account, bucket: str, key: str) -> tuple[bytes, dict[str, Any]]:
    answer = account.s3.get_object(Bucket=bucket, Key=key)
    return gzip.decompress(answer["Body"].read()), answer


def digests(
    account: Account, bucket: str, region: str = REGION, backfill: bool = False
) -> list[Digest]:
    """The digests of a region, oldest first."""
    found = []
    for key in keys(account, bucket, "CloudTrail-Digest", f"{region}/"):
        if key.endswith("_backfill.json.gz") is backfill:
            content, answer = read(account, bucket, key)
            found.append(Digest(key, content, answer["Metadata"]))
    return found


def verify_signature(account: Account, digest: Digest, region: str) -> None:
    """Raises InvalidSignature unless CloudTrail signed the digest for its place."""
    document = digest.document
    listed = account.sandbox.client("cloudtrail", region).list_public_keys(
        StartTime=document["digestStartTime"], EndTime=document["digestEndTime"]
    )["PublicKeyList"]
    public_key = next(
        load_der_public_key(one["Value"])
        for one in listed
        if one["Fingerprint"] == document["digestPublicKeyFingerprint"]
    )
    assert isinstance(public_key, RSAPublicKey)
    assert digest.metadata["signature-algorithm"] == "SHA256withRSA"
    signed = "\n".join(
        (
            document["digestEndTime"],
            f"{document['digestS3Bucket']}/{digest.key}",
            hashlib.sha256(digest.content).hexdigest(),
            document["previousDigestSignature"] or "null",
        )
    )
    assert re.fullmatch("[0-9a-f]{512}", digest.metadata["signature"])
    signature = bytes.fromhex(digest.metadata["signature"])
    public_key.verify(signature, signed.encode(), PKCS1v15(), SHA256())


def verify_chain(chain: list[Digest]) -> None:
    """Each digest begins where the one before ended, and names it as it is."""
    assert chain[0].is_first
    for before, after in pairwise(chain):
        assert after.document["digestStartTime"] == before.document["digestEndTime"]
        assert after.document["previousDigestS3Object"] == before.key
        assert after.document["previousDigestS3Bucket"] == before.document["digestS3Bucket"]
        hash_value = hashlib.sha256(before.content).hexdigest()
        assert after.document["previousDigestHashValue"] == hash_value
        assert after.document["previousDigestHashAlgorithm"] == "SHA-256"
        assert after.document["previousDigestSignature"] == before.metadata["signature"]


def act(account: Account, trail: dict[str, str], region: str = REGION) -> str:
    """Do something in a region; returns the key of the log file that tells of it."""
    queue = name("queue")
    account.sandbox.client("sqs", region).create_queue(QueueName=queue)

    def told() -> list[str]:
        return [
            key
            for key in keys(account, trail["bucket"], "CloudTrail", f"{region}/")
            if queue in read(account, trail["bucket"], key)[0].decode()
        ]

    return str(eventually(told)[0])


def referenced(account: Account, trail: dict[str, str], key: str, region: str = REGION) -> Any:
    """The digest that names a log file, once there is one."""
    return eventually(
        lambda: [one for one in digests(account, trail["bucket"], region) if key in one.files]
    )[0]


def test_every_region_has_a_signed_chain_over_its_log_files(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    acted = {region: act(quick, trail, region) for region in (REGION, OTHER)}
    for region, key in acted.items():
        referenced(quick, trail, key, region)
    quick.cloudtrail.stop_logging(Name=trail["arn"])
    eventually(
        lambda: [d for d in digests(quick, trail["bucket"]) if b"StopLogging" in last_log(quick, d)]
    )
    for region in acted:
        chain = digests(quick, trail["bucket"], region)
        verify_chain(chain)
        for digest in chain:
            document = digest.document
            verify_signature(quick, digest, region)
            found = KEY.fullmatch(digest.key)
            assert found is not None
            assert (found["region"], found["trail"]) == (region, trail["name"])
            end = datetime.strptime(found["end"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            assert found["day"] == end.strftime("%Y/%m/%d")
            assert document["digestEndTime"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
            assert list(document) == FIELDS
            assert document["awsAccountId"] == ACCOUNT
            assert document["digestS3Object"] == digest.key
            assert document["digestS3Bucket"] == trail["bucket"]
            assert document["digestSignatureAlgorithm"] == "SHA256withRSA"
        files = [file for digest in chain for file in digest.document["logFiles"]]
        named = [file["s3Object"] for file in files]
        assert sorted(named) == keys(quick, trail["bucket"], "CloudTrail", f"{region}/")
        for file in files:
            content = read(quick, trail["bucket"], file["s3Object"])[0]
            times = [record["eventTime"] for record in json.loads(content)["Records"]]
            assert file == {
                "s3Bucket": trail["bucket"],
                "s3Object": file["s3Object"],
                "hashValue": hashlib.sha256(content).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": max(times),
                "oldestEventTime": min(times),
            }


def last_log(account: Account, digest: Digest) -> bytes:
    if not digest.files:
        return b""
    return read(account, digest.document["digestS3Bucket"], digest.files[-1])[0]


def test_a_changed_digest_is_no_longer_signed(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    digest = eventually(lambda: digests(quick, trail["bucket"]))[0]
    forged = Digest(digest.key, digest.content.replace(b'"logFiles":', b'"logFiles": '), {})
    forged.metadata.update(digest.metadata)
    verify_signature(quick, digest, REGION)
    with pytest.raises(InvalidSignature):
        verify_signature(quick, forged, REGION)


def test_a_digest_comes_each_period_even_when_nothing_happens(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)

    def empty(region: str) -> list[Digest]:
        return [one for one in digests(quick, trail["bucket"], region) if not one.files]

    for region in (REGION, ASKED_FOR):
        chain = eventually(functools.partial(empty, region), lambda found: len(found) >= 2)
        document = chain[-1].document
        assert document["logFiles"] == []
        assert document["newestEventTime"] is None
        assert document["oldestEventTime"] is None
        span = [datetime.fromisoformat(document[f"digest{edge}Time"]) for edge in ("Start", "End")]
        assert span[1] - span[0] == timedelta(seconds=1)
    # Other regions keep AWS's hour until something happens there.
    seen = {
        key.split("/")[3] for key in keys(quick, trail["bucket"], "CloudTrail-Digest") if "/" in key
    }
    assert seen <= {REGION, ASKED_FOR, "us-east-1"}


def test_a_trail_without_validation_has_no_digests(quick: Account) -> None:
    trail = quick.trail()
    witness = quick.trail(EnableLogFileValidation=True)
    act(quick, trail)
    eventually(lambda: len(digests(quick, witness["bucket"])) >= 2)
    assert keys(quick, trail["bucket"], "CloudTrail-Digest") == []
    status = quick.cloudtrail.get_trail_status(Name=trail["name"])
    assert "LatestDigestDeliveryTime" not in status


def test_stopping_delivers_a_final_digest_and_starting_begins_a_new_chain(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    act(quick, trail)
    quick.cloudtrail.stop_logging(Name=trail["name"])
    final = eventually(
        lambda: [d for d in digests(quick, trail["bucket"]) if b"StopLogging" in last_log(quick, d)]
    )[0]
    first_chain = digests(quick, trail["bucket"])
    assert first_chain[-1].key == final.key
    witness = quick.trail(EnableLogFileValidation=True)
    eventually(lambda: len(digests(quick, witness["bucket"])) >= 3)
    assert [one.key for one in digests(quick, trail["bucket"])] == [one.key for one in first_chain]

    quick.cloudtrail.start_logging(Name=trail["name"])
    referenced(quick, trail, act(quick, trail))
    every = digests(quick, trail["bucket"])
    second_chain = every[len(first_chain) :]
    verify_chain(first_chain)
    verify_chain(second_chain)
    began = second_chain[0].document["digestStartTime"]
    assert began >= first_chain[-1].document["digestEndTime"]


def test_starting_at_once_after_stopping_begins_a_new_chain_too(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    for _ in range(3):
        quick.cloudtrail.stop_logging(Name=trail["name"])
        quick.cloudtrail.start_logging(Name=trail["name"])
    referenced(quick, trail, act(quick, trail))
    every = digests(quick, trail["bucket"])
    # A chain that ended before anything was in it leaves no digest.
    assert 1 <= sum(one.is_first for one in every) <= 4
    named = [file for one in every for file in one.files]
    assert len(named) == len(set(named))
    for before, after in pairwise(every):
        assert after.document["digestStartTime"] >= before.document["digestEndTime"]


def test_deleting_delivers_a_final_digest(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    act(quick, trail)
    quick.security_group()
    quick.cloudtrail.delete_trail(Name=trail["name"])
    chain = digests(quick, trail["bucket"])
    verify_chain(chain)
    named = sorted(file for one in chain for file in one.files)
    assert named == keys(quick, trail["bucket"], "CloudTrail", f"{REGION}/")
    witness = quick.trail(EnableLogFileValidation=True)
    eventually(lambda: len(digests(quick, witness["bucket"])) >= 2)
    assert len(digests(quick, trail["bucket"])) == len(chain)


def test_a_trail_reduced_to_its_region_ends_the_other_chains(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    referenced(quick, trail, act(quick, trail, OTHER), OTHER)
    quick.cloudtrail.update_trail(Name=trail["name"], IsMultiRegionTrail=False)
    ended = digests(quick, trail["bucket"], OTHER)
    verify_chain(ended)
    since = len(digests(quick, trail["bucket"]))
    eventually(lambda: len(digests(quick, trail["bucket"])) > since + 2)
    assert len(digests(quick, trail["bucket"], OTHER)) == len(ended)


def backfill(account: Account, content: bytes, content_type: str = "application/json") -> Any:
    """Ask for a backfill digest: the HTTP status and the answer."""
    return control(account, "backfill-digest", content, content_type)


def control(
    account: Account, what: str, content: bytes, content_type: str = "application/json"
) -> Any:
    """Ask something of the sandbox itself: the HTTP status and the answer."""
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{account.sandbox.url}/_sandbox/{what}",
        data=content,
        headers={"Content-Type": content_type},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_switching_validation_ends_and_begins_chains_and_backfill_fills_in(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    covered = act(quick, trail)
    referenced(quick, trail, covered)
    quick.cloudtrail.update_trail(Name=trail["name"], EnableLogFileValidation=False)
    first_chain = digests(quick, trail["bucket"])
    left_out = [act(quick, trail), act(quick, trail)]
    assert len(digests(quick, trail["bucket"])) == len(first_chain)
    quick.cloudtrail.update_trail(Name=trail["name"], EnableLogFileValidation=True)
    referenced(quick, trail, act(quick, trail))
    every = digests(quick, trail["bucket"])
    verify_chain(first_chain)
    verify_chain(every[len(first_chain) :])
    named = [file for one in every for file in one.files]
    assert covered in named
    assert not set(left_out) & set(named)

    question = json.dumps({"trail": trail["name"], "region": REGION}).encode()
    status, answer = backfill(quick, question)
    assert status == 200
    chain = digests(quick, trail["bucket"], backfill=True)
    assert [one.key for one in chain] == [answer["key"]]
    assert answer["bucket"] == trail["bucket"]
    assert answer["logFiles"] == len(chain[0].files)
    assert set(left_out) <= set(chain[0].files)
    assert not set(chain[0].files) & set(named)
    assert chain[0].is_first
    verify_signature(quick, chain[0], REGION)
    found = KEY.fullmatch(chain[0].key)
    assert found is not None
    assert found["backfill"]
    generated = datetime.fromisoformat(chain[0].metadata["backfill-generation-timestamp"])
    assert abs(datetime.now(UTC) - generated) < timedelta(minutes=1)

    # A second one is chained to the first.
    quick.cloudtrail.update_trail(Name=trail["name"], EnableLogFileValidation=False)
    late = act(quick, trail)
    by_arn = json.dumps({"trail": trail["arn"]}).encode()
    status, answer = backfill(quick, by_arn)
    assert status == 200
    chain = digests(quick, trail["bucket"], backfill=True)
    assert late in chain[1].files
    assert chain[1].document["previousDigestS3Object"] == chain[0].key
    assert chain[1].document["previousDigestSignature"] == chain[0].metadata["signature"]
    verify_signature(quick, chain[1], REGION)
    # And there may be a record or two of this test's own calls, but no end of them.
    quick.cloudtrail.stop_logging(Name=trail["name"])
    quick.record(trail["group"], "StopLogging")
    eventually(lambda: backfill(quick, by_arn)[0] == 409)


def test_what_cannot_be_backfilled(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    asked = json.dumps({"trail": trail["name"], "region": "sa-east-1"}).encode()
    assert backfill(quick, asked)[0] == 409
    assert backfill(quick, asked, "text/plain")[0] == 415
    assert backfill(quick, b"{")[0] == 400
    assert backfill(quick, b"[]")[0] == 400
    assert backfill(quick, b'{"trail": "no-such-trail"}') == (
        404,
        {"error": "there is no trail 'no-such-trail'"},
    )
    assert backfill(quick, b"{}")[0] == 404
    assert backfill(quick, json.dumps({"trail": trail["name"], "region": 3}).encode())[0] == 400
    assert backfill(quick, b'{"trail": "' + b"x" * 70_000 + b'"}')[0] == 413
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(quick.sandbox.url + "/_sandbox/backfill-digest")  # noqa: S310
    assert refused.value.code == 405


def test_the_status_tells_of_digests_in_each_region(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    home, other = quick.cloudtrail, quick.sandbox.client("cloudtrail", OTHER)
    status = eventually(
        lambda: home.get_trail_status(Name=trail["arn"]),
        lambda found: "LatestDigestDeliveryTime" in found,
    )
    assert status["LatestDigestDeliveryTime"] >= status["StartLoggingTime"].replace(microsecond=0)
    assert "LatestDigestDeliveryError" not in status
    assert "LatestDigestDeliveryTime" not in other.get_trail_status(Name=trail["arn"])
    referenced(quick, trail, act(quick, trail, OTHER), OTHER)
    assert "LatestDigestDeliveryTime" in other.get_trail_status(Name=trail["arn"])


def test_a_policy_that_leaves_digests_out_is_told_and_the_chain_goes_on(quick: Account) -> None:
    trail = quick.trail(EnableLogFileValidation=True)
    bucket = trail["bucket"]
    eventually(lambda: digests(quick, bucket))
    policy = quick.s3.get_bucket_policy(Bucket=bucket)["Policy"]
    quick.s3.put_bucket_policy(
        Bucket=bucket,
        Policy=policy.replace(f"AWSLogs/{ACCOUNT}/", f"AWSLogs/{ACCOUNT}/CloudTrail/"),
    )
    status = eventually(
        lambda: quick.cloudtrail.get_trail_status(Name=trail["name"]),
        lambda found: "LatestDigestDeliveryError" in found,
    )
    assert status["LatestDigestDeliveryError"] == "AccessDenied"
    assert "LatestDeliveryError" not in status
    meanwhile = act(quick, trail)
    quick.s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    referenced(quick, trail, meanwhile)
    verify_chain(digests(quick, bucket))
    status = quick.cloudtrail.get_trail_status(Name=trail["name"])
    assert "LatestDigestDeliveryError" not in status


def test_digests_are_encrypted_as_the_trail_or_the_bucket_says(quick: Account) -> None:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    key = quick.kms.create_key(Policy=document)["KeyMetadata"]["Arn"]

    def head(trail: dict[str, str]) -> Any:
        digest = eventually(lambda: keys(quick, trail["bucket"], "CloudTrail-Digest"))[0]
        return quick.s3.head_object(Bucket=trail["bucket"], Key=digest)

    of_trail = head(quick.trail(EnableLogFileValidation=True, KmsKeyId=key))
    assert (of_trail["ServerSideEncryption"], of_trail["SSEKMSKeyId"]) == ("aws:kms", key)
    plain = head(quick.trail(EnableLogFileValidation=True))
    assert plain["ServerSideEncryption"] == "AES256"
    trail = name("trail")
    bucket = quick.trail_bucket(trail)
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    }
    quick.s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    quick.cloudtrail.create_trail(Name=trail, S3BucketName=bucket, EnableLogFileValidation=True)
    quick.cloudtrail.start_logging(Name=trail)
    of_bucket = head({"bucket": bucket})
    assert (of_bucket["ServerSideEncryption"], of_bucket["SSEKMSKeyId"]) == ("aws:kms", key)


def test_public_keys(quick: Account) -> None:
    found = {}
    for region in (REGION, OTHER):
        client = quick.sandbox.client("cloudtrail", region)
        (key,) = client.list_public_keys()["PublicKeyList"]
        assert client.list_public_keys()["PublicKeyList"] == [key]
        now = datetime.now(UTC)
        assert key["ValidityStartTime"] <= now <= key["ValidityEndTime"]
        public_key = load_der_public_key(key["Value"])
        assert isinstance(public_key, RSAPublicKey)
        assert public_key.key_size == 2048
        # PKCS #1: a sequence of two integers, with no algorithm identifier around it.
        assert key["Value"][:5] == bytes.fromhex("3082010a02")
        assert re.fullmatch("[0-9a-f]{32}", key["Fingerprint"])
        day = timedelta(days=1)
        for start_time, end_time, expected in (
            (key["ValidityStartTime"] - 2 * day, key["ValidityStartTime"] - day, []),
            (key["ValidityStartTime"] - day, key["ValidityStartTime"] + day, [key]),
            (key["ValidityEndTime"] + day, key["ValidityEndTime"] + 2 * day, []),
        ):
            listed = client.list_public_keys(StartTime=start_time, EndTime=end_time)
            assert listed["PublicKeyList"] == expected
        with pytest.raises(ClientError, match="InvalidTimeRangeException"):
            client.list_public_keys(StartTime=now, EndTime=now - day)
        found[region] = key["Fingerprint"]
    assert found[REGION] != found[OTHER]


@pytest.mark.skipif(importlib.util.find_spec("awscli") is None, reason="awscli is not installed")
def test_what_an_earlier_and_a_later_key_signed_is_valid(quick: Account) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    trail = quick.trail(EnableLogFileValidation=True)
    referenced(quick, trail, act(quick, trail))
    status, answer = control(quick, "rotate-signing-key", json.dumps({"region": REGION}).encode())
    assert status == 200
    referenced(quick, trail, act(quick, trail))
    quick.cloudtrail.stop_logging(Name=trail["name"])
    every = digests(quick, trail["bucket"])
    signed_by = {one.document["digestPublicKeyFingerprint"] for one in every}
    assert answer["fingerprint"] == every[-1].document["digestPublicKeyFingerprint"]
    assert len(signed_by) == 2
    old, new = quick.cloudtrail.list_public_keys(StartTime=since)["PublicKeyList"][-2:]
    assert {old["Fingerprint"], new["Fingerprint"]} == signed_by
    assert old["ValidityEndTime"] == new["ValidityStartTime"]
    assert [one["Fingerprint"] for one in quick.cloudtrail.list_public_keys()["PublicKeyList"]] == [
        new["Fingerprint"]
    ]
    theirs = validate_logs(quick, trail, since)
    found = re.search(r"^(\d+)/\1 digest files valid", theirs.stdout, re.MULTILINE)
    assert found is not None, theirs.stdout + theirs.stderr
    assert int(found[1]) >= len(every)
    start = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    arguments = ["--trail-arn", trail["arn"], "--start", start, "--regions", REGION, "--json"]
    ours = json.loads(run(quick, "verify", "integrity", *arguments).stdout)
    assert ours["totals"]["digests_proven"] == ours["totals"]["digests"] >= len(every)
    assert not {one["consequence"] for one in ours["findings"]} & {"tampering", "loss"}


def test_a_key_is_rotated_in_a_region(quick: Account) -> None:
    assert control(quick, "rotate-signing-key", b"{}")[0] == 400


@pytest.mark.skipif(importlib.util.find_spec("awscli") is None, reason="awscli is not installed")
def test_validate_logs_finds_nothing_wrong_and_a_changed_log_file(quick: Account) -> None:
    since = datetime.now(UTC) - timedelta(seconds=2)
    trail = quick.trail(EnableLogFileValidation=True)
    acted = {region: act(quick, trail, region) for region in (REGION, OTHER)}
    for region, key in acted.items():
        referenced(quick, trail, key, region)
    quick.cloudtrail.update_trail(Name=trail["name"], EnableLogFileValidation=False)
    act(quick, trail)
    assert backfill(quick, json.dumps({"trail": trail["name"]}).encode())[0] == 200
    quick.cloudtrail.stop_logging(Name=trail["name"])

    for region in acted:
        count = len(digests(quick, trail["bucket"], region))
        finished = validate_logs(quick, trail, since, region)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert f"{count}/{count} digest files valid" in finished.stdout
        assert "INVALID" not in finished.stdout + finished.stderr
    assert "1/1 backfill digest files valid" in validate_logs(quick, trail, since).stdout
    records = gzip.compress(b'{"Records":[]}')
    quick.s3.put_object(Bucket=trail["bucket"], Key=acted[OTHER], Body=records)
    finished = validate_logs(quick, trail, since, OTHER)
    assert finished.returncode == 1
    assert "hash value doesn't match" in finished.stderr


def test_the_account_has_the_regions_that_every_account_has(quick: Account) -> None:
    enabled = quick.ec2.describe_regions()["Regions"]
    names = {region["RegionName"] for region in enabled}
    assert len(names) == 17
    assert {REGION, OTHER, "ap-southeast-1"} <= names
    assert not {"cn-north-1", "us-gov-west-1", "af-south-1"} & names
    assert {region["OptInStatus"] for region in enabled} == {"opt-in-not-required"}
    every = quick.ec2.describe_regions(AllRegions=True)["Regions"]
    status = {region["RegionName"]: region["OptInStatus"] for region in every}
    assert status["af-south-1"] == "not-opted-in"
    assert "cn-north-1" not in status
    named = quick.ec2.describe_regions(RegionNames=[OTHER])["Regions"]
    assert [region["RegionName"] for region in named] == [OTHER]
    chosen = [{"Name": "opt-in-status", "Values": ["not-opted-in"]}]
    filtered = quick.ec2.describe_regions(AllRegions=True, Filters=chosen)["Regions"]
    assert {region["RegionName"] for region in filtered} == set(status) - names
