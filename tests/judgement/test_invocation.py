"""Who may invoke a function by its policy, beyond those that should, and who of them may not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy import Invoker, Verdict, other_invocations, refused_invokers, verdict_of

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:checker"
GROUP = f"arn:aws:logs:ap-southeast-1:{ACCOUNT}:log-group:/aws/cloudtrail/audit:*"
RULE = f"arn:aws:events:ap-southeast-1:{ACCOUNT}:rule/scan"
TRAIL = Invoker("logs.amazonaws.com", GROUP)
SCAN = Invoker("events.amazonaws.com", RULE)


def _permission(service: str, source: str) -> dict[str, Any]:
    """As AddPermission makes it."""
    return {
        "Sid": service,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            "ArnLike": {"AWS:SourceArn": source},
        },
    }


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}


def _changed(**changes: Any) -> dict[str, Any]:
    return {**_permission(TRAIL.service, GROUP), **changes}


def test_the_invokers_and_nobody_else() -> None:
    policy = _policy(_permission(TRAIL.service, GROUP), _permission(SCAN.service, RULE))
    assert other_invocations(policy, ACCOUNT, [TRAIL, SCAN]) == ()
    assert refused_invokers(policy, FUNCTION, ACCOUNT, [TRAIL, SCAN]) == ()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (_permission(SCAN.service, RULE), "a service that may not invoke it"),
        (_permission(TRAIL.service, f"{GROUP[:-2]}-old:*"), "not just for aws:SourceArn"),
        (_permission(TRAIL.service, "arn:aws:logs:*:*:*"), "not just for aws:SourceArn"),
        (_changed(Condition={"ArnLike": {"AWS:SourceArn": GROUP}}), "aws:SourceAccount"),
        (
            _changed(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
            "not just for aws:SourceArn",
        ),
        (_changed(Action="lambda:UpdateFunctionCode"), "not just lambda:InvokeFunction"),
        (_changed(Action="lambda:*"), "not just lambda:InvokeFunction"),
        (
            _changed(Action=["lambda:InvokeFunction", "lambda:GetFunction"]),
            "not just lambda:InvokeFunction",
        ),
        (_changed(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), "which is no service"),
        (_changed(Principal="*"), "which is no service"),
        (_changed(Principal={"AWS": "*"}), "which is no service"),
        (_changed(Principal={"AWS": "999999999999"}), "which is no service"),
        (_changed(Principal={"Federated": "accounts.google.com"}), "which is no service"),
        (_changed(Principal={"AWS": ACCOUNT}), "which is no service"),
        (_changed(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/any"}), "which is no service"),
    ],
)
def test_what_is_beyond(statement: dict[str, Any], why: str) -> None:
    policy = _policy(_permission(TRAIL.service, GROUP), statement)
    [finding] = other_invocations(policy, ACCOUNT, [TRAIL])
    assert finding.verdict is Verdict.VIOLATION
    assert why in finding.reason


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([_permission(SCAN.service, RULE)], Verdict.VIOLATION),
        ([_permission(TRAIL.service, f"{GROUP}-old")], Verdict.VIOLATION),
        ([_changed(Resource=f"{FUNCTION}:live")], Verdict.VIOLATION),
        (
            [_permission(TRAIL.service, GROUP), _changed(Effect="Deny", Principal="*")],
            Verdict.VIOLATION,
        ),
        (
            [_changed(Condition={"StringAlike": {"aws:SourceAccount": "eA=="}})],
            Verdict.CANNOT_TELL,
        ),
    ],
)
def test_who_may_not(statements: list[dict[str, Any]], verdict: Verdict) -> None:
    refused = refused_invokers(_policy(*statements), FUNCTION, ACCOUNT, [TRAIL])
    assert [finding.subject for finding in refused] == [TRAIL.service]
    assert verdict_of(refused) is verdict


@given(
    st.sampled_from(["Principal", "Action", "Condition"]),
    st.sampled_from(["s3.amazonaws.com", "lambda:Invoke*", "arn:aws:s3:::any", ACCOUNT, "x"]),
)
def test_a_permission_that_is_changed_anywhere_is_beyond_or_refused(part: str, text: str) -> None:
    statement = copy.deepcopy(_permission(TRAIL.service, GROUP))
    statement[part] = {
        "Principal": {"Service": text},
        "Action": text,
        "Condition": {"ArnLike": {"AWS:SourceArn": text}},
    }[part]
    policy = _policy(statement)
    assert other_invocations(policy, ACCOUNT, [TRAIL])
    assert refused_invokers(policy, FUNCTION, ACCOUNT, [TRAIL]) or text == "lambda:Invoke*"
