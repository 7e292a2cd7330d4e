"""YAML documents, read by PyYAML. It takes long to load: import this where there is one to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from verify.inputs.reader import UnreadableError, read_text

Place = tuple[str | int, ...]  # the keys and indices that lead to a value

# libyaml is ten times faster, and a part of every wheel of PyYAML; an own build may lack it.
_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TextLoader(_SAFE_LOADER):  # type: ignore[misc]
    """Reads 2026-01-02 as a text, not as a date: what JSON has no word for could not be kept."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_unplaced(path: Path, what: str, maximum: int) -> Any:
    """The YAML document in `path`. Raises UnreadableError, also where it is not YAML."""
    text = read_text(path, what, maximum)
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from None


def with_lines(text: str, path: Path, what: str) -> tuple[Any, dict[Place, int]]:
    """The document that the text of `path` is, and the line of each of its keys and elements.

    Raises UnreadableError where it is not YAML or has a key twice.
    """
    loader = _TextLoader(text)
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
    return value, lines


def _places(node: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*place, key.value), key
            yield from _places(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*place, index), item
            yield from _places(item, (*place, index))
