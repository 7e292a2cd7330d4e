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
) -> None:
    """`name`, a topic or a queue with these attributes, is encrypted with the customer's key.

    SNS and SQS leave the attribute out where there is no key, and return what was set: any
    spelling of the key.
    """
    seen = attributes.get("KmsMasterKeyId")
    check.holds(
        name,
        "KMS key",
        seen in (deployment.kms_key_arn, deployment.kms_key_id, deployment.kms_key_alias),
        expected=deployment.kms_key_arn,
        seen=seen,
        declared=declared,
    )
