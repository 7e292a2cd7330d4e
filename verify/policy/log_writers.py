"""Whom the resource policies of CloudWatch Logs let write into a log group.

Sources: CloudWatch Logs API reference, PutResourcePolicy: policies of the account, whose resources
are patterns, and of one log group; only services are admitted by them. EventBridge user guide,
"Using resource-based policies", CloudWatch Logs permissions: a rule's events are written by these
policies, in no role.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from verify.policy.document import Document, Policy, Principal, Statement
from verify.policy.evaluation import Decision, Evaluation, effective_allows
from verify.policy.finding import Finding, Verdict
from verify.policy.grants import UNCONDITIONED_SERVICE_ACTIONS, foreign_grants
from verify.policy.principals import open_to_anyone, resource_policy

_OPEN_STREAM, _WRITE = "logs:CreateLogStream", "logs:PutLogEvents"
_WRITING = frozenset({_OPEN_STREAM.lower(), _WRITE.lower()})


def log_writers(
    document: Policy,
    group_arn: str,
    account: str,
    admitted: Iterable[str],
    into_group_alone: Iterable[str] = (),
) -> tuple[Finding, ...]:
    """The Allow statements that let others than the `admitted` services into a log group.

    An admitted service must act for `account` alone, as `foreign_grants` judges it. What the
    statement allows does not matter: there is nothing harmless to allow. Nor does a condition for
    those who are not admitted.

    The services of `into_group_alone` may open streams and write, in a statement of this group, and
    write for `account` alone. They may open streams for whomever: AWS has no condition there, and
    a stream without events says nothing, keeps no alarm quiet and costs nothing.

    Raises PolicyError.
    """
    confined = frozenset(into_group_alone) - frozenset(admitted)
    services = confined.union(admitted)
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
    for statement in reaching:
        found += _beyond_writing(statement, group_arn, confined)
    positions = {statement.index for statement in reaching}
    named = {(finding.index, finding.subject) for finding in found}
    opening = dict.fromkeys(confined, frozenset({_OPEN_STREAM}))
    found += [
        finding
        for finding in foreign_grants(
            document, account, unconditioned={**UNCONDITIONED_SERVICE_ACTIONS, **opening}
        )
        if finding.index in positions and (finding.index, finding.subject) not in named
    ]
    return tuple(found)


def _beyond_writing(
    statement: Statement, group_arn: str, services: frozenset[str]
) -> Iterator[Finding]:
    """What a statement gives to one of the `services` beyond writing into the group."""
    more = not statement.actions or any(
        action.lower() not in _WRITING for action in statement.actions
    )
    elsewhere = not statement.resources or any(
        _reaches_by(pattern, group_arn) and not f"{pattern}:".startswith(f"{group_arn}:")
        for pattern in statement.resources
    )
    for who in _principals(statement):
        if who in services and more:
            what = f"lets {who} do more than open streams and write: {statement.actions_in_words}"
            yield Finding.about(statement, who, what)
        elif who in services and elsewhere:
            what = f"lets {who} write into {group_arn} and into what else its resources match"
            yield Finding.about(statement, who, what)


def refused_deliveries(
    documents: Iterable[Policy],
    group_arn: str,
    account: str,
    rule_arn: str,
    services: Iterable[str],
) -> tuple[Finding, ...]:
    """What keeps EventBridge, in the name of these services, from writing a rule's events.

    `documents` are all policies of the account, and the group's own. That a stream may be opened
    for the rule alone gives CANNOT_TELL: AWS's example has no condition there, and does not say
    whether EventBridge tells then for what it opens one. Raises PolicyError.
    """
    parsed = [resource_policy(document) for document in documents]
    whose = {"aws:SourceAccount": account, "aws:SourceArn": rule_arn}
    found = []
    for service in services:
        answers = [
            _answer(parsed, service, action, group_arn, whose) for action in (_OPEN_STREAM, _WRITE)
        ]
        for answer in answers:
            if not answer.allowed:
                verdict = Verdict.VIOLATION if answer.refused else Verdict.CANNOT_TELL
                found.append(Finding(verdict, None, "", service, answer.reason))
        unsaid = _answer(parsed, service, _OPEN_STREAM, group_arn, {})
        if answers[0].allowed and not unsaid.allowed:
            doubt = f"{unsaid.reason} that does not say for what it opens a stream"
            found.append(Finding(Verdict.CANNOT_TELL, None, "", service, doubt))
    return tuple(found)


def _answer(
    documents: Iterable[Document],
    service: str,
    action: str,
    group_arn: str,
    context: Mapping[str, str],
) -> Evaluation:
    """What all policies together say: a denial by one of them wins, else one that allows."""
    stream = f"{group_arn}:log-stream:events"
    answers = [effective_allows(each, service, action, stream, context) for each in documents]
    nothing = f"no policy allows {action} on {stream} to {service}"
    return max(answers, key=_weight, default=Evaluation(Decision.NOT_ALLOWED, nothing))


def _weight(answer: Evaluation) -> int:
    """How an answer stands beside those of other policies."""
    if answer.decision is Decision.CANNOT_TELL:
        return 1 if answer.statement is None or answer.statement.allows else 3
    return {Decision.NOT_ALLOWED: 0, Decision.ALLOWED: 2, Decision.DENIED: 4}[answer.decision]


def _principals(statement: Statement) -> list[str]:
    anyone = open_to_anyone(statement)
    return [_name(principal) for principal in statement.principals] or [anyone or "anyone"]


def _name(principal: Principal) -> str:
    return principal.value if principal.kind == "Service" else principal.describe()


def _reaches(statement: Statement, group_arn: str) -> bool:
    """Whether a statement is about the group, or about any of its streams."""
    if statement.not_resources:
        return group_arn not in statement.not_resources
    return any(_reaches_by(pattern, group_arn) for pattern in statement.resources)


def _reaches_by(pattern: str, group_arn: str) -> bool:
    return _meet(pattern, group_arn) or _meet(pattern, f"{group_arn}:*")


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
