"""Which of the trail's log files Athena passes over in silence: those in an archive.

https://docs.aws.amazon.com/athena/latest/ug/querying-glacier.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from verify.account.sessions import plain_session
from verify.investigate.found import HistoryError

_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_SIDE_BY_SIDE = 8
_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, max_pool_connections=16)


@dataclass(frozen=True)
class Archived:
    """Files that cannot be read until they are restored: how many, and how many bytes."""

    files: int
    size: int


def archived(
    bucket: str,
    account: str,
    home: str,
    regions: Sequence[str],
    days: tuple[datetime, datetime],
) -> Archived:
    """What is archived of the regions' files, or of all, of the days. Raises HistoryError."""
    client = plain_session().create_client("s3", home, config=_CONFIG)
    folder = f"AWSLogs/{account}/CloudTrail/"
    try:
        there = _folders(client, bucket, account, folder)
        chosen = [one for one in there if not regions or one.split("/")[-2] in regions]
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
            parts = list(
                threads.map(lambda one: _of_region(client, bucket, account, one, days), chosen)
            )
    except ClientError as error:
        said = error.response.get("Error", {})
        raise HistoryError(
            f"whether log files are archived cannot be seen in {bucket} "
            f"({said.get('Code', '')}: {said.get('Message', '')}): allow s3:ListBucket"
        ) from None
    return Archived(sum(part.files for part in parts), sum(part.size for part in parts))


def _folders(client: Any, bucket: str, account: str, folder: str) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, ExpectedBucketOwner=account, Prefix=folder, Delimiter="/"
    )
    return [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]


def _of_region(
    client: Any, bucket: str, account: str, folder: str, days: tuple[datetime, datetime]
) -> Archived:
    found = list(_in_archive(client, bucket, account, folder, days))
    return Archived(len(found), sum(found))


def _in_archive(
    client: Any, bucket: str, account: str, folder: str, days: tuple[datetime, datetime]
) -> Iterator[int]:
    """The sizes of the files in an archive of which there is no restored copy."""
    first, last = (f"{folder}{day:%Y/%m/%d}/" for day in days)
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket,
        ExpectedBucketOwner=account,
        Prefix=folder,
        StartAfter=first,
        OptionalObjectAttributes=["RestoreStatus"],
    )
    for page in pages:
        for one in page.get("Contents", []):
            if one["Key"] >= f"{last}~":  # behind every file's name
                return
            restored = "RestoreExpiryDate" in one.get("RestoreStatus", {})
            if one.get("StorageClass") in _ARCHIVES and not restored:
                yield int(one["Size"])
