"""What the sandbox lacks, and where it fails, told as an error of AWS that names the operation.

moto raises, or answers with a page of HTML, where it knows no operation or trips over one; no
client of AWS can read either.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from xml.etree import ElementTree

from sandbox.front import errors
from sandbox.front.errors import Answer, Protocol

log = logging.getLogger(__name__)

# AWS's own codes for what is not there, and for what went wrong on its side.
_LACKING = "NotImplemented"
_FAILED = "InternalFailure"
_MOST_WORDS = 300
_NO_SUCH_PATH = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


@dataclass(frozen=True)
class Asked:
    """A request, as far as it tells what it is for; headers in lower case."""

    service: str
    operation: str | None  # None where botocore's models have none for it
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def protocol(self) -> Protocol:
        """The protocol in which it has to be answered."""
        return errors.protocol_of(self.service, self.headers, self.query, self.body)

    @property
    def name(self) -> str:
        """The operation, as far as the request names it."""
        return f"{self.service}:{self.operation or self._named() or f'{self.method} {self.path}'}"

    def _named(self) -> str | None:
        if self.protocol is Protocol.JSON:
            return self.headers["x-amz-target"].rpartition(".")[2]
        if self.protocol is Protocol.CBOR:
            return self.path.rpartition("/operation/")[2]
        return errors.form_action(self.headers, self.query, self.body)


# Operations of S3 on a bucket or an object that moto takes for another one, as it does not look at
# the word in the query that makes the difference; one that a gap adds has no place here.
_TAKEN_FOR_OTHERS = frozenset(
    {
        "CreateBucketMetadataTableConfiguration",
        "CreateSession",
        "DeleteBucketMetadataTableConfiguration",
        "DeleteObjectAnnotation",
        "GetBucketMetadataTableConfiguration",
        "GetObjectAnnotation",
        "GetObjectTorrent",
        "ListObjectAnnotations",
        "PutObjectAnnotation",
        "RenameObject",
        "UpdateBucketMetadataAnnotationTableConfiguration",
        "UpdateBucketMetadataInventoryTableConfiguration",
        "UpdateBucketMetadataJournalTableConfiguration",
        "UpdateObjectEncryption",
    }
)


def not_asked(asked: Asked) -> Answer | None:
    """What to say to a request that moto must not see, as it would take it for another."""
    if asked.service == "s3" and asked.operation in _TAKEN_FOR_OTHERS:
        return _lacking(asked, "")
    return None


def raised(asked: Asked, error: Exception) -> Answer:
    """The answer to a request over which something raised."""
    if isinstance(error, NotImplementedError):
        return _lacking(asked, str(error))
    if asked.operation is None:
        return _lacking(asked, "")
    log.error("%s failed", asked.name, exc_info=error)
    return _failed(asked, f"{type(error).__name__}: {error}")


def readable(asked: Asked, answer: Answer) -> Answer | None:
    """What to say instead of an answer that no client of the protocol can read; None if it can.

    Only errors are looked at, and pages: what an object in a bucket holds is its owner's.
    """
    if asked.method == "HEAD":
        return None
    if answer.code < HTTPStatus.BAD_REQUEST:
        is_page = asked.protocol is not Protocol.REST_XML and _is_page(answer.body)
        return _failed(asked, "it answered with a page") if is_page else None
    if _is_error(asked.protocol, answer):
        return None
    if asked.operation is None or answer.code in _NO_SUCH_PATH:
        return _lacking(asked, "")
    words = "" if _is_page(answer.body) else answer.body.decode("utf-8", "replace")
    return _failed(asked, words or f"status {answer.code}")


def _lacking(asked: Asked, words: str) -> Answer:
    message = f"The sandbox lacks {asked.name}"
    return _error(asked, _LACKING, message, words, HTTPStatus.NOT_IMPLEMENTED)


def _failed(asked: Asked, words: str) -> Answer:
    message = f"The sandbox failed in {asked.name}"
    return _error(asked, _FAILED, message, words, HTTPStatus.INTERNAL_SERVER_ERROR)


def _error(asked: Asked, code: str, message: str, words: str, status: HTTPStatus) -> Answer:
    printable = "".join(sign if sign.isprintable() else " " for sign in words[:_MOST_WORDS])
    text = f"{message}: {printable}" if printable.strip() else message
    return errors.error(
        asked.protocol,
        code,
        text,
        status,
        service=asked.service,
        query_mode="x-amzn-query-mode" in asked.headers,
    )


def _is_page(body: bytes) -> bool:
    return body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _is_error(protocol: Protocol, answer: Answer) -> bool:
    """Whether an error says its code where clients of the protocol look for it."""
    if protocol is Protocol.CBOR:
        return any(
            name.lower() == "content-type" and value == "application/cbor"
            for name, value in answer.headers
        )
    if protocol in (Protocol.JSON, Protocol.REST_JSON):
        return _is_json_error(answer)
    try:
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - moto's own words
    except ElementTree.ParseError:
        return False
    return any(element.tag.rpartition("}")[2] == "Code" for element in root.iter())


def _is_json_error(answer: Answer) -> bool:
    if any(name.lower() == "x-amzn-errortype" for name, _ in answer.headers):
        return True
    try:
        document = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(document, dict) and ("__type" in document or "code" in document)
