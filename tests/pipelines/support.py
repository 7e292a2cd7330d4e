"""The pipelines of this project and those to copy, and what looks at them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.suite.support import ROOT

EXAMPLES = ROOT / "examples" / "ci"
OWN = ROOT / ".github" / "workflows" / "test.yml"
GITHUB = EXAMPLES / "github" / "audit-trail.yml"
GITLAB = EXAMPLES / "gitlab" / ".gitlab-ci.yml"
JENKINS = EXAMPLES / "jenkins" / "Jenkinsfile"
CODEBUILD = EXAMPLES / "codebuild" / "buildspec.yml"
WORKFLOWS = (OWN, GITHUB)

# An environment of its own; see requirements/pipelines.in.
_PROGRAMS = ROOT / ".venv" / "pipelines" / "bin"


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A linter's answer; where the linters are not there the test is skipped, and fails in CI."""
    path = _PROGRAMS / program
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail("the environment of requirements/pipelines.txt is not there")
        pytest.skip("`make test` installs what looks at pipelines")
    return subprocess.run(
        [str(path), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def load(path: Path) -> dict[str, Any]:
    """A pipeline of YAML. Keys stay texts: YAML 1.1 takes GitHub's `on` for a truth."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    assert isinstance(document, dict)
    return document
