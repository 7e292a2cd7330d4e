"""The front door: every request passes here on its way to moto, and back."""

from __future__ import annotations

import io
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from sandbox import regions
from sandbox.access import caller as callers
from sandbox.clock import now
from sandbox.control import Control, ControlError, read_request
from sandbox.front import errors, faults
from sandbox.front.errors import Answer
from sandbox.scheduler import report
from sandbox.trail import record, record_names
from sandbox.trail.delivery import Delivery
from sandbox.world import World

log = logging.getLogger(__name__)

# Where the environment of a request keeps the operation that it was matched with.
_OPERATION = "sandbox.operation"
MAXIMUM_BODY_BYTES = 256 * 1024 * 1024
_REQUEST_ID_ELEMENT = re.compile(rb"<(requestId|RequestId)>[^<]*</(?:requestId|RequestId)>")

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Arrived:
    """A signed request that has been matched with an operation."""

    moment: datetime
    signature: callers.Signature
    service: str
    operation: str
    path_parameters: dict[str, Any]
    caller: callers.Caller
    environ: dict[str, Any]
    headers: dict[str, str]
    body: bytes

    def fresh_environ(self) -> dict[str, Any]:
        """The WSGI environment, with its body unread."""
        return _copy_environ(self.environ, self.body)


# Is told of each request that moto has answered.
Observer = Callable[[Arrived, Answer], object]
# Looks at a request before moto does, under the lock; an answer means that moto never sees it.
Guard = Callable[[Arrived], Answer | None]


