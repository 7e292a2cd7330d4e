"""Delivery topic: encrypted, fed by the trail alone, and heard, so that silence can be counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.admission import Sender, report_admitted, report_sender, report_transport
from verify.checks.encryption import report_key
from verify.checks.settings import number
from verify.checks.subscribers import (
    DELETED,
    PENDING,
    Permitted,
    faults_of_attributes,
    faults_of_entry,
    faults_of_topic,
)
from verify.inputs.deployment import Deployment


@pytest.fixture
def topic(aws: Aws, deployment: Deployment) -> Mapping[str, Any]:
    """The attributes of the delivery topic."""
    attributes: Mapping[str, Any] = aws.pick(reads.delivery_topic(deployment), "Attributes")
    return attributes


@pytest.mark.control("delivery-topic-encrypted", reads.delivery_topic)
def test_delivery_topic_is_encrypted_with_the_customer_managed_key(
    check: Check, topic: Mapping[str, Any], deployment: Deployment
) -> None:
    report_key(
        check,
        deployment.delivery_topic_arn,
        topic,
        deployment,
        declared="aws_sns_topic.delivery.kms_master_key_id",
    )


@pytest.mark.control("delivery-topic-policy", reads.delivery_topic)
def test_the_trail_alone_may_publish_to_the_delivery_topic(
    check: Check,
    topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name, policy = deployment.delivery_topic_arn, pick(topic, "Policy")
    publishers = baseline["delivery_topic"]["publishers"]
    check.equal(name, "owner", expected=deployment.account_id, seen=pick(topic, "Owner"))
    report_admitted(check, name, policy, deployment, dict.fromkeys(publishers, ("sns:Publish",)))
    trail = Sender("the trail", "cloudtrail.amazonaws.com", deployment.trail_arn)
    report_sender(check, name, policy, trail, "sns:Publish", "publishing")
    report_transport(check, name, policy, deployment, ("sns:Publish",))


@pytest.mark.control(
    "delivery-topic-counted",
    reads.delivery_topic,
    reads.delivery_subscriptions,
    reads.subscription,
    reads.delivery_queue,
)
def test_notices_of_log_files_reach_a_queue(
    check: Check,
    aws: Aws,
    topic: Mapping[str, Any],
    deployment: Deployment,
    baseline: Mapping[str, Any],
) -> None:
    name = deployment.delivery_topic_arn
    check.equal(name, "ARN", expected=name, seen=pick(topic, "TopicArn"))
    queue = aws.pick(reads.delivery_queue(deployment), "Attributes")
    arn = pick(queue, "QueueArn")
    alerts = baseline["alert_topic"]
    check.none(
        name,
        "what is wrong with how it delivers",
        faults_of_topic(topic, alerts["signature_version"], alerts["minimum_retries"]),
    )
    permitted = Permitted(
        topic=name,
        minimum_retries=alerts["minimum_retries"],
        **baseline["delivery_topic"]["subscriptions"],
    )
    faults: list[str] = []
    reached: list[str] = []
    for listed in aws.pick(reads.delivery_subscriptions(deployment), "Subscriptions"):
        subscription = pick(listed, "SubscriptionArn")
        if subscription == DELETED:
            continue
        faults += faults_of_entry(listed, permitted)
        if subscription != PENDING:
            attributes = aws.pick(reads.subscription(subscription), "Attributes")
            faults += faults_of_attributes(listed, attributes, permitted)
            reached.append(pick(attributes, "Endpoint"))
    check.none(name, "what is wrong with subscriptions", dict.fromkeys(faults))
    # SNS counts what it delivers: with nobody to deliver to, the alarm has nothing to go by.
    check.holds(name, "subscribed queue", arn in reached, expected=arn, seen=reached)
    policy = queue.get("Policy")
    check.holds(
        arn, "policy", policy is not None, expected="admits the topic", seen=policy or "none"
    )
    if policy is not None:
        _queue_admits_the_topic(check, deployment, arn, policy)
    # SNS has no leave to use a key of ours for this queue, and could not for one of AWS's.
    check.equal(
        arn,
        "encryption with SQS's own key",
        expected=True,
        seen=pick(queue, "SqsManagedSseEnabled") == "true" and not queue.get("KmsMasterKeyId"),
        declared="aws_sqs_queue.delivery.sqs_managed_sse_enabled",
    )
    check.equal(
        arn,
        "first in, first out",  # to which a standard topic cannot send
        expected=False,
        seen=queue.get("FifoQueue", "false") != "false",
    )
    minimum = baseline["dead_letter_queue"]["minimum_message_bytes"]
    largest = number(pick(queue, "MaximumMessageSize"))
    check.holds(
        arn, "largest message", largest >= minimum, expected=f"at least {minimum}", seen=largest
    )


def _queue_admits_the_topic(check: Check, deployment: Deployment, arn: str, policy: str) -> None:
    topic = Sender("the topic", "sns.amazonaws.com", deployment.delivery_topic_arn)
    report_admitted(check, arn, policy, deployment, {topic.service: ("sqs:SendMessage",)})
    report_sender(check, arn, policy, topic, "sqs:SendMessage", "sending")
    report_transport(check, arn, policy, deployment, ("sqs:SendMessage", "sqs:ReceiveMessage"))
