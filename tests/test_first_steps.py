"""What README and its pages print, run as a reader does: line by line, in a copy, on a sandbox."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.support import RunningSandbox, start
from tests.suite.support import ROOT, environment

pytestmark = pytest.mark.slow

SHELL = shutil.which("bash") or "bash"
# What nobody copies, and what each copy makes for itself.
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".trailwarden", ".tools", "reports", "__pycache__", ".*_cache", ".hypothesis"
)


def _block(page: str, after: str, number: int = 0) -> str:
    """A shell block of a page, counted from the heading `after`."""
    text = (ROOT / page).read_text().partition(f"\n{after}\n")[2]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return "\n".join(line.strip() for line in blocks[number].splitlines())


@dataclass(frozen=True)
class Reader:
    """Somebody who has a copy of the project and a sandbox, and types what the pages say."""

    folder: Path
    sandbox: RunningSandbox

    def types(self, lines: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `lines` in one shell, which ends at the first that fails."""
        port = self.sandbox.url.rpartition(":")[2]
        return subprocess.run(
            [SHELL, "-euc", lines.replace(":4599", f":{port}")],
            cwd=self.folder,
            env=environment(PORT=port, **settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    @property
    def outcomes(self) -> set[str]:
        report = json.loads((self.folder / "reports/latest/report.json").read_text())
        return {row["outcome"] for row in report["results"]}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "trailwarden"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    # As it is where no region is set: the sandbox's own default, too.
    sandbox = start()
    yield Reader(folder, sandbox)
    sandbox.process.terminate()
    assert sandbox.process.wait(timeout=30) == 0


def test_the_five_steps_are_as_printed(reader: Reader) -> None:
    """On the sandbox in place of AWS, which is one setting."""
    steps = [_block("README.md", "## On AWS, in five steps", number) for number in range(6)]
    assert [step.split()[1] for step in steps[1:]] == [
        "plan",
        "deploy",
        "verify",
        "check-evidence",
        "destroy",
    ]
    owner, *rest = steps
    for step in rest:
        done = reader.types(f"{owner}\n{step}", SANDBOX="1")
        assert done.returncode == 0, done.stdout + done.stderr
        if step == "make deploy":
            [outputs] = (reader.folder / ".trailwarden").glob("*/outputs.json")
            assert json.loads(outputs.read_text())["environment"]["value"] == "dev"
        if step.startswith("make verify"):
            assert reader.outcomes == {"PASS", "NOT APPLICABLE"}
            summary = _block("README.md", "## In CI")
            shown = reader.types(summary, GITHUB_STEP_SUMMARY=str(reader.folder / "page.md"))
            assert shown.returncode == 0, shown.stderr
            assert "CLEAN" in (reader.folder / "page.md").read_text()
    assert not list((reader.folder / ".trailwarden").glob("*/outputs.json"))


def test_a_local_account_without_make_is_as_printed(reader: Reader) -> None:
    deploy, verify, destroy = _block("README.md", "## On a local account", 1).splitlines()
    done = reader.types(deploy)
    assert done.returncode == 0, done.stdout + done.stderr

    without_make = _block("docs/verifying.md", "## Without make", 1)
    assert ":4599" in without_make
    done = reader.types(without_make)
    assert done.returncode == 0, done.stdout + done.stderr
    assert reader.outcomes == {"PASS", "NOT APPLICABLE"}
    assert (reader.folder / "outputs.json").is_file()

    # The same lines of README, which leave the sandbox out.
    shorter = _block("README.md", "### Without make")
    on_sandbox = shorter.replace("outputs --output", f"outputs --sandbox {URL} --output")
    assert on_sandbox != shorter
    exported = without_make.splitlines()[1]
    done = reader.types(f"{exported}\n{on_sandbox}")
    assert done.returncode == 0, done.stdout + done.stderr

    for line in (verify, destroy):
        done = reader.types(line)
        assert done.returncode == 0, done.stdout + done.stderr


URL = "http://127.0.0.1:4599"
