"""Files that Object Lock keeps whatever is destroyed, and what must stay with them.

In COMPLIANCE mode nobody deletes a locked version, the account's root included. A destruction that
tries takes the bucket's policy and encryption away first, and then ends half-way; and a key that is
gone leaves its files unreadable. So what is locked stays, with all that protects it. In GOVERNANCE
mode Terraform's provider deletes locked versions all the same, where its caller may.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import DeployError
from deploy.protected import resources_of

_COMPLIANCE, _GOVERNANCE = "COMPLIANCE", "GOVERNANCE"
_ABSENT = frozenset({"NoSuchBucket", "404"})
_UNLOCKED = frozenset({"NoSuchObjectLockConfiguration", "InvalidRequest", "NoSuchKey"})
_NO_LOCK = frozenset({"ObjectLockConfigurationNotFoundError"})
# How many listings of a thousand versions are looked through for the one that is locked longest.
# Names begin with a day, so that a whole bucket of years would take hours.
_MAXIMUM_PAGES = 20
_KEYS = ("aws_kms_key", "aws_kms_alias")
# What a resource depends on is named without the indices of resources and of modules.
_INDEX = re.compile(r"\[[^]]*\]")


@dataclass(frozen=True)
class Locked:
    """A bucket of which versions are locked now; the last of them until `until`."""

    bucket: str
    mode: str
    until: datetime

    @property
    def stays(self) -> bool:
        """Whether nobody can delete them before."""
        return self.mode == _COMPLIANCE

    def __str__(self) -> str:
        day = f"{self.until:%Y-%m-%d}"
        if self.stays:
            return (
                f"The files in {self.bucket} are locked in COMPLIANCE mode, the last of them until "
                f"{day}: nobody can delete them before. They remain, with the bucket, its "
                "settings and the key that encrypts them"
            )
        return (
            f"The files in {self.bucket} are locked in GOVERNANCE mode, the last of them until "
            f"{day}. They are deleted all the same: that takes s3:BypassGovernanceRetention, "
            "besides s3:DeleteObjectVersion"
        )


def locked_buckets(state: Any, s3: Any) -> list[Locked]:
    """The buckets of the `state` that hold locked files.

    `state` is what `terraform show -json` prints, `s3` a client. Raises DeployError where it cannot
    be seen.
    """
    return [
        found
        for name in _buckets(state)
        if (found := _locked(s3, name, datetime.now(UTC))) is not None
    ]


def removable(state: Any, kept: list[Locked]) -> list[str]:
    """The addresses of all that may go while the `kept` buckets stay.

    With them stays what they need: their settings, which name other resources, other buckets with
    theirs among them, and keys.
    """
    managed = [
        resource for resource in resources_of(state) if resource.get("mode", "managed") == "managed"
    ]
    staying = {resource["address"] for resource in managed if resource["type"] in _KEYS}
    names: set[Any] = {found.bucket for found in kept}
    while True:
        here = [one for one in managed if one["address"] in staying or _is_of(one, names)]
        needed = {address for one in here for address in one.get("depends_on", ())}
        more = [one for one in managed if one in here or _INDEX.sub("", one["address"]) in needed]
        names |= {_bucket_of(one) for one in more if one["type"] == "aws_s3_bucket"}
        if {one["address"] for one in more} == staying:
            return [one["address"] for one in managed if one["address"] not in staying]
        staying = {one["address"] for one in more}


def _is_of(resource: Mapping[str, Any], names: set[Any]) -> bool:
    """Whether it is one of these buckets, or a setting of one."""
    return resource["type"].startswith("aws_s3_bucket") and _bucket_of(resource) in names


def _bucket_of(resource: Mapping[str, Any]) -> Any:
    return (resource.get("values") or {}).get("bucket")


def _buckets(state: Any) -> Iterator[str]:
    for resource in resources_of(state):
        values = resource.get("values", {})
        if resource.get("type") == "aws_s3_bucket" and values.get("object_lock_enabled"):
            yield values["bucket"]


def _locked(s3: Any, bucket: str, now: datetime) -> Locked | None:
    try:
        latest = max((one for one in _retentions(s3, bucket) if one[1] > now), default=None)
        if latest is None:
            return None
        mode, days = _default(s3, bucket)
    except ClientError as error:
        if _code(error) in _ABSENT:
            return None
        raise _unseen(bucket, error) from error
    except BotoCoreError as error:
        raise _unseen(bucket, error) from error
    # Until the trail is gone, it delivers: its last file is locked for the longest.
    until = latest[1] if not days else max(latest[1], now + timedelta(days=days))
    stays = latest[0] or mode == _COMPLIANCE
    return Locked(bucket, _COMPLIANCE if stays else _GOVERNANCE, until)


def _retentions(s3: Any, bucket: str) -> Iterator[tuple[bool, datetime]]:
    """Of the newest version of each listing: whether it is for good, and until when it is locked.

    One that nobody can unlock comes before those that somebody can, however long.
    """
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for number, page in enumerate(pages):
        if number == _MAXIMUM_PAGES:
            return
        versions = page.get("Versions") or []
        if versions:
            newest = max(versions, key=lambda version: version["LastModified"])
            which = {"Key": newest["Key"], "VersionId": newest["VersionId"]}
            yield from _retention(s3, bucket, which)


def _retention(s3: Any, bucket: str, which: Mapping[str, str]) -> Iterator[tuple[bool, datetime]]:
    try:
        found = s3.get_object_retention(Bucket=bucket, **which)["Retention"]
    except ClientError as error:
        if _code(error) in _UNLOCKED:
            return
        raise
    yield found["Mode"] == _COMPLIANCE, found["RetainUntilDate"]


def _default(s3: Any, bucket: str) -> tuple[str | None, int]:
    """Mode and days by which new files are locked."""
    try:
        lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    except ClientError as error:
        if _code(error) in _NO_LOCK:
            return None, 0
        raise
    retention = (lock.get("Rule") or {}).get("DefaultRetention") or {}
    days = int(retention.get("Days") or 0) + 365 * int(retention.get("Years") or 0)
    return retention.get("Mode"), days


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unseen(bucket: str, error: Exception) -> DeployError:
    return DeployError(
        f"It cannot be seen whether files in {bucket} are locked ({error}), so nothing was removed",
        "Let these credentials look (s3:ListBucketVersions, s3:GetObjectRetention, "
        "s3:GetBucketObjectLockConfiguration).",
    )
