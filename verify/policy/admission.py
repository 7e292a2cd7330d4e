"""Exactly whom a resource's policy admits to what, and whom it turns away that others admit.

`grants` says whether a policy lets in strangers. Here a baseline lists everybody whom the policy is
for: within an account a resource's policy admits by itself, without any policy of the one admitted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from verify.policy.document import Policy, Principal, Statement
from verify.policy.evaluation import ContextValue, Evaluation, effective_allows
from verify.policy.finding import Finding
from verify.policy.patterns import action_covers
from verify.policy.principals import open_to_anyone, resource_policy


def excessive_grants(
    document: Policy, permitted: Mapping[str, Iterable[str]]
) -> tuple[Finding, ...]:
    """What Allow statements give to others than the permitted, or beyond their actions.

    `permitted`: principal, as the policy writes it -> patterns of actions. Conditions take nothing
    back here: whoever is not permitted is not to be admitted on any. Raises PolicyError.
    """
    findings = []
    for statement in resource_policy(document).statements:
        if not statement.allows:
            continue
        anyone = open_to_anyone(statement)
        if anyone is not None:
            what = f"allows {statement.actions_in_words} to {anyone}"
            findings.append(Finding.about(statement, anyone, what))
            continue
        for principal in statement.principals:
            patterns = tuple(permitted.get(principal.value, ()))
            excess = _beyond(statement, patterns)
            if excess:
                name = principal.describe()
                findings.append(Finding.about(statement, name, f"allows {excess} to {name}"))
    return tuple(findings)


def allows_beside(
    document: Policy,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, ContextValue] | None = None,
) -> Evaluation:
    """What a document says to a request that the caller's own policy allows.

    Within an account either policy may allow, so that a Deny alone refuses. The arguments are those
    of `effective_allows`. Raises PolicyError.
    """
    parsed = resource_policy(document)
    elsewhere = Statement(
        index=len(parsed.statements),
        sid="the caller's own policy",
        effect="Allow",
        principals=(Principal("*", "*"),),
        not_principals=(),
        actions=("*",),
        not_actions=(),
        resources=("*",),
        not_resources=(),
        conditions=(),
    )
    widened = replace(parsed, statements=(*parsed.statements, elsewhere))
    return effective_allows(widened, principal, action, resource, context)


def _beyond(statement: Statement, patterns: tuple[str, ...]) -> str:
    """The actions of a statement that no pattern covers, in words; empty when there is none."""
    if statement.not_actions:
        return statement.actions_in_words
    return ", ".join(
        action
        for action in statement.actions
        if not any(action_covers(pattern, action) for pattern in patterns)
    )
