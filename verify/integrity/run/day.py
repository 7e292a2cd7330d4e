"""Validating what was delivered for one account and region on one day.

A day is the unit of work. It owns the digests that end on it (their names carry the end) and the
log files in its folder. Of the next day it reads the digests that reach back over midnight, for the
names in them; whether its own digests continue those of the day before is linked afterwards.
Memory holds a few digests, the log files that they name and one page of the listing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from verify.integrity.judge.anomaly import Finding, Kind
from verify.integrity.judge.chain import Node
from verify.integrity.judge.coverage import Interval, union
from verify.integrity.judge.digest import Digest, LogEntry
from verify.integrity.judge.digests import Loaded, load_digest
from verify.integrity.judge.layout import OVERHANG, DigestName, Layout, Target, midnight
from verify.integrity.judge.logs import CheckedLog, check_log
from verify.integrity.judge.signature import PublicKey
from verify.integrity.judge.totals import Totals
from verify.integrity.read.reader import History, Reader, UnreadableError

ONE_DAY = timedelta(days=1)
# A day's findings beyond this many are counted and no longer described.
MAXIMUM_FINDINGS = 2_000
_DIGESTS_A_TASK = 8
_LOGS_A_TASK = 32
_TASKS_AHEAD = 24
# A log file's name carries the minute at which it was made; it may be delivered a little later, and
# it is the time of delivery that decides which digest names it.
_DELIVERY_SLACK = timedelta(minutes=16)


@dataclass(frozen=True)
class DayJob:
    """One day's work. `start` and `end` bound the period, `keys` are the region's public keys.

    `is_first`: no day before it is validated. `due`: digests of any time before it should exist.
    """

    layout: Layout
    target: Target
    day: date
    start: datetime
    end: datetime
    keys: tuple[PublicKey, ...]
    is_first: bool
    due: datetime


@dataclass(frozen=True)
class DayResult:
    """What one day brought. `nodes` (standard) and `backfill_nodes` are for linking, in order.

    `unreferenced` are log files that no digest of the day names, `named_elsewhere` those that its
    digests name although they lie outside of its folder: the one may settle the other.
    """

    target: Target
    day: date
    nodes: tuple[Node, ...]
    backfill_nodes: tuple[Node, ...]
    findings: tuple[Finding, ...]
    unreferenced: tuple[str, ...]
    named_elsewhere: frozenset[str]
    totals: Totals
    complete: bool
    sees_versions: bool


class Meter:
    """Counts what has been validated so far, from all threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._digests = 0
        self._logs = 0

    def add(self, digests: int = 0, logs: int = 0) -> None:
        """Count digests and log files that are done."""
        with self._lock:
            self._digests += digests
            self._logs += logs

    def read(self) -> tuple[int, int]:
        """The digests and the log files so far."""
        with self._lock:
            return self._digests, self._logs


