"""Access: each role holds what it needs and opens to whom it must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.door import Aws
from verify.account.inventory import attached_policies
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import Verdict, overbroad_identity_statements, trust_principals


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


@pytest.mark.control("roles-trust", reads.role)
def test_roles_trust_only_whom_they_serve(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    root = f"arn:{deployment.partition}:iam::{deployment.account_id}:root"
    serves = baseline["roles"]["serves"]
    for role in reads.roles(deployment):
        document = aws.pick(reads.role(deployment, role), "Role", "AssumeRolePolicyDocument")
        trusted = trust_principals(document, deployment.account_id)
        service = serves.get(role, "nobody")
        if service != "people of the account":
            # A role that the baseline does not know serves nobody.
            check.equal(
                role,
                "who may assume it",
                expected={("Service", service)},
                seen={(item.kind, item.value) for item in trusted},
            )
            continue
        check.none(
            role,
            "who may assume it from outside the account",
            [
                item.reason
                for item in trusted
                if item.foreign or item.verdict is Verdict.VIOLATION or item.kind != "AWS"
            ],
            expected=f"none but principals of {root}",
        )
        for item in trusted:
            if item.verdict is Verdict.CANNOT_TELL:
                check.unknown(role, item.reason)
