"""Reports: where they are kept, and by what they are signed, nobody else writes or signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import report_allowed, root_of
from verify.checks.buckets import (
    CLOSED_READS,
    ENCRYPTION_READS,
    KEPT_READS,
    hold_closed,
    hold_denied,
    hold_encryption,
    hold_kept,
    policy_of,
)
from verify.checks.findings import report_findings
from verify.checks.keys import SIGNS, hold_usable
from verify.inputs.deployment import Deployment
from verify.policy import effective_allows, excessive_grants, foreign_grants, service_grants

_PART = "reports"
_SIGNING = ("kms:GetPublicKey", "kms:Sign")
# Without one of these the account could not govern the key any more.
_GOVERNING = ("kms:DescribeKey", "kms:DisableKey", "kms:PutKeyPolicy")


def _one(
    check: Check,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    names: tuple[str, ...],
    what: str,
) -> str:
    """The one bucket or key that there is, if any.

    A baseline that demands none holds the one that a deployment makes to the rest all the same.
    """
    if not names and baseline[_PART][what] != "required":
        check.not_applicable(f"neither the baseline nor the deployment has a {what} for reports")
    subject = f"account {deployment.account_id}"
    check.equal(subject, f"{what} for reports", expected=1, seen=len(names))
    return (names or ("",))[0]


@pytest.mark.control("reports-bucket", *ENCRYPTION_READS, *CLOSED_READS, *KEPT_READS)
def test_reports_are_kept_as_they_were_put_there(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = _one(check, deployment, baseline, deployment.reports_bucket_names, "bucket")
    if not name:
        return
    hold_encryption(check, aws, deployment, name, baseline[_PART], deployment.kms_key_arn)
    hold_closed(check, aws, deployment, baseline, name, _PART)
    hold_kept(check, aws, deployment, baseline, name, _PART)
    policy = policy_of(check, aws, deployment, name)
    if policy is None:
        return
    subject = deployment.bucket_arn(name)
    services = sorted({grant.service for grant in service_grants(policy)})
    check.none(subject, "services that may act on it", services)
    writers = [deployment.verifier_role_arn, *baseline["log_bucket"]["break_glass_roles"]]
    hold_denied(check, policy, subject, ["s3:PutObject"], writers, services=False)


@pytest.mark.control("reports-signing-key", reads.key, reads.key_policy, reads.key_grants)
def test_reports_are_signed_by_the_verifier_alone(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    arn = _one(check, deployment, baseline, deployment.report_signing_key_arns, "signing_key")
    if not arn:
        return
    hold_usable(check, aws, deployment, arn, SIGNS)
    key = aws.pick(reads.key(deployment, arn), "KeyMetadata")
    check.equal(arn, "multi-region", expected=False, seen=pick(key, "MultiRegion"))
    policy = aws.pick(reads.key_policy(deployment, arn), "Policy")
    report_findings(
        check, arn, "grants to strangers", foreign_grants(policy, deployment.account_id)
    )
    governing = baseline[_PART]["key_administration"]
    permitted = {
        root_of(deployment): governing,
        deployment.account_id: governing,
        deployment.verifier_role_arn: _SIGNING,
    }
    report_findings(
        check,
        arn,
        "grants beyond governing it and the verifier's signing",
        excessive_grants(policy, permitted),
    )
    for who, actions in (
        (deployment.verifier_role_arn, _SIGNING),
        (root_of(deployment), _GOVERNING),
    ):
        for action in actions:
            report_allowed(
                check, arn, f"{action} by {who}", effective_allows(policy, who, action, arn)
            )
    grants = aws.pick(reads.key_grants(deployment, arn), "Grants")
    check.none(arn, "grants beside its policy", [pick(grant, "GrantId") for grant in grants])
