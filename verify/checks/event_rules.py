"""A rule of EventBridge's that must take events to the function, or to the home region's bus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify import foreign_json
from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.events.event_bus import Pattern
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

# What would hand the target something else than the event.
_ALTERATIONS = ("Input", "InputPath", "InputTransformer")


@dataclass(frozen=True)
class Side:
    """The rules of one region, and where they must send events."""

    region: str
    target: str
    role: str


def home_side(deployment: Deployment) -> Side:
    """The home region's, which send to the function."""
    return Side(deployment.region, deployment.function_arn, "none")


def rule_found(check: Check, aws: Aws, arn: str) -> Mapping[str, Any] | None:
    """The rule; that there is none decides the control."""
    rule = aws.read(reads.event_rule(arn)).response
    if rule is None:
        check.holds(arn, "rule", False, expected="there", seen="no such rule")
    return rule


def hold_rule(check: Check, aws: Aws, arn: str, rule: Mapping[str, Any], side: Side) -> None:
    """It is on the default bus, nobody else's, and its one target is handed the whole event."""
    check.equal(arn, "ARN", expected=arn, seen=pick(rule, "Arn"))
    check.equal(arn, "bus", expected="default", seen=pick(rule, "EventBusName"))
    check.equal(arn, "service that manages it", expected="none", seen=rule.get("ManagedBy", "none"))
    targets = aws.pick(reads.event_targets(arn), "Targets")
    check.equal(
        arn,
        "targets, with the roles by which they are reached",
        expected=[(side.target, side.role)],
        seen=[(pick(target, "Arn"), target.get("RoleArn", "none")) for target in targets],
    )
    check.none(
        arn,
        "what its targets are handed in the event's place",
        [f"{part} {target[part]}" for target in targets for part in _ALTERATIONS if part in target],
    )


def pattern_of(check: Check, arn: str, rule: Mapping[str, Any]) -> Pattern | None:
    """The rule's pattern; that it selects no events decides the control."""
    text = rule.get("EventPattern")
    check.holds(
        arn,
        "pattern",
        text is not None,
        expected="one that selects events",
        seen=rule.get("ScheduleExpression"),
    )
    if text is None:
        return None
    try:
        found = foreign_json.parsed(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotVerifiedError(f"the pattern of {arn} is no JSON object")
    return Pattern(found)
