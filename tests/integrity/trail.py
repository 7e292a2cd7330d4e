"""A trail's log files and signed digests, built into a loopback bucket as CloudTrail lays them out.

Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation". The key pairs are made here; ListPublicKeys gives them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.integrity.loopback import Account, Bucket

ACCOUNT = "123456789012"
TRAIL = "cloudtrail-audit-dev"
HOME = "ap-southeast-1"
BUCKET = "s3-cloudtrail-logs-dev-123456789012"
HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@cache
def key_pair(name: str) -> rsa.RSAPrivateKey:
    """A key pair for `name`, the same for the whole test session."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_der(key: rsa.RSAPrivateKey) -> bytes:
    """The public key as ListPublicKeys has it: DER of PKCS #1."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.PKCS1
    )


def fingerprint(key: rsa.RSAPrivateKey) -> str:
    """32 hexadecimal characters that name a key."""
    return hashlib.md5(public_der(key), usedforsecurity=False).hexdigest()


def timestamp(moment: datetime) -> str:
    """As digests write times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Link:
    """What a digest says of the one before it."""

    bucket: str
    key: str
    hash_value: str
    signature: str


@dataclass
class Trail:
    """Writes one trail of one account; `prefix` and `organization` change where its files go."""

    account: Account
    name: str = TRAIL
    account_id: str = ACCOUNT
    home: str = HOME
    bucket_name: str = BUCKET
    prefix: str = ""
    organization: str | None = None
    multi_region: bool = True
    records_per_file: int = 3
    _chains: dict[tuple[str, bool], Link] = field(default_factory=dict)
    _files: int = 0

    def __post_init__(self) -> None:
        self.account.buckets.setdefault(self.bucket_name, Bucket(self.bucket_name, self.home))
        self.account.trails[self.arn] = {
            "Name": self.name,
            "TrailARN": self.arn,
            "HomeRegion": self.home,
            "S3BucketName": self.bucket_name,
            "IsMultiRegionTrail": self.multi_region,
            "IsOrganizationTrail": self.organization is not None,
            "LogFileValidationEnabled": True,
            **({"S3KeyPrefix": self.prefix} if self.prefix else {}),
        }
        self.account.organization = self.organization or self.account.organization

    @property
    def arn(self) -> str:
        """The trail's ARN."""
        return f"arn:aws:cloudtrail:{self.home}:{ACCOUNT}:trail/{self.name}"

    @property
    def bucket(self) -> Bucket:
        """The bucket that the trail delivers to."""
        return self.account.buckets[self.bucket_name]

    def root(self, kind: str, region: str, moment: datetime) -> str:
        """The folder of a day: `kind` is CloudTrail or CloudTrail-Digest."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        organization = f"{self.organization}/" if self.organization else ""
        return (
            f"{prefix}AWSLogs/{organization}{self.account_id}/{kind}/{region}/"
            f"{moment.strftime('%Y/%m/%d')}/"
        )

    def log_key(self, region: str, moment: datetime) -> str:
        """A fresh log file's key."""
        self._files += 1
        number, unique = self._files, ""
        for _ in range(16):
            number, digit = divmod(number, 62)
            unique = _ALPHABET[digit] + unique
        stamp = moment.strftime("%Y%m%dT%H%MZ")
        return (
            self.root("CloudTrail", region, moment)
            + f"{self.account_id}_CloudTrail_{region}_{stamp}_{unique}.json.gz"
        )

    def digest_key(self, region: str, end: datetime, backfill: bool = False) -> str:
        """The key of the digest that ends at `end`."""
        stamp = end.strftime("%Y%m%dT%H%M%SZ")
        return (
            self.root("CloudTrail-Digest", region, end)
            + f"{self.account_id}_CloudTrail-Digest_{region}_{self.name}_{self.home}_{stamp}"
            + ("_backfill" if backfill else "")
            + ".json.gz"
        )

    def publish_key(
        self,
        region: str,
        key: rsa.RSAPrivateKey | None = None,
        valid_from: datetime = datetime(2025, 1, 1, tzinfo=UTC),
        valid_until: datetime = datetime(2027, 1, 1, tzinfo=UTC),
    ) -> None:
        """Make ListPublicKeys of `region` name a key; once for each key."""
        key = key or key_pair(region)
        known = self.account.public_keys.setdefault(region, [])
        if any(one["Fingerprint"] == fingerprint(key) for one in known):
            return
        known.append(
            {
                "Value": base64.b64encode(public_der(key)).decode(),
                "ValidityStartTime": valid_from.timestamp(),
                "ValidityEndTime": valid_until.timestamp(),
                "Fingerprint": fingerprint(key),
            }
        )

    def write_log(self, region: str, moment: datetime) -> dict[str, Any]:
        """Deliver one log file; gives what a digest says of it."""
        key = self.log_key(region, moment)
        content = log_content(self._files, region, moment, self.records_per_file)
        self.bucket.put(key, gzip.compress(content, 6, mtime=0), modified=moment)
        return {
            "s3Bucket": self.bucket_name,
            "s3Object": key,
            "hashValue": hashlib.sha256(content).hexdigest(),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": timestamp(moment),
            "oldestEventTime": timestamp(moment - timedelta(minutes=5)),
        }

    def write_digest(
        self,
        region: str,
        start: datetime,
        end: datetime,
        logs: list[dict[str, Any]],
        *,
        backfill: bool = False,
        key: rsa.RSAPrivateKey | None = None,
        algorithm: hashes.HashAlgorithm | None = None,
        changes: dict[str, Any] | None = None,
        generated: datetime | None = None,
    ) -> str:
        """Sign and deliver a digest that continues its chain; gives its key.

        `algorithm` and `changes` (of the document, before it is signed) make what CloudTrail never
        would.
        """
        key = key or key_pair(region)
        self.publish_key(region, key)
        previous = self._chains.get((region, backfill))
        object_key = self.digest_key(region, end, backfill)
        document = {
            "awsAccountId": self.account_id,
            "digestStartTime": timestamp(start),
            "digestEndTime": timestamp(end),
            "digestS3Bucket": self.bucket_name,
            "digestS3Object": object_key,
            "digestPublicKeyFingerprint": fingerprint(key),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": logs[-1]["newestEventTime"] if logs else None,
            "oldestEventTime": logs[0]["oldestEventTime"] if logs else None,
            "previousDigestS3Bucket": previous.bucket if previous else None,
            "previousDigestS3Object": previous.key if previous else None,
            "previousDigestHashValue": previous.hash_value if previous else None,
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestSignature": previous.signature if previous else None,
            "logFiles": logs,
            **(changes or {}),
        }
        content = json.dumps(document, separators=(",", ":")).encode()
        signature = sign(key, document, content, algorithm)
        metadata = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if backfill:
            metadata["backfill-generation-timestamp"] = timestamp(generated or end + 26 * HOUR)
        self.bucket.put(object_key, gzip.compress(content, 6, mtime=0), metadata, modified=end)
        self._chains[(region, backfill)] = Link(
            self.bucket_name, object_key, hashlib.sha256(content).hexdigest(), signature
        )
        return object_key

    def deliver(
        self,
        region: str = HOME,
        start: datetime = START,
        hours: int = 24,
        logs_per_digest: int = 2,
    ) -> list[str]:
        """Deliver `hours` hourly digests with their log files; gives the digests' keys."""
        keys = []
        for hour in range(hours):
            begin = start + hour * HOUR
            logs = [
                self.write_log(region, begin + HOUR * (index + 0.5) / logs_per_digest)
                for index in range(logs_per_digest)
            ]
            keys.append(self.write_digest(region, begin, begin + HOUR, logs))
        return keys

    def restart(self, region: str = HOME, backfill: bool = False) -> None:
        """The next digest begins a new chain, as after StopLogging and StartLogging."""
        self._chains.pop((region, backfill), None)

    def relink(self, region: str = HOME, backfill: bool = False, **changes: str) -> None:
        """Change what the next digest will say of the one before it."""
        self._chains[(region, backfill)] = replace(self._chains[(region, backfill)], **changes)

    def document(self, key: str) -> dict[str, Any]:
        """The content of a digest that is in the bucket."""
        body = self.bucket.current(key).body
        assert body is not None
        parsed: dict[str, Any] = json.loads(gzip.decompress(body))
        return parsed


