"""What CONTRIBUTING.md shows is what works: each example is applied to a copy and tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, ROOT, environment, role_statement
from verify.inputs import deployment

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
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _structure(folder: Path) -> subprocess.CompletedProcess[str]:
    page = _python(folder, "-m", "verify", "controls")
    if page.returncode == 0:
        (folder / "docs/controls.md").write_text(page.stdout)
    return _python(folder, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", *_STRUCTURE)


# --- a control ------------------------------------------------------------------------------------


def test_a_control_is_at_most_six_files_and_eighty_lines() -> None:
    added = _changes(_example("diff control"))
    assert len(added) <= 6
    assert sum(map(len, added.values())) <= 80


_FORGOTTEN = {
    "verify/inputs/controls.yaml": "vpc-flow-logs, which the catalogue does not have",
    "verify/inputs/baselines/dev.yaml": "vpc-flow-logs",
    "verify/checks/test_flow_logs.py": "control vpc-flow-logs has no test",
    "terraform/verifier.tf": "ec2:DescribeFlowLogs",
    "verify/inputs/fields/ec2.yaml": "verify/inputs/fields/ec2.yaml lacks describe_flow_logs",
    "mutants/network.py": "vpc-flow-logs",
}


def test_the_example_of_a_control_is_complete(copy: Path) -> None:
    diff = _example("diff control")
    assert set(_changes(diff)) == set(_FORGOTTEN)
    _apply(copy, diff)
    done = _structure(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", _FORGOTTEN)
def test_a_forgotten_place_of_a_control_is_named_at_once(copy: Path, file: str) -> None:
    _apply(copy, _example("diff control"), file)
    done = _structure(copy)
    assert done.returncode == 1
    assert _FORGOTTEN[file] in done.stdout


def test_a_stale_page_of_controls_is_named(copy: Path) -> None:
    _apply(copy, _example("diff control"))
    done = _python(copy, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", _STRUCTURE[0])
    assert "run `make docs`" in done.stdout


@pytest.fixture
def flow_logs(sandbox: RunningSandbox, deployed: Path) -> Iterator[None]:
    """The VPC's traffic is recorded."""
    outputs = deployment.parse(deployed.read_text())
    ec2 = sandbox.client("ec2", REGION)
    made = ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[outputs.vpc_id],
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=outputs.log_bucket_arn,
    )
    yield
    ec2.delete_flow_logs(FlowLogIds=made["FlowLogIds"])


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
    request: pytest.FixtureRequest,
) -> None:
    diff = _example("diff control")
    _apply(copy, diff)
    only = ("verify/checks/test_flow_logs.py",)
    # What was deployed is older than the change, and so is the verifier's role.
    [granted] = _changes(diff)["terraform/verifier.tf"]
    permission = granted.strip().strip('",')
    assert f"the caller lacks {permission}" in _verify(copy, sandbox, deployed, *only)
    with role_statement(sandbox, outputs["verifier_role_name"], "Allow", permission):
        assert "FAIL vpc-flow-logs\n  vpc-" in _verify(copy, sandbox, deployed, *only)
        request.getfixturevalue("flow_logs")
        now = _verify(copy, sandbox, deployed, *only)
        assert re.search(r"^PASS +vpc-flow-logs", now, re.MULTILINE)


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
    "": "",
    _MADE_ANEW: "python lambda/event_patterns.py",
    "tests/compliance_checker/violations.py": "test_every_rule_has_a_violation_here",
    "verify/live_fire/rule_samples.json": "test_every_rule_has_one_sample",
    "verify/inputs/baselines/dev.yaml": "add these to log_groups.subscription_events",
}


@pytest.mark.parametrize("file", _FORGOTTEN_OF_A_RULE)
def test_a_rule_is_complete_or_what_it_lacks_is_named(copy: Path, file: str) -> None:
    diff = _example("diff rule")
    assert {*_changes(diff), "", _MADE_ANEW} == {
        "lambda/compliance_checker/rules/keys.py",
        *_FORGOTTEN_OF_A_RULE,
    }
    _apply(copy, diff, *filter(None, [file]))
    if file != _MADE_ANEW:
        assert _python(copy, "lambda/event_patterns.py").returncode == 0
    done = _python(copy, "-m", "pytest", "-ctests/pytest.ini", "--rootdir=.", "-q", *_OF_RULES)
    assert done.returncode == (1 if file else 0), done.stdout
    assert _FORGOTTEN_OF_A_RULE[file] in done.stdout


# --- a format and a profile -----------------------------------------------------------------------


def test_a_format_is_two_files_and_is_written_with_the_others(
    copy: Path, sandbox: RunningSandbox, deployed: Path
) -> None:
    diff = _example("diff format")
    assert len(_changes(diff)) == 2
    _apply(copy, diff)
    _verify(copy, sandbox, deployed, "verify/checks/test_trail.py", "-ktest_trail_is_logging")
    lines = (copy / "reports/latest/controls.csv").read_text().splitlines()
    assert "trail-is-logging,CRITICAL,PASS," in lines
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
