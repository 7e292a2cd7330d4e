"""The sandbox as a whole: parts put together, served on the loopback interface."""

from __future__ import annotations

import functools
import gc
import logging
import os
import signal
import socket
import threading
from dataclasses import replace
from typing import Any, BinaryIO

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import ThreadedWSGIServer

from sandbox.detection.analyzers import Analyzers
from sandbox.detection.detectors import Detectors
from sandbox.detection.hubs import Hubs
from sandbox.front import authorization, own_services, replacements, requests_of_buckets
from sandbox.front.consistency import Consistency
from sandbox.front.gateway import Gateway
from sandbox.front.stacks import Stacks
from sandbox.function import invocation
from sandbox.gaps import credentials
from sandbox.messaging import confirmations
from sandbox.messaging.alarm_actions import AlarmActions
from sandbox.messaging.event_bus import EventBus
from sandbox.messaging.log_events import LogEvents
from sandbox.messaging.notifications import Notifications, signing_key
from sandbox.metrics.alarms import Alarms
from sandbox.queries.executions import Executions
from sandbox.settings import EVENTUAL, HOST, Settings
from sandbox.trail.api import TrailParts
from sandbox.trail.delivery import Delivery
from sandbox.trail.digests import Digests
from sandbox.trail.signing_keys import SigningKeys
from sandbox.world import World

log = logging.getLogger(__name__)

# How many more objects than before are made until rubbish is looked for.
GARBAGE_ALLOCATIONS = 20_000


class PortInUseError(OSError):
    """Another program listens on the port."""


class _Body:
    """A request's body, and how many of its bytes have been read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.count += len(content)
        return content


class RequestHandler(MotoRequestHandler):  # type: ignore[misc]  # moto has no types
    """Buffered, without Nagle's delay: each answer leaves in one packet, at once.

    A connection stays open for further requests, as AWS's do and werkzeug's do not.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 120
    # For what is no HTTP at all; the default is a page.
    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s\n"

    def run_wsgi(self) -> None:
        """Answer a request, and keep the connection unless the request's body is left in it."""
        environ = self.make_environ()
        body = environ["wsgi.input"] = _Body(environ["wsgi.input"])
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            begun.append((status, headers))

        content = b"".join(self.server.app(environ, start_response))
        [(status, headers)] = begun
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        bare = environ["REQUEST_METHOD"] == "HEAD" or code in ("204", "304")
        for name, value in headers:
            if name.lower() != "content-length" or bare:
                self.send_header(name, value)
        if not bare:
            self.send_header("Content-Length", str(len(content)))
        chunked = "Transfer-Encoding" in self.headers
        if chunked or body.count < int(self.headers.get("Content-Length") or 0):
            self.send_header("Connection", "close")
        self.end_headers()
        if not bare:
            self.wfile.write(content)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        result: bool = super().handle_expect_100()
        self.wfile.flush()  # the client waits for this line before it sends its body
        return result

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        super().send_error(code, message, explain)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # What is no HTTP has neither.
        log.debug("%s -> %s", getattr(self, "requestline", ""), code)

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        log.debug(format, *args)


class Sandbox:
    """A running sandbox. One a process: moto's state is the process's own."""

    def __init__(self, settings: Settings) -> None:
        """Bind the port and put the parts together.

        Raises PortInUseError when the port is taken; ``settings.port`` 0 takes a free one.
        """
        listener = _listen(settings.port)
        port = listener.getsockname()[1]
        self.settings = replace(settings, port=port)
        os.environ["MOTO_ACCOUNT_ID"] = settings.account
        world = World(self.settings)
        self._scheduler = world.scheduler
        self._runtime = invocation.start_runtime(world)
        bus = EventBus(world, self._runtime)
        keys = SigningKeys()
        digests = Digests(world, keys)
        self._delivery = Delivery(world, bus, digests)
        alarms = Alarms(world, AlarmActions(world, self._runtime, bus).changed)
        consistency = Consistency() if settings.consistency == EVENTUAL else None
        replacements.install(
            replacements.Parts(
                world=world,
                consistency=consistency,
                runtime=self._runtime,
                notifications=Notifications(world, self._runtime),
                bus=bus,
                log_events=LogEvents(world, self._runtime),
                alarms=alarms,
                queries=Executions(world),
                trails=TrailParts(world, self._delivery, digests, keys),
            )
        )
        signing_key()  # now, and not under the lock when the first message is signed
        self._gateway = Gateway(
            world,
            DomainDispatcherApplication(_create_app),
            self._delivery,
            [
                functools.partial(authorization.guard, world),
                *([consistency.guard] if consistency is not None else []),
                own_services.guard(
                    {
                        "accessanalyzer": Analyzers(world).answers,
                        "cloudformation": Stacks(world).answers,
                        "guardduty": Detectors(world).answers,
                        "securityhub": Hubs(world).answers,
                    }
                ),
            ],
            [
                functools.partial(requests_of_buckets.happened, world),
                *([consistency.happened] if consistency is not None else []),
            ],
            {
                "/_sandbox/backfill-digest": digests.backfill,
                "/_sandbox/rotate-signing-key": keys.rotate,
                "/_sandbox/expire-unconfirmed-subscriptions": confirmations.expiry(world),
                "/_sandbox/confirm-subscription": confirmations.confirming(world),
                "/_sandbox/root-user": credentials.setting_of_root(world),
                "/_sandbox/age-credentials": credentials.ageing(world),
                "/_sandbox/expire-credential-report": credentials.expiry(world),
                "/_sandbox/age-metrics": alarms.age,
            },
        )
        self._server = ThreadedWSGIServer(
            HOST, port, self._gateway, RequestHandler, fd=listener.fileno()
        )
        self._server.daemon_threads = True
        # The server has a duplicate of the socket of its own.
        listener.close()

    def serve(self) -> None:
        """Serve until ``stop`` is called from another thread."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """Stop serving and end every process and thread of the sandbox."""
        self._server.shutdown()
        self._server.server_close()
        self._gateway.stop()
        self._delivery.stop()
        self._runtime.stop()
        self._scheduler.stop()


def _create_app(service: Any) -> Any:
    """moto's application for one of its services."""
    if service is None:
        raise NotImplementedError("moto does not have the service")
    return create_backend_app(service)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortInUseError(str(error)) from error
    return listener


def run(settings: Settings) -> None:
    """Serve in the foreground until SIGTERM or SIGINT; print the ready line."""
    sandbox = Sandbox(settings)
    # All that has been imported stays; looking through it again and again, as the account grows,
    # would take more than any service.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_ALLOCATIONS)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    thread = threading.Thread(target=sandbox.serve, name="sandbox-server", daemon=True)
    thread.start()
    print(  # noqa: T201 - the line that whoever started the sandbox waits for
        f"sandbox ready: {sandbox.settings.url} (account {sandbox.settings.account})", flush=True
    )
    stopping.wait()
    sandbox.stop()