def sign(
    key: rsa.RSAPrivateKey,
    document: dict[str, Any],
    content: bytes,
    algorithm: hashes.HashAlgorithm | None = None,
) -> str:
    """The signature of a digest, in hexadecimal."""
    text = "\n".join(
        (
            document["digestEndTime"],
            f"{document['digestS3Bucket']}/{document['digestS3Object']}",
            hashlib.sha256(content).hexdigest(),
            document["previousDigestSignature"] or "null",
        )
    )
    return key.sign(text.encode(), padding.PKCS1v15(), algorithm or hashes.SHA256()).hex()


def log_content(number: int, region: str, moment: datetime, records: int) -> bytes:
    """A log file's uncompressed content, different for each `number`."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "1.11",
                    "userIdentity": {
                        "type": "AssumedRole",
                        "principalId": f"AROAEXAMPLE{number:08d}:session-{index}",
                        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/role-application/s-{number}",
                        "accountId": ACCOUNT,
                        "accessKeyId": f"ASIAEXAMPLE{(number * 131 + index) % 100000:05d}",
                    },
                    "eventTime": timestamp(moment - timedelta(seconds=300 - index)),
                    "eventSource": "s3.amazonaws.com",
                    "eventName": "GetBucketPolicy",
                    "awsRegion": region,
                    "sourceIPAddress": f"203.0.113.{index % 256}",
                    "userAgent": "[aws-sdk-java/2.25.11 Linux/5.10 OpenJDK_64-Bit_Server_VM/17]",
                    "requestParameters": {"bucketName": f"bucket-{number % 97}", "policy": ""},
                    "responseElements": None,
                    "requestID": hashlib.sha1(
                        f"r{number}-{index}".encode(), usedforsecurity=False
                    ).hexdigest()[:16],
                    "eventID": hashlib.sha1(
                        f"e{number}-{index}".encode(), usedforsecurity=False
                    ).hexdigest()[:36],
                    "readOnly": True,
                    "eventType": "AwsApiCall",
                    "managementEvent": True,
                    "recipientAccountId": ACCOUNT,
                    "eventCategory": "Management",
                }
                for index in range(records)
            ]
        }
    ).encode()
