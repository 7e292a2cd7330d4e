"""Log-integrity faults: files changed, removed, hidden, added; digests forged, cut off, refused."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mutants.account import Account, without
from mutants.model import Family
from mutants.trail import await_status, begins_anew

FAMILY = Family("log integrity")
_PATIENCE_SECONDS = 30.0
# Recent enough to lie in the period that the suite validates here.
_RECENT = timedelta(seconds=20)
# Digests write whole seconds, and the sandbox makes one every three.
_PERIOD = timedelta(seconds=3)
# The statements that keep people from the files, a lock's bypass included.
_PROTECTING = ("DenyWritesByPeople", "DenyDeletion", "DenyTampering")


@dataclass(frozen=True)
class Stored:
    """An object as it was delivered; its version is the only one."""

    key: str
    version: str
    body: bytes
    metadata: dict[str, str]
    modified: datetime

    @property
    def document(self) -> dict[str, Any]:
        """The JSON that it holds."""
        parsed: dict[str, Any] = json.loads(gzip.decompress(self.body))
        return parsed


def _bucket(account: Account) -> dict[str, str]:
    return {"Bucket": account.outputs["log_bucket_name"]}


def _read(account: Account, key: str) -> Stored:
    # Not everybody may, who administers the account; the verifier may.
    answer = account.as_role("s3", account.outputs["verifier_role_arn"]).get_object(
        **_bucket(account), Key=key
    )
    body, metadata = answer["Body"].read(), answer["Metadata"]
    return Stored(key, answer["VersionId"], body, metadata, answer["LastModified"])


def _digest_keys(account: Account) -> list[str]:
    """The keys of the home region's digests of yesterday and today, the oldest first."""
    values, keys = account.outputs, list[str]()
    today = datetime.now(UTC)
    for day in (today - timedelta(days=1), today):
        folder = (
            f"AWSLogs/{values['account_id']}/CloudTrail-Digest/{values['region']}/{day:%Y/%m/%d}/"
        )
        pages = account.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(**_bucket(account), Prefix=folder):
            keys += [one["Key"] for one in page.get("Contents", [])]
    return sorted(keys)


