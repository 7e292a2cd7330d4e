"""Whether a role's trust is for exactly whom the role serves."""

from __future__ import annotations

from typing import Any

import pytest

from verify.policy import PEOPLE_OF_THE_ACCOUNT, trust_findings

ACCOUNT, STRANGER = "123456789012", "999999999999"
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
LAMBDA = {"Service": "lambda.amazonaws.com"}
CI = f"arn:aws:iam::{STRANGER}:role/ci"
FUNCTION = f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:checker"


def _only(**condition: dict[str, Any]) -> dict[str, Any]:
    return {"Condition": condition}


FINE: dict[str, tuple[str | list[str], list[dict[str, Any]]]] = {
    "the service": ("lambda.amazonaws.com", [{"Principal": LAMBDA}]),
    "the service twice": ("lambda.amazonaws.com", [{"Principal": LAMBDA}, {"Principal": LAMBDA}]),
    "the service, by another case of the action": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, "Action": ["STS:assumerole"]}],
    ),
    "the service, once unconditionally": (
        "lambda.amazonaws.com",
        [
            {"Principal": LAMBDA, **_only(StringEquals={"aws:SourceAccount": STRANGER})},
            {"Principal": LAMBDA},
        ],
    ),
    "people, by the account's number": (PEOPLE_OF_THE_ACCOUNT, [{"Principal": {"AWS": ACCOUNT}}]),
    "people with a second factor who tag their session": (
        PEOPLE_OF_THE_ACCOUNT,
        [
            {
                "Principal": ROOT,
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                **_only(Bool={"aws:MultiFactorAuthPresent": "true"}),
            }
        ],
    ),
    "people but those without a second factor": (
        PEOPLE_OF_THE_ACCOUNT,
        [
            {"Principal": ROOT},
            {
                "Effect": "Deny",
                "Principal": "*",
                **_only(BoolIfExists={"aws:MultiFactorAuthPresent": "false"}),
            },
        ],
    ),
    "one role of the account": (
        PEOPLE_OF_THE_ACCOUNT,
        [{"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/ci"}}],
    ),
    "those that the baseline names": (
        [CI, ACCOUNT],
        [{"Principal": {"AWS": [CI, f"arn:aws:iam::{ACCOUNT}:root"]}}],
    ),
}
WRONG: dict[str, tuple[str | list[str], list[dict[str, Any]]]] = {
    "another service as well": (
        "lambda.amazonaws.com",
        [{"Principal": {"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}}],
    ),
    "people too": ("lambda.amazonaws.com", [{"Principal": LAMBDA}, {"Principal": ROOT}]),
    "whatever else the service may do": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, "Action": "sts:*"}],
    ),
    "session tags by the service": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, "Action": ["sts:AssumeRole", "sts:TagSession"]}],
    ),
    "all but one action": (
        PEOPLE_OF_THE_ACCOUNT,
        [{"Principal": ROOT, "Action": None, "NotAction": "sts:TagSession"}],
    ),
    "the service, for another account alone": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, **_only(StringEquals={"aws:SourceAccount": STRANGER})}],
    ),
    "the service, denied": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA}, {"Effect": "Deny", "Principal": "*"}],
    ),
    "the service, denied by NotPrincipal": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA}, {"Effect": "Deny", "Principal": None, "NotPrincipal": ROOT}],
    ),
    "a stranger": (
        PEOPLE_OF_THE_ACCOUNT,
        [{"Principal": ROOT}, {"Principal": {"AWS": CI}}],
    ),
    "anyone, within the account": (
        PEOPLE_OF_THE_ACCOUNT,
        [
            {"Principal": ROOT},
            {"Principal": "*", **_only(StringEquals={"aws:PrincipalAccount": ACCOUNT})},
        ],
    ),
    "people of another account alone, by a condition": (
        PEOPLE_OF_THE_ACCOUNT,
        [{"Principal": ROOT, **_only(StringEquals={"aws:PrincipalAccount": STRANGER})}],
    ),
    "an identity provider": (
        PEOPLE_OF_THE_ACCOUNT,
        [
            {"Principal": ROOT},
            {
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/office"},
                "Action": "sts:AssumeRole",
            },
        ],
    ),
    "nobody, for the role serves a service": ("lambda.amazonaws.com", [{"Principal": ROOT}]),
    "one of two that the baseline names": ([CI, ACCOUNT], [{"Principal": {"AWS": CI}}]),
    "tagging alone": (PEOPLE_OF_THE_ACCOUNT, [{"Principal": ROOT, "Action": "sts:TagSession"}]),
}
UNKNOWN: dict[str, tuple[str | list[str], list[dict[str, Any]]]] = {
    "the service, on a condition that it may not state": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, **_only(ArnLike={"aws:SourceArn": FUNCTION})}],
    ),
    "the service, on an unknown condition": (
        "lambda.amazonaws.com",
        [{"Principal": LAMBDA, **_only(StringEquals={"aws:SourceVpc": "vpc-1"})}],
    ),
    "the service, denied on a condition": (
        "lambda.amazonaws.com",
        [
            {"Principal": LAMBDA},
            {
                "Effect": "Deny",
                "Principal": "*",
                **_only(StringNotEquals={"aws:SourceAccount": ACCOUNT}),
            },
        ],
    ),
    "a principal that is gone": (
        PEOPLE_OF_THE_ACCOUNT,
        [{"Principal": {"AWS": [ACCOUNT, "AIDAEXAMPLEID1234567"]}}],
    ),
}


def _given(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"Action": "sts:AssumeRole", "Effect": "Allow", **statement} for statement in statements
    ]


def _judge(serves: str | list[str], statements: list[dict[str, Any]]) -> set[str]:
    stated = [
        {key: value for key, value in one.items() if value is not None}
        for one in _given(statements)
    ]
    document = {"Version": "2012-10-17", "Statement": stated}
    return {finding.verdict.value for finding in trust_findings(document, ACCOUNT, serves)}


@pytest.mark.parametrize("name", FINE)
def test_exactly_whom_it_serves(name: str) -> None:
    assert _judge(*FINE[name]) == set()


@pytest.mark.parametrize("name", WRONG)
def test_others_or_not_whom_it_serves(name: str) -> None:
    assert "violation" in _judge(*WRONG[name])


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_told(name: str) -> None:
    assert _judge(*UNKNOWN[name]) == {"cannot tell"}


RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine"


def _of_a_rule(**conditions: object) -> set[str]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": conditions,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    found = trust_findings(document, ACCOUNT, "events.amazonaws.com", [RULE])
    return {finding.verdict.value for finding in found}


def test_a_service_may_be_bound_to_its_sources() -> None:
    account = {"aws:SourceAccount": ACCOUNT}
    exact = {"StringEquals": account, "ArnEquals": {"aws:SourceArn": [RULE]}}
    assert _of_a_rule(**exact) == set()
    wider = {"StringEquals": account, "ArnLike": {"aws:SourceArn": [f"{RULE[:-4]}*"]}}
    for wrong in ({}, {"StringEquals": account}, {"ArnEquals": exact["ArnEquals"]}, wider):
        assert "violation" in _of_a_rule(**wrong)
    other = {"StringEquals": account, "ArnEquals": {"aws:SourceArn": [f"{RULE}-old"]}}
    assert "violation" in _of_a_rule(**other)
