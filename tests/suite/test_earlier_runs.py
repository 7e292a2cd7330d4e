"""The history of a report: the sealed runs beside it, and no others."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.report import sample
from verify.model import Outcome, Report
from verify.proof import chain
from verify.report import html, json_report, write_reports
from verify.run.earlier import with_history

WHOLE = tuple(one for one in sample.RESULTS if one.outcome is not Outcome.NOT_TESTED)


def _run(number: int, **more: object) -> Report:
    started = sample.STARTED + timedelta(hours=number)
    report = replace(
        sample.report(WHOLE),
        run_id=f"run-{number:02}",
        started=started,
        finished=started + timedelta(minutes=number),
    )
    return replace(report, **more)  # type: ignore[arg-type]


def _sealed(reports: Path, *runs: Report) -> None:
    for run in runs:
        write_reports(run, reports / run.run_id, ["json"])
        chain.seal(reports / run.run_id, run.run_id)


def _names(report: Report, reports: Path) -> list[str]:
    return [one.run_id for one in with_history(report, reports).history]


def test_the_last_runs_are_told_with_what_they_came_to(tmp_path: Path) -> None:
    failed, silent = _run(1), _run(2, timings=(), results=sample.RESULTS[:1])
    _sealed(tmp_path, failed, silent)
    latest, first = with_history(_run(3), tmp_path).history
    assert (latest.run_id, latest.verdict, latest.longest_alert_seconds) == (
        "run-02",
        "CLEAN",
        None,
    )
    assert (first.run_id, first.verdict) == ("run-01", "CONTROLS FAILED")
    assert first.counts[Outcome.FAIL] == 2
    assert first.finished - first.started == timedelta(minutes=1)
    assert first.longest_alert_seconds == 341.0


def test_there_is_a_bound(tmp_path: Path) -> None:
    _sealed(tmp_path, *(_run(number, results=WHOLE[:1], timings=()) for number in range(1, 15)))
    assert _names(_run(15), tmp_path) == [f"run-{number:02}" for number in range(14, 4, -1)]


def test_it_is_of_the_same_deployment(tmp_path: Path) -> None:
    elsewhere = replace(sample.report().target, account="999999999999")
    _sealed(tmp_path, _run(1), _run(2, target=elsewhere))
    assert _names(_run(3), tmp_path) == ["run-01"]
    assert _names(_run(3, target=elsewhere), tmp_path) == ["run-02"]


def test_a_run_that_was_not_sealed_or_was_changed_is_none(tmp_path: Path) -> None:
    _sealed(tmp_path, _run(1), _run(2), _run(3), _run(4))
    write_reports(_run(5), tmp_path / "run-05", ["json"])
    changed = tmp_path / "run-02" / "report.json"
    changed.write_text(changed.read_text().replace('"CONTROLS FAILED"', '"CLEAN"'))
    other = tmp_path / "run-03" / "manifest.json"
    other.write_text(other.read_text().replace("report.json", "repork.json"))
    (tmp_path / "run-04" / "report.json").unlink()
    found = with_history(_run(6), tmp_path)
    assert [one.run_id for one in found.history] == ["run-01"]
    assert found.since is not None
    assert found.since.run_id == "run-01"


@pytest.mark.parametrize("stated", ["[]", '{"files": [{}]}', '{"files": 7}', "\ud83d\ude00", ""])
def test_a_manifest_that_says_nothing_is_passed_over(tmp_path: Path, stated: str) -> None:
    """Whoever may write to the folder may write its ledger as well."""
    _sealed(tmp_path, _run(1))
    content = stated.encode("utf-8", "surrogatepass")
    (tmp_path / "run-01" / "manifest.json").write_bytes(content)
    ledger = tmp_path / "chain.jsonl"
    link = json.loads(ledger.read_text()) | {"manifest_sha256": hashlib.sha256(content).hexdigest()}
    ledger.write_text(json.dumps(link) + "\n")
    assert _names(_run(2), tmp_path) == []


def test_a_run_in_part_is_told_and_not_compared_with(tmp_path: Path) -> None:
    _sealed(tmp_path, _run(1), _run(2, results=sample.RESULTS))
    found = with_history(_run(3), tmp_path)
    assert [one.run_id for one in found.history] == ["run-02", "run-01"]
    assert found.since is not None
    assert found.since.run_id == "run-01"


def test_a_report_of_the_version_before_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "run-01"
    write_reports(_run(1), folder, ["json"])
    document = json.loads((folder / "report.json").read_text())
    del document["history"], document["terraform_state"]
    (folder / "report.json").write_text(json.dumps(document | {"schema_version": "1.4"}))
    chain.seal(folder, "run-01")
    assert _names(_run(2), tmp_path) == ["run-01"]


def test_every_form_keeps_it(tmp_path: Path) -> None:
    _sealed(tmp_path, _run(1), _run(2, timings=()))
    report = with_history(_run(3), tmp_path)
    assert json_report.parse(json_report.render(report)).history == report.history
    page = html.render(report)
    table = page[page.index('id="history"') :].partition("</section>")[0]
    assert table.count('<th role="rowheader"') == 3
    assert 'this run</span></th><td role="cell">Controls failed</td>' in table
    assert ">2 fail, 1 error, 1 waived, 4 pass, 1 not applicable</td>" in table
    assert table.count('data-label="Slowest alert">5 min 41 s</td>') == 2
    assert table.count('data-label="Slowest alert">none timed</td>') == 1


def test_without_a_folder_of_reports_there_is_none(tmp_path: Path) -> None:
    assert _names(_run(1), tmp_path) == []
    (tmp_path / "chain.jsonl").write_text("damaged\n")
    assert _names(_run(1), tmp_path) == []
