"""Alert topic: encrypted, fed by the stack alone, read over safe ways alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import effective_allows, foreign_grants, service_grants


@pytest.mark.control("alert-topic-encrypted", reads.alert_topic)
def test_alert_topic_is_encrypted_with_the_customer_managed_key(
    check: Check, alert_topic: Mapping[str, Any], deployment: Deployment
) -> None:
    # SNS leaves the attribute out for a topic without encryption, and returns what was set: any
    # spelling of the key.
    spellings = (deployment.kms_key_arn, deployment.kms_key_id, deployment.kms_key_alias)
    check.holds(
        deployment.alert_topic_arn,
        "KMS key",
        alert_topic.get("KmsMasterKeyId") in spellings,
        expected=deployment.kms_key_arn,
        seen=alert_topic.get("KmsMasterKeyId"),
    )


@pytest.mark.control("alert-topic-policy", reads.alert_topic)
def test_alert_topic_admits_the_stack_and_no_stranger(
    check: Check,
    alert_topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name = deployment.alert_topic_arn
    policy = pick(alert_topic, "Policy")
    report_findings(
        check, name, "grants to strangers", foreign_grants(policy, deployment.account_id)
    )
    check.equal(
        name,
        "services that may publish",
        expected=set(baseline["alert_topic"]["publishers"]),
        seen={grant.service for grant in service_grants(policy)},
    )
    alarm = sorted(deployment.alarm_arns.values())[0]
    for publisher, source in (
        ("cloudwatch.amazonaws.com", alarm),
        ("events.amazonaws.com", None),
    ):
        # EventBridge sends no source: a condition on one would silently drop its events.
        context: dict[str, str] = {"aws:SecureTransport": "true"}
        if source:
            context |= {
                "aws:SourceArn": source,
                "aws:SourceAccount": deployment.account_id,
            }
        evaluation = effective_allows(policy, publisher, "sns:Publish", name, context)
        check.holds(
            name,
            f"publishing by {publisher}",
            evaluation.allowed,
            expected="allowed",
            seen=evaluation.reason,
        )


@pytest.mark.control("alert-topic-subscriptions", reads.alert_subscriptions)
def test_alert_topic_subscriptions_are_confirmed_and_safe(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any]
) -> None:
    name = deployment.alert_topic_arn
    subscriptions = aws.pick(reads.alert_subscriptions(deployment), "Subscriptions")
    unsafe = baseline["alert_topic"]["insecure_protocols"]
    check.none(
        name,
        "unconfirmed subscriptions",
        [
            f"{pick(item, 'Protocol')} subscription that nobody confirmed"
            for item in subscriptions
            if pick(item, "SubscriptionArn") == "PendingConfirmation"
        ],
    )
    check.none(
        name,
        "subscriptions over unencrypted protocols",
        [
            f"{item['Protocol']} subscription {item['SubscriptionArn']}"
            for item in subscriptions
            if pick(item, "Protocol") in unsafe
        ],
    )
