"""What becomes of a log event before anybody is sent it: transformed, then masked.

The stored event stays as it was written. Sources: CloudWatch Logs user guide, "Help protect
sensitive log data with masking" (masked at all egress points, metric and subscription filters
included), "Transform logs during ingestion".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Processor = dict[str, Any]

# Of AWS's own data identifiers these alone; the others mask nothing here.
_MANAGED = {
    "IpAddress": r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    "EmailAddress": r"[\w.+-]+@[\w-]+\.[\w.-]+",
}


class InvalidDocumentError(ValueError):
    """A document that CloudWatch Logs would not take."""


# --- data protection ------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def sensitive(document: str) -> tuple[re.Pattern[str], ...]:
    """What a data protection policy masks.

    Raises InvalidDocumentError, also for a policy without the two statements that it must have:
    one that audits and one that masks, for the same identifiers.
    """
    try:
        policy = json.loads(document)
        statements = policy["Statement"]
        [masking] = [item for item in statements if "Deidentify" in item["Operation"]]
        [audit] = [item for item in statements if "Audit" in item["Operation"]]
        if sorted(masking["DataIdentifier"]) != sorted(audit["DataIdentifier"]):
            raise ValueError("the identifiers differ")
        own = {
            item["Name"]: item["Regex"]
            for item in policy.get("Configuration", {}).get("CustomDataIdentifier", [])
        }
        names = [str(item).rpartition("/")[2] for item in masking["DataIdentifier"]]
        return tuple(
            re.compile(own.get(name) or _MANAGED[name])
            for name in names
            if name in own or name in _MANAGED
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidDocumentError(f"Invalid data protection policy: {error}") from error


def masked(message: str, documents: Iterable[str]) -> str:
    """A message with an asterisk for each character that one of the policies masks."""
    for document in documents:
        for pattern in sensitive(document):
            message = pattern.sub(lambda found: "*" * len(found[0]), message)
    return message


# --- transformers ---------------------------------------------------------------------------------


def _at(document: Any, path: str) -> tuple[dict[str, Any] | None, str]:
    """The object that holds the last part of a path, if there is one, and that part."""
    *parents, last = path.split(".")
    for part in parents:
        document = document.get(part) if isinstance(document, dict) else None
    return (document if isinstance(document, dict) else None), last


def _add_keys(document: dict[str, Any], settings: Processor) -> None:
    for entry in settings["entries"]:
        holder, key = _at(document, entry["key"])
        if holder is not None and (key not in holder or entry.get("overwriteIfExists")):
            holder[key] = entry["value"]


def _delete_keys(document: dict[str, Any], settings: Processor) -> None:
    for path in settings["withKeys"]:
        holder, key = _at(document, path)
        if holder is not None:
            holder.pop(key, None)


def _rename_keys(document: dict[str, Any], settings: Processor) -> None:
    for entry in settings["entries"]:
        holder, key = _at(document, entry["key"])
        if holder is not None and key in holder:
            holder[entry["renameTo"]] = holder.pop(key)


def _each_text(change: Callable[[str], str]) -> Callable[[dict[str, Any], Processor], None]:
    def apply(document: dict[str, Any], settings: Processor) -> None:
        for path in settings["withKeys"]:
            holder, key = _at(document, path)
            if holder is not None and isinstance(holder.get(key), str):
                holder[key] = change(holder[key])

    return apply


_PROCESSORS: dict[str, Callable[[dict[str, Any], Processor], None]] = {
    "parseJSON": lambda _document, _settings: None,  # every transformer here begins with it
    "addKeys": _add_keys,
    "deleteKeys": _delete_keys,
    "renameKeys": _rename_keys,
    "lowerCaseString": _each_text(str.lower),
    "upperCaseString": _each_text(str.upper),
}


def check_transformer(processors: list[Processor]) -> None:
    """Raise InvalidDocumentError for a transformer that cannot be followed here."""
    names = [name for processor in processors for name in processor]
    unknown = sorted(set(names) - _PROCESSORS.keys())
    if unknown:
        raise InvalidDocumentError(f"this account cannot follow {', '.join(unknown)}")
    if names[:1] != ["parseJSON"]:
        raise InvalidDocumentError("Invalid transformer: the first processor must be a parser")


def transformed(message: str, processors: list[Processor]) -> str:
    """A message as a transformer makes it; one that is not JSON stays as it was."""
    try:
        document = json.loads(message)
    except ValueError:
        return message
    if not isinstance(document, dict):
        return message
    for processor in processors:
        for name, settings in processor.items():
            _PROCESSORS[name](document, settings)
    return json.dumps(document, separators=(",", ":"))
