"""How services say no, each in its own protocol."""

from __future__ import annotations

from http import HTTPStatus

from sandbox.front import errors
from sandbox.front.errors import Answer, Protocol
from sandbox.front.gateway import Arrived

_CODES = {"sns": "AuthorizationError", "ec2": "UnauthorizedOperation"}
_DOCUMENTS = frozenset({Protocol.JSON, Protocol.REST_JSON, Protocol.CBOR})


def access_denied(arrived: Arrived, action: str, resource: str | None, why: str) -> Answer:
    """A refusal of a call, shaped as the service's SDKs expect it."""
    message = f"User: {arrived.caller.arn} is not authorized to perform: {action}"
    if resource:
        message += f' on resource: "{resource}"'
    return refuse(arrived, f"{message} {why}")


def refuse(
    arrived: Arrived, message: str, code: str | None = None, status: HTTPStatus | None = None
) -> Answer:
    """A refusal with a message of the caller's own.

    ``code`` and ``status`` where it is no denied access.
    """
    environ = arrived.environ
    protocol = errors.protocol_of(
        arrived.signature.service, arrived.headers, environ.get("QUERY_STRING", ""), arrived.body
    )
    if code is None:
        default = "AccessDeniedException" if protocol in _DOCUMENTS else "AccessDenied"
        code = _CODES.get(arrived.service, default)
    # Services whose operations are no resources have but one status for what the caller did.
    rpc = protocol in (Protocol.JSON, Protocol.CBOR)
    status = HTTPStatus.BAD_REQUEST if rpc else status or HTTPStatus.FORBIDDEN
    answer = errors.error(protocol, code, message, status, service=arrived.service)
    if environ["REQUEST_METHOD"] == "HEAD":
        return Answer(answer.status, answer.headers, b"")
    return answer
