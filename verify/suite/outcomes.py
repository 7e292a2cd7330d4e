"""From what a test does to the outcome of its control, on its way from worker to controller."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest

from verify.account.door import evidence_used, only_declared
from verify.check import Check, ControlFailedError, NotApplicableError
from verify.inputs import waivers
from verify.inputs.absence import AbsentOutputError
from verify.model import NotVerifiedError, Outcome, TestResult
from verify.suite import stash
from verify.suite.results import attach, result_of

_WAIVED = "waived"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with evidence_used() as identifiers, _reads_of(item):
        item.stash[stash.EVIDENCE] = identifiers
        return (yield)


def _reads_of(item: pytest.Item) -> AbstractContextManager[None]:
    """A check reads what its control declares; live fire also looks after its own things."""
    marker = item.get_closest_marker("control")
    if marker is None or item.get_closest_marker("live_fire"):
        return nullcontext()
    return only_declared(marker.args[1:])


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Conclude a check when its body has run, and keep a certain failure over a later error."""
    made = pyfuncitem.stash.get(stash.CHECK, None)
    if made is None:
        return (yield)
    try:
        value = yield
    except AbsentOutputError as error:
        if error.absence.admitted is not None:
            made.not_applicable(str(error))
        made.holds(
            error.absence.output,
            "output of the deployment",
            False,
            expected=error.absence.expected,
            seen=error.absence.seen,
        )
        value = True
    except NotVerifiedError as error:
        made.unknowns.append(str(error))
        value = True
    made.conclude()
    return value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("control")
    if marker is None:
        return report
    outcome, message = _judged(call, report)
    if outcome is not Outcome.PASS and isinstance(
        getattr(call.excinfo, "value", None),
        (AbsentOutputError, ControlFailedError, NotVerifiedError),
    ):
        report.longrepr = message
    if outcome is Outcome.NOT_APPLICABLE:
        report.outcome = "skipped"  # pytest's word for it
        report.longrepr = (str(item.path), item.location[1] or 0, message)
    made = item.stash.get(stash.CHECK, None)
    if outcome is Outcome.FAIL and made and _is_waived(item, marker.args[0], made):
        # Still a failure in the report, by its own rule; to pytest it is an expected one, so that
        # its exit code and its last line say the same as the report.
        report.outcome = "skipped"
        report.wasxfail = _WAIVED
    evidence = (*(made.evidence if made else ()), *item.stash.get(stash.EVIDENCE, []))
    unaccounted = item.config.stash[stash.RUN].aws.unaccounted(evidence)
    result = TestResult(
        control=marker.args[0],
        test=item.nodeid,
        when=call.when,
        outcome=outcome,
        message=message,
        observations=tuple(made.observations) if made else (),
        evidence=evidence,
        seconds=call.duration,
        timings=tuple(made.timings) if made else (),
        notes=(*(made.notes if made else ()), *unaccounted),
        network=made.network if made else None,
    )
    attach(result, report, travels=hasattr(item.config, "workerinput"))
    return report


def _is_waived(item: pytest.Item, control: str, made: Check) -> bool:
    unmet = [observation.subject for observation in made.observations if not observation.met]
    run = item.config.stash[stash.RUN]
    return waivers.waived(control, unmet, run.waivers, run.as_of.date())


def _judged(call: pytest.CallInfo[None], report: pytest.TestReport) -> tuple[Outcome, str]:
    if call.excinfo is None:
        return Outcome.PASS, ""
    error = call.excinfo.value
    if isinstance(error, AbsentOutputError):  # of a fixture, before there is a check
        admitted = error.absence.admitted is not None
        return Outcome.NOT_APPLICABLE if admitted else Outcome.FAIL, str(error)
    if isinstance(error, NotApplicableError):
        return Outcome.NOT_APPLICABLE, str(error)
    if isinstance(error, pytest.skip.Exception):
        return Outcome.NOT_TESTED, f"skipped: {error}"
    if call.when == "call" and isinstance(error, AssertionError):
        return Outcome.FAIL, str(error)
    if isinstance(error, NotVerifiedError):
        return Outcome.ERROR, str(error)
    return Outcome.ERROR, f"{type(error).__name__}: {error}"


@pytest.hookimpl(tryfirst=True)  # before pytest calls a waived failure an expected one
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport,
) -> tuple[str, str, tuple[str, Mapping[str, bool]]] | None:
    result = result_of(report)
    if result is None:
        return None
    if getattr(report, "wasxfail", None) == _WAIVED:
        # A category that pytest does not know makes its last line yellow.
        return _WAIVED, "w", ("WAIVED", {"yellow": True})
    if result.outcome is Outcome.ERROR:
        return "error", "E", ("ERROR", {"yellow": True})
    return None
