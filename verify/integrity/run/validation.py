"""One run: spreads the days over an engine, links what they bring and judges what is missing."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

from verify.integrity.judge.anomaly import Consequence, Finding, Kind
from verify.integrity.judge.chain import Chain, Node, Observed, Probe
from verify.integrity.judge.content import MAXIMUM_DIGEST_BYTES, inflate
from verify.integrity.judge.coverage import Interval, within
from verify.integrity.judge.digests import load_digest
from verify.integrity.judge.layout import DIGEST_FOLDER, DIGEST_PERIOD, OVERHANG, Layout, Target
from verify.integrity.judge.pace import pace
from verify.integrity.judge.signature import PublicKey
from verify.integrity.judge.tail import Newest, TrailStatus, judge_gaps
from verify.integrity.judge.totals import Totals
from verify.integrity.read.reader import ObjectMissingError, Reader, UnreadableError
from verify.integrity.run import state as state_file
from verify.integrity.run.day import ONE_DAY, DayJob, DayResult
from verify.integrity.run.executors import Engine
from verify.integrity.run.progress import Progress
from verify.integrity.run.state import State, TargetState

INTACT, TAMPERED, NOT_VERIFIED = 0, 1, 2

# Findings beyond this many are counted and no longer described.
MAXIMUM_FINDINGS = 10_000
_KEY_MARGIN = timedelta(hours=4)
_SAVE_SECONDS = 5.0
_STATUSES_AT_ONCE = 8
# How many objects to look through for the first digest after the period.
_LOOK_BEYOND = 5_000


@dataclass(frozen=True)
class Request:
    """What to validate: log files delivered from `start` to `end` (UTC).

    `now` is when the run began; digests younger than `lateness` may still be on their way.
    `begun` is when the trail began to log, where nothing is to be asked for before;
    `without_files` are targets of which the bucket is known to hold nothing.
    """

    layout: Layout
    targets: tuple[Target, ...]
    start: datetime
    end: datetime
    now: datetime
    lateness: timedelta
    begun: datetime | None = None
    without_files: frozenset[Target] = frozenset()

    @property
    def period(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    @property
    def expected_from(self) -> datetime:
        """From when on digests should cover the period."""
        return self.start if self.begun is None else min(max(self.start, self.begun), self.end)

    @property
    def due(self) -> datetime:
        """Digests for any time before this should exist by now."""
        return self.now - DIGEST_PERIOD - self.lateness

    @property
    def days(self) -> tuple[date, ...]:
        """The days on which digests of the period end."""
        last = min(self.end + OVERHANG, max(self.now, self.end)).date()
        count = (last - self.start.date()).days + 1
        return tuple(self.start.date() + index * ONE_DAY for index in range(count))


@dataclass(frozen=True)
class TargetResult:
    """What was validated of one account and region; `covered` is by proven digests."""

    target: Target
    covered: tuple[Interval, ...]
    totals: Totals


@dataclass(frozen=True)
class Result:
    """What a run found."""

    request: Request
    targets: tuple[TargetResult, ...]
    findings: tuple[Finding, ...]
    totals: Totals

    @property
    def exit_code(self) -> int:
        """0 intact, 1 tampering or loss, 2 nothing to validate or partly unverifiable."""
        consequences = {finding.kind.consequence for finding in self.findings}
        if consequences & {Consequence.TAMPERING, Consequence.LOSS}:
            return TAMPERED
        if Consequence.UNVERIFIABLE in consequences or not self.totals.digests_proven:
            return NOT_VERIFIED
        return INTACT


def validate(
    request: Request,
    reader: Reader,
    engine: Engine,
    statuses: Callable[[Target], TrailStatus | None],
    progress: Progress,
    findings: Iterable[Finding] = (),
    state_path: Path | None = None,
) -> Result:
    """Validate what `request` asks for. `findings` are those of discovery.

    Raises StateError when `state_path` holds something else than the state of an earlier run.
    """
    earlier = None if state_path is None else state_file.load(state_path, request.layout)
    if earlier is not None:
        if request.start < earlier.start:
            raise state_file.StateError(
                f"{state_path} begins at {earlier.start.isoformat()}, after --start; "
                "give another file, or remove it to start anew"
            )
        # The verdict is about all that the file remembers.
        request = replace(request, start=earlier.start)
    run = _Run(request, reader, engine, statuses, progress, state_path, earlier)
    for finding in findings:
        run.find(finding)
    run.ask()
    run.work()
    run.judge()
    return run.result()


class _Run:
    def __init__(
        self,
        request: Request,
        reader: Reader,
        engine: Engine,
        statuses: Callable[[Target], TrailStatus | None],
        progress: Progress,
        state_path: Path | None,
        earlier: State | None,
    ) -> None:
        self._request = request
        self._reader = reader
        self._engine = engine
        self._ask = statuses
        self._statuses: dict[Target, TrailStatus | None] = {}
        self._progress = progress
        self._path = state_path
        known: Mapping[Target, TargetState] = {} if earlier is None else earlier.targets
        self._states = {
            target: known.get(target) or state_file.fresh(target) for target in request.targets
        }
        # What a state file keeps although it was not asked for this time.
        self._others = {target: one for target, one in known.items() if target not in self._states}
        # The state before the first day that has to be validated again by a later run.
        self._done: dict[Target, TargetState] = {}
        self._saved = time.monotonic()
        self._findings: list[Finding] = []
        self._omitted = 0
        self._keys: dict[Target, tuple[PublicKey, ...]] = {}
        self._sees_versions = True
        self._counted = (0, 0)

    # --- days ---------------------------------------------------------------------------------

    def ask(self) -> None:
        """Ask for the trail's status, where the period has not ended long ago.

        Before anything is listed: a digest of which the status tells must then be there.
        """
        if self._request.end <= self._request.due:
            return
        home = self._request.layout.home_region
        targets = [
            one
            for one in self._states
            if one.region == home or one not in self._request.without_files
        ]
        with ThreadPoolExecutor(_STATUSES_AT_ONCE, thread_name_prefix="integrity-status") as pool:
            self._statuses.update(zip(targets, pool.map(self._ask, targets), strict=True))

    def work(self) -> None:
        """Validate all days, a bounded number under way, and merge them in order."""
        running: deque[Future[DayResult]] = deque()
        try:
            for job in self._jobs():
                running.append(self._engine.executor.submit(self._engine.task, job))
                while len(running) >= 2 * self._engine.at_once:
                    self._merge_next(running)
            while running:
                self._merge_next(running)
        finally:
            for future in running:
                future.cancel()
            self._save()
            self._progress.done()

    def _jobs(self) -> Iterator[DayJob]:
        request = self._request
        for target, one in self._states.items():
            if target in request.without_files:
                self._keys[target] = ()
                continue
            try:
                keys = self._reader.public_keys(
                    target.region, request.start - _KEY_MARGIN, request.end + _KEY_MARGIN
                )
            except UnreadableError as error:
                self.find(
                    self._finding(
                        Kind.KEYS_UNREADABLE, target, "", "CloudTrail's public keys", str(error)
                    )
                )
                continue
            self._keys[target] = keys
            for day in request.days:
                if one.through is not None and day <= one.through:
                    continue
                yield DayJob(
                    layout=request.layout,
                    target=target,
                    day=day,
                    start=request.start,
                    end=request.end,
                    keys=keys,
                    is_first=day == request.days[0],
                    due=request.due,
                )

    def _merge_next(self, running: deque[Future[DayResult]]) -> None:
        future = running[0]
        while not wait([future], timeout=self._progress.interval).done:
            self._show()
        running.popleft()
        self._merge(future.result())
        self._show()
        if self._path is not None and time.monotonic() - self._saved > _SAVE_SECONDS:
            self._save()

    def _show(self) -> None:
        meter = self._engine.meter
        self._progress.update(*(self._counted if meter is None else meter.read()))

    def _merge(self, day: DayResult) -> None:
        one = self._states[day.target]
        if not day.complete and day.target not in self._done:
            self._done[day.target] = copy.deepcopy(one)
        for node in day.nodes:
            one.findings.extend(self._feed(one.chain, node))
        for node in day.backfill_nodes:
            one.findings.extend(self._feed(one.backfill, node))
        one.findings.extend(day.findings)
        one.candidates |= set(day.unreferenced)
        one.named |= day.named_elsewhere
        one.totals += day.totals
        excess = len(one.findings) - MAXIMUM_FINDINGS
        if excess > 0:
            del one.findings[MAXIMUM_FINDINGS:]
            one.totals += Totals(findings_omitted=excess)
        if day.target not in self._done:
            one.through = day.day
        self._sees_versions = self._sees_versions and day.sees_versions
        self._counted = (
            self._counted[0] + len(day.nodes) + len(day.backfill_nodes),
            self._counted[1] + day.totals.logs,
        )

    def _save(self) -> None:
        if self._path is None:
            return
        targets = {**self._others, **self._states, **self._done}
        state_file.save(self._path, self._request.layout, State(self._request.start, targets))
        self._saved = time.monotonic()

    # --- linking ------------------------------------------------------------------------------

    def _feed(self, chain: Chain, node: Node) -> list[Finding]:
        findings: list[Finding] = []
        for item in list(chain.feed(node)):
            if not isinstance(item, Probe):
                findings.append(item)
                continue
            try:
                seen = self._observe(item.link.bucket, item.link.key)
            except UnreadableError as error:
                findings.append(
                    replace(
                        self._finding(
                            Kind.DIGEST_UNREADABLE,
                            chain.target,
                            item.link.key,
                            f"the digest that {node.key} names as the one before",
                            str(error),
                        ),
                        bucket=item.link.bucket,
                    )
                )
                continue
            findings.extend(chain.answer(item, seen, self._request.start))
        return findings

    def _observe(self, bucket: str, key: str) -> Observed | None:
        try:
            return self._reader.read(
                bucket,
                key,
                None,
                lambda metadata, chunks: Observed(
                    inflate(chunks, MAXIMUM_DIGEST_BYTES).hash_value, metadata.get("signature")
                ),
            )
        except ObjectMissingError:
            return None

    # --- what is not there --------------------------------------------------------------------

    def judge(self) -> None:
        """Judge gaps, the end of each chain, and log files that no digest names."""
        for target, one in self._states.items():
            if target not in self._keys or any(
                finding.kind is Kind.LISTING_UNREADABLE for finding in one.findings
            ):
                continue  # What is not there cannot be told from what was not seen.
            newest = one.chain.last
            if self._ends_early(newest):
                self._look_beyond(target, one)
            for judged in judge_gaps(
                self._request.start,
                self._request.end,
                one.chain.covered,
                one.chain.explained,
                _newest(one.chain),
                self._status(target, newest),
                self._request.now,
                self._request.lateness,
                self._request.begun,
            ):
                self.find(self._finding(judged.kind, target, "", judged.expected, judged.seen))
            for key in sorted(one.candidates - one.named):
                self.find(
                    self._finding(
                        Kind.LOG_UNREFERENCED,
                        target,
                        key,
                        "a digest that names it: those of the time are there",
                        "none does",
                    )
                )
        if not self._sees_versions:
            self.find(
                Finding(
                    Kind.VERSIONS_UNREADABLE,
                    "",
                    "",
                    self._request.layout.bucket,
                    "",
                    "the bucket's versions and delete markers (s3:ListBucketVersions)",
                    "they may not be listed: what was overwritten or hidden is not seen",
                )
            )

    def _ends_early(self, newest: Node | None) -> bool:
        reached = self._request.expected_from if newest is None else newest.end
        return reached < min(self._request.end, self._request.due)

    def _status(self, target: Target, newest: Node | None) -> TrailStatus | None:
        if target in self._statuses or not self._ends_early(newest):
            return self._statuses.get(target)
        return self._ask(target)

    def _look_beyond(self, target: Target, one: TargetState) -> None:
        """Link the first digest after the period, which tells whether there was one before it."""
        layout, newest = self._request.layout, one.chain.last
        folder = layout.region_folder(DIGEST_FOLDER, target)
        after = (
            layout.digest_folder(target, self._request.start.date())
            if newest is None
            else newest.key
        )
        reached = self._request.start if newest is None else newest.end
        try:
            later = islice(self._reader.histories(layout.bucket, folder, after), _LOOK_BEYOND)
            for history in later:
                name = layout.digest_name(target, history.key)
                if name is None or name.backfill or name.end <= reached:
                    continue
                if layout.is_ours(name):
                    loaded = load_digest(
                        self._reader, target, layout.bucket, history, name, self._keys[target]
                    )
                    for finding in self._feed(one.chain, loaded.node):
                        self.find(finding)
                    return
        except UnreadableError as error:
            self.find(
                self._finding(
                    Kind.LISTING_UNREADABLE, target, folder, "digests after the period", str(error)
                )
            )

    # --- the outcome --------------------------------------------------------------------------

    def find(self, finding: Finding) -> None:
        """Add a finding that is about the run and not about a day."""
        if len(self._findings) < MAXIMUM_FINDINGS:
            self._findings.append(finding)
        else:
            self._omitted += 1

    def result(self) -> Result:
        """What was found."""
        request = self._request
        found = [finding for one in self._states.values() for finding in one.findings]
        targets = tuple(
            TargetResult(
                target,
                within(one.chain.covered, request.start, request.end),
                replace(one.totals, logs_unreferenced=len(one.candidates - one.named)),
            )
            for target, one in self._states.items()
        )
        totals = Totals(findings_omitted=self._omitted)
        for one in targets:
            totals += one.totals
        return Result(request, targets, (*found, *self._findings), totals)

    def _finding(self, kind: Kind, target: Target, key: str, expected: str, seen: str) -> Finding:
        bucket = self._request.layout.bucket
        return Finding(kind, target.account, target.region, bucket, key, expected, seen)


def _newest(chain: Chain) -> Newest | None:
    last = chain.last
    if last is None:
        return None
    return Newest(last.start, last.end, last.modified, pace(chain.recent))
