"""What is slow is known to be so, whoever wrote it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.costs import dear_program


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ([sys.executable, "-m", "sandbox", "--port", "0"], "the sandbox"),
        (["/usr/bin/chromium", "--headless"], "chromium"),
        ([Path("/usr/bin/google-chrome")], "google-chrome"),
        (["/usr/bin/make", "demo", "WORK=x"], "the demo"),
        ("/usr/bin/make demo", "the demo"),
        (["/usr/bin/make", "-n", "demo"], None),
        ([sys.executable, "-m", "deploy", "apply"], None),
        ([], None),
    ],
)
def test_programs_that_take_long_to_start_are_told(command: object, program: str | None) -> None:
    assert dear_program(command) == program


def test_a_test_without_the_mark_may_not_start_one(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"starts chromium: mark it with pytest\.mark\.slow"):
        subprocess.Popen([tmp_path / "chromium"])
