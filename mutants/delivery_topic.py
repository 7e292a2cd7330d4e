"""Delivery-topic faults: silence of the trail that would not be heard."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family
from mutants.policies import PolicyFaults, change
from mutants.topics import encrypt
from mutants.trail import make_key

FAMILY = Family("delivery topic")


def _topic(account: Account) -> dict[str, str]:
    return {"TopicArn": account.outputs["delivery_topic_arn"]}


@FAMILY.fault("the topic is not encrypted", "delivery-topic-encrypted")
def no_key(account: Account, mending: ExitStack) -> None:
    encrypt(account.outputs["delivery_topic_arn"], "", account, mending)


@FAMILY.fault("the topic is encrypted with another key", "delivery-topic-encrypted")
def another_key(account: Account, mending: ExitStack) -> None:
    key = make_key(account, mending)
    encrypt(account.outputs["delivery_topic_arn"], key, account, mending)


# --- policy: who keeps the alarm on silence quiet -------------------------------------------------

_POLICY = PolicyFaults(FAMILY, partial(change, "topic:delivery_topic_arn"), "delivery-topic-policy")


def _allow(document: Document, resource: str, principal: Any, action: str, **more: Any) -> None:
    document["Statement"].append(
        {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **more}
    )


def _publish(account: Account, document: Document, principal: Any, **more: Any) -> None:
    _allow(document, account.outputs["delivery_topic_arn"], principal, "sns:Publish", **more)


@_POLICY.fault("anyone may publish")
def policy_for_anyone(account: Account, document: Document) -> None:
    _publish(account, document, {"AWS": "*"})


@_POLICY.fault("a role of the account may publish, without any policy of its own")
def policy_for_a_role(account: Account, document: Document) -> None:
    _publish(account, document, {"AWS": account.outputs["function_role_arn"]})


@_POLICY.fault("trails of any account may publish: the condition is gone")
def trails_of_anyone(account: Account, document: Document) -> None:
    del statement(document, "CloudTrailPublishes")["Condition"]


@_POLICY.fault("every trail of the account may publish")
def trails_of_the_account(account: Account, document: Document) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    statement(document, "CloudTrailPublishes")["Condition"] = ours


@_POLICY.fault("another service may publish")
def another_service(account: Account, document: Document) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    _publish(account, document, {"Service": "s3.amazonaws.com"}, Condition=ours)


@_POLICY.fault("notices may be published in the clear")
def plain_http(account: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


# --- who is told, and so what is counted ----------------------------------------------------------


def _subscription(account: Account) -> dict[str, str]:
    [found] = account.sns.list_subscriptions_by_topic(**_topic(account))["Subscriptions"]
    return {name: found[name] for name in ("SubscriptionArn", "Protocol", "Endpoint")}


@FAMILY.fault("nobody is subscribed, so that nothing is counted", "delivery-topic-counted")
def nobody_subscribed(account: Account, mending: ExitStack) -> None:
    found = _subscription(account)
    arn = found.pop("SubscriptionArn")
    mending.callback(account.sns.subscribe, **_topic(account), **found)
    account.sns.unsubscribe(SubscriptionArn=arn)


@FAMILY.fault("a filter keeps every notice from the queue", "delivery-topic-counted")
def notices_filtered(account: Account, mending: ExitStack) -> None:
    which = {
        "SubscriptionArn": _subscription(account)["SubscriptionArn"],
        "AttributeName": "FilterPolicy",
    }
    put = account.sns.set_subscription_attributes
    mending.callback(put, **which, AttributeValue="")
    put(**which, AttributeValue=json.dumps({"never": ["set"]}))


@FAMILY.fault("a queue of another account is told as well", "delivery-topic-counted")
def stranger_subscribed(account: Account, mending: ExitStack) -> None:
    queue = f"arn:aws:sqs:{account.outputs['region']}:{STRANGER}:listening"
    made = account.sns.subscribe(**_topic(account), Protocol="sqs", Endpoint=queue)
    mending.callback(account.sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])


_QUEUE = PolicyFaults(FAMILY, partial(change, "queue:delivery_queue_url"), "delivery-topic-counted")


@_QUEUE.fault("the topic may no longer send to the queue")
def queue_refuses_the_topic(account: Account, document: Document) -> None:
    without(document, "DeliveryTopicSends")


@_QUEUE.fault("any topic may send to the queue")
def queue_for_any_topic(account: Account, document: Document) -> None:
    del statement(document, "DeliveryTopicSends")["Condition"]


@_QUEUE.fault("anyone may read which log files there are")
def queue_for_anyone(account: Account, document: Document) -> None:
    queue = statement(document, "DeliveryTopicSends")["Resource"]
    _allow(document, queue, "*", "sqs:ReceiveMessage")


@FAMILY.fault("the queue is under a key that SNS may not use", "delivery-topic-counted")
def queue_under_the_key(account: Account, mending: ExitStack) -> None:
    def put(**attributes: str) -> None:
        account.sqs.set_queue_attributes(
            QueueUrl=account.outputs["delivery_queue_url"], Attributes=attributes
        )

    mending.callback(put, SqsManagedSseEnabled="true")
    put(KmsMasterKeyId=account.outputs["kms_key_arn"])
