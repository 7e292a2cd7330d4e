"""Any record at all: no exception, and every record accounted for."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
from compliance_checker.alert import MAXIMUM_ALERT_BYTES
from compliance_checker.evaluate import evaluate
from compliance_checker.policy import broad_grants, matches, parse_document, public_statements
from compliance_checker.screen import worth_parsing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compliance_checker.door import Door, alert_schema, logs_event
from tests.compliance_checker.records import Record, role_policy, statement
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from(["*", "0.0.0.0/0", "Allow", "true", "%7B", "{", "x" * 5000, "\ud800", "-1"]),
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=8), st.sampled_from(["items", "item", "Statement"])),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
_RECORDS = [case for _, case, _ in VIOLATIONS] + [case for _, case in LOOK_ALIKES]
_GONE = object()
_REPLACEMENTS: tuple[Any, ...] = (
    _GONE,
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


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        yield (*path, key)
        if isinstance(member, (dict, list)):
            yield from _paths(member, (*path, key))


def _changed(record: Record, path: tuple[Any, ...], value: Any) -> Record:
    changed: Record = copy.deepcopy(record)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    if value is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


@st.composite
def _damaged(draw: st.DrawFn) -> Record:
    record: Record = draw(st.sampled_from(_RECORDS))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_paths(record))))
        record = _changed(record, path, draw(st.one_of(st.just(_GONE), _JSON)))
    return record


@_PROFILE
@given(_damaged())
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
    for record in _RECORDS:
        for path in _paths(record):
            for value in _REPLACEMENTS:
                evaluate(_changed(record, path, value))


@_PROFILE
@given(_JSON)
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


@_PROFILE
@given(_damaged())
def test_a_text_is_passed_over_only_when_no_rule_looks_at_it(record: Record) -> None:
    for text in (
        json.dumps(record),
        json.dumps(record, separators=(",", ":")),
        f" {json.dumps(record)}\n",
    ):
        if not worth_parsing(text):
            assert evaluate(json.loads(text)) == []


def test_event_of_no_concern_is_passed_over() -> None:
    quiet = {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"}
    assert not worth_parsing(json.dumps(quiet, separators=(",", ":")))


def test_decoy_name_hides_nothing() -> None:
    case: Record = next(record for what, record, _ in VIOLATIONS if what == "stopped")
    decoy = {"requestParameters": {"eventName": "DescribeInstances"}, **case}
    decoy["requestParameters"] = {"name": "t", "eventName": "DescribeInstances"}
    for separators in ((",", ":"), (", ", ": ")):
        assert worth_parsing(json.dumps(decoy, separators=separators))
