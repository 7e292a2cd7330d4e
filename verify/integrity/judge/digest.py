"""Reading a digest document, and the string that its signature is made of.

Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verify import foreign_json

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DigestFormatError(ValueError):
    """A document is not a digest as CloudTrail writes them."""


@dataclass(frozen=True)
class Link:
    """What a digest records of the one before it; hash and signature in hexadecimal."""

    bucket: str
    key: str
    hash_value: str
    signature: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log file that a digest names; `hash_value` is SHA-256 of the uncompressed content."""

    bucket: str
    key: str
    hash_value: str


@dataclass(frozen=True)
class Digest:
    """One digest. Times are of delivery, not of events; `previous` is None in a starting digest."""

    account: str
    start: datetime
    end: datetime
    end_text: str  # as written: it is part of what is signed
    bucket: str
    key: str
    fingerprint: str
    algorithm: str
    previous: Link | None
    logs: tuple[LogEntry, ...]

    def string_to_sign(self, content_hash: str) -> bytes:
        """What CloudTrail signs; `content_hash` is SHA-256 of the uncompressed bytes, in hex."""
        previous = "null" if self.previous is None else self.previous.signature
        return f"{self.end_text}\n{self.bucket}/{self.key}\n{content_hash}\n{previous}".encode()


def parse_digest(content: bytes) -> Digest:
    """The digest in `content` (uncompressed). Raises DigestFormatError saying what is wrong."""
    try:
        document = foreign_json.parsed(content)
    except ValueError as error:
        raise DigestFormatError(f"not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise DigestFormatError("not a JSON object")
    files = document.get("logFiles")
    if not isinstance(files, list):
        raise DigestFormatError("logFiles is not a list")
    start, _ = _time(document, "digestStartTime")
    end, end_text = _time(document, "digestEndTime")
    if end < start:
        raise DigestFormatError("digestEndTime is before digestStartTime")
    return Digest(
        account=_text(document, "awsAccountId"),
        start=start,
        end=end,
        end_text=end_text,
        bucket=_text(document, "digestS3Bucket"),
        key=_text(document, "digestS3Object"),
        fingerprint=_text(document, "digestPublicKeyFingerprint"),
        algorithm=_text(document, "digestSignatureAlgorithm"),
        previous=_link(document),
        logs=tuple(map(_entry, files)),
    )


def _link(document: dict[str, Any]) -> Link | None:
    names = [
        "previousDigestS3Bucket",
        "previousDigestS3Object",
        "previousDigestHashValue",
        "previousDigestSignature",
    ]
    # Only a starting digest has null, and then in all of them.
    present = [name for name in names if document.get(name) is not None]
    if not present:
        if "previousDigestSignature" not in document:
            raise DigestFormatError("previousDigestSignature is missing")
        return None
    if len(present) < len(names):
        absent = next(name for name in names if name not in present)
        raise DigestFormatError(f"{absent} is null although {present[0]} is not")
    if document.get("previousDigestHashAlgorithm") != "SHA-256":
        raise DigestFormatError("previousDigestHashAlgorithm is not SHA-256")
    return Link(*(_text(document, name) for name in names))


def _entry(item: Any) -> LogEntry:
    if not isinstance(item, dict):
        raise DigestFormatError("an entry of logFiles is not an object")
    if item.get("hashAlgorithm") != "SHA-256":
        raise DigestFormatError("hashAlgorithm of an entry of logFiles is not SHA-256")
    value = _text(item, "hashValue")
    if not _SHA256.fullmatch(value):
        raise DigestFormatError("hashValue of an entry of logFiles is not a SHA-256")
    return LogEntry(_text(item, "s3Bucket"), _text(item, "s3Object"), value)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise DigestFormatError(f"{name} is missing or not a text")
    return value


def _time(document: dict[str, Any], name: str) -> tuple[datetime, str]:
    text = _text(document, name)
    if not _TIME.fullmatch(text):
        raise DigestFormatError(f"{name} is not a time in UTC")
    try:
        return datetime.fromisoformat(text), text
    except ValueError as error:
        raise DigestFormatError(f"{name} is not a time") from error
