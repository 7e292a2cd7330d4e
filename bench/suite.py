"""The verification suite: its calls, how long it takes, and how long it takes when AWS is slow.

`python -m bench suite` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), runs the suite on it as a user does, each time in a process of its own, and
prints:

- calls and distinct calls as the network sees them (target: none twice, but for the trail's status,
  which is read before and after the live fire);
- seconds by check against the sum of the API's answers;
- the processor time of all state checks, by that of the bare start, which imports pytest and boto3
  and makes one client (target: 2.5 times);
- from the start of the process to its exit, by the bare start's (target: 5 times);
- what 20 ms more for every answer add to that, by the bare start's (target: 2.5 times);
- the whole run, live fire included, beyond its slowest alert, by the bare start's (target: 12);
- the quick path, from an act's call to the receipt of its alert (target: 1 s, the sandbox's own
  time included).

Machines differ by more than two, so all limits are ratios to what the same machine needs, in the
same run and by turns, for the start that nobody can do without: the median of the ratios.
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
QUICK_PATH_SECONDS = 1.0
_QUICK_PATH = ", by EventBridge"
PROCESSOR, STATE_CHECKS, SLOWER, BEYOND_ALERT = 2.5, 5.0, 2.5, 12.0
_BARE_START = "import pytest, boto3; boto3.client('ec2', region_name='ap-southeast-1')"
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


@dataclass(frozen=True)
class Bare:
    """The bare start: elapsed and processor seconds."""

    seconds: float
    processor: float


def _bare_start(account: Account) -> Bare:
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _BARE_START], env=environment(account.url))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the bare start ended with {process.returncode}")
    return Bare(seconds, usage.ru_utime + usage.ru_stime)


def _by(what: str, ratios: Iterable[float], limit: float) -> int:
    """Print the median of the ratios to the bare start and whether it keeps the limit."""
    ratio = statistics.median(ratios)
    return _hold(what, f"{ratio:.2f} times the bare start's (<= {limit})", ratio <= limit)


def _state_checks(account: Account) -> tuple[int, Bare]:
    account.verify(*_STATE_CHECKS, code=_NOT_VERIFIED)  # compiles what has never run before
    bare, plain, delayed = [], [], []
    for _ in range(RUNS):  # by turns
        bare.append(_bare_start(account))
        plain.append(account.verify(*_STATE_CHECKS, code=_NOT_VERIFIED))
        with delaying(account.url, DELAY) as (url, seen):
            delayed.append(account.verify(*_STATE_CHECKS, url=url, code=_NOT_VERIFIED))
    missed = _calls(seen)
    _checks(min(plain, key=lambda run: run.seconds))
    print(
        f"      bare start: {_figures(start.seconds for start in bare)}, processor time "
        f"{_figures(start.processor for start in bare)}"
    )
    print(
        f"      state checks: {_figures(run.seconds for run in plain)}, processor time "
        f"{_figures(run.processor for run in plain)}"
    )
    answers = sum(delayed[-1].answers().values())
    print(
        f"      with {DELAY * 1000:.0f} ms more for every answer: "
        f"{_figures(run.seconds for run in delayed)}; sum of the answers {answers:.1f} s"
    )
    pairs = list(zip(bare, plain, strict=True))
    missed += _by(
        "processor time of the state checks",
        (run.processor / start.processor for start, run in pairs),
        PROCESSOR,
    )
    missed += _by(
        "state checks, start to exit",
        (run.seconds / start.seconds for start, run in pairs),
        STATE_CHECKS,
    )
    missed += _by(
        "longer by slower answers",
        (
            (slow.seconds - run.seconds) / start.seconds
            for (start, run), slow in zip(pairs, delayed, strict=True)
        ),
        SLOWER,
    )
    return missed, min(bare, key=lambda start: start.seconds)


def _beyond_alert(run: Run) -> float:
    return run.seconds - float(max(timing["total_seconds"] for timing in run.report["timings"]))


def _quick_path(runs: Iterable[Run]) -> int:
    """How long alerts took that came by EventBridge; 1 where their median is over its target."""
    taken = [
        float(timing["total_seconds"])
        for run in runs
        for timing in run.report["timings"]
        if str(timing["probe"]).endswith(_QUICK_PATH)
    ]
    if not taken:
        print("      no alert came by the quick path")
        return 1
    print(f"      quick path: {_figures(taken)} (target {QUICK_PATH_SECONDS:.0f} s)")
    return int(statistics.median(taken) > QUICK_PATH_SECONDS)


def _whole_runs(account: Account, bare: Bare, name: str, arguments: Sequence[str]) -> int:
    runs = [account.verify(*arguments) for _ in range(WHOLE_RUNS)]
    print(f"      {name}: {_figures(run.seconds for run in runs)}")
    beyond = [_beyond_alert(run) for run in runs]
    print(f"      {name}, beyond its slowest alert: {_figures(beyond)}")
    return _quick_path(runs) + _by(
        f"{name}, beyond its slowest alert",
        (seconds / bare.seconds for seconds in beyond),
        BEYOND_ALERT,
    )


def main() -> int:
    """Deploy, run and print; 1 when a target is missed."""
    never = threading.Event()
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as name:
        folder = Path(name)
        package = deployed.build_package(folder, never)
        with deployed.sandbox(folder / "sandbox.log") as url:
            outputs = deployed.deploy(url, package, folder, never, {}, "dev")
            account = Account(url, outputs, package, folder)
            missed, bare = _state_checks(account)
            missed += _whole_runs(account, bare, "the whole run", ())
            missed += _whole_runs(account, bare, "the whole run by two workers", ("-n", "2"))
    return int(missed > 0)
