"""Listing a bucket page by page with a botocore client, whose errors are the caller's to handle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from verify.integrity.judge.history import History, Version


def version_histories(client: Any, bucket: str, prefix: str, after: str) -> Iterator[History]:
    """The objects below `prefix` with all their versions, in the order of their keys.

    The rows of ListObjectVersions are grouped by key; a key's rows may go on on the next page.
    """
    parameters: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    if after:
        parameters["KeyMarker"] = after
    carried: dict[str, list[Version]] = {}
    while True:
        page = client.list_object_versions(**parameters)
        rows = carried
        for is_marker, name in ((False, "Versions"), (True, "DeleteMarkers")):
            for row in page.get(name, ()):
                rows.setdefault(row["Key"], []).append(
                    Version(
                        row["VersionId"],
                        row["IsLatest"],
                        is_marker,
                        row["LastModified"],
                        row.get("Size", 0),
                    )
                )
        keys = sorted(rows)
        carried = {}
        if page.get("IsTruncated"):
            carried = {keys[-1]: rows[keys.pop()]} if keys else {}
        for key in keys:
            yield History(key, _newest_first(rows[key]))
        if not page.get("IsTruncated"):
            return
        parameters["KeyMarker"] = page["NextKeyMarker"]
        parameters.pop("VersionIdMarker", None)
        if page.get("NextVersionIdMarker"):
            parameters["VersionIdMarker"] = page["NextVersionIdMarker"]


def _newest_first(versions: list[Version]) -> tuple[Version, ...]:
    if len(versions) == 1:
        return tuple(versions)
    return tuple(
        sorted(versions, key=lambda version: (version.is_latest, version.modified), reverse=True)
    )


def plain_histories(client: Any, bucket: str, prefix: str, after: str) -> Iterator[History]:
    """The objects below `prefix`, each with its latest version alone, as ListObjectsV2 has them."""
    parameters: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    if after:
        parameters["StartAfter"] = after
    for page in _object_pages(client, parameters):
        for row in page.get("Contents", ()):
            latest = Version(
                "",
                is_latest=True,
                is_marker=False,
                modified=row["LastModified"],
                size=row.get("Size", 0),
            )
            yield History(row["Key"], (latest,))


def folder_names(client: Any, bucket: str, prefix: str) -> list[str]:
    """The names of the folders directly below `prefix`."""
    return [
        row["Prefix"][len(prefix) :].rstrip("/")
        for page in _object_pages(client, {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"})
        for row in page.get("CommonPrefixes", ())
    ]


def _object_pages(client: Any, parameters: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    while True:
        page = client.list_objects_v2(**parameters)
        yield page
        if not page.get("IsTruncated"):
            return
        parameters["ContinuationToken"] = page["NextContinuationToken"]
