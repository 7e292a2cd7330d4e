"""Whether a role admits exactly the tokens of an identity provider that it serves.

Sources: IAM user guide, "Create a role for OpenID Connect federation", "Available keys for AWS OIDC
federation" (aud, sub), "Condition operators" (StringLike), "IfExists".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.policy.document import Condition, Document, Principal, Statement
from verify.policy.federation import provider_of
from verify.policy.finding import Finding, Verdict
from verify.policy.globs import TooManyStatesError, met_by_pattern
from verify.policy.narrowing import demanded_keys
from verify.policy.patterns import has_wildcard, matches, statement_matches_action
from verify.policy.principals import is_anyone

ASSUME = "sts:AssumeRoleWithWebIdentity"


@dataclass(frozen=True)
class OidcTrust:
    """Tokens that a role serves: of a provider, for an audience, about one of the subjects.

    `provider` is the ARN of an IAM OpenID Connect provider. `subjects` may have `*` and `?`.
    """

    provider: str
    audience: str
    subjects: tuple[str, ...]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> OidcTrust:
        """From a baseline's `roles.oidc_trusts`."""
        return cls(value["provider"], value["audience"], tuple(value["subjects"]))

    @property
    def host(self) -> str:
        """The provider's host and path, as condition keys begin with."""
        return provider_of(self.provider)[1]

    def describe(self) -> str:
        """In words, for what is expected of a trust policy."""
        return f"tokens of {self.host} for {self.audience} about {' or '.join(self.subjects)}"


def served_by(trusts: Iterable[OidcTrust], provider: str) -> tuple[OidcTrust, ...]:
    """Those of the trusts that are about a provider."""
    return tuple(trust for trust in trusts if trust.provider == provider)


def oidc_findings(document: Document, trusts: Iterable[OidcTrust]) -> Iterator[Finding]:
    """Where a trust policy admits other tokens of the trusts' providers, or not those.

    Providers that no trust is about are not looked at here. What a further condition asks of a
    token is not known: a subject that only such a statement admits is CANNOT_TELL.
    """
    listed = tuple(trusts)
    for statement in document.statements:
        if statement.allows:
            for principal in statement.principals:
                served = served_by(listed, principal.value)
                if served:
                    yield from _beyond(document, statement, served)
    for trust in listed:
        yield from _kept_out(document, trust)


def _beyond(
    document: Document, statement: Statement, served: tuple[OidcTrust, ...]
) -> Iterator[Finding]:
    """Which tokens a statement admits that none of the trusts of its provider is about."""
    host, provider = served[0].host, served[0].provider
    there = demanded_keys(statement)
    audiences = _admitted(statement, f"{host}:aud", there)
    subjects = _admitted(statement, f"{host}:sub", there)
    for claim, admitted in (("aud", audiences), ("sub", subjects)):
        if admitted is None:
            reason = (
                f"{statement.label} admits tokens of {host} whatever their {claim}: no condition "
                f"StringEquals or StringLike on {host}:{claim}"
            )
            yield Finding(Verdict.VIOLATION, None, "", provider, reason)
    if audiences is None or subjects is None:
        return
    for audience in audiences:
        about = [one for one in served if audience.text == one.audience and not audience.wild]
        if not about:
            reason = f"{statement.label} admits tokens for the audience {audience.text!r}"
            yield Finding(Verdict.VIOLATION, None, "", provider, reason)
            continue
        welcome = tuple(subject for one in about for subject in one.subjects)
        for subject in subjects:
            if document.has_variables and "${" in subject.text:
                reason = f"{statement.label}: the policy variable in {subject.text!r} is not known"
                yield Finding(Verdict.CANNOT_TELL, None, "", provider, reason)
            elif not subject.is_within(welcome):
                reason = (
                    f"{statement.label} admits tokens about {subject.text!r}, "
                    f"not just {' or '.join(welcome)}"
                )
                yield Finding(Verdict.VIOLATION, None, "", provider, reason)


