"""The digest-chain validator beside `aws cloudtrail validate-logs`, as ratios in one run.

`python -m bench integrity` builds a trail in a loopback S3 server of its own process, runs both
commands over the same bucket as a user would, each in a process of its own, and measures:

- elapsed time with 20 ms added to every answer, about what S3 takes;
- processor time without the delay;
- time for each file from 1,000 to 100,000 files, and peak memory.

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
from importlib import metadata
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bench.runs import ended
from bench.table import Row, note
from tests.integrity.loopback import Account, serve_forever
from tests.integrity.trail import HOME, START, Trail, timestamp

DAYS, HOURS, LOGS = 7, 24, 12
RECORDS = 20
BUSY_DAY = 20_000
LATENCY = 0.020
FASTER, CHEAPER, FLAT, FLAT_MEMORY = 0.1, 0.34, 1.5, 2.0


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


def _beside_the_cli() -> Iterator[Row]:
    end = START + timedelta(days=DAYS)
    cli_name = f"validate-logs of awscli {metadata.version('awscli')}"
    files = f"{DAYS * HOURS * (LOGS + 1):,} files of {DAYS} days"
    with _server(LATENCY, DAYS * HOURS, LOGS) as (arn, url):
        ours, cli = _ours(arn, url, end), _cli(arn, url, end)
    assert ours.files == cli.files == DAYS * HOURS * (LOGS + 1), (ours.files, cli.files)
    yield Row(
        f"{files}, {LATENCY * 1000:.0f} ms for each answer, start to exit",
        cli_name,
        ours.seconds / cli.seconds,
        FASTER,
        f"{ours.seconds:.1f} s and {cli.seconds:.1f} s",
    )
    with _server(0.0, DAYS * HOURS, LOGS) as (arn, url):
        # By turns, and the least counts: what else the machine does only ever adds.
        pairs = [(_ours(arn, url, end), _cli(arn, url, end)) for _ in range(4)]
    ours = min((one for one, _ in pairs), key=lambda run: run.processor)
    cli = min((one for _, one in pairs), key=lambda run: run.processor)
    yield Row(
        f"{files}, processor time",
        cli_name,
        ours.processor / cli.processor,
        CHEAPER,
        f"{ours.processor:.1f} s and {cli.processor:.1f} s; start to exit {ours.seconds:.1f} s and "
        f"{cli.seconds:.1f} s",
    )


def _growth() -> Iterator[Row]:
    runs = []
    for total in (1_000, 10_000, 100_000):
        hours = max(round(total / (2 * LOGS + 1)), 1)
        with _server(0.0, hours, 2 * LOGS) as (arn, url):
            run = _ours(arn, url, START + timedelta(hours=hours))
        runs.append(run)
        note(
            f"{run.files:,} files: {run.seconds:.1f} s, {_each(run):.2f} ms processor time a file, "
            f"{run.megabytes:.0f} MB"
        )
    _, some, many = runs
    # Against the 10,000, and not the 1,000, of which starting up is the greater part.
    of, against = f"{many.files:,} files", f"{some.files:,} files"
    yield Row(
        f"{of}, processor time a file",
        against,
        _each(many) / _each(some),
        FLAT,
        f"{_each(many):.2f} ms and {_each(some):.2f} ms",
    )
    yield Row(
        f"{of}, peak memory",
        against,
        many.megabytes / some.megabytes,
        FLAT_MEMORY,
        _peaks(many, some),
    )
    with _server(0.0, HOURS, BUSY_DAY // HOURS) as (arn, url):
        busy = _ours(arn, url, START + timedelta(hours=HOURS))
    yield Row(
        f"{busy.files:,} files, all of one day, peak memory",
        against,
        busy.megabytes / some.megabytes,
        FLAT_MEMORY,
        _peaks(busy, some),
    )


def _each(run: Run) -> float:
    """Milliseconds of processor time a file."""
    return run.processor / run.files * 1000


def _peaks(*runs: Run) -> str:
    return " and ".join(f"{run.megabytes:.0f} MB" for run in runs)


def rows() -> Iterator[Row]:
    """Compare with the CLI, then with ourselves on fewer files."""
    yield from _beside_the_cli()
    yield from _growth()
