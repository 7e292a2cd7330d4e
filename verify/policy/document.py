"""Policy documents as data: parsed strictly, so that nothing in them is overlooked.

Sources: IAM user guide, "Grammar of the IAM JSON policy language", "IAM JSON policy element
reference" (Principal, NotPrincipal, Action, Resource, Condition).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from verify import foreign_json

Effect = Literal["Allow", "Deny"]

_STATEMENT_KEYS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPAL_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class PolicyError(ValueError):
    """A policy document that cannot be read; the message names the place."""


@dataclass(frozen=True)
class Condition:
    """One line of a Condition block: `operator` (`StringLike`), its qualifiers, key and values.

    `key` keeps its spelling; keys compare without regard to case. `for_all`/`for_any` are the set
    qualifiers ForAllValues and ForAnyValue. Lines of a block are ANDed, values of a line ORed.
    """

    operator: str
    key: str
    values: tuple[str, ...]
    if_exists: bool = False
    for_all: bool = False
    for_any: bool = False

    @property
    def name(self) -> str:
        """The key in lower case, for comparison."""
        return self.key.lower()

    def describe(self) -> str:
        """As in a policy: `ForAllValues:StringEqualsIfExists aws:PrincipalOrgID [o-1]`."""
        qualifier = "ForAllValues:" if self.for_all else "ForAnyValue:" if self.for_any else ""
        suffix = "IfExists" if self.if_exists else ""
        return f"{qualifier}{self.operator}{suffix} {self.key} [{', '.join(self.values)}]"


@dataclass(frozen=True)
class Principal:
    """One principal: `kind` is AWS, Service, Federated, CanonicalUser, or `*` for a bare star."""

    kind: str
    value: str

    def describe(self) -> str:
        """Such as `AWS arn:aws:iam::123456789012:root`, or `*`."""
        return self.value if self.kind == "*" else f"{self.kind} {self.value}"


@dataclass(frozen=True)
class Statement:
    """One statement. Empty tuples stand for absent elements; exactly one of each pair is given.

    `principals` and `not_principals` are both empty in identity policies.
    """

    index: int
    sid: str
    effect: Effect
    principals: tuple[Principal, ...]
    not_principals: tuple[Principal, ...]
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def label(self) -> str:
        """How messages name it: by Sid, and by position counted from 0."""
        return f'statement "{self.sid}" (#{self.index})' if self.sid else f"statement #{self.index}"

    @property
    def actions_in_words(self) -> str:
        """What it is about, as messages say it: its actions, or those that it leaves out."""
        if self.not_actions:
            return f"all actions but {', '.join(self.not_actions)}"
        return ", ".join(self.actions)

    @property
    def allows(self) -> bool:
        """Whether its effect is Allow."""
        return self.effect == "Allow"


@dataclass(frozen=True)
class Document:
    """A parsed policy. Policy variables are in force only from version 2012-10-17."""

    version: str
    statements: tuple[Statement, ...]

    @property
    def has_variables(self) -> bool:
        """Whether `${...}` in values is replaced; in the older version it is plain text."""
        return self.version == "2012-10-17"

    @classmethod
    def parse(cls, document: Policy) -> Document:
        """A Document from JSON text (also URL-encoded, as IAM returns it) or from a mapping.

        Raises PolicyError, with the place, for anything that the grammar does not know: an element
        that is skipped could be the one that opens the door.
        """
        if isinstance(document, Document):
            return document
        body = _load(document) if isinstance(document, str) else document
        if not isinstance(body, Mapping):
            raise PolicyError(f"the document is not an object but {type(body).__name__}")
        unknown = set(body) - {"Version", "Id", "Statement"}
        if unknown:
            raise PolicyError(f"the document has unknown elements: {sorted(unknown)}")
        version = body.get("Version", "2008-10-17")
        if version not in ("2008-10-17", "2012-10-17"):
            raise PolicyError(f"the document has an unknown version: {version!r}")
        if "Statement" not in body:
            raise PolicyError("the document has no Statement")
        raw = body["Statement"]
        listed = raw if isinstance(raw, list) else [raw]
        return cls(version, tuple(_statement(entry, i) for i, entry in enumerate(listed)))


# A policy as a judgement takes it: JSON text, a mapping, or parsed already.
Policy = str | Mapping[str, Any] | Document


def _load(text: str) -> object:
    candidate = text.strip()
    if candidate.startswith("%"):
        candidate = unquote(candidate)
    try:
        loaded: object = foreign_json.parsed(candidate, _unique)
    except PolicyError:
        raise
    except ValueError as error:
        raise PolicyError(f"the document is not JSON: {error}") from error
    return loaded


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # json keeps the last of two; the reader of a policy may have seen only the first.
        if key in found:
            raise PolicyError(f"the element {key!r} is given twice")
        found[key] = value
    return found


def _statement(entry: object, index: int) -> Statement:
    place = f"statement #{index}"
    if not isinstance(entry, Mapping):
        raise PolicyError(f"{place} is not an object but {type(entry).__name__}")
    unknown = set(entry) - _STATEMENT_KEYS
    if unknown:
        raise PolicyError(f"{place} has unknown elements: {sorted(unknown)}")
    effect = entry.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"{place} has neither effect Allow nor Deny: {effect!r}")
    sid = entry.get("Sid", "")
    if not isinstance(sid, str):
        raise PolicyError(f"{place}: Sid is not text: {sid!r}")
    for element in ("Action", "Resource", "Principal"):
        if element in entry and f"Not{element}" in entry:
            raise PolicyError(f"{place} has both {element} and Not{element}")
    if "Action" not in entry and "NotAction" not in entry:
        raise PolicyError(f"{place} has neither Action nor NotAction")
    return Statement(
        index=index,
        sid=sid,
        effect=effect,
        principals=_principals(entry, "Principal", place),
        not_principals=_principals(entry, "NotPrincipal", place),
        actions=_texts(entry, "Action", place),
        not_actions=_texts(entry, "NotAction", place),
        resources=_texts(entry, "Resource", place),
        not_resources=_texts(entry, "NotResource", place),
        conditions=_conditions(entry.get("Condition", {}), place),
    )


def _texts(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    if key not in entry:
        return ()
    raw = entry[key]
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, list) or not listed or not all(isinstance(t, str) for t in listed):
        raise PolicyError(f"{place}: {key} is neither text nor a list of texts: {raw!r}")
    return tuple(listed)


def _principals(entry: Mapping[str, Any], key: str, place: str) -> tuple[Principal, ...]:
    if key not in entry:
        return ()
    raw = entry[key]
    if raw == "*":
        return (Principal("*", "*"),)
    if not isinstance(raw, Mapping) or not raw:
        raise PolicyError(f"{place}: {key} is neither * nor an object: {raw!r}")
    found = []
    for kind in raw:
        if kind not in _PRINCIPAL_KINDS and kind != "*":
            raise PolicyError(f"{place}: {key} has an unknown kind: {kind!r}")
        values = _texts(raw, kind, f"{place}: {key}")
        if kind == "*" and values != ("*",):
            raise PolicyError(f"{place}: {key} has an unknown kind: {kind!r}")
        found += [Principal(kind, value) for value in values]
    return tuple(found)


def _conditions(block: object, place: str) -> tuple[Condition, ...]:
    if not isinstance(block, Mapping):
        raise PolicyError(f"{place}: Condition is not an object: {block!r}")
    found = []
    for operator, lines in block.items():
        if not isinstance(lines, Mapping):
            raise PolicyError(f"{place}: Condition {operator} is not an object: {lines!r}")
        for key, raw in lines.items():
            found.append(_condition(str(operator), str(key), raw, place))
    return tuple(found)


def _condition(operator: str, key: str, raw: object, place: str) -> Condition:
    qualifier, colon, name = operator.rpartition(":")
    if colon and qualifier.lower() not in ("forallvalues", "foranyvalue"):
        raise PolicyError(f"{place}: unknown qualifier in condition operator {operator!r}")
    if_exists = name.lower().endswith("ifexists")
    listed = raw if isinstance(raw, list) else [raw]
    if not listed:
        raise PolicyError(f"{place}: condition {operator} {key} has no values")
    values = []
    for value in listed:
        if isinstance(value, bool):
            values.append("true" if value else "false")
        elif isinstance(value, str | int | float):
            values.append(str(value))
        else:
            raise PolicyError(f"{place}: condition {operator} {key} has the value {value!r}")
    return Condition(
        operator=name[: -len("IfExists")] if if_exists else name,
        key=key,
        values=tuple(values),
        if_exists=if_exists,
        for_all=qualifier.lower() == "forallvalues",
        for_any=qualifier.lower() == "foranyvalue",
    )