def _await(account: Account, find: Callable[[], Any]) -> Any:
    """What `find` finds; each question to the trail is an event, so that digests keep coming.

    Raises TimeoutError after 30 seconds.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        account.cloudtrail.get_trail_status(Name=account.outputs["trail_arn"])
        found = find()
        if found is not None:
            return found
        if time.monotonic() > until:
            raise TimeoutError("the trail delivered no such digest")
        time.sleep(0.2)


def _recent_digests(account: Account, count: int) -> list[Stored]:
    """The newest digests, which each name a log file: they lie in the period that is validated."""

    def find() -> list[Stored] | None:
        newest = [_read(account, key) for key in _digest_keys(account)[-count:]]
        since = datetime.now(UTC) - _RECENT
        fit = all(one.document["logFiles"] and one.modified > since for one in newest)
        return newest if fit and len(newest) == count else None

    found: list[Stored] = _await(account, find)
    return found


def _a_log(account: Account) -> Stored:
    """A log file that a recent digest names."""
    digest = _recent_digests(account, 2)[0].document
    return _read(account, digest["logFiles"][0]["s3Object"])


@contextmanager
def _unprotected(account: Account) -> Iterator[None]:
    """The bucket policy without what protects the files, as an attacker would have it meanwhile."""
    with ExitStack() as briefly:
        policy = without(account.document("bucket"), *_PROTECTING)
        account.replace(briefly, "bucket", policy)
        yield


def _erase(account: Account, key: str) -> None:
    """Remove every version of an object, and every delete marker."""
    answer = account.s3.list_object_versions(**_bucket(account), Prefix=key)
    for one in (*answer.get("Versions", []), *answer.get("DeleteMarkers", [])):
        account.s3.delete_object(
            **_bucket(account),
            Key=key,
            VersionId=one["VersionId"],
            BypassGovernanceRetention=True,
        )


def _restore(account: Account, stored: Stored) -> None:
    with _unprotected(account):
        _erase(account, stored.key)
        _put(account, stored, stored.body)


def _put(account: Account, stored: Stored, body: bytes, metadata: Any = None) -> None:
    account.s3.put_object(
        **_bucket(account),
        Key=stored.key,
        Body=body,
        Metadata=stored.metadata if metadata is None else metadata,
    )


def _replace(
    account: Account, mending: ExitStack, stored: Stored, body: bytes, metadata: Any = None
) -> None:
    """Put `body` in the place of an object and remove the version that told the truth."""
    mending.callback(_restore, account, stored)
    with _unprotected(account):
        _erase(account, stored.key)
        _put(account, stored, body, metadata)


def _remove(account: Account, mending: ExitStack, stored: Stored) -> None:
    mending.callback(_restore, account, stored)
    with _unprotected(account):
        _erase(account, stored.key)


# --- log files ------------------------------------------------------------------------------------


@FAMILY.fault("a record is taken out of a log file", "log-integrity-intact")
def log_file_changed(account: Account, mending: ExitStack) -> None:
    stored = _a_log(account)
    records = stored.document["Records"]
    forged = json.dumps({"Records": records[1:]}).encode()
    _replace(account, mending, stored, gzip.compress(forged))


@FAMILY.fault("records are appended as a second gzip member", "log-integrity-intact")
def log_file_appended_to(account: Account, mending: ExitStack) -> None:
    stored = _a_log(account)
    _replace(account, mending, stored, stored.body + gzip.compress(b'{"Records":[]}'))


@FAMILY.fault("a log file is deleted, all its versions included", "log-integrity-intact")
def log_file_deleted(account: Account, mending: ExitStack) -> None:
    _remove(account, mending, _a_log(account))


@FAMILY.fault("a log file is hidden by a delete marker", "log-integrity-intact")
def log_file_hidden(account: Account, mending: ExitStack) -> None:
    stored = _a_log(account)
    mending.callback(_restore, account, stored)
    with _unprotected(account):
        account.s3.delete_object(**_bucket(account), Key=stored.key)


# For a day it may be one of CloudTrail's own that a backfill digest will name: not yet verifiable.
@FAMILY.fault(
    "a log file that no digest names is added", errors=frozenset({"log-integrity-intact"})
)
def log_file_added(account: Account, mending: ExitStack) -> None:
    stored = _a_log(account)
    name, _, _ = stored.key.rpartition("_")
    key = f"{name}_Forged0123456789.json.gz"

    def take_away() -> None:
        with _unprotected(account):
            _erase(account, key)

    mending.callback(take_away)
    with _unprotected(account):
        account.s3.put_object(**_bucket(account), Key=key, Body=stored.body)
    added = datetime.now(UTC)

    def digested() -> bool | None:
        newest = _read(account, _digest_keys(account)[-1]).document
        return datetime.fromisoformat(newest["digestEndTime"]) > added + _PERIOD or None

    _await(account, digested)


# --- digests --------------------------------------------------------------------------------------


@FAMILY.fault("a digest is changed to name one log file less", "log-integrity-intact")
def digest_changed(account: Account, mending: ExitStack) -> None:
    stored = _recent_digests(account, 2)[0]
    document = stored.document
    del document["logFiles"][0]
    forged = json.dumps(document, separators=(",", ":")).encode()
    _replace(account, mending, stored, gzip.compress(forged))


@FAMILY.fault("a digest is copied and loses its signature", "log-integrity-intact")
def digest_without_signature(account: Account, mending: ExitStack) -> None:
    stored = _recent_digests(account, 2)[0]
    _replace(account, mending, stored, stored.body, metadata={})


@FAMILY.fault("a digest is taken out of the chain", "log-integrity-intact")
def digest_deleted(account: Account, mending: ExitStack) -> None:
    _remove(account, mending, _recent_digests(account, 2)[0])


@FAMILY.fault("the newest digest is deleted", "log-integrity-intact")
def newest_digest_deleted(account: Account, mending: ExitStack) -> None:
    # Of two that a busy machine delivered in one breath, CloudTrail's latest time tells none apart.
    def apart() -> Stored | None:
        before, newest = _recent_digests(account, 2)
        return newest if newest.modified - before.modified > _PERIOD * 3 / 4 else None

    _remove(account, mending, _await(account, apart))


@FAMILY.fault("validation is off for some seconds, and on again", "log-integrity-intact")
def gap(account: Account, mending: ExitStack) -> None:
    begins_anew(account, mending)
    name = account.outputs["trail_arn"]
    mending.callback(account.cloudtrail.update_trail, Name=name, EnableLogFileValidation=True)
    account.cloudtrail.update_trail(Name=name, EnableLogFileValidation=False)
    time.sleep(2 * _PERIOD.total_seconds())
    account.cloudtrail.update_trail(Name=name, EnableLogFileValidation=True)
    until = datetime.now(UTC)
    _await(account, lambda: _read(account, _digest_keys(account)[-1]).modified > until or None)


@FAMILY.fault("the bucket policy refuses digests and nothing else", "digests-on-time")
def digests_refused(account: Account, mending: ExitStack) -> None:
    mending.callback(
        await_status, account, lambda status: not status.get("LatestDigestDeliveryError")
    )
    policy = account.document("bucket")
    files = f"{account.outputs['log_bucket_arn']}/AWSLogs/*/CloudTrail-Digest/*"
    policy["Statement"].append(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": files}
    )
    account.replace(mending, "bucket", policy)
    await_status(account, lambda status: bool(status.get("LatestDigestDeliveryError")))
