"""The state checks beside Prowler, limited to HIPAA, and Cloud Custodian, asked the same questions.

Each has an environment of its own, which `make bench PEERS=1` installs. All look at the same
account, a sandbox with dev deployed into it, by turns and each in a process of its own. Their
processor time is compared and not how long they take: they wait long for services that the sandbox
lacks, which is not their fault.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.runs import CHECKS, NOT_VERIFIED, Account, Run, deployed_account
from bench.table import Row, note
from tests.suite.support import REGION, ROOT, environment

RUNS = 3
PROWLER_LIMIT, CUSTODIAN_LIMIT = 0.33, 1.0
_POLICIES = Path(__file__).parents[1] / "custodian.yaml"
_ENVIRONMENTS = ROOT / ".venv"


@dataclass(frozen=True)
class _Peer:
    """A run of another tool: processor seconds, and what it printed."""

    processor: float
    printed: str


def _run(name: str, account: Account, home: Path, arguments: Sequence[str]) -> _Peer:
    program = _ENVIRONMENTS / name / "bin" / name
    if not program.exists():
        sys.exit(f"{name} is not installed: `make bench PEERS=1` installs it")
    more = {"HOME": str(home), "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(program), *arguments],
        cwd=home,
        env=environment(account.url, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}:\n{printed[-4000:]}")
    processor = usage.ru_utime + usage.ru_stime
    note(f"{name}: {processor:.1f} s of {time.perf_counter() - started:.1f} s")
    return _Peer(processor, printed)


def _prowler(account: Account, home: Path) -> _Peer:
    arguments = ["aws", "--compliance", "hipaa_aws", "--region", REGION, "--no-banner"]
    arguments += ["--no-color", "--ignore-exit-code-3", "--output-formats", "csv"]
    # Of what the sandbox lacks one answer is enough.
    arguments += ["--aws-retries-max-attempts", "1", "--aws-connect-timeout", "3"]
    return _run("prowler", account, home, [*arguments, "--output-directory", str(home / "out")])


def _custodian(account: Account, home: Path) -> _Peer:
    arguments = ["run", "--output-dir", str(home / "found"), "--cache-period", "0"]
    return _run("custodian", account, home, [*arguments, "--region", REGION, str(_POLICIES)])


def _version(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(_ENVIRONMENTS / name / "bin" / name), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"\d+(\.\d+)+", done.stdout)
    return found[0] if found else "of unknown version"


def _row(
    ours: Sequence[Run], theirs: Sequence[_Peer], against: str, what: str, limit: float
) -> Row:
    mine = statistics.median(run.processor for run in ours)
    others = statistics.median(run.processor for run in theirs)
    controls = sum(row["test"] is not None for row in ours[-1].report["results"])
    return Row(
        "processor time of the state checks",
        against,
        mine / others,
        limit,
        f"{mine:.1f} s for {controls} controls and {others:.1f} s for {what}",
    )


def rows() -> Iterator[Row]:
    """Deploy, and let all three look."""
    prowler_version, custodian_version = _version("prowler", "-v"), _version("custodian", "version")
    with deployed_account("dev") as account, tempfile.TemporaryDirectory() as name:
        home = Path(name)
        account.verify(*CHECKS, code=NOT_VERIFIED)  # compiles what has never run before
        ours, prowler, custodian = [], [], []
        for _ in range(RUNS):  # by turns
            ours.append(account.verify(*CHECKS, code=NOT_VERIFIED))
            custodian.append(_custodian(account, home))
            prowler.append(_prowler(account, home))
        policies = len(re.findall(r"^  - name: ", _POLICIES.read_text(), re.MULTILINE))
        yield _row(
            ours,
            custodian,
            f"Cloud Custodian {custodian_version}, asked the same",
            f"{policies} policies",
            CUSTODIAN_LIMIT,
        )
        checks = re.search(r"Executing (\d+) checks", prowler[-1].printed)
        yield _row(
            ours,
            prowler,
            f"Prowler {prowler_version}, hipaa_aws",
            f"{checks[1] if checks else 'its'} checks",
            PROWLER_LIMIT,
        )
