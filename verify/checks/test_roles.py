"""Access: each role holds what it needs and opens to whom it must."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import Verdict, overbroad_identity_statements, trust_principals


def _documents(aws: Aws, role: str) -> Iterator[tuple[str, object]]:
    """Every policy of `role`: its name and its document, inline and attached."""
    inline = aws.read(reads.inline_policies(role))
    for name in pick(inline.response or {}, "PolicyNames"):
        answer = aws.read(reads.inline_policy(role, name))
        yield name, pick(answer.response or {}, "PolicyDocument")
    attached = aws.read(reads.attached_policies(role))
    for policy in pick(attached.response or {}, "AttachedPolicies"):
        arn = pick(policy, "PolicyArn")
        version = pick(
            aws.read(reads.managed_policy(arn)).response or {},
            "Policy",
            "DefaultVersionId",
        )
        answer = aws.read(reads.managed_policy_version(arn, version))
        yield arn, pick(answer.response or {}, "PolicyVersion", "Document")


@pytest.mark.control("roles-least-privilege")
def test_roles_hold_only_specific_permissions(
    check: Check, aws: Aws, deployment: Deployment
) -> None:
    for role in reads.roles(deployment):
        documents = list(_documents(aws, role))
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


@pytest.mark.control("roles-trust")
def test_roles_trust_only_whom_they_serve(check: Check, aws: Aws, deployment: Deployment) -> None:
    root = f"arn:{deployment.partition}:iam::{deployment.account_id}:root"
    for role, service in (
        (deployment.function_role_name, "lambda.amazonaws.com"),
        (deployment.trail_logs_role_name, "cloudtrail.amazonaws.com"),
        (deployment.verifier_role_name, None),
    ):
        answer = aws.read(reads.role(role))
        document = pick(answer.response or {}, "Role", "AssumeRolePolicyDocument")
        trusted = trust_principals(document, deployment.account_id)
        if service:
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
