"""A loopback proxy: every answer of an HTTP server takes longer, and its requests are counted."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# Credential=<access key>/<day>/<region>/<service>/aws4_request; the headers are in lower case.
_SCOPE = re.compile(rb"credential=[^/,]+/\d+/([^/,]+/[^/,]+)/aws4_request")


@dataclass
class Seen:
    """The requests that went through: what was asked for -> how often.

    What is asked for is the region (with the service, as the signature names them), the request
    line, the operation's header and the body.
    """

    requests: Counter[tuple[bytes, bytes, bytes, bytes]] = field(default_factory=Counter)


class _Inbound(asyncio.Protocol):
    """One client's connection, passed on to a connection of its own to the server."""

    def __init__(self, host: str, port: int, seconds: float, seen: Seen) -> None:
        self._host, self._port, self._seconds, self._seen = host, port, seconds, seen
        self._buffer = b""
        self._server: asyncio.Transport | None = None
        self._waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._client = transport
        self._opening = asyncio.ensure_future(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: _Outbound(self._client, self._seconds), self._host, self._port
        )
        self._server = transport
        transport.writelines(self._waiting)

    def data_received(self, data: bytes) -> None:
        self._count(data)
        if self._server is None:
            self._waiting.append(data)
        else:
            self._server.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._opening.cancel()
        if self._server is not None:
            self._server.close()

    def _count(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            first, *lines = head.split(b"\r\n")
            headers = dict(line.lower().split(b": ", 1) for line in lines)
            length = int(headers.get(b"content-length", 0))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            target = headers.get(b"x-amz-target", b"")
            region = _SCOPE.search(headers.get(b"authorization", b""))
            scope = region[1] if region else b""
            self._seen.requests[(scope, first, target, rest[:length])] += 1


class _Outbound(asyncio.Protocol):
    """The server's side: what it answers reaches the client so many seconds later."""

    def __init__(self, client: asyncio.Transport, seconds: float) -> None:
        self._client, self._seconds = client, seconds

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if not self._client.is_closing():
            self._client.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._client.close)


@contextmanager
def delaying(url: str, seconds: float) -> Iterator[tuple[str, Seen]]:
    """A proxy in a thread of its own before the server at `url`: its address, and what it sees."""
    server = urlsplit(url)
    assert server.hostname is not None
    assert server.port is not None
    host, port, seen = server.hostname, server.port, Seen()
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(
        loop.create_server(lambda: _Inbound(host, port, seconds, seen), "127.0.0.1", 0)
    )
    thread = threading.Thread(target=loop.run_forever, name="delay", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", seen
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
