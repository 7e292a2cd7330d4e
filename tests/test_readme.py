"""What README says is what runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.variables import VARIABLES, Varied
from tests.suite.support import MAKE, ROOT, ended, environment
from verify.inputs import baseline, catalogue, waivers
from verify.inputs.declared import Configuration
from verify.targets import file as targets

README = (ROOT / "README.md").read_text()
DEPLOYING = (ROOT / "docs/deploying.md").read_text()
VERIFYING = (ROOT / "docs/verifying.md").read_text()


def _commands(page: str) -> list[str]:
    """The lines of a page's shell blocks, which may stand in a list."""
    return [
        line.strip()
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
        if line.strip()
    ]


COMMANDS = _commands(README)
MORE_COMMANDS = [*COMMANDS, *_commands(DEPLOYING), *_commands(VERIFYING)]


# As people say it; no more exact than it can be.
TIME = r"at once|until Ctrl-C|seconds|minutes|over an hour|\d+ (seconds|minutes?|hours?)"
DEPLOY = (ROOT / "deploy" / "__main__.py").read_text()


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_readme_shows_the_whole_pipeline() -> None:
    shown = {command.split()[1] for command in COMMANDS if command.startswith("make ")}
    assert shown == {
        "demo",
        "plan",
        "deploy",
        "verify",
        "check-evidence",
        "destroy",
        "sandbox",
        "fast",
        "test",
        "lint",
        "mutate",
        "bench",
        "soak",
    }


@pytest.mark.parametrize(
    "command", sorted({line for line in MORE_COMMANDS if line.startswith("make ")})
)
def test_each_make_command_of_readme_is_understood_by_make(command: str) -> None:
    done = ended([MAKE, "-n", *command.split()[1:]])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_showing_a_command_runs_nothing(tmp_path: Path) -> None:
    done = ended([MAKE, "-n", "fast", "demo", f"WORK={tmp_path / 'work'}", "PY=false"])
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "work").exists()


def test_every_setting_that_is_listed_is_one_that_make_help_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    settings = re.findall(r"^\| `([A-Z_]+)=", DEPLOYING, re.MULTILINE)
    assert {"REGION", "PROFILE", "STATE_BUCKET"} <= set(settings)
    for setting in settings:
        assert re.search(rf"^\t{setting}=", makefile, re.MULTILINE), setting


def test_readme_counts_the_controls() -> None:
    counted = {profile: len(baseline.load(profile).controls) for profile in ("dev", "prod")}
    assert (
        f"{counted['dev']} controls by the profile\n  `dev`, {counted['prod']} by `prod`" in README
    )


