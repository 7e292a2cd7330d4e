"""What an EventBridge rule lets through: by each comparison, by state, and not by a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.events.event_bus import READS_TOO, Pattern, UnknownPatternError, events, lets_through
from verify.events.samples import Place

EVENT = {
    "source": "aws.ec2",
    "account": "123456789012",
    "resources": [],
    "detail": {
        "eventName": "AuthorizeSecurityGroupIngress",
        "readOnly": False,
        "userIdentity": {"type": "IAMUser"},
        "tags": ["a", "b"],
        "severity": 7.5,
        "empty": None,
        "text": "one\ntwo",
        "findings": [{"level": "LOW", "state": "NEW"}, {"level": "HIGH", "state": "OLD"}],
    },
}


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": ["aws.s3", "aws.ec2"]},
        {"source": [{"prefix": "aws."}]},
        {"source": [{"suffix": "ec2"}]},
        {"source": [{"equals-ignore-case": "AWS.EC2"}]},
        {"source": [{"wildcard": "a*s.*2"}]},
        {"detail": {"text": [{"wildcard": "one*two"}]}},
        {"source": [{"anything-but": "aws.s3"}]},
        {"source": [{"anything-but": ["aws.s3", {"prefix": "x"}]}]},
        {"detail": {"errorCode": [{"exists": False}]}},
        {"detail": {"eventName": [{"exists": True}], "readOnly": [False]}},
        {"detail": {"userIdentity": [{"exists": False}]}},
        {"detail": {"tags": ["b"]}},
        {"detail": {"empty": [None]}},
        {"detail": {"severity": [{"numeric": [">=", 7]}]}},
        {"detail": {"severity": [{"numeric": [">", 7, "<=", 7.5]}]}},
        {"detail": {"severity": [{"numeric": ["=", 7.5]}]}},
        {"$or": [{"source": ["x"]}, {"detail": {"userIdentity": {"type": ["IAMUser"]}}}]},
        {"detail": {"findings": {"level": ["HIGH"]}}},
        {"detail": {"findings": {"level": ["HIGH"], "state": [{"anything-but": "NEW"}]}}},
        {"detail": {"tags": {"level": [{"exists": False}]}}},
    ],
)
def test_matches(pattern: dict[str, Any]) -> None:
    assert Pattern(pattern).matches(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.EC2"]},
        {"source": [{"prefix": "ec2"}]},
        {"source": [{"wildcard": "aws"}]},
        {"source": [{"anything-but": {"prefix": "aws."}}]},
        {"detail": {"errorCode": ["AccessDenied"]}},
        {"detail": {"errorCode": [{"anything-but": "AccessDenied"}]}},
        {"detail": {"errorCode": [{"exists": True}]}},
        {"detail": {"readOnly": [0]}},
        {"detail": {"readOnly": ["false"]}},
        {"detail": {"userIdentity": {"type": ["Root"]}}},
        {"detail": {"eventName": {"prefix": ["Authorize"]}}},
        {"resources": ["x"]},
        {"$or": [{"source": ["x"]}, {"account": ["y"]}]},
        {"source": ["aws.ec2"], "account": ["999999999999"]},
        {"detail": {"findings": {"level": ["MEDIUM"]}}},
        {"detail": {"findings": {"level": ["HIGH"], "state": ["NEW"]}}},  # no one finding is both
        {"detail": {"findings": {"level": [{"exists": False}]}}},
        {"detail": {"severity": [{"numeric": [">", 7.5]}]}},
        {"detail": {"severity": [{"numeric": [">=", 7, "<", 7.5]}]}},
        {"detail": {"eventName": [{"numeric": [">", 0]}]}},
        {"detail": {"readOnly": [{"numeric": ["<", 1]}]}},
    ],
)
def test_does_not_match(pattern: dict[str, Any]) -> None:
    assert not Pattern(pattern).matches(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"eventName": [{"cidr": "10.0.0.0/8"}]}},
        {"detail": {"severity": [{"numeric": [">="]}]}},
        {"detail": {"severity": [{"numeric": ["~", 7]}]}},
        {"detail": {"severity": [{"numeric": [">", "7"]}]}},
        {"source": [{"prefix": {"equals-ignore-case": "aws"}}]},
        {"source": [{"prefix": "x", "suffix": "y"}]},
        {"source": "aws.ec2"},
        {"$or": {}},
    ],
)
def test_what_is_not_known_is_not_guessed(pattern: dict[str, Any]) -> None:
    with pytest.raises(UnknownPatternError):
        Pattern(pattern).matches(EVENT)


def test_reads_reach_rules_of_one_state_alone() -> None:
    read = {**EVENT, "detail": {"readOnly": True}}
    assert lets_through(READS_TOO, Pattern({}), read)
    assert not lets_through("ENABLED", Pattern({}), read)
    assert lets_through("ENABLED", Pattern({}), EVENT)
    assert not lets_through("DISABLED", Pattern({}), EVENT)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_text_and_whatever_is_not_it(one: str, other: str) -> None:
    event = {"source": one}
    assert Pattern({"source": [other]}).matches(event) == (one == other)
    assert Pattern({"source": [{"anything-but": other}]}).matches(event) == (one != other)
    assert Pattern({"source": [{"prefix": other}]}).matches(event) == one.startswith(other)
    assert Pattern({"source": [{"wildcard": f"*{other.replace('*', '')}*"}]}).matches(event) == (
        other.replace("*", "") in one
    )


def test_the_events_are_what_the_bus_carries() -> None:
    place = Place("aws", "123456789012", "us-east-1")
    found = dict(events({"iam.amazonaws.com": ["CreateRole"]}, place))
    kinds = [(each["source"], each["detail-type"]) for each in found.values()]
    assert kinds == [
        ("aws.iam", "AWS API Call via CloudTrail"),
        ("aws.signin", "AWS Console Sign In via CloudTrail"),
        ("aws.signin", "AWS Console Sign In via CloudTrail"),
        ("aws.ec2", "AWS API Call via CloudTrail"),
    ]
    assert {each["region"] for each in found.values()} == {"us-east-1"}
    assert [each["detail"]["readOnly"] for each in found.values()] == [False, False, False, True]
