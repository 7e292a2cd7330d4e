"""Where moto's answers about tables differ from DynamoDB's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
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
    _grant(world, backend, table)
    return table


def _grant(world: World, backend: Any, table: Any) -> None:
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


def _revoke(world: World, backend: Any, table: Any) -> None:
    key = _key(world, backend, table)
    grant = getattr(table, "sandbox_grant", None)
    if key is not None and grant in key.grants:
        key.revoke_grant(grant)


def update_table(world: World, original: Callable[[Any], Any], response: Any) -> Any:
    """Change a table, its key too; without one it is under a key of DynamoDB's own."""
    backend = response.dynamodb_backend
    given = response.body.get("SSESpecification")
    if given is not None:
        table = backend.get_table(response.body["TableName"])
        _revoke(world, backend, table)
        table.sse_specification = dict(given) if given.get("Enabled") else None
        _grant(world, backend, table)
    return original(response)


def set_stream_specification(
    world: World, original: Callable[..., None], table: Any, streams: dict[str, Any] | None
) -> None:
    """Begin or end a table's stream."""
    original(table, streams)
    if not table.stream_specification.get("StreamEnabled"):
        table.stream_shard = table.latest_stream_label = None


def delete_table(world: World, original: Callable[..., Any], backend: Any, name: str) -> Any:
    """Delete a table, and with it the grant on its key."""
    table = original(backend, name)
    _revoke(world, backend, table)
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
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    Replacement(
        DynamoHandler,
        "update_table",
        update_table,
        "UpdateTable changes a table's key too, which moto drops.",
        Kind.AROUND,
    ),
    Replacement(
        Table,
        "set_stream_specification",
        set_stream_specification,
        "A table whose stream has ended takes writes, at which moto's raises KeyError.",
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
