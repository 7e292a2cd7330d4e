"""How services say no, each in its own protocol."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from sandbox.front.gateway import Answer, Arrived

_QUERY_PROTOCOL = frozenset({"iam", "sts", "sns", "cloudwatch", "rds", "elbv2"})
_CODES = {"sns": "AuthorizationError", "ec2": "UnauthorizedOperation"}


def access_denied(arrived: Arrived, action: str, resource: str | None, why: str) -> Answer:
    """A refusal of a call, shaped as the service's SDKs expect it."""
    message = f"User: {arrived.caller.arn} is not authorized to perform: {action}"
    if resource:
        message += f' on resource: "{resource}"'
    return refuse(arrived, f"{message} {why}")


def refuse(arrived: Arrived, message: str, code: str | None = None) -> Answer:
    """A refusal with a message of the caller's own; ``code`` where it is no denied access."""
    service = arrived.service
    text = escape(message)
    headers = [("Content-Type", "text/xml")]
    if service in ("s3", "s3control"):
        body = f"<Error><Code>{code or 'AccessDenied'}</Code><Message>{text}</Message></Error>"
        if arrived.environ["REQUEST_METHOD"] == "HEAD":
            body = ""
        return Answer("403 Forbidden", headers, body.encode())
    error = code or _CODES.get(service, "AccessDenied")
    if service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{error}</Code><Message>{text}</Message></Error>"
            "</Errors><RequestID></RequestID></Response>"
        )
        return Answer("403 Forbidden", headers, body.encode())
    if service in _QUERY_PROTOCOL and "x-amz-target" not in arrived.headers:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{error}</Code>"
            f"<Message>{text}</Message></Error><RequestId></RequestId></ErrorResponse>"
        )
        return Answer("403 Forbidden", headers, body.encode())
    error = code or "AccessDeniedException"
    document = json.dumps({"__type": error, "message": message})
    return Answer(
        "403 Forbidden" if service == "lambda" else "400 Bad Request",
        [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("x-amzn-ErrorType", error),
        ],
        document.encode(),
    )
