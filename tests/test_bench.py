"""The door of the benchmarks; what they measure is printed, never asserted here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.suite.support import ended

ROOT = Path(__file__).parent.parent


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return ended([sys.executable, "-m", "bench", *arguments])


NAMES = ("compliance_function", "evidence", "integrity", "production", "report", "suite", "targets")


def test_help_names_every_benchmark_of_the_folder() -> None:
    done = _bench("--help")
    assert done.returncode == 0, done.stderr
    assert f"which of {', '.join(NAMES)}" in " ".join(done.stdout.split())
    modules = {path.stem for path in (ROOT / "bench").glob("*.py") if "main()" in path.read_text()}
    assert modules - {"__main__"} == set(NAMES)


def test_an_unknown_benchmark_is_refused_before_any_is_run() -> None:
    done = _bench("integrity", "speed")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"no such benchmark: speed; there are {', '.join(NAMES)}" in done.stderr
