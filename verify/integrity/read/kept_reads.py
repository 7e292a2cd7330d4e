"""What a validation read, kept so that it can be judged again without the bucket.

Of a log file its hash and size are kept, of a digest its text and its metadata with the signature:
these are what the judgement rests on. Listings are kept as far as they were read.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from verify.account.recorded import answered
from verify.integrity.judge.content import Content, ContentProblem
from verify.integrity.judge.history import History, Version
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.discovery import ask_status
from verify.integrity.read.reader import (
    ArchivedError,
    Consumer,
    ObjectMissingError,
    T,
    UnreadableError,
)
from verify.integrity.read.s3 import S3Reader
from verify.redaction import jsonable

MAXIMUM_OBJECTS = 100_000
Document = dict[str, Any]


@dataclass
class Recording:
    """Reads by `reader`, and keeps what came of it. Safe to use from several threads."""

    reader: S3Reader
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str, dict[tuple[Any, ...], Document]] = field(default_factory=dict)
    _omitted: int = 0

    def document(self) -> Document:
        """All that was read, as JSON holds it."""
        with self._lock:
            kept = {kind: list(entries.values()) for kind, entries in self._kept.items()}
        return {"sees_versions": self.sees_versions, "omitted": self._omitted, **kept}

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        """See Reader."""
        entry: Document = {
            "bucket": bucket,
            "prefix": prefix,
            "after": after,
            "objects": [],
            "ended": False,
        }
        rows = entry["objects"]
        try:
            for history in self.reader.histories(bucket, prefix, after):
                rows.append([history.key, [_row(version) for version in history.versions]])
                yield history
            entry["ended"] = True
        except UnreadableError as error:
            entry["unreadable"] = str(error)
            raise
        finally:
            self._keep("listings", (bucket, prefix, after), entry, longer=True)

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """See Reads."""
        about = {"bucket": bucket, "prefix": prefix}
        return self._noted(
            "folders", about, lambda: self.reader.folders(bucket, prefix), lambda names: names
        )

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        """See Reader."""
        entry: Document = {"bucket": bucket, "key": key, "version": version}
        try:
            found = self.reader.read(bucket, key, version, consume)
            entry |= _content(found)
            return found
        except ObjectMissingError:
            entry["missing"] = True
            raise
        except ArchivedError as error:
            entry["archived"] = str(error)
            raise
        except UnreadableError as error:
            entry["unreadable"] = str(error)
            raise
        finally:
            self._keep("objects", (bucket, key, version), entry)

    def window(self, bucket: str) -> int:
        """See Reader."""
        return self.reader.window(bucket)

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        """See Reader."""
        self.reader.announce(bucket, keys)

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """See Reader."""
        about = {"region": region, "start": start.isoformat(), "end": end.isoformat()}
        return self._noted(
            "public_keys",
            about,
            lambda: self.reader.public_keys(region, start, end),
            lambda keys: [_key_row(key) for key in keys],
        )

    def client(self, service: str, region: str) -> Any:
        """See Reads."""
        return self.reader.client(service, region)

    def status(self, trail: str, region: str) -> Mapping[str, Any]:
        """See Reads."""
        return self._noted(
            "statuses",
            {"trail": trail, "region": region},
            lambda: ask_status(self.reader, trail, region),
            lambda answer: jsonable(
                {key: value for key, value in answer.items() if key != "ResponseMetadata"}
            ),
        )

    @property
    def sees_versions(self) -> bool:
        """See Reader."""
        return self.reader.sees_versions

    def _noted(
        self, kind: str, about: Document, ask: Callable[[], T], written: Callable[[T], Any]
    ) -> T:
        entry = dict(about)
        try:
            found = ask()
            entry["answer"] = written(found)
            return found
        except UnreadableError as error:
            entry["unreadable"] = str(error)
            raise
        finally:
            self._keep(kind, tuple(about.values()), entry)

    def _keep(
        self, kind: str, key: tuple[Any, ...], entry: Document, *, longer: bool = False
    ) -> None:
        with self._lock:
            entries = self._kept.setdefault(kind, {})
            if key not in entries and len(entries) >= MAXIMUM_OBJECTS:
                self._omitted += 1
                return
            earlier = entries.get(key)
            if longer and earlier is not None and _extent(earlier) > _extent(entry):
                return
            entries[key] = entry


def _extent(listing: Document) -> tuple[bool, int]:
    return listing["ended"], len(listing["objects"])


class Kept:
    """Reads what a Recording's `document` holds. What it does not hold is unreadable."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        names = {
            "listings": ("bucket", "prefix", "after"),
            "folders": ("bucket", "prefix"),
            "objects": ("bucket", "key", "version"),
            "public_keys": ("region", "start", "end"),
            "statuses": ("trail", "region"),
        }
        self._kept = {
            kind: {
                tuple(entry[name] for name in members): entry for entry in document.get(kind, ())
            }
            for kind, members in names.items()
        }

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        """See Reader."""
        entry = self._entry("listings", bucket, prefix, after)
        for key, versions in entry["objects"]:
            yield History(key, tuple(_version(row) for row in versions))
        if "unreadable" in entry:
            raise UnreadableError(entry["unreadable"])
        if not entry["ended"]:
            raise UnreadableError(f"the evidence holds a part of the listing of {prefix}")

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """See Reads."""
        return list(self._answer("folders", bucket, prefix))

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        """See Reader: what `consume` made of it then."""
        entry = self._entry("objects", bucket, key, version)
        if entry.get("missing"):
            raise ObjectMissingError(key)
        if "archived" in entry:
            raise ArchivedError(entry["archived"])
        if "unreadable" in entry:
            raise UnreadableError(entry["unreadable"])
        problem = entry["problem"] and ContentProblem(entry["problem"])
        content = Content(
            entry["sha256"], entry["size"], problem, str(entry.get("body", "")).encode()
        )
        found: Any = (content, dict(entry["metadata"])) if "metadata" in entry else content
        made: T = found
        return made

    def window(self, bucket: str) -> int:
        """See Reader: nothing is on its way."""
        return 1

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        """See Reader: nothing is to be asked for."""

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """See Reader."""
        rows = self._answer("public_keys", region, start.isoformat(), end.isoformat())
        return tuple(_public_key(row) for row in rows)

    def client(self, service: str, region: str) -> Any:
        """There is none."""
        raise UnreadableError(f"the evidence does not hold what {service} was asked for")

    def status(self, trail: str, region: str) -> Mapping[str, Any]:
        """See Reads."""
        return answered("cloudtrail", "get_trail_status", self._answer("statuses", trail, region))

    @property
    def sees_versions(self) -> bool:
        """See Reader."""
        return bool(self._document["sees_versions"])

    def _entry(self, kind: str, *about: str | None) -> Document:
        entry: Document | None = self._kept[kind].get(about)
        if entry is None:
            what = " ".join(filter(None, about))
            raise UnreadableError(f"the evidence holds nothing of the {kind} {what}")
        return entry

    def _answer(self, kind: str, *about: str) -> Any:
        entry = self._entry(kind, *about)
        if "unreadable" in entry:
            raise UnreadableError(entry["unreadable"])
        return entry["answer"]


