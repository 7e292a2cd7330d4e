"""A short soak, as a user runs it, and what it makes of a function that is deaf."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite.support import ROOT, environment


def _soak(*arguments: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soak", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.slow
def test_a_short_soak_finds_each_violation_told_once(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = _soak("--calls=250", "--minutes=0.4", "--seed=3", f"--output={summary}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ +\d+ s: \d+ of 250 calls, \d+ violations", done.stdout, re.MULTILINE)
    text = summary.read_text()
    assert text in done.stdout
    found = re.search(r"- ([\d,]+) violations of (\d+) rules; ([\d,]+) told", text)
    assert found is not None
    caused, rules, told = (int(each.replace(",", "")) for each in found.groups())
    assert caused == told >= 20
    assert rules >= 10
    assert "Lost: none" in text
    assert "Told more than once: none" in text
    assert "Did not come by each path: none" in text
    assert text.endswith("\nHeld.\n")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--calls=0", "is not a whole number from 1 on"),
        ("--minutes=0", "are no minutes"),
        ("--minutes=nan", "are no minutes"),
        ("--workers=x", "is not a whole number from 1 on"),
    ],
)
def test_what_makes_no_sense_is_refused(argument: str, said: str) -> None:
    done = _soak(argument, seconds=60)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_profile_that_there_is_not_cannot_be_run() -> None:
    done = _soak("--profile=staging", seconds=120)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "staging" in done.stderr
