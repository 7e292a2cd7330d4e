"""Commands and what they take; runs of the suite, and the bare start that they are measured by."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants import deployed
from tests.suite.support import ROOT, command, environment

NOT_VERIFIED = 6  # state checks alone leave the live fire's controls untested
CHECKS = ("verify/checks",)
_BARE_START = "import pytest, boto3; boto3.client('ec2', region_name='ap-southeast-1')"


@dataclass(frozen=True)
class Ended:
    """A command that has ended: elapsed and processor seconds, peak memory in MB, its output.

    The processor's seconds are also those of what it started, the memory that of the largest.
    """

    seconds: float
    processor: float
    megabytes: float
    output: str


def ended(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    code: int = 0,
    errors: int = subprocess.STDOUT,
) -> Ended:
    """Run a command to its end in the project's folder; its exit code must be `code`."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        sys.exit(
            f"{' '.join(command)} ended with {process.returncode} instead of {code}:\n"
            f"{output[-10_000:]}"
        )
    return Ended(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


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
        self.url, self.outputs, self.folder = url, outputs, folder
        self._package = package
        self._runs = 0

    def verify(self, *arguments: str, url: str | None = None, code: int = 0) -> Run:
        """Run the suite on the account (through `url`); its exit code must be `code`."""
        self._runs += 1
        reports = self.folder / f"reports-{self._runs}"
        run = ended(
            command(self.outputs, reports, f"--function-package={self._package}", *arguments),
            environment(url or self.url),
            code=code,
        )
        folder = (reports / "latest").resolve()
        report = json.loads((folder / "report.json").read_text())
        return Run(run.seconds, run.processor, report, folder)


@contextmanager
def deployed_account(profile: str) -> Iterator[Account]:
    """A sandbox of its own with a profile deployed into it; both are gone afterwards."""
    never = threading.Event()
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as name:
        folder = Path(name)
        package = deployed.build_package(folder, never)
        with deployed.sandbox(folder / "sandbox.log") as url:
            outputs = deployed.deploy(url, package, folder, never, {}, profile)
            yield Account(url, outputs, package, folder)


def hold(what: str, figure: str, met: bool) -> int:
    """Print a figure and whether it meets its target; 1 if it does not."""
    print(f"{'ok  ' if met else 'MISS'}  {what}: {figure}", flush=True)
    return int(not met)


def figures(values: Iterable[float]) -> str:
    found = list(values)
    return f"{min(found):.2f} s (median {statistics.median(found):.2f} s of {len(found)} runs)"


@dataclass(frozen=True)
class Bare:
    """The bare start: elapsed and processor seconds."""

    seconds: float
    processor: float


def bare_start(account: Account) -> Bare:
    run = ended([sys.executable, "-c", _BARE_START], environment(account.url))
    return Bare(run.seconds, run.processor)


def by(what: str, ratios: Iterable[float], limit: float) -> int:
    """Print the median of the ratios to the bare start and whether it keeps the limit."""
    ratio = statistics.median(ratios)
    return hold(what, f"{ratio:.2f} times the bare start's (<= {limit})", ratio <= limit)
