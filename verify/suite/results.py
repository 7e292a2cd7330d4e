"""The result of a check, on its way from a worker to the controller in pytest's test report."""

from __future__ import annotations

import pytest

from verify.model import TestResult, result_from_json

_RESULT = "trailwarden_result"


def attach(result: TestResult, report: pytest.TestReport, *, travels: bool) -> None:
    """Let `report` carry `result`; a worker's travels as JSON, user_properties included."""
    if travels:
        report.user_properties = [*report.user_properties, (_RESULT, result.to_json())]
    else:
        setattr(report, _RESULT, result)


def result_of(report: pytest.CollectReport | pytest.TestReport) -> TestResult | None:
    """The result that a report carries, here or from a worker."""
    own = getattr(report, _RESULT, None)
    if isinstance(own, TestResult):
        return own
    for name, value in getattr(report, "user_properties", ()):
        if name == _RESULT and isinstance(value, str):
            result = result_from_json(value)
            if result.when == getattr(report, "when", None):
                return result
    return None
