"""50 deployments verified in one run, against as many runs of one.

`python -m bench targets` makes an account of its own (a sandbox with the dev profile deployed into
it, about a minute), and lets `python -m verify targets` hold it to its state checks under 1, 10 and
50 names, four at a time as is its default. It measures

- the processor time of 50 by that of a run alone;
- elapsed time by that of 50 runs one after the other (two at a time take half of it where each has
  a processor of its own, and the sandbox has one, too);
- how many processes there were at once, by a few for each of the four, however many there are, and
  their memory together, by that with 10.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

from bench.runs import CHECKS, NOT_VERIFIED, Ended, deployed_account, ended, figures
from bench.table import Row, note
from tests.suite.support import environment

ALONE_RUNS = 5
TEN, FIFTY, AT_A_TIME = 10, 50, 4
PROCESSOR, ELAPSED, GROWTH = 1.15, 1.0, 1.2
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


def _verified(outputs: Path, url: str, count: int, folder: Path) -> tuple[Ended, _Peaks]:
    """What it takes to verify the deployment under so many names in one run."""
    listed = [
        {"name": f"target-{number}", "outputs": str(outputs), "endpoint": url}
        for number in range(count)
    ]
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
    return run, peaks


def rows() -> Iterator[Row]:
    """Deploy and verify."""
    with deployed_account("dev") as account, tempfile.TemporaryDirectory() as name:
        folder, outputs, url = Path(name), account.outputs, account.url
        account.verify(*CHECKS, code=NOT_VERIFIED)  # what has never run before
        alone = [account.verify(*CHECKS, code=NOT_VERIFIED) for _ in range(ALONE_RUNS)]
        one, _ = _verified(outputs, url, 1, folder / "one")
        _, with_ten = _verified(outputs, url, TEN, folder / "ten")
        fifty, with_fifty = _verified(outputs, url, FIFTY, folder / "fifty")
    note(f"one alone: {figures(run.seconds for run in alone)}")
    note(f"one in a run of targets: {one.seconds:.2f} s, processor {one.processor:.2f} s")
    yield Row(
        f"{FIFTY} targets, processor time of each",
        "a run's alone",
        fifty.processor / FIFTY / statistics.median(run.processor for run in alone),
        PROCESSOR,
        f"{fifty.processor:.1f} s for all",
    )
    yield Row(
        f"{FIFTY} targets, start to exit",
        "one after the other",
        fifty.seconds / FIFTY / statistics.median(run.seconds for run in alone),
        ELAPSED,
        f"{fifty.seconds:.1f} s for all",
    )
    yield Row(
        f"{FIFTY} targets, processes at once",
        f"{PROCESSES}, as {AT_A_TIME} at a time need",
        with_fifty.processes / PROCESSES,
        1.0,
        f"{with_fifty.processes}",
    )
    yield Row(
        f"{FIFTY} targets, peak memory of all",
        f"that of {TEN}",
        with_fifty.megabytes / with_ten.megabytes,
        GROWTH,
        f"{with_fifty.megabytes:.0f} MB and {with_ten.megabytes:.0f} MB",
    )
