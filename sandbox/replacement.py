"""How a part of moto is replaced: what, by what and why.

A room states its replacements as data, in tables of ``Replacement``; ``install`` is the one place
that touches moto. Every entry is held against moto before anything is replaced, so that an upgrade
of moto that takes an attribute away, or brings one that was added here, tells at once.
"""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_ABSENT = object()


class Kind(enum.StrEnum):
    """What becomes of moto's own behaviour."""

    INSTEAD = "instead"  # it is not called any more
    AROUND = "around"  # it is called by what stands in its place
    ADDED = "added"  # there was none


class ReplacementError(Exception):
    """The installed moto is not the one that the tables were written for."""


@dataclass(frozen=True)
class Replacement:
    """One attribute of moto, and what stands in its place.

    ``owner`` is a class or module of moto, or a dictionary of its URL paths; ``name`` is the
    attribute, or the key. ``by`` is called with the context of its table first, then, when
    ``kind`` is AROUND, with moto's own function, then with the arguments of the call. A property
    stays one. ``why`` is one sentence.
    """

    owner: Any
    name: str
    by: Callable[..., Any]
    why: str
    kind: Kind = Kind.INSTEAD

    @property
    def target(self) -> str:
        """moto's attribute, with its module."""
        if isinstance(self.owner, dict):
            return f"URL path {self.name}"
        if inspect.ismodule(self.owner):
            return f"{self.owner.__name__}.{self.name}"
        return f"{self.owner.__module__}.{self.owner.__qualname__}.{self.name}"

    @property
    def replaced_by(self) -> str:
        """The function that stands in its place, with its module."""
        return f"{self.by.__module__}.{self.by.__qualname__}"

    def problem(self) -> str | None:
        """Why it does not fit the installed moto; None when it does."""
        present = _read(self.owner, self.name) is not _ABSENT
        if self.kind is Kind.ADDED:
            return f"moto has a {self.target} of its own now" if present else None
        return None if present else f"moto has no {self.target} any more"


def install(tables: Iterable[tuple[Iterable[Replacement], Any]]) -> None:
    """Put every replacement of the tables in moto's place, each table with its context.

    Raises ReplacementError, before anything is replaced, when one does not fit.
    """
    entries = [(entry, context) for table, context in tables for entry in table]
    problems = [problem for entry, _ in entries if (problem := entry.problem()) is not None]
    if problems:
        raise ReplacementError("; ".join(problems))
    for entry, context in entries:
        _put(entry, context)


def _put(entry: Replacement, context: Any) -> None:
    present = _read(entry.owner, entry.name)
    is_property = isinstance(present, property)
    original = present.fget if isinstance(present, property) else present
    leading = (context, original) if entry.kind is Kind.AROUND else (context,)
    by = entry.by

    @functools.wraps(by)
    def method(*arguments: Any, **keywords: Any) -> Any:
        return by(*leading, *arguments, **keywords)

    value = property(method) if is_property else method
    if isinstance(entry.owner, dict):
        entry.owner[entry.name] = value
    else:
        setattr(entry.owner, entry.name, value)


def _read(owner: Any, name: str) -> Any:
    if isinstance(owner, dict):
        return owner.get(name, _ABSENT)
    return inspect.getattr_static(owner, name, _ABSENT)
