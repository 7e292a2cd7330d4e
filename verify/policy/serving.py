"""Whether a role's trust is exactly for whom the role serves.

Sources: IAM user guide, "IAM roles" (trust policies), "Pass session tags in AWS STS", "Monitor and
control actions taken with assumed roles" (source identity), "The confused deputy problem".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from verify.policy.conditions import all_of, evaluate
from verify.policy.document import Document, Policy, Principal, Statement
from verify.policy.finding import Finding, Verdict
from verify.policy.grants import service_grants
from verify.policy.oidc_trusts import ASSUME as _ASSUME_BY_TOKEN
from verify.policy.oidc_trusts import OidcTrust, oidc_findings, served_by
from verify.policy.patterns import arn_fields, statement_matches_action
from verify.policy.principals import account_of, is_anyone, resource_policy
from verify.policy.trust import TrustedPrincipal, trust_principals

# A role that serves these may be assumed by whomever of its account the account's own policies let.
PEOPLE_OF_THE_ACCOUNT = "people of the account"

_ASSUME = "sts:AssumeRole"
# What a service does to wear a role, and what people may do besides: mark and name their session.
_OF_SERVICES = frozenset({_ASSUME.lower()})
_OF_PEOPLE = _OF_SERVICES | {"sts:setsourceidentity", "sts:tagsession"}
# What a service says of the resource that it acts for: with another account's it never is ours.
_SOURCES = frozenset({"aws:sourceaccount", "aws:sourceowner", "aws:sourcearn"})


def trust_findings(
    document: Policy,
    account: str,
    serves: str | Iterable[str],
    sources: Iterable[str] = (),
    oidc_trusts: Iterable[OidcTrust] = (),
) -> tuple[Finding, ...]:
    """Where the trust of a role of `account` is not for exactly whom it serves. Raises PolicyError.

    `serves` is a service, PEOPLE_OF_THE_ACCOUNT, or the ARNs of the principals that alone may
    assume the role. `sources`, where there are any, are the resources for which alone the service
    may: it says which, in aws:SourceArn. `oidc_trusts` are the tokens of identity providers that
    may besides. Wrong are:

    - anyone else who may assume it, on whatever condition;
    - another action than assuming it (people may also tag their session and name its source);
    - that whom it serves cannot assume it: no statement, a condition that keeps them out, a Deny.

    Whether a service states what a condition asks for is not known here: that is CANNOT_TELL.
    """
    parsed = resource_policy(document)
    served = replace(_Served.of(serves, account), sources=tuple(sources))
    tokens = tuple(oidc_trusts)
    findings = list(oidc_findings(parsed, tokens))
    for trusted in trust_principals(parsed, account):
        by_token = bool(served_by(tokens, trusted.value))
        # Whom a provider serves need not be known where its subjects are named.
        welcome = trusted.verdict is not Verdict.VIOLATION if by_token else served.welcomes(trusted)
        if not welcome:
            unknown = served.kind == trusted.kind and trusted.verdict is Verdict.CANNOT_TELL
            verdict = Verdict.CANNOT_TELL if unknown else Verdict.VIOLATION
            findings.append(Finding(verdict, None, "", trusted.value, trusted.reason))
        assume = _ASSUME_BY_TOKEN if by_token else _ASSUME
        permitted = frozenset({assume.lower()}) if by_token else served.actions
        excess = [name for name in trusted.actions if name.lower() not in permitted]
        if excess or not trusted.actions:
            what = ", ".join(excess) or "every action but those of NotAction"
            reason = f"{trusted.kind} {trusted.value} is allowed {what}, not just {assume}"
            findings.append(Finding(Verdict.VIOLATION, None, "", trusted.value, reason))
    if served.sources:
        findings += _for_other_sources(parsed, account, served)
    for name in served.names:
        kept_out = _kept_out(parsed, account, served, name)
        if kept_out is not None:
            findings.append(kept_out)
    return tuple(findings)


@dataclass(frozen=True)
class _Served:
    """Whom a role serves: principals of `kind`, by name; or, of an account, `everybody`."""

    kind: str
    names: tuple[str, ...]
    actions: frozenset[str]
    everybody: bool = False
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, serves: str | Iterable[str], account: str) -> _Served:
        if serves == PEOPLE_OF_THE_ACCOUNT:
            return cls("AWS", (account,), _OF_PEOPLE, everybody=True)
        if isinstance(serves, str):
            return cls("Service", (serves,), _OF_SERVICES)
        return cls("AWS", tuple(_bare(value) for value in serves), _OF_PEOPLE)

    def welcomes(self, trusted: TrustedPrincipal) -> bool:
        if trusted.kind != self.kind:
            return False
        if self.everybody:
            return not trusted.foreign and trusted.verdict is Verdict.CLEAN
        return _bare(trusted.value) in self.names

    def admitted_as(self, principal: Principal, name: str) -> bool:
        """Whether an Allow for `principal` admits the served `name`, or one of its people."""
        if principal.kind != self.kind:
            return False
        owner = account_of(principal) if self.everybody else _bare(principal.value)
        return owner == name

    def named_as(self, principal: Principal, name: str) -> bool:
        """Whether a `principal` is the served `name` as a whole."""
        return is_anyone(principal) or (
            principal.kind == self.kind and _bare(principal.value) == name
        )


def _for_other_sources(document: Document, account: str, served: _Served) -> Iterator[Finding]:
    """What lets a service assume the role for a resource that is none of its sources."""
    for grant in service_grants(document):
        if grant.service in served.names and not (
            grant.requires("aws:SourceArn", *served.sources)
            and grant.requires("aws:SourceAccount", account)
        ):
            reason = f"{grant.describe()}, not just for {', '.join(served.sources)} of {account}"
            yield Finding(Verdict.VIOLATION, None, "", grant.service, reason)


def _bare(principal: str) -> str:
    """An account by its number, however it is written; anyone else as written."""
    fields = arn_fields(principal)
    if fields is not None and fields[2] == "iam" and fields[5] == "root":
        return fields[4]
    return principal


def _kept_out(document: Document, account: str, served: _Served, name: str) -> Finding | None:
    """Why whom a role serves cannot, or perhaps cannot, assume it."""
    assuming = [one for one in document.statements if statement_matches_action(one, _ASSUME)]
    doubts: list[str] = []
    for statement in assuming:
        if not statement.allows and _denies(statement, served, name):
            denied = _holds(statement, account, served)
            if denied:
                return _nobody(name, f"{statement.label} denies it")
            if denied is None:
                doubts.append(f"{statement.label} denies it on a condition")
    let = [
        (statement, _holds(statement, account, served))
        for statement in assuming
        if statement.allows
        and any(served.admitted_as(principal, name) for principal in statement.principals)
    ]
    if not any(holds is True for _, holds in let):
        perhaps = [f"{statement.label} lets it on a condition" for statement, how in let if not how]
        if not any(holds is None for _, holds in let):
            return _nobody(name, "; ".join(perhaps) or "no statement lets it")
        doubts += perhaps
    if not doubts:
        return None
    reason = f"cannot tell whether {name} can assume the role: {'; '.join(doubts)}"
    return Finding(Verdict.CANNOT_TELL, None, "", name, reason)


def _nobody(name: str, because: str) -> Finding:
    reason = f"{name} cannot assume the role, which serves it: {because}"
    return Finding(Verdict.VIOLATION, None, "", name, reason)


def _denies(statement: Statement, served: _Served, name: str) -> bool:
    """Whether a Deny is about whom a role serves, as a whole."""
    if statement.not_principals:
        return not any(served.named_as(principal, name) for principal in statement.not_principals)
    return any(served.named_as(principal, name) for principal in statement.principals)


def _holds(statement: Statement, account: str, served: _Served) -> bool | None:
    """Whether a statement's conditions hold when whom the role serves assumes it.

    What people are held to besides (a second factor, a name for their session) is theirs to meet.
    """
    context = {"aws:securetransport": ("true",)}
    if served.everybody:
        context["aws:principalaccount"] = (account,)
    outcomes: list[bool | None] = []
    for condition in statement.conditions:
        if condition.name in context:
            outcomes.append(evaluate(condition, context, has_variables=True))
        elif served.kind == "AWS":
            outcomes.append(statement.allows)
        elif served.sources and condition.name in ("aws:sourcearn", "aws:sourceaccount"):
            outcomes += [
                evaluate(
                    condition,
                    {"aws:sourcearn": (source,), "aws:sourceaccount": (account,)},
                    has_variables=True,
                )
                for source in served.sources
            ]
        elif condition.name in _SOURCES and "not" not in condition.operator.lower():
            ours = any(account in value for value in condition.values)
            outcomes.append(None if ours else False)
        else:
            outcomes.append(None)
    return all_of(outcomes)
