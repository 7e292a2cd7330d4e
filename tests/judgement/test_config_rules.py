"""Rules of AWS Config by what they look at, whatever they are called."""

from __future__ import annotations

from typing import Any

import pytest

from verify.checks.config_rules import shortcomings

SSH = {"types": ["AWS::EC2::SecurityGroup"]}
TRAIL = {"frequency": "Six_Hours", "parameters": {"s3BucketName": "logs"}}


def rule(identifier: str = "INCOMING_SSH_DISABLED", **members: Any) -> dict[str, Any]:
    return {
        "ConfigRuleName": "any",
        "Source": {"Owner": "AWS", "SourceIdentifier": identifier},
        "ConfigRuleState": "ACTIVE",
        **members,
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"ConfigRuleState": "EVALUATING"},
        {"EvaluationModes": [{"Mode": "PROACTIVE"}, {"Mode": "DETECTIVE"}]},
        {"Scope": {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"]}},
        {"Scope": {"ComplianceResourceTypes": ["AWS::S3::Bucket", "AWS::EC2::SecurityGroup"]}},
        {"InputParameters": "{}"},
    ],
)
def test_an_equal_rule_is_as_good(members: dict[str, Any]) -> None:
    assert shortcomings([rule(**members)], "INCOMING_SSH_DISABLED", SSH) == []


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"ConfigRuleState": "DELETING"}, "DELETING"),
        ({"EvaluationModes": [{"Mode": "PROACTIVE"}]}, "PROACTIVE"),
        ({"Scope": {"TagKey": "audited"}}, "TagKey"),
        ({"Scope": {"ComplianceResourceTypes": ["AWS::S3::Bucket"]}}, "does not look at"),
        ({"Scope": {"ComplianceResourceId": "sg-1"}}, "sg-1"),
        ({"InputParameters": '{"a": "b"}'}, "parameters"),
        ({"InputParameters": "no JSON"}, "no JSON"),
    ],
)
def test_a_rule_that_sees_less_is_none(members: dict[str, Any], said: str) -> None:
    [found] = shortcomings([rule(**members)], "INCOMING_SSH_DISABLED", SSH)
    assert said in found


def test_a_rule_of_somebody_elses_code_is_not_awss_own() -> None:
    made = rule(Source={"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": "INCOMING_SSH_DISABLED"})
    assert shortcomings([made], "INCOMING_SSH_DISABLED", SSH) == ["no such rule"]
    assert shortcomings([], "INCOMING_SSH_DISABLED", SSH) == ["no such rule"]


@pytest.mark.parametrize(
    ("often", "enough"),
    [("One_Hour", True), ("Six_Hours", True), ("Twelve_Hours", False), (None, False)],
)
def test_more_often_is_as_good_and_unsaid_is_once_a_day(often: str | None, enough: bool) -> None:
    said = {} if often is None else {"MaximumExecutionFrequency": often}
    made = rule("CLOUD_TRAIL_ENABLED", InputParameters='{"s3BucketName": "logs"}', **said)
    assert (shortcomings([made], "CLOUD_TRAIL_ENABLED", TRAIL) == []) is enough


def test_one_of_several_is_enough() -> None:
    narrow = rule(Scope={"TagKey": "audited"})
    assert shortcomings([narrow, rule()], "INCOMING_SSH_DISABLED", SSH) == []
    assert shortcomings([narrow, narrow], "INCOMING_SSH_DISABLED", SSH) != []
