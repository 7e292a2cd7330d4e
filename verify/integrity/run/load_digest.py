"""Reading a digest, all its versions where there are several, and judging it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from verify.integrity.judge.anomaly import AnomalyKind, Discrepancy
from verify.integrity.judge.content import MAXIMUM_DIGEST_BYTES, Content, inflate
from verify.integrity.judge.digests import (
    DigestVersion,
    JudgedDigest,
    generation_time,
    judge_digest,
    judge_digest_versions,
)
from verify.integrity.judge.history import MAXIMUM_VERSIONS_READ, History, Version
from verify.integrity.judge.layout import ChainScope, DigestName
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.reader import (
    ArchivedError,
    ObjectMissingError,
    Reader,
    UnreadableError,
)

_AROUND_SIGNING = timedelta(hours=1)


def load_digest(
    reader: Reader,
    scope: ChainScope,
    bucket: str,
    history: History,
    name: DigestName,
    keys: Sequence[PublicKey],
) -> JudgedDigest:
    """Read a digest, all its versions where there are several, and judge it.

    What cannot be read is an anomaly of the digest; nothing is raised for it.
    """
    judged: list[tuple[Version, DigestVersion]] = []
    unread: list[Discrepancy] = []
    archived_bytes = 0
    for version in history.contents[:MAXIMUM_VERSIONS_READ]:
        # The latest is read as anyone would read it.
        identifier = None if version.is_latest else version.identifier
        try:
            found = _read(
                reader, scope.region, bucket, history.key, identifier, name, keys, version.modified
            )
        except ArchivedError:
            archived_bytes += version.size
            size = f"archived, {version.size:,} bytes as stored: to be restored first"
            unread.append(Discrepancy(AnomalyKind.DIGEST_ARCHIVED, "a digest", size))
        except UnreadableError as error:
            unread.append(Discrepancy(AnomalyKind.DIGEST_UNREADABLE, "a digest", str(error)))
        except ObjectMissingError:
            unread.append(
                Discrepancy(
                    AnomalyKind.DIGEST_MISSING, "the object that the bucket lists", "no such object"
                )
            )
        else:
            judged.append((version, found))
    whole = judge_digest_versions(scope, bucket, history, name, judged, unread)
    return replace(whole, archived_bytes=archived_bytes)


def _read(
    reader: Reader,
    region: str,
    bucket: str,
    key: str,
    version: str | None,
    name: DigestName,
    keys: Sequence[PublicKey],
    written: datetime,
) -> DigestVersion:
    content, metadata = reader.read(bucket, key, version, whole_digest)
    judged = judge_digest(bucket, key, name, content, metadata, keys, written)
    signed = generation_time(metadata) if name.backfill else written
    unknown = any(problem.kind is AnomalyKind.DIGEST_KEY_UNKNOWN for problem in judged.problems)
    if not unknown or signed is None:
        return judged
    # It is signed with a key of the time at which it was made, which may be long after its end.
    others = reader.public_keys(region, signed - _AROUND_SIGNING, signed + _AROUND_SIGNING)
    return judge_digest(bucket, key, name, content, metadata, [*keys, *others], written)


def whole_digest(
    metadata: Mapping[str, str], chunks: Iterable[bytes]
) -> tuple[Content, dict[str, str]]:
    """A Consumer of digests: what it holds, its text included, and its metadata."""
    return inflate(chunks, MAXIMUM_DIGEST_BYTES, keep=True), dict(metadata)
