"""The metrics of requests that S3 keeps for a bucket that has a configuration for them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.metrics import data_points
from sandbox.world import World

# Where a bucket of moto's keeps what moto has no place for: by subresource and id, as it was put.
KEPT = "configurations_of_the_sandbox"
SUBRESOURCE = "metrics"
_PREFIX = re.compile(r"<Prefix>([^<]*)</Prefix>")
_KINDS = {
    "DELETE": "DeleteRequests",
    "GET": "GetRequests",
    "HEAD": "HeadRequests",
    "POST": "PostRequests",
    "PUT": "PutRequests",
}


def count(world: World, bucket: Any, method: str, key: str) -> None:
    """Count a request for a bucket of moto's or an object in it. Hold the lock."""
    kept: Mapping[tuple[str, str], str] = getattr(bucket, KEPT, {})
    for (subresource, identifier), text in kept.items():
        if subresource == SUBRESOURCE and _selects(text, key):
            dimensions = {"BucketName": bucket.name, "FilterId": identifier}
            for name in ("AllRequests", _KINDS.get(method)):
                if name is not None:
                    data_points.publish(world, bucket.region_name, "AWS/S3", name, 1, dimensions)


def _selects(configuration: str, key: str) -> bool:
    """Whether a configuration is for an object; of its filters only that by prefix is known."""
    if "<Filter>" not in configuration:
        return True
    prefix = _PREFIX.search(configuration)
    return prefix is not None and "<And>" not in configuration and key.startswith(prefix[1])
