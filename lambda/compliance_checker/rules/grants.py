"""What the policies in a record grant, how grave that is, and how an alert tells it.

Shared by the rules on identities, groups, keys, buckets and topics; the judgement of a document by
itself is in :mod:`..policy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model import Severity
from ..policy.admission import doubtful_keys, public_statements
from ..policy.document import Statement, parse_document
from ..policy.privilege import Grant, broad_grants
from ..record import owner_of

AWS_POLICY = ":iam::aws:policy/"
# AWS-managed policies that are as broad as what no policy of one's own may grant.
_AWS_POLICIES: dict[str, tuple[str, Severity]] = {
    "AdministratorAccess": ("every action on every resource", "CRITICAL"),
    "IAMFullAccess": ("iam:* on every resource, and with it every other permission", "CRITICAL"),
    "PowerUserAccess": ("nearly every action on every resource", "HIGH"),
}
# How grave a grant is by its kind; the others are HIGH.
_SEVERITIES: dict[str, Severity] = {"administrator": "CRITICAL"}
_MOST_STATEMENTS = 5
_MOST_GRANTS = 5
_MOST_EXTENTS = 3


def first_document(*candidates: object) -> Mapping[str, Any] | None:
    """The first of a record's values that holds a policy document with something in it, or None."""
    return next(filter(None, map(parse_document, candidates)), None)


def granted_to_anyone(*candidates: object) -> list[Statement]:
    """The statements by which the first document among a record's values lets anyone in."""
    document = first_document(*candidates)
    return public_statements(document) if document is not None else []


def foreign_principals(every: Iterable[Statement], account: str | None) -> list[str]:
    """The principals of other accounts that statements let in, and those of an unknown account.

    A long hexadecimal text is the canonical id of an account, which only S3 can tell. Whom ``*``
    lets in is another question (:func:`granted_to_anyone`).
    """
    found = []
    for statement in every:
        if not statement.allows:
            continue
        for principal in statement.principals:
            owner = owner_of(principal)
            canonical = len(principal) == 64 and principal.isalnum()
            if canonical or (owner is not None and owner not in (account, "*")):
                found.append(principal)
    return list(dict.fromkeys(found))


def granted_too_much(account: str | None, *candidates: object) -> list[Grant]:
    """The over-broad grants of the first document among these values, within the account."""
    document = first_document(*candidates)
    return broad_grants(document, account) if document is not None else []


def granted_by_aws_policy(arn: str) -> tuple[str, Severity] | None:
    """What a policy of AWS's own grants, in words, and how grave that is; None if not too much."""
    return _AWS_POLICIES.get(arn.rsplit("/", 1)[-1]) if AWS_POLICY in arn else None


def severity_of(grants: Sequence[Grant]) -> Severity:
    """How grave over-broad grants are, of which there is at least one."""
    return _SEVERITIES.get(grants[0].kind, "HIGH")


def extents_of(grants: Sequence[Grant]) -> str:
    """What over-broad grants cover, in words; the first three."""
    return "; ".join(grant.extent for grant in grants[:_MOST_EXTENTS])


def grant_details(grants: Sequence[Grant]) -> list[dict[str, object]]:
    """Over-broad grants as they stand in an alert; the first five."""
    return [
        {
            "kind": grant.kind,
            "extent": grant.extent,
            "statements": [statement.as_details() for statement in grant.statements[:3]],
        }
        for grant in grants[:_MOST_GRANTS]
    ]


def statement_details(found: Sequence[Statement]) -> list[dict[str, Any]]:
    """Statements as they stand in an alert; the first five."""
    return [statement.as_details() for statement in found[:_MOST_STATEMENTS]]


def doubt_about(found: Sequence[Statement]) -> str:
    """What is not known of the statements' conditions, a sentence to follow; empty if nothing."""
    keys = doubtful_keys(found)
    if not keys:
        return ""
    return f" Whom the condition on {', '.join(keys[:3])} holds back is not known here: look at it."
