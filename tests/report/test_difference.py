"""What has changed between two runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import Control, ControlResult, Observation, Outcome, Report
from verify.period.difference_command import main
from verify.report import difference, html, json_report
from verify.report.difference import compare

_CONTROL = sample.RESULTS[0].control


def _row(subject: str, seen: str = "no", *, met: bool = False) -> Observation:
    return Observation(subject, "logging", "yes", "yes" if met else seen, met)


def _result(
    outcome: Outcome, *rows: Observation, name: str = "one", message: str = ""
) -> ControlResult:
    control: Control = replace(_CONTROL, identifier=name)
    return replace(
        sample.RESULTS[0], control=control, outcome=outcome, message=message, observations=rows
    )


def _report(*results: ControlResult) -> Report:
    return replace(sample.report(), results=results, waivers=(), since=None)


def _changes(before: ControlResult | None, after: ControlResult | None) -> list[tuple[object, ...]]:
    found = compare(
        _report(*([before] if before else [])), _report(*([after] if after else []))
    ).changes
    return [(one.control, one.kind, one.details) for one in found]


PASS, FAIL = Outcome.PASS, Outcome.FAIL


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (_result(PASS), _result(PASS), []),
        (
            _result(PASS, _row("a", met=True)),
            _result(FAIL, _row("a"), _row("b", met=True)),
            [("one", "newly failed", ("a: logging: required yes, live no",))],
        ),
        (_result(FAIL, _row("a")), _result(PASS, _row("a", met=True)), [("one", "mended", ())]),
        (_result(FAIL, _row("a")), _result(FAIL, _row("a")), []),
        (
            _result(FAIL, _row("a")),
            _result(FAIL, _row("b")),
            [
                (
                    "one",
                    "fails otherwise",
                    (
                        "b: logging: required yes, live no",
                        "no more: a: logging: required yes, live no",
                    ),
                )
            ],
        ),
        (
            _result(FAIL, _row("a", "no")),
            _result(FAIL, _row("a", "never")),
            [("one", "fails otherwise", ("a: logging: required yes, live never",))],
        ),
        (
            _result(PASS),
            _result(Outcome.ERROR, message="denied"),
            [("one", "newly unverified", ("denied",))],
        ),
        (_result(Outcome.ERROR), _result(Outcome.NOT_TESTED), []),
        (_result(Outcome.NOT_TESTED), _result(PASS), [("one", "verified again", ())]),
        (
            _result(Outcome.ERROR),
            _result(FAIL, _row("a")),
            [("one", "newly failed", ("a: logging: required yes, live no",))],
        ),
        (
            _result(FAIL, _row("a")),
            _result(Outcome.WAIVED, _row("a")),
            [("one", "newly waived", ())],
        ),
        (_result(PASS), _result(Outcome.NOT_APPLICABLE), [("one", "otherwise", ())]),
        (None, _result(PASS), [("one", "new in the baseline", ())]),
        (_result(PASS), None, [("one", "not in the baseline any more", ())]),
    ],
)
def test_each_change_is_named(
    before: ControlResult | None, after: ControlResult | None, expected: list[tuple[object, ...]]
) -> None:
    assert _changes(before, after) == expected


@given(st.sampled_from(list(Outcome)), st.sampled_from(list(Outcome)))
def test_an_outcome_that_changed_is_told_and_one_that_did_not_is_not(
    before: Outcome, after: Outcome
) -> None:
    unseen = {Outcome.ERROR, Outcome.NOT_TESTED}
    same = before is after or {before, after} == unseen
    assert bool(_changes(_result(before), _result(after))) is not same


def test_the_worst_comes_first() -> None:
    before = _report(_result(FAIL, name="a"), _result(PASS, name="b"), _result(PASS, name="c"))
    after = _report(
        _result(PASS, name="a"), _result(Outcome.ERROR, name="b"), _result(FAIL, name="c")
    )
    kinds = [one.kind for one in compare(before, after).changes]
    assert kinds == ["newly failed", "newly unverified", "mended"]


def test_the_schema_knows_every_kind() -> None:
    schema = json.loads(json_report.SCHEMA_PATH.read_text())
    [_, compared] = schema["properties"]["since"]["oneOf"]
    change = compared["properties"]["changes"]["items"]["properties"]
    assert change["kind"]["enum"] == list(difference.KINDS)


def test_a_report_keeps_what_has_changed() -> None:
    after = _report(_result(FAIL, _row("<a>")))
    changed = replace(after, since=compare(_report(_result(PASS)), after))
    assert json_report.parse(json_report.render(changed)).since == changed.since
    page = html.render(changed)
    assert "Newly failed" in page
    assert "&lt;a&gt;: logging" in page


def _written(folder: Path, report: Report) -> str:
    folder.mkdir()
    (folder / "report.json").write_text(json_report.render(report))
    return str(folder)


def test_the_command_prints_what_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _written(tmp_path / "before", _report(_result(PASS)))
    after = _written(tmp_path / "after", _report(_result(FAIL, _row("trail"))))
    assert main([before, after]) == 1
    printed = capsys.readouterr().out
    assert "NEWLY FAILED: one (PASS -> FAIL)\n    trail: logging: required yes, live no" in printed
    assert main([before, before]) == 0
    assert "nothing has changed" in capsys.readouterr().out
    assert main(["--json", before, after]) == 1
    [change] = json.loads(capsys.readouterr().out)["changes"]
    assert change["kind"] == "newly failed"


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = _written(tmp_path / "whole", _report(_result(PASS)))
    assert main([str(tmp_path), whole]) == 2
    assert "name the folder of a run" in capsys.readouterr().err
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "report.json").write_text(json_report.render(sample.report())[:1000])
    assert main([whole, str(tmp_path / "half")]) == 2
    assert "is not JSON" in capsys.readouterr().err
