"""What a dashboard shows, by its body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from verify.alarms.dashboard import Dashboard, DashboardError, Shown, read

ACCOUNT, REGION = "123456789012", "eu-west-1"


def shown(
    name: str, *dimensions: tuple[str, str], region: str = REGION, account: str = ACCOUNT
) -> Shown:
    return Shown("N", name, frozenset(dimensions), region, account)


def metrics(*rows: Any, **properties: Any) -> frozenset[Shown]:
    """What a widget with these rows shows."""
    widget = {"type": "metric", "properties": {"region": REGION, "metrics": rows, **properties}}
    return read(json.dumps({"widgets": [widget]}), ACCOUNT).metrics


def test_a_row_is_a_metric_in_the_widgets_region() -> None:
    assert metrics(["N", "a"], ["N", "b", "D", "1", "E", "2", {"stat": "Sum"}]) == {
        shown("a"),
        shown("b", ("D", "1"), ("E", "2")),
    }


def test_dots_repeat_what_stands_above() -> None:
    rows = (["N", "a", "D", "1"], [".", "b", ".", "."], ["...", "2"], ["...", {"stat": "Sum"}])
    assert metrics(*rows[:3]) == {
        shown("a", ("D", "1")),
        shown("b", ("D", "1")),
        shown("b", ("D", "2")),
    }


def test_a_row_may_be_of_another_region_or_account() -> None:
    rows = (["N", "a", {"region": "us-east-1"}], ["N", "b", {"accountId": "999999999999"}])
    assert metrics(*rows) == {
        shown("a", region="us-east-1"),
        shown("b", account="999999999999"),
    }
    assert metrics(["N", "a"], accountId="999999999999") == {shown("a", account="999999999999")}


@pytest.mark.parametrize(
    ("expression", "seen"),
    [
        ("a * 2", True),
        ("SUM(METRICS())", True),
        ("aa * 2", False),
        ("SEARCH('{N} a', 'Sum')", False),
    ],
)
def test_what_is_hidden_is_shown_by_what_is_computed_of_it(expression: str, seen: bool) -> None:
    rows = [{"expression": expression}], ["N", "a", {"id": "a", "visible": False}]
    assert metrics(*rows) == ({shown("a")} if seen else frozenset())
    assert metrics([{"expression": expression, "visible": False}], rows[1]) == frozenset()
    assert metrics(["N", "a", {"visible": False}]) == frozenset()


def test_alarms_are_in_widgets_of_their_own_and_in_annotations() -> None:
    widgets = [
        {"type": "text", "properties": {"markdown": "# Title"}},
        {"type": "alarm", "properties": {"alarms": ["one", "two"]}},
        {"type": "metric", "properties": {"annotations": {"alarms": ["three"]}}},
    ]
    found = read(json.dumps({"widgets": widgets}), ACCOUNT)
    assert found == Dashboard(frozenset({"one", "two", "three"}), frozenset())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"widgets": 1}',
        '{"widgets": [{"properties": {}}]}',
        '{"widgets": [{"type": "alarm", "properties": {}}]}',
        '{"widgets": [{"type": "metric", "properties": {"metrics": [["N", "a"]]}}]}',
    ],
)
def test_what_is_no_body_is_said(body: str) -> None:
    with pytest.raises(DashboardError, match="cannot be read"):
        read(body, ACCOUNT)


@pytest.mark.parametrize("row", [["N"], ["N", "a", "D"], [".", "a"], [{"id": "a"}]])
def test_a_row_that_names_no_metric_is_said(row: list[Any]) -> None:
    with pytest.raises(DashboardError, match="cannot be read"):
        metrics(row)
