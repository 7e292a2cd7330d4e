"""What an EventBridge rule lets through, by its pattern and state.

Sources: EventBridge user guide, "Amazon EventBridge event patterns", "Comparison operators for use
in event patterns", "AWS service events delivered via CloudTrail" (reads reach rules in one state
alone).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
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
        record = json.loads(sample.message)
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


def lets_through(state: str, pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a rule of this state and pattern sends on an event. Raises UnknownPatternError."""
    read = event.get("detail", {}).get("readOnly") is True
    return state in _STATES and (not read or state == READS_TOO) and matches(pattern, event)


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a pattern matches an event. Raises UnknownPatternError."""
    return all(_matches_member(name, wanted, event) for name, wanted in pattern.items())


def _matches_member(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        if not isinstance(wanted, list):
            raise UnknownPatternError("$or is no list")
        return any(matches(alternative, event) for alternative in wanted)
    value = event.get(name, _ABSENT)
    if isinstance(wanted, dict):
        return matches(wanted, value if isinstance(value, dict) else {})
    if not isinstance(wanted, list):
        raise UnknownPatternError(f"{name} is neither an object nor a list")
    if isinstance(value, str):
        # A text among texts is found at once: patterns list hundreds of names.
        if value in wanted:
            return True
        wanted = [test for test in wanted if not isinstance(test, str)]
    # Of a list in the event one member must fit.
    values = value if isinstance(value, list) else [value]
    return any(_fits(test, each) for test in wanted for each in values or [_ABSENT])


def _fits(test: Any, value: Any) -> bool:
    if not isinstance(test, dict):
        return value is not _ABSENT and type(value) is type(test) and bool(value == test)
    if len(test) != 1:
        raise UnknownPatternError(f"{json.dumps(test)} is no single comparison")
    [(operator, operand)] = test.items()
    if operator == "exists":
        # Of a leaf alone: an object is there, and no leaf.
        return (value is not _ABSENT and not isinstance(value, dict)) is bool(operand)
    if operator == "anything-but":
        excluded = operand if isinstance(operand, list) else [operand]
        return value is not _ABSENT and not any(_fits(each, value) for each in excluded)
    if operator not in _TEXT_TESTS or not isinstance(operand, str):
        raise UnknownPatternError(f"the comparison {json.dumps(test)} is not known here")
    return isinstance(value, str) and _TEXT_TESTS[operator](value, operand)


def _wildcard(value: str, operand: str) -> bool:
    expression = ".*".join(re.escape(part) for part in operand.split("*"))
    return re.fullmatch(expression, value, re.DOTALL) is not None


_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": lambda value, operand: value.startswith(operand),
    "suffix": lambda value, operand: value.endswith(operand),
    "equals-ignore-case": lambda value, operand: value.casefold() == operand.casefold(),
    "wildcard": _wildcard,
}
