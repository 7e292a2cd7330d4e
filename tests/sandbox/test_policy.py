"""Policy evaluation, and what makes a bucket policy public."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.access.policy import AccessRequest, Decision, Principal, evaluate
from sandbox.access.public_access import is_public

ALICE = Principal(account="123456789012", arns=("arn:aws:iam::123456789012:user/alice",))
TRAIL = Principal(service="cloudtrail.amazonaws.com")
OBJECT = "arn:aws:s3:::bucket/key"


def decide(
    statement: dict[str, Any],
    principal: Principal = ALICE,
    action: str = "s3:PutObject",
    resource: str = OBJECT,
    context: dict[str, str] | None = None,
) -> Decision:
    keys = {
        name.replace("__", ":").replace("_", "-"): value for name, value in (context or {}).items()
    }
    return evaluate([{"Statement": [statement]}], AccessRequest(principal, action, resource, keys))


def statement(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": "*", "Action": "s3:*", "Resource": "*", **members}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, Decision.ALLOW),
        ({"Action": "s3:putobject"}, Decision.ALLOW),
        ({"Action": ["s3:Get*", "s3:Put?bject"]}, Decision.ALLOW),
        ({"Action": "s3:GetObject"}, Decision.NEUTRAL),
        ({"Resource": "arn:aws:s3:::bucket/*"}, Decision.ALLOW),
        ({"Resource": "arn:aws:s3:::bucket"}, Decision.NEUTRAL),
        ({"Resource": "arn:aws:s3:::BUCKET/*"}, Decision.NEUTRAL),
        ({"Principal": {"AWS": "123456789012"}}, Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, Decision.ALLOW),
        ({"Principal": {"AWS": ["arn:aws:iam::123456789012:user/alice"]}}, Decision.ALLOW),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:user/bob"}}, Decision.NEUTRAL),
        ({"Principal": {"AWS": "999999999999"}}, Decision.NEUTRAL),
        ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, Decision.NEUTRAL),
        ({"Effect": "Deny"}, Decision.DENY),
    ],
)
def test_who_what_and_where(members: dict[str, Any], expected: Decision) -> None:
    assert decide(statement(**members)) is expected


def test_not_action_and_not_resource() -> None:
    assert (
        decide({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"})
        is Decision.NEUTRAL
    )
    assert (
        decide({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::other/*"})
        is Decision.ALLOW
    )


def test_an_explicit_deny_wins_over_an_allow() -> None:
    documents = [{"Statement": [statement(), statement("Deny", Action="s3:PutObject")]}]
    request = AccessRequest(ALICE, "s3:PutObject", OBJECT, {})
    assert evaluate(documents, request) is Decision.DENY


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"Bool": {"aws:SecureTransport": "false"}}, {"aws__securetransport": "true"}, False),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws__securetransport": "false"}, True),
        ({"StringEquals": {"s3:x-amz-acl": "a"}}, {}, False),
        ({"StringNotEquals": {"s3:x-amz-acl": "a"}}, {}, True),
        ({"StringNotEqualsIfExists": {"s3:x-amz-acl": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"s3:x-amz-acl": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"s3:x-amz-acl": "a"}}, {"s3__x_amz_acl": "b"}, False),
        ({"Null": {"s3:x-amz-acl": "true"}}, {}, True),
        ({"Null": {"s3:x-amz-acl": "false"}}, {}, False),
        ({"Null": {"s3:x-amz-acl": "false"}}, {"s3__x_amz_acl": "b"}, True),
        ({"StringNotEquals": {"s3:x-amz-acl": ["a", "b"]}}, {"s3__x_amz_acl": "b"}, False),
        ({"StringNotEquals": {"s3:x-amz-acl": ["a", "b"]}}, {"s3__x_amz_acl": "c"}, True),
        ({"StringLike": {"s3:x-amz-acl": "pub*"}}, {"s3__x_amz_acl": "public-read"}, True),
        (
            {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/admin"}},
            {"aws__principalarn": "arn:aws:iam::1:role/admin"},
            False,
        ),
        (
            {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/admin"}},
            {"aws__principalarn": "arn:aws:iam::1:role/other"},
            True,
        ),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:1:topic"}},
            {"aws__sourcearn": "arn:aws:sns:eu-west-1:1:topic"},
            True,
        ),
        (
            {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:topic"}},
            {"aws__sourcearn": "arn:aws:sns:eu-west-1:1:topic"},
            False,
        ),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__sourceip": "10.1.2.3"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__sourceip": "10.1.2.3"}, False),
        ({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3__max_keys": "9"}, True),
        (
            {"Bool": {"aws:a": "true"}, "StringEquals": {"aws:b": "x"}},
            {"aws__a": "true", "aws__b": "y"},
            False,
        ),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, str], holds: bool) -> None:
    for effect, applied in (("Allow", Decision.ALLOW), ("Deny", Decision.DENY)):
        expected = applied if holds else Decision.NEUTRAL
        assert decide(statement(effect, Condition=condition), context=context) is expected


def test_an_unknown_operator_never_allows_and_always_denies() -> None:
    unknown = {"StringMatches": {"aws:a": "x"}}
    assert decide(statement("Allow", Condition=unknown), context={"aws:a": "x"}) is Decision.NEUTRAL
    assert decide(statement("Deny", Condition=unknown), context={"aws:a": "x"}) is Decision.DENY


def test_a_service_is_named_by_service_principals_alone() -> None:
    named = statement(Principal={"Service": ["sns.amazonaws.com", "cloudtrail.amazonaws.com"]})
    assert decide(named, TRAIL) is Decision.ALLOW
    assert decide(statement(Principal={"AWS": "123456789012"}), TRAIL) is Decision.NEUTRAL


@pytest.mark.parametrize(
    ("members", "public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Principal": {"Service": "cloudtrail.amazonaws.com"}}, False),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}, False),
        ({"Condition": {"StringLike": {"aws:SourceVpce": "vpce-*"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "0.0.0.0/1"]}}}, True),
    ],
)
def test_what_is_public(members: dict[str, Any], public: bool) -> None:
    assert is_public({"Statement": [statement(**members)]}) is public
    assert is_public({"Statement": statement(**members)}) is public
