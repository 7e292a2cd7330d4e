"""Whom a resource's policy lets in: anyone, other accounts, services, and who may assume a role.

Only what Allow statements admit is judged. A Deny elsewhere in the document may take some of it
back, but a grant that is only safe thanks to another statement is a grant to mend, and S3 itself
judges "public" in the same way. Sources: S3 user guide, "Blocking public access" (the meaning of
"public"); IAM user guide, "The confused deputy problem", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.policy.document import Condition, Document, PolicyError, Principal, Statement
from verify.policy.finding import Finding, Verdict
from verify.policy.narrowing import (
    Caller,
    Narrowing,
    Openness,
    describe_bounds,
    narrowing_of,
)
from verify.policy.patterns import action_covers, arn_fields, has_wildcard, is_account

Policy = str | Mapping[str, Any] | Document

# Grants to services for which AWS's own pages leave out, or forbid, a condition on the source.
UNCONDITIONED_SERVICE_ACTIONS: Mapping[str, frozenset[str]] = {
    # EventBridge user guide, "Using resource-based policies": topic policies cannot have conditions
    # for it; a key's policy gets the same caller.
    "events.amazonaws.com": frozenset({"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey*"}),
    # SNS developer guide, "Key management": alarms publish to an encrypted topic.
    "cloudwatch.amazonaws.com": frozenset({"kms:Decrypt", "kms:GenerateDataKey*"}),
    # CloudTrail user guide, key policy: decrypt is listed without a condition (S3 bucket keys).
    "cloudtrail.amazonaws.com": frozenset({"kms:Decrypt"}),
}


def public_grants(document: Policy, account: str) -> tuple[Finding, ...]:
    """Allow statements open to anyone whose conditions do not narrow to something known.

    Anyone: `*` in whatever form, NotPrincipal, or an ARN with a wildcard for the account. Which
    condition keys narrow, and why others do not, is in NARROWING_KEYS and NOT_NARROWING_KEYS.
    `account` owns the resource. Raises PolicyError, also for an Allow without a principal: that is
    no resource's policy.
    """
    parsed = _resource_policy(document)
    findings = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = _anyone(statement)
        if anyone is None:
            continue
        narrowing = narrowing_of(parsed, statement, account, Caller.ANYONE)
        if narrowing.openness is not Openness.NARROW:
            findings.append(_public(statement, anyone, narrowing))
    return tuple(findings)


def foreign_grants(
    document: Policy,
    account: str,
    *,
    trusted_accounts: Iterable[str] = (),
    trusted_organizations: Iterable[str] = (),
    unconditioned: Mapping[str, frozenset[str]] = UNCONDITIONED_SERVICE_ACTIONS,
) -> tuple[Finding, ...]:
    """What `public_grants` finds, and grants to other accounts, or to services for anyone.

    A grant to a service must be narrowed by the resource or account it acts for (aws:SourceArn,
    aws:SourceAccount, ...) to `account` or a trusted one, else the service does another account's
    bidding. Exempt are the actions in `unconditioned`, service -> action patterns. A grant to
    anyone narrowed to an organization that is not trusted is foreign; one narrowed by network alone
    gives CANNOT_TELL, since a network does not tell the account. Raises PolicyError.
    """
    parsed = _resource_policy(document)
    accounts = frozenset({account, *trusted_accounts})
    organizations = frozenset(trusted_organizations)
    findings: list[Finding] = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = _anyone(statement)
        if anyone is not None:
            narrowing = narrowing_of(parsed, statement, account, Caller.ANYONE)
            if narrowing.openness is not Openness.NARROW:
                findings.append(_public(statement, anyone, narrowing))
            elif not narrowing.within(accounts, organizations):
                findings.append(_narrowed_elsewhere(statement, anyone, narrowing))
        for principal in statement.principals:
            if principal.kind == "Service" and principal.value != "*":
                exempt = unconditioned.get(principal.value, frozenset())
                if not _all_within(statement, exempt):
                    findings += _service_for_anyone(
                        parsed, statement, principal, account, accounts, organizations
                    )
            elif not _is_anyone(principal):
                findings += _foreign_principal(statement, principal, accounts)
    return tuple(findings)


@dataclass(frozen=True)
class ServiceGrant:
    """What one Allow statement gives to one service principal.

    `actions` and `resources` are as written; with NotAction or NotResource they are empty and
    `inverted` is true.
    """

    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    inverted: bool
    index: int
    sid: str
    label: str

    def requires(self, key: str, *values: str) -> bool:
        """Whether some condition lets in only requests whose `key` is one of the values, exactly.

        The key must be there (no IfExists, no ForAllValues), and the policy's values must be among
        those given, as text: a pattern in the policy is not the value that it matches.
        """
        positive = ("stringequals", "stringlike", "arnequals", "arnlike", "bool")
        return any(
            condition.name == key.lower()
            and condition.operator.lower() in positive
            and not (condition.if_exists or condition.for_all)
            and set(condition.values) <= set(values)
            for condition in self.conditions
        )

    def describe(self) -> str:
        """In words, for a failure message."""
        what = "all but some actions or resources" if self.inverted else ", ".join(self.actions)
        on = f" on {', '.join(self.resources)}" if self.resources else ""
        lines = "; ".join(condition.describe() for condition in self.conditions)
        return f"{self.label} gives {self.service} {what}{on} when [{lines or 'always'}]"


def service_grants(document: Policy, service: str | None = None) -> tuple[ServiceGrant, ...]:
    """Every Allow to a service principal, statement by statement; of one service when it is given.

    A statement for anyone (`*`, NotPrincipal) also admits every service: it is listed under the
    service `*`, and with every `service` asked for. Raises PolicyError.
    """
    found = []
    for statement in _resource_policy(document).statements:
        if not statement.allows:
            continue
        names = [one.value for one in statement.principals if one.kind == "Service"]
        if _anyone(statement) is not None:
            names.append("*")
        found += [
            ServiceGrant(
                service=name,
                actions=statement.actions,
                resources=statement.resources,
                conditions=statement.conditions,
                inverted=bool(statement.not_actions or statement.not_resources),
                index=statement.index,
                sid=statement.sid,
                label=statement.label,
            )
            for name in dict.fromkeys(names)
            if service is None or name in (service, "*")
        ]
    return tuple(found)


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


# Identity providers that serve everyone, and the claim that tells whose identity it is.
_SHARED_PROVIDERS: Mapping[str, str] = {
    "token.actions.githubusercontent.com": "sub",
    "gitlab.com": "sub",
    "app.terraform.io": "sub",
    "agent.buildkite.com": "sub",
    "cognito-identity.amazonaws.com": "aud",
    "accounts.google.com": "aud",
    "graph.facebook.com": "app_id",
    "www.amazon.com": "app_id",
}


def trust_principals(document: Policy, account: str) -> tuple[TrustedPrincipal, ...]:
    """Everyone whom a role's trust policy lets assume the role. Raises PolicyError.

    `account` owns the role. A federated provider that serves everyone (GitHub, Google, Cognito)
    must be narrowed by the claim that tells whose identity it is. Services may assume without
    further conditions: a service principal in a trust policy acts on a pass of the role by its own
    account.
    """
    parsed = _resource_policy(document)
    found = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = _anyone(statement)
        if anyone is not None and statement.not_principals:
            found.append(_trust_anyone(parsed, statement, Principal("*", anyone), account))
        for principal in statement.principals:
            if _is_anyone(principal):
                found.append(_trust_anyone(parsed, statement, principal, account))
            elif principal.kind == "Federated":
                found.append(_trust_federated(statement, principal))
            else:
                found.append(_trust_named(statement, principal, account))
    return tuple(found)


def _resource_policy(document: Policy) -> Document:
    parsed = Document.parse(document)
    for statement in parsed.statements:
        if not (statement.principals or statement.not_principals):
            raise PolicyError(f"{statement.label} has no Principal: not a resource's policy")
    return parsed


def _is_anyone(principal: Principal) -> bool:
    if principal.value == "*":
        return True
    fields = arn_fields(principal.value)
    return principal.kind == "AWS" and (
        has_wildcard(fields[4]) if fields else has_wildcard(principal.value)
    )


def _anyone(statement: Statement) -> str | None:
    """How a statement is for anyone, in words; None when it is not."""
    if statement.not_principals:
        names = ", ".join(principal.describe() for principal in statement.not_principals)
        return f"everyone but {names} (NotPrincipal)"
    open_ones = [one.describe() for one in statement.principals if _is_anyone(one)]
    return f"anyone (Principal {', '.join(open_ones)})" if open_ones else None


def _what(statement: Statement) -> str:
    if statement.not_actions:
        return f"all actions but {', '.join(statement.not_actions)}"
    return ", ".join(statement.actions)


def _public(statement: Statement, anyone: str, narrowing: Narrowing) -> Finding:
    verdict = (
        Verdict.CANNOT_TELL if narrowing.openness is Openness.CANNOT_TELL else Verdict.VIOLATION
    )
    because = "; ".join(narrowing.reasons) or "it has no condition"
    return Finding.about(
        statement, anyone, f"allows {_what(statement)} to {anyone}: {because}", verdict
    )


def _narrowed_elsewhere(statement: Statement, anyone: str, narrowing: Narrowing) -> Finding:
    told = any(
        all(bound.account or bound.organization for bound in line)
        for line in narrowing.alternatives
    )
    return Finding.about(
        statement,
        anyone,
        f"allows {_what(statement)} to {anyone} within "
        f"{describe_bounds(narrowing.alternatives)}, which is not known to be ours",
        Verdict.VIOLATION if told else Verdict.CANNOT_TELL,
    )


def _all_within(statement: Statement, patterns: frozenset[str]) -> bool:
    return bool(statement.actions) and all(
        any(action_covers(pattern, action) for pattern in patterns) for action in statement.actions
    )


def _service_for_anyone(
    document: Document,
    statement: Statement,
    principal: Principal,
    account: str,
    accounts: frozenset[str],
    organizations: frozenset[str],
) -> list[Finding]:
    narrowing = narrowing_of(document, statement, account, Caller.SERVICE)
    if narrowing.within(accounts, organizations):
        return []
    verdict = Verdict.VIOLATION
    if narrowing.openness is Openness.NARROW:
        why = f"for {describe_bounds(narrowing.alternatives)}, which is not known to be ours"
        told = any(
            all(bound.account or bound.organization for bound in line)
            for line in narrowing.alternatives
        )
        verdict = Verdict.VIOLATION if told else Verdict.CANNOT_TELL
    else:
        because = "; ".join(narrowing.reasons) or "it has no condition"
        why = f"on behalf of any account: {because}"
        if narrowing.openness is Openness.CANNOT_TELL:
            verdict = Verdict.CANNOT_TELL
    what = f"allows {_what(statement)} to {principal.value} {why}"
    return [Finding.about(statement, principal.value, what, verdict)]


def _foreign_principal(
    statement: Statement, principal: Principal, accounts: frozenset[str]
) -> list[Finding]:
    name = principal.describe()
    what = f"allows {_what(statement)} to {name}"
    owner = _account_of(principal)
    if owner in accounts:
        return []
    if owner is not None:
        return [Finding.about(statement, name, f"{what}, of another account ({owner})")]
    if principal.kind == "Federated":
        return [Finding.about(statement, name, f"{what}, an identity provider of no account")]
    return [
        Finding.about(
            statement,
            name,
            f"{what}, whose account the policy does not tell (deleted, or canonical)",
            Verdict.CANNOT_TELL,
        )
    ]


def _account_of(principal: Principal) -> str | None:
    if is_account(principal.value):
        return principal.value
    fields = arn_fields(principal.value)
    return fields[4] if fields and fields[4] else None


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
    owner = _account_of(principal)
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


def _trust_federated(statement: Statement, principal: Principal) -> TrustedPrincipal:
    fields = arn_fields(principal.value)
    host = principal.value
    if fields is not None:
        kind, _, host = fields[5].partition("/")
    saml = fields is not None and kind == "saml-provider"
    claims = (_SHARED_PROVIDERS[host],) if host in _SHARED_PROVIDERS else ("sub", "aud", "app_id")
    wanted = {f"{host.lower()}:{claim}" for claim in claims}
    narrowed = saml or any(
        condition.name in wanted
        and condition.operator.lower() in ("stringequals", "stringlike", "stringequalsignorecase")
        and not (condition.if_exists or condition.for_all)
        and all(_names_someone(condition.operator, value) for value in condition.values)
        for condition in statement.conditions
    )
    because = "" if narrowed else f" for anyone: no condition on {' or '.join(sorted(wanted))}"
    return TrustedPrincipal(
        kind="Federated",
        value=principal.value,
        account=fields[4] if fields and fields[4] else None,
        foreign=False,
        verdict=Verdict.CLEAN if narrowed else Verdict.VIOLATION,
        actions=statement.actions,
        conditions=statement.conditions,
        reason=f"{statement.label} lets identities of {principal.value} assume the role{because}",
    )


def _names_someone(operator: str, value: str) -> bool:
    """Whether a claim's value names an owner: for `repo:owner/...` all of it before a wildcard."""
    if operator.lower() != "stringlike" or not has_wildcard(value):
        return True
    literal = value[: min(value.find(character) for character in "*?" if character in value)]
    return "/" in literal.rstrip("/") or (literal.endswith("/") and len(literal) > len("repo:/"))
