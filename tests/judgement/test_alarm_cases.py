"""How CloudWatch evaluates alarms: the shared table, to which the verifier and the sandbox hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.metrics import alarms as sandbox_alarms
from sandbox.metrics import expressions as sandbox_expressions
from verify.alarms.alarm import CannotTellError
from verify.alarms.metric_math import Named, Scope, evaluate
from verify.alarms.state import TREATMENTS, state

CASES = json.loads((Path(__file__).parent / "cases/alarms.json").read_text(encoding="utf-8"))
POINTS = {"X": True, "0": False, "-": None}
PRESENT = ("OK", "ALARM", "INSUFFICIENT_DATA")


def _cases(key: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES[key]]


@pytest.mark.parametrize("treatment", sorted(TREATMENTS))
@pytest.mark.parametrize("case", _cases("states"))
def test_state_case(case: dict[str, Any], treatment: str) -> None:
    points = [POINTS[point] for point in case["points"].split()]
    for present in PRESENT:
        expected = case[treatment].replace("present", present)
        arguments = (case["evaluated"], case["needed"], treatment, present)
        assert state(points, *arguments) == expected, case["why"]
        assert sandbox_alarms.judge(points[::-1], *arguments) == expected, case["why"]


@pytest.mark.parametrize("case", _cases("expressions"))
def test_expression_case(case: dict[str, Any]) -> None:
    series = {
        name: [None if value is None else float(value) for value in values]
        for name, values in case["series"].items()
    }
    length = len(case["values"])
    found = evaluate(case["expression"], Scope(Named(series), [*series], length))
    assert found == case["values"], case["why"]
    newest_first = {name: values[::-1] for name, values in series.items()}
    data = sandbox_expressions.Data(newest_first, {}, length)
    assert sandbox_expressions.evaluate(case["expression"], data)[::-1] == case["values"]


@pytest.mark.parametrize("expression", [*CASES["unknown"], "", "(" * 200 + "a" + ")" * 200])
def test_what_is_not_known_is_not_computed(expression: str) -> None:
    series: dict[str, list[float | None]] = {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    with pytest.raises(sandbox_expressions.UnsupportedExpressionError):
        sandbox_expressions.evaluate(expression, sandbox_expressions.Data(series, {}, 2))
    try:
        found = evaluate(expression, Scope(Named(series), [*series], 2))
    except CannotTellError:
        return
    assert not isinstance(found, list), "an alarm cannot watch a number, nor an array"
