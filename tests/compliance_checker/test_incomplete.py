"""What CloudTrail left out for its size: asked for, or alerted as not judged; never silence."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.rules import RULES

from tests.compliance_checker.door import Door, alert_schema, logs_event
from tests.compliance_checker.records import (
    ACCOUNT,
    Record,
    console_sign_in,
    policy,
    record,
    role_policy,
    statement,
)
from tests.compliance_checker.violations import LOOK_ALIKES, VIOLATIONS

POLICY = f"arn:aws:iam::{ACCOUNT}:policy/wide"


def omission(part: str, *, as_text: bool = True) -> Record:
    """What stands in place of a part of over 100 KB; records differ in their spelling."""
    if as_text:
        return {"reason": f"{part} too large", "omitted": "true", "originalSize": "102984"}
    return {"reason": f"{part} too large", "omitted": True, "originalSize": 102984}


def without(case: Record, *parts: str, as_text: bool = True) -> Record:
    return {**case, **{part: omission(part, as_text=as_text) for part in parts}}


# The rules that found what the table says by what is in the request or in the answer.
_BY_CONTENT = [
    pytest.param(case, rules, id=what)
    for what, case, rules in VIOLATIONS
    if case.get("requestParameters") and rules != ["root-used"]
]


@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize(("case", "rules"), _BY_CONTENT)
def test_no_violation_becomes_silent(case: Record, rules: list[str], as_text: bool) -> None:
    cut = without(case, "requestParameters", "responseElements", as_text=as_text)
    found = evaluate(cut)
    assert set(rules) <= {violation.rule.id for violation in found}
    for violation in found:
        assert violation.basis in ("record", "incomplete-record")
        if violation.basis == "incomplete-record":
            assert "could not be judged" in violation.reason
            assert "102984 bytes" in violation.reason


@pytest.mark.parametrize("rule", [pytest.param(each, id=each.id) for each in RULES])
def test_each_rule_by_parameters_says_that_it_could_not_judge(rule: Any) -> None:
    for source, name in rule.events:
        cut = record("x", name, omission("requestParameters"), omission("responseElements"))
        found = {each.rule.id: each for each in evaluate({**cut, "eventSource": source})}
        relies = any(field.startswith(("requestP", "responseE")) for field in rule.fields)
        assert not relies or rule.id in found


@pytest.mark.parametrize("case", [pytest.param(case, id=what) for what, case in LOOK_ALIKES])
def test_an_answer_left_out_is_not_missed_where_the_request_tells(case: Record) -> None:
    if not case.get("requestParameters") or case["eventName"] in (
        "DeleteFlowLogs",  # the answer tells what was refused
        "ConsoleLogin",
        "PasswordUpdated",
    ):
        return
    if case.get("responseElements") == {"_return": False}:
        return
    cut = without(case, "responseElements")
    assert [each.basis for each in evaluate(cut)] == []


def test_the_answer_stands_in_for_the_request() -> None:
    group = {"items": [{"groupId": "sg-1", "isEgress": False, "cidrIpv4": "10.0.0.0/8"}]}
    call = record("ec2", "AuthorizeSecurityGroupIngress", None, {"securityGroupRuleSet": group})
    assert evaluate(without(call, "requestParameters")) == []
    group["items"][0] |= {"cidrIpv4": "0.0.0.0/0", "fromPort": 22, "toPort": 22}
    (found,) = evaluate(without(call, "requestParameters"))
    assert (found.rule.id, found.basis) == ("security-group-open-to-internet", "record")


def test_one_member_left_out_of_the_request() -> None:
    call = role_policy(statement("s3:GetObject"), name="CreatePolicyVersion", policyArn=POLICY)
    assert evaluate(call) == []
    cut = copy.deepcopy(call)
    cut["requestParameters"]["policyDocument"] = omission("policyDocument")
    (found,) = evaluate(cut)
    assert found.basis == "incomplete-record"
    assert found.details == {
        "omitted": "requestParameters.policyDocument",
        "original_size": 102984,
    }


def test_additional_data_left_out_of_a_sign_in() -> None:
    cut = without(console_sign_in(multi_factor="Yes"), "additionalEventData")
    (found,) = evaluate(cut)
    assert (found.rule.id, found.basis) == ("console-sign-in-without-mfa", "incomplete-record")


def test_a_failed_call_is_no_matter_whatever_was_left_out() -> None:
    cut = without(role_policy(statement()), "requestParameters")
    assert evaluate({**cut, "errorCode": "AccessDenied"}) == []


def test_what_is_named_beside_the_request_is_in_the_alert() -> None:
    bucket = "arn:aws:s3:::patient-records"
    call = record("s3", "PutBucketPolicy", None, resources=[{"ARN": bucket}])
    found = evaluate(without(call, "requestParameters"))
    assert {each.resource_id for each in found} == {bucket}
    assert all(bucket in each.reason for each in found)


class _Policies:
    """An account whose managed policies have one document."""

    def __init__(self, document: Record) -> None:
        self._document = document

    def __call__(self, service: str, region: str | None) -> _Policies:
        return self

    def get_policy(self, **_: Any) -> Record:
        return {"Policy": {"DefaultVersionId": "v1"}}

    def get_policy_version(self, **request: Any) -> Record:
        assert request["PolicyArn"] == POLICY
        return {"PolicyVersion": {"Document": self._document}}


def _alerts(case: Record, document: Record) -> list[Record]:
    door = Door(account=_Policies(document))
    door.handle(logs_event([case]))
    for alert in door.alerts():
        jsonschema.validate(alert, alert_schema())
    return door.alerts()


@pytest.mark.parametrize(
    "call",
    [
        record("iam", "CreatePolicy", None, {"policy": {"arn": POLICY}}),
        record(
            "iam",
            "CreatePolicyVersion",
            None,
            {"policyVersion": {"versionId": "v2"}},
            resources=[{"ARN": POLICY}],
        ),
    ],
)
def test_the_account_is_asked_for_a_document_that_was_left_out(call: Record) -> None:
    cut = without(call, "requestParameters")
    (alert,) = _alerts(cut, policy(statement()))
    assert (alert["severity"], alert["basis"]) == ("CRITICAL", "record-and-live-state")
    assert "it was just written" in alert["reason"]
    assert _alerts(cut, policy(statement("s3:GetObject"))) == []


def test_an_alert_on_what_was_left_out_is_a_whole_alert() -> None:
    cut = without(role_policy(statement(), name="PutUserPolicy"), "requestParameters")
    (alert,) = _alerts(cut, policy())
    assert (alert["rule"], alert["basis"]) == ("iam-policy-too-broad", "incomplete-record")
    assert alert["title"] == "Not judged: IAM policy grants too much"
    assert json.loads(json.dumps(alert["details"]))["original_size"] == 102984


def test_a_document_in_the_record_is_not_asked_for_again() -> None:
    """What a new version says is in its record; another that is in force is not its doing."""
    call = role_policy(statement("s3:GetObject"), name="CreatePolicyVersion", policyArn=POLICY)
    assert _alerts(call, policy(statement())) == []