@dataclass(frozen=True)
class _Value:
    """A condition's value: a text, or where it is `wild` a pattern."""

    text: str
    wild: bool

    def is_within(self, patterns: tuple[str, ...]) -> bool:
        """Whether all that it admits matches one of the patterns."""
        if not self.wild:
            return any(matches(pattern, self.text) for pattern in patterns)
        return _is_covered(self.text, patterns)


def _is_covered(pattern: str, others: tuple[str, ...]) -> bool:
    try:
        return frozenset() not in met_by_pattern(pattern, others)
    except TooManyStatesError:
        return False


def _admitted(statement: Statement, name: str, there: frozenset[str]) -> tuple[_Value, ...] | None:
    """The values of a claim that a statement admits, by one of its conditions; None for any."""
    bounds = _bounds(statement, name, there)
    if not bounds:
        return None
    likes = bounds[0].operator.lower() == "stringlike"
    return tuple(_Value(value, likes and has_wildcard(value)) for value in bounds[0].values)


def _bounds(statement: Statement, name: str, there: frozenset[str]) -> list[Condition]:
    """The conditions that bound a claim: all that holds in common is no more than one admits."""
    return [
        line
        for line in statement.conditions
        if line.name == name
        and line.operator.lower() in ("stringequals", "stringlike")
        and (name in there or not (line.if_exists or line.for_all))
    ]


def _kept_out(document: Document, trust: OidcTrust) -> Iterator[Finding]:
    """Which subjects of a trust cannot, or perhaps cannot, assume the role."""
    assuming = [one for one in document.statements if statement_matches_action(one, ASSUME)]
    denials = [one for one in assuming if not one.allows and _is_about(one, trust.provider)]
    for statement in denials:
        verdict = Verdict.CANNOT_TELL if statement.conditions else Verdict.VIOLATION
        how = f"{statement.label} denies it{' on a condition' if statement.conditions else ''}"
        yield Finding(verdict, None, "", trust.provider, f"{trust.describe()}: {how}")
    surely: list[str] = []
    perhaps: list[str] = []
    for statement in assuming:
        if statement.allows and any(one.value == trust.provider for one in statement.principals):
            admitted, further = _of(statement, trust)
            (perhaps if further else surely).extend(admitted)
    for subject in trust.subjects:
        if _is_covered(subject, tuple(surely)):
            continue
        verdict = Verdict.VIOLATION
        reason = (
            f"tokens of {trust.host} about {subject!r} cannot assume the role, which serves them"
        )
        if _is_covered(subject, (*surely, *perhaps)):
            verdict = Verdict.CANNOT_TELL
            reason = (
                f"cannot tell whether tokens of {trust.host} about {subject!r} can assume the "
                "role: a further condition must hold"
            )
        yield Finding(verdict, None, "", trust.provider, reason)


def _of(statement: Statement, trust: OidcTrust) -> tuple[list[str], bool]:
    """The subjects that a statement admits for a trust's audience; and whether on more than that.

    A star that StringEquals compares is no wildcard: no token has such a subject.
    """
    keys = (f"{trust.host}:aud", f"{trust.host}:sub")
    there = demanded_keys(statement)
    bounding = [line for key in keys for line in _bounds(statement, key, there)[:1]]
    further = any(
        line not in bounding and not (line.operator.lower() == "null" and line.name in there)
        for line in statement.conditions
    )
    audiences, subjects = (_admitted(statement, key, there) for key in keys)
    if audiences is not None and not any(one.text == trust.audience for one in audiences):
        return [], further
    if subjects is None:
        return ["*"], further
    return [one.text for one in subjects if one.wild or not has_wildcard(one.text)], further


def _is_about(statement: Statement, provider: str) -> bool:
    """Whether a Deny is about a provider's tokens."""

    def names(principal: Principal) -> bool:
        return is_anyone(principal) or principal.value == provider

    if statement.not_principals:
        return not any(names(principal) for principal in statement.not_principals)
    return any(names(principal) for principal in statement.principals)
