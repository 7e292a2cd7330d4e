"""Which code verified stands in the report."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report import sample
from verify.report import html, json_report
from verify.run.provenance import provenance


@pytest.fixture
def project(tmp_path: Path) -> Path:
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "verify").mkdir()
    (tmp_path / "verify" / "code.py").write_text("reviewed = True\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for arguments in (
        ("init", "-q"),
        ("add", "."),
        (*identity, "commit", "-q", "-m", "code"),
    ):
        subprocess.run([git, "-C", str(tmp_path), *arguments], check=True)
    return tmp_path


def test_a_commit_is_known_and_whether_the_code_is_as_committed(project: Path) -> None:
    found = provenance(project)
    assert found.commit is not None
    assert len(found.commit) == 40
    assert found.clean is True
    assert any(name.startswith("boto3 ") for name in found.libraries)
    (project / "notes.txt").write_text("beside the code")
    assert provenance(project).clean is True
    (project / "verify" / "code.py").write_text("reviewed = False\n")
    assert provenance(project).clean is False


def test_the_functions_code_is_part_of_it(project: Path) -> None:
    (project / "lambda").mkdir()
    (project / "lambda" / "handler.py").write_text("")
    assert provenance(project).clean is False


def test_a_file_beside_the_code_that_nobody_committed_is_a_change(project: Path) -> None:
    (project / "verify" / "more.py").write_text("")
    assert provenance(project).clean is False


def test_what_is_no_checkout_has_no_commit(tmp_path: Path) -> None:
    found = provenance(tmp_path)
    assert (found.commit, found.clean) == (None, None)


def test_the_report_tells_of_it(project: Path) -> None:
    (project / "verify" / "code.py").write_text("reviewed = False\n")
    found = provenance(project)
    report = replace(sample.report(), provenance=found)
    assert json_report.parse(json_report.render(report)).provenance == found
    page = html.render(report)
    assert str(found.commit) in page
    assert "changed since" in page
