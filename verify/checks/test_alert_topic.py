"""Alert topic: encrypted, fed by the stack alone, heard by whom the baseline lists, in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import (
    report_admitted,
    report_allowed,
    report_transport,
    report_usable,
)
from verify.checks.encryption import report_key
from verify.checks.subscribers import (
    DELETED,
    PENDING,
    PERSONAL,
    Permitted,
    faults_of_attributes,
    faults_of_audience,
    faults_of_deployed,
    faults_of_entry,
    faults_of_topic,
    name_of,
    parsed,
)
from verify.inputs.deployment import Deployment
from verify.live_fire.owner import NAME_PREFIX
from verify.policy import effective_allows, service_grants


@pytest.mark.control("alert-topic-encrypted", reads.alert_topic)
def test_alert_topic_is_encrypted_with_the_customer_managed_key(
    check: Check,
    alert_topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    key = baseline["alert_topic"]["key"]
    report_key(check, deployment.alert_topic_arn, alert_topic, deployment, key=key)


@pytest.mark.control("alert-topic-policy", reads.alert_topic)
def test_alert_topic_admits_the_stack_and_no_stranger(
    check: Check,
    alert_topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name = deployment.alert_topic_arn
    policy = pick(alert_topic, "Policy")
    publishers = baseline["alert_topic"]["publishers"]
    check.equal(name, "owner", expected=deployment.account_id, seen=pick(alert_topic, "Owner"))
    report_admitted(check, name, policy, deployment, dict.fromkeys(publishers, ("sns:Publish",)))
    check.equal(
        name,
        "services that may publish",
        expected=set(publishers),
        seen={grant.service for grant in service_grants(policy)},
    )
    # EventBridge sends no source: a condition on one would silently drop its events.
    alarm = sorted(deployment.alarm_arns.values())[0]
    sources = {
        "cloudwatch.amazonaws.com": {
            "aws:SourceArn": alarm,
            "aws:SourceAccount": deployment.account_id,
        }
    }
    for service in publishers:
        context = {"aws:SecureTransport": "true", **sources.get(service, {})}
        evaluation = effective_allows(policy, service, "sns:Publish", name, context)
        report_allowed(check, name, f"publishing by {service}", evaluation)
    publisher = deployment.if_there("function_role_arn")
    if publisher is not None:
        report_usable(check, name, policy, publisher, ("sns:Publish",))
    report_transport(check, name, policy, deployment, ("sns:Publish",))


@pytest.mark.control("alert-topic-passes-alerts-on", reads.alert_topic, reads.alert_data_protection)
def test_alert_topic_passes_every_alert_on_and_signs_it(
    check: Check,
    aws: Aws,
    alert_topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name, required = deployment.alert_topic_arn, baseline["alert_topic"]
    check.equal(name, "ARN", expected=name, seen=pick(alert_topic, "TopicArn"))
    check.none(
        name,
        "what is wrong with how it delivers",
        faults_of_topic(alert_topic, required["signature_version"], required["minimum_retries"]),
    )
    protection = aws.read(reads.alert_data_protection(deployment)).response or {}
    statements = parsed(protection, "DataProtectionPolicy").get("Statement", [])
    operations = {operation for item in statements for operation in item.get("Operation", {})}
    check.none(
        name,
        "what its data protection policy does to alerts",
        sorted(operations - {"Audit"}),  # which only reports what was found
    )


@pytest.mark.control(
    "alert-topic-subscriptions", reads.alert_topic, reads.alert_subscriptions, reads.subscription
)
def test_alert_topic_is_heard_by_whom_the_baseline_lists(
    check: Check,
    aws: Aws,
    alert_topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name, required = deployment.alert_topic_arn, baseline["alert_topic"]
    check.equal(name, "ARN", expected=name, seen=pick(alert_topic, "TopicArn"))
    permitted = Permitted(
        topic=name,
        protocols=required["subscriptions"]["protocols"],
        accounts=required["subscriptions"]["accounts"],
        filtered_endpoints=required["subscriptions"]["filtered_endpoints"],
        minimum_retries=required["minimum_retries"],
    )
    here = f"{deployment.region}:{deployment.account_id}"
    listening = f"arn:{deployment.partition}:sqs:{here}:{NAME_PREFIX}"
    faults: list[str] = []
    confirmed: list[tuple[str, str]] = []
    subscriptions = aws.pick(reads.alert_subscriptions(deployment), "Subscriptions")
    for listed in subscriptions:
        arn = pick(listed, "SubscriptionArn")
        if arn == DELETED:
            check.notes.append(f"{name}: {name_of(listed)} has ended")
            continue
        faults += faults_of_entry(listed, permitted)
        # What live fire listens with comes and goes during a run: it is nobody who is told.
        if arn == PENDING or pick(listed, "Endpoint").startswith(listening):
            continue
        attributes = aws.pick(reads.subscription(arn), "Attributes")
        faults += faults_of_attributes(listed, attributes, permitted)
        confirmed.append((listed["Protocol"], listed["Endpoint"]))
    faults += faults_of_audience(confirmed, required["subscriptions"]["required"])
    # Those that have yet to confirm are named above.
    there = [listed["Endpoint"] for listed in subscriptions if listed["SubscriptionArn"] != DELETED]
    faults += faults_of_deployed(deployment.alert_subscription_endpoints, there)
    check.none(name, "what is wrong with subscriptions", dict.fromkeys(faults))
    minimum = required["subscriptions"]["minimum"]
    check.holds(
        name,
        "confirmed subscriptions",
        len(confirmed) >= minimum,
        expected=f"at least {minimum}",
        seen=len(confirmed),
    )
    in_clear = sorted({protocol for protocol, _ in confirmed if protocol in PERSONAL})
    if in_clear:
        by_mail = "; who has a mail may end the subscription by its link"
        check.notes.append(
            f"{name}: by {' and '.join(in_clear)} its alerts leave AWS unencrypted"
            f"{by_mail if in_clear != ['sms'] else ''}"
        )
    if not confirmed:
        check.notes.append(
            f"nobody is subscribed to the alert topic {name}: its alerts reach nobody"
        )
