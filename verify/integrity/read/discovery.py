"""What is to be validated: the trail's bucket and layout, and its accounts and regions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from verify.account.errors import code_and_message, describe
from verify.integrity.judge.anomaly import Anomaly, AnomalyKind
from verify.integrity.judge.layout import (
    DIGEST_FOLDER,
    LOG_FOLDER,
    ChainScope,
    DigestName,
    Layout,
)
from verify.integrity.judge.tail import Departure, TrailStatus
from verify.integrity.read.reader import Reads, UnreadableError

_ARN = re.compile(
    r"arn:[a-z-]+:cloudtrail:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):trail/(?P<name>[^/]+)"
)
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_REGION = re.compile(r"[a-z]{2}[a-z0-9-]*-\d+")
_ENABLED = ("ENABLED", "ENABLED_BY_DEFAULT", "ENABLING", "DISABLING")
# Objects of a day's folder that are looked at for a log file: there is hardly anything else.
_LOOK_AT = 100


class UsageError(Exception):
    """The request cannot be carried out as it stands; the message says what to change."""


@dataclass(frozen=True)
class Trail:
    """The trail that was asked for. `is_multi_region` is None when its settings are not known."""

    arn: str
    account: str
    layout: Layout
    is_multi_region: bool | None


@dataclass(frozen=True)
class Discovery:
    """The accounts and regions to validate, and what has to be said of how they were found.

    `without_files` are those of which the bucket holds nothing at all, `departures` those in which
    the trail records nothing by now.
    """

    scopes: tuple[ChainScope, ...]
    anomalies: tuple[Anomaly, ...]
    without_files: frozenset[ChainScope] = frozenset()
    departures: Mapping[ChainScope, Departure] = field(default_factory=dict)


def parse_arn(arn: str) -> tuple[str, str, str]:
    """Home region, account and name of a trail. Raises UsageError."""
    match = _ARN.fullmatch(arn)
    if match is None:
        raise UsageError(
            f"{arn!r} is not a trail's ARN (arn:aws:cloudtrail:<region>:<account>:trail/<name>)"
        )
    return match["region"], match["account"], match["name"]


def describe_trail(
    clients: Reads, arn: str, bucket: str | None, prefix: str | None, organization: str | None
) -> Trail:
    """The trail, as DescribeTrails knows it, or as far as `bucket` and so on tell.

    With `bucket` the trail need not exist any more. Raises UsageError.
    """
    home, account, name = parse_arn(arn)
    try:
        answer = clients.client("cloudtrail", home).describe_trails(trailNameList=[arn])
        known = next((trail for trail in answer["trailList"] if trail.get("TrailARN") == arn), None)
    except (ClientError, BotoCoreError) as error:
        if bucket is None:
            raise UsageError(f"the trail cannot be read: {error}") from error
        known = None
    if bucket is None:
        if known is None:
            raise UsageError(f"there is no trail {arn}; give --bucket to validate what it left")
        bucket = str(known["S3BucketName"])
        prefix = known.get("S3KeyPrefix") if prefix is None else prefix
    if organization is None and known is not None and known.get("IsOrganizationTrail"):
        organization = _organization(clients, home)
    return Trail(
        arn=arn,
        account=account,
        layout=Layout(bucket, (prefix or "").strip("/"), organization, name, home),
        is_multi_region=None if known is None else bool(known.get("IsMultiRegionTrail")),
    )


def _organization(clients: Reads, region: str) -> str:
    try:
        answer = clients.client("organizations", region).describe_organization()
    except (ClientError, BotoCoreError) as error:
        raise UsageError(
            f"the organization's id cannot be read, give it by --organization-id: {error}"
        ) from error
    return str(answer["Organization"]["Id"])


def bucket_region(clients: Reads, bucket: str, home: str) -> str:
    """The region of a bucket; the trail's home region where that may not be read."""
    try:
        answer = clients.client("s3", home).get_bucket_location(Bucket=bucket)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchBucket":
            raise UsageError(f"there is no bucket {bucket}") from error
        return home
    except BotoCoreError as error:
        raise UsageError(f"the bucket {bucket} cannot be reached: {error}") from error
    location = answer.get("LocationConstraint")
    # What the oldest buckets say.
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(location, str(location))


