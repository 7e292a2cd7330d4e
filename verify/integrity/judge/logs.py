"""Holding a log file and its versions against the hash that a digest records of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.content import Content, ContentProblem
from verify.integrity.judge.digest import LogEntry
from verify.integrity.judge.history import History, Version
from verify.integrity.judge.layout import ChainScope
from verify.wording import utc_time


@dataclass(frozen=True)
class CheckedLog:
    """One log file checked. `size` is in bytes, uncompressed; `intact` says whether it is as
    recorded and readable by everyone. Of an archived one `archived_bytes` is what is stored, and it
    is neither intact nor anything else."""

    size: int
    intact: bool
    anomalies: tuple[Anomaly, ...]
    archived_bytes: int | None = None


@dataclass(frozen=True)
class EarlierVersions:
    """The versions but the latest: those with the recorded content, and those with another.

    `unreadable` says why they could not be read; None where they could.
    """

    same: Sequence[Version] = ()
    different: Sequence[Version] = ()
    unreadable: str | None = None


def difference(content: Content | None, entry: LogEntry) -> tuple[AnomalyKind, str] | None:
    """How a log file is not as `entry` records it, and in words; None where it is.

    `content` is None when there is no such object.
    """
    if content is None:
        return AnomalyKind.LOG_MISSING, "no such object"
    if content.problem is ContentProblem.TRAILING:
        held = "has" if content.hash_value == entry.hash_value else "does not even have"
        return (
            AnomalyKind.LOG_TRAILING_DATA,
            f"{content.problem.value}, which {held} the recorded hash",
        )
    if content.problem is not None:
        return AnomalyKind.LOG_CHANGED, content.problem.value
    if content.hash_value != entry.hash_value:
        return AnomalyKind.LOG_CHANGED, f"SHA-256 {content.hash_value}"
    return None


def judge_log_versions(
    wrong: tuple[AnomalyKind, str] | None, history: History | None, earlier: EarlierVersions
) -> list[tuple[AnomalyKind, str]]:
    """What is to be said of a log file with a history: each anomaly, and in words.

    `wrong` is the `difference` of the version that everyone reads, None where it has none.
    `history` is None where the bucket does not list the object.
    """
    found: list[tuple[AnomalyKind, str]] = []
    if earlier.unreadable is not None:
        found.append((AnomalyKind.LOG_UNREADABLE, f"earlier versions: {earlier.unreadable}"))
    versions = () if history is None else history.versions
    if wrong is not None:
        kind, seen = wrong
        if kind is AnomalyKind.LOG_MISSING and history is not None and history.is_hidden:
            kind = AnomalyKind.LOG_HIDDEN
            seen = f"a delete marker of {utc_time(versions[0].modified)}"
        if earlier.same:
            seen += f"; version {earlier.same[0].identifier} still has the recorded content"
        found.append((kind, seen))
    elif earlier.different:
        example = earlier.different[0]
        seen = (
            f"the recorded content, but {len(earlier.different)} earlier version(s) with another, "
            f"such as {example.identifier} of {utc_time(example.modified)}"
        )
        found.append((AnomalyKind.LOG_OVERWRITTEN, seen))
    elif any(version.is_marker for version in versions):
        seen = "the recorded content, put back after a deletion"
        found.append((AnomalyKind.LOG_OVERWRITTEN, seen))
    return found


def log_anomaly(
    scope: ChainScope, entry: LogEntry, digest_key: str, kind: AnomalyKind, seen: str
) -> Anomaly:
    """The anomaly of the log file that `entry`, of the digest `digest_key`, names."""
    expected = f"SHA-256 {entry.hash_value}, recorded by {digest_key}"
    return Anomaly.at(scope, entry.bucket, entry.key, Discrepancy(kind, expected, seen))
