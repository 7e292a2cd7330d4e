"""Answers of an earlier run, from its evidence: the same checks, without any account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from verify.account.answer import Called, merged
from verify.account.shapes import UnknownOperationError, output_shape
from verify.model import NotVerifiedError
from verify.redaction import jsonable

MAXIMUM_FILES = 100_000
MAXIMUM_BYTES = 100_000_000  # of one file


# Service, operation, parameters as JSON, and moment of the run.
RecordKey = tuple[str, str, str, str]


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
            key = _key(
                document["service"],
                document["operation"],
                document["parameters"],
                document["moment"],
            )
            self._calls[key] = _called(document)

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        moment: str = "",
        worth_keeping: Callable[[Mapping[str, Any]], object] = lambda _: True,
    ) -> Called:
        """The latest answer that was recorded; see `verify.account.answer.Source`."""
        found = self._calls.get(_key(service, operation, parameters, moment))
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
        recorded = self._calls[key]
        pages = (change(merged(recorded.pages)),)
        self._calls[key] = replace(recorded, pages=pages, error=None)
        try:
            yield
        finally:
            self._calls[key] = recorded

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
        "time",
        "error",
        "error_code",
        "response",
    } - (document.keys() if isinstance(document, dict) else set())
    if missing:
        raise RecordError(f"{path} is no evidence: it lacks {', '.join(sorted(missing))}")
    found: Mapping[str, Any] = document
    return found


def _key(service: str, operation: str, parameters: Mapping[str, Any], moment: str) -> RecordKey:
    return service, operation, json.dumps(jsonable(parameters), sort_keys=True), moment


def _called(document: Mapping[str, Any]) -> Called:
    operation, error = document["operation"], None
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
    """A page as boto3 gave it, with times in the place of their texts."""
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
    return value
