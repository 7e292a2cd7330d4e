"""The digest-chain validator beside `aws cloudtrail validate-logs`, as ratios in one run.

`python -m bench integrity` builds a trail in a loopback S3 server of its own process, runs both
commands over the same bucket as a user would, each in a process of its own, and prints:

- elapsed time with 20 ms added to every answer, about what S3 takes (target: a tenth);
- processor time for each file without the delay (target: a third);
- time for each file from 1,000 to 100,000 files (target: flat) and peak memory (target: < 200 MB).

Takes some five minutes, of which the CLI takes two.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bench.runs import ended
from tests.integrity.loopback import Account, serve_forever
from tests.integrity.trail import HOME, START, Trail, timestamp

DAYS, HOURS, LOGS = 7, 24, 12
RECORDS = 20
BUSY_DAY = 20_000
LATENCY = 0.020
FASTER, CHEAPER, FLAT, MEGABYTES = 10.0, 3.0, 1.5, 200.0


@dataclass(frozen=True)
class Run:
    """One command's run: elapsed and processor seconds, peak memory in MB, files validated."""

    seconds: float
    processor: float
    megabytes: float
    files: int


def _serve(pipe: Connection, latency: float, hours: int, logs: int) -> None:
    account = Account(enabled_regions=[HOME])
    trail = Trail(account, records_per_file=RECORDS)
    trail.deliver(hours=hours, logs_per_digest=logs)
    pipe.send(trail.arn)
    serve_forever(account, latency, pipe.send)


@contextmanager
def _server(latency: float, hours: int, logs: int) -> Iterator[tuple[str, str]]:
    """A server in a process of its own; gives the trail's ARN and the endpoint."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, latency, hours, logs), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours.recv()
    finally:
        process.terminate()
        process.join()


def _run(arguments: list[str], url: str) -> tuple[Run, str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    run = ended([sys.executable, "-m", *arguments], environment, errors=subprocess.DEVNULL)
    return Run(run.seconds, run.processor, run.megabytes, 0), run.output


def _ours(arn: str, url: str, end: datetime, *more: str) -> Run:
    # One region, as the CLI validates no more.
    period = ["--start", timestamp(START), "--end", timestamp(end), "--regions", HOME]
    run, output = _run(["verify", "integrity", "--trail-arn", arn, *period, "--json", *more], url)
    totals = json.loads(output)["totals"]
    files = totals["digests_proven"] + totals["logs_intact"]
    return Run(run.seconds, run.processor, run.megabytes, files)


def _cli(arn: str, url: str, end: datetime) -> Run:
    period = ["--start-time", timestamp(START), "--end-time", timestamp(end)]
    command = ["awscli", "cloudtrail", "validate-logs", "--trail-arn", arn, "--region", HOME]
    run, output = _run([*command, *period], url)
    files = sum(
        int(line.split("/")[0]) for line in output.splitlines() if line.endswith("files valid")
    )
    return Run(run.seconds, run.processor, run.megabytes, files)


class _Targets:
    def __init__(self) -> None:
        self.missed = 0

    def hold(self, what: str, figure: str, met: bool) -> None:
        """Print a figure and whether it meets its target."""
        self.missed += not met
        print(f"{'ok  ' if met else 'MISS'}  {what}: {figure}")


def main() -> int:
    """Run the comparison; 1 when a target is missed."""
    targets = _Targets()
    end = START + timedelta(days=DAYS)
    print(f"{DAYS} days x {HOURS} digests x {LOGS} log files of {RECORDS} records")

    with _server(LATENCY, DAYS * HOURS, LOGS) as (arn, url):
        ours, cli = _ours(arn, url, end), _cli(arn, url, end)
    assert ours.files == cli.files == DAYS * HOURS * (LOGS + 1), (ours.files, cli.files)
    print(f"      with {LATENCY * 1000:.0f} ms: CLI {cli.seconds:.1f} s, ours {ours.seconds:.1f} s")
    ratio = cli.seconds / ours.seconds
    targets.hold("times faster than the CLI", f"{ratio:.1f} (>= {FASTER:.0f})", ratio >= FASTER)

    with _server(0.0, DAYS * HOURS, LOGS) as (arn, url):
        # By turns, and the least counts: what else the machine does only ever adds.
        pairs = [(_ours(arn, url, end), _cli(arn, url, end)) for _ in range(4)]
    ours = min((one for one, _ in pairs), key=lambda run: run.processor)
    cli = min((one for _, one in pairs), key=lambda run: run.processor)
    print(
        f"      without: CLI {cli.seconds:.1f} s, ours {ours.seconds:.1f} s; "
        f"processor time a file: CLI {cli.processor / cli.files * 1000:.2f} ms, "
        f"ours {ours.processor / ours.files * 1000:.2f} ms"
    )
    ratio = cli.processor / ours.processor
    targets.hold("times less processor time", f"{ratio:.2f} (>= {CHEAPER:.0f})", ratio >= CHEAPER)

    runs = []
    for total in (1_000, 10_000, 100_000):
        hours = max(round(total / (2 * LOGS + 1)), 1)
        with _server(0.0, hours, 2 * LOGS) as (arn, url):
            run = _ours(arn, url, START + timedelta(hours=hours))
        runs.append(run)
        print(
            f"      {run.files:,} files: {run.seconds:.1f} s, "
            f"{run.processor / run.files * 1000:.2f} ms processor time a file, "
            f"{run.megabytes:.0f} MB"
        )
    # Against the 10,000, and not the 1,000, of which starting up is the greater part.
    growth = (runs[-1].processor / runs[-1].files) / (runs[1].processor / runs[1].files)
    targets.hold("growth of time a file", f"{growth:.2f} (<= {FLAT})", growth <= FLAT)
    peak = runs[-1].megabytes
    targets.hold("peak memory", f"{peak:.0f} MB (< {MEGABYTES:.0f})", peak < MEGABYTES)
    with _server(0.0, HOURS, BUSY_DAY // HOURS) as (arn, url):
        run = _ours(arn, url, START + timedelta(hours=HOURS))
    print(f"      {run.files:,} files of one day: {run.seconds:.1f} s, {run.megabytes:.0f} MB")
    targets.hold(
        "peak memory, all in one day",
        f"{run.megabytes:.0f} MB (< {MEGABYTES:.0f})",
        run.megabytes < MEGABYTES,
    )
    return int(targets.missed > 0)
