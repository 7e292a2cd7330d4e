"""The door of the benchmarks; what they measure is printed, never asserted here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.table import Part, Row, page, read_rows, write_rows
from tests.suite.support import ended

ROOT = Path(__file__).parent.parent


def _bench(*arguments: str, module: str = "bench") -> subprocess.CompletedProcess[str]:
    return ended([sys.executable, "-m", module, *arguments])


NAMES = sorted(path.stem for path in (ROOT / "bench/parts").glob("*.py") if path.stem != "__init__")


def test_help_names_every_part_of_the_folder() -> None:
    assert {"compliance_function", "integrity", "production", "suite"} <= set(NAMES)
    done = _bench("--help")
    assert done.returncode == 0, done.stderr
    assert f"which of {', '.join(NAMES)}" in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_part_yields_rows(name: str) -> None:
    """Nobody looks at a part without running it, which takes minutes."""
    assert "\ndef rows() -> Iterator[Row]:\n" in (ROOT / f"bench/parts/{name}.py").read_text()


def test_an_unknown_part_is_refused_before_any_is_run() -> None:
    done = _bench("integrity", "speed")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"no such part: speed; there are {', '.join(NAMES)}" in done.stderr


def test_a_part_that_cannot_measure_is_no_part_that_keeps_its_limits(tmp_path: Path) -> None:
    done = _bench("no_such_part", str(tmp_path / "rows"), module="bench.part")
    assert done.returncode == 1
    assert "No module named 'bench.parts.no_such_part'" in done.stderr


ROWS = [
    Row("a thousand files", "the CLI", 0.05, 0.1, "1.0 s and 20.0 s"),
    Row("a | b", "b", 2.0, 1.5),
    Row("told", "nobody", 7.0),
]


def test_rows_are_printed_and_kept_as_they_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows"
    write_rows(path, iter(ROWS))
    assert list(read_rows(path)) == ROWS
    assert capsys.readouterr().out.splitlines() == [
        "ok    a thousand files, against the CLI: 0.05 (at most 0.1): 1.0 s and 20.0 s",
        "MISS  a | b, against b: 2.00 (at most 1.5)",
        "ok    told, against nobody: 7.00",
    ]
    assert json.loads(path.read_text().splitlines()[2])["limit"] is None


def test_the_page_is_made_of_the_rows_and_says_what_is_missing() -> None:
    text = page([Part("integrity", ROWS[:2], 0), Part("suite", ROWS[2:], 1)], load=0.25)
    assert (
        "| integrity | a thousand files | the CLI | 0.05 | 0.1 | yes | 1.0 s and 20.0 s |" in text
    )
    assert "| integrity | a \\| b | b | 2.00 | 1.5 | **no** |  |" in text
    assert "| suite | told | nobody | 7.00 |  |  |  |" in text
    assert "Not measured to the end: suite." in text
    assert "load 0.2 at the start" in text
    assert str(Path.home()) not in text