def find_scopes(
    clients: Reads,
    trail: Trail,
    days: Sequence[date],
    regions: Sequence[str] | None,
    accounts: Sequence[str] | None,
    enabled: Sequence[str] | None = None,
) -> Discovery:
    """The accounts and regions to validate; None for all of them. `enabled`: known to be enabled.

    A region counts if it is enabled or if the bucket has files of it: neither alone would show
    a region whose files were all removed, or files that were put there for one that does not exist.
    What the trail's settings are today says nothing of yesterday: of a trail of one region, others
    count if it has digests there of one of the `days`, or nobody has and there are log files.
    """
    anomalies: tuple[Anomaly, ...] = ()
    scopes: list[ChainScope] = []
    without_files: set[ChainScope] = set()
    departures: dict[ChainScope, Departure] = {}
    try:
        if accounts is None:
            accounts = _accounts(clients, trail)
        if enabled is None and regions is None and trail.is_multi_region is not False:
            enabled = _enabled_regions(clients, trail)
            if enabled is None:
                anomalies = (_regions_unknown(trail),)
        for account in accounts:
            if regions is not None:
                chosen = set(regions)
            else:
                chosen, without, left = _of_account(clients, trail, account, days, enabled)
                without_files |= without
                departures.update(left)
            scopes.extend(ChainScope(account, region) for region in sorted(chosen))
    except UnreadableError as error:
        raise UsageError(str(error)) from error
    return Discovery(tuple(scopes), anomalies, frozenset(without_files), departures)


def _of_account(
    clients: Reads,
    trail: Trail,
    account: str,
    days: Sequence[date],
    enabled: Sequence[str] | None,
) -> tuple[set[str], set[ChainScope], dict[ChainScope, Departure]]:
    """An account's regions, those without files, and those in which nothing is recorded by now."""
    layout, home = trail.layout, trail.layout.home_region
    filed = _filed_regions(clients, layout, account)
    if trail.is_multi_region is False:
        earlier = {
            region
            for region in filed - {home}
            if _may_be_ours(clients, layout, ChainScope(account, region), days)
        }
        narrowed = Departure("the trail records no region but its own any more", ended=False)
        return {home} | earlier, set(), {ChainScope(account, one): narrowed for one in earlier}
    # Each account enables regions of its own; the trail's is the one that was asked for.
    ours = account == trail.account
    chosen = filed | {home} | (set(enabled or ()) if ours else set())
    without = {ChainScope(account, region) for region in chosen - filed}
    departures: dict[ChainScope, Departure] = {}
    if ours and enabled:
        disabled = Departure("the account has disabled the region since", ended=True)
        departures = {ChainScope(account, one): disabled for one in filed - set(enabled)}
    elif not ours and (closed := _closed(clients, trail, account)) is not None:
        departures = {ChainScope(account, region): closed for region in chosen}
    return chosen, without, departures


def _may_be_ours(clients: Reads, layout: Layout, scope: ChainScope, days: Sequence[date]) -> bool:
    """Whether files of a region, on any of the days, are the trail's or nobody's."""
    foreign = False
    for name in _digest_names(clients, layout, scope, days):
        if layout.is_ours(name):
            return True
        foreign = True
    return not foreign and any(
        layout.log_time(scope, history.key) is not None
        for day in days
        for folder in layout.log_folders(scope, day)
        for history in islice(clients.histories(layout.bucket, folder), _LOOK_AT)
    )


def _digest_names(
    clients: Reads, layout: Layout, scope: ChainScope, days: Sequence[date]
) -> Iterator[DigestName]:
    for day in days:
        for folder in layout.digest_folders(scope, day):
            for history in clients.histories(layout.bucket, folder):
                name = layout.digest_name(scope, history.key)
                if name is not None:
                    yield name


