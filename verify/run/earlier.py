"""The runs that were made before, as their folders keep them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from verify.inputs.reader import UnreadableError, read_text
from verify.model import Comparison, Outcome, Report, Target
from verify.proof import chain
from verify.proof.chain import ChainError
from verify.report import json_report
from verify.report.difference import compare
from verify.report.json_report import InvalidReportError

_MAXIMUM_CHARACTERS = 200_000_000
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
        path = reports / link.run_id / json_report.FILE_NAME
        try:
            found = json_report.verdicts(read_text(path, str(path), _MAXIMUM_CHARACTERS))
        except (UnreadableError, InvalidReportError):
            continue
        if found.target == target and not found.counts[Outcome.NOT_TESTED]:
            yield found
