"""The configurations of which a bucket may have many, each kind in a listing of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Reading
from verify.check import Check
from verify.inputs.deployment import Deployment

_LISTS = {
    "list_bucket_analytics_configurations": "AnalyticsConfigurationList",
    "list_bucket_intelligent_tiering_configurations": "IntelligentTieringConfigurationList",
    "list_bucket_inventory_configurations": "InventoryConfigurationList",
    "list_bucket_metrics_configurations": "MetricsConfigurationList",
}


def listed(
    check: Check, aws: Aws, deployment: Deployment, reading: Reading[...], bucket: str = ""
) -> list[Mapping[str, Any]]:
    """The configurations of one of the listings, of the log bucket or another by its name.

    S3 leaves an empty list out. It shows 100 at a time: that there are more is not seen.
    """
    name = bucket or deployment.log_bucket_name
    answer = aws.pick(reading(deployment, name))
    if pick(answer, "IsTruncated"):
        check.unknown(deployment.bucket_arn(name), f"{reading.operation} shows only a part")
    found: list[Mapping[str, Any]] = answer.get(_LISTS[reading.operation]) or []
    return found
