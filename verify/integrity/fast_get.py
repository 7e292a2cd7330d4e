"""A signed GET of an S3 object without the client's own work for each request.

A botocore client spends about 0.8 ms of processor time on a GetObject; over years of log files
that, and not the network, is what validation waits for. A GET needs a signature and a connection
and no more, so we make those with botocore's signer and urllib3 (which botocore stands on). Every
answer but a plain 200 is left to the client, which knows redirects, retries and errors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import botocore.httpsession
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from verify.integrity.reader import Consumer

T = TypeVar("T")

_CHUNK = 64 * 1024
_PLACEHOLDER = "trailwarden-placeholder"

log = logging.getLogger(__name__)


class NotPlainError(Exception):
    """The answer is not a plain 200: ask through the client."""


class FastGet:
    """Reads the objects of one bucket. Safe to use from several threads."""

    def __init__(
        self, session: Any, client: Any, bucket: str, region: str, connections: int
    ) -> None:
        self._session = session
        self._region = region
        # The client knows the endpoint, its overrides and whether the bucket's name goes before it.
        try:
            url = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": _PLACEHOLDER}
            )
        except BotoCoreError:
            self.usable = False
            return
        parts = urlsplit(url)
        self._path = parts.path.removesuffix(_PLACEHOLDER)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        # A proxy has settings that only the client reads.
        self.usable = not get_environ_proxies(url) and session.get_credentials() is not None
        self._pool = urllib3.connection_from_url(
            self._origin,
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=10, read=60),
            **_tls(session, parts.scheme),
        )

    def get(self, key: str, version: str | None, consume: Consumer[T]) -> T:
        """What `consume` makes of the object. Raises NotPlainError for the client to try."""
        path = self._path + quote(key, safe="/~")
        if version is not None:
            path += f"?versionId={quote(version, safe='~')}"
        request = AWSRequest("GET", self._origin + path)
        credentials = self._session.get_credentials().get_frozen_credentials()
        S3SigV4Auth(credentials, "s3", self._region).add_auth(request)
        try:
            response = self._pool.urlopen(
                "GET",
                path,
                headers=dict(request.headers.items()),
                preload_content=False,
                decode_content=False,
                redirect=False,
            )
            try:
                if response.status != 200:
                    raise NotPlainError(str(response.status))
                metadata = {
                    name[len("x-amz-meta-") :].lower(): value
                    for name, value in response.headers.items()
                    if name.lower().startswith("x-amz-meta-")
                }
                return consume(metadata, _chunks(response))
            finally:
                # What is left of an answer would be taken for the start of the next one.
                if response.length_remaining:
                    response.close()
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            log.debug("left to the client: %s", error)
            raise NotPlainError(str(error)) from error


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    return iter(lambda: response.read(_CHUNK, decode_content=False), b"")


def _tls(session: Any, scheme: str) -> dict[str, Any]:
    if scheme != "https":
        return {}
    bundle = session.get_config_variable("ca_bundle")
    return {
        "cert_reqs": "CERT_REQUIRED",
        "ca_certs": bundle or botocore.httpsession.where(),
    }
