"""Where a value stands among another module's outputs, as a path of the map."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WORD = re.compile(r"[a-z]+")


def path_to(name: str, value: Any, theirs: Mapping[str, Any]) -> Any:
    """A path that leads to `value` among the outputs `theirs`; None where none does.

    Of several it is the one that has most in common with `name`, our own output's. A list or a
    mapping that does not stand there as a whole is made of its members' paths.
    """
    found = [path for path, there in _all(theirs) if there == value]
    if found:
        return max(found, key=lambda path: _likeness(name, path))  # of equals, the first
    if isinstance(value, Mapping) and value:
        members = {key: path_to(f"{name} {key}", item, theirs) for key, item in value.items()}
        return members if all(members.values()) else None
    if isinstance(value, list) and value:
        listed = [path_to(name, item, theirs) for item in value]
        return listed if all(listed) else None
    return None


def _likeness(name: str, path: str) -> tuple[int, int]:
    """How many words of a name a path has, in the singular or the plural; and how few others."""
    asked, there = (
        {word.removesuffix("s") for word in _WORD.findall(text.lower())} for text in (name, path)
    )
    return len(asked & there), -len(there - asked)


def _all(theirs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, output in theirs.items():
        if isinstance(output, Mapping) and "value" in output and _PLAIN.fullmatch(name):
            yield from _below(name, output["value"])


def _below(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value and all that is in it."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            step = f".{key}" if _PLAIN.fullmatch(key) else f'["{key}"]'
            if key and '"' not in key:
                yield from _below(f"{path}{step}", item)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(f"{path}[{index}]", item)
