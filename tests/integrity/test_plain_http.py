"""The plain connection against answers that are not plain, and over TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.integrity.trail import key_pair
from verify.integrity.read.plain_http import NotPlainError, PlainConnection

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amz-Meta-Signature: ab\r\n\r\nhello"


@contextmanager
def answering(*answers: bytes, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that gives each connection the next of `answers`, once for each request."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with accepted:
                try:
                    connection = tls.wrap_socket(accepted, server_side=True) if tls else accepted
                    with connection:
                        if connection.recv(65536):
                            connection.sendall(answer)
                        if answer == PLAIN and connection.recv(65536):
                            connection.sendall(answer)
                except OSError:
                    continue  # The client did not like it.

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _get(connection: PlainConnection) -> tuple[dict[str, str], bytes]:
    connection.ask("/key", {"host": "127.0.0.1"})
    with connection.answer() as response:
        return dict(response.headers), b"".join(response.chunks)


def test_a_plain_answer_is_read_and_the_connection_kept() -> None:
    with answering(PLAIN) as port:
        connection = PlainConnection("127.0.0.1", port, 5, None)
        for _ in range(2):
            headers, body = _get(connection)
            assert (headers["x-amz-meta-signature"], body) == ("ab", b"hello")
        connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000,
        b"\x16\x03\x01 not HTTP \r\n\r\n",
    ],
)
def test_what_is_not_plain_is_refused_and_the_next_call_connects_anew(answer: bytes) -> None:
    with answering(answer, PLAIN) as port:
        connection = PlainConnection("127.0.0.1", port, 5, None)
        with pytest.raises(NotPlainError):
            _get(connection)
        assert _get(connection)[1] == b"hello"
        connection.close()


def test_what_is_left_of_an_answer_is_not_taken_for_the_next() -> None:
    with answering(PLAIN, PLAIN) as port:
        connection = PlainConnection("127.0.0.1", port, 5, None)
        connection.ask("/key", {})
        with connection.answer() as response:
            assert response.headers["content-length"] == "5"
        assert _get(connection)[1] == b"hello"
        connection.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1 by nobody, as a file, and a server's context with it."""
    key = key_pair("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_a_server_that_is_trusted_is_read_over_tls(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    path, server = certificate
    with answering(PLAIN, tls=server) as port:
        trusting = ssl.create_default_context(cafile=path)
        connection = PlainConnection("127.0.0.1", port, 5, trusting)
        assert _get(connection)[1] == b"hello"
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_server_that_is_not_trusted_or_is_another_is_refused(
    name: str, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    path, server = certificate
    # Unknown to the machine's authorities, or known but with another name in its certificate.
    context = ssl.create_default_context(cafile=None if name == "127.0.0.1" else path)
    with answering(PLAIN, tls=server) as port, pytest.raises(ssl.SSLCertVerificationError):
        _get(PlainConnection(name, port, 5, context))
