"""What the policy of a VPC endpoint lets pass: whose resources may be reached through it.

Source: Amazon VPC user guide, "Control access to VPC endpoints using endpoint policies"; IAM user
guide, "AWS global condition context keys" (aws:ResourceAccount).
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.policy.document import Condition, Document, Policy, Statement
from verify.policy.finding import Finding
from verify.policy.patterns import arn_fields

# What is known to hold a request to one account, by its own resource.
_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike"})
_KEYS = frozenset({"aws:resourceaccount", "s3:resourceaccount"})


def resources_beyond(document: Policy, account: str) -> tuple[Finding, ...]:
    """Each statement by which resources of other accounts than `account` may be reached.

    A statement is held to the account by a condition on the resource's account, or by naming
    nothing but resources of it. Whether a denial takes back what an Allow gives is not looked at:
    it would have to name every other account. Raises PolicyError.
    """
    return tuple(_findings(Document.parse(document), account))


def allows_anything(document: Policy) -> bool:
    """Whether some statement lets requests through: all others are refused. Raises PolicyError."""
    return any(statement.allows for statement in Document.parse(document).statements)


def _findings(document: Document, account: str) -> Iterator[Finding]:
    for statement in document.statements:
        if statement.allows and not (
            any(_holds(condition, account) for condition in statement.conditions)
            or _names_its_own(statement, account)
        ):
            subject = ", ".join(statement.resources) or "what it does not name"
            yield Finding.about(statement, subject, "lets resources of other accounts be reached")


def _holds(condition: Condition, account: str) -> bool:
    return (
        condition.key.lower() in _KEYS
        and condition.operator.lower() in _OPERATORS
        and not (condition.if_exists or condition.for_all)
        and bool(condition.values)
        and all(value == account for value in condition.values)
    )


def _names_its_own(statement: Statement, account: str) -> bool:
    named = [arn_fields(resource) for resource in statement.resources]
    return bool(named) and all(fields is not None and fields[4] == account for fields in named)