def _closed(clients: Reads, trail: Trail, account: str) -> Departure | None:
    """That a member account is closed or has left; None where it has not, or that is not known."""
    try:
        answer = clients.client("organizations", trail.layout.home_region).describe_account(
            AccountId=account
        )
    except ClientError as error:
        if code_and_message(error)[0] == "AccountNotFoundException":
            return Departure("the account has left the organization since", ended=True)
        return None
    except BotoCoreError:
        return None
    # State says the same since 2025, and more exactly; Status is to be gone one day.
    state = answer["Account"].get("State") or answer["Account"].get("Status")
    if state in ("SUSPENDED", "CLOSED", "PENDING_CLOSURE"):
        return Departure("the account has been closed since", ended=True)
    return None


def _accounts(clients: Reads, trail: Trail) -> list[str]:
    """The trail's account; those that the bucket has folders of for an organization's trail."""
    layout = trail.layout
    if layout.organization is None:
        return [trail.account]
    names = {
        name
        for place in layout.places
        if place.organization is not None
        for name in clients.folders(layout.bucket, place.base)
    }
    return sorted(name for name in names if name.isdigit()) or [trail.account]


def _filed_regions(clients: Reads, layout: Layout, account: str) -> set[str]:
    """The regions of which the bucket has digests or log files of an account."""
    return {
        name
        for place in layout.places
        for kind in (DIGEST_FOLDER, LOG_FOLDER)
        for name in clients.folders(layout.bucket, f"{place.base}{account}/{kind}/")
        if _REGION.fullmatch(name)
    }


def _regions_unknown(trail: Trail) -> Anomaly:
    return Anomaly(
        AnomalyKind.REGIONS_UNKNOWN,
        trail.account,
        "",
        trail.layout.bucket,
        "",
        "the enabled regions of the trail's account (ec2:DescribeRegions there, or "
        "account:ListRegions from elsewhere)",
        "they could not be read: a region of which nothing is left is not seen",
    )


def _enabled_regions(clients: Reads, trail: Trail) -> list[str] | None:
    """Those of the trail's account, which need not be the caller's."""
    home = trail.layout.home_region
    try:
        caller = clients.client("sts", home).get_caller_identity()["Account"]
        if caller == trail.account:
            answer = clients.client("ec2", home).describe_regions()
            return [region["RegionName"] for region in answer["Regions"]]
        pages = (
            clients.client("account", home)
            .get_paginator("list_regions")
            .paginate(AccountId=trail.account, RegionOptStatusContains=list(_ENABLED))
        )
        return [region["RegionName"] for page in pages for region in page["Regions"]]
    except (ClientError, BotoCoreError):
        return None


def trail_status(clients: Reads, trail: Trail, scope: ChainScope) -> TrailStatus | None:
    """The trail's status in a region; None where it cannot be read."""
    if scope.account != trail.account:
        return None  # A member account of the organization has a status of its own.
    try:
        return status_of(ask_status(clients, trail.arn, scope.region))
    except UnreadableError:
        return None


def ask_status(clients: Reads, arn: str, region: str) -> Mapping[str, Any]:
    """What GetTrailStatus answers in a region. Raises UnreadableError.

    A trail of one region is not known in the others, where it may have been multi-region before:
    that is an answer, namely that it records nothing there.
    """
    try:
        answer: Mapping[str, Any] = clients.client("cloudtrail", region).get_trail_status(Name=arn)
    except (ClientError, BotoCoreError) as error:
        if code_and_message(error)[0] == "TrailNotFoundException" and region != parse_arn(arn)[0]:
            return {"IsLogging": False}
        raise UnreadableError(describe(error, "cloudtrail", "get_trail_status", region)) from error
    if "IsLogging" not in answer:
        raise UnreadableError(f"the answer of cloudtrail.get_trail_status in {region} is empty")
    return answer


def status_of(answer: Mapping[str, Any]) -> TrailStatus:
    """What an answer of GetTrailStatus says of digests."""
    return TrailStatus(
        is_logging=bool(answer.get("IsLogging")),
        latest_digest_delivery=_utc(answer.get("LatestDigestDeliveryTime")),
        latest_digest_error=answer.get("LatestDigestDeliveryError") or None,
        stopped=_utc(answer.get("StopLoggingTime")),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def check_organization(text: str) -> str:
    """An organization's id. Raises UsageError."""
    if not _ORGANIZATION.fullmatch(text):
        raise UsageError(f"{text!r} is not an organization's id (o-...)")
    return text
