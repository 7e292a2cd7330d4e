"""What an EventBridge rule lets through, by its pattern and state.

Sources: EventBridge user guide, "Amazon EventBridge event patterns", "Comparison operators for use
in event patterns", "AWS service events delivered via CloudTrail" (reads reach rules in one state
alone).
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.events.samples import Place, samples

READS_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
_STATES = frozenset({"ENABLED", READS_TOO})
_SIGN_IN = "signin.amazonaws.com"
_ABSENT = object()


class UnknownPatternError(ValueError):
    """A pattern that cannot be judged here. The message says by what."""


def events(of_rules: Mapping[str, Any], place: Place) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Events that must reach the function, each with its description.

    `of_rules` are the names of events by their source. They happen in the region of `place`, as
    today's records have them; so do sign-ins and what the root user does. Reads by others are not
    among them: EventBridge need not see those.
    """
    for sample in samples(of_rules, place):
        record = sample.record
        if not sample.wanted or "managementEvent" not in record:
            continue
        sign_in = record["eventSource"] == _SIGN_IN
        yield (
            sample.description,
            {
                "version": "0",
                "id": "00000000-0000-0000-0000-000000000000",
                "detail-type": f"AWS {'Console Sign In' if sign_in else 'API Call'} via CloudTrail",
                "source": f"aws.{record['eventSource'].partition('.')[0]}",
                "account": place.account,
                "time": record["eventTime"],
                "region": place.region,
                "resources": [],
                "detail": record,
            },
        )


class Pattern:
    """An event pattern, prepared for many events."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._members = [(name, _prepared(name, wanted)) for name, wanted in document.items()]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether it matches an event. Raises UnknownPatternError."""
        return all(_matches_member(name, wanted, event) for name, wanted in self._members)


def lets_through(state: str, pattern: Pattern, event: Mapping[str, Any]) -> bool:
    """Whether a rule of this state and pattern sends on an event. Raises UnknownPatternError."""
    read = event.get("detail", {}).get("readOnly") is True
    return state in _STATES and (not read or state == READS_TOO) and pattern.matches(event)


@dataclass(frozen=True)
class _Leaf:
    """What the member of an event may be: one of some texts, of which patterns list hundreds."""

    texts: frozenset[str]
    others: tuple[Any, ...]


def _prepared(name: str, wanted: Any) -> Any:
    if isinstance(wanted, dict):
        return Pattern(wanted)
    if not isinstance(wanted, list):
        return None  # told of where an event comes to it
    if name == "$or":
        return [_prepared("", alternative) for alternative in wanted]
    texts = frozenset(test for test in wanted if isinstance(test, str))
    return _Leaf(texts, tuple(test for test in wanted if not isinstance(test, str)))


def _matches_member(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        if not (isinstance(wanted, list) and all(isinstance(one, Pattern) for one in wanted)):
            raise UnknownPatternError("$or is no list of patterns")
        return any(alternative.matches(event) for alternative in wanted)
    value = event.get(name, _ABSENT)
    if isinstance(wanted, Pattern):
        # Of a list of objects one must match, by itself.
        objects = [
            each
            for each in (value if isinstance(value, list) else [value])
            if isinstance(each, dict)
        ]
        return any(wanted.matches(each) for each in objects or [{}])
    if wanted is None:
        raise UnknownPatternError(f"{name} is neither an object nor a list")
    # Of a list in the event one member must fit.
    values = (value if isinstance(value, list) else [value]) or [_ABSENT]
    return any(
        (isinstance(each, str) and each in wanted.texts)
        or any(_fits(test, each) for test in wanted.others)
        for each in values
    )


def _fits(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return value is not _ABSENT and type(value) is type(test) and bool(value == test)
    if len(test) != 1:
        raise UnknownPatternError(f"{json.dumps(test)} is no single comparison")
    [(comparison, operand)] = test.items()
    if comparison == "exists":
        # Of a leaf alone: an object is there, and no leaf.
        return (value is not _ABSENT and not isinstance(value, dict)) is bool(operand)
    if comparison == "anything-but":
        excluded = operand if isinstance(operand, list) else [operand]
        return value is not _ABSENT and not any(_fits(each, value) for each in excluded)
    if comparison == "numeric":
        return _in_range(operand, value)
    if comparison not in _TEXT_TESTS or not isinstance(operand, str):
        raise UnknownPatternError(f"the comparison {json.dumps(test)} is not known here")
    return isinstance(value, str) and _TEXT_TESTS[comparison](value, operand)


def _in_range(operand: Any, value: Any) -> bool:
    """Whether a number is on the side, or between the two, that ``[">=", 7, "<", 9]`` says."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise UnknownPatternError(f"numeric {json.dumps(operand)} is not known here")
    bounds = list(zip(operand[::2], operand[1::2], strict=True))
    if not all(isinstance(sign, str) and sign in _COMPARISONS for sign, _ in bounds) or not all(
        _is_number(bound) for _, bound in bounds
    ):
        raise UnknownPatternError(f"numeric {json.dumps(operand)} is not known here")
    return _is_number(value) and all(_COMPARISONS[sign](value, bound) for sign, bound in bounds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _wildcard(value: str, operand: str) -> bool:
    """Whether `*` can stand for texts by which it is the value; no operand makes this slow."""
    first, *others = operand.split("*")
    if not others:
        return value == operand
    *middle, last = others
    position, end = len(first), len(value) - len(last)
    if position > end or not value.startswith(first) or not value.endswith(last):
        return False
    for part in middle:
        found = value.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": lambda value, operand: value.startswith(operand),
    "suffix": lambda value, operand: value.endswith(operand),
    "equals-ignore-case": lambda value, operand: value.casefold() == operand.casefold(),
    "wildcard": _wildcard,
}
