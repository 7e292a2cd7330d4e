"""How CloudTrail writes objects to a trail's bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.metrics import bucket_requests
from sandbox.trail import requirements
from sandbox.world import World


def put(
    world: World, trail: Any, key: str, body: bytes, metadata: Mapping[str, str] | None = None
) -> str | None:
    """Write a log or digest file. Returns the error that GetTrailStatus tells; None on success.

    Encrypted with the trail's key, without one as the bucket does by default; locked as it does.
    Hold the lock.
    """
    backend = world.backend("s3", trail.region_name)
    bucket = backend.buckets.get(trail.bucket_name)
    if bucket is None:
        return "NoSuchBucket"
    refusal = requirements.write_refusal(world, trail, bucket, key) or requirements.key_refusal(
        world, trail, "kms:GenerateDataKey"
    )
    if refusal is not None:
        return refusal
    locked = bucket.object_lock_enabled and bucket.has_default_lock
    encryption = "aws:kms" if trail.kms_key_id else None if bucket.encryption else "AES256"
    stored = backend.put_object(
        trail.bucket_name,
        key,
        body,
        encryption=encryption,
        kms_key_id=trail.kms_key_id or None,
        bucket_key_enabled=None if encryption is None else False,
        lock_mode=bucket.default_lock_mode if locked else None,
        lock_until=bucket.default_retention() if locked else None,
    )
    if metadata:
        stored.set_metadata({f"x-amz-meta-{name}": value for name, value in metadata.items()})
    bucket_requests.count(world, bucket, "PUT", key)
    return None


def exists(world: World, trail: Any, key: str) -> bool:
    """Whether the trail's bucket has an object of that key. Hold the lock."""
    bucket = world.backend("s3", trail.region_name).buckets.get(trail.bucket_name)
    return bucket is not None and key in bucket.keys
