"""What was seen: recorded API calls, redacted, one JSON file each, and their references."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from verify.model import EvidenceReference, NotVerifiedError
from verify.redaction import redact, written


@dataclass(frozen=True)
class ApiCall:
    """One call of an AWS API and what came back (one entry in `pages` for each page)."""

    service: str
    operation: str
    region: str
    parameters: Mapping[str, Any]
    time: datetime
    seconds: float
    request_ids: tuple[str, ...]
    pages: tuple[Mapping[str, Any], ...]
    error: str | None
    error_code: str | None = None  # AWS's
    moment: str = ""  # of the run; see `verify.account.read.Read`


class EvidenceStore:
    """Writes each recorded call to a file of its own below `folder` / evidence.

    Several stores (one a worker) may write to the same folder; `worker` keeps their names apart.
    """

    def __init__(
        self, folder: Path, worker: str = "main", secrets: frozenset[str] = frozenset()
    ) -> None:
        self._folder = folder / "evidence"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._worker = worker
        self._secrets = secrets
        self._lock = threading.Lock()
        self._count = 0
        self._kept: dict[str, EvidenceReference] = {}  # what this store wrote, by its file

    def record(self, call: ApiCall) -> str:
        """Store `call` and return its identifier.

        Raises NotVerifiedError where it cannot be kept: what leaves no evidence is not verified.
        """
        with self._lock:
            self._count += 1
            number = self._count
        identifier = f"{self._worker}-{number:04d}-{call.service}-{call.operation}"
        about = {
            "identifier": identifier,
            "service": call.service,
            "operation": call.operation,
            "region": call.region,
            "time": call.time.isoformat(),
            "seconds": round(call.seconds, 6),
            "request_ids": list(call.request_ids),
            "moment": call.moment,
            "error": call.error,
            "error_code": call.error_code,
        }
        document = {**about, "parameters": call.parameters, "response": call.pages}
        text = written(document, self._secrets) + "\n"
        # Half of a pair of surrogates, which JSON can hold and UTF-8 cannot, becomes its escape.
        content = text.encode("utf-8", "backslashreplace")
        path = self._folder / f"{identifier}.json"
        part = path.with_suffix(".part")
        try:
            part.write_bytes(content)
            part.replace(path)  # whole, or not at all
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise NotVerifiedError(
                f"the evidence of {call.service}.{call.operation} could not be kept in "
                f"{self._folder} ({error.strerror}): make room, or choose another folder with "
                "--reports=<folder>"
            ) from None
        with self._lock:
            self._kept[path.name] = _reference(path.name, content, redact(about, self._secrets))
        return identifier

    def references(self) -> tuple[EvidenceReference, ...]:
        """References to all evidence in the folder, in the order in which it was seen.

        What this store wrote is not read again: whoever changes it is found by its manifest.
        """
        found = [
            self._kept.get(path.name) or _of_another(path) for path in self._folder.glob("*.json")
        ]
        return tuple(sorted(found, key=lambda reference: (reference.time, reference.identifier)))


def _of_another(path: Path) -> EvidenceReference:
    """The reference to what another store wrote, as that of a worker."""
    content = path.read_bytes()
    return _reference(path.name, content, json.loads(content))


def _reference(name: str, content: bytes, document: Mapping[str, Any]) -> EvidenceReference:
    request_ids: Iterable[str] = document["request_ids"]
    return EvidenceReference(
        identifier=document["identifier"],
        service=document["service"],
        operation=document["operation"],
        region=document["region"],
        time=datetime.fromisoformat(document["time"]).astimezone(UTC),
        request_id=next(iter(request_ids), None),
        file=f"evidence/{name}",
        sha256=hashlib.sha256(content).hexdigest(),
    )
