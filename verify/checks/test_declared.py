"""Inventory: declared, required and live are three witnesses, and they must agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from verify import declared, reads
from verify.aws import Aws, NotVerifiedError
from verify.check import Check, pick, text
from verify.deployment import Deployment
from verify.run import Run

_KINDS = (
    "aws_cloudtrail",
    "aws_kms_key",
    "aws_lambda_function",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_versioning",
    "aws_vpc",
)


@pytest.mark.control("declared-matches-live")
def test_declared_required_and_live_agree(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    verification_run: Run,
    trail: Mapping[str, Any],
    function: Mapping[str, Any],
) -> None:
    settings = verification_run.settings
    try:
        configuration = declared.load(Path(settings.terraform_folder), settings.profile, _KINDS)
    except declared.DeclaredError as error:
        raise NotVerifiedError(str(error)) from None

    def agree(subject: str, required: Any, live: Any, kind: str, name: str, *path: str) -> None:
        try:
            said = configuration.argument(kind, name, *path)
        except declared.DeclaredError as error:
            said = str(error)
        if isinstance(said, declared.Unresolved):
            check.unknown(subject, f"{kind}.{name} {'.'.join(path)} is {said}")
            return
        check.holds(
            subject,
            f"{kind}.{name} {'.'.join(path)}",
            said == required == live,
            expected=f"{text(required)} declared and live",
            seen=f"declared {text(said)}, live {text(live)}",
        )

    for argument, key, field in (
        ("is_multi_region_trail", "multi_region", "IsMultiRegionTrail"),
        ("include_global_service_events", "global_service_events", "IncludeGlobalServiceEvents"),
        ("enable_log_file_validation", "log_file_validation", "LogFileValidationEnabled"),
    ):
        agree(
            trail["TrailARN"],
            baseline["trail"][key],
            pick(trail, field),
            "aws_cloudtrail",
            "audit",
            argument,
        )
    rotation = aws.read(reads.key_rotation(deployment))
    agree(
        deployment.kms_key_arn,
        baseline["key"]["rotation"],
        pick(rotation.response or {}, "KeyRotationEnabled"),
        "aws_kms_key",
        "logs",
        "enable_key_rotation",
    )
    versioning = aws.read(reads.bucket_versioning(deployment))
    agree(
        deployment.log_bucket_arn,
        baseline["log_bucket"]["versioning"],
        (versioning.response or {}).get("Status", "never enabled"),
        "aws_s3_bucket_versioning",
        "logs",
        "versioning_configuration",
        "status",
    )
    blocks = aws.read(reads.public_access_block(deployment))
    live_blocks = (blocks.response or {}).get("PublicAccessBlockConfiguration", {})
    for argument, field in (
        ("block_public_acls", "BlockPublicAcls"),
        ("block_public_policy", "BlockPublicPolicy"),
        ("ignore_public_acls", "IgnorePublicAcls"),
        ("restrict_public_buckets", "RestrictPublicBuckets"),
    ):
        agree(
            deployment.log_bucket_arn,
            True,
            live_blocks.get(field, False),
            "aws_s3_bucket_public_access_block",
            "logs",
            argument,
        )
    for argument, key, field in (
        ("timeout", "timeout_seconds", "Timeout"),
        ("memory_size", "memory_megabytes", "MemorySize"),
    ):
        agree(
            deployment.function_arn,
            baseline["function"][key],
            pick(function, field),
            "aws_lambda_function",
            "compliance_checker",
            argument,
        )
    vpc = aws.read(reads.vpc(deployment))
    for item in pick(vpc.response or {}, "Vpcs"):
        agree(
            deployment.vpc_id,
            baseline["network"]["vpc_cidr_block"],
            pick(item, "CidrBlock"),
            "aws_vpc",
            "audit",
            "cidr_block",
        )