def test_every_folder_that_readme_lists_exists() -> None:
    for folder in re.findall(r"^\| `([a-z]+)/` \|", README, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_help_lists_every_target_that_users_may_call() -> None:
    done = subprocess.run(
        [MAKE, "help"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    listed = re.findall(r"^([a-z-]+) {2,}(\S.*?) {2,}\S", done.stdout, re.MULTILINE)
    assert {target for target, _ in listed} == _targets() - {"browser", "found-terraform"}
    for target, time in listed:
        assert re.fullmatch(TIME, time), f"{target}: how long does it take?"


def test_a_make_that_is_too_old_is_told_so() -> None:
    done = subprocess.run(
        [MAKE, ".FEATURES=", "help"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "GNU make 3.82 or newer is needed: on macOS, `brew install make`" in done.stderr


def test_help_says_what_can_be_set() -> None:
    makefile = (ROOT / "Makefile").read_text()
    done = subprocess.run(
        [MAKE, "help"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    said = set(re.findall(r"^([A-Z_]+)=", done.stdout, re.MULTILINE))
    settable = set(re.findall(r"^([A-Z_]+) \?=", makefile, re.MULTILINE))
    assert settable - said == {"WORKERS"}
    for name in said - settable:
        assert re.search(rf"^  {name}=1 ", DEPLOY, re.MULTILINE), name


def test_the_suite_is_called_as_readme_says(tmp_path: Path) -> None:
    [command] = [line for line in COMMANDS if "-m pytest" in line]
    done = ended([ROOT / ".venv/bin/python", *command.split()[1:], f"--reports={tmp_path}"])
    assert done.returncode == 4
    assert "no outputs file at outputs.json" in done.stdout + done.stderr


def test_the_function_judges_records_as_readme_says(tmp_path: Path) -> None:
    [command] = [line for line in MORE_COMMANDS if "compliance_checker" in line]
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
    done = ended([shell, "-c", command.replace("events.jsonl", str(events))])
    assert done.returncode == 1, done.stderr
    [alert] = map(json.loads, done.stdout.splitlines())
    assert (alert["rule"], alert["event"]["event_id"]) == ("trail-stopped", "e-1")


@pytest.mark.slow
def test_demo_goes_the_whole_way_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = ended(
        [MAKE, "demo", f"REPORTS={tmp_path / 'reports'}", f"WORK={tmp_path / 'work'}"], seconds=400
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "reports/latest/report.json").read_text())
    outcomes = {row["control"]["identifier"]: row["outcome"] for row in report["results"]}
    assert outcomes["alert-on-opened-rule"] == "PASS"
    assert f"open {tmp_path}/reports/latest/report.html" in done.stdout
    for step in ("1 of 3: starting", "2 of 3: deploying", "3 of 3: verifying"):
        assert f"\n{step}" in f"\n{done.stdout}"
    assert "\nOutputs:" not in done.stdout
    # Neither a hash nor another code stands alone on a line.
    assert not re.findall(r"^[A-Za-z0-9+/=]{40,}$", done.stdout, re.MULTILINE), "what is this?"
    [url] = re.findall(r"^sandbox: (http://127\.0\.0\.1:\d+)$", done.stdout, re.MULTILINE)
    port = int(url.rpartition(":")[2])
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    assert f"0100007F:{port:04X} 00000000:0000 0A" not in listening, "the sandbox still listens"
    assert list((tmp_path / "work").glob("demo.*")) == []


def _demo_without_terraform(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bash", "env", "mkdir", "mktemp", "nproc", "expr", "rm"):
        (programs / name).symlink_to(shutil.which(name) or name)
    installed = ("-o.venv/.installed-runtime", "-o.venv/.installed-sandbox")
    return subprocess.run(
        [MAKE, *installed, "demo", f"WORK={folder / 'work'}", *settings],
        cwd=ROOT,
        env=environment(PATH=str(programs), TERRAFORM_FOLDER=str(folder / "tools")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_demo_asks_for_terraform_before_it_starts_anything(tmp_path: Path) -> None:
    """And says so where there is none, without a terminal or consent."""
    done = _demo_without_terraform(tmp_path)
    assert done.returncode == 2
    assert "Neither terraform nor tofu was found on PATH" in done.stderr
    assert "with INSTALL_TERRAFORM=1" in done.stderr
    assert "1 of 3" not in done.stdout
    assert not (tmp_path / "work").exists()


def test_consent_to_make_is_consent(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    done = _demo_without_terraform(tmp_path, "INSTALL_TERRAFORM=1", f"TERRAFORM_RELEASES={nowhere}")
    assert done.returncode == 2
    assert f"fetching {nowhere}/1.11.4/terraform_1.11.4_" in done.stderr
    assert "Connection refused" in done.stderr
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("value", ["my reports", "it's", 'a "b" $(id)', "x; false", "-n"])
def test_what_make_is_given_stays_one_word(tmp_path: Path, value: str) -> None:
    """A folder may have a space in its name; nothing in a value is a command."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    python.chmod(0o755)
    given = value.replace("$", "$$")
    done = ended(
        [
            MAKE,
            "-o.venv/.installed-runtime",
            "-opackage",
            "verify",
            f"PY={python}",
            f"REPORTS={given}",
            f"OUTPUTS={given}",
            f"BASELINE={given}",
        ]
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


def _shown(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(# own.*?)```", DEPLOYING, re.DOTALL)
    return str(found)


def test_the_options_that_readme_turns_on_are_asked_for_by_its_baseline(tmp_path: Path) -> None:
    """The two files that README shows are about the same: each value stands in both."""
    own = tmp_path / "own.yaml"
    own.write_text(_shown("yaml"))
    (tmp_path / "own.tfvars").write_text(_shown("hcl"))
    values = baseline.load(str(own)).values
    declared = Configuration(ROOT / "terraform", "dev", tmp_path / "own.tfvars")
    scan, remediation = values["function"]["scan"], values["function"]["remediation"]
    assert scan["checks"] == declared.argument("var.account_scan_checks")
    assert scan["schedule"] == declared.argument("var.account_scan_schedule")
    assert remediation["rules"] == declared.argument("var.remediation_rules")
    assert remediation["mode"] == declared.argument("var.remediation_mode")
    assert values["log_groups"]["retention_days"] == declared.argument(
        "var.log_group_retention_days"
    )
    assert declared.argument("var.account_scan_enabled") is True


def test_readme_says_of_each_variable_that_a_baseline_minds_what_to_say() -> None:
    [table] = re.findall(
        r"\| variable \| what the baseline says \|\n(.*?)\n\n", DEPLOYING, re.DOTALL
    )
    rows = [line.split(" | ")[0] for line in table.splitlines()]
    minded = {
        name for name, how in VARIABLES.items() if isinstance(how, Varied) and how.baseline
    } | {"account_scan_checks", "account_scan_schedule"}  # they are said with account_scan_enabled
    minded.add("existing_vpc_id")  # tests/deploy/test_trail_alone.py holds a deployment to it
    assert {name for row in rows for name in re.findall(r"`([a-z_]+)", row)} == minded


def test_the_waiver_that_readme_shows_is_one(tmp_path: Path) -> None:
    [shown] = re.findall(r"```yaml\n(waivers:.*?)```", VERIFYING, re.DOTALL)
    (tmp_path / "waivers.yaml").write_text(shown)
    longest = baseline.load("dev").values["waivers"]["longest_days"]
    [waiver] = waivers.load(tmp_path / "waivers.yaml", catalogue.load(), longest)
    assert (waiver.expires - waiver.issued).days == longest == 90


def test_the_targets_that_readme_shows_are_some(tmp_path: Path) -> None:
    [block] = [
        block
        for block in re.findall(r"```yaml\n(.*?)```", VERIFYING, re.DOTALL)
        if "targets:" in block
    ]
    file = tmp_path / "targets.yaml"
    file.write_text(block)
    names = [target.name for target in targets.load(file)]
    assert names == ["production-sydney", "staging"]
