"""Any record at all: no exception, and every record accounted for."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from compliance_checker.alert import MAXIMUM_ALERT_BYTES
from compliance_checker.evaluate import evaluate
from compliance_checker.policy.admission import public_statements
from compliance_checker.policy.document import matches, parse_document
from compliance_checker.policy.privilege import broad_grants
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compliance_checker.damage import (
    GONE,
    JSON,
    RECORDS,
    changed_record,
    damaged_records,
    paths,
)
from tests.compliance_checker.door import Door, alert_schema, logs_event
from tests.compliance_checker.records import Record, role_policy, statement

_REPLACEMENTS: tuple[Any, ...] = (
    GONE,
    None,
    7,
    True,
    "",
    "x",
    [],
    {},
    [[]],
    {"items": [None]},
)
_PROFILE = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_PROFILE
@given(damaged_records())
def test_damaged_record_is_judged_and_counted(record: Record) -> None:
    door = Door()
    summary = door.handle(logs_event([record]))
    decisions = door.decisions()
    assert sum(decisions.values()) == 1
    assert decisions.get("unprocessable", 0) == 0
    assert summary["violations"] == len(door.alerts())
    for body in door.bodies():
        assert len(body) <= MAXIMUM_ALERT_BYTES
        jsonschema.validate(json.loads(body), alert_schema())


def test_every_single_part_can_be_missing_null_or_of_another_type() -> None:
    """Not a sample: each path of each record, with each of a few replacements."""
    for record in RECORDS:
        for path in paths(record):
            for value in _REPLACEMENTS:
                evaluate(changed_record(record, path, value))


@_PROFILE
@given(JSON)
def test_any_policy_document_is_judged(document: Any) -> None:
    for form in (document, json.dumps(document)):
        parsed = parse_document(form)
        if parsed is not None:
            public_statements(parsed)
            broad_grants(parsed, None)


@_PROFILE
@given(st.text(alphabet="ab*?:", max_size=8), st.text(alphabet="ab:", max_size=8))
def test_wildcards_match_as_defined(pattern: str, name: str) -> None:
    def defined(pattern: str, name: str) -> bool:
        if not pattern:
            return not name
        if pattern[0] == "*":
            return defined(pattern[1:], name) or (bool(name) and defined(pattern, name[1:]))
        return bool(name) and pattern[0] in ("?", name[0]) and defined(pattern[1:], name[1:])

    assert matches(pattern, name) is defined(pattern, name)


def test_hostile_pattern_costs_no_time() -> None:
    assert not matches("*a" * 500 + "b", "a" * 2000)


def test_huge_policy_is_judged() -> None:
    many = [f"service{number}:Action{number}" for number in range(3000)]
    assert len(evaluate(role_policy(statement([*many, "*"])))) == 1
    assert evaluate(role_policy(statement(many))) == []
