"""From the results of single tests, wherever they ran, to the Report of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from verify import __version__
from verify.inputs import waivers
from verify.model import Control, ControlResult, Outcome, Report, TestResult
from verify.run import earlier, given, remedies
from verify.run.changes import with_changes
from verify.run.provenance import provenance
from verify.run.verification import Run

# The worse a phase of a test ended, the more it decides. A failure outweighs an error of clean-up:
# what is known to be wrong stays wrong.
_WEIGHT = {
    Outcome.PASS: 0,
    Outcome.NOT_APPLICABLE: 1,
    Outcome.NOT_TESTED: 2,
    Outcome.ERROR: 3,
    Outcome.FAIL: 4,
}


@dataclass
class Collected:
    """The results that have come in, and what was made of them."""

    results: dict[str, list[TestResult]] = field(default_factory=dict)
    report: Report | None = None
    files: tuple[Path, ...] = ()
    problem: str = ""

    def add(self, result: TestResult) -> None:
        """Keep the result of one phase of one test."""
        self.results.setdefault(result.control, []).append(result)


def without_row(run: Run, collected: Collected) -> list[str]:
    """The controls that a test gave a result for and that the report has no row for."""
    rows = {control.identifier for control in run.controls}
    return sorted(collected.results.keys() - rows)


_SET_BACK = (
    "the clock of this machine was set back during the run: what its times say is not certain"
)
_INTERRUPTED = "the run was interrupted: what had not ended by then was not tested"


def build_report(
    run: Run,
    collected: Collected,
    finished: datetime,
    say: Callable[[str], None],
    *,
    interrupted: bool = False,
) -> Report:
    """The Report: one row for each control that the baseline lists.

    `say` tells of what takes long.
    """
    results = [
        control_result(control, collected.results.get(control.identifier, ()))
        for control in run.controls
    ]
    judged, uses = waivers.apply(results, run.waivers, run.as_of.date())
    told, untold = (judged, ()) if interrupted else with_changes(run, judged, say)
    phases = [phase for results in collected.results.values() for phase in results]
    report = Report(
        run_id=run.settings.run_id,
        tool_version=__version__,
        started=datetime.fromisoformat(run.settings.started),
        finished=finished,
        target=run.target,
        caller=run.settings.caller,
        results=tuple(_with_remedy(run, one) for one in told),
        evidence=run.aws.store.references(),
        timings=tuple(dict.fromkeys(item for phase in phases for item in phase.timings)),
        waivers=uses,
        notes=(
            *([_INTERRUPTED] if interrupted else []),
            *([_SET_BACK] if finished < datetime.fromisoformat(run.settings.started) else []),
            *dict.fromkeys(note for phase in phases for note in phase.notes),
            *untold,
        ),
        baseline=run.sources,
        inputs=given.files(run.folder),
        command=given.command(run.folder),
        attestations=run.attestations,
        provenance=provenance(),
        terraform_state=given.state_of(run.folder),
        network=next((phase.network for phase in phases if phase.network), None),
    )
    return earlier.with_history(report, run.folder.parent)


def _with_remedy(run: Run, result: ControlResult) -> ControlResult:
    """With the identifiers of the deployment, and of what failed, in what is to be done."""
    outputs, lists = run.deployment.placeholders(), run.deployment.lists()
    text = remedies.filled(result.control.remediation, outputs, lists, result.observations)
    return replace(result, control=replace(result.control, remediation=text))


def control_result(control: Control, phases: Iterable[TestResult]) -> ControlResult:
    """The row of `control` from the phases of its test: NOT TESTED when its body never ran."""
    seen = list(phases)
    body = [phase for phase in seen if phase.when == "call"]
    worst = max(seen, key=lambda phase: _WEIGHT[phase.outcome], default=None)
    if worst is None:
        outcome, message = Outcome.NOT_TESTED, "no test of this control ran"
    elif worst.outcome is Outcome.PASS and not body:
        outcome, message = Outcome.NOT_TESTED, "the test did not get to its body"
    else:
        outcome, message = worst.outcome, worst.message
    last = body[-1] if body else worst
    return ControlResult(
        control=control,
        outcome=outcome,
        message=message,
        observations=last.observations if last else (),
        evidence=tuple(dict.fromkeys(item for phase in seen for item in phase.evidence)),
        test=last.test if last else None,
        seconds=sum(phase.seconds for phase in seen),
    )
