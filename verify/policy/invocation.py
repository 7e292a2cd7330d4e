"""Whom a function's policy lets invoke it, and what else it lets them do.

Source: Lambda developer guide, "Viewing resource-based IAM policies in Lambda".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from verify.policy.document import Document, Policy
from verify.policy.evaluation import Decision, effective_allows
from verify.policy.finding import Finding, Verdict
from verify.policy.grants import ServiceGrant, service_grants
from verify.policy.principals import open_to_anyone, resource_policy

_INVOKE = "lambda:InvokeFunction"


@dataclass(frozen=True)
class Invoker:
    """A service that may invoke a function, and the resource for which it may."""

    service: str
    source_arn: str


def other_invocations(
    document: Policy, account: str, invokers: Collection[Invoker]
) -> tuple[Finding, ...]:
    """What the policy of a function, alias or version allows beyond invoking by `invokers`.

    That is another service, another source than the invoker's in `account`, another action, and
    whoever is no service: anyone, on whatever conditions, another account, and principals of the
    account itself, which would need no permission of their own any more. Raises PolicyError.
    """
    parsed = resource_policy(document)
    return (*_to_services(parsed, account, invokers), *_to_no_service(parsed))


def refused_invokers(
    document: Policy, function_arn: str, account: str, invokers: Collection[Invoker]
) -> tuple[Finding, ...]:
    """Those of `invokers` that a function's policy does not allow to invoke it, or denies it.

    Raises PolicyError.
    """
    found = []
    for invoker in invokers:
        context = {"aws:SourceArn": invoker.source_arn, "aws:SourceAccount": account}
        answer = effective_allows(document, invoker.service, _INVOKE, function_arn, context)
        if not answer.allowed:
            doubtful = answer.decision is Decision.CANNOT_TELL
            verdict = Verdict.CANNOT_TELL if doubtful else Verdict.VIOLATION
            found.append(Finding(verdict, None, "", invoker.service, answer.reason))
    return tuple(found)


def _to_services(
    document: Document, account: str, invokers: Collection[Invoker]
) -> Iterator[Finding]:
    for grant in service_grants(document):
        if grant.service == "*":
            continue  # for anyone, which is no service
        sources = {known.source_arn for known in invokers if known.service == grant.service}
        why = _beyond(grant, account, sources)
        if why:
            statement = document.statements[grant.index]
            what = f"{grant.describe().removeprefix(grant.label).strip()}: {why}"
            yield Finding.about(statement, grant.service, what)


def _beyond(grant: ServiceGrant, account: str, sources: Collection[str]) -> str:
    if not sources:
        return "a service that may not invoke it"
    if not grant.requires("aws:SourceArn", *sources):
        return f"not just for aws:SourceArn {', '.join(sorted(sources))}"
    if not grant.requires("aws:SourceAccount", account):
        return f"not just for aws:SourceAccount {account}"
    if grant.inverted or {action.lower() for action in grant.actions} != {_INVOKE.lower()}:
        return f"not just {_INVOKE}"
    return ""


def _to_no_service(document: Document) -> Iterator[Finding]:
    for statement in document.statements:
        if not statement.allows:
            continue
        anyone = open_to_anyone(statement)
        named = [one.describe() for one in statement.principals if one.kind != "Service"]
        for name in [anyone] if anyone is not None else named:
            what = ", ".join(statement.actions) or "all but some actions"
            yield Finding.about(statement, name, f"allows {what} to {name}, which is no service")
