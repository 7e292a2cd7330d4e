"""Encryption key: ours, usable, rotated, and open to nobody who does not need it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import Finding, foreign_grants, key_policy_findings, service_grants


@pytest.mark.control("key-usable", reads.key, reads.key_aliases)
def test_key_is_ours_enabled_and_staying(check: Check, aws: Aws, deployment: Deployment) -> None:
    name = deployment.kms_key_arn
    key = aws.pick(reads.key(deployment), "KeyMetadata")
    for aspect, field, expected in (
        ("manager", "KeyManager", "CUSTOMER"),
        ("state", "KeyState", "Enabled"),
        ("usage", "KeyUsage", "ENCRYPT_DECRYPT"),
        ("specification", "KeySpec", "SYMMETRIC_DEFAULT"),
    ):
        check.equal(name, aspect, expected=expected, seen=pick(key, field))
    aliases = aws.pick(reads.key_aliases(deployment), "Aliases")
    names = [pick(alias, "AliasName") for alias in aliases]
    check.holds(
        name,
        "alias",
        deployment.kms_key_alias in names,
        expected=deployment.kms_key_alias,
        seen=names,
    )


@pytest.mark.control("key-rotates", reads.key_rotation)
def test_key_rotates(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    status = aws.pick(reads.key_rotation(deployment))
    # Older answers hold no period; rotation was always yearly then.
    period = status.get("RotationPeriodInDays", 365)
    maximum = baseline["key"]["maximum_rotation_days"]
    check.holds(
        deployment.kms_key_arn,
        "days between rotations",
        period <= maximum,
        expected=f"at most {maximum}",
        seen=period,
        declared="aws_kms_key.logs.rotation_period_in_days",
    )


@pytest.mark.control("key-policy-least-privilege", reads.key_policy)
def test_key_policy_admits_only_who_needs_the_key(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.kms_key_arn
    policy = aws.pick(reads.key_policy(deployment), "Policy")
    findings: list[Finding] = [
        *key_policy_findings(policy, deployment.account_id),
        *foreign_grants(policy, deployment.account_id),
    ]
    # Both judge statements for anyone; one mention is enough.
    report_findings(check, name, "grants", dict.fromkeys(findings))
    permitted = {
        service: frozenset(actions) for service, actions in baseline["key"]["services"].items()
    }
    excess = [
        grant.describe()
        for grant in service_grants(policy)
        if grant.inverted
        or not frozenset(grant.actions) <= permitted.get(grant.service, frozenset())
    ]
    check.none(name, "grants to services beyond what they need", excess)
    granted: dict[str, set[str]] = {}
    for grant in service_grants(policy):
        granted.setdefault(grant.service, set()).update(grant.actions)
    missing = {
        service: sorted(actions - granted.get(service, set()))
        for service, actions in permitted.items()
    }
    check.none(
        name,
        "what services lack",
        [f"{service} lacks {', '.join(lacks)}" for service, lacks in missing.items() if lacks],
    )
