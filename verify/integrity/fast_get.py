"""A signed GET of an S3 object without the client's own work for each request.

A botocore client spends about 0.8 ms of processor time on a GetObject; over years of log files
that, and not the network, is what validation waits for. A GET needs a signature and a connection
and no more. Every answer but a plain 200 is left to the client, which knows redirects, retries and
errors.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import botocore.httpsession
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from verify.integrity.reader import Consumer
from verify.integrity.sigv4 import signed_headers

T = TypeVar("T")

_CHUNK = 64 * 1024
_SECONDS = 60.0
_PLACEHOLDER = "trailwarden-placeholder"

log = logging.getLogger(__name__)


class NotPlainError(Exception):
    """The answer is not a plain 200: ask through the client."""


class FastGet:
    """Reads the objects of one bucket, each thread over a connection of its own."""

    def __init__(self, session: Any, client: Any, bucket: str, region: str) -> None:
        self._credentials = session.get_credentials()
        self._region = region
        self._local = threading.local()
        # A proxy has settings that only the client reads.
        self.usable = self._credentials is not None
        if not self.usable:
            return
        # The client knows the endpoint, its overrides and whether the bucket's name goes before it.
        try:
            url = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": _PLACEHOLDER}
            )
        except BotoCoreError:
            self.usable = False
            return
        parts = urlsplit(url)
        self._host = parts.netloc
        self._path = parts.path.removesuffix(_PLACEHOLDER)
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            bundle = session.get_config_variable("ca_bundle") or botocore.httpsession.where()
            self._tls = ssl.create_default_context(cafile=bundle)
        self.usable = not get_environ_proxies(url)

    def get(self, key: str, version: str | None, consume: Consumer[T]) -> T:
        """What `consume` makes of the object. Raises NotPlainError for the client to try."""
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
        connection = self._connection()
        whole = False
        try:
            connection.request("GET", f"{path}?{query}" if query else path, headers=headers)
            response = connection.getresponse()
            if response.status != 200:
                raise NotPlainError(str(response.status))
            metadata = {
                name[len("x-amz-meta-") :].lower(): value
                for name, value in response.headers.items()
                if name[:11].lower() == "x-amz-meta-"
            }
            made = consume(metadata, _chunks(response))
            whole = response.isclosed()
            return made
        except (http.client.HTTPException, OSError) as error:
            log.debug("left to the client: %s", error)
            raise NotPlainError(str(error)) from error
        finally:
            # What is left of an answer would be taken for the start of the next one.
            if not whole:
                connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            if self._tls is None:
                connection = http.client.HTTPConnection(self._host, timeout=_SECONDS)
            else:
                connection = http.client.HTTPSConnection(
                    self._host, timeout=_SECONDS, context=self._tls
                )
            self._local.connection = connection
        return connection


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body in pieces. Raises IncompleteRead, as a plain read in pieces does not."""
    while chunk := response.read(_CHUNK):
        yield chunk
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
