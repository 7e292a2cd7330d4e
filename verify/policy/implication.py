"""Whether one condition surely holds whenever another does.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators", "IfExists", "Single-valued
vs. multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Iterable

from verify.policy.document import Condition
from verify.policy.patterns import arn_covers, covers, has_wildcard

_ARNS = frozenset({"arnequals", "arnlike"})


def implies(these: Iterable[Condition], those: Iterable[Condition]) -> bool:
    """Whether a request that meets all of `these` surely meets all of `those`."""
    given = tuple(these)
    return all(any(implies_line(this, that) for this in given) for that in those)


def implies_line(this: Condition, that: Condition) -> bool:
    """Whether a request that meets one line surely meets the other. False where not known."""
    if this.name != that.name or (this.if_exists and not that.if_exists):
        return False
    if (this.for_all, this.for_any) != (that.for_all, that.for_any):
        return False
    one, other = this.operator.lower(), that.operator.lower()
    if "not" in other:
        return one == other and set(that.values) <= set(this.values)
    return all(
        any(_within(one, value, other, accepted) for accepted in that.values)
        for value in this.values
    )


def _within(one: str, value: str, other: str, accepted: str) -> bool:
    """Whether what a value admits by operator `one` is what `accepted` admits by `other`."""
    if one in _ARNS and other in _ARNS:
        return arn_covers(accepted, value)
    if one == other == "stringlike":
        return covers(accepted, value)
    # StringEquals takes a star literally, which as a pattern would be more.
    if {one, other} == {"stringequals", "stringlike"} and not has_wildcard(value):
        return covers(accepted, value) if other == "stringlike" else accepted == value
    if one == other and one in ("bool", "stringequalsignorecase"):
        return accepted.lower() == value.lower()
    return one == other and accepted == value
