"""YAML whose every entry knows its line, so that a message can name the place that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from verify.inputs.reader import read_text
from verify.kept import Kept

_KEPT = Kept(Path(__file__).parent / "__pycache__", "located", "PyYAML")

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Located:
    """The document that a `text` of `path` is."""

    path: Path
    value: Any
    text: str

    @cached_property
    def _lines(self) -> Mapping[Place, int]:
        """The line (from 1) of each key and element; few documents are ever asked for one."""
        from verify.inputs.yaml_documents import with_lines

        return with_lines(self.text, self.path, str(self.path))[1]

    def known(self, place: Place) -> Place:
        """How far the document goes on the way to a place."""
        while place and place not in self._lines:
            place = place[:-1]
        return place

    def at(self, *place: str | int) -> str:
        """File and line of a place, or of what it would stand in."""
        return f"{self.path}:{self.line(*place)}"

    def line(self, *place: str | int) -> int:
        """The line of a place, or of what it would stand in, from 1."""
        return self._lines.get(self.known(place), 1)


@dataclass(frozen=True)
class Spot:
    """A place in a document; as a text, its file and line."""

    document: Located
    place: Place

    def __str__(self) -> str:
        return self.document.at(*self.place)


def read_located(path: Path, what: str, maximum: int) -> Located:
    """The YAML document in `path`, of at most `maximum` characters.

    Raises UnreadableError where it cannot be read, is not YAML or has a key twice.
    """
    text = read_text(path, what, maximum)
    kept = _KEPT.get(text)
    if kept is not None:
        return Located(path, kept["value"], text)
    # Imported here: it takes long, and most documents are known.
    from verify.inputs.yaml_documents import with_lines

    value, _ = with_lines(text, path, what)
    made = {"value": value}
    # A number as a key would not come back as it went.
    if json.loads(json.dumps(made, default=repr)) == made:
        _KEPT.put(text, made)
    return Located(path, value, text)
