"""The Lambda Runtime API of one function's process.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html: the process asks for the next
invocation, and posts its response, its error, or the error that kept it from starting.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.settings import HOST

PREFIX = "/2018-06-01/runtime/"
MAXIMUM_PAYLOAD_BYTES = 6 * 1024 * 1024 + 100


@dataclass(frozen=True)
class Work:
    """An invocation, as the process is told of it. ``deadline`` is in epoch milliseconds."""

    request_id: str
    payload: bytes
    deadline: int
    function_arn: str


@dataclass(frozen=True)
class Message:
    """What a process says: ``ready``, ``response``, ``error`` or ``init-error``, with its body."""

    kind: str
    request_id: str
    body: bytes


class RuntimeApi:
    """A Runtime API server on a loopback port of its own.

    ``offer`` hands over an invocation; ``messages`` has what the process says: first ``ready``
    when it asks for its first invocation, then one message an invocation.
    """

    def __init__(self) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self._work: queue.Queue[Work | None] = queue.Queue()
        self._asked = False
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 64 * 1024

            def do_GET(self) -> None:
                if self.path == PREFIX + "invocation/next":
                    api._next(self)
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                api._post(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="sandbox-runtime-api",
            daemon=True,
        ).start()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API says: host and port."""
        return f"{HOST}:{self._server.server_address[1]}"

    def offer(self, work: Work) -> None:
        """Give the process its next invocation."""
        self._work.put(work)

    def close(self) -> None:
        """Stop serving and release whoever waits for work."""
        self._work.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _next(self, handler: BaseHTTPRequestHandler) -> None:
        if not self._asked:
            self._asked = True
            self.messages.put(Message("ready", "", b""))
        work = self._work.get()
        if work is None:
            handler.send_error(410)
            return
        handler.send_response(200)
        for name, value in (
            ("Lambda-Runtime-Aws-Request-Id", work.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(work.deadline)),
            ("Lambda-Runtime-Invoked-Function-Arn", work.function_arn),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(work.payload))),
        ):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(work.payload)

    def _post(self, handler: BaseHTTPRequestHandler) -> None:
        body = _body(handler)
        if body is None:
            handler.send_error(413)
            return
        parts = handler.path.removeprefix(PREFIX).split("/")
        if parts == ["init", "error"]:
            self.messages.put(Message("init-error", "", body))
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            self.messages.put(Message(parts[2], parts[1], body))
        else:
            handler.send_error(404)
            return
        answer = b'{"status":"OK"}'
        handler.send_response(202)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)


def _body(handler: BaseHTTPRequestHandler) -> bytes | None:
    if "chunked" in handler.headers.get("Transfer-Encoding", "").lower():
        body = b""
        while size := int(handler.rfile.readline(32).split(b";")[0], 16):
            body += handler.rfile.read(size)
            handler.rfile.readline(8)
            if len(body) > MAXIMUM_PAYLOAD_BYTES:
                return None
        handler.rfile.readline(8)
        return body
    length = int(handler.headers.get("Content-Length") or 0)
    return handler.rfile.read(length) if length <= MAXIMUM_PAYLOAD_BYTES else None
