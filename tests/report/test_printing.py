"""A sealed run on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report import sample
from verify.model import Outcome, Report
from verify.printing.command import main
from verify.proof import chain
from verify.proof.manifest import Manifest
from verify.report import write_reports

HOSTILE = "<script>alert(1)</script>\u202e\x1b"


def _sealed(folder: Path, report: Report) -> Manifest:
    write_reports(report, folder)
    return chain.seal(folder, report.run_id)


def _clean(controls: int) -> Report:
    """As many controls as dev has, all met, each with what it cites."""
    first = next(one for one in sample.RESULTS if one.outcome is Outcome.PASS)
    results = tuple(
        replace(first, control=replace(first.control, identifier=f"control-{number}"))
        for number in range(controls)
    )
    return replace(sample.report(), results=results, waivers=())


def _pages(pdf: Path) -> list[str]:
    program = shutil.which("pdftotext")
    assert program is not None, "poppler-utils is missing"
    done = subprocess.run(
        [program, "-layout", str(pdf), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout.split("\f")[:-1]


@pytest.mark.usefixtures("browser")
def test_a_clean_run_is_short_and_names_its_manifest_on_every_page(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / sample.report().run_id
    sealed = _sealed(folder, _clean(90))
    assert main([str(folder)]) == 0
    pdf = folder.with_suffix(".pdf")
    pages = _pages(pdf)
    assert 3 <= len(pages) < 15
    for number, text in enumerate(pages, start=1):
        assert sealed.sha256 in text
        assert sealed.run_id in text
        assert re.search(rf"\b{number}\s*/\s*{len(pages)}\b", text)
    whole = "\n".join(pages)
    for heading in ("The run", "What needs attention", "Controls", "Sign-off"):
        assert heading in whole
    assert "control-89" in whole
    assert b"/Outlines" in pdf.read_bytes()
    # Beside the folder: in it nothing has changed.
    assert not list(folder.glob("*.pdf"))


@pytest.mark.usefixtures("browser")
def test_what_is_wrong_and_hostile_is_printed_as_text(tmp_path: Path) -> None:
    folder, report = tmp_path / "reports" / "run-1", sample.report()
    results = tuple(replace(one, message=HOSTILE) for one in report.results)
    _sealed(folder, replace(report, run_id="run-1", results=results, notes=(HOSTILE,)))
    assert main([str(folder), "--annex", f"--output={tmp_path / 'out.pdf'}"]) == 0
    whole = "\n".join(_pages(tmp_path / "out.pdf"))
    assert "<script>alert(1)</script>[U+202E][U+001B]" in whole
    assert "Annex: what was seen" in whole
    assert report.evidence[0].sha256 in re.sub(r"\s", "", whole)


@pytest.mark.usefixtures("browser")
def test_a_fault_that_several_controls_fail_for_is_told_once(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run-1"
    first = next(one for one in sample.RESULTS if one.outcome is Outcome.FAIL)
    twin = replace(first.control, identifier="its-twin", statement="The same, told otherwise.")
    report = replace(sample.report(), run_id="run-1", results=(first, replace(first, control=twin)))
    _sealed(folder, report)
    assert main([str(folder)]) == 0
    whole = "\n".join(_pages(folder.with_suffix(".pdf")))
    attention = re.search(r"What needs attention(.*?)\n *Controls *\n", whole, re.DOTALL)
    assert attention is not None, whole
    told = re.sub(r"\s", "", attention[1])  # lines are broken in names, too
    assert {"its-twin", first.control.identifier} <= set(
        re.findall(r"its-twin|trail-[a-z-]+", told)
    )
    [unmet] = {one.comparison for one in first.observations if not one.met}
    assert told.count(re.sub(r"\s", "", unmet)) == 1


def test_a_changed_folder_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "reports" / "run-1"
    _sealed(folder, replace(sample.report(), run_id="run-1"))
    (folder / "junit.xml").write_text("")
    assert main([str(folder)]) == 1
    assert "junit.xml: changed" in capsys.readouterr().err


def test_what_cannot_be_printed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "its run did not end" in capsys.readouterr().err
    folder = tmp_path / "reports" / "run-1"
    _sealed(folder, replace(sample.report(), run_id="run-1"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(folder)]) == 2
    assert "apt-get install chromium" in capsys.readouterr().err
