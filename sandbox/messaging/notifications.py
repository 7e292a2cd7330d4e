"""SNS: who may deliver to whom, what is counted, and Lambda subscriptions."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from moto.sns import models as sns_models

from sandbox.access import permissions
from sandbox.clock import iso_milliseconds, now
from sandbox.function.runtime import LambdaRuntime
from sandbox.messaging import confirmations
from sandbox.metrics import data_points
from sandbox.replacement import Replacement
from sandbox.world import World

SERVICE = "sns.amazonaws.com"


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """The one key with which SNS signs, made when it is first asked for."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Notifications:
    """What deliveries need: the account, and the functions that may be subscribed."""

    world: World
    runtime: LambdaRuntime


def publish(notifications: Notifications, topic: Any, message: str, **details: Any) -> str:
    """Deliver a message to a topic's subscriptions and count it; returns the message's id."""
    message_id = str(sns_models.mock_random.uuid4())
    counts = {"delivered": 0, "failed": 0, "filtered": 0, "pending": 0}
    for subscription in list(topic.sns_backend.subscriptions.values()):
        if subscription.topic is topic:
            counts[subscription.publish(message, message_id, **details)] += 1
    region = topic.arn.split(":")[3]
    dimensions = {"TopicName": topic.name}
    for name, value in (
        ("NumberOfMessagesPublished", 1),
        ("NumberOfNotificationsDelivered", counts["delivered"]),
        ("NumberOfNotificationsFailed", counts["failed"]),
        ("NumberOfNotificationsFilteredOut", counts["filtered"]),
    ):
        if value:
            data_points.publish(notifications.world, region, "AWS/SNS", name, value, dimensions)
    topic.sent_notifications.append(
        (
            message_id,
            message,
            details.get("subject"),
            details.get("message_attributes"),
            details.get("group_id"),
        )
    )
    return message_id


def deliver(
    notifications: Notifications,
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    group_id: str | None = None,
    deduplication_id: str | None = None,
    message_structure: str | None = None,
) -> str:
    """Deliver a message to a subscription.

    Returns what became of it: delivered, failed, filtered (by the subscription's own policy) or
    pending.
    """
    world = notifications.world
    matcher = subscription._filter_policy_matcher
    if confirmations.is_pending(subscription):
        return "pending"
    if matcher is not None and not matcher.matches(message_attributes, message):
        return "filtered"
    if message_structure == "json":
        message = subscription._parse_message_structure(message, subscription.protocol)
    if subscription.protocol == "sqs":
        return _to_queue(
            world,
            subscription,
            message,
            message_id,
            subject,
            message_attributes,
            group_id,
            deduplication_id,
        )
    if subscription.protocol == "lambda":
        return _to_function(
            world,
            notifications.runtime,
            subscription,
            message,
            message_id,
            subject,
            message_attributes,
        )
    if subscription.protocol in ("http", "https"):
        document = subscription.get_post_data(message, message_id, subject, message_attributes)
        world.scheduler.later(
            0, lambda: confirmations.post(subscription.endpoint, document, "Notification")
        )
        return "delivered"
    return "pending"  # SMS, mobile push and the like lead off this machine


def private_key(notifications: Notifications, subscription: Any) -> rsa.RSAPrivateKey:
    """The key that messages are signed with."""
    return signing_key()


def queue_admits(world: World, queue: Any, service: str, source_arn: str) -> bool:
    """Whether a queue's policy, and its key's, let a service send to it."""
    if not permissions.service_may(
        _policy_text(queue),
        service,
        "sqs:SendMessage",
        queue.queue_arn,
        source_arn,
        world.settings.account,
    ):
        return False
    key = queue.kms_master_key_id
    if not key:
        return True
    if "alias/aws/" in key:
        return False
    region = queue.queue_arn.split(":")[3]
    return all(
        permissions.key_refusal(world, key, service, action, source_arn, {}, region) is None
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def _policy_text(queue: Any) -> Any:
    policy = queue.policy
    return json.dumps(policy) if isinstance(policy, dict) else policy or "{}"


def _to_queue(
    world: World,
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: dict[str, Any] | None,
    group_id: str | None,
    deduplication_id: str | None,
) -> str:
    _, _, _, region, _, name = subscription.endpoint.split(":", 5)
    backend = world.backend("sqs", region)
    queue = backend.queues.get(name)
    if queue is None or not queue_admits(world, queue, SERVICE, subscription.topic.arn):
        return "failed"
    raw = str(subscription.attributes.get("RawMessageDelivery", "false")).lower() == "true"
    body = message
    sent_attributes: dict[str, Any] = {}
    if raw:
        for key, value in (attributes or {}).items():
            member = "binary_value" if value["Type"].startswith("Binary") else "string_value"
            sent_attributes[key] = {"data_type": value["Type"], member: str(value["Value"])}
    else:
        document = subscription.get_post_data(message, message_id, subject, attributes)
        body = json.dumps(document, indent=2)
    backend.send_message(
        name,
        body,
        message_attributes=sent_attributes,
        deduplication_id=deduplication_id,
        group_id=group_id,
        validate_group_id=False,
    )
    return "delivered"


def _to_function(
    world: World,
    runtime: LambdaRuntime,
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: dict[str, Any] | None,
) -> str:
    function = runtime.find(subscription.endpoint)
    if function is None or not function_admits(world, function, SERVICE, subscription.topic.arn):
        return "failed"
    event = {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription.arn,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": message_id,
                    "TopicArn": subscription.topic.arn,
                    "Subject": subject,
                    "Message": message,
                    "Timestamp": iso_milliseconds(now()),
                    "SignatureVersion": "1",
                    "Signature": "",
                    "SigningCertUrl": "",
                    "UnsubscribeUrl": "",
                    "MessageAttributes": attributes or {},
                },
            }
        ]
    }
    runtime.invoke_later(subscription.endpoint, json.dumps(event).encode())
    return "delivered"


def function_admits(world: World, function: Any, service: str, source_arn: str) -> bool:
    """Whether a function's resource policy lets a service invoke it."""
    document = {"Statement": function.policy.statements}
    return permissions.service_may(
        json.dumps(document, default=str),
        service,
        "lambda:InvokeFunction",
        function.function_arn,
        source_arn,
        world.settings.account,
    )


REPLACEMENTS = (
    Replacement(
        sns_models.Topic,
        "publish",
        publish,
        "moto counts nothing of what becomes of a message.",
    ),
    Replacement(
        sns_models.Subscription,
        "publish",
        deliver,
        "moto asks neither a queue's policy and key nor a function's policy, and posts anywhere.",
    ),
    Replacement(
        sns_models.Subscription,
        "private_key",
        private_key,
        "moto makes a key for each subscription: a tenth of a second, under the lock.",
    ),
)
