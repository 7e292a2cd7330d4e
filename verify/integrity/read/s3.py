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

from verify.account.errors import DENIED, code_and_message, describe
from verify.account.sessions import plain_session
from verify.integrity.judge.history import History
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.fast_get import FastGet
from verify.integrity.read.listings import folder_names, plain_histories, version_histories
from verify.integrity.read.plain_http import NotPlainError
from verify.integrity.read.reader import (
    ArchivedError,
    Consumer,
    ObjectMissingError,
    UnreadableError,
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
# And a GET of what is archived and not restored.
_ARCHIVED = "InvalidObjectState"


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
        self.connection = connection
        self._shared = clients
        self._session = session or plain_session()
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
        client = self.client("s3", self.connection.region)
        if self._sees_versions:
            started = False
            try:
                for history in version_histories(client, bucket, prefix, after):
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
            yield from plain_histories(client, bucket, prefix, after)
        except (ClientError, BotoCoreError) as error:
            raise self._unreadable(error, "list_objects_v2") from error

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """The names of the folders directly below `prefix`. Raises UnreadableError."""
        client = self.client("s3", self.connection.region)
        try:
            return folder_names(client, bucket, prefix)
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
        return self._read_by_client(bucket, key, version, consume)

    def _read_by_client(
        self, bucket: str, key: str, version: str | None, consume: Consumer[T]
    ) -> T:
        client = self.client("s3", self.connection.region)
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
                if code_and_message(error)[0] == _ARCHIVED:
                    raise ArchivedError(f"{key}: archived{_in_class(error)}") from error
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
                        fingerprint=key["Fingerprint"],
                        der=key["Value"],
                        valid_from=_utc(key["ValidityStartTime"]),
                        valid_until=_utc(key["ValidityEndTime"]),
                    )
                    for key in _part(answer, "PublicKeyList", "cloudtrail.list_public_keys")
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
                        max_pool_connections=self.connection.workers,
                        signature_version="s3v4" if service == "s3" else None,
                        user_agent_extra="trailwarden",
                    ),
                )
            return client

    def _unreadable(self, error: ClientError | BotoCoreError, operation: str) -> UnreadableError:
        return UnreadableError(describe(error, "s3", operation, self.connection.region))

    def _fast_get(self, bucket: str) -> FastGet | None:
        client = self.client("s3", self.connection.region)
        with self._lock:
            if bucket not in self._fast:
                self._fast[bucket] = FastGet(
                    self._session,
                    client,
                    bucket,
                    self.connection.region,
                    min(_WINDOW, self.connection.workers),
                )
            fast = self._fast[bucket]
        return fast if fast.usable else None


@lru_cache(maxsize=8)
def reader(connection: Connection) -> S3Reader:
    """The reader of this process for a connection."""
    return S3Reader(connection)


def _in_class(error: ClientError) -> str:
    detail = {**error.response, **error.response.get("Error", {})}
    where = detail.get("StorageClass") or detail.get("AccessTier")
    return f" ({where})" if where else ""


def _chunks(body: Any) -> Iterator[bytes]:
    return iter(lambda: bytes(body.read(_CHUNK)), b"")


def _part(answer: Mapping[str, Any], name: str, call: str) -> Any:
    """A part that every answer of the call has. Raises UnreadableError where one has not."""
    if name not in answer:
        raise UnreadableError(f"the answer of {call} lacks {name}")
    return answer[name]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
