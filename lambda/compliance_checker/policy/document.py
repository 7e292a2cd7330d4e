"""Reading policy documents: statements with their actions, resources, callers and conditions.

Rules of evaluation: IAM user guide, "IAM JSON policy elements reference" and "Policy evaluation
logic". Documents are read liberally (text, object or URL-encoded text; one statement or many; any
case of key), because they come from calls that AWS has already accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ..record import mapping, members

# A role's inline policies hold 10,240 characters, a key policy 32,768: nothing larger succeeds.
_MAXIMUM_DOCUMENT = 262_144


def parse_document(value: object) -> Mapping[str, Any] | None:
    """The policy document in any of CloudTrail's forms, or None if there is none.

    S3 logs an object; IAM and KMS log JSON text; IAM's responses hold URL-encoded JSON text.
    """
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or not 2 <= len(value) <= _MAXIMUM_DOCUMENT:
        return None
    if value.lstrip()[:1] == "%":
        value = unquote(value)
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def matches(pattern: str, name: str) -> bool:
    """Whether an IAM pattern (``*`` any text, ``?`` one character) covers a name. Time O(n*m)."""
    if "?" not in pattern:
        star = pattern.find("*")
        if star < 0:
            return pattern == name
        if star == len(pattern) - 1:
            return name.startswith(pattern[:-1])
    position = place = 0
    star, mark = -1, 0
    while position < len(name):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, position
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", name[position]):
            place += 1
            position += 1
        elif star >= 0:
            mark += 1
            position, place = mark, star + 1
        else:
            return False
    return pattern[place:].strip("*") == ""


def _any_matches(patterns: Sequence[str], name: str) -> bool:
    return any(matches(pattern, name) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy; actions in lower case, as IAM ignores their case.

    ``principals`` holds every value of Principal, whatever its kind; ``conditions`` are triples of
    operator and key in lower case and the values.
    """

    sid: str | None
    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    principals: tuple[str, ...]
    has_not_principal: bool
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    def covers_action(self, action: str) -> bool:
        """Whether the statement speaks of an action (in lower case)."""
        if self.not_actions:
            return not _any_matches(self.not_actions, action)
        return _any_matches(self.actions, action)

    def covers_resource(self, resource: str) -> bool:
        """Whether the statement speaks of a resource."""
        if self.not_resources:
            return not _any_matches(self.not_resources, resource)
        return _any_matches(self.resources, resource)

    def as_details(self) -> dict[str, Any]:
        """The statement as it stands in an alert."""
        details: dict[str, Any] = {"sid": self.sid}
        if self.not_actions:
            details["not_action"] = list(self.not_actions[:10])
        else:
            details["action"] = list(self.actions[:10])
        if self.not_resources:
            details["not_resource"] = list(self.not_resources[:5])
        else:
            details["resource"] = list(self.resources[:5])
        if self.conditions:
            details["condition_keys"] = sorted({key for _, key, _ in self.conditions})[:10]
        return details


def _strings(value: object) -> tuple[str, ...]:
    found = []
    for member in members(value):
        if isinstance(member, bool):
            found.append("true" if member else "false")
        elif isinstance(member, (str, int, float)):
            found.append(str(member))
    return tuple(dict.fromkeys(found))


def _principals(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(name for kind in value.values() for name in _strings(kind))
    return _strings(value)


def _conditions(value: object) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple(
        (operator.lower(), key.lower(), _strings(expected))
        for operator, block in mapping(value).items()
        for key, expected in mapping(block).items()
    )


def statements(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a policy document; parts that are no JSON object are left out."""
    found = []
    for entry in members({key.lower(): value for key, value in document.items()}.get("statement")):
        if not isinstance(entry, dict):
            continue
        part = {key.lower(): value for key, value in entry.items()}
        sid = part.get("sid")
        found.append(
            Statement(
                sid=sid if isinstance(sid, str) and sid else None,
                allows=str(part.get("effect")).lower() == "allow",
                actions=tuple(name.lower() for name in _strings(part.get("action"))),
                not_actions=tuple(name.lower() for name in _strings(part.get("notaction"))),
                resources=_strings(part.get("resource")),
                not_resources=_strings(part.get("notresource")),
                principals=_principals(part.get("principal")),
                has_not_principal=bool(part.get("notprincipal")),
                conditions=_conditions(part.get("condition")),
            )
        )
    return found
