"""What README says is what runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.suite.support import MAKE, ROOT, environment

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_readme_shows_the_whole_pipeline() -> None:
    shown = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert shown == {
        "demo",
        "deploy",
        "verify",
        "destroy",
        "sandbox",
        "fast",
        "test",
        "lint",
        "mutate",
        "bench",
    }


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("make ")])
def test_each_make_command_of_readme_is_understood_by_make(command: str) -> None:
    done = subprocess.run(
        [MAKE, "-n", *command.split()[1:]],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_showing_a_command_runs_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [MAKE, "-n", "fast", "demo", f"WORK={tmp_path / 'work'}", "PY=false"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "work").exists()


def test_every_setting_that_readme_lists_is_one_of_makes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for setting in re.findall(r"^\| `([A-Z_]+)=", README, re.MULTILINE):
        assert f"{setting}" in makefile, setting


def test_every_folder_that_readme_lists_exists() -> None:
    for folder in re.findall(r"^\| `([a-z]+)/` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_help_lists_every_target_that_users_may_call() -> None:
    done = subprocess.run(
        [MAKE, "help"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"^([a-z]+) {2,}", done.stdout, re.MULTILINE))
    assert listed == _targets() - {"browser"}


def test_the_suite_is_called_as_readme_says(tmp_path: Path) -> None:
    [command] = [line for line in COMMANDS if "-m pytest" in line]
    done = subprocess.run(
        [ROOT / ".venv/bin/python", *command.split()[1:], f"--reports={tmp_path}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "no outputs file at outputs.json" in done.stdout + done.stderr


def test_the_function_judges_records_as_readme_says(tmp_path: Path) -> None:
    [command] = [line for line in COMMANDS if "compliance_checker" in line]
    shell = shutil.which("sh") or "sh"
    stopped = {
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "eventTime": "2026-01-01T00:00:00Z",
        "eventID": "e-1",
        "requestParameters": {"name": "cloudtrail-audit-dev"},
    }
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(stopped) + "\n" + json.dumps({**stopped, "errorCode": "X"}))
    done = subprocess.run(
        [shell, "-c", command.replace("events.jsonl", str(events))],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    [alert] = map(json.loads, done.stdout.splitlines())
    assert (alert["rule"], alert["event"]["event_id"]) == ("trail-stopped", "e-1")


@pytest.mark.slow
def test_demo_goes_the_whole_way_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = subprocess.run(
        [MAKE, "demo", f"REPORTS={tmp_path / 'reports'}", f"WORK={tmp_path / 'work'}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "reports/latest/report.json").read_text())
    outcomes = {row["control"]["identifier"]: row["outcome"] for row in report["results"]}
    assert outcomes["alert-on-opened-rule"] == "PASS"
    assert f"open {tmp_path}/reports/latest/report.html" in done.stdout
    [url] = re.findall(r"^sandbox: (http://127\.0\.0\.1:\d+)$", done.stdout, re.MULTILINE)
    port = int(url.rpartition(":")[2])
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    assert f"0100007F:{port:04X} 00000000:0000 0A" not in listening, "the sandbox still listens"
    assert list((tmp_path / "work").glob("demo.*")) == []


@pytest.mark.parametrize("value", ["my reports", "it's", 'a "b" $(id)', "x; false", "-n"])
def test_what_make_is_given_stays_one_word(tmp_path: Path, value: str) -> None:
    """A folder may have a space in its name; nothing in a value is a command."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    python.chmod(0o755)
    given = value.replace("$", "$$")
    done = subprocess.run(
        [
            MAKE,
            "-o.venv/.installed-runtime",
            "-opackage",
            "verify",
            f"PY={python}",
            f"REPORTS={given}",
            f"OUTPUTS={given}",
            f"BASELINE={given}",
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    for option in ("--reports", "--outputs", "--profile"):
        assert f"{option}={value}" in words


@pytest.mark.parametrize("asked", ["--help", "--collect-only", "--version"])
def test_what_needs_no_deployment_asks_for_none(tmp_path: Path, asked: str) -> None:
    done = subprocess.run(
        [MAKE, "verify", f"VERIFY_ARGS={asked}", f"WORK={tmp_path / 'work'}"],
        cwd=ROOT,
        env=environment(PATH="/usr/bin:/bin"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "work").exists()
