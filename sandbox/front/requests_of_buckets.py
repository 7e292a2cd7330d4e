"""Requests to S3, counted in the metrics of the bucket that they are for."""

from __future__ import annotations

from sandbox.front.errors import Answer
from sandbox.front.gateway import Arrived
from sandbox.metrics import bucket_requests
from sandbox.world import World


def happened(world: World, arrived: Arrived, _: Answer) -> None:
    """Count what moto has answered, whatever it answered."""
    name = arrived.path_parameters.get("Bucket")
    if arrived.service != "s3" or name is None:
        return
    with world.lock:
        bucket = world.backend("s3", arrived.signature.region).buckets.get(name)
        if bucket is not None:
            method = arrived.environ["REQUEST_METHOD"]
            key = str(arrived.path_parameters.get("Key", ""))
            bucket_requests.count(world, bucket, method, key)
