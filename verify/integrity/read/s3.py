"""Reading with botocore: listings by its client, objects by a plain signed GET if possible."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp

from verify.account.errors import DENIED, code_and_message, describe
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.fast_get import FastGet
from verify.integrity.read.plain_http import NotPlainError
from verify.integrity.read.reader import (
    Consumer,
    History,
    ObjectMissingError,
    UnreadableError,
    Version,
)

T = TypeVar("T")

_CHUNK = 64 * 1024
_ATTEMPTS = 3
# One thread's requests under way: enough that few threads keep S3 busy, few enough that the answers
# that wait meanwhile do not wait so long that S3 gives them up.
_WINDOW = 16
# What reading needs permission for, beyond what describes the trail.
ACTIONS = (
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "kms:Decrypt",
    "cloudtrail:ListPublicKeys",
)
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
# What a GET of a version that is a delete marker is answered with.
_MARKER = frozenset({"MethodNotAllowed", "405"})


@dataclass(frozen=True)
class Connection:
    """How to reach AWS; everything else comes from the environment, as for every AWS tool.

    `region` is the bucket's; `workers` is the number of reads at the same time.
    """

    region: str
    workers: int


class S3Reader:
    """A Reader of real buckets. Clients are made once and shared by all threads.

    `clients` gives those that somebody has already, by service and region, with their `session`;
    without them they are made here from the environment.
    """

    def __init__(
        self,
        connection: Connection,
        session: botocore.session.Session | None = None,
        clients: Callable[[str, str], Any] | None = None,
    ) -> None:
        self._connection = connection
        self._shared = clients
        self._session = session or botocore.session.get_session()
        if clients is None:
            # A listing has a time for each object; the default parser takes most of its time for it
            self._session.get_component("response_parser_factory").set_parser_defaults(
                timestamp_parser=_timestamp
            )
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._fast: dict[str, FastGet] = {}
        self._sees_versions = True

    @property
    def sees_versions(self) -> bool:
        """Whether versions can be listed, as far as is known by now."""
        return self._sees_versions

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        """See Reader. Falls back to plain listing where listing versions is denied."""
        client = self.client("s3", self._connection.region)
        if self._sees_versions:
            started = False
            try:
                for history in _version_histories(client, bucket, prefix, after):
                    started = True
                    yield history
                return
            except ClientError as error:
                if code_and_message(error)[0] not in DENIED or started:
                    raise self._unreadable(error, "list_object_versions") from error
                self._sees_versions = False
            except BotoCoreError as error:
                raise self._unreadable(error, "list_object_versions") from error
        try:
            yield from _plain_histories(client, bucket, prefix, after)
        except (ClientError, BotoCoreError) as error:
            raise self._unreadable(error, "list_objects_v2") from error

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """The names of the folders directly below `prefix`. Raises UnreadableError."""
        client = self.client("s3", self._connection.region)
        try:
            return _folders(client, bucket, prefix)
        except (ClientError, BotoCoreError) as error:
            raise self._unreadable(error, "list_objects_v2") from error

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        """See Reader."""
        fast = self._fast_get(bucket)
        if fast is not None:
            try:
                return fast.get(key, version, consume)
            except NotPlainError:
                pass  # The client knows what to make of it: redirects, retries, errors.
        client = self.client("s3", self._connection.region)
        parameters, operation = {"Bucket": bucket, "Key": key}, "get_object"
        if version is not None:
            parameters["VersionId"] = version
            operation = "get_object_version"  # as IAM calls it; the API's operation is the same
        attempt = 1
        while True:
            try:
                answer = client.get_object(**parameters)
                metadata = {
                    name.lower(): text
                    for name, text in _part(answer, "Metadata", "s3.get_object").items()
                }
                return consume(metadata, _chunks(_part(answer, "Body", "s3.get_object")))
            except ClientError as error:
                if code_and_message(error)[0] in _MISSING | _MARKER:
                    raise ObjectMissingError(key) from error
                raise UnreadableError(f"{key}: {self._unreadable(error, operation)}") from error
            except BotoCoreError as error:
                # The client repeats a request, but not the reading of an answer that breaks off.
                if attempt == _ATTEMPTS:
                    raise UnreadableError(f"{key}: {self._unreadable(error, operation)}") from error
                attempt += 1

    def window(self, bucket: str) -> int:
        """See Reader."""
        fast = self._fast_get(bucket)
        return 1 if fast is None else fast.window

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        """See Reader."""
        fast = self._fast_get(bucket)
        if fast is not None:
            fast.announce(keys)

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """See Reader."""
        client = self.client("cloudtrail", region)
        parameters: dict[str, Any] = {"StartTime": start, "EndTime": end}
        found: list[PublicKey] = []
        try:
            while True:
                answer = client.list_public_keys(**parameters)
                found.extend(
                    PublicKey(
                        fingerprint=one["Fingerprint"],
                        der=one["Value"],
                        valid_from=_utc(one["ValidityStartTime"]),
                        valid_until=_utc(one["ValidityEndTime"]),
                    )
                    for one in _part(answer, "PublicKeyList", "cloudtrail.list_public_keys")
                )
                if not answer.get("NextToken"):
                    return tuple(found)
                parameters["NextToken"] = answer["NextToken"]
        except (ClientError, BotoCoreError) as error:
            reason = describe(error, "cloudtrail", "list_public_keys", region)
            raise UnreadableError(reason) from error

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a region."""
        if self._shared is not None:
            return self._shared(service, region)
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[(service, region)] = self._session.create_client(
                    service,
                    region_name=region,
                    config=Config(
                        retries={"mode": "standard", "max_attempts": 6},
                        connect_timeout=10,
                        read_timeout=60,
                        max_pool_connections=self._connection.workers,
                        signature_version="s3v4" if service == "s3" else None,
                        user_agent_extra="trailwarden",
                    ),
                )
            return client

    def _unreadable(self, error: ClientError | BotoCoreError, operation: str) -> UnreadableError:
        return UnreadableError(describe(error, "s3", operation, self._connection.region))

    def _fast_get(self, bucket: str) -> FastGet | None:
        client = self.client("s3", self._connection.region)
        with self._lock:
            if bucket not in self._fast:
                self._fast[bucket] = FastGet(
                    self._session,
                    client,
                    bucket,
                    self._connection.region,
                    min(_WINDOW, self._connection.workers),
                )
            fast = self._fast[bucket]
        return fast if fast.usable else None


