"""Verifying one of several deployments in a process of its own, as a user would by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from verify.proof import report_check
from verify.proof.report_check import NoReportError
from verify.targets.file import Listed
from verify.targets.matrix import Column

_PROJECT = Path(__file__).parents[2]
_TOLD = 600  # characters of what went wrong
_POLL_SECONDS = 0.2


def verify(
    target: Listed, reports: Path, arguments: Sequence[str], stopping: threading.Event
) -> Column:
    """Run the suite on a deployment; its reports go to the folder of its name in `reports`.

    Ends early, as by Ctrl-C, once `stopping` is set. A deployment that gives no report is told,
    with what the suite said.
    """
    own = reports / target.name
    if problem := target.mismatch():
        return Column(target.name, None, problem)
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"--outputs={target.outputs}",
        *([f"--outputs-map={target.outputs_map}"] if target.outputs_map else []),
        f"--profile={target.baseline}",
        f"--reports={own}",
        *([f"--role={target.role}"] if target.role else []),
        *([f"--external-id={target.external_id}"] if target.external_id else []),
        *([f"--waivers={target.waivers}"] if target.waivers else []),
        *([f"--variables={target.variables}"] if target.variables else []),
        "--color=no",
        *arguments,
    ]
    before = _latest(own)
    said = _run(command, _environment(target, os.environ), stopping)
    latest = _latest(own)
    if latest is None or latest == before:
        return Column(target.name, None, said.strip()[-_TOLD:] or "the suite said nothing")
    try:
        # Its verdicts are all that the matrix shows, and it has just been written.
        report = report_check.verdicts(own / latest)
    except NoReportError as error:
        return Column(target.name, None, str(error))
    return Column(target.name, report, folder=f"{target.name}/{latest}")


def _latest(folder: Path) -> str | None:
    link = folder / "latest"
    return link.readlink().name if link.is_symlink() else None


def _environment(target: Listed, environment: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    if target.endpoint is not None:
        kept |= {
            "AWS_ENDPOINT_URL": target.endpoint,
            # The stand-in knows no credentials; real ones have no business there.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            kept.pop(name, None)
    return kept


def _run(command: Sequence[str], environment: Mapping[str, str], stopping: threading.Event) -> str:
    """What the command printed. Once `stopping` is set it is told to end, and cleans up."""
    with subprocess.Popen(
        command,
        cwd=_PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        told = False
        while True:
            if stopping.is_set() and not told:
                process.terminate()
                told = True
            try:
                return process.communicate(timeout=_POLL_SECONDS)[0]
            except subprocess.TimeoutExpired:
                continue
