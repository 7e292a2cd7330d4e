"""Holding one log file against the hash that a digest records of it, by version where needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.integrity.judge.anomaly import Finding, Kind
from verify.integrity.judge.content import MAXIMUM_LOG_BYTES, Content, ContentProblem, inflate
from verify.integrity.judge.digest import LogEntry
from verify.integrity.judge.digests import MAXIMUM_VERSIONS_READ
from verify.integrity.judge.layout import Target
from verify.integrity.read.reader import (
    History,
    ObjectMissingError,
    Reader,
    UnreadableError,
    Version,
)
from verify.wording import utc_time


@dataclass(frozen=True)
class CheckedLog:
    """One log file checked. `size` is in bytes, uncompressed; `intact` says whether it is as
    recorded and readable by everyone."""

    size: int
    intact: bool
    findings: tuple[Finding, ...]


def check_log(
    reader: Reader, target: Target, entry: LogEntry, digest_key: str, history: History | None
) -> CheckedLog:
    """Read the log file that `entry` names and hold it against its recorded hash.

    `history` is that of the object where the bucket's listing has been read, else it is asked for
    when something is wrong.
    """
    findings: list[Finding] = []

    def find(kind: Kind, seen: str) -> None:
        findings.append(
            Finding(
                kind,
                target.account,
                target.region,
                entry.bucket,
                entry.key,
                f"SHA-256 {entry.hash_value}, recorded by {digest_key}",
                seen,
            )
        )

    size = 0
    try:
        content = reader.read(entry.bucket, entry.key, None, _consume)
        size = content.size
        problem = _problem(content, entry)
    except ObjectMissingError:
        problem = (Kind.LOG_MISSING, "no such object")
    except UnreadableError as error:
        find(Kind.LOG_UNREADABLE, str(error))
        return CheckedLog(0, False, tuple(findings))
    if problem is None and (history is None or history.is_plain):
        return CheckedLog(size, True, ())
    try:
        if history is None:
            history = next(
                (one for one in reader.histories(entry.bucket, entry.key) if one.key == entry.key),
                None,
            )
        others = history.versions[:MAXIMUM_VERSIONS_READ] if history is not None else ()
        same, different = _compare(reader, entry, others)
    except UnreadableError as error:
        find(Kind.LOG_UNREADABLE, f"earlier versions: {error}")
        same, different = [], []
    if problem is not None:
        kind, seen = problem
        if kind is Kind.LOG_MISSING and history is not None and history.is_hidden:
            kind = Kind.LOG_HIDDEN
            seen = f"a delete marker of {utc_time(history.versions[0].modified)}"
        if same:
            seen += f"; version {same[0].identifier} still has the recorded content"
        find(kind, seen)
    elif different:
        find(
            Kind.LOG_OVERWRITTEN,
            f"the recorded content, but {len(different)} earlier version(s) with another, "
            f"such as {different[0].identifier} of {utc_time(different[0].modified)}",
        )
    elif history is not None and any(one.is_marker for one in history.versions):
        find(Kind.LOG_OVERWRITTEN, "the recorded content, put back after a deletion")
    return CheckedLog(size, not findings, tuple(findings))


def _compare(
    reader: Reader, entry: LogEntry, versions: Iterable[Version]
) -> tuple[list[Version], list[Version]]:
    """The versions but the latest: those with the recorded content, and those with another."""
    same: list[Version] = []
    different: list[Version] = []
    for version in versions:
        if version.is_marker or version.is_latest:
            continue
        try:
            content = reader.read(entry.bucket, entry.key, version.identifier, _consume)
        except ObjectMissingError:
            continue
        (same if _problem(content, entry) is None else different).append(version)
    return same, different


def _problem(content: Content, entry: LogEntry) -> tuple[Kind, str] | None:
    if content.problem is ContentProblem.TRAILING:
        held = "has" if content.hash_value == entry.hash_value else "does not even have"
        return Kind.LOG_TRAILING_DATA, (f"{content.problem.value}, which {held} the recorded hash")
    if content.problem is not None:
        return Kind.LOG_CHANGED, content.problem.value
    if content.hash_value != entry.hash_value:
        return Kind.LOG_CHANGED, f"SHA-256 {content.hash_value}"
    return None


def _consume(_metadata: Mapping[str, str], chunks: Iterable[bytes]) -> Content:
    return inflate(chunks, MAXIMUM_LOG_BYTES)
