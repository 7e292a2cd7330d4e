"""Alert ledger: what has been told is known, kept from strangers, and can be brought back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment


@pytest.mark.control(
    "alert-ledger",
    reads.ledger,
    reads.ledger_backups,
    reads.ledger_time_to_live,
    reads.ledger_policy,
)
def test_the_ledger_is_encrypted_recoverable_and_for_the_function_alone(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name, required = deployment.ledger_table_arn, baseline["ledger"]
    table = aws.pick(reads.ledger(deployment), "Table")
    check.equal(name, "ARN", expected=name, seen=pick(table, "TableArn"))
    check.equal(name, "status", expected="ACTIVE", seen=pick(table, "TableStatus"))
    check.equal(
        name,
        "key of its items",
        expected=[("id", "HASH")],
        seen=[
            (pick(part, "AttributeName"), pick(part, "KeyType"))
            for part in pick(table, "KeySchema")
        ],
    )
    _hold_encryption(check, table, deployment)
    check.equal(
        name,
        "billing",
        expected="PAY_PER_REQUEST",
        seen=table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        declared="aws_dynamodb_table.alert_ledger.billing_mode",
    )
    check.holds(
        name,
        "deletion protection",
        bool(table.get("DeletionProtectionEnabled")) or not required["deletion_protection"],
        expected=required["deletion_protection"],
        seen=table.get("DeletionProtectionEnabled", False),
    )
    # Other ways for what it holds to leave it, beside its policy.
    stream = table.get("StreamSpecification", {}).get("StreamEnabled", False)
    check.equal(name, "stream of its changes", expected=False, seen=stream)
    check.none(name, "replicas", [pick(one, "RegionName") for one in table.get("Replicas") or []])
    _hold_backups(check, aws, deployment, required)
    lifetime = aws.pick(reads.ledger_time_to_live(deployment), "TimeToLiveDescription")
    check.equal(
        name,
        "time to live",
        expected=("ENABLED", "expires"),
        seen=(pick(lifetime, "TimeToLiveStatus"), lifetime.get("AttributeName", "none")),
    )
    policy = aws.read(reads.ledger_policy(deployment)).response
    check.equal(
        name,
        "policy of its own",
        expected="none",
        seen="none" if policy is None else pick(policy, "Policy"),
    )


def _hold_encryption(check: Check, table: Mapping[str, Any], deployment: Deployment) -> None:
    # Left out for a table under a key of DynamoDB's own.
    encryption = table.get("SSEDescription", {})
    check.equal(
        deployment.ledger_table_arn,
        "key",
        expected=("ENABLED", "KMS", deployment.kms_key_arn),
        seen=(
            encryption.get("Status", "none"),
            encryption.get("SSEType", "none"),
            encryption.get("KMSMasterKeyArn", "DynamoDB's own"),
        ),
    )
    check.holds(
        deployment.ledger_table_arn,
        "use of the key",
        "InaccessibleEncryptionDateTime" not in encryption,
        expected="possible",
        seen=f"none since {encryption.get('InaccessibleEncryptionDateTime')}",
    )


def _hold_backups(
    check: Check, aws: Aws, deployment: Deployment, required: Mapping[str, Any]
) -> None:
    recovery = pick(
        aws.pick(reads.ledger_backups(deployment), "ContinuousBackupsDescription"),
        "PointInTimeRecoveryDescription",
    )
    check.equal(
        deployment.ledger_table_arn,
        "point-in-time recovery",
        expected="ENABLED",
        seen=pick(recovery, "PointInTimeRecoveryStatus"),
    )
    days = recovery.get("RecoveryPeriodInDays", 0)
    least = required["minimum_recovery_days"]
    check.holds(
        deployment.ledger_table_arn,
        "days that can be recovered",
        days >= least,
        expected=f"at least {least}",
        seen=days,
    )