class Gateway:
    """The WSGI application: health, guards, moto, and the recording of what happened."""

    def __init__(
        self,
        world: World,
        application: Application,
        delivery: Delivery,
        guards: list[Guard],
        observers: list[Observer],
        controls: Mapping[str, Control],
    ) -> None:
        self._world = world
        self._application = application
        self._delivery = delivery
        self._guards = guards
        self._observers = observers
        self._controls = controls
        # One thread, so that records keep the order of their calls.
        self._recorder = ThreadPoolExecutor(1, thread_name_prefix="sandbox-recorder")

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        try:
            answer = self._answer(environ)
        except Exception as error:  # noqa: BLE001 - whatever it is, a client must be told
            answer, _ = _with_request_id(faults.raised(_asked(environ), error))
        start_response(answer.status, answer.headers)
        return [answer.body]

    def stop(self) -> None:
        """Record what has been seen so far, and stop."""
        self._recorder.shutdown(wait=True)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_sandbox/"):
            return self._own(path, environ)
        if path.startswith("/moto-api") or path == "/favicon.ico":
            # moto's control pages: no part of AWS, and any web page could have them reset.
            return _plain("404 Not Found", "not here")
        moment = now()
        body = _read_body(environ)
        if body is None:
            return _told(
                _asked(environ),
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "EntityTooLarge",
                "the body is too large",
            )
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        signature = callers.read_signature(environ)
        matched = None if signature is None else _match(signature, environ, body)
        if signature is None or matched is None:
            if signature is None and _writes_unsigned(environ, body):
                return _told(
                    _asked(environ),
                    HTTPStatus.FORBIDDEN,
                    "AccessDenied",
                    "the request is not signed",
                )
            with self._world.lock:
                unmatched = self._dispatch(environ, body)
            return faults.readable(_asked(environ), unmatched) or unmatched
        service, operation, path_parameters = matched
        environ[_OPERATION] = operation
        lacking = faults.not_asked(_asked(environ))
        if lacking is not None:
            return _with_request_id(lacking)[0]
        with self._world.lock:
            caller = callers.identify(self._world, signature)
            before = self._trails(service, signature.region)
            arrived = Arrived(
                moment,
                signature,
                service,
                operation,
                path_parameters,
                caller,
                environ,
                _headers(environ),
                body,
            )
            answer = self._guarded(arrived)
            if answer is None and not _waits(service, operation):
                answer = self._dispatch(environ, body)
        if answer is None:
            # Invoke waits for a function that calls back here, ReceiveMessage for a message.
            answer = self._dispatch(environ, body)
        for observe in self._observers:
            observe(arrived, answer)
        instead = faults.readable(_asked(environ), answer)
        answer, request_id = _with_request_id(instead or answer)
        if instead is not None:
            return answer  # what the sandbox could not do has not happened
        self._submit(arrived, answer, request_id, before)
        return answer

    def _own(self, path: str, environ: dict[str, Any]) -> Answer:
        if path == "/_sandbox/health":
            settings = self._world.settings
            return _document(
                "200 OK",
                {
                    "status": "ok",
                    "account": settings.account,
                    "region": settings.region,
                    "speed": settings.speed,
                    "digest_period": settings.digest_period,
                },
            )
        control = self._controls.get(path)
        if control is None:
            return _plain("404 Not Found", "not here")
        if environ["REQUEST_METHOD"] != "POST":
            return _plain("405 Method Not Allowed", "only POST")
        body = _read_body(environ)
        try:
            request = read_request(environ.get("CONTENT_TYPE", ""), body or b"")
            with self._world.lock:
                return _document("200 OK", control(request))
        except ControlError as error:
            return _document(error.status, {"error": str(error)})

    def _guarded(self, arrived: Arrived) -> Answer | None:
        for guard in self._guards:
            answer = guard(arrived)
            if answer is not None:
                return answer
        return None

    def _trails(self, service: str, region: str) -> list[Any]:
        is_global = service in record_names.GLOBAL_SERVICES
        event_region = regions.global_events_region(region) if is_global else region
        return self._delivery.watching(event_region, is_global)

    def _dispatch(self, environ: dict[str, Any], body: bytes) -> Answer:
        environ["wsgi.input"] = io.BytesIO(body)
        captured: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            captured[:] = [(status, headers)]
            return lambda data: None

        chunks = self._application(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = captured[0]
        return Answer(status, headers, content)

    def _submit(self, arrived: Arrived, answer: Answer, request_id: str, before: list[Any]) -> None:
        environ = arrived.environ
        call = record.Call(
            moment=arrived.moment,
            region=arrived.signature.region,
            service=arrived.service,
            operation=arrived.operation,
            path_parameters=arrived.path_parameters,
            method=environ["REQUEST_METHOD"],
            path=environ.get("PATH_INFO", ""),
            query=environ.get("QUERY_STRING", ""),
            headers=arrived.headers,
            body=arrived.body,
            environ=_copy_environ(environ, arrived.body),
            caller=arrived.caller,
            source_address=environ.get("REMOTE_ADDR", ""),
            status=answer.code,
            answer_headers={name.lower(): value for name, value in answer.headers},
            answer=answer.body,
            request_id=request_id,
        )
        if not call.is_recorded or (call.is_data_event and not before):
            return
        with self._world.lock:
            # A trail that was logging sees StopLogging; one that now logs sees StartLogging.
            after = self._trails(call.service, call.region)
        trails = before + [trail for trail in after if trail not in before]
        self._recorder.submit(self._record, call, trails).add_done_callback(report)

    def _record(self, call: record.Call, trails: list[Any]) -> None:
        self._delivery.submit(record.build(call), trails)


def _match(
    signature: callers.Signature, environ: dict[str, Any], body: bytes
) -> tuple[str, str, dict[str, Any]] | None:
    service = record_names.SERVICE_OF_SIGNING_NAME.get(signature.service, signature.service)
    if service == "s3" and environ.get("PATH_INFO", "").startswith("/v20180820/"):
        service = "s3control"
    request = Request(_copy_environ(environ, body))
    try:
        operation, path_parameters = get_service_router(service).match(request)
    except (NotFound, UnknownServiceError, LookupError, ValueError, NotImplementedError):
        return None  # an unknown service or operation: moto will say so
    return service, operation.name, dict(path_parameters)


def _asked(environ: dict[str, Any]) -> faults.Asked:
    """What a request is for, as far as it tells; its body has been read."""
    signature = callers.read_signature(environ)
    stream = environ["wsgi.input"]
    body = b""
    if isinstance(stream, io.BytesIO):
        body = stream.getvalue()
    return faults.Asked(
        # Whoever does not sign asks for an object, as far as moto is concerned.
        service="s3" if signature is None else signature.service,
        operation=environ.get(_OPERATION),
        method=environ.get("REQUEST_METHOD", ""),
        path=environ.get("PATH_INFO", ""),
        query=environ.get("QUERY_STRING", ""),
        headers=_headers(environ),
        body=body,
    )


def _told(asked: faults.Asked, status: HTTPStatus, code: str, message: str) -> Answer:
    return errors.error(asked.protocol, code, message, status, service=asked.service)


def _writes_unsigned(environ: dict[str, Any], body: bytes) -> bool:
    """Whether an unsigned request would change something, as a form in a web page could.

    The few operations of AWS that are called unsigned name themselves.
    """
    if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
        return False
    named = b"Action=AssumeRoleWith" in body or "HTTP_X_AMZ_TARGET" in environ
    return not named


def _waits(service: str, operation: str) -> bool:
    return (service, operation) in {
        ("lambda", "Invoke"),
        ("lambda", "InvokeAsync"),
        ("lambda", "InvokeWithResponseStream"),
        ("sqs", "ReceiveMessage"),
    }


def _read_body(environ: dict[str, Any]) -> bytes | None:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read(MAXIMUM_BODY_BYTES + 1)
        return body if len(body) <= MAXIMUM_BODY_BYTES else None
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAXIMUM_BODY_BYTES:
        return None
    return bytes(stream.read(length)) if length else b""


def _copy_environ(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    copy = {
        name: value
        for name, value in environ.items()
        if not name.startswith("werkzeug.") and name not in ("wsgi.errors",)
    }
    copy["wsgi.input"] = io.BytesIO(body)
    copy["CONTENT_LENGTH"] = str(len(body))
    return copy


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    found = {
        name[5:].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        found["content-type"] = environ["CONTENT_TYPE"]
    return found


def _with_request_id(answer: Answer) -> tuple[Answer, str]:
    """Give every answer a request id of its own; many of moto's are one constant."""
    request_id = str(uuid.uuid4())
    element = rb"<\g<1>>" + request_id.encode() + rb"</\g<1>>"
    body = _REQUEST_ID_ELEMENT.sub(element, answer.body, count=1)
    headers = [
        (name, value)
        for name, value in answer.headers
        if name.lower() not in ("x-amzn-requestid", "x-amz-request-id", "content-length")
    ]
    headers += [("x-amzn-RequestId", request_id), ("x-amz-request-id", request_id)]
    length = next(
        (value for name, value in answer.headers if name.lower() == "content-length"), None
    )
    # A HEAD's answer tells a length it does not have.
    kept = length if length is not None and not body else str(len(body))
    headers.append(("Content-Length", kept))
    return Answer(answer.status, headers, body), request_id


def _document(status: str, document: dict[str, Any]) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(document).encode())


def _plain(status: str, text: str) -> Answer:
    return Answer(status, [("Content-Type", "text/plain")], text.encode())
