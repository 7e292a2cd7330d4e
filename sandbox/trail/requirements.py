"""What a trail needs before it can deliver: the checks of CreateTrail and of each delivery.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html lists the errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.access import permissions
from sandbox.trail import layout
from sandbox.world import World

SERVICE = "cloudtrail.amazonaws.com"


@dataclass(frozen=True)
class Missing:
    """What a trail lacks, as CreateTrail and UpdateTrail say it."""

    code: str
    message: str


def first_missing(world: World, trail: Any) -> Missing | None:
    """The first thing that keeps a trail from being made; None when it has all it needs."""
    return (
        _organization(world, trail)
        or _bucket(world, trail)
        or _key(world, trail)
        or _topic(world, trail)
        or _log_group(world, trail)
    )


def _organization(world: World, trail: Any) -> Missing | None:
    """What an organization trail needs of Organizations.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    NotOrganizationMasterAccountException is for a member account, which the sandbox never is.
    """
    if not trail.is_org_trail:
        return None
    backend = world.backend("organizations", trail.region_name)
    if backend.org is None:
        return Missing(
            "OrganizationsNotInUseException", "The account is not a member of an organization."
        )
    if backend.org.feature_set != "ALL":
        return Missing(
            "OrganizationNotInAllFeaturesModeException",
            "The organization does not have all features enabled.",
        )
    if SERVICE not in {service["ServicePrincipal"] for service in backend.services}:
        return Missing(
            "CloudTrailAccessNotEnabledException",
            "The organization has not enabled service access for CloudTrail.",
        )
    return None


def _bucket(world: World, trail: Any) -> Missing | None:
    """An organization trail writes to the organization's folder, and to the account's own once it
    is a trail of the account again: the policy must admit it to both."""
    bucket = world.backend("s3", trail.region_name).buckets.get(trail.bucket_name)
    if bucket is None:
        return None  # moto has its own message for it
    account = world.settings.account
    readable = permissions.service_may(
        bucket.policy, SERVICE, "s3:GetBucketAcl", bucket.arn, trail.arn, account
    )
    folders = {
        layout.account_folder(world, trail, None),
        layout.folder(world, trail),
    }
    if readable and all(
        write_refusal(world, trail, bucket, f"{folder}CloudTrail/{trail.region_name}/") is None
        for folder in folders
    ):
        return None
    return Missing(
        "InsufficientS3BucketPolicyException",
        f"Incorrect S3 bucket policy is detected for bucket: {trail.bucket_name}",
    )


def write_refusal(world: World, trail: Any, bucket: Any, key: str) -> str | None:
    """Why the bucket's policy keeps CloudTrail from writing an object; None when it does not."""
    context: dict[str, str | tuple[str, ...]] = {"s3:x-amz-acl": "bucket-owner-full-control"}
    if trail.kms_key_id:
        context["s3:x-amz-server-side-encryption"] = "aws:kms"
        context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = trail.kms_key_id
    admitted = permissions.service_may(
        bucket.policy,
        SERVICE,
        "s3:PutObject",
        f"{bucket.arn}/{key}",
        trail.arn,
        world.settings.account,
        context,
    )
    return None if admitted else "AccessDenied"


def key_refusal(world: World, trail: Any, action: str) -> str | None:
    """Why CloudTrail may not use the trail's key; None when it may, or when there is none."""
    if not trail.kms_key_id:
        return None
    encryption = {"kms:encryptioncontext:aws:cloudtrail:arn": trail.arn}
    return permissions.key_refusal(
        world, trail.kms_key_id, SERVICE, action, trail.arn, encryption, trail.region_name
    )


def _key(world: World, trail: Any) -> Missing | None:
    if not trail.kms_key_id:
        return None
    key = permissions.find_key(world, trail.kms_key_id, trail.region_name)
    if key is None:
        return Missing("KmsKeyNotFoundException", "The KMS key does not exist in this region.")
    trail.kms_key_id = key.arn  # whatever form it was given in
    bucket = world.backend("s3", trail.region_name).buckets.get(trail.bucket_name)
    default = (bucket.encryption or {}).get("Rule", {}) if bucket is not None else {}
    needed = ["kms:GenerateDataKey", "kms:DescribeKey"]
    if str(default.get("BucketKeyEnabled", "")).lower() == "true":
        needed.append("kms:Decrypt")
    for action in needed:
        refusal = key_refusal(world, trail, action)
        if refusal == "KMS.DisabledException":
            return Missing("KmsException", f"{key.arn} is disabled.")
        if refusal is not None:
            return Missing(
                "InsufficientEncryptionPolicyException",
                f"Insufficient permissions to access S3 bucket {trail.bucket_name} "
                f"or KMS key {key.arn}.",
            )
    return None


def _topic(world: World, trail: Any) -> Missing | None:
    if not trail.topic_arn:
        return None
    backend = world.backend("sns", trail.topic_arn.split(":")[3])
    topic = backend.topics.get(trail.topic_arn)
    if topic is not None and permissions.may_publish(world, topic, SERVICE, trail.arn):
        return None
    return Missing(
        "InsufficientSnsTopicPolicyException",
        "SNS Topic does not exist or the topic policy is incorrect!",
    )


def _log_group(world: World, trail: Any) -> Missing | None:
    arn = trail.cw_log_group_arn
    if not arn:
        return None
    parts = arn.split(":")
    if len(parts) != 8 or parts[7] != "*":
        return Missing(
            "InvalidCloudWatchLogsLogGroupArnException",
            "CloudTrail cannot validate the specified log group ARN.",
        )
    if not trail.cw_role_arn or permissions.role_documents(world, trail.cw_role_arn) is None:
        return Missing(
            "InvalidCloudWatchLogsRoleArnException",
            "CloudTrail cannot validate the specified role ARN.",
        )
    if parts[6] not in world.backend("logs", parts[3]).groups or not may_log(world, trail):
        return Missing(
            "InvalidCloudWatchLogsLogGroupArnException",
            "Access denied. Check the permissions for your role.",
        )
    return None


def log_stream(world: World, trail: Any) -> str:
    """The log stream that a trail writes to: ``[<organization>_]<account>_CloudTrail_<region>``."""
    organization = layout.organization_id(world, trail)
    start = f"{organization}_" if organization else ""
    return f"{start}{world.settings.account}_CloudTrail_{trail.region_name}"


def may_log(world: World, trail: Any) -> bool:
    """Whether the trail's role lets CloudTrail write to its log group."""
    arn = f"{trail.cw_log_group_arn.removesuffix(':*')}:log-stream:{log_stream(world, trail)}"
    # CloudTrail does not say for which trail it assumes the role.
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cross-service-confused-deputy-prevention.html
    return permissions.service_may_assume(world, trail.cw_role_arn, SERVICE, None) and all(
        permissions.role_may(world, trail.cw_role_arn, action, arn)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )
