"""JSON Schemas (2020-12) of everything that is read or written, and validation against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parent


@cache
def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


def validator(schema: str | Mapping[str, Any]) -> jsonschema.Draft202012Validator:
    """The validator for a schema, or for `<name>.schema.json` in this folder."""
    return jsonschema.Draft202012Validator(
        _read(schema) if isinstance(schema, str) else schema,
        format_checker=jsonschema.FormatChecker(["regex"]),
    )


def violations(schema: str | Mapping[str, Any], document: Any, limit: int = 12) -> list[str]:
    """What is wrong with `document` by `schema` (or its name), a line each, at most `limit`."""
    errors = sorted(
        validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path))
    )
    lines = []
    for error in errors[:limit]:
        place = ".".join(str(part) for part in error.absolute_path)
        message = error.message if len(error.message) <= 300 else error.message[:300] + "..."
        lines.append(f"{place}: {message}" if place else message)
    if len(errors) > limit:
        lines.append(f"and {len(errors) - limit} more")
    return lines
