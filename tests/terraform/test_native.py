"""Format, validity and the module's native tests, with the program and provider found as usual."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terraform.support import MODULE, ROOT


def _check(working_directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", "check", "--working-directory", str(working_directory)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return _check(tmp_path_factory.mktemp("check"))


def test_the_module_is_formatted_valid_and_passes_its_tests(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The configuration is valid" in checked.stdout
    assert re.search(r"Success! [1-9][0-9]* passed, 0 failed\.", checked.stdout)


def test_every_native_test_ran(checked: subprocess.CompletedProcess[str]) -> None:
    written = [
        name
        for path in (MODULE / "tests").glob("*.tftest.hcl")
        for name in re.findall(r'^run "([a-z0-9_]+)"', path.read_text(), re.MULTILINE)
    ]
    passed = re.findall(r'run "([a-z0-9_]+)"\.\.\. pass', checked.stdout)
    assert len(written) >= 30
    assert sorted(passed) == sorted(written)


def test_the_module_folder_is_left_alone(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 0
    created = {path.name for path in MODULE.iterdir()} & {
        "terraform.tfstate",
        "deploy_backend.tf.json",
    }
    assert not created
