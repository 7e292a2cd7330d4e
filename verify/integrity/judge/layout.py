"""Where a trail puts its files: building and reading S3 keys.

Source: CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail digest file
structure".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

# Digests are made every hour; one may end this long after the last moment that it covers.
DIGEST_PERIOD = timedelta(hours=1)
OVERHANG = timedelta(minutes=65)

ONE_DAY = timedelta(days=1)

DIGEST_FOLDER = "CloudTrail-Digest"
LOG_FOLDER = "CloudTrail"
_DIGEST_NAME = re.compile(
    r"(?P<account>\d{12})_CloudTrail-Digest_(?P<region>[a-z0-9-]+)_(?P<trail>.+)"
    r"_(?P<home>[a-z]{2}[a-z0-9-]*-\d+)_(?P<end>\d{8}T\d{6}Z)(?P<backfill>_backfill)?\.json\.gz"
)
_LOG_NAME = re.compile(
    r"(?P<account>\d{12})_CloudTrail_(?P<region>[a-z0-9-]+)_(?P<time>\d{8}T\d{4}Z)_[^_/]+\.json\.gz"
)
# The last AWSLogs counts: a prefix may be named like it.
_BASE = re.compile(r"(?P<prefix>.+/)?AWSLogs/(?:(?P<organization>o-[a-z0-9]{10,32})/)?\d{12}/")


@dataclass(frozen=True)
class ChainScope:
    """One account in one region: what a digest chain, and so each piece of work, is about."""

    account: str
    region: str


@dataclass(frozen=True)
class DigestName:
    """What the name of a digest tells: `end` is the moment up to which it covers."""

    trail: str
    home_region: str
    end: datetime
    backfill: bool


@dataclass(frozen=True)
class Place:
    """Where in a bucket a trail's files lie: a prefix without a slash at its end, an o-... id."""

    prefix: str
    organization: str | None

    @property
    def base(self) -> str:
        """The folder that holds a folder for each account."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        organization = f"{self.organization}/" if self.organization else ""
        return f"{prefix}AWSLogs/{organization}"


@dataclass(frozen=True)
class Layout:
    """The keys of one trail. `prefix` has no slash at its end; `organization` is its o-... id.

    These are where it delivers to by its settings; `earlier` are the other places in the bucket
    where files of it lie.
    """

    bucket: str
    prefix: str
    organization: str | None
    trail: str
    home_region: str
    earlier: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        """All places, the present one first."""
        return tuple(dict.fromkeys((Place(self.prefix, self.organization), *self.earlier)))

    def region_folders(self, kind: str, scope: ChainScope) -> tuple[str, ...]:
        """The folders of a region, by place; `kind` is DIGEST_FOLDER or LOG_FOLDER."""
        return tuple(f"{place.base}{scope.account}/{kind}/{scope.region}/" for place in self.places)

    def digest_folders(self, scope: ChainScope, day: date) -> tuple[str, ...]:
        """The folders of the digests that end on `day`, of every trail, by place."""
        return self._of_day(DIGEST_FOLDER, scope, day)

    def log_folders(self, scope: ChainScope, day: date) -> tuple[str, ...]:
        """The folders of the log files delivered on `day`, by place."""
        return self._of_day(LOG_FOLDER, scope, day)

    def _of_day(self, kind: str, scope: ChainScope, day: date) -> tuple[str, ...]:
        date_folder = day.strftime("%Y/%m/%d/")
        return tuple(folder + date_folder for folder in self.region_folders(kind, scope))

    def place_of(self, scope: ChainScope, key: str) -> Place | None:
        """The place in which a digest of this trail would have this key; None for any other key."""
        match = _BASE.match(key)
        if match is None:
            return None
        place = Place((match["prefix"] or "").rstrip("/"), match["organization"])
        there = replace(self, prefix=place.prefix, organization=place.organization, earlier=())
        name = there.digest_name(scope, key)
        return place if name is not None and self.is_ours(name) else None

    def digest_name(self, scope: ChainScope, key: str) -> DigestName | None:
        """What `key` says of the digest; None where it is not where a digest of `scope` lies."""
        match = _DIGEST_NAME.fullmatch(key.rpartition("/")[2])
        if match is None or (match["account"], match["region"]) != (scope.account, scope.region):
            return None
        end = _time(match["end"])
        if end is None or key.rpartition("/")[0] + "/" not in self.digest_folders(
            scope, end.date()
        ):
            return None
        return DigestName(match["trail"], match["home"], end, match["backfill"] is not None)

    def is_ours(self, name: DigestName) -> bool:
        """Whether a digest is of this trail, and not of another that shares the bucket."""
        return (name.trail, name.home_region) == (self.trail, self.home_region)

    def log_time(self, scope: ChainScope, key: str) -> datetime | None:
        """The minute of delivery in a log file's name; None where it is no log of `scope`."""
        match = _LOG_NAME.fullmatch(key.rpartition("/")[2])
        if match is None or (match["account"], match["region"]) != (scope.account, scope.region):
            return None
        time = _time(match["time"])
        if time is None or key.rpartition("/")[0] + "/" not in self.log_folders(scope, time.date()):
            return None
        return time


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
