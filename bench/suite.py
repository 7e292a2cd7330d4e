"""The verification suite: its calls, how long it takes, and how long it takes when AWS is slow.

`python -m bench suite` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), runs the suite on it as a user does, each time in a process of its own, and
prints:

- calls and distinct calls as the network sees them (target: none twice, but for the trail's status,
  which is read before and after the live fire);
- seconds by check against the sum of the API's answers;
- all state checks, from the start of the process to its exit (target: 2 s on 2 cores);
- the same with 20 ms added to every answer (target: 1 s more);
- the whole run, live fire included, beyond its slowest alert (target: 5 s).

The suite and the account share the machine's cores, so the least of several runs is judged: what
else the machine does only ever adds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.delay import Seen, delaying
from mutants import deployed
from tests.suite.support import ROOT, command, environment

RUNS = 7
WHOLE_RUNS = 3
DELAY = 0.020
STATE_CHECKS, SLOWER, BEYOND_ALERT = 2.0, 1.0, 5.0
_NOT_VERIFIED = 6  # state checks alone leave the live fire's controls untested
_STATE_CHECKS = ("verify/checks",)
_LOOKED_AT_AGAIN = b".gettrailstatus"  # before and after the live fire, which must change it


@dataclass(frozen=True)
class Run:
    """One run of the suite: elapsed and processor seconds, and what it reported."""

    seconds: float
    processor: float
    report: Mapping[str, Any]
    folder: Path

    def answers(self) -> dict[str, float]:
        """The API calls that the run recorded: identifier -> seconds until the answer."""
        recorded = (json.loads(path.read_text()) for path in self.folder.glob("evidence/*.json"))
        return {call["identifier"]: call["seconds"] for call in recorded}


class Account:
    """What is deployed, where its APIs answer, and a folder for what runs leave."""

    def __init__(self, url: str, outputs: Path, package: Path, folder: Path) -> None:
        self.url = url
        self._outputs, self._package, self._folder = outputs, package, folder
        self._runs = 0

    def verify(self, *arguments: str, url: str | None = None, code: int = 0) -> Run:
        """Run the suite on the account (through `url`); its exit code must be `code`."""
        self._runs += 1
        reports = self._folder / f"reports-{self._runs}"
        started = time.perf_counter()
        process = subprocess.Popen(
            command(self._outputs, reports, f"--function-package={self._package}", *arguments),
            cwd=ROOT,
            env=environment(url or self.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout:
            printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            sys.exit(f"the suite ended with {process.returncode} instead of {code}:\n{printed}")
        folder = (reports / "latest").resolve()
        report = json.loads((folder / "report.json").read_text())
        return Run(seconds, usage.ru_utime + usage.ru_stime, report, folder)


def _hold(what: str, figure: str, met: bool) -> int:
    """Print a figure and whether it meets its target; 1 if it does not."""
    print(f"{'ok  ' if met else 'MISS'}  {what}: {figure}", flush=True)
    return int(not met)


def _figures(values: Iterable[float]) -> str:
    found = list(values)
    return f"{min(found):.2f} s (median {statistics.median(found):.2f} s of {len(found)} runs)"


def _calls(seen: Seen) -> int:
    total, distinct, again = seen.requests.total(), len(seen.requests), 0
    for (scope, first, target, body), times in seen.requests.items():
        if times > 1:
            again += not target.endswith(_LOOKED_AT_AGAIN)
            asked = b" ".join((scope, first, target, body[:200])).decode(errors="replace")
            print(f"      {times} times: {asked}")
    return _hold("calls", f"{total}, distinct {distinct}, made twice: {again}", again == 0)


def _checks(run: Run) -> None:
    """Where the run's time goes, by check: its own seconds, and its calls' until the answer."""
    answers = run.answers()
    rows = [row for row in run.report["results"] if row["test"]]
    print("      seconds  calls  their answers  check")
    for row in sorted(rows, key=lambda row: row["seconds"], reverse=True):
        waited = sum(answers[identifier] for identifier in row["evidence"])
        print(
            f"      {row['seconds']:7.3f}  {len(row['evidence']):5}  {waited:11.3f} s  "
            f"{row['control']['identifier']}"
        )
    print(
        f"      {sum(row['seconds'] for row in rows):7.3f}  {len(answers):5}  "
        f"{sum(answers.values()):11.3f} s  all, each call counted once"
    )


def _state_checks(account: Account) -> int:
    account.verify(*_STATE_CHECKS, code=_NOT_VERIFIED)  # compiles what has never run before
    plain, delayed = [], []
    for _ in range(RUNS):  # by turns
        plain.append(account.verify(*_STATE_CHECKS, code=_NOT_VERIFIED))
        with delaying(account.url, DELAY) as (url, seen):
            delayed.append(account.verify(*_STATE_CHECKS, url=url, code=_NOT_VERIFIED))
    missed = _calls(seen)
    _checks(min(plain, key=lambda run: run.seconds))
    least = min(run.seconds for run in plain)
    print(f"      processor time: {_figures(run.processor for run in plain)}")
    missed += _hold(
        "all state checks, start to exit",
        f"{_figures(run.seconds for run in plain)} (<= {STATE_CHECKS:.0f})",
        least <= STATE_CHECKS,
    )
    answers = sum(delayed[-1].answers().values())
    print(
        f"      with {DELAY * 1000:.0f} ms more for every answer: "
        f"{_figures(run.seconds for run in delayed)}; sum of the answers {answers:.1f} s"
    )
    slower = min(run.seconds for run in delayed) - least
    return missed + _hold("longer by", f"{slower:.2f} s (<= {SLOWER:.0f})", slower <= SLOWER)


def _beyond_alert(run: Run) -> float:
    return run.seconds - float(max(timing["total_seconds"] for timing in run.report["timings"]))


def _whole_runs(account: Account, name: str, arguments: Sequence[str]) -> int:
    runs = [account.verify(*arguments) for _ in range(WHOLE_RUNS)]
    print(f"      {name}: {_figures(run.seconds for run in runs)}")
    beyond = [_beyond_alert(run) for run in runs]
    return _hold(
        f"{name}, beyond its slowest alert",
        f"{_figures(beyond)} (<= {BEYOND_ALERT:.0f})",
        min(beyond) <= BEYOND_ALERT,
    )


def main() -> int:
    """Deploy, run and print; 1 when a target is missed."""
    never = threading.Event()
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as name:
        folder = Path(name)
        package = deployed.build_package(folder, never)
        with deployed.sandbox(folder / "sandbox.log") as url:
            outputs = deployed.deploy(url, package, folder, never)
            account = Account(url, outputs, package, folder)
            missed = _state_checks(account)
            missed += _whole_runs(account, "the whole run", ())
            missed += _whole_runs(account, "the whole run by two workers", ("-n", "2"))
    return int(missed > 0)
