"""Settings that are declared in Terraform, required by the baseline and live in the account.

Each stands here once. The control that a setting belongs to holds the account to the baseline, and
`declared-matches-live` holds all three to each other, for every setting that there is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.account import reads
from verify.account.door import Aws
from verify.account.read import Reading
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

Required = Callable[[Mapping[str, Any]], Any]  # from a baseline


@dataclass(frozen=True)
class Setting:
    """One setting of one resource.

    `path` leads to it in the answer of `reading`. Where the answer says that there is none, or the
    last part is missing, the value is `absent`, if AWS leaves it out for that value. Of a list on
    the way there must be one element.
    """

    control: str
    subject: str  # the output that names the resource
    aspect: str
    reading: Reading[[Deployment]]
    path: tuple[str, ...]
    required: Required
    declared: str  # the address of the Terraform argument
    absent: Any = None
    accepts: Callable[[Any, Any], bool] = lambda required, live: bool(required == live)
    read_as: Callable[[Any], Any] = lambda value: value  # what AWS gives as text

    def live(self, aws: Aws, deployment: Deployment) -> Any:
        """The value in the account. Raises NotVerifiedError where the answer lacks it."""
        read = self.reading(deployment)
        answer = aws.read(read)
        value: Any = answer.response
        if value is None and self.absent is not None:
            return self.absent
        for part in self.path:
            if isinstance(value, list):
                value = _only(value, read.operation)
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, Mapping) and part == self.path[-1] and self.absent is not None:
                return self.absent
            else:
                raise NotVerifiedError(f"the answer of {read.operation} lacks {part}")
        return self.read_as(value)


def _only(found: list[Any], operation: str) -> Any:
    if len(found) != 1:
        raise NotVerifiedError(f"expected one element in the answer of {operation}: {len(found)}")
    return found[0]


def number(text: Any) -> int:
    """The whole number that AWS gives as text. Raises NotVerifiedError for anything else."""
    try:
        return int(text)
    except (TypeError, ValueError):
        raise NotVerifiedError(f"AWS gives {text!r} for a number") from None


def _always(value: Any) -> Required:
    return lambda _: value


def _trail(aspect: str, member: str, key: str, argument: str, control: str) -> Setting:
    return Setting(
        control,
        "trail_arn",
        aspect,
        reads.trail,
        ("trailList", member),
        lambda baseline: baseline["trail"][key],
        f"aws_cloudtrail.audit.{argument}",
    )


def _bucket(
    aspect: str,
    reading: Reading[[Deployment]],
    path: tuple[str, ...],
    required: Required,
    declared: str,
    control: str,
    absent: Any,
) -> Setting:
    return Setting(
        control, "log_bucket_arn", aspect, reading, path, required, declared, absent=absent
    )


def _dead_letters(
    aspect: str, member: str, key: str, argument: str, accepts: Callable[[Any, Any], bool]
) -> Setting:
    return Setting(
        "function-dead-letter-queue",
        "dead_letter_queue_arn",
        aspect,
        reads.dead_letter_queue,
        ("Attributes", member),
        lambda baseline: baseline["dead_letter_queue"][key],
        f"aws_sqs_queue.dead_letter.{argument}",
        accepts=accepts,
        read_as=number,
    )


def _function(aspect: str, member: str, key: str, argument: str, **more: Any) -> Setting:
    return Setting(
        "function-configuration",
        "function_arn",
        aspect,
        reads.function,
        (member,),
        lambda baseline: baseline["function"][key],
        f"aws_lambda_function.compliance_checker.{argument}",
        **more,
    )


_ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration.logs.rule"
_RULES = ("ServerSideEncryptionConfiguration", "Rules")

SETTINGS = (
    _trail(
        "multi-region",
        "IsMultiRegionTrail",
        "multi_region",
        "is_multi_region_trail",
        "trail-multi-region",
    ),
    _trail(
        "global service events",
        "IncludeGlobalServiceEvents",
        "global_service_events",
        "include_global_service_events",
        "trail-multi-region",
    ),
    _trail(
        "log file validation",
        "LogFileValidationEnabled",
        "log_file_validation",
        "enable_log_file_validation",
        "trail-log-file-validation",
    ),
    Setting(
        "trail-is-logging",
        "trail_arn",
        "logging",
        reads.trail_status,
        ("IsLogging",),
        _always(True),
        "aws_cloudtrail.audit.enable_logging",
    ),
    Setting(
        "key-rotates",
        "kms_key_arn",
        "rotation",
        reads.key_rotation,
        ("KeyRotationEnabled",),
        lambda baseline: baseline["key"]["rotation"],
        "aws_kms_key.logs.enable_key_rotation",
    ),
    # KMS tells a period while the key is rotated.
    Setting(
        "key-rotates",
        "kms_key_arn",
        "days between rotations",
        reads.key_rotation,
        ("RotationPeriodInDays",),
        lambda baseline: baseline["key"]["maximum_rotation_days"],
        "aws_kms_key.logs.rotation_period_in_days",
        absent="never rotated",
        accepts=lambda maximum, live: isinstance(live, int) and live <= maximum,
    ),
    Setting(
        "key-usable",
        "kms_key_arn",
        "multi-region",
        reads.key,
        ("KeyMetadata", "MultiRegion"),
        lambda baseline: baseline["key"]["multi_region"],
        "aws_kms_key.logs.multi_region",
    ),
    _dead_letters(
        "seconds that a message is kept",
        "MessageRetentionPeriod",
        "retention_seconds",
        "message_retention_seconds",
        operator.eq,
    ),
    _dead_letters(
        "largest message",
        "MaximumMessageSize",
        "minimum_message_bytes",
        "max_message_size",
        operator.le,
    ),
    _dead_letters(
        "delay in seconds", "DelaySeconds", "delay_seconds", "delay_seconds", operator.eq
    ),
    _dead_letters(
        "seconds that a reader hides a message",
        "VisibilityTimeout",
        "maximum_visibility_seconds",
        "visibility_timeout_seconds",
        operator.ge,
    ),
    # Without any default encryption of the bucket's own S3 says that there is no configuration.
    _bucket(
        "algorithm",
        reads.bucket_encryption,
        (*_RULES, "ApplyServerSideEncryptionByDefault", "SSEAlgorithm"),
        lambda baseline: baseline["log_bucket"]["encryption_algorithm"],
        f"{_ENCRYPTION}.apply_server_side_encryption_by_default.sse_algorithm",
        "log-bucket-encrypted",
        "no default encryption",
    ),
    _bucket(
        "bucket key",
        reads.bucket_encryption,
        (*_RULES, "BucketKeyEnabled"),
        lambda baseline: baseline["log_bucket"]["bucket_key"],
        f"{_ENCRYPTION}.bucket_key_enabled",
        "log-bucket-encrypted",
        False,
    ),
    # S3 leaves Status out for a bucket that never had versioning.
    _bucket(
        "versioning",
        reads.bucket_versioning,
        ("Status",),
        lambda baseline: baseline["log_bucket"]["versioning"],
        "aws_s3_bucket_versioning.logs.versioning_configuration.status",
        "log-bucket-versioned",
        "never enabled",
    ),
    _bucket(
        "object ownership",
        reads.bucket_ownership,
        ("OwnershipControls", "Rules", "ObjectOwnership"),
        lambda baseline: baseline["log_bucket"]["object_ownership"],
        "aws_s3_bucket_ownership_controls.logs.rule.object_ownership",
        "log-bucket-owner-enforced",
        "no ownership controls",
    ),
    *(
        _bucket(
            block,
            reads.public_access_block,
            ("PublicAccessBlockConfiguration", block),
            _always(True),
            f"aws_s3_bucket_public_access_block.logs.{argument}",
            "log-bucket-public-access-blocked",
            False,
        )
        for argument, block in (
            ("block_public_acls", "BlockPublicAcls"),
            ("ignore_public_acls", "IgnorePublicAcls"),
            ("block_public_policy", "BlockPublicPolicy"),
            ("restrict_public_buckets", "RestrictPublicBuckets"),
        )
    ),
    _function(
        "runtime",
        "Runtime",
        "runtimes",
        "runtime",
        accepts=lambda required, live: live in required,
    ),
    _function("time-out in seconds", "Timeout", "timeout_seconds", "timeout"),
    _function("memory in MB", "MemorySize", "memory_megabytes", "memory_size"),
    _function("handler", "Handler", "handler", "handler"),
    Setting(
        "vpc-address-range",
        "vpc_id",
        "address range",
        reads.vpc,
        ("Vpcs", "CidrBlock"),
        lambda baseline: baseline["network"]["vpc_cidr_block"],
        "module.network.aws_vpc.audit.cidr_block",
    ),
)

# What `declared-matches-live` reads.
READINGS = tuple(dict.fromkeys(setting.reading for setting in SETTINGS))
