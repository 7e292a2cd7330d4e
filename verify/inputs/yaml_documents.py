"""YAML documents, read by PyYAML. It takes long to load: import this where there is one to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from verify.inputs.reader import UnreadableError, read_text

Place = tuple[str | int, ...]  # the keys and indices that lead to a value

_DEEPEST, _MOST_NODES = 100, 1_000_000
_NUMBER, _LONGEST_NUMBER = "tag:yaml.org,2002:int", 100
_KEYS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")

# libyaml is ten times faster, and a part of every wheel of PyYAML; an own build may lack it.
_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _TextLoader(_SAFE_LOADER):  # type: ignore[misc]
    """Reads 2026-01-02 as a text, not as a date: what JSON has no word for could not be kept."""


_TextLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_unplaced(path: Path, what: str, maximum: int) -> Any:
    """The YAML document in `path`; see `with_lines` for what is refused."""
    return with_lines(read_text(path, what, maximum), path, what)[0]


def with_lines(text: str, path: Path, what: str) -> tuple[Any, dict[Place, int]]:
    """The document that the text of `path` is, and the line of each of its keys and elements.

    Raises UnreadableError where it is not YAML, has a key twice or one that is no text, has a tag,
    or would be larger than any honest document is, as aliases of aliases are.
    """
    loader = _TextLoader(text)
    try:
        _require_bounded(text, path)
        node = loader.get_single_node()
        # Before it is made, which puts what is merged beside what it is merged into.
        lines = {} if node is None else _lines(node, path)
        return None if node is None else loader.construct_document(node), lines
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(f"{what} cannot be read: {error}") from None
    finally:
        loader.dispose()


def _require_bounded(text: str, path: Path) -> None:
    """Look through the text without making anything of it.

    Of deep nesting libyaml's loader overflows its stack, and takes the process with it.
    """
    sizes: dict[str, int] = {}  # of what has an anchor, in nodes, aliases counted in full
    entered: list[tuple[str | None, int]] = [(None, 0)]
    events: Iterator[Any] = yaml.parse(text, Loader=_TextLoader)
    for event in events:
        where = _where(event, path)
        if getattr(event, "tag", None) is not None:
            raise UnreadableError(f"{where}: the tag {event.tag} is not known here: leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            entered.append((event.anchor, 1))
            if len(entered) > _DEEPEST:
                raise UnreadableError(f"{where}: it is nested more than {_DEEPEST} deep")
            continue
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise UnreadableError(f"{where}: *{event.anchor} names nothing that ends before it")
            anchor, size = None, sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = entered.pop()
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        around, so_far = entered[-1]
        entered[-1] = around, so_far + size
        if so_far + size > _MOST_NODES:
            raise UnreadableError(f"{where}: with its aliases it has over {_MOST_NODES:,} entries")


def _lines(node: Any, path: Path) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    for place, found in _places(node, (), path):
        line = found.start_mark.line + 1
        if place in lines:
            raise UnreadableError(
                f"{path}:{line}: {place[-1]} stands twice, first in line {lines[place]}: "
                "remove one of them"
            )
        lines[place] = line
    return lines


def _places(node: Any, place: Place, path: Path) -> Iterator[tuple[Place, Any]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag not in _KEYS:
                raise UnreadableError(f"{_where(key, path)}: a key that is no text: quote it")
            yield (*place, key.value), key
            yield from _places(value, (*place, key.value), path)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*place, index), item
            yield from _places(item, (*place, index), path)
    elif node.tag == _NUMBER and len(node.value) > _LONGEST_NUMBER:
        raise UnreadableError(f"{_where(node, path)}: a number of over {_LONGEST_NUMBER} digits")


def _where(found: Any, path: Path) -> str:
    return f"{path}:{found.start_mark.line + 1}"
