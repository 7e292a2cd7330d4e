"""The plain case of HTTP/1.1 over one kept connection: a GET, a status, headers, a known length.

http.client parses headers as those of an e-mail, which is half of what a small object costs. This
knows nothing else: an answer that is not 200, has no Content-Length or comes in chunks is refused,
and its connection closed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

_HEAD_BYTES = 64 * 1024
_CHUNK = 64 * 1024


class NotPlainError(Exception):
    """The answer is not a plain 200 of known length."""


@dataclass(frozen=True)
class Response:
    """A plain answer: headers by lower-case name, and the body as it comes, to be read once."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class PlainConnection:
    """One connection to one host, for one thread. `tls` is None for plain HTTP."""

    def __init__(self, host: str, port: int, seconds: float, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._seconds = seconds
        self._tls = tls
        self._socket: socket.socket | None = None

    def ask(self, path: str, headers: Mapping[str, str]) -> None:
        """Send a GET of `path` (and query); its answer is to be read before the next is sent.

        Raises OSError; the next call connects anew.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        try:
            self._connected().sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        except OSError:
            self.close()
            raise

    @contextmanager
    def answer(self) -> Iterator[Response]:
        """The answer to what was asked. What is not read of it inside the `with` block is not kept.

        Raises NotPlainError and OSError; with either the next call connects anew.
        """
        connected = self._socket
        if connected is None:
            raise NotPlainError("nothing was asked")
        whole = False
        try:
            head, rest = _head(connected)
            found = _headers(head)
            length = _length(found)
            if len(rest) > length:
                raise NotPlainError("more than was announced")
            left = [length]
            yield Response(found, _body(connected, rest, left))
            whole = left[0] == 0 and found.get("connection", "").lower() != "close"
        finally:
            if not whole:
                self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connected(self) -> socket.socket:
        if self._socket is None:
            plain = socket.create_connection((self._host, self._port), self._seconds)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = plain
            if self._tls is not None:
                self._socket = self._tls.wrap_socket(plain, server_hostname=self._host)
        return self._socket


def _head(connected: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while True:
        piece = connected.recv(_CHUNK)
        if not piece:
            raise NotPlainError("the connection ended before the answer")
        received += piece
        head, end, rest = received.partition(b"\r\n\r\n")
        if end:
            return head, rest
        if len(received) > _HEAD_BYTES:
            raise NotPlainError("headers without end")


def _headers(head: bytes) -> dict[str, str]:
    status, *lines = head.decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1.1 200"):
        raise NotPlainError(status)
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        if name in headers:
            raise NotPlainError(f"{name} twice")
        headers[name] = value.strip()
    return headers


def _length(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        raise NotPlainError("no Content-Length")
    return int(length)


def _body(connected: socket.socket, first: bytes, left: list[int]) -> Iterator[bytes]:
    """The body's pieces; `left` holds how many bytes are still to come."""
    piece = first
    while left[0]:
        if piece:
            left[0] -= len(piece)
            yield piece
        if left[0]:
            piece = connected.recv(min(_CHUNK, left[0]))
            if not piece:
                raise NotPlainError("the connection ended within the body")
