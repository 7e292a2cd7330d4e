"""Runs the suite on an account as a user does, in a process forked from a warm one.

Start-up is most of a run of the state checks. The fork server has imported already what every run
needs (`mutants.warm`).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mutants.account import Account
from mutants.alarms import quiet
from mutants.alert_ledger import forget_floods
from mutants.model import Suite
from verify.live_fire.probes import OPTIONAL

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 180.0
_PYTEST_INTERRUPTED = 2

# How long an alert is waited for, in seconds. In the sandbox it takes less than two, but for a
# busy machine. A wait for what does not come lasts as long as it may, for each of the faults that
# keep an alert away; a wait for what comes ends when it has come.
HASTY, PATIENT = 4, 60

_ARGUMENTS = {
    # Of the log files only the newest are validated: an account collects them by the second.
    Suite.STATE: ("verify/checks", "--integrity-hours=0.015"),
    Suite.LIVE_FIRE: ("verify/live_fire", *(f"--probe={key}" for key in OPTIONAL)),
}


class InterruptedRunError(Exception):
    """The run of the suite was ended from outside, and concludes nothing."""


class SuiteError(Exception):
    """The suite did not come to a report. The message holds what it printed."""


@dataclass(frozen=True)
class Outcomes:
    """What a run of the suite gave: the outcome and the message of each control, and its folder."""

    outcomes: Mapping[str, str]
    messages: Mapping[str, str]
    folder: Path

    def controls(self, outcome: str) -> frozenset[str]:
        """The controls with this outcome."""
        return frozenset(name for name, found in self.outcomes.items() if found == outcome)


_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["mutants.warm"])


class SuiteRunner:
    """Runs the suite, one run at a time, held to `profile`; `folder` keeps the reports."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._folder = folder
        self._profile = profile
        self._runs = 0

    def run(self, account: Account, suite: Suite, *, alert_timeout: int = PATIENT) -> Outcomes:
        """Run `suite` on `account`; alerts are waited for `alert_timeout` seconds.

        Raises SuiteError when it wrote no report, InterruptedRunError when it was interrupted.
        """
        if suite is Suite.LIVE_FIRE:
            forget_floods(account)
            quiet(account)
        self._runs += 1
        reports = self._folder / f"run-{self._runs}"
        reports.mkdir(parents=True)
        arguments = [
            f"--outputs={account.outputs_file}",
            f"--profile={self._profile}",
            f"--reports={reports}",
            f"--function-package={account.function_package}",
            f"--terraform-folder={account.terraform_folder}",
            *(["--as-verifier"] if account.as_verifier else []),
            "--capture=no",  # all output goes to the log
            f"--alert-timeout={alert_timeout}",
            *_ARGUMENTS[suite],
        ]
        log = reports / "output.txt"
        process = _CONTEXT.Process(
            target=_verify,
            args=(arguments, account.url, str(log)),
        )
        process.start()
        try:
            process.join(_PATIENCE_SECONDS)
        finally:
            if process.is_alive():
                # As for Ctrl-C: the suite removes what its live fire made.
                process.terminate()
                process.join(30)
                process.kill()
                process.join()
        if process.exitcode == _PYTEST_INTERRUPTED:
            raise InterruptedRunError("the suite was interrupted")
        report = reports / "latest" / "report.json"
        if not report.is_file():
            printed = log.read_text(encoding="utf-8") if log.is_file() else ""
            raise SuiteError(f"the suite ended with {process.exitcode} and no report:\n{printed}")
        rows = json.loads(report.read_text(encoding="utf-8"))["results"]
        return Outcomes(
            {row["control"]["identifier"]: row["outcome"] for row in rows},
            {row["control"]["identifier"]: row["message"] for row in rows},
            report.parent.resolve(),
        )


def _verify(arguments: list[str], url: str, log: str) -> None:
    """In the forked process: the suite with nothing of AWS's but the sandbox at `url`."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [name for name in os.environ if name.startswith(("AWS_", "PYTEST"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # the sandbox takes it for the administrator
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.chdir(ROOT)
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    import pytest

    sys.exit(pytest.main(arguments))
