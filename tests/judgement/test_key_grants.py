"""Which grants a key may have."""

from __future__ import annotations

from typing import Any

import pytest

from verify.policy import PermittedGrant, fault_of_grant

ACCOUNT, STRANGER = "123456789012", "999999999999"
KEY = f"arn:aws:kms:ap-southeast-1:{ACCOUNT}:key/k"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/role/function"
FUNCTION = f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:function"
PERMITTED = [
    PermittedGrant(
        SESSION, frozenset({"Decrypt", "RetireGrant"}), {"aws:lambda:FunctionArn": FUNCTION}
    )
]
# As ListGrants shows the grant that Lambda makes.
GRANT: dict[str, Any] = {
    "KeyId": KEY,
    "GrantId": "g",
    "Name": "function",
    "GranteePrincipal": SESSION,
    "RetiringPrincipal": SESSION,
    "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
    "Operations": ["Decrypt", "RetireGrant"],
    "Constraints": {"EncryptionContextEquals": {"aws:lambda:FunctionArn": FUNCTION}},
}


def _fault(**changes: Any) -> str | None:
    return fault_of_grant({**GRANT, **changes}, KEY, ACCOUNT, PERMITTED)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Operations": ["Decrypt"]},
        {"RetiringPrincipal": None},
        {"RetiringPrincipal": "lambda.ap-southeast-1.amazonaws.com"},
        {"Constraints": {"EncryptionContextSubset": {"aws:lambda:FunctionArn": FUNCTION}}},
    ],
)
def test_the_grant_that_lambda_makes_is_permitted(changes: dict[str, Any]) -> None:
    assert _fault(**changes) is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"KeyId": f"{KEY}-else"}, f"is of the key {KEY}-else"),
        ({"GranteePrincipal": None, "GranteeServicePrincipal": "x.amazonaws.com"}, "does not list"),
        ({"GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:role/role"}, "does not list"),
        ({"Operations": ["Decrypt", "CreateGrant"]}, "goes beyond the baseline with CreateGrant"),
        ({"IssuingAccount": f"arn:aws:iam::{STRANGER}:root"}, "was issued by"),
        ({"IssuingAccount": ""}, "was issued by"),
        ({"RetiringPrincipal": f"arn:aws:iam::{STRANGER}:root"}, "can be ended by"),
        ({"RetiringPrincipal": f"arn:aws:iam::{ACCOUNT}:role/else"}, "can be ended by"),
        ({"GranteeServicePrincipal": "x.amazonaws.com"}, "does not list"),
        ({"GranteePrincipal": None}, "to nobody"),
        ({"Constraints": {}}, "is not bound to aws:lambda:FunctionArn"),
        (
            {"Constraints": {"EncryptionContextEquals": {"aws:lambda:FunctionArn": "other"}}},
            "is not bound to aws:lambda:FunctionArn",
        ),
    ],
)
def test_any_other_grant_is_a_fault(changes: dict[str, Any], fault: str) -> None:
    assert fault in (_fault(**changes) or "")


def test_no_grant_is_permitted_where_none_is_listed() -> None:
    assert "does not list" in (fault_of_grant(GRANT, KEY, ACCOUNT, []) or "")
