"""Answers of an earlier run, from its evidence: the same checks, without any account."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from verify.account.answer import Called, merged
from verify.account.read import Read
from verify.account.shapes import UnknownOperationError, output_shape
from verify.model import NotVerifiedError
from verify.redaction import jsonable

MAXIMUM_FILES = 100_000
MAXIMUM_BYTES = 100_000_000  # of one file


# Service, operation, parameters as JSON, moment of the run, and region.
RecordKey = tuple[str, str, str, str, str]


class RecordError(Exception):
    """The evidence cannot be read. The message names the file and the cause."""


class Recorded:
    """The answers in the evidence below a run's folder. Raises RecordError."""

    moves_on = False

    def __init__(self, folder: Path, region: str) -> None:
        self.region = region
        self._calls: dict[RecordKey, Called] = {}
        files = sorted((folder / "evidence").glob("*.json"))
        if not files or len(files) > MAXIMUM_FILES:
            raise RecordError(
                f"{folder} holds {len(files):,} files of evidence: name the folder of a run, such "
                "as reports/latest"
            )
        for path in files:
            document = _document(path)
            try:
                key = _key(
                    document["service"],
                    document["operation"],
                    document["parameters"],
                    document["moment"],
                    document["region"],
                )
                self._calls[key] = _called(document)
            except (AttributeError, TypeError, ValueError) as error:
                raise RecordError(f"{path} is no evidence: {error}") from None

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        moment: str = "",
        worth_keeping: Callable[[Mapping[str, Any]], object] = lambda _: True,
        region: str = "",
    ) -> Called:
        """The latest answer that was recorded; see `verify.account.answer.Source`."""
        found = self._calls.get(_key(service, operation, parameters, moment, region or self.region))
        if found is None:
            raise NotVerifiedError(
                f"the evidence has no answer of {service}.{operation} to {jsonable(parameters)}"
            )
        return found

    def answers(self) -> list[tuple[RecordKey, Mapping[str, Any]]]:
        """Every answer with the call that it belongs to; empty where there was an error instead."""
        return [(key, merged(called.pages)) for key, called in self._calls.items()]

    def refused(self, key: RecordKey) -> bool:
        """Whether a call brought an error, as where there is nothing of what was asked for."""
        return self._calls[key].error is not None

    @contextmanager
    def altered(
        self, key: RecordKey, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> Iterator[None]:
        """Give another answer to one call inside the `with` block."""

        def answered(called: Called) -> Called:
            return replace(called, pages=(change(merged(called.pages)),), error=None)

        with self.replaced((key,), answered):
            yield

    @contextmanager
    def replaced(
        self, keys: Iterable[RecordKey], change: Callable[[Called], Called]
    ) -> Iterator[None]:
        """Let `change` make something else of these calls inside the `with` block."""
        recorded = {key: self._calls[key] for key in keys}
        self._calls |= {key: change(called) for key, called in recorded.items()}
        try:
            yield
        finally:
            self._calls |= recorded

    def evidence(self, key: RecordKey) -> str:
        """The identifier of the evidence that keeps a call."""
        return self._calls[key].evidence

    def looked(self, service: str, operation: str) -> Called:
        """The latest of what was seen beside the door."""
        found = [
            called
            for key, called in self._calls.items()
            if key[:2] == (service, operation) and called.pages
        ]
        if not found:
            raise NotVerifiedError(f"the evidence holds nothing of {service}.{operation}")
        return max(found, key=lambda called: called.time)

    def client(self, service: str, region: str) -> Any:
        """There is none: what is read beside the door is not in the evidence."""
        raise NotVerifiedError(
            f"the evidence does not hold what {service} in {region} was read for"
        )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            raise RecordError(f"{path} exceeds {MAXIMUM_BYTES:,} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path} cannot be read: {error}") from None
    missing = {
        "identifier",
        "service",
        "operation",
        "parameters",
        "moment",
        "region",
        "time",
        "error",
        "error_code",
        "response",
    } - (document.keys() if isinstance(document, dict) else set())
    if missing:
        raise RecordError(f"{path} is no evidence: it lacks {', '.join(sorted(missing))}")
    found: Mapping[str, Any] = document
    return found


def key_of(read: Read, region: str) -> RecordKey:
    """The call that `read` makes, of a deployment in `region`."""
    return _key(read.service, read.operation, read.parameters, read.moment, read.region or region)


def _key(
    service: str, operation: str, parameters: Mapping[str, Any], moment: str, region: str
) -> RecordKey:
    return service, operation, json.dumps(jsonable(parameters), sort_keys=True), moment, region


def _called(document: Mapping[str, Any]) -> Called:
    operation, error = document["operation"], None
    if not all(isinstance(page, Mapping) for page in document["response"]):
        raise TypeError("its response is no list of pages")
    if document["error"] is not None:
        # The text is the whole of what botocore said, the code included.
        detail = {"Code": document["error_code"] or "", "Message": document["error"]}
        error = ClientError({"Error": detail}, operation)
    return Called(
        tuple(answered(document["service"], operation, page) for page in document["response"]),
        error,
        datetime.fromisoformat(document["time"]),
        document["identifier"],
    )


def answered(service: str, operation: str, page: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page as boto3 gave it, with times and bytes in the place of their texts."""
    try:
        shape = output_shape(service, operation)
    except UnknownOperationError:
        shape = None  # what was read beside the door is evidence as well
    restored: Mapping[str, Any] = page if shape is None else _restored(page, shape)
    return restored


def _restored(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {
            key: _restored(item, shape.members[key]) if key in shape.members else item
            for key, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_restored(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: _restored(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    # A stream was read as text already.
    if shape.type_name == "blob" and not shape.serialization.get("streaming"):
        return _bytes(value)
    return value


def _bytes(value: Any) -> Any:
    """The bytes of a text in base64; what is no such text as it is."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value
