"""JSON Schemas (2020-12) of everything that is read or written, and validation against them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parent


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """The validator for `<name>.schema.json` in this folder."""
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


def violations(name: str, document: Any, limit: int = 12) -> list[str]:
    """What is wrong with `document` by schema `name`, a line each, at most `limit` of them."""
    errors = sorted(
        validator(name).iter_errors(document), key=lambda error: list(map(str, error.path))
    )
    lines = []
    for error in errors[:limit]:
        place = ".".join(str(part) for part in error.absolute_path)
        message = error.message if len(error.message) <= 300 else error.message[:300] + "..."
        lines.append(f"{place}: {message}" if place else message)
    if len(errors) > limit:
        lines.append(f"and {len(errors) - limit} more")
    return lines
