"""Format, validity and the modules' native tests, with the program and provider found as usual."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terraform.support import MODULE, MODULES, ROOT, native_tests, text

_PROVIDERS = re.compile(r'^(?:mock_)?provider "([a-z]+)" \{\n((?:  .*\n|\n)*)\}', re.MULTILINE)


def _configured(configuration: str) -> set[tuple[str, str]]:
    """The providers that `configuration` configures or mocks: name and alias."""
    return {
        (name, *(re.findall(r'^  alias += "([a-z_]+)"', body, re.MULTILINE) or [""]))
        for name, body in _PROVIDERS.findall(configuration)
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_native_test_mocks_every_provider(module: Path) -> None:
    """One that is not mocked looks for credentials, and may find those of a real account."""
    # A module that is called has the caller's provider, if it does not name others.
    configured = _configured(text(module)) if module == MODULE else {("aws", "")}
    assert "configuration_aliases" not in text(module)
    assert len(configured) >= (3 if module == MODULE else 1)
    for path in native_tests(module):
        assert configured - _configured(path.read_text(encoding="utf-8")) == set(), path


def _check(working_directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", "check", "--working-directory", str(working_directory)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    return _check(tmp_path_factory.mktemp("check"))


def test_each_module_is_formatted_valid_and_passes_its_tests(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("The configuration is valid") == len(MODULES) >= 2
    passed = re.findall(r"Success! ([1-9][0-9]*) passed, 0 failed\.", checked.stdout)
    assert len(passed) == len(MODULES)


def test_every_native_test_ran(checked: subprocess.CompletedProcess[str]) -> None:
    written = [
        name
        for path in native_tests()
        for name in re.findall(r'^run "([a-z0-9_]+)"', path.read_text(), re.MULTILINE)
    ]
    passed = re.findall(r'run "([a-z0-9_]+)"\.\.\. pass', checked.stdout)
    assert len(written) >= 30
    assert sorted(passed) == sorted(written)


def test_the_module_folder_is_left_alone(checked: subprocess.CompletedProcess[str]) -> None:
    assert checked.returncode == 0
    created = {path.name for module in MODULES for path in module.iterdir()} & {
        "terraform.tfstate",
        "deploy_backend.tf.json",
    }
    assert not created
