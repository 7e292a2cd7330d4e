"""What checks ask of the encryption of topics and queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.check import Check
from verify.inputs.deployment import Deployment


def report_key(
    check: Check,
    name: str,
    attributes: Mapping[str, Any],
    deployment: Deployment,
    declared: str | None = None,
    key: str | None = None,
) -> None:
    """`name`, a topic or a queue with these attributes, is encrypted with the customer's key.

    That is the deployment's, or the one whose ARN is `key`.

    SNS and SQS leave the attribute out where there is no key, and return what was set: any
    spelling of the key.
    """
    seen, expected = attributes.get("KmsMasterKeyId"), key or deployment.kms_key_arn
    spellings = (
        (expected, deployment.kms_key_id, deployment.kms_key_alias)
        if expected == deployment.kms_key_arn
        else (expected, expected.rpartition("/")[2])
    )
    check.holds(
        name,
        "KMS key",
        seen in spellings,
        expected=expected,
        seen=seen,
        declared=declared,
    )
