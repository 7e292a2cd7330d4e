"""Reading one log file, its versions where needed, and holding it against its recorded hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from verify.integrity.judge.anomaly import AnomalyKind
from verify.integrity.judge.content import MAXIMUM_LOG_BYTES, Content, inflate
from verify.integrity.judge.digest import LogEntry
from verify.integrity.judge.history import MAXIMUM_VERSIONS_READ, History, Version
from verify.integrity.judge.layout import ChainScope
from verify.integrity.judge.logs import (
    CheckedLog,
    EarlierVersions,
    difference,
    judge_log_versions,
    log_anomaly,
)
from verify.integrity.read.reader import (
    ArchivedError,
    ObjectMissingError,
    Reader,
    UnreadableError,
    history_of,
)


def check_log(
    reader: Reader, scope: ChainScope, entry: LogEntry, digest_key: str, history: History | None
) -> CheckedLog:
    """Read the log file that `entry` names and hold it against its recorded hash.

    `history` is that of the object where the bucket's listing has been read, else it is asked for
    when something is wrong.
    """
    content: Content | None
    try:
        content = reader.read(entry.bucket, entry.key, None, _consume)
    except ObjectMissingError:
        content = None
    except ArchivedError:
        return CheckedLog(0, False, (), _stored_bytes(reader, entry, history))
    except UnreadableError as error:
        anomaly = log_anomaly(scope, entry, digest_key, AnomalyKind.LOG_UNREADABLE, str(error))
        return CheckedLog(0, False, (anomaly,))
    size = 0 if content is None else content.size
    wrong = difference(content, entry)
    if wrong is None and (history is None or history.is_plain):
        return CheckedLog(size, True, ())
    try:
        if history is None:
            history = history_of(reader, entry.bucket, entry.key)
        earlier = _compare(reader, entry, () if history is None else history.versions)
    except UnreadableError as error:
        earlier = EarlierVersions(unreadable=str(error))
    anomalies = tuple(
        log_anomaly(scope, entry, digest_key, kind, seen)
        for kind, seen in judge_log_versions(wrong, history, earlier)
    )
    return CheckedLog(size, not anomalies, anomalies)


def _stored_bytes(reader: Reader, entry: LogEntry, history: History | None) -> int:
    """How large an archived file is as it is stored; 0 where that cannot be seen."""
    try:
        found = history or history_of(reader, entry.bucket, entry.key)
    except UnreadableError:
        return 0
    return found.versions[0].size if found is not None and found.versions else 0


def _compare(reader: Reader, entry: LogEntry, versions: tuple[Version, ...]) -> EarlierVersions:
    same: list[Version] = []
    different: list[Version] = []
    for version in versions[:MAXIMUM_VERSIONS_READ]:
        if version.is_marker or version.is_latest:
            continue
        try:
            content = reader.read(entry.bucket, entry.key, version.identifier, _consume)
        except ObjectMissingError:
            continue
        (same if difference(content, entry) is None else different).append(version)
    return EarlierVersions(same, different)


def _consume(_metadata: Mapping[str, str], chunks: Iterable[bytes]) -> Content:
    return inflate(chunks, MAXIMUM_LOG_BYTES)
