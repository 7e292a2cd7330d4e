"""Access: each role holds what it needs and opens to whom it must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.inventory import attached_policies
from verify.check import Check
from verify.checks.findings import report_findings
from verify.checks.trust import hold_trust
from verify.inputs.deployment import Deployment
from verify.policy import overbroad_identity_statements


def _documents(aws: Aws, deployment: Deployment, role: str) -> Iterator[tuple[str, object]]:
    """Every policy of `role`: its name and its document, inline and attached."""
    for name in aws.pick(reads.inline_policies(deployment, role), "PolicyNames"):
        yield name, aws.pick(reads.inline_policy(role, name), "PolicyDocument")
    for arn in attached_policies(aws, deployment, role):
        version = aws.pick(reads.managed_policy(arn), "Policy", "DefaultVersionId")
        yield arn, aws.pick(reads.managed_policy_version(arn, version), "PolicyVersion", "Document")


@pytest.mark.control(
    "roles-least-privilege",
    reads.inline_policies,
    reads.inline_policy,
    reads.attached_policies,
    reads.managed_policy,
    reads.managed_policy_version,
)
def test_roles_hold_only_specific_permissions(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    for role in reads.roles(deployment):
        documents = list(_documents(aws, deployment, role))
        check.holds(
            role,
            "policies",
            bool(documents),
            expected="at least one",
            seen=[name for name, _ in documents],
        )
        for name, document in documents:
            if not isinstance(document, (str, dict)):
                check.unknown(role, f"{name} is not a policy document")
                continue
            report_findings(
                check, role, f"permissions by {name}", overbroad_identity_statements(document)
            )


@pytest.mark.control("roles-trust", reads.role, reads.instance_profiles)
def test_roles_trust_only_whom_they_serve(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    required = baseline["roles"]
    for arn in deployment.identified("aws_iam_role"):
        name = arn.rpartition("/")[2]
        role = aws.pick(reads.role(deployment, name), "Role")
        check.equal(name, "the role of that name", expected=arn, seen=pick(role, "Arn"))
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
        hold_trust(check, name, document, deployment.account_id, serves)
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
