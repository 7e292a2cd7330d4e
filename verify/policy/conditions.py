"""Evaluating the conditions of a statement against the context of one request.

Three-valued: None where the outcome cannot be told (an operator not known here, a variable that the
context does not resolve). Sources: IAM user guide, "IAM JSON policy elements: Condition operators",
"Single-valued vs. multivalued context keys", "Variables and tags".
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from verify.addresses import AddressSet
from verify.policy.condition_keys import key_of
from verify.policy.document import Condition
from verify.policy.patterns import arn_matches, matches

Context = Mapping[str, tuple[str, ...]]
_Test = Callable[[str, str], bool | None]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_ESCAPES = frozenset({"*", "?", "$"})


def all_of(outcomes: list[bool | None]) -> bool | None:
    """AND: false wins, then "cannot tell"."""
    if False in outcomes:
        return False
    return None if None in outcomes else True


def any_of(outcomes: list[bool | None]) -> bool | None:
    """OR: true wins, then "cannot tell"."""
    if True in outcomes:
        return True
    return None if None in outcomes else False


def negate(outcome: bool | None) -> bool | None:
    """NOT: "cannot tell" stays."""
    return None if outcome is None else not outcome


def resolve(text: str, context: Context, has_variables: bool) -> str | None:
    """A value with its policy variables replaced; None when the context lacks one.

    `${*}`, `${?}` and `${$}` stand for the bare character. They, and wildcards inside a context
    value, would match literally on AWS and not here, so they give None too.
    """
    if not has_variables or "${" not in text:
        return text
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match.group(1).partition(",")
        values = context.get(name.strip().lower())
        if name in _ESCAPES or (values is not None and len(values) != 1):
            missing = True
            return ""
        value = values[0] if values is not None else default.strip().strip("'")
        if (values is None and not default) or "*" in value or "?" in value:
            missing = True
        return value

    resolved = _VARIABLE.sub(replace, text)
    return None if missing else resolved


def evaluate(condition: Condition, context: Context, has_variables: bool) -> bool | None:
    """Whether one line of a Condition block holds for a request."""
    operator = condition.operator.lower()
    given = context.get(condition.name)
    if operator == "null":
        return _evaluate_null(condition, given)
    negated = operator in _NEGATED
    test = _TESTS.get(_NEGATED.get(operator, operator))
    if test is None:
        return None
    if not given:
        # Whether a request has a key that nobody knows is not known either; and one that every
        # request has was not told.
        key = key_of(condition.name)
        told = key is not None and not key.is_always_there
        return _evaluate_absent(condition, negated) if told else None
    if len(given) > 1 and not (condition.for_all or condition.for_any):
        # AWS matches keys with many values only through a set qualifier.
        return None
    wanted = [resolve(value, context, has_variables) for value in condition.values]
    outcomes: list[bool | None] = []
    for value in given:
        outcome = any_of([None if text is None else test(text, value) for text in wanted])
        outcomes.append(negate(outcome) if negated else outcome)
    return any_of(outcomes) if condition.for_any else all_of(outcomes)


def _evaluate_absent(condition: Condition, negated: bool) -> bool | None:
    """The outcome for a request that lacks the key."""
    if condition.for_any:
        return None if condition.if_exists else False
    return condition.if_exists or condition.for_all or negated


def _evaluate_null(condition: Condition, given: tuple[str, ...] | None) -> bool | None:
    wanted = {value.lower() for value in condition.values}
    if condition.if_exists or condition.for_all or condition.for_any:
        return None
    if not wanted <= {"true", "false"}:
        return None
    return ("true" if not given else "false") in wanted


def _boolean(wanted: str, given: str) -> bool | None:
    if wanted.lower() not in ("true", "false"):
        return None
    return wanted.lower() == given.lower()


def _binary(wanted: str, given: str) -> bool | None:
    try:
        return b64decode(wanted, validate=True) == b64decode(given, validate=True)
    except ValueError:
        return None


def _number(compare: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, given: str) -> bool | None:
        try:
            return compare(float(given), float(wanted))
        except ValueError:
            return None

    return test


def _date(compare: Callable[[float, float], bool]) -> _Test:
    def test(wanted: str, given: str) -> bool | None:
        try:
            return compare(_timestamp(given), _timestamp(wanted))
        except ValueError:
            return None

    return test


def _timestamp(text: str) -> float:
    if re.fullmatch(r"\d{9,}", text, re.ASCII):
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(wanted: str, given: str) -> bool | None:
    try:
        return AddressSet.parse(wanted).covers(AddressSet.parse(given))
    except ValueError:
        return None


# By operator without its "Not". What is compared is (value of the policy, value of the request).
_TESTS: dict[str, _Test] = {
    "stringequals": lambda wanted, given: wanted == given,
    "stringequalsignorecase": lambda wanted, given: wanted.lower() == given.lower(),
    "stringlike": matches,
    "arnequals": arn_matches,
    "arnlike": arn_matches,
    "bool": _boolean,
    "binaryequals": _binary,
    "ipaddress": _address,
}
for _prefix, _make in (("numeric", _number), ("date", _date)):
    _TESTS[f"{_prefix}equals"] = _make(lambda given, wanted: given == wanted)
    _TESTS[f"{_prefix}lessthan"] = _make(lambda given, wanted: given < wanted)
    _TESTS[f"{_prefix}lessthanequals"] = _make(lambda given, wanted: given <= wanted)
    _TESTS[f"{_prefix}greaterthan"] = _make(lambda given, wanted: given > wanted)
    _TESTS[f"{_prefix}greaterthanequals"] = _make(lambda given, wanted: given >= wanted)

_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
}
