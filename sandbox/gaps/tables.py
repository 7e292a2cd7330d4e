"""Where moto's answers about tables differ from DynamoDB's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.kms.models import kms_backends

from sandbox import regions
from sandbox.access import permissions
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html#dynamodb-grants
_OPERATIONS = [
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
    "DescribeKey",
]


def create_table(
    world: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Make a table; DynamoDB gives itself a grant on its customer-managed key."""
    table = original(backend, *arguments, **keywords)
    key = _key(world, backend, table)
    if key is not None:
        service = f"dynamodb.{backend.region_name}.{regions.dns_suffix(backend.region_name)}"
        context = {
            "aws:dynamodb:tableName": table.name,
            "aws:dynamodb:subscriberId": backend.account_id,
        }
        kms = kms_backends[backend.account_id][backend.region_name]
        table.sandbox_grant, _ = kms.create_grant(
            key.arn,
            service,
            _OPERATIONS,
            table.name,
            {"EncryptionContextSubset": context},
            service,
        )
    return table


def delete_table(world: World, original: Callable[..., Any], backend: Any, name: str) -> Any:
    """Delete a table, and with it the grant on its key."""
    table = original(backend, name)
    key = _key(world, backend, table)
    grant = getattr(table, "sandbox_grant", None)
    if key is not None and grant in key.grants:
        key.revoke_grant(grant)
    return table


def _key(world: World, backend: Any, table: Any) -> Any | None:
    name = (table.sse_specification or {}).get("KMSMasterKeyId")
    return permissions.find_key(world, name, backend.region_name) if name else None


REPLACEMENTS = (
    Replacement(
        DynamoDBBackend,
        "create_table",
        create_table,
        "DynamoDB gives itself a grant on a table's customer-managed key, which ListGrants shows.",
        Kind.AROUND,
    ),
    Replacement(
        DynamoDBBackend,
        "delete_table",
        delete_table,
        "With a table goes DynamoDB's grant on its key.",
        Kind.AROUND,
    ),
)
