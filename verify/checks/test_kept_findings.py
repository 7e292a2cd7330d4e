"""What threats, faults and openings were found is kept for longer than the services keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.event_rules import Side, hold_rule, pattern_of, rule_found
from verify.checks.findings import report_findings
from verify.checks.log_groups import existing_group, required_days, resource_policies
from verify.events.event_bus import UnknownPatternError, lets_through
from verify.events.finding_samples import findings, others
from verify.events.samples import Place
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import refused_deliveries


@pytest.mark.control(
    "findings-kept",
    reads.event_rule,
    reads.event_targets,
    reads.rules_of_log_group,
    reads.log_group,
    reads.resource_policies,
    reads.resource_policies_of_group,
)
def test_findings_are_written_where_they_are_kept(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    name = deployment.finding_log_group_name
    place = f"account {deployment.account_id}"
    check.holds(
        place, "log group of findings", name is not None, expected="one", seen=name or "none"
    )
    if name is None:
        return
    _hold_group(check, aws, deployment, baseline, name)
    required = baseline["kept_findings"]
    arn = reads.event_rule_arn(deployment, deployment.region, required["rule"])
    _hold_rule(check, aws, deployment, required, arn, name)
    check.equal(
        name,
        "EventBridge rules that write into it",
        expected=[required["rule"]],
        seen=aws.pick(reads.rules_of_log_group(deployment, name), "RuleNames"),
    )
    _hold_writable(check, aws, deployment, baseline, arn, name)


def _hold_group(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], name: str
) -> None:
    group = existing_group(check, aws, deployment, name)
    if group is None:
        return
    check.equal(
        name,
        "retention in days",
        expected=required_days(baseline, name),
        seen=group.get("retentionInDays", "never expires"),
    )
    check.equal(name, "KMS key", expected=deployment.kms_key_arn, seen=group.get("kmsKeyId"))


def _hold_rule(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    required: Mapping[str, Any],
    arn: str,
    group: str,
) -> None:
    rule = rule_found(check, aws, arn)
    if rule is None:
        return
    # EventBridge writes into log groups in no role, and to one that names a role not at all.
    target = reads.log_group_arn(deployment, group)
    hold_rule(check, aws, arn, rule, Side(deployment.region, target, "none"))
    check.equal(arn, "schedule", expected="none", seen=rule.get("ScheduleExpression", "none"))
    state, pattern = pick(rule, "State"), pattern_of(check, arn, rule)
    if pattern is None:
        return
    where = Place(deployment.partition, deployment.account_id, deployment.region)
    kinds = required["kinds"]
    try:
        lost = [
            which
            for which, event in findings(kinds, where)
            if not lets_through(state, pattern, event)
        ]
        taken = [
            which for which, event in others(kinds, where) if lets_through(state, pattern, event)
        ]
    except UnknownPatternError as error:
        raise NotVerifiedError(f"the pattern of {arn} cannot be judged: {error}") from None
    check.none(arn, "findings that it does not take", lost)
    check.none(arn, "what it takes and is no finding", taken)


def _hold_writable(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    rule_arn: str,
    group: str,
) -> None:
    """EventBridge may write what the rule takes: else events are lost, and nobody is told."""
    services = baseline["log_groups"]["writers_of"].get(group, ())
    check.holds(
        group,
        "services that write into it, by the baseline",
        bool(services),
        expected="those of EventBridge",
        seen=services or "none",
    )
    policies = [
        pick(policy, "policyDocument") for policy in resource_policies(aws, deployment, group)
    ]
    refused = refused_deliveries(
        policies,
        reads.log_group_arn(deployment, group),
        deployment.account_id,
        rule_arn,
        services,
    )
    report_findings(check, group, "what keeps EventBridge from writing into it", refused)
