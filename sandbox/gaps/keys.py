"""Where moto's answers about keys differ from KMS's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.kms.exceptions import ValidationException
from moto.kms.models import KmsBackend
from moto.kms.responses import KmsResponse

from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def by_any_id(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    key_id: str,
    *arguments: Any,
    **keywords: Any,
) -> Any:
    """Call moto's function with a key's id, whatever the key was named by."""
    return original(backend, backend.any_id_to_key_id(key_id), *arguments, **keywords)


def enable_key_rotation(world: World, original: Callable[[Any], str], response: Any) -> str:
    """Rotate a key every so many days. Raises ValidationException beyond 90 to 2560 of them."""
    days = response._get_param("RotationPeriodInDays")
    if days is not None and not 90 <= int(days) <= 2560:
        raise ValidationException(
            f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to "
            "satisfy constraint: Member must have value between 90 and 2560"
        )
    answer = original(response)
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    if days is not None:
        key.sandbox_rotation_days = int(days)
    return answer


def get_key_rotation_status(world: World, original: Callable[[Any], str], response: Any) -> str:
    """A key's rotation, with its period in days while it is on."""
    status = json.loads(original(response))
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    shown = {"KeyId": key.arn, **status}
    if status["KeyRotationEnabled"]:
        shown["RotationPeriodInDays"] = getattr(key, "sandbox_rotation_days", 365)
    return json.dumps(shown)


REPLACEMENTS = (
    *(
        Replacement(
            KmsBackend,
            name,
            by_any_id,
            "A key can be named by its ARN here too, where moto raises KeyError.",
            Kind.AROUND,
        )
        for name in ("disable_key", "enable_key", "cancel_key_deletion", "schedule_key_deletion")
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    Replacement(
        KmsResponse,
        "enable_key_rotation",
        enable_key_rotation,
        "A key's rotation has a period, which moto drops.",
        Kind.AROUND,
    ),
    Replacement(
        KmsResponse,
        "get_key_rotation_status",
        get_key_rotation_status,
        "The answer tells the period: 365 days unless one was given.",
        Kind.AROUND,
    ),
)
