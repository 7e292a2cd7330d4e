"""STS, which must agree with what the records say of callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.sts.models import AssumedRole, STSBackend

from sandbox.access.caller import Signature, identify
from sandbox.clock import iso_seconds, now
from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def begin_session(
    world: World, original: Callable[..., None], role: Any, *arguments: Any, **keywords: Any
) -> None:
    """Note when a role's session began, for the records of its calls."""
    original(role, *arguments, **keywords)
    role.sandbox_started = iso_seconds(now())


def get_caller_identity(
    world: World, backend: Any, access_key_id: str, region: str
) -> tuple[str, str, str]:
    """The caller's unique id, ARN and account, as the records have them."""
    caller = identify(world, Signature(access_key_id, region, "sts"))
    return caller.principal_id, caller.arn, caller.account


REPLACEMENTS = (
    Replacement(
        AssumedRole,
        "__init__",
        begin_session,
        "The records of a session's calls say when it began, which moto does not keep.",
        Kind.AROUND,
    ),
    Replacement(
        STSBackend,
        "get_caller_identity",
        get_caller_identity,
        'moto answers with an ARN (sts user "moto") that no principal has.',
    ),
)
