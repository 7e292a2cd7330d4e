"""Each rule on the records that break it, on look-alikes, and on calls that failed."""

from __future__ import annotations

import json

import pytest
from compliance_checker.evaluate import evaluate
from compliance_checker.pipeline import AuditPipeline
from compliance_checker.rules import RULES

from tests.compliance_checker.records import (
    Record,
    bucket_policy,
    flat_ingress,
    ingress,
    permission,
    record,
    role_policy,
    statement,
)
from tests.compliance_checker.violations import ANYONE, LOOK_ALIKES, VIOLATIONS


@pytest.mark.parametrize(
    ("broken", "expected"), [pytest.param(case, rules, id=what) for what, case, rules in VIOLATIONS]
)
def test_violation_is_found(broken: Record, expected: list[str]) -> None:
    assert [violation.rule.id for violation in evaluate(broken)] == expected


@pytest.mark.parametrize("sound", [pytest.param(case, id=what) for what, case in LOOK_ALIKES])
def test_look_alike_raises_nothing(sound: Record) -> None:
    assert evaluate(sound) == []


@pytest.mark.parametrize("broken", [pytest.param(case, id=what) for what, case, _ in VIOLATIONS])
def test_failed_call_is_never_reported(broken: Record) -> None:
    assert evaluate({**broken, "errorCode": "AccessDenied"}) == []


def test_every_rule_has_a_violation_here() -> None:
    covered = {rule for _, _, rules in VIOLATIONS for rule in rules}
    # Of grants only those on the deployment's own key count: test_own_key.py names it.
    assert {rule.id for rule in RULES} - covered == {"audit-key-grant-withdrawn"}


def test_every_event_of_every_rule_is_exercised() -> None:
    """Or a rule could name an event that CloudTrail never writes, and stay silent."""
    exercised = {
        (case["eventSource"], name)
        for _, case, _ in VIOLATIONS
        for name in (case["eventName"], case["eventName"].rstrip("v0123456789"))
    }
    named = {event for rule in RULES for event in rule.events}
    # Their records name a policy's version or a group alone; test_confirmation.py has what the
    # account adds. Grants count on the deployment's own key: test_own_key.py.
    untried = {
        ("kms.amazonaws.com", "RetireGrant"),
        ("kms.amazonaws.com", "RevokeGrant"),
        ("iam.amazonaws.com", "SetDefaultPolicyVersion"),
        ("iam.amazonaws.com", "AddUserToGroup"),
    }
    assert named - exercised == untried


def test_rules_are_told_apart() -> None:
    identifiers = [rule.id for rule in RULES]
    assert len(set(identifiers)) == len(identifiers)
    assert all(rule.fields and rule.citations for rule in RULES)


@pytest.mark.parametrize(
    ("ports", "protocol", "severity"),
    [
        ((22, 22), "tcp", "CRITICAL"),
        ((0, 65535), "tcp", "CRITICAL"),
        (None, "-1", "CRITICAL"),
        ((5432, 5432), "tcp", "CRITICAL"),
        ((8080, 8080), "tcp", "HIGH"),
        ((443, 444), "tcp", "HIGH"),
        ((443, 443), "tcp", "MEDIUM"),
        ((80, 80), "tcp", "MEDIUM"),
        ((-1, -1), "icmp", "MEDIUM"),
    ],
)
def test_severity_follows_what_is_exposed(
    ports: tuple[int, int] | None, protocol: str, severity: str
) -> None:
    (violation,) = evaluate(ingress(permission("0.0.0.0/0", ports=ports, protocol=protocol)))
    assert violation.severity == severity


def test_alert_names_what_was_opened() -> None:
    (violation,) = evaluate(
        ingress(permission("10.0.0.0/8"), permission("::/0", ports=(3389, 3390)))
    )
    assert violation.resource_id == "sg-0a"
    assert violation.resource_type == "AWS::EC2::SecurityGroup"
    assert violation.details["exposures"] == [
        {"protocol": "tcp", "from_port": 3389, "to_port": 3390, "cidr": "::/0"}
    ]
    assert "tcp 3389-3390 from ::/0" in violation.reason


