"""Holds the account of fields against what AWS's models say that an answer may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from verify.account.shapes import output_shape
from verify.inputs.accounted import OperationFields, Way, written


def members(shape: Shape | None, account: OperationFields) -> Iterator[tuple[Way, Shape]]:
    """Every member that has no members of its own, and its shape.

    The keys of a map are those that AWS's model enumerates or, where it leaves them open, those
    that the account names. A structure within itself is one member.
    """
    if shape is not None:
        yield from _members(shape, account, (), ())


def _members(
    shape: Shape, account: OperationFields, way: Way, within: tuple[str, ...]
) -> Iterator[tuple[Way, Shape]]:
    if isinstance(shape, StructureShape) and shape.members and shape.name not in within:
        for name, member in shape.members.items():
            yield from _members(member, account, (*way, name), (*within, shape.name))
    elif isinstance(shape, ListShape):
        yield from _members(shape.member, account, (*way, "[]"), within)
    elif isinstance(shape, MapShape):
        for key in keys_of(shape, account, way):
            yield from _members(shape.value, account, (*way, key), within)
    else:
        yield way, shape


def keys_of(shape: MapShape, account: OperationFields, way: Way) -> list[str]:
    """The keys that a map at `way` may have; "{}" for any."""
    named = [
        other[len(way)]
        for other in account.fields
        if len(other) > len(way) and other[: len(way)] == way
    ]
    enumerated = list(getattr(shape.key, "enum", None) or ())
    return list(dict.fromkeys([*enumerated, *named])) or ["{}"]


def unaccounted(account: OperationFields) -> list[str]:
    """The members of the operation's answer that the account does not speak of."""
    shape = output_shape(account.service, account.operation)
    return [written(way) for way, _ in members(shape, account) if account.of(way) is None]


def nameless(account: OperationFields) -> list[str]:
    """The entries of the account that name no member of the operation's answer, with place."""
    shape = output_shape(account.service, account.operation)
    known = {
        way[:length] for way, _ in members(shape, account) for length in range(1, len(way) + 1)
    }
    return [
        f"{field.place}: {account.service}.{account.operation} answers with no {written(way)}"
        for way, field in account.fields.items()
        if way not in known
    ]


def unknown_in(answer: Any, account: OperationFields) -> list[str]:
    """The members of a live answer that the account does not speak of, each once."""
    return list(dict.fromkeys(written(way) for way in _unknown(answer, account, ())))


def _unknown(value: Any, account: OperationFields, way: Way) -> Iterator[Way]:
    if way in account.fields and way not in account.have_members:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            anything = (*way, "{}")
            named = (*way, str(key))
            yield from _unknown(item, account, anything if anything in account.fields else named)
    elif isinstance(value, list):
        for item in value:
            yield from _unknown(item, account, (*way, "[]"))
    elif way and account.of(way) is None:
        yield way
