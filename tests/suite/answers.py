"""Answers of AWS's that a test gives in their place, for botocore's `before-send` event."""

from __future__ import annotations

from typing import Any

from botocore.awsrequest import AWSResponse


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> list[bytes]:
        return [self._body]


def answer(body: str, status: int = 200) -> AWSResponse:
    """The answer with this body; a client given it asks nobody."""
    return AWSResponse("http://127.0.0.1", status, {}, _Raw(body.encode()))
