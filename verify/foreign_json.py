"""JSON that somebody else has written: read at a bounded cost, and never with a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

# No document of AWS's, Terraform's or ours comes near; whoever walks one may do so by recursion.
DEEPEST = 100


def parsed(text: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a text; `pairs` makes something of each object's members.

    Raises ValueError for what is no JSON, nests deeper than DEEPEST or has a number that is longer
    than any is.
    """
    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        value = None
    else:
        if not _is_too_deep(value):
            return value
    raise ValueError(f"it is nested more than {DEEPEST} deep")


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            member
            for each in level
            if isinstance(each, dict | list)
            for member in (each.values() if isinstance(each, dict) else each)
            if isinstance(member, dict | list)
        ]
        if not level:
            return False
    return True
