"""Log bucket: S3 itself neither carries its files away nor opens another door to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account.door import Aws
from verify.check import Check
from verify.checks.buckets import DOOR_READS, OUTFLOW_READS, hold_doors, outflows
from verify.inputs.deployment import Deployment


@pytest.mark.control("log-bucket-sends-nothing-away", *OUTFLOW_READS)
def test_s3_sends_nothing_of_the_log_bucket_elsewhere(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    permitted = baseline["log_bucket"]["sends_to"]
    check.none(
        deployment.log_bucket_arn,
        "what S3 sends elsewhere",
        [
            outflow
            for outflow in outflows(check, aws, deployment, deployment.log_bucket_name)
            if outflow.destination not in permitted
        ],
        expected=f"nothing but to {', '.join(permitted)}" if permitted else "nothing",
    )


@pytest.mark.control("log-bucket-has-one-door", *DOOR_READS)
def test_log_bucket_is_reached_in_one_way(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    hold_doors(check, aws, deployment, deployment.log_bucket_name, baseline["log_bucket"])