def test_small_pieces_on_the_same_port_are_put_together() -> None:
    pieces = [permission(f"{first}.0.0.0/8") for first in (3, 4)]
    apart = [permission("3.0.0.0/8", ports=(22, 22)), permission("4.0.0.0/8", ports=(23, 23))]
    assert len(evaluate(ingress(*pieces))) == 1
    assert evaluate(ingress(*apart)) == []


def test_many_pieces_are_judged_by_their_union() -> None:
    pieces = [permission(f"{first}.{second}.0.0/12") for first in range(1, 9) for second in (0, 16)]
    assert len(evaluate(ingress(*pieces))) == 0
    halves = [permission(f"{first}.0.0.0/9") for first in range(11, 100)]
    assert len(evaluate(ingress(*halves))) == 1


def test_widest_grant_is_told() -> None:
    (violation,) = evaluate(role_policy(statement(), roleName="application"))
    assert violation.severity == "CRITICAL"
    assert violation.resource_type == "AWS::IAM::Role"
    assert violation.resource_id == "application"
    assert "every action on every resource" in violation.reason


def test_public_write_is_told_from_public_read() -> None:
    (reading,) = evaluate(bucket_policy(ANYONE))
    (writing,) = evaluate(bucket_policy({**ANYONE, "Action": "s3:Put*"}))
    assert "can read" in reading.reason
    assert "can change" in writing.reason


@pytest.mark.parametrize(
    ("pipeline", "name", "found"),
    [
        (AuditPipeline(), "lambda-compliance-checker-prod", True),
        (AuditPipeline(environment="dev"), "lambda-compliance-checker-prod", False),
        (AuditPipeline(environment="dev"), "lambda-compliance-checker-dev", True),
        (AuditPipeline(environment="dev"), "lambda-compliance-checker-dev:live", True),
        (AuditPipeline(environment="dev"), "123456789012:lambda-compliance-checker-dev", True),
        (AuditPipeline(function_name="checker"), "checker", True),
        (AuditPipeline(), "checker", False),
    ],
)
def test_own_resources_are_known_by_environment_or_name(
    pipeline: AuditPipeline, name: str, found: bool
) -> None:
    deleted = record("lambda", "DeleteFunction20150331", {"functionName": name})
    assert bool(evaluate(deleted, pipeline)) is found


def test_own_topic_is_known_by_its_arn() -> None:
    topic = "arn:aws:sns:ap-southeast-1:123456789012:given-by-the-organisation"
    deleted = record("sns", "DeleteTopic", {"topicArn": topic})
    assert evaluate(deleted) == []
    assert len(evaluate(deleted, AuditPipeline(topic_arn=topic))) == 1


def test_two_flat_sources_are_read() -> None:
    both = flat_ingress("10.0.0.0/8")
    both["requestParameters"]["cidrIpv6"] = "::/0"
    assert len(evaluate(both)) == 1


def test_a_condition_that_is_not_known_is_named_and_not_taken_for_none() -> None:
    unknown = {"Condition": {"StringEquals": {"aws:PrincipalStarSign": "leo"}}}
    (found,) = evaluate(bucket_policy({**ANYONE, **unknown}))
    assert found.reason.endswith(
        " Whom the condition on aws:principalstarsign holds back is not known here: look at it."
    )
    (certain,) = evaluate(bucket_policy(ANYONE))
    assert "not known here" not in certain.reason


def test_a_provider_that_is_not_known_is_named() -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/idp.example.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    document = {"Version": "2012-10-17", "Statement": [trust]}
    parameters = {"roleName": "reader", "policyDocument": json.dumps(document)}
    (found,) = evaluate(record("iam", "UpdateAssumeRolePolicy", parameters))
    assert found.reason == (
        "Role reader trusts everyone: any identity of idp.example.com can assume it and use what "
        "it is allowed. Whom this provider serves is not known here: look at it."
    )
