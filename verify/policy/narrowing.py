"""Whether conditions keep a statement for anyone within known accounts, organisations or networks.

Which keys hold whom back, and when a request lacks them, is in condition-keys.json. Sources: IAM
user guide, "AWS global condition context keys", "Single-valued vs. multivalued context keys",
"IfExists"; S3 user guide, the meaning of "public"; KMS developer guide, "Condition keys".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from verify.policy.bounds import (
    ARN_OPERATORS,
    TEXT_OPERATORS,
    Bound,
    Unbound,
    addresses_of,
    bound_of,
)
from verify.policy.condition_keys import Caller, ConditionKey, Names, key_of
from verify.policy.document import Condition, Document, Statement

# Operators whose meaning is known; all others may do anything.
KNOWN_OPERATORS = (
    TEXT_OPERATORS
    | ARN_OPERATORS
    | frozenset(
        {
            "stringnotequals",
            "stringnotequalsignorecase",
            "stringnotlike",
            "arnnotequals",
            "arnnotlike",
            "ipaddress",
            "notipaddress",
            "numericnotequals",
            "datenotequals",
            "bool",
            "null",
        }
    )
)


class Openness(Enum):
    """Whether conditions narrow a statement."""

    NARROW = "narrow"
    OPEN = "open"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Narrowing:
    """The outcome for a statement.

    `alternatives` has, for each narrowing condition, what it admits; all conditions hold together,
    so it is enough that one of them admits nothing unwelcome. `reasons` say why others do not
    narrow.
    """

    openness: Openness
    alternatives: tuple[tuple[Bound, ...], ...]
    reasons: tuple[str, ...]

    def within(self, accounts: frozenset[str], organizations: frozenset[str]) -> bool:
        """Whether some condition admits only callers of these accounts and organizations."""
        return any(
            all(not bound.of_network and bound.is_of(accounts, organizations) for bound in line)
            for line in self.alternatives
        )

    def tells_stranger(self, accounts: frozenset[str], organizations: frozenset[str]) -> bool:
        """Whether some condition tells the owner of all that it admits, and one is none of these.

        A network of one's own tells nothing of who calls through it.
        """
        return any(
            all(bound.has_owner for bound in line)
            and not all(bound.is_of(accounts, organizations) for bound in line)
            for line in self.alternatives
        )

    @property
    def services(self) -> frozenset[str]:
        """The service principals that some condition confines the statement to; empty if none."""
        for line in self.alternatives:
            named = frozenset(bound.service for bound in line if bound.service is not None)
            if len(named) == len(line):
                return named
        return frozenset()


def narrowing_of(
    document: Document, statement: Statement, account: str, caller: Caller
) -> Narrowing:
    """Whether conditions keep callers, or what a service acts for, to something known."""
    demanded = demanded_keys(statement)
    alternatives: list[tuple[Bound, ...]] = []
    reasons: list[str] = []
    undecided = False
    for condition in statement.conditions:
        outcome = _narrow(document, condition, account, caller, condition.name in demanded)
        if isinstance(outcome, tuple):
            alternatives.append(outcome)
            continue
        reasons.append(f"{condition.describe()} does not narrow: {outcome.why}")
        undecided = undecided or outcome.undecided
    if alternatives:
        return Narrowing(Openness.NARROW, tuple(alternatives), tuple(reasons))
    openness = Openness.CANNOT_TELL if undecided else Openness.OPEN
    return Narrowing(openness, (), tuple(reasons))


def demanded_keys(statement: Statement) -> frozenset[str]:
    """The keys, in lower case, without which a request is none of the statement's: Null false."""
    return frozenset(
        condition.name
        for condition in statement.conditions
        if condition.operator.lower() == "null"
        and not condition.if_exists
        and {value.lower() for value in condition.values} == {"false"}
    )


def _narrow(
    document: Document, condition: Condition, account: str, caller: Caller, demanded: bool
) -> tuple[Bound, ...] | Unbound:
    key = key_of(condition.name)
    if key is None:
        return Unbound("what the key stands for is not known here", undecided=True)
    if caller not in key.bounds:
        why = f"the key does not bound {_CALLER_WORDS[caller]}" if key.bounds else key.why
        return Unbound(why, undecided=caller in key.unsure)
    return _without_bound(condition, key, demanded) or _bounds(document, condition, key, account)


_CALLER_WORDS = {Caller.ANYONE: "callers", Caller.SERVICE: "what a service acts for"}


def _without_bound(condition: Condition, key: ConditionKey, demanded: bool) -> Unbound | None:
    """Why a condition admits requests whatever its values are; None when it does not."""
    operator = condition.operator.lower()
    if operator == "null":
        return Unbound("that the key is there, or not, bounds nobody")
    if operator not in KNOWN_OPERATORS:
        return Unbound("the operator is not known here for this key", undecided=True)
    if "not" in operator:
        return Unbound("it admits all but the values")
    there = demanded or key.is_always_there
    if condition.if_exists and not there:
        return Unbound("IfExists also admits requests without the key")
    if condition.for_all and not there:
        return Unbound("ForAllValues also admits requests without the key")
    return None


def _bounds(
    document: Document, condition: Condition, key: ConditionKey, account: str
) -> tuple[Bound, ...] | Unbound:
    operator = condition.operator.lower()
    if key.names is Names.ADDRESS:
        return addresses_of(condition, operator)
    if operator not in TEXT_OPERATORS | ARN_OPERATORS:
        return Unbound("the operator does not fit the key", undecided=True)
    bounds = []
    for value in condition.values:
        bound = bound_of(document, key.names, operator, value, account)
        if isinstance(bound, Unbound):
            return bound
        bounds.append(bound)
    return tuple(bounds)
