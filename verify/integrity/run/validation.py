"""One run: spreads the days over an engine, links what they bring and judges what is missing."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Chain, Node
from verify.integrity.judge.coverage import within
from verify.integrity.judge.layout import ChainScope, Layout, Place
from verify.integrity.judge.pace import pace
from verify.integrity.judge.signature import PublicKey
from verify.integrity.judge.tail import Newest, TrailStatus, judge_gaps
from verify.integrity.judge.totals import Totals
from verify.integrity.judge.unnamed import judge_unnamed
from verify.integrity.read.reader import Reader, UnreadableError
from verify.integrity.run import state as state_file
from verify.integrity.run.day import DayJob, DayResult
from verify.integrity.run.executors import Engine
from verify.integrity.run.linking import Linker
from verify.integrity.run.progress import Progress
from verify.integrity.run.request import Request
from verify.integrity.run.result import Result, ScopeResult
from verify.integrity.run.state import RunState, ScopeState

# Anomalies beyond this many are counted and no longer described.
MAXIMUM_ANOMALIES = 10_000
_KEY_MARGIN = timedelta(hours=4)
_SAVE_SECONDS = 5.0
_STATUSES_AT_ONCE = 8


def validate(
    request: Request,
    reader: Reader,
    engine: Engine,
    statuses: Callable[[ChainScope], TrailStatus | None],
    progress: Progress,
    anomalies: Iterable[Anomaly] = (),
    state_path: Path | None = None,
) -> Result:
    """Validate what `request` asks for. `anomalies` are those of discovery.

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
        request = replace(
            request, start=earlier.start, layout=_with_places(request.layout, earlier.earlier)
        )
    noted = tuple(anomalies)
    while True:
        validation = _Validation(request, reader, engine, statuses, progress, state_path, earlier)
        for anomaly in noted:
            validation.find(anomaly)
        validation.ask()
        validation.work()
        validation.judge()
        elsewhere = validation.elsewhere
        if not elsewhere:
            return validation.result()
        # The trail delivered to another place of the bucket meanwhile: what was found without it
        # is not the truth.
        request = replace(request, layout=_with_places(request.layout, elsewhere))
        earlier = None


def _with_places(layout: Layout, places: Iterable[Place]) -> Layout:
    known = dict.fromkeys((*layout.earlier, *sorted(places, key=lambda place: place.base)))
    return replace(layout, earlier=tuple(known))


