"""Inventory: declared, required and live are three witnesses, and they must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment

_TRAIL = "aws_cloudtrail.audit"
_BLOCK = "aws_s3_bucket_public_access_block.logs"
_FUNCTION = "aws_lambda_function.compliance_checker"


@pytest.mark.control("declared-matches-live")
def test_declared_required_and_live_agree(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    trail: Mapping[str, Any],
    function: Mapping[str, Any],
) -> None:
    for address, key, field in (
        (f"{_TRAIL}.is_multi_region_trail", "multi_region", "IsMultiRegionTrail"),
        (
            f"{_TRAIL}.include_global_service_events",
            "global_service_events",
            "IncludeGlobalServiceEvents",
        ),
        (f"{_TRAIL}.enable_log_file_validation", "log_file_validation", "LogFileValidationEnabled"),
    ):
        required = baseline["trail"][key]
        check.agree(trail["TrailARN"], address, expected=required, seen=pick(trail, field))
    rotation = aws.read(reads.key_rotation(deployment))
    check.agree(
        deployment.kms_key_arn,
        "aws_kms_key.logs.enable_key_rotation",
        expected=baseline["key"]["rotation"],
        seen=pick(rotation.response or {}, "KeyRotationEnabled"),
    )
    versioning = aws.read(reads.bucket_versioning(deployment))
    check.agree(
        deployment.log_bucket_arn,
        "aws_s3_bucket_versioning.logs.versioning_configuration.status",
        expected=baseline["log_bucket"]["versioning"],
        seen=(versioning.response or {}).get("Status", "never enabled"),
    )
    blocks = aws.read(reads.public_access_block(deployment))
    live_blocks = (blocks.response or {}).get("PublicAccessBlockConfiguration", {})
    for address, field in (
        (f"{_BLOCK}.block_public_acls", "BlockPublicAcls"),
        (f"{_BLOCK}.block_public_policy", "BlockPublicPolicy"),
        (f"{_BLOCK}.ignore_public_acls", "IgnorePublicAcls"),
        (f"{_BLOCK}.restrict_public_buckets", "RestrictPublicBuckets"),
    ):
        check.agree(
            deployment.log_bucket_arn, address, expected=True, seen=live_blocks.get(field, False)
        )
    for address, key, field in (
        (f"{_FUNCTION}.timeout", "timeout_seconds", "Timeout"),
        (f"{_FUNCTION}.memory_size", "memory_megabytes", "MemorySize"),
    ):
        required = baseline["function"][key]
        check.agree(deployment.function_arn, address, expected=required, seen=pick(function, field))
    vpc = aws.read(reads.vpc(deployment))
    for item in pick(vpc.response or {}, "Vpcs"):
        check.agree(
            deployment.vpc_id,
            "aws_vpc.audit.cidr_block",
            expected=baseline["network"]["vpc_cidr_block"],
            seen=pick(item, "CidrBlock"),
        )
