"""Exactly whom a resource's policy admits, and whom it turns away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy import Decision, PolicyError, allows_beside, excessive_grants

TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:topic"
ROLE = "arn:aws:iam::123456789012:role/somebody"
SERVICE = "cloudtrail.amazonaws.com"
PERMITTED = {SERVICE: ("sns:Publish",)}


def _statement(principal: Any, *actions: str, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {
        "Sid": "S",
        "Effect": effect,
        "Principal": principal,
        "Action": list(actions),
        "Resource": TOPIC,
        **more,
    }


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


PUBLISH = _statement({"Service": SERVICE}, "sns:Publish")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (_statement({"AWS": ROLE}, "sns:Publish"), f"allows sns:Publish to AWS {ROLE}"),
        (
            _statement({"Service": SERVICE}, "SNS:publish", "sns:Subscribe"),
            f"allows sns:Subscribe to Service {SERVICE}",
        ),
        (_statement({"Service": SERVICE}, "sns:*"), f"allows sns:* to Service {SERVICE}"),
        (_statement("*", "sns:Publish"), "allows sns:Publish to anyone (Principal *)"),
        (
            _statement({"AWS": "*"}, "sns:Publish", Condition={"Bool": {"a:b": "true"}}),
            "allows sns:Publish to anyone (Principal AWS *)",
        ),
        (
            {
                "Sid": "S",
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "NotAction": "sns:Subscribe",
            },
            f"allows all actions but sns:Subscribe to Service {SERVICE}",
        ),
    ],
)
def test_what_nobody_listed_is_found(statement: dict[str, Any], reason: str) -> None:
    [finding] = excessive_grants(_document(PUBLISH, statement), PERMITTED)
    assert finding.reason == f'statement "S" (#1) {reason}'


@pytest.mark.parametrize(
    "statement",
    [
        PUBLISH,
        _statement({"Service": [SERVICE]}, "SNS:Publish"),
        _statement("*", "sns:*", effect="Deny"),
    ],
)
def test_what_is_listed_or_denied_is_no_finding(statement: dict[str, Any]) -> None:
    assert excessive_grants(_document(statement), PERMITTED) == ()


@given(st.lists(st.sampled_from([PUBLISH, _statement({"AWS": ROLE}, "sns:Publish")]), max_size=4))
def test_each_statement_is_judged_by_itself(statements: list[dict[str, Any]]) -> None:
    found = excessive_grants(_document(*statements), PERMITTED)
    assert len(found) == len([item for item in statements if item != PUBLISH])


def test_a_policy_of_an_identity_is_none_of_a_resource() -> None:
    with pytest.raises(PolicyError, match="no Principal"):
        excessive_grants(_document({"Effect": "Allow", "Action": "*", "Resource": "*"}), {})


def _decision(*statements: dict[str, Any], tls: str = "true") -> Decision:
    context = {"aws:SecureTransport": tls}
    return allows_beside(_document(*statements), ROLE, "sns:Publish", TOPIC, context).decision


def test_only_a_deny_turns_away_whom_another_policy_admits() -> None:
    assert _decision() is Decision.ALLOWED
    assert _decision(PUBLISH) is Decision.ALLOWED
    assert _decision(_statement("*", "sns:*", effect="Deny")) is Decision.DENIED
    assert _decision(_statement({"AWS": ROLE}, "sns:Pub*", effect="Deny")) is Decision.DENIED
    other = _statement({"AWS": f"{ROLE}-else"}, "sns:*", effect="Deny")
    assert _decision(other) is Decision.ALLOWED


def test_a_deny_that_cannot_be_judged_is_not_taken_for_none() -> None:
    odd = {"StringAlike": {"aws:PrincipalTag/a": "eA=="}}
    assert _decision(_statement("*", "sns:*", effect="Deny", Condition=odd)) is Decision.CANNOT_TELL


def test_plain_http_is_refused_by_the_usual_statement() -> None:
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    deny = _statement("*", "sns:Publish", effect="Deny", Condition=plain)
    assert _decision(deny, tls="false") is Decision.DENIED
    assert _decision(deny, tls="true") is Decision.ALLOWED
