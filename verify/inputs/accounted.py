"""The account of fields: what every member of every answer that a state check reads is for.

Each file in `fields/` is of one service, and has for each operation two mappings: `judged` names
for a member the controls whose verdict rests on it, `harmless` says why no value of it can matter.
A member stands for all below it that do not stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from verify.inputs.baseline import PLACEHOLDER
from verify.inputs.located import Located, Spot, read_located
from verify.inputs.reader import UnreadableError

FOLDER = Path(__file__).parent / "fields"
_MAXIMUM_CHARACTERS = 1_000_000
_KEYS_OF_JUDGED = frozenset({"by", "values", "equal", "somewhere"})
_PART = re.compile(r"[^.\[\]{}]+|\[\]|\{\}")

# A way to a member: names, "[]" for each element of a list, "{}" for each value of a map.
Way = tuple[str, ...]


class AccountError(Exception):
    """The account of fields cannot be used. The message names file, line and remedy."""


@dataclass(frozen=True)
class Field:
    """What the account says of one member.

    `by` are the controls that judge it: empty for a harmless one, which has its `reason`. `values`
    are values that would weaken what is judged, in place of made-up ones. `equal` says, for an
    alteration, why it changes nothing; `somewhere` for which it is enough that it matters in one
    of several places, and why.
    """

    way: Way
    place: Spot | str  # file and line
    by: tuple[str, ...] = ()
    reason: str = ""
    values: tuple[Any, ...] = ()
    equal: Mapping[str, str] | None = None
    somewhere: Mapping[str, str] | None = None


@dataclass(frozen=True)
class OperationFields:
    """The account of one operation's answer."""

    service: str
    operation: str
    place: Spot | str  # file and line
    fields: Mapping[Way, Field]

    @property
    def file(self) -> str:
        """The file that the account is in, from the project's folder."""
        return f"verify/inputs/fields/{self.service}.yaml"

    def of(self, way: Way) -> Field | None:
        """The entry that speaks for the member at `way`: the nearest at or above it."""
        for length in range(len(way), 0, -1):
            found = self.fields.get(way[:length])
            if found is not None:
                return found
        return None

    def below(self, way: Way) -> Iterable[Field]:
        """The entries of members below `way`."""
        return [field for other, field in self.fields.items() if other[: len(way)] == way != other]

    @cached_property
    def have_members(self) -> frozenset[Way]:
        """The ways below which there are entries."""
        return frozenset(way[:length] for way in self.fields for length in range(len(way)))


Account = Mapping[tuple[str, str], OperationFields]


@cache
def load(folder: Path = FOLDER) -> Account:
    """The account by service and operation, as boto3 names them. Raises AccountError."""
    found: dict[tuple[str, str], OperationFields] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = read_located(path, f"the account of fields {path}", _MAXIMUM_CHARACTERS)
        except UnreadableError as error:
            raise AccountError(str(error)) from None
        if not isinstance(document.value, dict):
            raise AccountError(f"{path}:1: not a mapping of operations to their members")
        for operation in document.value:
            found[path.stem, operation] = _operation(document, path.stem, operation)
    return found


def filled(account: Account, placeholders: Mapping[str, str]) -> Account:
    """`account` with what stands in braces in its values replaced. Raises AccountError."""

    def of(field: Field) -> Field:
        def named(found: re.Match[str]) -> str:
            if found[1] not in placeholders:
                raise AccountError(
                    f"{field.place}: the deployment has no output {found[1]} that is one text"
                )
            return placeholders[found[1]]

        values = tuple(
            PLACEHOLDER.sub(named, value) if isinstance(value, str) else value
            for value in field.values
        )
        return replace(field, values=values)

    return {
        call: replace(entry, fields={way: of(field) for way, field in entry.fields.items()})
        for call, entry in account.items()
    }


def parsed(text: str) -> Way:
    """The way that a text such as `Vpcs[].CidrBlock` names."""
    return tuple(_PART.findall(text))


def written(way: Way) -> str:
    """The reverse of `parsed`."""
    text = ""
    for part in way:
        text += part if part in ("[]", "{}") else f".{part}" if text else part
    return text


def _operation(document: Located, service: str, operation: str) -> OperationFields:
    entries = document.value[operation]
    place = Spot(document, (operation,))
    if not isinstance(entries, dict) or not entries.keys() <= {"judged", "harmless"}:
        raise AccountError(
            f"{place}: {operation} has `judged` and `harmless`, each a mapping of members"
        )
    fields: dict[Way, Field] = {}
    for kind, members in entries.items():
        if not isinstance(members, dict):
            raise AccountError(f"{document.at(operation, kind)}: {kind} is a mapping of members")
        for text, said in members.items():
            where = (operation, kind, text)
            way = parsed(text)
            if written(way) != text:
                raise AccountError(
                    f"{document.at(*where)}: {text} is no member: write it as Vpcs[].CidrBlock"
                )
            if way in fields:
                raise AccountError(
                    f"{document.at(*where)}: {text} stands twice, first at {fields[way].place}: "
                    "a member is judged or harmless"
                )
            fields[way] = (_judged if kind == "judged" else _harmless)(document, where, way, said)
    return OperationFields(service, operation, place, fields)


def _harmless(document: Located, where: tuple[str, ...], way: Way, said: Any) -> Field:
    place = Spot(document, where)
    if not isinstance(said, str) or not said.strip():
        raise AccountError(f"{place}: {written(way)} is harmless for a reason: say which")
    return Field(way, place, reason=said.strip())


def _judged(document: Located, where: tuple[str, ...], way: Way, said: Any) -> Field:
    place = Spot(document, where)
    if not isinstance(said, dict):
        said = {"by": said}
    unknown = sorted(said.keys() - _KEYS_OF_JUDGED)
    if unknown:
        raise AccountError(
            f"{document.at(*where, unknown[0])}: {written(way)} has an unknown key {unknown[0]}: "
            f"choose of {', '.join(sorted(_KEYS_OF_JUDGED))}"
        )
    by = said.get("by")
    names = [by] if isinstance(by, str) else by
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise AccountError(f"{place}: {written(way)} is judged by a control: name it")
    values, equal = said.get("values", []), said.get("equal", {})
    somewhere = said.get("somewhere", {})
    if not isinstance(values, list):
        raise AccountError(f"{document.at(*where, 'values')}: values is a list")
    for key, reasons in (("equal", equal), ("somewhere", somewhere)):
        if not isinstance(reasons, dict) or not all(isinstance(r, str) for r in reasons.values()):
            raise AccountError(
                f"{document.at(*where, key)}: {key} gives a reason for each kind of alteration"
            )
    return Field(way, place, tuple(names), "", tuple(values), equal, somewhere)
