"""The package: the same bytes everywhere, and a function that runs from it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.compliance_checker.records import flat_ingress

ROOT = Path(__file__).parents[2]
IGNORED = shutil.ignore_patterns("dist", "__pycache__")


def _build(
    lambda_folder: Path, *arguments: str, umask: int = 0o022
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(lambda_folder / "build.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
        cwd=lambda_folder.parent,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Another clone at another path, its files written at another time with other modes."""
    folder = tmp_path / "a much longer path" / "lambda"
    shutil.copytree(ROOT / "lambda", folder, ignore=IGNORED)
    for path in folder.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    (folder / "compliance_checker" / "__pycache__").mkdir()
    (folder / "compliance_checker" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    return folder


def test_same_bytes_whatever_path_time_and_umask(clone: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.zip", tmp_path / "there.zip"
    first = _build(ROOT / "lambda", "--output", str(here))
    second = _build(clone, "--output", str(there), umask=0o077)
    assert here.read_bytes() == there.read_bytes()
    digest = hashlib.sha256(here.read_bytes())
    assert first.stdout.splitlines() == [
        f"function's package   {here}",
        f"its SHA-256          {digest.hexdigest()}",
        f"as Lambda tells it   {base64.b64encode(digest.digest()).decode()} (CodeSha256)",
    ]
    assert second.stdout.splitlines()[1:] == first.stdout.splitlines()[1:]


def test_default_output_stands_beside_the_builder(clone: Path) -> None:
    assert _build(clone).returncode == 0
    assert (clone / "dist" / "compliance_checker.zip").is_file()


def test_change_of_a_source_changes_the_package(clone: Path) -> None:
    before = _build(clone).stdout.splitlines()[1]
    source = clone / "compliance_checker" / "times.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert _build(clone).stdout.splitlines()[1] != before


def test_package_holds_sources_alone_readable_by_lambda(clone: Path) -> None:
    _build(clone)
    with zipfile.ZipFile(clone / "dist" / "compliance_checker.zip") as package:
        entries = package.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert "compliance_checker/handler.py" in names
    assert all(name.startswith("compliance_checker/") for name in names)
    others = [name for name in names if not name.endswith(".py")]
    assert others == [
        "compliance_checker/policy/condition-keys.json",
        "compliance_checker/policy/identity-providers.json",
        "compliance_checker/subscription-filter-pattern.txt",
    ]
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_function_runs_from_the_unpacked_package(clone: Path, tmp_path: Path) -> None:
    _build(clone)
    task = tmp_path / "task"
    with zipfile.ZipFile(clone / "dist" / "compliance_checker.zip") as package:
        package.extractall(task)
    code = (
        "import json, sys\n"
        "from compliance_checker.handler import handler\n"
        "answer = handler(json.load(sys.stdin), None)\n"
        "print(answer['violations'], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=task,
        input=json.dumps({"test": {"records": [flat_ingress("0.0.0.0/0")], "publish": False}}),
        capture_output=True,
        text=True,
        check=True,
        env={"ALERT_TOPIC_ARN": "arn:aws:sns:ap-southeast-1:123456789012:t", "PATH": ""},
    )
    assert done.stderr.strip() == "1"


def test_output_that_cannot_be_written_is_one_message(clone: Path) -> None:
    done = _build(clone, "--output", str(clone))
    assert done.returncode == 2
    assert done.stderr.startswith("build.py: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("packaged", "original"),
    [
        ("subscription-filter-pattern.txt", "terraform/subscription-filter-pattern.txt"),
        ("policy/condition-keys.json", "verify/policy/condition-keys.json"),
        ("policy/identity-providers.json", "verify/policy/identity-providers.json"),
    ],
)
def test_package_holds_what_terraform_and_the_suite_go_by(
    clone: Path, packaged: str, original: str
) -> None:
    _build(clone)
    with zipfile.ZipFile(clone / "dist" / "compliance_checker.zip") as package:
        content = package.read(f"compliance_checker/{packaged}")
    assert content == (ROOT / original).read_bytes()
