"""Where moto's answers about access points to buckets differ from S3's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.s3control.models import S3ControlBackend

from sandbox.access import policy, public_access
from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def create_access_point(
    world: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Make an access point, in the region in which it is asked for."""
    made = original(backend, *arguments, **keywords)
    made.arn = made.arn.replace(":us-east-1:", f":{backend.region_name}:")
    return made


def get_access_point_policy_status(world: World, backend: Any, account_id: str, name: str) -> bool:
    """Whether an access point's policy is public."""
    text = backend.get_access_point_policy(account_id, name)
    return public_access.is_public(policy.parse(text))


REPLACEMENTS = (
    Replacement(
        S3ControlBackend,
        "create_access_point",
        create_access_point,
        "An access point is of the region in which it is made; moto's are all of us-east-1.",
        Kind.AROUND,
    ),
    Replacement(
        S3ControlBackend,
        "get_access_point_policy_status",
        get_access_point_policy_status,
        "GetAccessPointPolicyStatus goes by S3's definition of public; moto says yes to any "
        "policy.",
    ),
)
