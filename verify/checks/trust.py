"""Who may assume a role: one of the deployment's, or one that a policy exempts by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import PEOPLE_OF_THE_ACCOUNT, OidcTrust, PolicyError, trust_findings
from verify.policy.patterns import arn_fields, has_wildcard


def hold_trust(
    check: Check,
    subject: str,
    document: Any,
    account: str,
    serves: str | Iterable[str],
    sources: Iterable[str] = (),
    oidc_trusts: Sequence[OidcTrust] = (),
) -> None:
    """A role's trust policy must be for exactly whom the role serves.

    That may be a service for its `sources`, and the tokens of `oidc_trusts` besides.
    """
    people = serves if isinstance(serves, str) else ", ".join(serves) or "nobody"
    expected = ", and ".join([people, *(trust.describe() for trust in oidc_trusts)])
    try:
        findings = trust_findings(document, account, serves, sources, oidc_trusts)
    except PolicyError as error:
        check.unknown(subject, f"its trust policy: {error}")
        return
    report_findings(check, subject, "who may assume it", findings, expected=expected)


# What `hold_exempt_role` reads: for the markers of the controls that ask it.
EXEMPT_ROLE_READS = (reads.other_role,)


def hold_exempt_role(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], arn: str
) -> None:
    """The role that `arn` names must exist, and nobody may assume it but whom it may serve.

    An exemption for a role that is not there is one for whoever creates a role of that name. It
    serves people of the account, unless the baseline's `roles.serves` says otherwise of its name.
    """
    fields = arn_fields(arn)
    one = (
        fields is not None
        and fields[2] == "iam"
        and fields[4] == deployment.account_id
        and fields[5].startswith("role/")
        and not has_wildcard(arn)
    )
    check.holds(
        arn, "who is exempt", one, expected=f"one role of account {deployment.account_id}", seen=arn
    )
    if not one:
        return
    name = arn.rpartition("/")[2]
    answer = aws.read(reads.other_role(name))
    seen = pick(answer.response, "Role", "Arn") if answer.response else "no role of that name"
    check.equal(arn, "the exempt role", expected=arn, seen=seen)
    if answer.response and seen == arn:
        serves = baseline["roles"]["serves"].get(name, PEOPLE_OF_THE_ACCOUNT)
        document = pick(answer.response, "Role", "AssumeRolePolicyDocument")
        hold_trust(check, arn, document, deployment.account_id, serves)
