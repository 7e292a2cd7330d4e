"""EventBridge takes to the function what a rule judges, and starts a scan where one is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.duties import scan_rules
from verify.checks.event_rules import Side, hold_rule, home_side, pattern_of, rule_found
from verify.events.event_bus import Pattern, UnknownPatternError, events, lets_through
from verify.events.samples import Place
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError


@pytest.mark.control(
    "events-reach-function",
    reads.event_rule,
    reads.event_targets,
    reads.rules_of_function,
    reads.rules_of_bus,
)
def test_eventbridge_takes_what_a_rule_judges_to_the_function(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    names = baseline["function"]["event_path"]
    if not names and not scan_rules(baseline):
        check.not_applicable("the baseline has no rule that takes events to the function")
    for name in scan_rules(baseline):
        _hold_scan(check, aws, deployment, name, baseline["function"]["scan"]["schedule"])
    if not names:
        return
    for region in deployment.forwarding_regions:
        check.equal(
            region,
            "EventBridge rules that send to the home region's bus",
            expected=sorted(names),
            seen=sorted(aws.pick(reads.rules_of_bus(deployment, region), "RuleNames")),
        )
    sides = list(_sides(deployment))
    there = {side.region for side in sides}
    check.none(
        deployment.account_id,
        "regions whose events must come by the quick path, and do not",
        [name for name in baseline["function"]["event_regions"] if name not in there],
    )
    rules = [
        reads.event_rule_arn(deployment, side.region, name) for side in sides for name in names
    ]
    aws.side_by_side(
        partial(aws.read, reading(arn))
        for arn in rules
        for reading in (reads.event_rule, reads.event_targets)
    )
    for side in sides:
        _hold_side(check, aws, deployment, baseline, side)


def _hold_scan(check: Check, aws: Aws, deployment: Deployment, name: str, schedule: str) -> None:
    home = home_side(deployment)
    arn = reads.event_rule_arn(deployment, home.region, name)
    rule = rule_found(check, aws, arn)
    if rule is None:
        return
    hold_rule(check, aws, arn, rule, home)
    check.equal(arn, "state", expected="ENABLED", seen=pick(rule, "State"))
    check.equal(arn, "schedule", expected=schedule, seen=rule.get("ScheduleExpression"))
    # An event that it takes besides would be judged by none of the patterns here.
    check.equal(arn, "pattern", expected="none", seen=rule.get("EventPattern", "none"))


def _sides(deployment: Deployment) -> Iterator[Side]:
    yield home_side(deployment)
    for region in deployment.forwarding_regions:
        yield Side(region, reads.event_bus_arn(deployment), deployment.event_forwarding_role_arn)


def _hold_side(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], side: Side
) -> None:
    rules: list[tuple[str, Pattern]] = []
    for name in baseline["function"]["event_path"]:
        arn = reads.event_rule_arn(deployment, side.region, name)
        rule = rule_found(check, aws, arn)
        if rule is None:
            continue
        hold_rule(check, aws, arn, rule, side)
        pattern = pattern_of(check, arn, rule)
        if pattern is not None:
            rules.append((pick(rule, "State"), pattern))
    place = Place(deployment.partition, deployment.account_id, side.region)
    wanted = events(baseline["log_groups"]["subscription_events"], place)
    try:
        kept_back = [
            description
            for description, event in wanted
            if not any(lets_through(state, pattern, event) for state, pattern in rules)
        ]
    except UnknownPatternError as error:
        raise NotVerifiedError(f"a pattern in {side.region} cannot be judged: {error}") from None
    check.none(side.region, "events that no rule takes to the function", kept_back)
