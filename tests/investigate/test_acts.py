"""Who, what, where: read from records of CloudTrail's shapes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.investigate.act import UnreadableRecordError, act_of
from verify.investigate.question import Question, moment
from verify.investigate.timeline import lines

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ROLE = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:alice",
    "arn": "arn:aws:sts::123456789012:assumed-role/team/admin/alice",
    "accountId": "123456789012",
    "sessionContext": {"sessionIssuer": {"type": "Role", "userName": "admin"}},
}


def _record(**more: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-05-01T11:30:00Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "eventID": "e-1",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": ROLE,
        "readOnly": False,
        "requestParameters": {"name": "audit"},
        **more,
    }


@pytest.mark.parametrize(
    ("identity", "who"),
    [
        (ROLE, "role admin as alice"),
        (
            {**ROLE, "sessionContext": {"sourceIdentity": "alice@example.org"}},
            "role team as alice (source identity alice@example.org)",
        ),
        ({"type": "Root", "accountId": "123456789012"}, "root user of 123456789012"),
        (
            {"type": "Root", "accountId": "1", "invokedBy": "signin.amazonaws.com"},
            "root user of 1, by way of signin.amazonaws.com",
        ),
        ({"type": "IAMUser", "userName": "bob"}, "user bob"),
        ({"type": "IAMUser", "principalId": "AIDA1"}, "user AIDA1"),
        (
            {"type": "AWSService", "invokedBy": "config.amazonaws.com"},
            "service config.amazonaws.com",
        ),
        (
            {"accountId": "1", "invokedBy": "secretsmanager.amazonaws.com"},
            "service secretsmanager.amazonaws.com",
        ),
        ({"type": "AWSAccount", "accountId": "210987654321"}, "account 210987654321"),
        ({"type": "SAMLUser", "userName": "carol"}, "SAMLUser carol"),
        (
            {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "u-7"}},
            "identity center user u-7",
        ),
        ({}, "somebody"),
        (None, "somebody"),
    ],
)
def test_who_is_told_by_the_kind_of_identity(identity: Any, who: str) -> None:
    assert act_of(_record(userIdentity=identity)).who == who


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ({}, ("name=audit",)),
        ({"resources": [{"ARN": "arn:aws:s3:::logs"}, {"type": "x"}]}, ("arn:aws:s3:::logs",)),
        ({"requestParameters": None}, ()),
        (
            {"requestParameters": {"a": "1", "b": {"c": 1}, "d": "2", "e": "3", "f": "4"}},
            ("a=1", "d=2", "e=3"),
        ),
    ],
)
def test_on_what_is_told_by_resources_or_else_by_what_was_asked(
    more: dict[str, Any], on: tuple[str, ...]
) -> None:
    assert act_of(_record(**more)).on == on
    assert act_of(_record(**more), ("sg-1",)).on[0] == "sg-1"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({}, ""),
        ({"errorCode": "AccessDenied"}, "AccessDenied"),
        ({"errorCode": "AccessDenied", "errorMessage": "no"}, "AccessDenied: no"),
        ({"responseElements": {"ConsoleLogin": "Failure"}}, "ConsoleLogin: Failure"),
        ({"responseElements": {"ConsoleLogin": "Success"}}, ""),
    ],
)
def test_what_was_not_done_says_why(more: dict[str, Any], error: str) -> None:
    assert act_of(_record(**more)).error == error


@pytest.mark.parametrize(
    "absent", ["eventTime", "eventSource", "eventName", "eventID", "awsRegion"]
)
def test_a_record_without_what_every_event_has_is_refused(absent: str) -> None:
    record = _record()
    del record[absent]
    with pytest.raises(UnreadableRecordError, match=absent):
        act_of(record)


def test_hostile_names_cannot_command_the_terminal_nor_add_a_line() -> None:
    record = _record(userIdentity={"type": "IAMUser", "userName": "bob\x1b[2J\n2026 root"})
    [head, body] = lines([act_of(record)])
    assert head == ("2026-05-01 11:30:00  user bob[U+001B][2J 2026 root  cloudtrail:StopLogging")
    assert body == "    on name=audit  from 203.0.113.7  in eu-west-1"


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_of_any_member_stops_the_reading(value: Any) -> None:
    for name in (
        "userIdentity",
        "resources",
        "requestParameters",
        "responseElements",
        "errorCode",
        "sourceIPAddress",
        "userAgent",
        "readOnly",
    ):
        assert lines([act_of(_record(**{name: value}))])


# --- what is asked for ----------------------------------------------------------------------------


def _question(**more: Any) -> Question:
    return Question(since=NOW - timedelta(hours=2), until=NOW, **more)


@pytest.mark.parametrize(
    ("more", "attributes"),
    [
        ({}, ()),
        ({"changes": True}, (("ReadOnly", "false"),)),
        ({"event": "StopLogging", "changes": True}, (("EventName", "StopLogging"),)),
        ({"principal": "alice", "event": "x"}, (("Username", "alice"),)),
        ({"principal": ROLE["arn"]}, (("Username", "alice"),)),
        ({"role": "admin"}, ()),
        ({"resource": "sg-1", "principal": "alice"}, (("ResourceName", "sg-1"),)),
        (
            {"resource": "arn:aws:s3:::logs"},
            (("ResourceName", "arn:aws:s3:::logs"), ("ResourceName", "logs")),
        ),
    ],
)
def test_the_narrowest_attribute_is_asked_for(
    more: dict[str, Any], attributes: tuple[tuple[str, str], ...]
) -> None:
    assert _question(**more).attributes() == attributes


@pytest.mark.parametrize(
    ("more", "admitted"),
    [
        ({}, True),
        ({"event": "StopLogging"}, True),
        ({"event": "StartLogging"}, False),
        ({"principal": "alice"}, True),
        ({"principal": ROLE["arn"]}, True),
        ({"principal": "bob"}, False),
        ({"role": "admin"}, True),
        ({"role": "alice"}, False),
        ({"failed": True}, False),
        ({"changes": True}, True),
    ],
)
def test_the_rest_narrows_what_came(more: dict[str, Any], admitted: bool) -> None:
    assert _question(**more).admits(act_of(_record())) is admitted


def test_the_period_has_both_its_ends() -> None:
    at = datetime(2026, 5, 1, 11, 30, tzinfo=UTC)
    for since, until, admitted in (
        (at, at, True),
        (at + timedelta(seconds=1), NOW, False),
        (at - timedelta(hours=1), at - timedelta(seconds=1), False),
    ):
        assert Question(since, until).admits(act_of(_record())) is admitted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("90m", NOW - timedelta(minutes=90)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-04-30T10:00", datetime(2026, 4, 30, 10, tzinfo=UTC)),
        ("2026-04-30T10:00+02:00", datetime(2026, 4, 30, 8, tzinfo=UTC)),
    ],
)
def test_times_are_spans_or_moments(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


@pytest.mark.parametrize("text", ["", "yesterday", "2", "h", "0h", "-1h", "2w", "999999h"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("90m, 2h, 3d")):
        moment(text, NOW)
