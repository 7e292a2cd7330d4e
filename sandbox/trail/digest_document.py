"""What a digest file says, where it lies and what its signature is made of.

Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.clock import iso_seconds

SIGNATURE_ALGORITHM = "SHA256withRSA"
HASH_ALGORITHM = "SHA-256"


@dataclass(frozen=True)
class LogFile:
    """A delivered log file. Event times are ISO 8601 texts, as records write them."""

    bucket: str
    key: str
    hash_value: str  # SHA-256 of the uncompressed content, in hexadecimal
    oldest_event: str
    newest_event: str
    delivered: datetime


@dataclass(frozen=True)
class Link:
    """A delivered digest, as the next one of its chain names it."""

    bucket: str
    key: str
    hash_value: str
    signature: str


@dataclass(frozen=True)
class Source:
    """Whose log files a digest vouches for: one trail's in one region."""

    account: str
    region: str
    trail: str
    home_region: str
    bucket: str
    folder: str  # of the account, with a slash at its end

    def key(self, end: datetime, backfill: bool = False) -> str:
        """The key of the digest that ends at a moment.

        ``<folder>CloudTrail-Digest/<region>/YYYY/MM/DD/<account>_
        CloudTrail-Digest_<region>_<trail>_<home region>_<YYYYMMDDTHHMMSSZ>[_backfill].json.gz``
        """
        suffix = "_backfill" if backfill else ""
        return (
            f"{self.folder}CloudTrail-Digest/{self.region}/{end:%Y/%m/%d}/"
            f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home_region}_"
            f"{end:%Y%m%dT%H%M%SZ}{suffix}.json.gz"
        )


def document(
    source: Source,
    key: str,
    start: datetime,
    end: datetime,
    fingerprint: str,
    previous: Link | None,
    files: Sequence[LogFile],
) -> dict[str, Any]:
    """A digest of the log files delivered from ``start`` to ``end``; None begins a chain."""
    return {
        "awsAccountId": source.account,
        "digestStartTime": iso_seconds(start),
        "digestEndTime": iso_seconds(end),
        "digestS3Bucket": source.bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": SIGNATURE_ALGORITHM,
        "newestEventTime": max((file.newest_event for file in files), default=None),
        "oldestEventTime": min((file.oldest_event for file in files), default=None),
        "previousDigestS3Bucket": previous and previous.bucket,
        "previousDigestS3Object": previous and previous.key,
        "previousDigestHashValue": previous and previous.hash_value,
        "previousDigestHashAlgorithm": previous and HASH_ALGORITHM,
        "previousDigestSignature": previous and previous.signature,
        "logFiles": [
            {
                "s3Bucket": file.bucket,
                "s3Object": file.key,
                "hashValue": file.hash_value,
                "hashAlgorithm": HASH_ALGORITHM,
                "newestEventTime": file.newest_event,
                "oldestEventTime": file.oldest_event,
            }
            for file in files
        ],
    }


def serialize(content: dict[str, Any]) -> bytes:
    """The bytes of a digest, before compression."""
    return json.dumps(content, separators=(",", ":")).encode()


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def string_to_sign(content: dict[str, Any], hash_value: str) -> str:
    """What is signed; ``hash_value`` is the SHA-256 of the digest's uncompressed bytes."""
    return "\n".join(
        (
            content["digestEndTime"],
            f"{content['digestS3Bucket']}/{content['digestS3Object']}",
            hash_value,
            content["previousDigestSignature"] or "null",
        )
    )
