"""The CSV form of a run."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import Observation, Outcome, Report
from verify.report import table


def _rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.render(report), newline="")))


def _of(control: str) -> list[dict[str, str]]:
    return [row for row in _rows(sample.report()) if row["control"] == control]


def test_each_control_has_a_row_for_each_of_its_subjects() -> None:
    expected = [
        (result.control.identifier, subject)
        for result in sample.RESULTS
        for subject in dict.fromkeys(one.subject for one in result.observations) or [""]
    ]
    found = [(row["control"], row["subject"]) for row in _rows(sample.report())]
    assert [control for control, _ in found] == [control for control, _ in expected]
    assert len(found) == len(expected) >= len(sample.RESULTS)


def test_a_row_says_the_verdict_and_what_is_not_met() -> None:
    [row] = _of("log-bucket-keeps-logs-six-years")
    assert row["outcome"] == "WAIVED"
    assert row["subject"] == sample.BUCKET
    assert row["met"] == "no"
    assert row["what is not met"] == ("lifecycle expiry: required at least 2192 days, live 90 days")
    assert row["waivers"].startswith(f"accepted on {sample.BUCKET} by Priya Raman, 2026-11-10 to")
    assert row["account"] == "123456789012"


def test_what_no_test_ran_for_has_a_row_without_a_subject() -> None:
    untested = [row for row in _rows(sample.report()) if row["outcome"] == "NOT TESTED"]
    assert [(row["subject"], row["met"]) for row in untested] == [("", "")]


@given(
    st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", ""]),
    st.text(max_size=40),
)
def test_no_cell_is_a_formula_and_none_breaks_the_table(lead: str, text: str) -> None:
    failed = next(one for one in sample.RESULTS if one.outcome is Outcome.FAIL)
    hostile = replace(
        failed,
        message=lead + text,
        observations=(Observation(lead + text, lead + text, "x", lead + text, False),),
    )
    [row] = _rows(sample.report((hostile,)))
    assert row.keys() == set(table.HEADINGS)
    for value in row.values():
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))
    assert row["outcome"] == "FAIL"