class _Validation:
    def __init__(
        self,
        request: Request,
        reader: Reader,
        engine: Engine,
        statuses: Callable[[ChainScope], TrailStatus | None],
        progress: Progress,
        state_path: Path | None,
        earlier: RunState | None,
    ) -> None:
        self._request = request
        self._reader = reader
        self._engine = engine
        self._linker = Linker(request, reader)
        self._read_status = statuses
        self._statuses: dict[ChainScope, TrailStatus | None] = {}
        self._progress = progress
        self._path = state_path
        known: Mapping[ChainScope, ScopeState] = {} if earlier is None else earlier.scopes
        self._states = {
            scope: known.get(scope) or state_file.fresh(scope) for scope in request.scopes
        }
        # What a state file keeps although it was not asked for this time.
        self._others = {scope: state for scope, state in known.items() if scope not in self._states}
        # The state before the first day that has to be validated again by a later run.
        self._done: dict[ChainScope, ScopeState] = {}
        self._saved = time.monotonic()
        self._anomalies: list[Anomaly] = []
        self._omitted = 0
        self._keys: dict[ChainScope, tuple[PublicKey, ...]] = {}
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
        scopes = [
            scope
            for scope in self._states
            if scope.region == home or scope not in self._request.without_files
        ]
        with ThreadPoolExecutor(_STATUSES_AT_ONCE, thread_name_prefix="integrity-status") as pool:
            self._statuses.update(zip(scopes, pool.map(self._read_status, scopes), strict=True))

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
        for scope, state in self._states.items():
            if scope in request.without_files:
                self._keys[scope] = ()
                continue
            try:
                keys = self._reader.public_keys(
                    scope.region, request.start - _KEY_MARGIN, request.end + _KEY_MARGIN
                )
            except UnreadableError as error:
                self._find_at(
                    scope,
                    "",
                    Discrepancy(
                        AnomalyKind.KEYS_UNREADABLE, "CloudTrail's public keys", str(error)
                    ),
                )
                continue
            self._keys[scope] = keys
            for day in request.days:
                if state.through is not None and day <= state.through:
                    continue
                yield DayJob(
                    layout=request.layout,
                    scope=scope,
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
        state = self._states[day.scope]
        if not day.complete and day.scope not in self._done:
            self._done[day.scope] = copy.deepcopy(state)
        for node in day.nodes:
            state.anomalies.extend(self._linker.feed(state.chain, node))
        for node in day.backfill_nodes:
            state.anomalies.extend(self._linker.feed(state.backfill, node))
        state.anomalies.extend(day.anomalies)
        state.candidates.update(day.unreferenced)
        state.named |= day.named_elsewhere
        state.totals += day.totals
        excess = len(state.anomalies) - MAXIMUM_ANOMALIES
        if excess > 0:
            del state.anomalies[MAXIMUM_ANOMALIES:]
            state.totals += Totals(findings_omitted=excess)
        if day.scope not in self._done:
            state.through = day.day
        self._sees_versions = self._sees_versions and day.sees_versions
        self._counted = (
            self._counted[0] + len(day.nodes) + len(day.backfill_nodes),
            self._counted[1] + day.totals.logs,
        )

    def _save(self) -> None:
        if self._path is None:
            return
        scopes = {**self._others, **self._states, **self._done}
        state_file.save(self._path, self._request.layout, RunState(self._request.start, scopes))
        self._saved = time.monotonic()

    # --- what is not there --------------------------------------------------------------------

    def judge(self) -> None:
        """Judge gaps, the end of each chain, and log files that no digest names."""
        for scope, state in self._states.items():
            # What is not there cannot be told from what was not seen.
            if scope in self._keys and not any(
                anomaly.kind is AnomalyKind.LISTING_UNREADABLE for anomaly in state.anomalies
            ):
                self._judge_scope(scope, state)
        if not self._sees_versions:
            self.find(
                Anomaly(
                    AnomalyKind.VERSIONS_UNREADABLE,
                    "",
                    "",
                    self._request.layout.bucket,
                    "",
                    "the bucket's versions and delete markers (s3:ListBucketVersions)",
                    "they may not be listed: what was overwritten or hidden is not seen",
                )
            )

    def _judge_scope(self, scope: ChainScope, state: ScopeState) -> None:
        request, newest = self._request, state.chain.last
        if self._ends_early(newest):
            for anomaly in self._linker.look_beyond(state.chain, self._keys[scope]):
                self.find(anomaly)
        for discrepancy in judge_gaps(
            request.start,
            request.end,
            state.chain.covered,
            state.chain.explained,
            self._newest(scope, state.chain),
            self._status(scope, newest),
            request.now,
            request.lateness,
            request.begun,
            request.departures.get(scope),
        ):
            self._find_at(scope, "", discrepancy)
        for key in sorted(state.unreferenced):
            self._find_at(scope, key, judge_unnamed(state.candidates[key], request.now))

    def _newest(self, scope: ChainScope, chain: Chain) -> Newest | None:
        if chain.last is not None:
            return _newest_of(chain.last, chain)
        departure = self._request.departures.get(scope)
        if departure is None or not departure.ended:
            return None
        try:
            last = self._linker.last_before(scope)
        except UnreadableError:
            return None
        return None if last is None else _newest_of(last, chain)

    def _ends_early(self, newest: Node | None) -> bool:
        reached = self._request.expected_from if newest is None else newest.end
        return reached < min(self._request.end, self._request.due)

    def _status(self, scope: ChainScope, newest: Node | None) -> TrailStatus | None:
        if scope in self._statuses or not self._ends_early(newest):
            return self._statuses.get(scope)
        return self._read_status(scope)

    @property
    def elsewhere(self) -> frozenset[Place]:
        """Places of the bucket where the trail's files lie as well, and that were not looked at."""
        return frozenset(self._linker.elsewhere)

    # --- the outcome --------------------------------------------------------------------------

    def find(self, anomaly: Anomaly) -> None:
        """Add an anomaly that is about the run and not about a day."""
        if len(self._anomalies) < MAXIMUM_ANOMALIES:
            self._anomalies.append(anomaly)
        else:
            self._omitted += 1

    def _find_at(self, scope: ChainScope, key: str, discrepancy: Discrepancy) -> None:
        self.find(Anomaly.at(scope, self._request.layout.bucket, key, discrepancy))

    def result(self) -> Result:
        """What was found."""
        request = self._request
        found = [anomaly for state in self._states.values() for anomaly in state.anomalies]
        scopes = tuple(
            ScopeResult(
                scope,
                within(state.chain.covered, request.start, request.end),
                replace(state.totals, logs_unreferenced=len(state.unreferenced)),
            )
            for scope, state in self._states.items()
        )
        totals = Totals(findings_omitted=self._omitted)
        for validated in scopes:
            totals += validated.totals
        return Result(request, scopes, (*found, *self._anomalies), totals)


def _newest_of(last: Node, chain: Chain) -> Newest:
    return Newest(last.start, last.end, last.modified, pace(chain.recent), last.proven)
