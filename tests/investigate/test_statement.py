"""A question as a query: nothing of what is asked for is in its text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from verify.investigate.act import act_of
from verify.investigate.question import Question
from verify.investigate.statement import concerns, literal, record_of, statement

SINCE = datetime(2026, 4, 30, 22, 0, tzinfo=UTC)
UNTIL = datetime(2026, 5, 1, 23, 50, tzinfo=UTC)


def _question(**more: Any) -> Question:
    return Question(SINCE, UNTIL, **more)


@pytest.mark.parametrize(
    ("more", "regions", "parameters"),
    [
        ({}, [], []),
        ({}, ["eu-west-1", "us-east-1"], ["'eu-west-1'", "'us-east-1'"]),
        ({"event": "StopLogging"}, [], ["'StopLogging'"]),
        ({"failed": True, "changes": True}, [], []),
        ({"principal": "o'brien"}, [], ["'o''brien'", "'%/o''brien'", "'%:o''brien'"]),
        ({"role": "a_b%!"}, [], ["'%/a!_b!%!!/%'"]),
        (
            {"resource": "arn:aws:s3:::logs"},
            [],
            [
                *("'arn:aws:s3:::logs'", "'%/arn:aws:s3:::logs'", "'%:arn:aws:s3:::logs'"),
                *("'\"arn:aws:s3:::logs\"'", "'\"arn:aws:s3:::logs\"'"),
                *("'logs'", "'%/logs'", "'%:logs'", "'\"logs\"'", "'\"logs\"'"),
            ],
        ),
    ],
)
def test_what_is_asked_for_goes_as_parameters(
    more: dict[str, Any], regions: list[str], parameters: list[str]
) -> None:
    """The last day is one later: what happens at midnight lies in the next day's files."""
    found = statement(_question(**more), "d", "t", regions, 10)
    period = ["'2026/04/30'", "'2026/05/02'", "'2026-04-30T22:00:00Z'", "'2026-05-01T23:50:00Z'"]
    assert list(found.parameters) == [*period, *parameters]
    assert found.text.count("?") == len(found.parameters)
    assert found.text.endswith("LIMIT 10")


@given(st.text(min_size=1, max_size=300))
def test_no_text_can_be_more_than_one_constant(value: str) -> None:
    try:
        constant = literal(value)
    except ValueError:
        return
    found = parse_one(f"SELECT {constant}", read="athena").expressions
    assert len(found) == 1
    assert isinstance(found[0], exp.Literal)
    assert found[0].this == value


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_the_text_is_the_same_whatever_is_asked_for(
    resource: str, principal: str, role: str, event: str
) -> None:
    asked = {"principal": principal or "p", "role": role or "r", "event": event or "e"}
    try:
        found = statement(_question(**asked), "d", "t", [], 10)
    except ValueError:
        return
    plain = statement(_question(principal="p", role="r", event="e"), "d", "t", [], 10)
    assert found.text == plain.text


@pytest.mark.parametrize("name", ["", "t; DROP TABLE x", "T", "a-b", 'a"b'])
def test_a_table_must_have_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="no name of a database or table"):
        statement(_question(), "d", name, [], 10)


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "\x1b[2J", "x" * 1023])
def test_what_athena_takes_as_no_parameter_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be asked for|is too long"):
        literal(value)


ROW: dict[str, str | None] = {
    "time": "2026-05-01T11:30:00Z",
    "event_id": "e-1",
    "source": "s3.amazonaws.com",
    "name": "PutBucketPolicy",
    "region": "eu-west-1",
    "address": "203.0.113.7",
    "agent": "aws-cli",
    "error_code": "AccessDenied",
    "error_message": None,
    "read_only": "false",
    "parameters": '{"bucketName":"logs","deep":{"list":["x"]}}',
    "answer": None,
    "resource_arns": '["arn:aws:s3:::logs"]',
    "kind": "AssumedRole",
    "arn": "arn:aws:sts::123456789012:assumed-role/admin/alice",
    "principal_id": "AROA1:alice",
    "account": "123456789012",
    "user_name": None,
    "invoked_by": None,
    "on_behalf_of": None,
    "issuer": "admin",
    "source_identity": "alice@example.org",
}


def test_a_row_tells_what_its_record_told() -> None:
    act = act_of(record_of(ROW))
    assert act.who == "role admin as alice (source identity alice@example.org)"
    assert (act.action, act.where, act.error) == (
        "s3:PutBucketPolicy",
        "203.0.113.7",
        "AccessDenied",
    )
    assert act.on == ("arn:aws:s3:::logs",)
    assert not act.read_only


@pytest.mark.parametrize("value", [None, "null", "", "{", "[]", '"text"', "{}"])
def test_values_that_are_not_there_or_broken_stop_nothing(value: str | None) -> None:
    row = {**ROW, "parameters": value, "answer": value, "resource_arns": None}
    assert act_of(record_of(row)).on == ()
    assert not concerns(record_of(row), "logs")


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        ("logs", True),
        ("arn:aws:s3:::logs", True),
        ("arn:aws:s3:::other/logs", True),
        ("x", True),
        ("log", False),
        ("ogs", False),
        ("bucketName", False),
    ],
)
def test_a_record_concerns_what_it_names_whole(resource: str, told: bool) -> None:
    assert concerns(record_of(ROW), resource) is told
