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

from tests.compliance_checker.records import ingress

_CASES = Path(__file__).parent.parent / "judgement" / "cases"


def _cases(name: str, verdict: str) -> list[Any]:
    """The cases with a definite verdict; on what the suite cannot tell, the function alerts."""
    table = json.loads((_CASES / name).read_text(encoding="utf-8"))
    return [
        pytest.param(case, id=case["name"])
        for case in table["cases"]
        if case.get(verdict) not in (None, "cannot tell")
    ]


@pytest.mark.parametrize("case", _cases("grants.json", "public"))
def test_public_grant(case: dict[str, Any]) -> None:
    document = parse_document(case["document"])
    assert document is not None
    found = public_statements(document)
    assert bool(found) is (case["public"] == "violation"), case["why"]


@pytest.mark.parametrize("case", _cases("trust.json", "trusted"))
def test_trust(case: dict[str, Any]) -> None:
    found = public_statements(case["document"]) or unbound_federations(case["document"])
    expected = any(verdict == "violation" for *_, verdict in case["trusted"])
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
