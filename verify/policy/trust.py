"""Who may assume a role, by its trust policy.

Sources: IAM user guide, "The confused deputy problem", "AWS JSON policy elements: Principal",
"Create a role for OpenID Connect federation".
"""

from __future__ import annotations

from dataclasses import dataclass

from verify.policy.bounds import Unbound, describe_bounds
from verify.policy.condition_keys import Caller
from verify.policy.document import Condition, Document, Policy, Principal, Statement
from verify.policy.federation import narrowed_identities, provider_of
from verify.policy.finding import Verdict
from verify.policy.narrowing import Openness, narrowing_of
from verify.policy.principals import account_of, is_anyone, open_to_anyone, resource_policy


@dataclass(frozen=True)
class TrustedPrincipal:
    """Someone who may assume a role.

    `kind` is AWS, Service, Federated, CanonicalUser or `*`. `account` is the principal's account
    when it has one. `verdict` is CLEAN for a principal that is named (or narrowed to something
    known), VIOLATION for an open door, CANNOT_TELL when that cannot be decided. `foreign` is true
    for AWS principals outside the role's account, and for anyone not narrowed to that account.
    """

    kind: str
    value: str
    account: str | None
    foreign: bool
    verdict: Verdict
    actions: tuple[str, ...]
    conditions: tuple[Condition, ...]
    reason: str


def trust_principals(document: Policy, account: str) -> tuple[TrustedPrincipal, ...]:
    """Everyone whom a role's trust policy lets assume the role. Raises PolicyError.

    `account` owns the role. A federated provider that serves everyone (GitHub, Google, Cognito)
    must be narrowed by the claim that tells whose identity it is; whom a provider serves that is
    not known here, cannot be told. Services may assume without further conditions: a service
    principal in a trust policy acts on a pass of the role by its own account.
    """
    parsed = resource_policy(document)
    found = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = open_to_anyone(statement)
        if anyone is not None and statement.not_principals:
            found.append(_trust_anyone(parsed, statement, Principal("*", anyone), account))
        for principal in statement.principals:
            if is_anyone(principal):
                found.append(_trust_anyone(parsed, statement, principal, account))
            elif principal.kind == "Federated":
                found.append(_trust_federated(parsed, statement, principal))
            else:
                found.append(_trust_named(statement, principal, account))
    return tuple(found)


def _trust_anyone(
    document: Document, statement: Statement, principal: Principal, account: str
) -> TrustedPrincipal:
    narrowing = narrowing_of(document, statement, account, Caller.ANYONE)
    verdict = {
        Openness.NARROW: Verdict.CLEAN,
        Openness.OPEN: Verdict.VIOLATION,
        Openness.CANNOT_TELL: Verdict.CANNOT_TELL,
    }[narrowing.openness]
    if verdict is Verdict.CLEAN:
        because = f"within {describe_bounds(narrowing.alternatives)}"
    else:
        because = "; ".join(narrowing.reasons) or "without any condition"
    return TrustedPrincipal(
        kind="*",
        value=principal.value,
        account=None,
        foreign=not narrowing.within(frozenset({account}), frozenset()),
        verdict=verdict,
        actions=statement.actions,
        conditions=statement.conditions,
        reason=f"{statement.label} lets anyone ({principal.describe()}) assume the role: {because}",
    )


def _trust_named(statement: Statement, principal: Principal, account: str) -> TrustedPrincipal:
    owner = account_of(principal)
    unknown = principal.kind != "Service" and owner is None
    return TrustedPrincipal(
        kind=principal.kind,
        value=principal.value,
        account=owner,
        foreign=principal.kind != "Service" and owner != account,
        verdict=Verdict.CANNOT_TELL if unknown else Verdict.CLEAN,
        actions=statement.actions,
        conditions=statement.conditions,
        reason=f"{statement.label} lets {principal.describe()} assume the role"
        + (", whose account the policy does not tell" if unknown else ""),
    )


def _trust_federated(
    document: Document, statement: Statement, principal: Principal
) -> TrustedPrincipal:
    kind, host = provider_of(principal.value)
    verdict, because = Verdict.CLEAN, ""
    if kind != "saml-provider":
        narrowed = narrowed_identities(document, statement, host)
        if isinstance(narrowed, Unbound):
            verdict = Verdict.CANNOT_TELL if narrowed.undecided else Verdict.VIOLATION
            because = f" for anyone: {narrowed.why}"
    return TrustedPrincipal(
        kind="Federated",
        value=principal.value,
        account=account_of(principal),
        foreign=False,
        verdict=verdict,
        actions=statement.actions,
        conditions=statement.conditions,
        reason=f"{statement.label} lets identities of {principal.value} assume the role{because}",
    )
