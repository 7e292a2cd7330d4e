"""Errors of AWS, each in the protocol of the request that it answers.

https://smithy.io/2.0/aws/protocols/index.html: what a client of each protocol reads an error from.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Answer:
    """A complete HTTP response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status.split(" ", 1)[0])


class Protocol(enum.Enum):
    """How a service and its clients speak."""

    QUERY = "query"
    EC2 = "ec2"
    REST_XML = "rest-xml"
    JSON = "json"
    REST_JSON = "rest-json"
    CBOR = "smithy-rpc-v2-cbor"


# The services, by signing name, whose resources are paths and whose documents are XML.
_REST_XML = frozenset({"cloudfront", "route53", "s3", "s3express"})
# Those that speak by forms alone: a request without one is no call of theirs, or a broken one.
_QUERY = frozenset({"autoscaling", "cloudformation", "elasticache", "iam", "rds", "sns", "sts"})


def protocol_of(service: str, headers: Mapping[str, str], query: str, body: bytes) -> Protocol:
    """The protocol of a request to a service, by its signing name; headers in lower case."""
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return Protocol.CBOR
    if "x-amz-target" in headers:
        return Protocol.JSON
    if service == "ec2":
        return Protocol.EC2
    if service in _QUERY or form_action(headers, query, body) is not None:
        return Protocol.QUERY
    return Protocol.REST_XML if service in _REST_XML else Protocol.REST_JSON


def form_action(headers: Mapping[str, str], query: str, body: bytes) -> str | None:
    """The Action that a form names, in the body or in the query; None where there is none."""
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    text = body.decode("utf-8", "replace") if is_form else ""
    for form in (text, query):
        for action in parse_qs(form).get("Action", []):
            return action
    return None


def error(
    protocol: Protocol,
    code: str,
    message: str,
    status: HTTPStatus,
    *,
    service: str = "",
    query_mode: bool = False,
) -> Answer:
    """An error as a client of the protocol reads it.

    `query_mode` is for clients that once spoke by forms and still know the codes of then
    (x-amzn-query-mode); `service` tells S3, whose errors lack the outer element.
    """
    fault = "Sender" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
    line = f"{status.value} {status.phrase}"
    if protocol in (Protocol.QUERY, Protocol.EC2, Protocol.REST_XML):
        body = _xml(protocol, service, escape(code), escape(message), fault)
        return Answer(line, [("Content-Type", "text/xml")], body.encode())
    headers = [("Content-Type", _CONTENT_TYPES[protocol]), ("x-amzn-ErrorType", code)]
    if query_mode:
        headers.append(("x-amzn-query-error", f"{code};{fault}"))
    document = {"__type": code, "message": message}
    if protocol is Protocol.CBOR:
        headers.append(("smithy-protocol", "rpc-v2-cbor"))
        return Answer(line, headers, _cbor(document))
    return Answer(line, headers, json.dumps(document).encode())


_CONTENT_TYPES = {
    Protocol.JSON: "application/x-amz-json-1.1",
    Protocol.REST_JSON: "application/json",
    Protocol.CBOR: "application/cbor",
}


def _xml(protocol: Protocol, service: str, code: str, message: str, fault: str) -> str:
    if protocol is Protocol.EC2:
        return (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            "</Errors><RequestID></RequestID></Response>"
        )
    if protocol is Protocol.REST_XML and service.startswith("s3"):
        return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return (
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error><RequestId></RequestId></ErrorResponse>"
    )


def _cbor(document: Mapping[str, str]) -> bytes:
    """A map of texts (RFC 8949, major types 5 and 3)."""
    parts = [_cbor_head(5, len(document))]
    for text in (text for pair in document.items() for text in pair):
        content = text.encode()
        parts += [_cbor_head(3, len(content)), content]
    return b"".join(parts)


def _cbor_head(major: int, length: int) -> bytes:
    if length < 24:
        return bytes([major << 5 | length])
    return bytes([major << 5 | 26]) + length.to_bytes(4, "big")
