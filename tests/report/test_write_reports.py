"""Writing the reports of a run into a folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report import sample
from verify.report import ReportError, json_report, write_reports


def test_every_format_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "run"
    paths = write_reports(sample.report(), folder)
    assert {
        "report.html",
        "junit.xml",
        "report.json",
        "controls.csv",
        "summary.md",
    } <= set(paths)
    assert {path.name: path for path in folder.iterdir()} == paths
    assert paths["report.html"].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    junit = paths["junit.xml"].read_text(encoding="utf-8")
    assert junit.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    read = json_report.parse(paths["report.json"].read_text(encoding="utf-8"))
    assert read.run_id == sample.report().run_id


def test_those_formats_are_written_that_are_asked_for(tmp_path: Path) -> None:
    paths = write_reports(sample.report(), tmp_path, ("json", "csv"))
    assert (
        set(paths) == {path.name for path in tmp_path.iterdir()} == {"report.json", "controls.csv"}
    )


def test_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_reports(sample.report(), tmp_path / "first")
    second = write_reports(sample.report(), tmp_path / "second")
    assert [path.read_bytes() for path in first.values()] == [
        path.read_bytes() for path in second.values()
    ]


def test_reports_can_be_read_by_whomever_the_umask_admits(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        paths = write_reports(sample.report(), tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in paths.values()} == {0o640}


def test_earlier_reports_are_replaced(tmp_path: Path) -> None:
    write_reports(sample.report(()), tmp_path)
    path = write_reports(sample.report(), tmp_path)["report.json"]
    assert json_report.parse(path.read_text(encoding="utf-8")).verdict == "CONTROLS FAILED"


def test_run_that_cannot_be_rendered_leaves_earlier_reports_alone(tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write_reports(sample.report(), tmp_path).values()}
    broken = replace(sample.report(), finished=sample.STARTED.replace(tzinfo=None))
    with pytest.raises((ValueError, TypeError)):
        write_reports(broken, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    folder = tmp_path / "file" / "reports"
    with pytest.raises(ReportError) as caught:
        write_reports(sample.report(), folder)
    assert str(folder) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_file_that_cannot_be_replaced_leaves_no_half_written_one(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").mkdir()
    with pytest.raises(ReportError, match=r"junit\.xml"):
        write_reports(sample.report(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html"]
