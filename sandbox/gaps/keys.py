"""Where moto's answers about keys differ from KMS's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from moto.kms.exceptions import ValidationException
from moto.kms.models import Alias, Grant, Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

from sandbox.clock import now
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
    key.sandbox_rotates_from = now()
    return answer


def get_key_rotation_status(world: World, original: Callable[[Any], str], response: Any) -> str:
    """A key's rotation, with its period in days and its next date while it is on."""
    status = json.loads(original(response))
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    shown = {"KeyId": key.arn, **status}
    if status["KeyRotationEnabled"]:
        shown["RotationPeriodInDays"] = getattr(key, "sandbox_rotation_days", 365)
        following = key.sandbox_rotates_from + timedelta(days=shown["RotationPeriodInDays"])
        shown["NextRotationDate"] = following.timestamp()
    return json.dumps(shown)


def key_as_dictionary(
    world: World, original: Callable[[Any], dict[str, Any]], key: Any
) -> dict[str, Any]:
    """A key's metadata: what does not apply is left out, and MultiRegion is always told."""
    metadata = original(key)["KeyMetadata"]
    metadata["MultiRegion"] = bool(metadata["MultiRegion"])
    return {"KeyMetadata": {name: value for name, value in metadata.items() if value is not None}}


def grant_as_dictionary(
    world: World, original: Callable[[Any], dict[str, Any]], grant: Any
) -> dict[str, Any]:
    """A grant as ListGrants shows it: with its key's ARN, and without what it does not have."""
    shown = {name: value for name, value in original(grant).items() if value}
    key = getattr(grant, "sandbox_key", None)
    if key is not None:
        arn = key.arn.split(":")
        shown["KeyId"] = key.arn
        shown["IssuingAccount"] = f"arn:{arn[1]}:iam::{arn[4]}:root"
    return shown | {"CreationDate": grant.sandbox_created.timestamp()}


def begin_grant(
    world: World, original: Callable[..., None], grant: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make moto's grant, with the time at which it was made."""
    original(grant, *arguments, **keywords)
    grant.sandbox_created = now()


def add_grant(
    world: World, original: Callable[..., Any], key: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Add a grant to a key, and let it know the key."""
    grant = original(key, *arguments, **keywords)
    grant.sandbox_key = key
    return grant


def list_grants(world: World, original: Callable[[Any], str], response: Any) -> str:
    """A key's grants, without a count of them."""
    answer = json.loads(original(response))
    del answer["GrantCount"]
    return json.dumps(answer)


def get_public_key(world: World, original: Callable[[Any], str], response: Any) -> str:
    """A key's public part, which names the key by its ARN."""
    key = response.kms_backend.describe_key(response._get_param("KeyId"))
    return json.dumps({**json.loads(original(response)), "KeyId": key.arn})


def begin_alias(
    world: World, original: Callable[..., None], alias: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make moto's alias, with the time at which it was made."""
    original(alias, *arguments, **keywords)
    alias.sandbox_created = now()


def list_aliases(world: World, original: Callable[[Any], str], response: Any) -> str:
    """Aliases, with their times."""
    answer = json.loads(original(response))
    made = {alias.alias_arn: alias for alias in response.kms_backend.list_aliases(key_id=None)}
    for entry in answer["Aliases"]:
        alias = made.get(entry["AliasArn"])
        if alias is not None:
            created = alias.sandbox_created.timestamp()
            entry |= {"CreationDate": created, "LastUpdatedDate": created}
    return json.dumps(answer)


def grant_to_function(backend: Any, function: Any) -> None:
    """Let a function's sessions decrypt its variables, by the grant that Lambda makes for it.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html; its members
    are as ListGrants shows them for a key that Lambda uses.
    """
    key_arn, role = function.kms_key_arn, str(function.role).split(":")
    if key_arn and function.environment_vars and len(role) == 6:
        session = (
            f"arn:{role[1]}:sts::{role[4]}:assumed-role/{role[5].rpartition('/')[2]}/"
            f"{function.function_name}"
        )
        kms = kms_backends[backend.account_id][backend.region_name]
        kms.create_grant(
            key_arn,
            session,
            ["Decrypt", "RetireGrant"],
            function.function_name,
            {"EncryptionContextEquals": {"aws:lambda:FunctionArn": function.function_arn}},
            session,
        )


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
        "The answer tells the period, 365 days unless one was given, and the next date.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
    Replacement(
        Key,
        "to_dict",
        key_as_dictionary,
        "MultiRegion is true or false, and never null as in moto.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html
    Replacement(
        Grant,
        "__init__",
        begin_grant,
        "A grant has a creation date, which moto lacks.",
        Kind.AROUND,
    ),
    Replacement(
        Key,
        "add_grant",
        add_grant,
        "A grant's entry names its key, and who issued it.",
        Kind.AROUND,
    ),
    Replacement(
        Grant,
        "to_json",
        grant_as_dictionary,
        "A grant names its key by ARN and the account that issued it, and has no empty members.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
    Replacement(
        KmsResponse,
        "list_grants",
        list_grants,
        "ListGrants does not count its grants, as moto does.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html
    Replacement(
        KmsResponse,
        "get_public_key",
        get_public_key,
        "GetPublicKey names the key by its ARN, whatever it was named by; moto by its id.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_AliasListEntry.html
    Replacement(
        Alias,
        "__init__",
        begin_alias,
        "An alias has a creation date, which moto lacks.",
        Kind.AROUND,
    ),
    Replacement(
        KmsResponse,
        "list_aliases",
        list_aliases,
        "Aliases are listed with their dates.",
        Kind.AROUND,
    ),
)
