"""What CONTRIBUTING.md shows is what works: each example is applied to a copy and tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, ROOT, ended, environment, role_statement

# Each test copies the repository and starts pytest on it.
pytestmark = pytest.mark.slow

_PAGE = (ROOT / "CONTRIBUTING.md").read_text()
_GIT = shutil.which("git") or "git"
# Each names what a new control still lacks, and needs no account.
_STRUCTURE = (
    "tests/suite/test_catalogue_and_baseline.py",
    "tests/suite/test_baseline.py",
    "tests/suite/test_permissions.py",
    "tests/suite/test_fields.py",
    "tests/mutants/test_definitions.py",
)


def _example(kind: str) -> str:
    [found] = re.findall(rf"```{kind}\n(.*?)```", _PAGE, re.DOTALL)
    return str(found)


def _changes(diff: str) -> dict[str, list[str]]:
    """File -> the lines that a diff adds to it."""
    added: dict[str, list[str]] = {}
    file = ""
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
            added[file] = []
        elif line.startswith("+"):
            added[file].append(line[1:])
    return added


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of the repository, as they are now."""
    listed = subprocess.run(
        [_GIT, "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    folder = tmp_path / "copy"
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(ROOT / "lambda/dist", folder / "lambda/dist", dirs_exist_ok=True)
    return folder


def _apply(folder: Path, diff: str, *left_out: str) -> None:
    """Apply a diff with git, as a reader would."""
    excluded = [f"--exclude={name}" for name in left_out]
    subprocess.run(
        [_GIT, "apply", "--whitespace=error", *excluded, "-"],
        cwd=folder,
        input=diff,
        text=True,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )


def _python(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return ended([sys.executable, *arguments], env=environment(**more), folder=folder)


def _structure(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    page = _python(folder, "-m", "verify", "controls")
    if page.returncode == 0:
        (folder / "docs/controls.md").write_text(page.stdout)
    return _python(folder, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", *tests)


# --- a control ------------------------------------------------------------------------------------


def test_a_control_is_at_most_six_files_and_eighty_lines() -> None:
    added = _changes(_example("diff control"))
    assert len(added) <= 6
    assert sum(map(len, added.values())) <= 80


# File -> which of them names it, and in what words.
_FORGOTTEN = {
    "verify/inputs/controls.yaml": (
        "tests/suite/test_catalogue_and_baseline.py",
        "no-key-pairs, which the catalogue does not have",
    ),
    "verify/inputs/baselines/dev.yaml": ("tests/suite/test_baseline.py", "no-key-pairs"),
    "verify/checks/test_key_pairs.py": (
        "tests/suite/test_catalogue_and_baseline.py",
        "control no-key-pairs has no test",
    ),
    "terraform/verifier.tf": ("tests/suite/test_permissions.py", "ec2:DescribeKeyPairs"),
    "verify/inputs/fields/ec2.yaml": (
        "tests/suite/test_fields.py",
        "verify/inputs/fields/ec2.yaml lacks describe_key_pairs",
    ),
    "mutants/network.py": ("tests/mutants/test_definitions.py", "no-key-pairs"),
}


def test_the_example_of_a_control_is_complete(copy: Path) -> None:
    diff = _example("diff control")
    assert set(_changes(diff)) == set(_FORGOTTEN)
    _apply(copy, diff)
    done = _structure(copy, *_STRUCTURE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", _FORGOTTEN)
def test_a_forgotten_place_of_a_control_is_named_at_once(copy: Path, file: str) -> None:
    _apply(copy, _example("diff control"), file)
    test, words = _FORGOTTEN[file]
    done = _structure(copy, test)
    assert done.returncode == 1
    assert words in done.stdout


def test_a_stale_page_of_controls_is_named(copy: Path) -> None:
    _apply(copy, _example("diff control"))
    done = _python(copy, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", _STRUCTURE[0])
    assert "run `make docs`" in done.stdout


@contextmanager
def _key_pair(sandbox: RunningSandbox) -> Iterator[None]:
    """Somebody may log on to machines with a key of their own."""
    ec2 = sandbox.client("ec2", REGION)
    ec2.create_key_pair(KeyName="by-hand")
    yield
    ec2.delete_key_pair(KeyName="by-hand")


def _verify(folder: Path, sandbox: RunningSandbox, deployed: Path, *arguments: str) -> str:
    done = _python(
        folder,
        "-m",
        "pytest",
        f"--outputs={deployed}",
        f"--reports={folder / 'reports'}",
        "--as-verifier",
        *arguments,
        AWS_ENDPOINT_URL=sandbox.url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    return done.stdout


def test_the_new_control_fails_without_and_passes_with_what_it_asks_for(
    copy: Path,
    sandbox: RunningSandbox,
    deployed: Path,
    outputs: dict[str, Any],
) -> None:
    diff = _example("diff control")
    _apply(copy, diff)
    only = ("verify/checks/test_key_pairs.py",)
    # What was deployed is older than the change, and so is the verifier's role.
    [granted] = _changes(diff)["terraform/verifier.tf"]
    permission = granted.strip().strip('",')
    assert f"the caller lacks {permission}" in _verify(copy, sandbox, deployed, *only)
    with role_statement(sandbox, outputs["verifier_role_name"], "Allow", permission):
        with _key_pair(sandbox):
            assert "FAIL no-key-pairs\n  vpc-" in _verify(copy, sandbox, deployed, *only)
        now = _verify(copy, sandbox, deployed, *only)
        assert re.search(r"^PASS +no-key-pairs", now, re.MULTILINE)


# --- a rule ---------------------------------------------------------------------------------------

_OF_RULES = (
    "tests/compliance_checker/test_rules.py",
    "tests/compliance_checker/test_rule_samples.py",
    "tests/compliance_checker/test_filter_pattern.py",
    "tests/compliance_checker/test_event_patterns.py",
    "tests/suite/test_catalogue_and_baseline.py",
)
_MADE_ANEW = "terraform/event-patterns.json"
_FORGOTTEN_OF_A_RULE = {
    _MADE_ANEW: (_OF_RULES[3], "python lambda/event_patterns.py"),
    "tests/compliance_checker/violations.py": (
        _OF_RULES[0],
        "test_every_rule_has_a_violation_here",
    ),
    "verify/live_fire/rule_samples.json": (_OF_RULES[1], "test_every_rule_has_one_sample"),
    "verify/inputs/baselines/dev.yaml": (
        _OF_RULES[4],
        "add these to log_groups.subscription_events",
    ),
}


def _with_rule(folder: Path, forgotten: str, *tests: str) -> subprocess.CompletedProcess[str]:
    _apply(folder, _example("diff rule"), forgotten)
    if forgotten != _MADE_ANEW:
        assert _python(folder, "lambda/event_patterns.py").returncode == 0
    return _python(folder, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", *tests)


def test_the_example_of_a_rule_is_complete(copy: Path) -> None:
    assert {*_changes(_example("diff rule")), _MADE_ANEW} == {
        "lambda/compliance_checker/rules/keys.py",
        *_FORGOTTEN_OF_A_RULE,
    }
    done = _with_rule(copy, "none", *_OF_RULES)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", _FORGOTTEN_OF_A_RULE)
def test_a_forgotten_place_of_a_rule_is_named_at_once(copy: Path, file: str) -> None:
    test, words = _FORGOTTEN_OF_A_RULE[file]
    done = _with_rule(copy, file, test)
    assert done.returncode == 1
    assert words in done.stdout


# --- a format and a profile -----------------------------------------------------------------------


def test_a_format_is_two_files_and_is_written_with_the_others(
    copy: Path, sandbox: RunningSandbox, deployed: Path
) -> None:
    diff = _example("diff format")
    assert len(_changes(diff)) == 2
    _apply(copy, diff)
    _verify(copy, sandbox, deployed, "verify/checks/test_trail.py", "-ktest_trail_is_logging")
    lines = (copy / "reports/latest/outcomes.txt").read_text().splitlines()
    assert "PASS CRITICAL trail-is-logging" in lines
    done = _python(
        copy,
        "-m",
        "pytest",
        "-ctests/pytest.ini",
        "--rootdir=.",
        "-q",
        "tests/report/test_write_reports.py",
    )
    assert done.returncode == 0, done.stdout


def test_a_profile_is_one_file(copy: Path, sandbox: RunningSandbox, deployed: Path) -> None:
    (copy / "strict.yaml").write_text(_example("yaml profile"))
    text = _verify(
        copy, sandbox, deployed, "--profile=strict.yaml", "verify/checks/test_log_groups.py"
    )
    assert "FAIL log-groups-retention" in text
    assert "required 365, live 7" in text
    assert re.search(r"^PASS +log-groups-encrypted", text, re.MULTILINE)
