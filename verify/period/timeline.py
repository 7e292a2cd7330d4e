"""From the runs of a period to what each control was in it. Pure.

A run shows a moment. What it shows holds until the next run, and no longer than `valid`: after that
nothing is known. A failure lasts from the run that noticed it to the run that saw it mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from verify.model import Control, ControlResult, Outcome, Report, Target, WaiverUse

VERIFIED = frozenset({Outcome.PASS, Outcome.NOT_APPLICABLE})


@dataclass(frozen=True)
class Span:
    """From a moment up to another, which is not in it."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it is; never negative."""
        return max((self.end - self.start).total_seconds(), 0.0)


@dataclass(frozen=True)
class Failure:
    """A failure: the last run before it that saw the control good, which run noticed it, and which
    saw it mended.

    A time is None where no run of the period says. `details` are the expectations that were not
    met when it was noticed.
    """

    last_good: datetime | None
    noticed: datetime
    noticed_by: str  # run id
    mended: datetime | None
    mended_by: str | None
    details: tuple[str, ...]


@dataclass(frozen=True)
class ControlPeriod:
    """A control over the period, in seconds, and its failures."""

    control: Control
    verified: float  # seen, and as the baseline demands or not applicable
    failing: float
    accepted: float  # failing, and accepted by a waiver
    unseen: float  # no run, or one that could not see it
    failures: tuple[Failure, ...]

    @property
    def share(self) -> float:
        """The share of the period in which it was verified, from 0 to 1."""
        whole = self.verified + self.failing + self.accepted + self.unseen
        return self.verified / whole if whole else 0.0


@dataclass(frozen=True)
class Period:
    """A deployment over a period, by the runs that were verified."""

    target: Target
    span: Span
    valid: timedelta
    runs: tuple[Report, ...]
    controls: tuple[ControlPeriod, ...]
    gaps: tuple[Span, ...]  # in which nothing was verified
    waivers: tuple[WaiverUse, ...]  # of any of the runs, as the last of them had it


def period_of(runs: Sequence[Report], span: Span, valid: timedelta) -> Period:
    """What runs of one deployment show of a period. They must be at least one.

    A run from before the period counts as far as it is still valid in it.
    """
    ordered = sorted(runs, key=lambda run: run.started)
    within = [run for run in ordered if run.started < span.end and run.started + valid > span.start]
    controls: dict[str, Control] = {}
    for run in within:
        controls |= {result.control.identifier: result.control for result in run.results}
    return Period(
        target=ordered[-1].target,
        span=span,
        valid=valid,
        runs=tuple(within),
        controls=tuple(_control(control, within, span, valid) for control in controls.values()),
        gaps=tuple(_gaps(within, span, valid)),
        waivers=tuple(_waivers(within)),
    )


def _control(
    control: Control, runs: Sequence[Report], span: Span, valid: timedelta
) -> ControlPeriod:
    seconds = dict.fromkeys(("verified", "failing", "accepted", "unseen"), 0.0)
    known = 0.0
    for run, shown in zip(runs, _shown(runs, span, valid), strict=True):
        seconds[_sort(_result(run, control.identifier))] += shown.seconds
        known += shown.seconds
    seconds["unseen"] += max(span.seconds - known, 0.0)
    return ControlPeriod(
        control=control,
        failures=tuple(_failures(control.identifier, runs)),
        **seconds,
    )


def _sort(result: ControlResult | None) -> str:
    outcome = None if result is None else result.outcome
    if outcome in VERIFIED:
        return "verified"
    return {Outcome.FAIL: "failing", Outcome.WAIVED: "accepted"}.get(
        outcome or Outcome.ERROR, "unseen"
    )


def _shown(runs: Sequence[Report], span: Span, valid: timedelta) -> Iterator[Span]:
    """For how long of the period each run speaks."""
    for run, following in zip_longest(runs, [run.started for run in runs[1:]]):
        until = run.started + valid
        if following is not None:
            until = min(until, following)
        yield Span(max(run.started, span.start), min(until, span.end))


def _gaps(runs: Sequence[Report], span: Span, valid: timedelta) -> Iterator[Span]:
    reached = span.start
    for shown in _shown(runs, span, valid):
        if shown.start > reached:
            yield Span(reached, shown.start)
        reached = max(reached, shown.end)
    if reached < span.end:
        yield Span(reached, span.end)


def _result(run: Report, control: str) -> ControlResult | None:
    return next((one for one in run.results if one.control.identifier == control), None)


def _failures(control: str, runs: Sequence[Report]) -> Iterator[Failure]:
    good: datetime | None = None
    begun: tuple[datetime | None, Report, ControlResult] | None = None
    for run in runs:
        result = _result(run, control)
        if result is None:
            continue
        if result.outcome is Outcome.FAIL and begun is None:
            begun = (good, run, result)
        elif result.outcome in VERIFIED | {Outcome.WAIVED}:
            if begun is not None:
                yield _failure(*begun, run)
                begun = None
            if result.outcome in VERIFIED:
                good = run.started
    if begun is not None:
        yield _failure(*begun, None)


def _failure(
    good: datetime | None, run: Report, result: ControlResult, mending: Report | None
) -> Failure:
    return Failure(
        last_good=good,
        noticed=run.started,
        noticed_by=run.run_id,
        mended=None if mending is None else mending.started,
        mended_by=None if mending is None else mending.run_id,
        details=tuple(
            f"{one.subject}: {one.aspect}: {one.comparison}"
            for one in result.observations
            if not one.met
        )
        or ((result.message,) if result.message else ()),
    )


def _waivers(runs: Iterable[Report]) -> Iterator[WaiverUse]:
    found: dict[tuple[str, ...], WaiverUse] = {}
    for run in runs:
        for waiver in run.waivers:
            # One that was used in any of the runs was used.
            key = (waiver.control, waiver.subject, waiver.ticket, waiver.issued, waiver.expires)
            if key not in found or found[key].status != "used":
                found[key] = waiver
    yield from sorted(found.values(), key=lambda one: (one.issued, one.control))


@dataclass(frozen=True)
class Coverage:
    """A region's log files over the period: what proven digests cover, and what they do not."""

    region: str
    covered: float  # seconds
    gaps: tuple[Span, ...]


def coverage(covered: Mapping[str, Sequence[Span]], span: Span) -> tuple[Coverage, ...]:
    """What the runs' validations together cover of the period, region by region.

    A region of which no run has proven anything is not told: nothing was delivered there.
    """
    return tuple(
        Coverage(region, *_united(spans, span))
        for region, spans in sorted(covered.items())
        if spans
    )


def _united(spans: Sequence[Span], whole: Span) -> tuple[float, tuple[Span, ...]]:
    gaps: list[Span] = []
    reached, seconds = whole.start, 0.0
    for one in sorted(spans, key=lambda span: span.start):
        start, end = max(one.start, reached), min(one.end, whole.end)
        if start >= end:
            continue
        if start > reached:
            gaps.append(Span(reached, start))
        seconds += (end - start).total_seconds()
        reached = end
    if reached < whole.end:
        gaps.append(Span(reached, whole.end))
    return seconds, tuple(gaps)
