"""Where moto takes far longer for an answer than the answer is worth: the same answers, sooner.

A run of the suite validates the log bucket's files while it reads everything else, so what one
listing costs is what all the others wait for.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from moto import backends
from moto.core import responses, serialize
from moto.core.base_backend import BackendDict
from moto.core.common_models import BaseModel
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.sqs.models import Queue

from sandbox.replacement import Kind, Replacement


@functools.cache
def list_of_moto_modules(context: None, original: Callable[[], Iterable[str]]) -> frozenset[str]:
    """The folders that moto consists of."""
    return frozenset(original())


@functools.lru_cache(maxsize=100_000)
def parse_to_aware_datetime(context: None, original: Callable[[Any], Any], value: Any) -> Any:
    """An instant with its zone, of a text."""
    return original(value)


@functools.cache
def method_names_from_class(
    context: None, original: Callable[[Any], list[str]], kind: type
) -> frozenset[str]:
    """The names of a class's methods."""
    return frozenset(original(kind))


def of_account(context: None, original: Callable[..., Any], backends: Any, account: str) -> Any:
    """What moto has of a service in an account."""
    return (
        dict.__getitem__(backends, account) if account in backends else original(backends, account)
    )


def untracked(context: None, kind: type, *arguments: Any, **keywords: Any) -> Any:
    """A new object of moto's."""
    return super(BaseModel, kind).__new__(kind)


def messages_delayed(context: None, queue: Any) -> int:
    """How many of a queue's messages nobody may see yet."""
    moment = time.time() * 1000
    return sum(moment < message.delayed_until for message in queue._messages)


def messages_not_visible(context: None, queue: Any) -> int:
    """How many of a queue's messages somebody has received, and not yet deleted."""
    moment = time.time() * 1000
    return sum(moment <= message.visible_at for message in queue._messages)


def messages_to_receive(context: None, queue: Any) -> int:
    """How many of a queue's messages can be received."""
    moment = time.time() * 1000
    return sum(message.visible_at < moment >= message.delayed_until for message in queue._messages)


@dataclass
class _Page:
    """One answer of ListObjectVersions, and where the next one starts."""

    maximum: int
    versions: list[Any] = field(default_factory=list)
    markers: list[Any] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: tuple[str, str | None] | None = None

    @property
    def is_full(self) -> bool:
        return len(self.versions) + len(self.markers) + len(self.prefixes) >= self.maximum


def list_object_versions(
    context: None,
    backend: Any,
    bucket_name: str,
    delimiter: str | None = None,
    key_marker: str | None = None,
    max_keys: int | None = 1000,
    prefix: str | None = "",
    version_id_marker: str | None = None,
) -> tuple[list[Any], list[str], list[Any], str | None, str | None]:
    """Keys in the order of their bytes, each key's versions from the newest on.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    keys = backend.get_bucket(bucket_name).keys
    page = _Page(1000 if max_keys is None else max_keys)
    truncated = False
    if page.maximum > 0:
        start = (key_marker or "", version_id_marker or "")
        for name, version in _entries(keys, prefix or "", delimiter, start):
            if page.is_full:
                truncated = True
                break
            if version is None:
                page.prefixes.append(name)
            elif isinstance(version, FakeDeleteMarker):
                page.markers.append(version)
            else:
                page.versions.append(version)
            page.last = (name, None if version is None else version.version_id)
    following = page.last if truncated and page.last else (None, None)
    return page.versions, page.prefixes, page.markers, *following


def _entries(
    keys: Any, prefix: str, delimiter: str | None, start: tuple[str, str]
) -> Iterator[tuple[str, Any]]:
    """What comes after `start`, a key and a version or "": common prefixes have no version."""
    key_marker, version_marker = start
    grouped = ""
    for name in sorted(name for name in keys if name.startswith(prefix)):
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        if delimiter and end >= 0:
            common = name[: end + len(delimiter)]
            if name > key_marker and common not in (grouped, key_marker):
                yield common, None
            grouped = common
            continue
        if name < key_marker or (name == key_marker and not version_marker):
            continue
        passed = name > key_marker
        newest_first = keys.getlist(name)[::-1]
        for version in newest_first:
            if passed:
                version.is_latest = version is newest_first[0]
                yield name, version
            passed = passed or version.version_id == version_marker


REPLACEMENTS = (
    Replacement(
        BackendDict,
        "__getitem__",
        of_account,
        "moto compares a service with every other that is in use whenever one is asked for.",
        Kind.AROUND,
    ),
    Replacement(
        BaseModel,
        "__new__",
        untracked,
        "moto keeps every object that it ever made, copies of whole tables as well, for a reset.",
    ),
    Replacement(
        backends,
        "list_of_moto_modules",
        list_of_moto_modules,
        "moto looks for its own folders at each request, and they do not change while it runs.",
        Kind.AROUND,
    ),
    Replacement(
        serialize,
        "parse_to_aware_datetime",
        parse_to_aware_datetime,
        "Times of files are kept as text, and parsed anew, at some cost, for each listing.",
        Kind.AROUND,
    ),
    Replacement(
        S3Backend,
        "list_object_versions",
        list_object_versions,
        "moto copies every version of every object in the bucket, whatever the prefix.",
    ),
    Replacement(
        responses,
        "method_names_from_class",
        method_names_from_class,
        "moto looks through its own class at each request.",
        Kind.AROUND,
    ),
    *(
        Replacement(
            Queue,
            name,
            by,
            "moto reads the clock for each message, and counts them whenever one is sent.",
        )
        for name, by in (
            ("approximate_number_of_messages", messages_to_receive),
            ("approximate_number_of_messages_delayed", messages_delayed),
            ("approximate_number_of_messages_not_visible", messages_not_visible),
        )
    ),
)
