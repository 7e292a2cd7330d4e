"""Hive's column types: how DuckDB calls them, and how a JSON value becomes one of theirs.

https://docs.aws.amazon.com/athena/latest/ug/data-types.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PRIMITIVES = {
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
}
_TOKEN = re.compile(r"\s*([a-z0-9_]+|[<>,:])", re.IGNORECASE)


class TypeUnknownError(ValueError):
    """A column's type is not one that is known here."""


@dataclass(frozen=True)
class Column:
    """A type: a primitive, or an ``array``, ``map`` or ``struct`` of further ones by name."""

    kind: str
    parts: tuple[tuple[str, Column], ...] = ()

    def in_duckdb(self) -> str:
        """The same type in DuckDB's words."""
        inner = [part.in_duckdb() for _, part in self.parts]
        if self.kind == "array":
            return f"{inner[0]}[]"
        if self.kind == "map":
            return f"MAP({inner[0]}, {inner[1]})"
        if self.kind == "struct":
            members = ", ".join(f'"{name}" {part.in_duckdb()}' for name, part in self.parts)
            return f"STRUCT({members})"
        return _PRIMITIVES[self.kind]

    def value(self, found: Any) -> Any:
        """A JSON value as Hive's JSON SerDe reads it: members by name in any case, else null."""
        if found is None:
            return None
        if self.kind == "string":
            return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"))
        if self.kind == "array":
            return [self.parts[0][1].value(one) for one in found]
        if self.kind == "map":
            return {str(name): self.parts[1][1].value(one) for name, one in found.items()}
        if self.kind == "struct":
            return self.members(found)
        return found

    def members(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a struct, of a row likewise."""
        known = {name.lower(): one for name, one in found.items()}
        return {name: part.value(known.get(name.lower())) for name, part in self.parts}


def parse(text: str) -> Column:
    """Read a type such as ``array<struct<arn:string>>``. Raises TypeUnknownError."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise TypeUnknownError(f"not a type: {text}")
    column, rest = _read(tokens)
    if rest:
        raise TypeUnknownError(f"not a type: {text}")
    return column


def _read(tokens: list[str]) -> tuple[Column, list[str]]:
    kind, rest = (tokens[0].lower(), tokens[1:]) if tokens else ("", [])
    if kind in _PRIMITIVES:
        return Column(kind), rest
    if kind not in ("array", "map", "struct") or rest[:1] != ["<"]:
        raise TypeUnknownError(f"not a type that is known here: {kind or 'nothing'}")
    parts: list[tuple[str, Column]] = []
    while rest[:1] in (["<"], [","]):
        name, rest = "", rest[1:]
        if kind == "struct":
            if rest[1:2] != [":"]:
                raise TypeUnknownError("a struct's member has no type")
            name, rest = rest[0], rest[2:]
        part, rest = _read(rest)
        parts.append((name, part))
    if rest[:1] != [">"] or (kind != "struct" and len(parts) != {"array": 1, "map": 2}[kind]):
        raise TypeUnknownError(f"a type {kind} that does not end")
    return Column(kind, tuple(parts)), rest[1:]
