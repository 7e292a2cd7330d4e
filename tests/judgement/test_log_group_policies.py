"""Whom policies let write into log groups, which groups are meant, and what filters see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.events.account_policies import reaches, recipient
from verify.events.filters import narrowings
from verify.policy import PolicyError, Verdict, log_writers

ACCOUNT = "123456789012"
GROUP = "/aws/cloudtrail/audit"
PREFIX = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:"
ARN = f"{PREFIX}{GROUP}"
DELIVERY = "delivery.logs.amazonaws.com"


def _policy(resource: object = "*", **changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": resource,
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "arn:aws:logs:*:*:*",
        f"{PREFIX}*",
        ARN,
        f"{ARN}:*",
        f"{ARN}:log-stream:*",
        f"{ARN}:log-stream:one",
        f"{PREFIX}/aws/cloudtrail/*:log-stream:one",
        f"{PREFIX}/aws/cloudtrail/audi?:*",
        [f"{PREFIX}/another", ARN],
    ],
)
def test_who_may_write_into_the_group_by_any_pattern_is_found(resource: object) -> None:
    [found] = log_writers(_policy(resource), ARN, ACCOUNT, [])
    assert found.verdict is Verdict.VIOLATION
    assert found.subject == DELIVERY
    assert "lets delivery.logs.amazonaws.com write" in found.reason


@pytest.mark.parametrize(
    "resource",
    [
        f"{PREFIX}/aws/route53/*",
        f"{PREFIX}/aws/cloudtrail/audit-two:*",
        f"{PREFIX}/aws/vendedlogs/*",
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/cloudtrail/audit:*",
        f"{PREFIX}/aws/cloudtrail/audi",
    ],
)
def test_who_may_write_elsewhere_does_not_matter(resource: str) -> None:
    assert log_writers(_policy(resource), ARN, ACCOUNT, []) == ()


def test_a_denial_lets_nobody_in() -> None:
    assert log_writers(_policy(Effect="Deny"), ARN, ACCOUNT, []) == ()


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": "arn:aws:iam::999999999999:role/theirs"},
        {"Service": "es.amazonaws.com"},
        {"Service": [DELIVERY, "es.amazonaws.com"]},
    ],
)
def test_whom_the_baseline_does_not_list_is_found(principal: object) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    policy = _policy(Principal=principal, Condition=condition)
    assert len(log_writers(policy, ARN, ACCOUNT, [DELIVERY])) == 1


def test_a_listed_service_must_act_for_this_account() -> None:
    ours = _policy(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    theirs = _policy(Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})
    assert log_writers(ours, ARN, ACCOUNT, [DELIVERY]) == ()
    assert len(log_writers(theirs, ARN, ACCOUNT, [DELIVERY])) == 1
    assert len(log_writers(_policy(), ARN, ACCOUNT, [DELIVERY])) == 1


def test_all_resources_but_some_are_the_group_as_well() -> None:
    inverted = json.loads(_policy())
    [statement] = inverted["Statement"]
    del statement["Resource"]
    statement["NotResource"] = f"{PREFIX}/another"
    assert len(log_writers(inverted, ARN, ACCOUNT, [])) == 1


@pytest.mark.parametrize("document", ["", "{}", "example", "[]"])
def test_what_is_no_policy_is_not_judged(document: str) -> None:
    with pytest.raises(PolicyError):
        log_writers(document, ARN, ACCOUNT, [])


@given(st.integers(0, len(ARN)), st.integers(0, len(ARN)), st.text("ab:/", max_size=5))
def test_every_pattern_that_matches_the_group_or_a_stream_reaches_it(
    one: int, other: int, stream: str
) -> None:
    start, end = sorted((one, other))
    for text in (ARN, f"{ARN}:log-stream:{stream}"):
        pattern = f"{text[:start]}*{text[end:]}"
        assert len(log_writers(_policy(pattern), ARN, ACCOUNT, [])) == 1


# --- which groups -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criteria", "reached"),
    [
        (None, True),
        ("", True),
        ('LogGroupName NOT IN ["/aws/lambda/one"]', True),
        ('LogGroupName NOT IN ["/aws/lambda/one", "/aws/cloudtrail/audit"]', False),
        ("LogGroupName NOT IN []", True),
        ('LogGroupNamePrefix = "/aws/"', True),
        ('LogGroupNamePrefix="/aws/lambda"', False),
        ('LogGroupNamePrefix IN ["/aws/"]', None),
        ('LogGroupName NOT IN ["/aws/cloudtrail/audit"] OR whatever', None),
        ('DataSourceName = "aws_cloudtrail" AND DataSourceType = "management"', None),
    ],
)
def test_which_groups_a_policy_of_the_account_is_for(
    criteria: str | None, reached: bool | None
) -> None:
    policy = {} if criteria is None else {"selectionCriteria": criteria}
    assert reaches(policy, GROUP) is reached


def test_whom_a_policy_of_the_account_sends_events_to() -> None:
    said = '{"DestinationArn": "arn:d", "RoleArn": "arn:r", "FilterPattern": ""}'
    assert recipient(said) == ("arn:d", "arn:r")
    assert recipient('{"DestinationArn": "arn:d"}') == ("arn:d", "")
    for bad in ("", "[]", "example"):
        with pytest.raises(ValueError):
            recipient(bad)


# --- filters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, 0),
        ({"applyOnTransformedLogs": False, "fieldSelectionCriteria": ""}, 0),
        ({"applyOnTransformedLogs": True}, 1),
        ({"fieldSelectionCriteria": '@aws.account = "123456789012"'}, 1),
        ({"applyOnTransformedLogs": True, "fieldSelectionCriteria": "a"}, 2),
    ],
)
def test_in_what_a_filter_sees_something_else(more: dict[str, object], found: int) -> None:
    assert len(narrowings({"filterName": "f", **more})) == found
