"""Judging a run's verdicts again from what is in its folder, without any account."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from verify import __version__
from verify.model import ControlResult, Outcome, Report
from verify.proof.report_check import NoReportError, read

_PROJECT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 1_800


class NotJudgedError(Exception):
    """The verdicts could not be judged again. The message says why."""


def judged_again(folder: Path) -> Report:
    """The report that the evidence in a run's folder gives now. Raises NotJudgedError."""
    with tempfile.TemporaryDirectory(prefix="trailwarden-") as reports:
        command = [
            sys.executable,
            "-m",
            "pytest",
            f"--replay={folder}",
            f"--reports={reports}",
            "--formats=json",
            "--color=no",
        ]
        try:
            done = subprocess.run(
                command,
                cwd=_PROJECT,
                env=_without_an_account(os.environ),
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotJudgedError(f"it took longer than {_PATIENCE_SECONDS} s") from None
        try:
            return read(Path(reports) / "latest")
        except NoReportError:
            said = (done.stderr or done.stdout).strip()
            raise NotJudgedError(f"the checks gave no report: {said[-2_000:]}") from None


def _without_an_account(environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing by which AWS could be asked, nor what would change how pytest runs."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "PYTEST_"))
    } | {"AWS_EC2_METADATA_DISABLED": "true"}


def differences(report: Report, again: Report) -> Iterator[str]:
    """The verdicts that the evidence does not give; each names the control.

    By the same version every observation must be the same, by another one the outcome.
    """
    judged = {result.control.identifier: result for result in again.results}
    for result in report.results:
        name = result.control.identifier
        if result.test is None:
            continue  # nothing ran, and the report says so
        other = judged.get(name)
        if other is None:
            yield f"{name}: {result.outcome} in the report; this version does not know the control"
        elif other.outcome is not result.outcome:
            yield (
                f"{name}: {result.outcome} in the report, {other.outcome} by the evidence"
                + (f": {other.message}" if other.message else "")
            )
        elif report.tool_version == __version__ and not _same(result, other):
            yield f"{name}: {result.outcome} all the same, but not for what the report says"


def _same(result: ControlResult, other: ControlResult) -> bool:
    # Why something could not be seen may name a file, which is elsewhere now.
    said = result.outcome is Outcome.ERROR or result.message == other.message
    return said and result.observations == other.observations
