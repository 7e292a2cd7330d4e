"""Where moto's answers about access points to buckets differ from S3's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.s3control.models import S3ControlBackend
from moto.s3control.responses import S3ControlResponse

from sandbox.access import policy, public_access
from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def create_access_point(
    world: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Make an access point, in the region of its bucket."""
    made = original(backend, *arguments, **keywords)
    bucket = world.backend("s3", world.settings.region).buckets.get(made.bucket)
    if bucket is not None:
        made.arn = made.arn.replace(":us-east-1:", f":{bucket.region_name}:")
    return made


def get_access_point_policy_status(world: World, response: Any) -> ActionResult:
    """Whether an access point's policy is public."""
    account, name = response._get_param("AccountId"), response._get_param("Name")
    text = response.backend.get_access_point_policy(account, name)
    is_public = public_access.is_public(policy.parse(text))
    return ActionResult({"PolicyStatus": {"IsPublic": is_public}})


REPLACEMENTS = (
    Replacement(
        S3ControlBackend,
        "create_access_point",
        create_access_point,
        "An access point is of its bucket's region; moto's are all of us-east-1.",
        Kind.AROUND,
    ),
    Replacement(
        S3ControlResponse,
        "get_access_point_policy_status",
        get_access_point_policy_status,
        "GetAccessPointPolicyStatus goes by S3's definition of public; moto says yes to any "
        "policy.",
    ),
)
