"""What the runs of a period together show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import Observation, Outcome, Report
from verify.period import page
from verify.period.page import Deployment
from verify.period.runs import Excluded
from verify.period.timeline import ControlPeriod, Span, coverage, period_of

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
VALID = timedelta(hours=26)


def _run(day: float, outcome: Outcome = Outcome.PASS) -> Report:
    seen = Observation("trail", "logging", "yes", "no", met=outcome is Outcome.PASS)
    result = replace(sample.RESULTS[0], outcome=outcome, message="", observations=(seen,))
    return replace(
        sample.report(),
        run_id=f"run-{day}",
        started=BEGIN + day * DAY,
        results=(result,),
        waivers=(),
    )


def _control(runs: Sequence[Report], days: float = 10, valid: timedelta = VALID) -> ControlPeriod:
    [control] = period_of(runs, Span(BEGIN, BEGIN + days * DAY), valid).controls
    return control


def test_daily_runs_that_pass_verify_all_of_the_time() -> None:
    period = period_of([_run(day) for day in range(10)], Span(BEGIN, BEGIN + 10 * DAY), VALID)
    assert period.controls[0].share == 1.0
    assert period.gaps == ()
    assert period.controls[0].failures == ()


def test_two_failures_give_two_intervals() -> None:
    outcomes = [Outcome.FAIL if day in (2, 3, 7) else Outcome.PASS for day in range(10)]
    control = _control([_run(day, outcome) for day, outcome in enumerate(outcomes)])
    first, second = control.failures
    assert (first.last_good, first.noticed, first.mended) == (
        BEGIN + DAY,
        BEGIN + 2 * DAY,
        BEGIN + 4 * DAY,
    )
    assert (second.noticed_by, second.mended_by) == ("run-7", "run-8")
    assert first.details == ("trail: logging: required yes, live no",)
    assert control.failing == 3 * 86_400
    assert control.share == 0.7


def test_an_error_mends_nothing() -> None:
    runs = [_run(0), _run(1, Outcome.FAIL), _run(2, Outcome.ERROR), _run(3)]
    [failure] = _control(runs, days=4).failures
    assert failure.mended == BEGIN + 3 * DAY


def test_what_is_not_mended_stays_open() -> None:
    [failure] = _control([_run(0, Outcome.FAIL), _run(1, Outcome.FAIL)]).failures
    assert failure.last_good is None
    assert failure.mended is None


def test_a_gap_is_what_no_run_speaks_for() -> None:
    period = period_of([_run(1), _run(5)], Span(BEGIN, BEGIN + 8 * DAY), timedelta(days=2))
    assert period.gaps == (
        Span(BEGIN, BEGIN + DAY),
        Span(BEGIN + 3 * DAY, BEGIN + 5 * DAY),
        Span(BEGIN + 7 * DAY, BEGIN + 8 * DAY),
    )
    assert period.controls[0].unseen == 4 * 86_400
    assert period.controls[0].share == 0.5


def test_a_run_from_before_the_period_counts_while_it_is_valid() -> None:
    control = _control([_run(-0.5)], days=1)
    assert control.verified == timedelta(hours=14).total_seconds()


_OUTCOMES = st.sampled_from(list(Outcome))
_RUNS = st.lists(
    st.tuples(st.floats(-3, 12, allow_nan=False), _OUTCOMES),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one[0],
)


@given(_RUNS, st.floats(0.1, 10), st.floats(0.5, 100))
def test_every_moment_is_counted_once(
    runs: list[tuple[float, Outcome]], days: float, hours: float
) -> None:
    span = Span(BEGIN, BEGIN + days * DAY)
    valid = timedelta(hours=hours)
    period = period_of([_run(*one) for one in runs], span, valid)
    for control in period.controls:
        counted = control.verified + control.failing + control.accepted + control.unseen
        assert counted == pytest.approx(span.seconds, abs=1e-3)
        assert 0 <= control.share <= 1
    # At each moment of a gap no run is valid.
    for gap in period.gaps:
        middle = gap.start + (gap.end - gap.start) / 2
        assert span.start <= gap.start < gap.end <= span.end
        assert not any(run.started <= middle < run.started + valid for run in period.runs)


def test_log_files_of_several_runs_are_united() -> None:
    span = Span(BEGIN, BEGIN + 4 * DAY)
    spans = [
        Span(BEGIN - DAY, BEGIN + DAY),
        Span(BEGIN + 0.5 * DAY, BEGIN + 2 * DAY),
        Span(BEGIN + 3 * DAY, BEGIN + 5 * DAY),
    ]
    [found] = coverage({"eu-west-1": spans, "us-east-1": []}, span)
    assert found.covered == 3 * 86_400
    assert found.gaps == (Span(BEGIN + 2 * DAY, BEGIN + 3 * DAY),)


def _deployment() -> Deployment:
    runs = [_run(0), _run(1, Outcome.FAIL), _run(2)]
    return Deployment(period_of(runs, Span(BEGIN, BEGIN + 3 * DAY), VALID), (), ("CRITICAL <x>",))


def test_the_page_tells_of_failures_and_escapes() -> None:
    text = page.render([_deployment()], [Excluded("run-9", ("<b>changed</b>",))], BEGIN)
    assert "noticed <time" in text
    assert "&lt;b&gt;changed&lt;/b&gt;" in text
    assert "CRITICAL &lt;x&gt;" in text
    assert "<b>changed" not in text


def test_the_document_has_every_failure() -> None:
    document = page.document([_deployment()], [], BEGIN)
    [deployment] = document["deployments"]
    [control] = deployment["controls"]
    assert control["failures"][0]["noticed"] == "2026-01-02T00:00:00.000000Z"
    assert control["verified_share"] == pytest.approx(2 / 3, abs=1e-6)
