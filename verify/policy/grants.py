"""Whom a resource's policy lets in: anyone, other accounts, and services.

Only what Allow statements admit is judged. A Deny elsewhere in the document may take some of it
back, but a grant that is only safe thanks to another statement is a grant to mend, and S3 itself
judges "public" in the same way. Sources: S3 user guide, "Blocking public access" (the meaning of
"public"); IAM user guide, "The confused deputy problem", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from verify.policy.bounds import describe_bounds
from verify.policy.condition_keys import Caller
from verify.policy.document import Condition, Document, Policy, Principal, Statement
from verify.policy.finding import Finding, Verdict
from verify.policy.narrowing import Narrowing, Openness, narrowing_of
from verify.policy.patterns import action_covers
from verify.policy.principals import (
    account_of,
    is_anyone,
    open_to_anyone,
    resource_policy,
    service_of,
)

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
    condition keys narrow, and why others do not, is in condition-keys.json; a key that is not there
    gives CANNOT_TELL. `account` owns the resource. Raises PolicyError, also for an Allow without a
    principal: that is no resource's policy.
    """
    parsed = resource_policy(document)
    findings = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = open_to_anyone(statement)
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
    canonical_user: str | None = None,
) -> tuple[Finding, ...]:
    """What `public_grants` finds, and grants to other accounts, or to services for anyone.

    A grant to a service must be narrowed by the resource or account it acts for (aws:SourceArn,
    aws:SourceAccount, ...) to `account` or a trusted one, else the service does another account's
    bidding. Exempt are the actions in `unconditioned`, service -> action patterns. A grant to
    anyone narrowed to an organization that is not trusted is foreign; one narrowed by network alone
    gives CANNOT_TELL, since a network, one's own too, does not tell the account; one narrowed to
    service principals is a grant to these. S3's canonical users are foreign but for the account's
    own, `canonical_user`: whose another is, nobody but its owner can tell. Raises PolicyError.
    """
    parsed = resource_policy(document)
    ours = _Ours(account, frozenset({account, *trusted_accounts}), frozenset(trusted_organizations))
    findings: list[Finding] = []
    for statement in parsed.statements:
        if not statement.allows:
            continue
        anyone = open_to_anyone(statement)
        confined: frozenset[str] = frozenset()
        if anyone is not None:
            narrowing = narrowing_of(parsed, statement, account, Caller.ANYONE)
            confined = narrowing.services
            if narrowing.openness is not Openness.NARROW:
                findings.append(_public(statement, anyone, narrowing))
            elif not (confined or narrowing.within(ours.accounts, ours.organizations)):
                findings.append(_narrowed_elsewhere(statement, anyone, narrowing, ours))
        services = sorted(confined)
        for principal in statement.principals:
            if principal.kind == "Service" and principal.value != "*":
                services.append(principal.value)
            elif not is_anyone(principal):
                findings += _foreign_principal(statement, principal, ours.accounts, canonical_user)
        for service in services:
            if not _all_within(statement, unconditioned.get(service_of(service), frozenset())):
                findings += _service_for_anyone(parsed, statement, service, ours)
    return tuple(findings)


@dataclass(frozen=True)
class _Ours:
    """The resource's owner, and whom it trusts."""

    account: str
    accounts: frozenset[str]
    organizations: frozenset[str]


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
    for statement in resource_policy(document).statements:
        if not statement.allows:
            continue
        names = [named.value for named in statement.principals if named.kind == "Service"]
        if open_to_anyone(statement) is not None:
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


def _public(statement: Statement, anyone: str, narrowing: Narrowing) -> Finding:
    because, verdict = _openness(narrowing)
    return Finding.about(
        statement, anyone, f"allows {statement.actions_in_words} to {anyone}: {because}", verdict
    )


def _openness(narrowing: Narrowing) -> tuple[str, Verdict]:
    """Why conditions do not narrow a statement, and the verdict on that."""
    cannot_tell = narrowing.openness is Openness.CANNOT_TELL
    because = "; ".join(narrowing.reasons) or "it has no condition"
    return because, Verdict.CANNOT_TELL if cannot_tell else Verdict.VIOLATION


def _narrowed_elsewhere(
    statement: Statement, anyone: str, narrowing: Narrowing, ours: _Ours
) -> Finding:
    return Finding.about(
        statement,
        anyone,
        f"allows {statement.actions_in_words} to {anyone} within {_not_ours(narrowing)}",
        _verdict_elsewhere(narrowing, ours),
    )


def _not_ours(narrowing: Narrowing) -> str:
    return f"{describe_bounds(narrowing.alternatives)}, which is not known to be ours"


def _verdict_elsewhere(narrowing: Narrowing, ours: _Ours) -> Verdict:
    foreign = narrowing.tells_stranger(ours.accounts, ours.organizations)
    return Verdict.VIOLATION if foreign else Verdict.CANNOT_TELL


def _all_within(statement: Statement, patterns: frozenset[str]) -> bool:
    return bool(statement.actions) and all(
        any(action_covers(pattern, action) for pattern in patterns) for action in statement.actions
    )


def _service_for_anyone(
    document: Document, statement: Statement, service: str, ours: _Ours
) -> list[Finding]:
    narrowing = narrowing_of(document, statement, ours.account, Caller.SERVICE)
    if narrowing.within(ours.accounts, ours.organizations):
        return []
    if narrowing.openness is Openness.NARROW:
        why, verdict = f"for {_not_ours(narrowing)}", _verdict_elsewhere(narrowing, ours)
    else:
        because, verdict = _openness(narrowing)
        why = f"on behalf of any account: {because}"
    what = f"allows {statement.actions_in_words} to {service} {why}"
    return [Finding.about(statement, service, what, verdict)]


def _foreign_principal(
    statement: Statement,
    principal: Principal,
    accounts: frozenset[str],
    canonical_user: str | None,
) -> list[Finding]:
    name = principal.describe()
    what = f"allows {statement.actions_in_words} to {name}"
    if principal.kind == "CanonicalUser":
        if principal.value == canonical_user:
            return []
        return [Finding.about(statement, name, f"{what}, who is not the owner")]
    owner = account_of(principal)
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
            f"{what}, whose account the policy does not tell (deleted)",
            Verdict.CANNOT_TELL,
        )
    ]
