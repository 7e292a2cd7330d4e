"""Encryption key: ours, usable, rotated, and open to nobody who does not need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import report_allowed, report_refused, root_of
from verify.checks.findings import report_findings
from verify.checks.keys import hold_rotation, hold_usable
from verify.inputs.deployment import Deployment
from verify.policy import (
    Finding,
    PermittedGrant,
    effective_allows,
    excessive_grants,
    fault_of_grant,
    foreign_grants,
    key_policy_findings,
    service_grants,
)


@pytest.mark.control("key-usable", reads.key, reads.key_aliases)
def test_key_is_ours_enabled_and_staying(
    check: Check, aws: Aws, deployment: Deployment, hold_settings: Callable[[], None]
) -> None:
    name = deployment.kms_key_arn
    hold_usable(check, aws, deployment, name)
    hold_settings()
    # Another name of the key is another way to be admitted to it: IAM policies may go by aliases.
    aliases = aws.pick(reads.key_aliases(deployment), "Aliases")
    arn = f"{name.rpartition(':')[0]}:{deployment.kms_key_alias}"
    check.equal(
        name,
        "aliases",
        expected=[(deployment.kms_key_alias, arn, deployment.kms_key_id)],
        seen=[
            (pick(alias, "AliasName"), pick(alias, "AliasArn"), pick(alias, "TargetKeyId"))
            for alias in aliases
        ],
    )


@pytest.mark.control("key-rotates", reads.key_rotation)
def test_key_rotates(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    hold_rotation(check, aws, deployment, baseline, deployment.kms_key_arn)


@pytest.mark.control("key-policy-least-privilege", reads.key_policy)
def test_key_policy_admits_only_who_needs_the_key(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.kms_key_arn
    policy = aws.pick(reads.key_policy(deployment), "Policy")
    findings: list[Finding] = [
        *key_policy_findings(policy, deployment.account_id),
        *foreign_grants(policy, deployment.account_id),
    ]
    # Both judge statements for anyone; one mention is enough.
    report_findings(check, name, "grants", dict.fromkeys(findings))
    services = {
        service: frozenset(actions) for service, actions in baseline["key"]["services"].items()
    }
    everything = ("kms:*",)
    permitted = {
        root_of(deployment): everything,
        deployment.account_id: everything,
        **dict.fromkeys(baseline["key"]["principals"], everything),
        **services,
    }
    report_findings(
        check,
        name,
        "grants beyond those of the baseline",
        excessive_grants(policy, permitted),
    )
    granted: dict[str, set[str]] = {}
    for grant in service_grants(policy):
        granted.setdefault(grant.service, set()).update(grant.actions)
    missing = {
        service: sorted(actions - granted.get(service, set()))
        for service, actions in services.items()
    }
    idle = _idle(deployment)
    check.none(
        name,
        "what services lack",
        [
            f"{service} lacks {', '.join(lacks)}"
            for service, lacks in missing.items()
            if lacks and service.partition(".")[0] not in idle
        ],
    )
    for user, action, what, context in _uses(deployment, services):
        evaluation = effective_allows(policy, user, action, name, context)
        report_allowed(check, name, f"{action} by {user}, {what}", evaluation)
        # The same for somebody else, whom the service would serve as well.
        elsewhere = {key: _of_a_stranger(value, deployment) for key, value in context.items()}
        if elsewhere:
            evaluation = effective_allows(policy, user, action, name, elsewhere)
            report_refused(check, name, f"{action} by {user}, for a stranger", evaluation)


@pytest.mark.control("key-grants", reads.key, reads.key_grants)
def test_key_has_no_grants_but_those_of_the_stack(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.kms_key_arn
    check.equal(
        name, "ARN", expected=name, seen=aws.pick(reads.key(deployment), "KeyMetadata", "Arn")
    )
    permitted = [
        PermittedGrant(
            entry["grantee"], frozenset(entry["operations"]), entry["encryption_context"]
        )
        for entry in baseline["key"]["grants"]
    ]
    check.none(
        name,
        "grants beyond those of the baseline",
        [
            fault
            for grant in aws.pick(reads.key_grants(deployment), "Grants")
            if (fault := fault_of_grant(grant, name, deployment.account_id, permitted))
        ],
    )


def _of_a_stranger(text: str, deployment: Deployment) -> str:
    """An ARN or account, of another account."""
    return text.replace(deployment.account_id, "0" * len(deployment.account_id))


def _idle(deployment: Deployment) -> frozenset[str]:
    """The services that have nothing to do with the key, since what they serve is absent."""
    groups = ("trail_log_group_name", "function_log_group_name")
    alerts = ("alert_topic_arn", "alarm_arns")
    idle = [] if any(map(deployment.if_there, groups)) else ["logs"]
    return frozenset(idle if all(map(deployment.if_there, alerts)) else [*idle, "cloudwatch"])


def _uses(
    deployment: Deployment, services: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Who must be able to use the key: caller, action, what for, and what the request bears."""
    root = root_of(deployment)
    for action in ("kms:Decrypt", "kms:DescribeKey", "kms:PutKeyPolicy"):
        yield root, action, "to read and to administer", {}
    trail = {"aws:SourceArn": deployment.trail_arn}
    files = {**trail, "kms:EncryptionContext:aws:cloudtrail:arn": deployment.trail_arn}
    config = {"aws:SourceAccount": deployment.account_id}
    cloudtrail = "cloudtrail"
    uses: list[tuple[str, str, str, Mapping[str, str]]] = [
        (cloudtrail, "kms:GenerateDataKey", "to encrypt log files", files),
        (cloudtrail, "kms:DescribeKey", "to know the key", trail),
        (cloudtrail, "kms:Decrypt", "to use the bucket's key", trail),
        ("config", "kms:GenerateDataKey", "to deliver what it recorded", config),
        ("config", "kms:Decrypt", "to deliver what it recorded", config),
    ]
    for service, what, context in _publishing(deployment, trail):
        uses += [(service, act, what, context) for act in ("kms:GenerateDataKey", "kms:Decrypt")]
    groups = ("trail_log_group_name", "function_log_group_name")
    for group in filter(None, map(deployment.if_there, groups)):
        bound = {"kms:EncryptionContext:aws:logs:arn": reads.log_group_arn(deployment, group)}
        for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
            uses.append(("logs", action, f"for {group}", bound))
    for short, action, what, context in uses:
        for service in services:  # as the partition and the region name it
            if service.partition(".")[0] == short:
                yield service, action, what, context


def _publishing(
    deployment: Deployment, trail: Mapping[str, str]
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Which services publish to the topics that there are, what for, and what requests bear."""
    topic = "kms:EncryptionContext:aws:sns:topicArn"
    notified = deployment.if_there("delivery_topic_arn")
    if notified is not None:
        yield "cloudtrail", "to send notices", {**trail, topic: notified}
    alerted, alarms = deployment.if_there("alert_topic_arn"), deployment.if_there("alarm_arns")
    if alerted is None:
        return
    yield "events", "to send alerts", {topic: alerted}
    if alarms is not None:
        bearing = {
            "aws:SourceArn": sorted(alarms.values())[0],
            "aws:SourceAccount": deployment.account_id,
        }
        yield "cloudwatch", "to send alerts", {topic: alerted, **bearing}
