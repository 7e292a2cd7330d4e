"""Whom the resource policies of CloudWatch Logs let write into a log group.

Source: CloudWatch Logs API reference, PutResourcePolicy: policies of the account, whose resources
are patterns, and of one log group; only services are admitted by them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from verify.policy.document import Policy, Principal, Statement
from verify.policy.finding import Finding
from verify.policy.grants import foreign_grants
from verify.policy.principals import open_to_anyone, resource_policy


def log_writers(
    document: Policy, group_arn: str, account: str, admitted: Iterable[str]
) -> tuple[Finding, ...]:
    """The Allow statements that let others than the `admitted` services into a log group.

    An admitted service must act for `account` alone, as `foreign_grants` judges it. What the
    statement allows does not matter: there is nothing harmless to allow. Nor does a condition for
    those who are not admitted. Raises PolicyError.
    """
    services = frozenset(admitted)
    reaching = [
        statement
        for statement in resource_policy(document).statements
        if statement.allows and _reaches(statement, group_arn)
    ]
    found = [
        Finding.about(statement, who, f"lets {who} write into {group_arn}")
        for statement in reaching
        for who in _principals(statement)
        if who not in services
    ]
    positions = {statement.index for statement in reaching}
    named = {(finding.index, finding.subject) for finding in found}
    found += [
        finding
        for finding in foreign_grants(document, account)
        if finding.index in positions and (finding.index, finding.subject) not in named
    ]
    return tuple(found)


def _principals(statement: Statement) -> list[str]:
    anyone = open_to_anyone(statement)
    return [_name(principal) for principal in statement.principals] or [anyone or "anyone"]


def _name(principal: Principal) -> str:
    return principal.value if principal.kind == "Service" else principal.describe()


def _reaches(statement: Statement, group_arn: str) -> bool:
    """Whether a statement is about the group, or about any of its streams."""
    if statement.not_resources:
        return group_arn not in statement.not_resources
    return any(
        _meet(pattern, group_arn) or _meet(pattern, f"{group_arn}:*")
        for pattern in statement.resources
    )


def _meet(one: str, other: str) -> bool:
    """Whether two patterns have a text in common, stars running over colons as well."""

    @cache
    def meet(i: int, j: int) -> bool:
        if i == len(one) and j == len(other):
            return True
        if i < len(one) and one[i] == "*":
            return meet(i + 1, j) or (j < len(other) and meet(i, j + 1))
        if j < len(other) and other[j] == "*":
            return meet(i, j + 1) or (i < len(one) and meet(i + 1, j))
        return (
            i < len(one)
            and j < len(other)
            and (one[i] == other[j] or "?" in (one[i], other[j]))
            and meet(i + 1, j + 1)
        )

    return meet(0, 0)
