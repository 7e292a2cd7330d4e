"""Whom policies let write into log groups, which groups are meant, and what filters see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.events.account_policies import reaches, recipient
from verify.events.filters import narrowings
from verify.policy import PolicyError, Verdict, log_writers, refused_deliveries

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


# --- services that may write into one group, and do nothing else ------------------------------

EVENTS = "events.amazonaws.com"
BOTH = [DELIVERY, EVENTS]
RULE = f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/rule-findings-kept-prod"
OF_RULE = {"ArnEquals": {"aws:SourceArn": RULE}}
OPENS, WRITES = "logs:CreateLogStream", "logs:PutLogEvents"


def _grant(action: object, **changes: Any) -> dict[str, Any]:
    who = {"Service": BOTH}
    return {"Effect": "Allow", "Principal": who, "Action": action, "Resource": f"{ARN}:*"} | changes


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


AS_AWS_HAS_IT = _document(_grant(OPENS), _grant(WRITES, Condition=OF_RULE))


def test_a_service_may_write_into_the_one_group_that_it_is_listed_for() -> None:
    assert log_writers(AS_AWS_HAS_IT, ARN, ACCOUNT, [], BOTH) == ()
    assert len(log_writers(AS_AWS_HAS_IT, ARN, ACCOUNT, [])) == 4  # each of both, in both
    assert len(log_writers(AS_AWS_HAS_IT, ARN, ACCOUNT, [], [EVENTS])) == 2
    assert log_writers(AS_AWS_HAS_IT, f"{ARN}-two", ACCOUNT, []) == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (_grant(WRITES), "on behalf of any account"),
        (_grant([OPENS, WRITES]), "on behalf of any account"),
        (_grant("logs:*", Condition=OF_RULE), "do more than open streams and write"),
        (_grant([WRITES, "logs:PutRetentionPolicy"], Condition=OF_RULE), "do more than open"),
        (_grant("logs:Create*"), "do more than open streams and write"),
        (_grant(WRITES, Condition=OF_RULE, Resource="*"), "what else its resources match"),
        (_grant(OPENS, Resource=f"{PREFIX}/aws/*"), "what else its resources match"),
        (
            _grant(WRITES, Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}}),
            "999999999999",
        ),
    ],
)
def test_it_may_do_nothing_else_there_and_write_for_nobody_else(
    statement: dict[str, Any], said: str
) -> None:
    found = log_writers(_document(statement), ARN, ACCOUNT, [], BOTH)
    assert {finding.subject for finding in found} == set(BOTH)
    assert all(said in finding.reason for finding in found)
    assert {finding.verdict for finding in found} == {Verdict.VIOLATION}


def test_all_actions_and_resources_but_some_are_more_than_writing() -> None:
    inverted = _grant(WRITES, NotAction="logs:DeleteLogGroup")
    del inverted["Action"]
    assert len(log_writers(_document(inverted), ARN, ACCOUNT, [], BOTH)) >= 2
    elsewhere = _grant(OPENS, NotResource=f"{PREFIX}/another")
    del elsewhere["Resource"]
    assert len(log_writers(_document(elsewhere), ARN, ACCOUNT, [], BOTH)) == 2


def test_a_service_that_may_write_everywhere_is_not_confined_to_one_group() -> None:
    everywhere = _policy(Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    assert log_writers(everywhere, ARN, ACCOUNT, [DELIVERY], [DELIVERY]) == ()
    assert len(log_writers(everywhere, ARN, ACCOUNT, [], [DELIVERY])) == 1


def _refused(*documents: str, rule: str = RULE) -> list[tuple[str, Verdict]]:
    found = refused_deliveries(documents, ARN, ACCOUNT, rule, BOTH)
    return [(finding.subject, finding.verdict) for finding in found]


_DENIES = _document(_grant(WRITES, Effect="Deny"))


def test_eventbridge_may_write_where_the_policies_let_both_services() -> None:
    assert _refused(AS_AWS_HAS_IT) == []
    apart = (_document(_grant(OPENS)), _document(_grant(WRITES, Condition=OF_RULE)))
    assert _refused(*apart) == []


@pytest.mark.parametrize(
    "documents",
    [
        (),
        (_document(_grant(OPENS)),),
        (_document(_grant(WRITES, Condition=OF_RULE)),),
        (AS_AWS_HAS_IT, _DENIES),
        (_DENIES, AS_AWS_HAS_IT),
        (_document(_grant([OPENS, WRITES], Resource=f"{ARN}-two:*")),),
        (_document(_grant([OPENS, WRITES], Resource=ARN)),),  # of the group, and of no stream
    ],
)
def test_what_keeps_eventbridge_from_writing_is_found(documents: tuple[str, ...]) -> None:
    found = _refused(*documents)
    assert {subject for subject, _ in found} == set(BOTH)
    assert {verdict for _, verdict in found} == {Verdict.VIOLATION}


def test_another_rules_events_are_not_written() -> None:
    violations = [(DELIVERY, Verdict.VIOLATION), (EVENTS, Verdict.VIOLATION)]
    assert _refused(AS_AWS_HAS_IT, rule=f"{RULE}-two") == violations


def test_one_service_that_may_not_is_enough() -> None:
    alone = {"Service": EVENTS}
    policy = _document(_grant(OPENS, Principal=alone), _grant(WRITES, Principal=alone))
    assert _refused(policy) == [(DELIVERY, Verdict.VIOLATION)] * 2


def test_a_stream_that_is_opened_for_the_rule_alone_is_not_passed() -> None:
    both = _document(_grant([OPENS, WRITES], Condition=OF_RULE))
    assert _refused(both) == [(DELIVERY, Verdict.CANNOT_TELL), (EVENTS, Verdict.CANNOT_TELL)]


def test_a_doubt_about_who_is_let_in_besides_changes_nothing() -> None:
    doubtful = _document(_grant(WRITES, Condition={"StringEquals": {"aws:Doubt": "1"}}))
    assert _refused(doubtful, AS_AWS_HAS_IT) == []


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
