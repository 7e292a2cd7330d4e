"""The JSON form: strict by its published schema, in a fixed order, and readable back."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.report import sample
from verify.model import Outcome
from verify.report import json_report

SCHEMA = json.loads(json_report.SCHEMA_PATH.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))  # control characters included


def loaded() -> Any:
    return json.loads(json_report.render(sample.report()))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from objects(item)


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_sample_run_follows_the_schema() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(loaded())] == []


def test_run_without_results_follows_the_schema() -> None:
    found = json.loads(json_report.render(sample.report((), timings=(), endpoint=None)))
    assert [error.message for error in VALIDATOR.iter_errors(found)] == []
    assert (found["verdict"], found["exit_code"]) == ("NOT FULLY VERIFIED", 6)


def test_schema_admits_no_unknown_name_in_any_object() -> None:
    found = loaded()
    checked = 0
    for item in objects(found):
        item["surprise"] = 1
        assert not VALIDATOR.is_valid(found), f"unknown name admitted beside {sorted(item)}"
        del item["surprise"]
        checked += 1
    assert checked > 50
    assert VALIDATOR.is_valid(found)


def test_schema_demands_every_name_in_every_object() -> None:
    found = loaded()
    for item in objects(found):
        for name in list(item):
            value = item.pop(name)
            assert not VALIDATOR.is_valid(found), f"{name} may be missing"
            item[name] = value
    assert VALIDATOR.is_valid(found)


def test_document_states_the_run_and_its_counts() -> None:
    found = loaded()
    assert found["started"] == "2026-11-20T08:30:00.125000Z"
    assert found["finished"] == "2026-11-20T08:35:48.625000Z"
    assert (found["verdict"], found["exit_code"]) == ("CONTROLS FAILED", 1)
    assert found["counts"] == {
        "PASS": 4,
        "FAIL": 2,
        "ERROR": 1,
        "WAIVED": 1,
        "NOT TESTED": 1,
        "NOT APPLICABLE": 1,
    }
    assert found["results"][1]["control"]["citations"] == {
        "primary": ["164.312(b)"],
        "secondary": ["164.308(a)(1)(ii)(D)", "164.316(b)(2)(i)"],
        "nist": ["AU-2", "AU-12"],
        "cis": ["3.1"],
    }


def test_run_is_read_back_as_it_was() -> None:
    report = sample.report(
        tuple(r for r in sample.RESULTS if "hostile" not in r.control.identifier)
    )
    assert json_report.parse(json_report.render(report)) == report


def test_hostile_run_is_read_back_and_written_again_as_it_was() -> None:
    text = json_report.render(sample.report())
    assert json_report.render(json_report.parse(text)) == text


def test_lone_surrogate_is_spelled_out() -> None:
    text = json_report.render(replace(sample.report(), notes=("half \udc00 \U0001f510",)))
    assert json.loads(text)["notes"] == ["half [U+DC00] \U0001f510"]
    assert "\\ud" not in text


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_is_read_back_as_it_was(message: str, seen: str) -> None:
    result = replace(
        sample.RESULTS[1],
        message=message,
        observations=(sample.observation("aspect", "expected", seen),),
    )
    report = sample.report((result,))
    assert json_report.parse(json_report.render(report)) == report


def test_order_of_parallel_workers_leaves_no_trace() -> None:
    report = sample.report()
    shuffled = replace(report, evidence=report.evidence[::-1], timings=report.timings[::-1])
    assert json_report.render(shuffled) == json_report.render(report)


def test_times_of_other_zones_become_utc() -> None:
    singapore = timezone(timedelta(hours=8))
    report = replace(sample.report(), started=sample.STARTED.astimezone(singapore))
    assert json_report.render(report) == json_report.render(sample.report())


def test_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 11, 20, 8, 30)  # noqa: DTZ001 - the very mistake
    with pytest.raises(ValueError, match="need a zone"):
        json_report.render(replace(sample.report(), started=naive))


def test_number_that_json_lacks_is_refused() -> None:
    timing = replace(sample.TIMINGS[0], total_seconds=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_report.render(sample.report(timings=(timing,)))


def test_text_that_is_not_json_is_refused() -> None:
    with pytest.raises(json_report.InvalidReportError, match="not JSON"):
        json_report.parse('{"run_id": ')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("results", 0, "outcome"), "PASSED"),
        (("results", 0, "control", "severity"), "high"),
        (("evidence", 0, "sha256"), "0" * 63),
        (("started",), "2026-11-20T08:30:00+08:00"),
        (("exit_code",), 2),
        (("schema_version",), "2.0"),
    ],
)
def test_break_of_the_schema_is_named_by_its_place(path: tuple[str | int, ...], value: Any) -> None:
    found = loaded()
    place = found
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    expected = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    with pytest.raises(json_report.InvalidReportError) as caught:
        json_report.parse(json.dumps(found))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", "CLEAN"),
        ("exit_code", 0),
        (
            "counts",
            {
                "PASS": 10,
                "FAIL": 0,
                "ERROR": 0,
                "WAIVED": 0,
                "NOT TESTED": 0,
                "NOT APPLICABLE": 0,
            },
        ),
    ],
)
def test_summary_that_the_results_do_not_bear_out_is_refused(name: str, value: Any) -> None:
    found = loaded()
    found[name] = value
    with pytest.raises(json_report.InvalidReportError, match=f"{name} is not what"):
        json_report.parse(json.dumps(found))


def test_result_changed_by_hand_is_refused() -> None:
    found = copy.deepcopy(loaded())
    failed = next(result for result in found["results"] if result["outcome"] == Outcome.FAIL)
    failed["outcome"] = "PASS"
    with pytest.raises(json_report.InvalidReportError, match="counts is not what"):
        json_report.parse(json.dumps(found))
