"""YAML whose every entry knows its line, so that a message can name the place that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from verify.inputs.reader import LOADER, UnreadableError, read_text

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Located:
    """A document, and the line (from 1) of each of its keys and elements, by its place."""

    path: Path
    value: Any
    lines: dict[Place, int]

    def known(self, place: Place) -> Place:
        """How far the document goes on the way to a place."""
        while place and place not in self.lines:
            place = place[:-1]
        return place

    def at(self, *place: str | int) -> str:
        """File and line of a place, or of what it would stand in."""
        return f"{self.path}:{self.lines.get(self.known(place), 1)}"


def read_located(path: Path, what: str, maximum: int) -> Located:
    """The YAML document in `path`, of at most `maximum` characters.

    Raises UnreadableError where it cannot be read, is not YAML or has a key twice.
    """
    loader = LOADER(read_text(path, what, maximum))
    try:
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from None
    finally:
        loader.dispose()
    lines: dict[Place, int] = {}
    if node is not None:
        for place, found in _places(node, ()):
            line = found.start_mark.line + 1
            if place in lines:
                raise UnreadableError(
                    f"{path}:{line}: {place[-1]} stands twice, first in line {lines[place]}: "
                    "remove one of them"
                )
            lines[place] = line
    return Located(path, value, lines)


def _places(node: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key
            yield from _places(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*place, index), item
            yield from _places(item, (*place, index))