@dataclass
class _Tally:
    findings: list[Finding] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)

    def find(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if len(self.findings) < MAXIMUM_FINDINGS:
                self.findings.append(finding)
            else:
                self.add(findings_omitted=1)

    def add(self, **counts: int) -> None:
        self.totals = replace(
            self.totals,
            **{name: getattr(self.totals, name) + count for name, count in counts.items()},
        )


@dataclass(frozen=True, slots=True)
class _Named:
    """A log file as a digest names it. `history` is None where its listing is not at hand."""

    entry: LogEntry
    digest_key: str
    history: History | None
    lies_elsewhere: bool


class _LogListing:
    """A day's log files, listed only as far as needed; those that are not yet named wait."""

    def __init__(self, histories: Iterator[History]) -> None:
        self._histories = histories
        self._reached = ""
        self._ended = False
        self.waiting: dict[str, History] = {}
        self.problem: str | None = None

    def advance(self, key: str | None) -> None:
        """Read on up to `key`, None for to the end."""
        while not self._ended and (key is None or self._reached < key):
            try:
                history = next(self._histories, None)
            except UnreadableError as error:
                self.problem, self._ended = str(error), True
                return
            if history is None:
                self._ended = True
                return
            self._reached = history.key
            self.waiting[history.key] = history


def validate_day(job: DayJob, reader: Reader, pool: ThreadPoolExecutor, meter: Meter) -> DayResult:
    """Validate one day. Reads run in `pool`, a bounded number ahead."""
    return _Day(job, reader, pool, meter).run()


class _Day:
    def __init__(self, job: DayJob, reader: Reader, pool: ThreadPoolExecutor, meter: Meter) -> None:
        self._job = job
        self._reader = reader
        self._pool = pool
        self._meter = meter
        self._tally = _Tally()
        self._foreign: list[tuple[History, DigestName]] = []
        self._covered: list[Interval] = []
        self._chain: list[Node] = []
        self._beyond: list[Digest] = []
        self._elsewhere: set[str] = set()
        self._named: deque[_Named] = deque()
        self._running: deque[Future[list[CheckedLog]]] = deque()
        self._folder = job.layout.log_folder(job.target, job.day)
        self._before = job.layout.log_folder(job.target, job.day - ONE_DAY)

    def run(self) -> DayResult:
        job = self._job
        nodes: dict[bool, list[Node]] = {False: [], True: []}
        listing = _LogListing(self._reader.histories(job.layout.bucket, self._folder))
        for loaded in self._digests():
            digest = loaded.digest
            if digest is not None and digest.start >= job.end:
                self._beyond.append(digest)
                continue
            if loaded.name.end.date() == job.day:
                nodes[loaded.name.backfill].append(loaded.node)
                self._count_digest(loaded)
            if digest is not None:
                if not loaded.name.backfill:
                    self._covered.append((digest.start, digest.end))
                    if loaded.node.proven:
                        self._chain.append(loaded.node)
                self._check_logs(loaded, digest, listing)
        self._hand_on(1)
        self._collect(0)
        listing.advance(None)
        if listing.problem is not None:
            self._find(Kind.LISTING_UNREADABLE, self._folder, "its log files", listing.problem)
        unreferenced = self._unreferenced(listing)
        findings = tuple(self._tally.findings)
        return DayResult(
            target=job.target,
            day=job.day,
            nodes=tuple(nodes[False]),
            backfill_nodes=tuple(nodes[True]),
            findings=findings,
            unreferenced=unreferenced,
            named_elsewhere=frozenset(self._elsewhere),
            totals=self._tally.totals,
            complete=self._is_complete(findings),
            sees_versions=self._reader.sees_versions,
        )

    # --- digests ------------------------------------------------------------------------------

    def _digests(self) -> Iterator[Loaded]:
        """The trail's digests that concern the day, ordered by their ends, a few read ahead."""
        ahead: deque[Future[list[Loaded]]] = deque()
        listed = self._listed()
        for begin in range(0, len(listed), _DIGESTS_A_TASK):
            ahead.append(self._pool.submit(self._load, listed[begin : begin + _DIGESTS_A_TASK]))
            if len(ahead) > 1:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()

    def _load(self, listed: Sequence[tuple[History, DigestName]]) -> list[Loaded]:
        job = self._job
        bucket = job.layout.bucket
        self._reader.announce(bucket, [one.key for one, _ in listed if not one.is_hidden])
        return [
            load_digest(self._reader, job.target, bucket, history, name, job.keys)
            for history, name in listed
        ]

    def _listed(self) -> list[tuple[History, DigestName]]:
        job = self._job
        limit = job.end + OVERHANG
        tomorrow = midnight(job.day + ONE_DAY)
        ours: list[tuple[History, DigestName]] = []
        for day in (job.day, job.day + ONE_DAY):
            if midnight(day) > limit:
                break
            folder = job.layout.digest_folder(job.target, day)
            try:
                for history in self._reader.histories(job.layout.bucket, folder):
                    name = job.layout.digest_name(job.target, history.key)
                    if name is None:
                        if day == job.day and not _is_placeholder(history):
                            self._find(
                                Kind.UNEXPECTED_OBJECT,
                                history.key,
                                "nothing but digests in this folder",
                                "an object whose name is not that of a digest of this place",
                            )
                    elif name.end > tomorrow + OVERHANG:
                        continue
                    elif not job.layout.is_ours(name):
                        self._foreign.append((history, name))
                    elif job.start < name.end <= limit:
                        ours.append((history, name))
            except UnreadableError as error:
                self._find(Kind.LISTING_UNREADABLE, folder, "its digests", str(error))
        return sorted(ours, key=lambda one: (one[1].end, one[1].backfill))

    def _count_digest(self, loaded: Loaded) -> None:
        self._tally.find(loaded.findings)
        proven = int(loaded.node.proven)
        if loaded.name.backfill:
            self._tally.add(backfill_digests=1, backfill_digests_proven=proven)
        else:
            self._tally.add(digests=1, digests_proven=proven)
        self._meter.add(digests=1)

    # --- log files ----------------------------------------------------------------------------

    def _check_logs(self, loaded: Loaded, digest: Digest, listing: _LogListing) -> None:
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
        return entry.bucket == self._job.layout.bucket and entry.key.startswith(self._folder)

    def _is_for_day_before(self, entry: LogEntry, name: DigestName) -> bool:
        return (
            not self._job.is_first
            and entry.bucket == self._job.layout.bucket
            and entry.key.startswith(self._before)
            and name.end <= midnight(self._job.day) + OVERHANG
        )

    def _check(self, task: Sequence[_Named]) -> list[CheckedLog]:
        bucket = self._job.layout.bucket
        self._reader.announce(bucket, [one.entry.key for one in task if one.entry.bucket == bucket])
        checked = []
        for named in task:
            entry, history = named.entry, named.history
            if named.lies_elsewhere:
                try:
                    found = self._reader.histories(entry.bucket, entry.key)
                    history = next((one for one in found if one.key == entry.key), None)
                except UnreadableError:
                    history = None  # Reading it will tell why.
            checked.append(
                check_log(self._reader, self._job.target, entry, named.digest_key, history)
            )
        self._meter.add(logs=len(checked))
        return checked

    def _collect(self, leave: int) -> None:
        while len(self._running) > leave:
            checked = self._running.popleft().result()
            for one in checked:
                self._tally.find(one.findings)
            self._tally.add(
                logs=len(checked),
                logs_intact=sum(one.intact for one in checked),
                log_bytes=sum(one.size for one in checked),
            )

    # --- what no digest names -----------------------------------------------------------------

    def _unreferenced(self, listing: _LogListing) -> tuple[str, ...]:
        """The log files that a digest should name and none does; the others are counted."""
        job = self._job
        waiting = {
            key: history for key, history in listing.waiting.items() if not _is_placeholder(history)
        }
        if waiting:
            self._forget_those_of_other_trails(waiting)
        # A log file made just before the period's end may be delivered, and named, just after it.
        for digest in self._beyond:
            self._covered.append((digest.start, digest.end))
            for entry in digest.logs:
                waiting.pop(entry.key, None)
        covered = union(self._covered)
        unreferenced: list[str] = []
        uncovered: list[str] = []
        for key, history in waiting.items():
            time = job.layout.log_time(job.target, key)
            if time is None:
                unreferenced.append(key)
            elif not job.start <= time < job.end:
                continue
            elif _must_be_named(self._chain, history.versions[-1].modified) or any(
                one <= time and time + _DELIVERY_SLACK <= other for one, other in covered
            ):
                unreferenced.append(key)
            elif time >= job.due - _DELIVERY_SLACK:
                self._tally.add(logs_pending=1)
            else:
                uncovered.append(key)
        if uncovered:
            self._tally.add(logs_uncovered=len(uncovered))
            self._find(
                Kind.LOG_UNCOVERED,
                uncovered[0],
                "log files at times that digests cover",
                f"{len(uncovered)} at times without a digest, the last {uncovered[-1]}",
            )
        self._tally.add(findings_omitted=max(len(unreferenced) - MAXIMUM_FINDINGS, 0))
        return tuple(unreferenced[:MAXIMUM_FINDINGS])

    def _forget_those_of_other_trails(self, waiting: dict[str, History]) -> None:
        """Trails may share a bucket: what another one's signed digest names is accounted for."""
        job = self._job
        for history, name in self._foreign:
            loaded = load_digest(
                self._reader, job.target, job.layout.bucket, history, name, job.keys
            )
            if loaded.digest is not None and loaded.node.proven:
                for entry in loaded.digest.logs:
                    waiting.pop(entry.key, None)

    # --- the rest -----------------------------------------------------------------------------

    def _is_complete(self, findings: Sequence[Finding]) -> bool:
        """Whether a later run with a later end would find the same, so that it may skip the day."""
        job = self._job
        end = midnight(job.day + ONE_DAY)
        retry = {Kind.LISTING_UNREADABLE, Kind.DIGEST_UNREADABLE, Kind.LOG_UNREADABLE}
        return (
            job.end >= end
            and job.due >= end
            and not any(finding.kind in retry for finding in findings)
        )

    def _find(self, kind: Kind, key: str, expected: str, seen: str) -> None:
        target, bucket = self._job.target, self._job.layout.bucket
        self._tally.find(
            [Finding(kind, target.account, target.region, bucket, key, expected, seen)]
        )


def _is_placeholder(history: History) -> bool:
    """Whether an object is a console's folder, or is hidden: nobody would read it as a log file."""
    return history.key.endswith("/") or history.is_hidden


def _must_be_named(chain: Sequence[Node], arrived: datetime) -> bool:
    """Whether digests at hand must name what arrived in the bucket at a moment.

    Somebody who puts a file there chooses its name, but not when S3 notes its arrival. That may
    differ a little from what CloudTrail calls delivered, so that the digests before and after that
    of the moment must be at hand, too.
    """
    for index, one in enumerate(chain):
        if one.start <= arrived < one.end:
            before, after = chain[max(index - 1, 0)], chain[index + 1 :][:1]
            return (one.previous is None or _adjoin(before, one)) and any(
                _adjoin(one, following) for following in after
            )
    return False


def _adjoin(one: Node, following: Node) -> bool:
    return one is not following and one.end == following.start
