"""`python -m tests.report.screenshots`: the pictures of a report in docs/, from runs in a sandbox.

Deploys the dev profile into a sandbox of its own, verifies it, opens a port and binds the trail to
its region as somebody in a hurry might, and verifies it again. Takes some three minutes and needs
Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mutants import deployed
from mutants.account import Account
from mutants.families import every_mutant
from tests.report.conftest import FLAGS, NAMES
from tests.report.devtools import Look, Page, opened
from tests.suite.support import ROOT, verify
from verify.console import complain, say

FOLDER = ROOT / "docs" / "images"
_FAULTS = ("application-group-port-opened", "one-region")
_DONE, _FAILED = 0, 2


@dataclass(frozen=True)
class Picture:
    """A part of a report, as it is looked at: from the element that `begins` it, if it is named."""

    file: str
    look: Look
    begins: str = ""


PICTURES = (
    Picture("report.png", Look(1100, 1000)),
    Picture("report-dark.png", Look(1100, 900, dark=True), "#latency"),
    Picture("report-phone.png", Look(390, 844), "#control-trail-multi-region"),
)


def main() -> int:
    """Make the pictures; the exit code."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        complain("screenshots", f"none of {', '.join(NAMES)} is on the PATH: install one")
        return _FAILED
    with tempfile.TemporaryDirectory(prefix="trailwarden-screenshots-") as name:
        folder = Path(name)
        report = _report(folder)
        FOLDER.mkdir(exist_ok=True)
        with opened(program, folder / "profile", *FLAGS) as tab:
            for picture in PICTURES:
                _take(tab, report, picture)
                say(f"written: {(FOLDER / picture.file).relative_to(ROOT)}")
    return _DONE


def _report(folder: Path) -> Path:
    """The page of a run that found two faults, after one that found none."""
    never = threading.Event()
    package = deployed.build_package(folder, never)
    with deployed.sandbox(folder / "sandbox.log") as url, ExitStack() as mending:
        say("deploying into a sandbox")
        outputs = deployed.deploy(url, package, folder, never, {}, "dev")
        account = Account(url, outputs, package, ROOT / "terraform", folder)
        arguments = (f"--function-package={package}", "--integrity-hours=0.05")
        say("verifying what was deployed")
        verify(outputs, folder / "reports", *arguments, url=url)
        for mutant in every_mutant():
            if mutant.name in _FAULTS and not mutant.needs:
                mutant.break_it(account, mending)
        say("verifying it with two faults")
        run = verify(outputs, folder / "reports", *arguments, url=url)
        failed = run.controls("FAIL")
        say(f"which fail {', '.join(sorted(failed))}")
        # The sandbox ends before the pictures are taken, and the page needs it no more.
        return (folder / "reports" / "latest" / "report.html").resolve()


def _take(tab: Page, report: Path, picture: Picture) -> None:
    tab.show(report.as_uri(), picture.look)
    if picture.begins:
        tab.value(f"document.querySelector({picture.begins!r}).scrollIntoView()")
    tab.value("new Promise(done => setTimeout(done, 300))")
    tab.image(FOLDER / picture.file)


if __name__ == "__main__":
    sys.exit(main())
