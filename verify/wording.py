"""How values are worded for the readers of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAXIMUM_CHARACTERS = 2_000


def in_words(value: Any) -> str:
    """`value` as a reader of the report wants it: sets and lists joined, nothing spelled `None`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={in_words(item)}" for key, item in value.items()) or "nothing"
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(in_words, value))) or "nothing"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, value)) or "nothing"
    shown = str(value)
    return shown if len(shown) <= MAXIMUM_CHARACTERS else shown[:MAXIMUM_CHARACTERS] + "..."
