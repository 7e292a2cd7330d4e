"""A signed GET of an S3 object without the client's own work for each request.

A botocore client spends about 0.8 ms of processor time on a GetObject; over years of log files
that, and not the network, is what validation waits for. A GET needs a signature and a connection
and no more. Every answer but a plain 200 is left to the client, which knows redirects, retries and
errors.
"""

from __future__ import annotations

import logging
import ssl
import threading
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import botocore.httpsession
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from verify.integrity.plain_http import NotPlainError, PlainConnection
from verify.integrity.reader import Consumer
from verify.integrity.sigv4 import signed_headers

T = TypeVar("T")

_SECONDS = 60.0
_PLACEHOLDER = "trailwarden-placeholder"

log = logging.getLogger(__name__)


class FastGet:
    """Reads the objects of one bucket, each thread over a connection of its own."""

    usable = True

    def __init__(self, session: Any, client: Any, bucket: str, region: str) -> None:
        self._credentials = session.get_credentials()
        self._region = region
        self._local = threading.local()
        if self._credentials is None:
            self.usable = False
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
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = parts.path.removesuffix(_PLACEHOLDER)
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            bundle = session.get_config_variable("ca_bundle") or botocore.httpsession.where()
            self._tls = ssl.create_default_context(cafile=bundle)
        # A proxy has settings that only the client reads.
        if get_environ_proxies(url):
            self.usable = False

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
        try:
            with self._connection().get(f"{path}?{query}" if query else path, headers) as response:
                metadata = {
                    name[len("x-amz-meta-") :]: value
                    for name, value in response.headers.items()
                    if name.startswith("x-amz-meta-")
                }
                return consume(metadata, response.chunks)
        except (NotPlainError, OSError) as error:
            log.debug("left to the client: %s", error)
            raise NotPlainError(str(error)) from error

    def _connection(self) -> PlainConnection:
        connection: PlainConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = PlainConnection(self._name, self._port, _SECONDS, self._tls)
            self._local.connection = connection
        return connection
