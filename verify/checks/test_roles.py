"""Access: each role holds what it needs and opens to whom it must."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.duties import role_needs
from verify.checks.findings import report_findings
from verify.checks.permissions import begin_policies, managed, need_of, policies_of
from verify.checks.trust import hold_trust
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import NamedPolicy, OidcTrust, beyond_need, lacking


def _of_every_request(arn: str, account: str, now: datetime) -> Mapping[str, tuple[str, ...]]:
    """The condition keys that each request of a role has."""
    return {
        "aws:currenttime": (now.isoformat(),),
        "aws:principalaccount": (account,),
        "aws:principalarn": (arn,),
        "aws:principalisawsservice": ("false",),
        "aws:principaltype": ("AssumedRole",),
        "aws:securetransport": ("true",),
    }


@pytest.mark.control(
    "roles-least-privilege",
    reads.role,
    reads.inline_policies,
    reads.inline_policy,
    reads.attached_policies,
    reads.managed_policy,
    reads.managed_policy_version,
)
def test_roles_hold_exactly_what_they_need(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    read_actions: Collection[str],
    as_of: datetime,
) -> None:
    account, roles = deployment.account_id, role_needs(baseline)
    begin_policies(aws, deployment, reads.roles(deployment))
    for arn in deployment.subjects("aws_iam_role"):
        name = arn.rpartition("/")[2]
        need = need_of(name, roles, read_actions)
        policies = list(policies_of(aws, deployment, name))
        context = _of_every_request(arn, account, as_of)
        beyond = beyond_need(policies, need.everything, account)
        report_findings(
            check, name, "permissions", beyond, expected="none beyond what the role needs"
        )
        missing = lacking(policies, need.required, account, context)
        report_findings(check, name, "permissions", missing, expected="all that the role needs")
        if not beyond:
            for addition, policy in need.additions.items():
                if beyond_need(policies, need.without(addition), account, concerning=policy):
                    report_findings(
                        check,
                        name,
                        f"permissions for {addition}",
                        lacking(policies, policy, account, context),
                        expected="all of them or none",
                    )
        boundary = _boundary(check, aws, deployment, name, roles)
        if boundary is not None:
            cut = lacking(boundary, need.required, account, context)
            report_findings(
                check, name, "permissions boundary", cut, expected="all that the role needs"
            )


# The second is in IAM's own model, the first in its documents and answers.
_POLICY_AS_BOUNDARY = frozenset({"Policy", "PermissionsBoundaryPolicy"})


def _boundary(
    check: Check, aws: Aws, deployment: Deployment, role: str, required: Mapping[str, Any]
) -> list[NamedPolicy] | None:
    """The policy that bounds a role; None where none does."""
    bound = aws.pick(reads.role(deployment, role), "Role").get("PermissionsBoundary")
    arn = None if bound is None else pick(bound, "PermissionsBoundaryArn")
    wanted = required["permissions_boundary"]
    if wanted is not None:
        check.equal(role, "permissions boundary", expected=wanted, seen=arn)
    if bound is None:
        return None
    kind = pick(bound, "PermissionsBoundaryType")
    if kind not in _POLICY_AS_BOUNDARY:
        raise NotVerifiedError(f"{role} is bound by something other than a policy: {kind}")
    return [managed(aws, str(arn))]


@pytest.mark.control("roles-trust", reads.role, reads.instance_profiles)
def test_roles_trust_only_whom_they_serve(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = baseline["roles"]
    for arn in deployment.subjects("aws_iam_role"):
        name = arn.rpartition("/")[2]
        role = aws.pick(reads.role(deployment, name), "Role")
        seen = (pick(role, "RoleName"), pick(role, "Arn"))
        check.equal(name, "the role of that name", expected=(name, arn), seen=seen)
        check.holds(
            name,
            "role template that governs it",
            "SourceRoleTemplate" not in role,
            expected="none",
            seen=role.get("SourceRoleTemplate"),
        )
        # A role that the baseline does not know serves nobody.
        serves = required["serves"].get(name, ())
        document = pick(role, "AssumeRolePolicyDocument")
        sources = required["sources"].get(name, ())
        tokens = [OidcTrust.of(one) for one in required["oidc_trusts"].get(name, ())]
        hold_trust(check, name, document, deployment.account_id, serves, sources, tokens)
        longest = required["maximum_session_seconds"]
        check.holds(
            name,
            "longest session",
            pick(role, "MaxSessionDuration") <= longest,
            expected=f"at most {longest} seconds",
            seen=pick(role, "MaxSessionDuration"),
        )
        profiles = aws.pick(reads.instance_profiles(deployment, name), "InstanceProfiles")
        check.none(
            name,
            "instance profiles, by which a machine may wear it",
            [pick(profile, "Arn") for profile in profiles],
        )
