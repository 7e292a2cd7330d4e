"""The rows of a table: the files that its projection has, read in the caller's name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.clock import now
from sandbox.queries import columns, projection
from sandbox.queries.access import Access
from sandbox.queries.columns import Column
from sandbox.queries.statement import Table
from sandbox.world import World

_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
# https://docs.aws.amazon.com/athena/latest/ug/querying-glacier.html
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_RESTORED = "read_restored_glacier_objects"


class SourceError(ValueError):
    """The table cannot be read. The message is the reason that Athena gives."""


@dataclass(frozen=True)
class Source:
    """A table's columns, and its files: each with its partition, and its bytes as stored."""

    row: Column
    files: tuple[tuple[str, Mapping[str, str], bytes], ...]

    @property
    def scanned(self) -> int:
        """The bytes that a query reads."""
        return sum(len(content) for _, _, content in self.files)

    def records(self) -> Iterator[Mapping[str, Any]]:
        """The records, each with its partition's columns. Raises SourceError."""
        for name, partition, content in self.files:
            try:
                text = gzip.decompress(content) if name.endswith(".gz") else content
                listed = json.loads(text).get("Records")
            except (OSError, EOFError, ValueError, AttributeError) as error:
                raise SourceError(f"HIVE_CURSOR_ERROR: {name}: {error}") from None
            for record in listed or ():
                yield {**record, **partition}


def read(world: World, access: Access, region: str, table: Table) -> Source:
    """The files of a table, as they are now. Hold the lock. Raises SourceError."""
    account = world.settings.account
    prefix = f"arn:{get_partition(region)}:glue:{region}:{account}"
    catalog = (f"{prefix}:catalog", f"{prefix}:database/{table.database}")
    itself = f"{prefix}:table/{table.database}/{table.name}"
    for action, resources in (
        ("glue:GetDatabase", catalog),
        ("glue:GetTable", (*catalog, itself)),
    ):
        for resource in resources:
            if not access.may(action, resource):
                raise SourceError(
                    "Insufficient permissions to execute the query. User is not authorized to "
                    f"perform: {action} on resource: {resource}"
                )
    found = _definition(world, region, table)
    described = found.get("StorageDescriptor", {})
    serde = described.get("SerdeInfo", {}).get("SerializationLibrary")
    if (described.get("InputFormat"), serde) != (_INPUT, _SERDE):
        raise SourceError(
            "HIVE_UNSUPPORTED_FORMAT: CloudTrail's input format with the JSON SerDe is what is "
            f"known here, not {described.get('InputFormat')} with {serde}"
        )
    keys = [key["Name"] for key in found.get("PartitionKeys", [])]
    properties = found.get("Parameters", {})
    try:
        row = columns.Column(
            "struct",
            tuple(
                (one["Name"], columns.parse(one["Type"]))
                for one in [*described.get("Columns", []), *found.get("PartitionKeys", [])]
            ),
        )
        projected = projection.of_table(properties, keys, now())
    except (columns.TypeUnknownError, projection.ProjectionError) as error:
        raise SourceError(f"INVALID_TABLE_PROPERTY: {error}") from None
    # Without projection there are the partitions that somebody has added, which nobody can here.
    files = () if projected is None else tuple(_files(world, access, region, projected, properties))
    return Source(row, files)


def _definition(world: World, region: str, table: Table) -> Mapping[str, Any]:
    databases = world.backend("glue", region).databases
    if table.database not in databases:
        raise SourceError(f"SCHEMA_NOT_FOUND: Schema '{table.database}' does not exist")
    tables = databases[table.database].tables
    if table.name not in tables:
        raise SourceError(
            f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{table.database}.{table.name}' does not exist"
        )
    definition: Mapping[str, Any] = tables[table.name].as_dict()
    return definition


def _files(
    world: World,
    access: Access,
    region: str,
    projected: projection.Projection,
    properties: Mapping[str, str],
) -> Iterator[tuple[str, Mapping[str, str], bytes]]:
    bucket = world.backend("s3", region).buckets.get(projected.bucket)
    if bucket is None:
        raise SourceError(f"NoSuchBucket: s3://{projected.bucket}")
    if not access.may_on(bucket, "s3:ListBucket", bucket.arn):
        raise _denied("s3:ListBucket", bucket.arn)
    restored = properties.get(_RESTORED, "false").lower() == "true"
    for key, stored in list(bucket.keys.items()):
        partition = projected.values(key) if hasattr(stored, "value") else None
        if partition is None or not _on_the_shelf(stored, restored):
            continue
        arn = f"{bucket.arn}/{key}"
        if not access.may_on(bucket, "s3:GetObject", arn):
            raise _denied("s3:GetObject", arn)
        if stored.kms_key_id and not access.may_use(stored.kms_key_id, "kms:Decrypt"):
            raise _denied("kms:Decrypt", stored.kms_key_id)
        yield f"s3://{bucket.name}/{key}", partition, stored.value


def _on_the_shelf(stored: Any, restored: bool) -> bool:
    """Whether Athena sees an object: archived ones only once restored, and if the table says so."""
    if stored.storage_class not in _ARCHIVES:
        return True
    return restored and stored.expiry_date is not None


def _denied(action: str, resource: str) -> SourceError:
    return SourceError(
        f"PERMISSION_DENIED: Access denied when acting on {resource}: {action} is not allowed"
    )
