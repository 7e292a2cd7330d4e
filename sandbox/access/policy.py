"""Evaluating policy documents: statements, principals and conditions.

The rules are those of "Policy evaluation logic" and "IAM JSON policy elements: Condition
operators" in the IAM user guide. A statement with an operator that is not known here never
applies when it allows and always applies when it denies: the cautious side of both.
"""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from moto.utilities.utils import PARTITION_NAMES

Document = Mapping[str, Any]


# The resource of a request whose ARN is not known: every pattern matches it, so that an identity
# policy is judged by its actions alone.
ANY_RESOURCE = "*any*"


class Decision(Enum):
    """What the documents say of a request."""

    ALLOW = "allow"
    DELEGATE = "delegate"  # the caller's account is allowed: its identity policies decide
    DENY = "deny"  # an explicit one
    NEUTRAL = "neutral"  # nothing applies


@dataclass(frozen=True)
class Principal:
    """Who asks. A service has no ARN; an anonymous caller has nothing at all."""

    account: str | None = None
    arns: tuple[str, ...] = ()  # a role's session answers to its own ARN and to its role's
    service: str | None = None
    federated: str | None = None  # the identity provider whose token it brings


@dataclass(frozen=True)
class AccessRequest:
    """One action on one resource, with the condition keys (lower case) known of it."""

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@functools.lru_cache(maxsize=1024)
def parse(text: str | bytes) -> Document:
    """A policy document, which nobody may change; an empty one for what is not a JSON object."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def evaluate(documents: Iterable[Document], request: AccessRequest) -> Decision:
    """An explicit deny wins, then an allow; a resource policy's principals are compared."""
    decision = Decision.NEUTRAL
    for document in documents:
        for statement in _as_list(document.get("Statement")):
            if not isinstance(statement, dict):
                continue
            effect = statement.get("Effect")
            if not _applies(statement, request, denying=effect == "Deny"):
                continue
            if effect == "Deny":
                return Decision.DENY
            if effect == "Allow":
                decision = Decision.ALLOW
    return decision


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _applies(statement: Mapping[str, Any], request: AccessRequest, denying: bool) -> bool:
    if "Action" in statement:
        if not _any_action(statement["Action"], request.action):
            return False
    elif "NotAction" in statement and _any_action(statement["NotAction"], request.action):
        return False
    if request.resource == ANY_RESOURCE:
        if denying and statement.get("Resource") not in ("*", ["*"]):
            return False  # a deny of some resources need not be one of this
    elif "Resource" in statement:
        if not _any_glob(statement["Resource"], request.resource):
            return False
    elif "NotResource" in statement and _any_glob(statement["NotResource"], request.resource):
        return False
    if "Principal" in statement:
        if not principal_matches(statement["Principal"], request.principal):
            return False
    elif "NotPrincipal" in statement and principal_matches(
        statement["NotPrincipal"], request.principal
    ):
        return False
    return conditions_hold(statement.get("Condition") or {}, request.context, denying)


def _any_action(patterns: Any, action: str) -> bool:
    lowered = action.lower()
    return any(_glob(str(pattern).lower(), lowered) for pattern in _as_list(patterns))


def _any_glob(patterns: Any, text: str) -> bool:
    return any(_glob(str(pattern), text) for pattern in _as_list(patterns))


@functools.lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    # fnmatch knows [...] sets, which policies do not: a bracket there is a bracket.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.DOTALL)


def _glob(pattern: str, text: str) -> bool:
    # Most patterns of a policy are none, and are told apart quicker than compared.
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _expression(pattern).match(text) is not None


def principal_matches(element: Any, principal: Principal) -> bool:
    """Whether a statement's Principal element names who asks."""
    if element == "*":
        return True
    if not isinstance(element, dict):
        return False
    for name in _as_list(element.get("AWS")):
        if name == "*" or name in principal.arns:
            return True
        if principal.account and name in (
            principal.account,
            *(f"arn:{partition}:iam::{principal.account}:root" for partition in PARTITION_NAMES),
        ):
            return True
    if principal.federated is not None and principal.federated in _as_list(
        element.get("Federated")
    ):
        return True
    return principal.service is not None and principal.service in _as_list(element.get("Service"))


# --- conditions ------------------------------------------------------------------------------


def conditions_hold(
    conditions: Any, context: Mapping[str, str | tuple[str, ...]], denying: bool
) -> bool:
    """Whether all of a statement's conditions hold for the request's context."""
    if not isinstance(conditions, dict):
        return denying
    for operator, keys in conditions.items():
        for key, wanted in keys.items() if isinstance(keys, dict) else ():
            values = [_resolved(_text(value), context) for value in _as_list(wanted)]
            held = _holds(operator, context.get(key.lower()), values)
            if held is None:
                held = denying
            if not held:
                return False
    return True


_VARIABLE = re.compile(r"\$\{([^},]*)\}")


def _resolved(text: str, context: Mapping[str, str | tuple[str, ...]]) -> str:
    """A value with its policy variables; one that the request lacks stays, and matches nothing.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """

    def value(found: re.Match[str]) -> str:
        given = context.get(found[1].strip().lower())
        return given if isinstance(given, str) else found[0]

    return _VARIABLE.sub(value, text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(operator: str, actual: str | tuple[str, ...] | None, wanted: list[str]) -> bool | None:
    """None for an operator that is not known here."""
    quantifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (actual is None) == (wanted[:1] == ["true"])
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = _POSITIVE.get(name)
    test = _TESTS.get(negated or name)
    if test is None:
        return None
    if actual is None:
        # A missing key: negated operators and ...IfExists hold, ForAllValues holds of nothing.
        return if_exists or negated is not None or quantifier == "ForAllValues"
    values = actual if isinstance(actual, tuple) else (actual,)

    def one(value: str) -> bool:
        matched = any(test(value, text) for text in wanted)
        return not matched if negated else matched

    if quantifier == "ForAllValues":
        return all(one(value) for value in values)
    if negated and not quantifier:
        return all(one(value) for value in values)
    return any(one(value) for value in values)


_POSITIVE = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnLike",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}


def _arn_like(value: str, pattern: str) -> bool:
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    # Each of the six parts is compared on its own; a wildcard does not cross a colon but in
    # the last one.
    if len(parts) != 6 or len(patterns) != 6:
        return pattern == "*"
    return all(_glob(one, other) for one, other in zip(patterns, parts, strict=True))


def _in_network(value: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _number(compare: str) -> Any:
    def test(value: str, wanted: str) -> bool:
        try:
            left, right = float(value), float(wanted)
        except ValueError:
            return False
        return _compare(compare, left, right)

    return test


def _date(compare: str) -> Any:
    def test(value: str, wanted: str) -> bool:
        try:
            left, right = _moment(value), _moment(wanted)
        except ValueError:
            return False
        return _compare(compare, left, right)

    return test


def _moment(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return datetime.fromisoformat(text).timestamp()


def _compare(name: str, left: float, right: float) -> bool:
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[name]


_COMPARISONS = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_TESTS: dict[str, Any] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: _glob(wanted, value),
    "ArnEquals": _arn_like,  # documented to behave as ArnLike
    "ArnLike": _arn_like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "IpAddress": _in_network,
    **{f"Numeric{name}": _number(name) for name in _COMPARISONS},
    **{f"Date{name}": _date(name) for name in _COMPARISONS},
}