@lru_cache(maxsize=8)
def reader(connection: Connection) -> S3Reader:
    """The reader of this process for a connection."""
    return S3Reader(connection)


def _chunks(body: Any) -> Iterator[bytes]:
    return iter(lambda: bytes(body.read(_CHUNK)), b"")


def _version_histories(client: Any, bucket: str, prefix: str, after: str) -> Iterator[History]:
    """Group the rows of ListObjectVersions by key; a key's rows may go on on the next page."""
    parameters: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    if after:
        parameters["KeyMarker"] = after
    carried: dict[str, list[Version]] = {}
    while True:
        page = client.list_object_versions(**parameters)
        rows = carried
        for is_marker, name in ((False, "Versions"), (True, "DeleteMarkers")):
            for row in page.get(name, ()):
                rows.setdefault(row["Key"], []).append(
                    Version(row["VersionId"], row["IsLatest"], is_marker, row["LastModified"])
                )
        keys = sorted(rows)
        carried = {}
        if page.get("IsTruncated"):
            carried = {keys[-1]: rows[keys.pop()]} if keys else {}
        for key in keys:
            yield History(key, _newest_first(rows[key]))
        if not page.get("IsTruncated"):
            return
        parameters["KeyMarker"] = page["NextKeyMarker"]
        parameters.pop("VersionIdMarker", None)
        if page.get("NextVersionIdMarker"):
            parameters["VersionIdMarker"] = page["NextVersionIdMarker"]


def _newest_first(versions: list[Version]) -> tuple[Version, ...]:
    if len(versions) == 1:
        return tuple(versions)
    return tuple(sorted(versions, key=lambda one: (one.is_latest, one.modified), reverse=True))


def _plain_histories(client: Any, bucket: str, prefix: str, after: str) -> Iterator[History]:
    parameters: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    if after:
        parameters["StartAfter"] = after
    for page in _object_pages(client, parameters):
        for row in page.get("Contents", ()):
            latest = Version("", is_latest=True, is_marker=False, modified=row["LastModified"])
            yield History(row["Key"], (latest,))


def _folders(client: Any, bucket: str, prefix: str) -> list[str]:
    return [
        row["Prefix"][len(prefix) :].rstrip("/")
        for page in _object_pages(client, {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"})
        for row in page.get("CommonPrefixes", ())
    ]


def _object_pages(client: Any, parameters: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    while True:
        page = client.list_objects_v2(**parameters)
        yield page
        if not page.get("IsTruncated"):
            return
        parameters["ContinuationToken"] = page["NextContinuationToken"]


def _part(answer: Mapping[str, Any], name: str, call: str) -> Any:
    """A part that every answer of the call has. Raises UnreadableError where one has not."""
    if name not in answer:
        raise UnreadableError(f"the answer of {call} lacks {name}")
    return answer[name]


def _timestamp(value: Any) -> datetime:
    """A time in an answer: S3 writes ISO 8601; other services their own ways."""
    if isinstance(value, str) and value[10:11] == "T":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return parse_timestamp(value)  # type: ignore[no-any-return]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
