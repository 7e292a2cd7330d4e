"""Judging KMS key policies.

Source: KMS developer guide, "Default key policy", "Key policies in AWS KMS", "Permissions for AWS
services in key policies", "kms:GrantIsForAWSResource".
"""

from __future__ import annotations

from collections.abc import Iterable

from verify.policy.document import Document, Policy, Principal, Statement
from verify.policy.finding import Finding, Verdict
from verify.policy.grants import public_grants
from verify.policy.patterns import arn_fields, statement_matches_action

# With one of these a principal can take the key over, open it to others, or make the logs
# unreadable.
ADMINISTRATIVE_ACTIONS = (
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:DeleteImportedKeyMaterial",
    "kms:RevokeGrant",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:ReplicateKey",
)


def key_policy_findings(
    document: Policy, account: str, *, administrators: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """What is wrong with a key's policy; empty when nothing is. Raises PolicyError.

    - grants to anyone that no condition narrows (as `public_grants`; kms:CallerAccount narrows,
      kms:ViaService alone does not);
    - kms:* or an administrative action for anyone but the account's root and `administrators`
      (ARNs as the policy writes them);
    - kms:CreateGrant for anyone but these, unless grants must be for AWS resources;
    - no full access for the account's root: IAM policies would not count, and the key could be left
      without anyone to manage it.
    Grants to services and other accounts are `foreign_grants`' to judge.
    """
    parsed = Document.parse(document)
    findings = list(public_grants(parsed, account))
    permitted = frozenset(administrators)
    for statement in parsed.statements:
        if not statement.allows:
            continue
        for principal in statement.principals:
            if not _is_root(principal, account) and principal.value not in permitted:
                findings += _excess(statement, principal.describe())
    if not _root_has_full_access(parsed, account):
        reason = (
            f"no unconditional statement gives the root of account {account} kms:*, "
            "so the key can become unmanageable"
        )
        findings.append(Finding(Verdict.VIOLATION, None, "", f"account {account}", reason))
    return tuple(findings)


def _excess(statement: Statement, name: str) -> list[Finding]:
    """What a statement gives that is for the key's administrators alone."""
    if _gives_everything(statement):
        what = f"gives {name} every action on the key"
    elif powers := [
        action for action in ADMINISTRATIVE_ACTIONS if statement_matches_action(statement, action)
    ]:
        what = f"gives {name} power over the key: {', '.join(powers)}"
    elif statement_matches_action(statement, "kms:CreateGrant") and not _only_for_resources(
        statement
    ):
        what = (
            f"lets {name} pass access on by kms:CreateGrant, not bound by kms:GrantIsForAWSResource"
        )
    else:
        return []
    return [Finding.about(statement, name, what)]


def _is_root(principal: Principal, account: str) -> bool:
    if principal.kind != "AWS":
        return False
    if principal.value == account:
        return True
    fields = arn_fields(principal.value)
    return (
        fields is not None and fields[2] == "iam" and fields[4] == account and fields[5] == "root"
    )


def _gives_everything(statement: Statement) -> bool:
    # A name that AWS does not have: only a pattern for every action matches it.
    return statement_matches_action(statement, "kms:\N{WHITE SQUARE}")


def _only_for_resources(statement: Statement) -> bool:
    return any(
        condition.name == "kms:grantisforawsresource"
        and condition.operator.lower() == "bool"
        and not (condition.if_exists or condition.for_all)
        and {value.lower() for value in condition.values} == {"true"}
        for condition in statement.conditions
    )


def _root_has_full_access(document: Document, account: str) -> bool:
    return any(
        statement.allows
        and not statement.conditions
        and not statement.not_actions
        and _gives_everything(statement)
        and "*" in statement.resources
        and any(_is_root(principal, account) for principal in statement.principals)
        for statement in document.statements
    )
