"""The ways in which an answer could have been otherwise, generated from AWS's own shapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from mutants.answers.documents import altered_documents
from verify.account.fields import keys_of
from verify.inputs.accounted import Field, OperationFields, Way, written

_ARN = re.compile(r"^(arn:[^:]*:[^:]*:[^:]*:)(\d{12})(:.+)$", re.DOTALL)
_ACCOUNT = re.compile(r"^\d{12}$")
_STRANGER = "999988887777"
_LONG_AGO, _FAR_AHEAD = datetime(2001, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
_DEPTH = 6  # of a made-up structure
_WHICH = re.compile(r"^(statement|line) \S+")

Where = tuple[str | int, ...]


class _Gone:
    """Stands for a member that is left out."""

    def __repr__(self) -> str:
        return "gone"


GONE = _Gone()


@dataclass(frozen=True)
class Alteration:
    """One member at one place of one answer, and what is there instead.

    `judged` are the controls of which at least one must not pass; without any, every control must
    stay as it was. `somewhere` is why it is enough that it matters in one of several places.
    """

    way: Way
    where: Where
    kind: str
    value: Any
    judged: tuple[str, ...]
    somewhere: str = ""

    @property
    def sort(self) -> str:
        """The kind, of whatever statement of a document or line of a table it is."""
        return _WHICH.sub(r"\1", self.kind)

    @property
    def text(self) -> str:
        """For a reader: the place and what was done there."""
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.where)
        return f"{place.lstrip('.')} {self.kind}"


def alterations(
    shape: Shape, answer: Mapping[str, Any], account: OperationFields
) -> Iterator[Alteration]:
    """Every alteration of `answer`, which has `shape`, that the account has something to say of."""
    yield from _below(shape, answer, account, (), ())


def altered(answer: Any, where: Where, value: Any) -> Any:
    """`answer` with `value` at `where`; everything else is shared with it."""
    if not where:
        return value
    part, rest = where[0], where[1:]
    if isinstance(answer, list) and isinstance(part, int):
        copy = list(answer)
        if not rest and value is GONE:
            del copy[part]
        else:
            copy[part] = altered(copy[part], rest, value)
        return copy
    made = dict(answer) if isinstance(answer, Mapping) else {}
    if not rest and value is GONE:
        made.pop(part, None)
    else:
        made[part] = altered(made.get(part), rest, value)
    return made


def _below(
    shape: Shape, value: Any, account: OperationFields, way: Way, where: Where
) -> Iterator[Alteration]:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, member in shape.members.items():
            yield from _member(member, value, name, account, (*way, name), where)
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        known = keys_of(shape, account, way)
        for key in dict.fromkeys([*(key for key in known if key != "{}"), *value]):
            part = key if key in known else "{}"
            yield from _member(shape.value, value, key, account, (*way, part), where)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below(shape.member, item, account, (*way, "[]"), (*where, index))
            if not isinstance(shape.member, (StructureShape, ListShape, MapShape)):
                yield from _named(
                    shape.member, item, account, (*way, "[]"), (*where, index), gone=False
                )


def _member(
    shape: Shape,
    holder: Mapping[str, Any],
    name: str,
    account: OperationFields,
    way: Way,
    where: Where,
) -> Iterator[Alteration]:
    here = (*where, name)
    if name in holder:
        yield from _named(shape, holder[name], account, way, here)
        yield from _below(shape, holder[name], account, way, here)
    if holder.get(name, []) != []:
        return
    # What the answer lacks appears: a list (an empty one lacks an element) or a structure with each
    # of its members in turn.
    for leaf, value in _appearing(shape, account, way, _DEPTH):
        field = account.of(leaf)
        if field is not None and not _comes_with_judged(field, account, way, leaf):
            stated = _stated(field, value) if leaf == field.way else ()
            for given in stated or (value,):
                made = given if leaf == way else _wrapped(leaf[len(way) :], given)
                kind = f"appears with {written(leaf)}" if leaf != way else "appears"
                kind += f" as {given}" if field.values else ""
                yield from _admitted(field, kind, leaf, here, made)


def _comes_with_judged(field: Field, account: OperationFields, way: Way, leaf: Way) -> bool:
    """Whether a harmless member would appear in an element, whose being there is judged."""
    if field.by or "[]" not in leaf[len(way) :]:
        return False
    return any(other.by for other in account.below(way))


def _wrapped(below: Way, value: Any) -> Any:
    for part in reversed(below):
        value = [value] if part == "[]" else {"example" if part == "{}" else part: value}
    return value


def _appearing(
    shape: Shape, account: OperationFields, way: Way, depth: int
) -> Iterator[tuple[Way, Any]]:
    """Each member below and a value that it could appear with."""
    if depth == 0:
        return
    if isinstance(shape, StructureShape) and shape.members:
        for name, member in shape.members.items():
            yield from _appearing(member, account, (*way, name), depth - 1)
    elif isinstance(shape, ListShape):
        yield from _appearing(shape.member, account, (*way, "[]"), depth - 1)
    elif isinstance(shape, MapShape):
        for key in keys_of(shape, account, way):
            yield from _appearing(shape.value, account, (*way, key), depth - 1)
    else:
        yield way, example(shape)


def example(shape: Shape, depth: int = _DEPTH) -> Any:
    """Something that `shape` allows."""
    if isinstance(shape, StructureShape):
        return (
            {name: example(member, depth - 1) for name, member in shape.members.items()}
            if depth
            else {}
        )
    if isinstance(shape, ListShape):
        return [example(shape.member, depth - 1)] if depth else []
    if isinstance(shape, MapShape):
        return {"example": example(shape.value, depth - 1)} if depth else {}
    kind = shape.type_name
    if kind == "boolean":
        return True
    if kind in ("integer", "long", "float", "double"):
        return 1
    if kind == "timestamp":
        return datetime(2026, 1, 1, tzinfo=UTC)
    if kind == "blob":
        return b"example"
    return next(iter(getattr(shape, "enum", None) or ()), "example")


def _stated(field: Field, example: Any) -> tuple[Any, ...]:
    """The values that the account states for a member, as its answers have them: times as times."""
    if isinstance(example, datetime):
        return tuple(datetime.fromisoformat(text) for text in field.values)
    return field.values


def _named(
    shape: Shape,
    value: Any,
    account: OperationFields,
    way: Way,
    where: Where,
    *,
    gone: bool = True,
) -> Iterator[Alteration]:
    """The alterations of what is there, as far as the account speaks of it."""
    kinds: Iterator[tuple[str, Where, Any]] = _kinds(shape, value, where)
    field = account.of(way)
    below = list(account.below(way))
    if field is None or (field.way != way and below):
        # What only holds others is judged by whatever judges them.
        by = tuple(dict.fromkeys(name for item in below for name in item.by))
        field = Field(way, account.place, by) if by or below else field
    if field is None:
        return
    if field.values and not below:
        kinds = iter(
            [(f"is {given}", where, given) for given in _stated(field, value) if given != value]
            + [found for found in kinds if found[0] in ("empty", "not a document")]
        )
    if gone:
        yield from _admitted(field, "gone", way, where, GONE)
    for kind, place, instead in kinds:
        yield from _admitted(field, kind, way, place, instead)


def _admitted(field: Field, kind: str, way: Way, where: Where, value: Any) -> Iterator[Alteration]:
    if any(fnmatchcase(kind, pattern) for pattern in field.equal or {}):
        return
    reasons = [
        reason for pattern, reason in (field.somewhere or {}).items() if fnmatchcase(kind, pattern)
    ]
    yield Alteration(way, where, kind, value, field.by, reasons[0] if reasons else "")


def _kinds(shape: Shape, value: Any, where: Where) -> Iterator[tuple[str, Where, Any]]:
    if isinstance(value, list):
        yield from _of_list(shape, value, where)
    elif isinstance(value, Mapping) and isinstance(shape, MapShape):
        if value:
            yield "empty", where, {}
        yield "one more", where, {**value, "example": example(shape.value)}
    elif isinstance(value, bool):
        yield "flipped", where, not value
    elif isinstance(value, (int, float)):
        yield "more", where, value + 1
        yield "less", where, value - 1
        if value not in (0, 1):
            yield "zero", where, 0
    elif isinstance(value, datetime):
        yield "long ago", where, _LONG_AGO
        yield "far ahead", where, _FAR_AHEAD
    elif isinstance(value, bytes):
        yield from _of_table(value, where)
    elif isinstance(value, str) or (isinstance(value, Mapping) and "Statement" in value):
        yield from _of_text(shape, value, where)


def _of_list(shape: Shape, value: list[Any], where: Where) -> Iterator[tuple[str, Where, Any]]:
    if value:
        yield "empty", where, []
    if len(value) > 1:
        for index in range(len(value)):
            yield "one less", (*where, index), GONE
    member = shape.member if isinstance(shape, ListShape) else shape
    yield "one more", where, [*value, _another(value[0]) if value else example(member)]


def _of_table(content: bytes, where: Where) -> Iterator[tuple[str, Where, Any]]:
    """Of a table in CSV: no line, one line less, and one truth the other way."""
    yield "empty", where, b""
    yield "no text", where, b"\xff"
    rows = [line.split(b",") for line in content.splitlines()]

    def made(changed: list[list[bytes]]) -> bytes:
        return b"\n".join(b",".join(row) for row in changed) + b"\n"

    for number, row in enumerate(rows):
        yield f"line {number + 1} gone", where, made([*rows[:number], *rows[number + 1 :]])
        for column, value in enumerate(row):
            if value in (b"true", b"false"):
                other = b"false" if value == b"true" else b"true"
                flipped = [*row[:column], other, *row[column + 1 :]]
                instead = made([*rows[:number], flipped, *rows[number + 1 :]])
                yield f"line {number + 1}, value {column + 1} flipped", where, instead


def _another(value: Any) -> Any:
    """Something like `value` that is not it."""
    if isinstance(value, Mapping):
        return {key: _another(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_another(item) for item in value]
    return f"{value}-other" if isinstance(value, str) else value


def _of_text(shape: Shape, value: Any, where: Where) -> Iterator[tuple[str, Where, Any]]:
    documents = list(altered_documents(value))
    if documents:
        yield from ((kind, where, document) for kind, document in documents)
        return
    if value:
        yield "empty", where, ""
    enumerated = getattr(shape, "enum", None) or ()
    if enumerated:
        yield from ((f"is {other}", where, other) for other in enumerated if other != value)
        return
    arn = _ARN.match(value)
    if arn:
        yield "of another account", where, f"{arn[1]}{_STRANGER}{arn[3]}"
    if _ACCOUNT.match(value):
        yield "other", where, _STRANGER
    elif value in ("true", "false"):
        yield "flipped", where, "false" if value == "true" else "true"
    elif value.isdigit():
        yield "more", where, str(int(value) + 1)
        if value != "0":
            yield "less", where, str(int(value) - 1)
    else:
        yield "other", where, f"{value}-other"
