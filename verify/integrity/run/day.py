"""Validating what was delivered for one account and region on one day.

A day is the unit of work. It owns the digests that end on it (their names carry the end) and the
log files in its folder. Of the next day it reads the digests that reach back over midnight, for the
names in them; whether its own digests continue those of the day before is linked afterwards.
Memory holds a few digests, the log files that they name and one page of the listing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Node
from verify.integrity.judge.coverage import Interval, union
from verify.integrity.judge.digest import Digest, LogEntry
from verify.integrity.judge.digests import JudgedDigest
from verify.integrity.judge.history import History
from verify.integrity.judge.layout import (
    ONE_DAY,
    OVERHANG,
    ChainScope,
    DigestName,
    Layout,
    midnight,
)
from verify.integrity.judge.logs import CheckedLog
from verify.integrity.judge.signature import PublicKey
from verify.integrity.judge.totals import Totals
from verify.integrity.judge.unnamed import Standing, Vouching
from verify.integrity.read.reader import Reader, UnreadableError, history_of
from verify.integrity.run.check_log import check_log
from verify.integrity.run.load_digest import load_digest
from verify.integrity.run.log_listing import LogListing
from verify.integrity.run.meter import Meter
from verify.integrity.run.tally import MAXIMUM_OF_A_DAY, Tally

_DIGESTS_A_TASK = 8
_LOGS_A_TASK = 32
_TASKS_AHEAD = 24


@dataclass(frozen=True)
class DayJob:
    """One day's work. `start` and `end` bound the period, `keys` are the region's public keys.

    `is_first`: no day before it is validated. `due`: digests of any time before it should exist.
    """

    layout: Layout
    scope: ChainScope
    day: date
    start: datetime
    end: datetime
    keys: tuple[PublicKey, ...]
    is_first: bool
    due: datetime


@dataclass(frozen=True)
class DayResult:
    """What one day brought. `nodes` (standard) and `backfill_nodes` are for linking, in order.

    `unreferenced` are log files that no digest of the day names, and when they arrived;
    `named_elsewhere` those that its digests name although they lie outside of its folder: the one
    may settle the other.
    """

    scope: ChainScope
    day: date
    nodes: tuple[Node, ...]
    backfill_nodes: tuple[Node, ...]
    anomalies: tuple[Anomaly, ...]
    unreferenced: tuple[tuple[str, datetime], ...]
    named_elsewhere: frozenset[str]
    totals: Totals
    complete: bool
    sees_versions: bool


@dataclass(frozen=True, slots=True)
class _Named:
    """A log file as a digest names it. `history` is None where its listing is not at hand."""

    entry: LogEntry
    digest_key: str
    history: History | None
    lies_elsewhere: bool


def validate_day(job: DayJob, reader: Reader, pool: ThreadPoolExecutor, meter: Meter) -> DayResult:
    """Validate one day. Reads run in `pool`, a bounded number ahead."""
    return _Day(job, reader, pool, meter).run()


class _Day:
    def __init__(self, job: DayJob, reader: Reader, pool: ThreadPoolExecutor, meter: Meter) -> None:
        self._job = job
        self._reader = reader
        self._pool = pool
        self._meter = meter
        self._tally = Tally()
        self._nodes: list[Node] = []
        self._backfill_nodes: list[Node] = []
        self._foreign: list[tuple[History, DigestName]] = []
        self._covered: list[Interval] = []
        self._chain: list[Node] = []
        self._beyond: list[Digest] = []
        self._elsewhere: set[str] = set()
        self._named: deque[_Named] = deque()
        self._running: deque[Future[list[CheckedLog]]] = deque()
        self._latest_end = job.end + OVERHANG
        self._reach = midnight(job.day + ONE_DAY) + OVERHANG
        self._folders = job.layout.log_folders(job.scope, job.day)
        self._before = job.layout.log_folders(job.scope, job.day - ONE_DAY)

    def run(self) -> DayResult:
        job = self._job
        listing = LogListing(
            self._reader.histories(job.layout.bucket, folder) for folder in self._folders
        )
        for loaded in self._digests():
            self._take(loaded, listing)
        self._hand_on(1)
        self._collect(0)
        listing.advance(None)
        if listing.problem is not None:
            self._find(
                AnomalyKind.LISTING_UNREADABLE, self._folders[0], "its log files", listing.problem
            )
        if self._tally.totals.logs_archived:
            # In one finding: a restore is of all of them, and there may be thousands a day.
            count = self._tally.totals.logs_archived
            seen = f"{count:,} archived: to be restored first"
            folder = self._folders[0]
            self._find(AnomalyKind.LOG_ARCHIVED, folder, "log files that can be read", seen)
        unreferenced = self._unreferenced(listing)
        anomalies = tuple(self._tally.anomalies)
        return DayResult(
            scope=job.scope,
            day=job.day,
            nodes=tuple(self._nodes),
            backfill_nodes=tuple(self._backfill_nodes),
            anomalies=anomalies,
            unreferenced=unreferenced,
            named_elsewhere=frozenset(self._elsewhere),
            totals=self._tally.totals,
            complete=self._is_complete(anomalies),
            sees_versions=self._reader.sees_versions,
        )

    def _take(self, loaded: JudgedDigest, listing: LogListing) -> None:
        """Count a digest and have the log files checked that it names."""
        digest = loaded.digest
        if digest is not None and digest.start >= self._job.end:
            self._beyond.append(digest)
            return
        if loaded.name.end.date() == self._job.day:
            (self._backfill_nodes if loaded.name.backfill else self._nodes).append(loaded.node)
            self._count_digest(loaded)
        if digest is None:
            return
        if not loaded.name.backfill:
            self._covered.append((digest.start, digest.end))
            if loaded.node.proven:
                self._chain.append(loaded.node)
        self._check_logs(loaded, digest, listing)

    # --- digests ------------------------------------------------------------------------------

    def _digests(self) -> Iterator[JudgedDigest]:
        """The trail's digests that concern the day, ordered by their ends, a few read ahead."""
        ahead: deque[Future[list[JudgedDigest]]] = deque()
        listed = self._listed()
        for begin in range(0, len(listed), _DIGESTS_A_TASK):
            ahead.append(self._pool.submit(self._load, listed[begin : begin + _DIGESTS_A_TASK]))
            if len(ahead) > 1:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()

    def _load(self, listed: Sequence[tuple[History, DigestName]]) -> list[JudgedDigest]:
        job = self._job
        bucket = job.layout.bucket
        self._reader.announce(
            bucket, [history.key for history, _ in listed if not history.is_hidden]
        )
        return [
            load_digest(self._reader, job.scope, bucket, history, name, job.keys)
            for history, name in listed
        ]

    def _listed(self) -> list[tuple[History, DigestName]]:
        job = self._job
        ours: list[tuple[History, DigestName]] = []
        for day in (job.day, job.day + ONE_DAY):
            if midnight(day) > self._latest_end:
                break
            for folder in job.layout.digest_folders(job.scope, day):
                try:
                    for history in self._reader.histories(job.layout.bucket, folder):
                        name = self._name(history, day)
                        if name is not None and self._concerns(name, history):
                            ours.append((history, name))
                except UnreadableError as error:
                    self._find(AnomalyKind.LISTING_UNREADABLE, folder, "its digests", str(error))
        return sorted(ours, key=lambda listed: (listed[1].end, listed[1].backfill))

    def _name(self, history: History, day: date) -> DigestName | None:
        """What an object's key says of a digest; an object of the day that is none is reported."""
        job = self._job
        name = job.layout.digest_name(job.scope, history.key)
        if name is None and day == job.day and not history.is_placeholder:
            self._find(
                AnomalyKind.UNEXPECTED_OBJECT,
                history.key,
                "nothing but digests in this folder",
                "an object whose name is not that of a digest of this place",
            )
        return name

    def _concerns(self, name: DigestName, history: History) -> bool:
        """Whether a digest is the trail's and of the day's time; another trail's is kept aside."""
        if name.end > self._reach:
            return False
        if not self._job.layout.is_ours(name):
            self._foreign.append((history, name))
            return False
        return self._job.start < name.end <= self._latest_end

    def _count_digest(self, loaded: JudgedDigest) -> None:
        self._tally.find(loaded.anomalies)
        proven = int(loaded.node.proven)
        archived = [one for one in loaded.anomalies if one.kind is AnomalyKind.DIGEST_ARCHIVED]
        self._tally.add(digests_archived=len(archived), archived_bytes=loaded.archived_bytes)
        if loaded.name.backfill:
            self._tally.add(backfill_digests=1, backfill_digests_proven=proven)
        else:
            self._tally.add(digests=1, digests_proven=proven)
        self._meter.add(digests=1)

    # --- log files ----------------------------------------------------------------------------

    def _check_logs(self, loaded: JudgedDigest, digest: Digest, listing: LogListing) -> None:
        """Check those log files that a digest names and that are this day's to check."""
        here = [entry for entry in digest.logs if self._is_here(entry)]
        if here:
            listing.advance(max(entry.key for entry in here))
        work = [
            _Named(entry, digest.key, listing.waiting.pop(entry.key, None), lies_elsewhere=False)
            for entry in here
        ]
        if loaded.name.end.date() == self._job.day:
            for entry in digest.logs:
                if not self._is_here(entry) and not self._is_for_day_before(entry, loaded.name):
                    self._elsewhere.add(entry.key)
                    work.append(_Named(entry, digest.key, None, lies_elsewhere=True))
        if not loaded.node.proven:
            self._tally.add(logs_under_unproven_digests=len(work))
        self._named.extend(work)
        self._hand_on(_LOGS_A_TASK)

    def _hand_on(self, least: int) -> None:
        """Hand the pool what is to be checked, while there are at least so many."""
        while len(self._named) >= least:
            count = min(len(self._named), _LOGS_A_TASK)
            task = [self._named.popleft() for _ in range(count)]
            self._running.append(self._pool.submit(self._check, task))
            self._collect(_TASKS_AHEAD)

    def _is_here(self, entry: LogEntry) -> bool:
        return entry.bucket == self._job.layout.bucket and entry.key.startswith(self._folders)

    def _is_for_day_before(self, entry: LogEntry, name: DigestName) -> bool:
        return (
            not self._job.is_first
            and entry.bucket == self._job.layout.bucket
            and entry.key.startswith(self._before)
            and name.end <= midnight(self._job.day) + OVERHANG
        )

    def _check(self, task: Sequence[_Named]) -> list[CheckedLog]:
        bucket = self._job.layout.bucket
        self._reader.announce(
            bucket, [named.entry.key for named in task if named.entry.bucket == bucket]
        )
        checked = []
        for named in task:
            entry, history = named.entry, named.history
            if named.lies_elsewhere:
                try:
                    history = history_of(self._reader, entry.bucket, entry.key)
                except UnreadableError:
                    history = None  # Reading it will tell why.
            checked.append(
                check_log(self._reader, self._job.scope, entry, named.digest_key, history)
            )
        self._meter.add(logs=len(checked))
        return checked

    def _collect(self, leave: int) -> None:
        while len(self._running) > leave:
            checked = self._running.popleft().result()
            for log in checked:
                self._tally.find(log.anomalies)
            self._tally.add(
                logs=len(checked),
                logs_intact=sum(log.intact for log in checked),
                log_bytes=sum(log.size for log in checked),
                logs_archived=sum(log.archived_bytes is not None for log in checked),
                archived_bytes=sum(log.archived_bytes or 0 for log in checked),
            )

    # --- what no digest names -----------------------------------------------------------------

    def _unreferenced(self, listing: LogListing) -> tuple[tuple[str, datetime], ...]:
        """The log files that a digest should name and none does; the others are counted."""
        job = self._job
        waiting = {
            key: history for key, history in listing.waiting.items() if not history.is_placeholder
        }
        if waiting:
            self._forget_those_of_other_trails(waiting)
        # A log file made just before the period's end may be delivered, and named, just after it.
        for digest in self._beyond:
            self._covered.append((digest.start, digest.end))
            for entry in digest.logs:
                waiting.pop(entry.key, None)
        vouching = Vouching(job.start, job.end, job.due, union(self._covered), self._chain)
        keys: dict[Standing, list[str]] = {standing: [] for standing in Standing}
        for key, history in waiting.items():
            made = job.layout.log_time(job.scope, key)
            keys[vouching.standing(made, history.versions[-1].modified)].append(key)
        self._count_unnamed(keys)
        return tuple(
            (key, waiting[key].versions[-1].modified)
            for key in keys[Standing.UNREFERENCED][:MAXIMUM_OF_A_DAY]
        )

    def _count_unnamed(self, keys: Mapping[Standing, Sequence[str]]) -> None:
        uncovered = keys[Standing.UNCOVERED]
        omitted = max(len(keys[Standing.UNREFERENCED]) - MAXIMUM_OF_A_DAY, 0)
        self._tally.add(
            logs_pending=len(keys[Standing.PENDING]),
            logs_uncovered=len(uncovered),
            findings_omitted=omitted,
        )
        if uncovered:
            self._find(
                AnomalyKind.LOG_UNCOVERED,
                uncovered[0],
                "log files at times that digests cover",
                f"{len(uncovered)} at times without a digest, the last {uncovered[-1]}",
            )

    def _forget_those_of_other_trails(self, waiting: dict[str, History]) -> None:
        """Trails may share a bucket: what another one's signed digest names is accounted for."""
        job = self._job
        for history, name in self._foreign:
            loaded = load_digest(
                self._reader, job.scope, job.layout.bucket, history, name, job.keys
            )
            if loaded.digest is not None and loaded.node.proven:
                for entry in loaded.digest.logs:
                    waiting.pop(entry.key, None)

    # --- the rest -----------------------------------------------------------------------------

    def _is_complete(self, anomalies: Sequence[Anomaly]) -> bool:
        """Whether a later run with a later end would find the same, so that it may skip the day."""
        job = self._job
        end = midnight(job.day + ONE_DAY)
        retry = {
            AnomalyKind.LISTING_UNREADABLE,
            AnomalyKind.DIGEST_ARCHIVED,
            AnomalyKind.DIGEST_UNREADABLE,
            AnomalyKind.LOG_ARCHIVED,
            AnomalyKind.LOG_UNREADABLE,
        }
        return (
            job.end >= end
            and job.due >= end
            and not any(anomaly.kind in retry for anomaly in anomalies)
        )

    def _find(self, kind: AnomalyKind, key: str, expected: str, seen: str) -> None:
        discrepancy = Discrepancy(kind, expected, seen)
        bucket = self._job.layout.bucket
        self._tally.find([Anomaly.at(self._job.scope, bucket, key, discrepancy)])
