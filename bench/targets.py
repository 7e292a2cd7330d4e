"""50 deployments verified in one run, against as many runs of one.

`python -m bench targets` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), and lets `python -m verify targets` hold it to its state checks under 1, 10 and
50 names, four at a time as is its default. It prints

- the processor time of 50 by that of a run alone (target: 50 times 1.5, for four at a
  time share caches);
- elapsed time by that of 50 runs one after the other (target: no more; two at a time take half of
  it where each has a processor of its own, and the sandbox has one, too);
- how many processes there were at once (target: a few for each of the four, however many there
  are), and their memory together, by that with 10 (target: 1.2 times).
"""

from __future__ import annotations

import statistics
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import psutil
import yaml

from bench.runs import CHECKS, NOT_VERIFIED, Account, Ended, deployed_account, ended, figures, hold
from tests.suite.support import environment

ALONE_RUNS = 5
TEN, FIFTY, AT_A_TIME = 10, 50, 4
PROCESSOR, ELAPSED, GROWTH = 1.5, 1.0, 1.2
# The command itself, and of each that is verified the suite and a program that it asks (git).
PROCESSES = 1 + 2 * AT_A_TIME
_LOOK_SECONDS = 0.2


@dataclass
class _Peaks:
    """The most processes that there were at once below this one, and their most memory (MB)."""

    processes: int = 0
    megabytes: float = 0.0

    def watch(self, done: threading.Event) -> None:
        """Look until it is done. The sandbox is none of them: it leads a session of its own."""
        own = psutil.Process()
        others = {one.pid for one in own.children(recursive=True)}
        while not done.wait(_LOOK_SECONDS):
            below = [one for one in own.children(recursive=True) if one.pid not in others]
            self.processes = max(self.processes, len(below))
            self.megabytes = max(self.megabytes, sum(_sizes(below)) / 2**20)


def _sizes(processes: list[psutil.Process]) -> Iterator[int]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            yield process.memory_info().rss


def _verified(account: Account, count: int) -> tuple[Ended, _Peaks]:
    """What it takes to verify the deployment under so many names in one run."""
    which = {"outputs": str(account.outputs), "endpoint": account.url}
    listed = [{"name": f"target-{number}", **which} for number in range(count)]
    folder = account.folder / f"targets-{count}"
    folder.mkdir()
    file = folder / "targets.yaml"
    file.write_text(yaml.safe_dump({"targets": listed}), encoding="utf-8")
    command = [sys.executable, "-m", "verify", "targets", str(file)]
    command += [f"--reports={folder / 'reports'}", f"--parallel={AT_A_TIME}", *CHECKS]
    peaks, done = _Peaks(), threading.Event()
    with ThreadPoolExecutor(1) as executor:
        watching = executor.submit(peaks.watch, done)
        try:
            run = ended(command, environment(), code=NOT_VERIFIED)
        finally:
            done.set()
        watching.result()
    reached = len(list((folder / "reports").glob("*/latest/manifest.json")))
    if reached != count:
        sys.exit(f"{reached} of {count} were verified:\n{run.output}")
    print(
        f"      of {count} in one run: {run.seconds:.1f} s, processor time {run.processor:.1f} s, "
        f"at most {peaks.processes} processes and {peaks.megabytes:.0f} MB at once",
        flush=True,
    )
    return run, peaks


def main() -> int:
    """Deploy, verify and print; 1 when a target is missed."""
    with deployed_account("dev") as account:
        account.verify(*CHECKS, code=NOT_VERIFIED)  # what has never run before
        alone = [account.verify(*CHECKS, code=NOT_VERIFIED) for _ in range(ALONE_RUNS)]
        spent = figures(run.processor for run in alone)
        print(f"      a run alone: {figures(run.seconds for run in alone)}, processor time {spent}")
        _verified(account, 1)
        _, with_ten = _verified(account, TEN)
        fifty, with_fifty = _verified(account, FIFTY)
    processor = fifty.processor / FIFTY / statistics.median(run.processor for run in alone)
    missed = hold(
        "processor time of each",
        f"{processor:.2f} times a run's alone (<= {PROCESSOR})",
        processor <= PROCESSOR,
    )
    elapsed = fifty.seconds / FIFTY / statistics.median(run.seconds for run in alone)
    missed += hold(
        "elapsed", f"{elapsed:.2f} times one after the other (<= {ELAPSED})", elapsed <= ELAPSED
    )
    missed += hold(
        "processes at once",
        f"{with_fifty.processes} (<= {PROCESSES})",
        with_fifty.processes <= PROCESSES,
    )
    growth = with_fifty.megabytes / with_ten.megabytes
    missed += hold(
        "peak memory of all",
        f"{with_fifty.megabytes:.0f} MB, {growth:.2f} times that of {TEN} (<= {GROWTH})",
        growth <= GROWTH,
    )
    return int(missed > 0)
