"""The cases that the verification suite's own judgement is held to, put to the function's.

Of a key's policy the function judges whether anyone may use the key, of an identity's whether it
grants far too much; the suite demands more of the stack's own policies than that. It alone judges
what a document says to one request, denials that must be there, and route tables.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.policy.admission import public_statements, unbound_federations
from compliance_checker.policy.document import parse_document
from compliance_checker.policy.privilege import broad_grants
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compliance_checker.records import ingress
from verify.policy import CONDITION_KEYS, Verdict, public_grants, verdict_of

_CASES = Path(__file__).parent.parent / "judgement" / "cases"


def _cases(name: str, verdict: str) -> list[Any]:
    """The cases of a table that have a verdict."""
    table = json.loads((_CASES / name).read_text(encoding="utf-8"))
    return [
        pytest.param(case, id=case["name"])
        for case in table["cases"]
        if case.get(verdict) is not None
    ]


@pytest.mark.parametrize("case", _cases("grants.json", "public"))
def test_public_grant(case: dict[str, Any]) -> None:
    document = parse_document(case["document"])
    assert document is not None
    found = public_statements(document)
    # On what the suite cannot tell, the function alerts.
    assert bool(found) is (case["public"] != "clean"), case["why"]


_OPERATORS = st.sampled_from(
    [
        *("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"),
        *("StringNotEquals", "StringNotLike", "ArnNotLike", "IpAddress", "NotIpAddress"),
        *("Bool", "NumericEquals", "DateLessThan", "BinaryEquals", "StringAlike"),
    ]
)
_VALUES = st.sampled_from(
    [
        *("123456789012", "1234*", "o-a1b2c3d4e5", "o-a1b2c3d4e5/r-ab12/*", "o-*", "*"),
        *("vpc-0e9801d129abcdef0", "vpce-*", "AROAEXAMPLE:*", "AROA*", "true", "false"),
        *("198.51.100.0/24", "0.0.0.0/0", "10.0.0.0/8", "not an address", "logs.amazonaws.com"),
        *("arn:aws:s3:::one-bucket", "arn:aws:s3:::one-*", "arn:aws:s3:::one/*", "arn:aws:sns:*"),
        *("arn:aws-cn:sns:*:123456789012:*", "arn:aws:sns:*:*:t", "arn:aws:iam::123456789012:*"),
        *("arn:aws:ec2:*:*:vpc/vpc-0e9801d129abcdef0", "arn:aws:ec2:*:*:instance/*"),
        *("${aws:ResourceAccount}", "${aws:ResourceOrgID}", "${aws:PrincipalAccount}"),
        *("${aws:PrincipalOrgID}", "${aws:PrincipalTag/team}", "cognito-identity.amazonaws.com"),
    ]
)
_KEYS = st.sampled_from([key.name for key in CONDITION_KEYS.values() if key.bounds]) | (
    st.sampled_from(
        [
            *(key.name + "x" * (key.name[-1] in "/:") for key in CONDITION_KEYS.values()),
            "aws:PrincipalStarSign",
        ]
    )
)


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(1, 3))):
        qualifier = draw(st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]))
        suffix = draw(st.sampled_from(["", "", "IfExists"]))
        key, values = draw(_KEYS), draw(st.lists(_VALUES, min_size=1, max_size=2))
        block.setdefault(f"{qualifier}{draw(_OPERATORS)}{suffix}", {})[key] = values
        if draw(st.booleans()):
            block.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false"]))
    return block


@settings(max_examples=200)
@given(_conditions())
def test_suite_and_function_agree_on_every_key(condition: dict[str, Any]) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": condition,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    verdict = verdict_of(public_grants(document, "123456789012"))
    assert bool(public_statements(document)) is (verdict is not Verdict.CLEAN)


@pytest.mark.parametrize("case", _cases("trust.json", "trusted"))
def test_trust(case: dict[str, Any]) -> None:
    found = public_statements(case["document"]) or unbound_federations(case["document"])
    # Who belongs to no account that the policy tells is let in by nobody's mistake.
    expected = any(
        verdict == "violation" or (verdict == "cannot tell" and kind != "AWS")
        for kind, *_, verdict in case["trusted"]
    )
    assert bool(found) is expected, case["why"]


@pytest.mark.parametrize("case", _cases("key_policy.json", "subjects"))
def test_key_policy(case: dict[str, Any]) -> None:
    found = public_statements(case["document"])
    expected = any(subject.startswith("anyone") for subject in case["subjects"])
    assert bool(found) is expected, case["why"]


@pytest.mark.parametrize("case", _cases("identity.json", "subjects"))
def test_identity_policy(case: dict[str, Any]) -> None:
    found = broad_grants(case["document"], "123456789012")
    if any(subject.strip("*:") == "" for subject in case["subjects"]):
        assert [grant.kind for grant in found] == ["administrator"], case["why"]
    elif not case["subjects"]:
        assert found == [], case["why"]


def _lower(value: Any) -> Any:
    """EC2's answers are in Pascal case, CloudTrail's requests in camel case with lists wrapped."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower(member) for key, member in value.items()}
    if isinstance(value, list):
        return {"items": [_lower(member) for member in value]} if value else {}
    return value


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in _cases("exposure.json", "verdict")
        if "permissions" in case.values[0]
        and case.values[0].get("direction", "ingress") == "ingress"
        and "prefix_lists" not in case.values[0]  # a record holds the list's id alone
    ],
)
def test_exposure(case: dict[str, Any]) -> None:
    found = evaluate(ingress(*(_lower(permission) for permission in case["permissions"])))
    assert bool(found) is (case["verdict"] == "exposed"), case["why"]
