"""The runs that were made before, as their folders keep them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from verify.model import Comparison, Outcome, Report, Target
from verify.proof import chain, report_check
from verify.proof.chain import ChainError
from verify.proof.report_check import NoReportError
from verify.report.difference import compare

_LOOK_BACK = 20  # runs, of which some are of other deployments


def comparison(report: Report, reports: Path) -> Comparison | None:
    """What has changed since the last whole run of the same deployment below `reports`.

    None where there is none that could be read: what is compared with is no evidence.
    """
    before = next(_whole_runs(reports, report.target), None)
    return None if before is None else compare(before, report)


def _whole_runs(reports: Path, target: Target) -> Iterator[Report]:
    try:
        links = chain.read(reports)
    except ChainError:
        return
    for link in reversed(links[-_LOOK_BACK:]):
        try:
            found = report_check.verdicts(reports / link.run_id)
        except NoReportError:
            continue
        if found.target == target and not found.counts[Outcome.NOT_TESTED]:
            yield found
