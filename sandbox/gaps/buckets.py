"""Where moto's answers about buckets differ from S3's."""

from __future__ import annotations

from typing import Any

from moto.s3 import models as s3_models
from moto.s3 import responses as s3_responses

from sandbox.access import policy, public_access
from sandbox.replacement import Replacement
from sandbox.world import World


def get_bucket_encryption(world: World, backend: Any, bucket_name: str) -> dict[str, Any]:
    """A bucket's encryption: its own configuration, or SSE-S3.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
    """
    configured: dict[str, Any] | None = backend.get_bucket(bucket_name).encryption
    return configured or {
        "Rule": {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": "false",
        }
    }


def bucket_policy_is_public(world: World, text: bytes | str) -> bool:
    """Whether a policy's text is public."""
    return public_access.is_public(policy.parse(text))


REPLACEMENTS = (
    Replacement(
        s3_models.S3Backend,
        "get_bucket_encryption",
        get_bucket_encryption,
        "Every bucket is encrypted: one without a configuration of its own has SSE-S3.",
    ),
    Replacement(
        s3_responses,
        "bucket_policy_is_public",
        bucket_policy_is_public,
        "GetBucketPolicyStatus goes by S3's definition of public; moto takes any condition as "
        "enough.",
    ),
)
