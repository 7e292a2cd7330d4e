"""A signed GET of an S3 object without the client's own work for each request.

A botocore client spends about 0.8 ms of processor time on a GetObject; over years of log files
that, and not the network, is what validation waits for. A GET needs a signature and a connection
and no more. Every answer but a plain 200 is left to the client, which knows redirects, retries and
errors.

A thread that knows what it reads next announces it, and has several requests under way over as many
connections: a thread for each request would spend as much again on taking turns with the others.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import botocore.httpsession
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import get_environ_proxies

from verify.account.environment import steadily
from verify.integrity.read.plain_http import NotPlainError, PlainConnection
from verify.integrity.read.reader import Consumer
from verify.integrity.read.sigv4 import signed_headers

T = TypeVar("T")

_SECONDS = 60.0
_PLACEHOLDER = "trailwarden-placeholder"

log = logging.getLogger(__name__)


def address_of(client: Any, bucket: str) -> str:
    """Where an S3 client would ask for the object `_PLACEHOLDER` of a bucket; it does not ask.

    The client alone knows the region's host, its overrides and whether the bucket's name goes
    before it. A presigned address would not do: it names the global host, which answers with
    redirects for buckets of other regions (S3 user guide, "Virtual hosting of buckets"), and which
    not every network lets through. Raises what the client does.
    """
    asked: list[str] = []

    def instead(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        if not urlsplit(request.url).path.endswith(f"/{_PLACEHOLDER}"):
            return None  # another thread's, which goes its way
        asked.append(request.url)
        return AWSResponse(request.url, 200, {"content-length": "0"}, BytesIO())

    client.meta.events.register_first("before-send.s3.GetObject", instead)
    try:
        client.get_object(Bucket=bucket, Key=_PLACEHOLDER)
    finally:
        client.meta.events.unregister("before-send.s3.GetObject", instead)
    return asked[0]


class _Ahead(threading.local):
    """One thread's connections, and what it has announced: in order, asked for or not yet."""

    def __init__(self) -> None:
        self.idle: list[PlainConnection] = []
        self.asked: dict[str, PlainConnection] = {}
        self.announced: dict[str, None] = {}


class FastGet:
    """Reads the objects of one bucket, each thread over connections of its own.

    `window` is how many requests a thread has under way at most.
    """

    usable = True

    def __init__(self, session: Any, client: Any, bucket: str, region: str, window: int) -> None:
        self.window = window
        self._credentials = session.get_credentials()
        self._region = region
        self._ahead = _Ahead()
        if self._credentials is None:
            self.usable = False
            return
        try:
            url = address_of(client, bucket)
        except (BotoCoreError, ClientError):
            self.usable = False
            return
        parts = urlsplit(url)
        self._host = parts.netloc
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = parts.path.removesuffix(_PLACEHOLDER)
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            bundle = session.get_config_variable("ca_bundle") or botocore.httpsession.where()
            self._tls = ssl.create_default_context(cafile=bundle)
        # A proxy has settings that only the client reads.
        if steadily(lambda: get_environ_proxies(url)):
            self.usable = False

    def announce(self, keys: Iterable[str]) -> None:
        """Ask for the latest versions of `keys`, as many at a time as the window has room for.

        What was announced before and not read is given up, its connection too: the answer is still
        on its way.
        """
        ahead = self._ahead
        for connection in ahead.asked.values():
            connection.close()
            ahead.idle.append(connection)
        ahead.asked.clear()
        ahead.announced = dict.fromkeys(keys)
        self._ask(ahead)

    def get(self, key: str, version: str | None, consume: Consumer[T]) -> T:
        """What `consume` makes of the object. Raises NotPlainError for the client to try."""
        ahead = self._ahead
        connection = ahead.asked.pop(key, None) if version is None else None
        try:
            if connection is None:
                if version is None:
                    ahead.announced.pop(key, None)
                connection = self._idle(ahead)
                connection.ask(*self._request(key, version))
            with connection.answer() as response:
                metadata = {
                    name[len("x-amz-meta-") :]: value
                    for name, value in response.headers.items()
                    if name.startswith("x-amz-meta-")
                }
                return consume(metadata, response.chunks)
        except (NotPlainError, OSError) as error:
            log.debug("left to the client: %s", error)
            raise NotPlainError(str(error)) from error
        finally:
            if connection is not None:
                ahead.idle.append(connection)
            self._ask(ahead)

    def _ask(self, ahead: _Ahead) -> None:
        while ahead.announced and len(ahead.asked) < self.window:
            key = next(iter(ahead.announced))
            del ahead.announced[key]
            connection = self._idle(ahead)
            try:
                connection.ask(*self._request(key, None))
            except OSError:
                # Reading it will tell why. To try each would wait as many times for a time-out.
                ahead.announced.clear()
                ahead.idle.append(connection)
            else:
                ahead.asked[key] = connection

    def _idle(self, ahead: _Ahead) -> PlainConnection:
        if ahead.idle:
            return ahead.idle.pop()
        return PlainConnection(self._name, self._port, _SECONDS, self._tls)

    def _request(self, key: str, version: str | None) -> tuple[str, dict[str, str]]:
        path = self._path + quote(key, safe="/~")
        query = "" if version is None else f"versionId={quote(version, safe='~')}"
        credentials = self._credentials.get_frozen_credentials()
        headers = signed_headers(
            credentials.access_key,
            credentials.secret_key,
            credentials.token,
            self._region,
            self._host,
            path,
            query,
            datetime.now(UTC),
        )
        return f"{path}?{query}" if query else path, headers