def _row(version: Version) -> list[Any]:
    return [
        version.identifier,
        version.is_latest,
        version.is_marker,
        version.modified.isoformat(),
        version.size,
    ]


def _version(row: list[Any]) -> Version:
    identifier, is_latest, is_marker, modified, size = row
    return Version(identifier, is_latest, is_marker, datetime.fromisoformat(modified), size)


def _content(found: object) -> Document:
    """A log file's content, or a digest's with its metadata."""
    metadata: Mapping[str, str] | None = None
    if isinstance(found, tuple):
        found, metadata = found
    if not isinstance(found, Content):
        raise TypeError(f"what was read is kept as Content, not as {type(found).__name__}")
    problem = found.problem and found.problem.value
    entry: Document = {"sha256": found.hash_value, "size": found.size, "problem": problem}
    if metadata is not None:
        # As it is: JSON, of which every byte counts.
        entry |= {"metadata": dict(metadata), "body": found.body.decode("utf-8", "replace")}
    return entry


def _key_row(key: PublicKey) -> Document:
    return {
        "fingerprint": key.fingerprint,
        "der": base64.b64encode(key.der).decode("ascii"),
        "valid_from": key.valid_from.isoformat(),
        "valid_until": key.valid_until.isoformat(),
    }


def _public_key(row: Mapping[str, str]) -> PublicKey:
    return PublicKey(
        fingerprint=row["fingerprint"],
        der=base64.b64decode(row["der"]),
        valid_from=datetime.fromisoformat(row["valid_from"]),
        valid_until=datetime.fromisoformat(row["valid_until"]),
    )
