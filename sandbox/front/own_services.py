"""Calls that the sandbox answers itself, since moto lacks the service or most of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.core.request import Request
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from sandbox.front import errors
from sandbox.front.errors import Answer, Protocol
from sandbox.front.gateway import Arrived
from sandbox.refusal import RefusedError
from sandbox.trail import record

# What a call answers: from its region and its parameters, by the names of the API.
Answering = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
# A service's, by operation.
Answers = Mapping[str, Answering]


def guard(services: Mapping[str, Answers]) -> Callable[[Arrived], Answer | None]:
    """Answers these calls of services, as botocore names them, and leaves the others."""

    def answered(arrived: Arrived) -> Answer | None:
        answer = services.get(arrived.service, {}).get(arrived.operation)
        return None if answer is None else _answered(arrived, answer)

    return answered


def _answered(arrived: Arrived, answer: Answering) -> Answer:
    service, operation = arrived.service, arrived.operation
    parameters = record.parse_parameters(
        service, operation, arrived.path_parameters, Request(arrived.fresh_environ())
    )
    model = get_service_model(service)
    protocol = Protocol(model.metadata["protocol"])
    try:
        told = answer(arrived.signature.region, parameters)
    except RefusedError as error:
        return errors.error(protocol, error.code, error.message, error.status)
    serializer = get_serializer_class(service, protocol.value)(model.operation_model(operation))
    body = serializer.serialize(told)["body"]
    kind = "text/xml" if protocol is Protocol.QUERY else "application/json"
    content = body.encode() if isinstance(body, str) else body
    return Answer("200 OK", [("Content-Type", kind)], content)
