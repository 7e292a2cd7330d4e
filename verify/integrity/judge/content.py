"""Hashing a gzip object as it streams by, in bounded memory, and refusing what is not one member.

Readers such as gzip.open read every member of a file: what is appended to a log file would be read
as events although its first member still has the recorded hash.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

# CloudTrail closes a log file at 50 MB before compression ("Quotas in AWS CloudTrail").
MAXIMUM_LOG_BYTES = 256 * 1024 * 1024
MAXIMUM_DIGEST_BYTES = 128 * 1024 * 1024
_STEP = 1024 * 1024


class ContentProblem(Enum):
    """Why an object's bytes are not one complete gzip member."""

    NOT_GZIP = "not a gzip stream"
    TRUNCATED = "the gzip stream ends too early"
    TRAILING = "there is data after the gzip member"
    TOO_LARGE = "larger than any that CloudTrail writes"


@dataclass(frozen=True)
class Content:
    """What an object holds: SHA-256 of its uncompressed bytes, and the bytes if they were kept.

    With TRAILING the hash is that of the member before the trailing data; with every other problem
    it is empty.
    """

    hash_value: str
    size: int
    problem: ContentProblem | None
    body: bytes = b""


def inflate(chunks: Iterable[bytes], limit: int, keep: bool = False) -> Content:
    """Uncompress and hash `chunks`, up to `limit` uncompressed bytes; with `keep` give them too."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    hasher = hashlib.sha256()
    kept: list[bytes] = []
    size = 0
    trailing = False
    try:
        for chunk in chunks:
            if inflater.eof:
                trailing = trailing or bool(chunk)
                continue
            pending = chunk
            while pending:
                data = inflater.decompress(pending, _STEP)
                size += len(data)
                if size > limit:
                    return Content("", size, ContentProblem.TOO_LARGE)
                hasher.update(data)
                if keep:
                    kept.append(data)
                pending = inflater.unconsumed_tail
                if inflater.eof:
                    break
    except zlib.error:
        return Content("", size, ContentProblem.NOT_GZIP)
    if not inflater.eof:
        return Content("", size, ContentProblem.TRUNCATED)
    problem = ContentProblem.TRAILING if trailing or inflater.unused_data else None
    return Content(hasher.hexdigest(), size, problem, b"".join(kept))
