"""JSON Schemas (2020-12) of everything that is read or written, and validation against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.kept import Kept

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent
_VALID = Kept(FOLDER / "__pycache__", "valid", "jsonschema")


@cache
def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


def validator(schema: str | Mapping[str, Any]) -> Draft202012Validator:
    """The validator for a schema, or for `<name>.schema.json` in this folder."""
    # Imported here: it takes long, and most documents are known to be valid.
    import jsonschema

    return jsonschema.Draft202012Validator(
        _read(schema) if isinstance(schema, str) else schema,
        format_checker=jsonschema.FormatChecker(["regex"]),
    )


@dataclass(frozen=True)
class Fault:
    """What is wrong at a place of a document: the keys and indices that lead there."""

    place: tuple[str | int, ...]
    message: str


def faults(schema: str | Mapping[str, Any], document: Any) -> list[Fault]:
    """What is wrong with `document` by `schema` (or its name). An unknown key is its own place.

    That a document has no fault is kept: the same one is not validated twice.
    """
    rules = _read(schema) if isinstance(schema, str) else schema
    try:
        text = json.dumps([rules, document], sort_keys=True, default=repr)
        if _VALID.get(text) is True:
            return []
        found = _faults(rules, document)
    except RecursionError:
        return [Fault((), "it is nested too deeply")]
    if not found:
        _VALID.put(text, True)
    return found


def _faults(schema: Mapping[str, Any], document: Any) -> list[Fault]:
    errors = sorted(
        validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path))
    )
    found = []
    for error in errors:
        message = error.message if len(error.message) <= 300 else error.message[:300] + "..."
        place = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            known = error.schema.get("properties", {})
            found += [
                Fault((*place, key), f"unknown key {key!r}: choose of {', '.join(sorted(known))}")
                for key in error.instance
                if key not in known
            ]
        else:
            found.append(Fault(place, message))
    return found


def violations(schema: str | Mapping[str, Any], document: Any, limit: int = 12) -> list[str]:
    """What is wrong with `document` by `schema` (or its name), a line each, at most `limit`."""
    found = faults(schema, document)
    lines = [
        f"{'.'.join(map(str, fault.place))}: {fault.message}" if fault.place else fault.message
        for fault in found[:limit]
    ]
    if len(found) > limit:
        lines.append(f"and {len(found) - limit} more")
    return lines
