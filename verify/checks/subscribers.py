"""What is wrong with a topic and its subscriptions: who is sent what, and what is held back.

Source: SNS API reference, GetSubscriptionAttributes and SetSubscriptionAttributes; SNS developer
guide, "Message filtering", "Message delivery retries", "Dead-letter queues".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.account.answer import pick
from verify.model import NotVerifiedError

# What ListSubscriptionsByTopic says instead of an ARN.
PENDING = "PendingConfirmation"
DELETED = "Deleted"
_HTTP = ("http", "https")


@dataclass(frozen=True)
class Permitted:
    """Which subscriptions a topic may have."""

    topic: str
    protocols: Collection[str]
    accounts: Collection[str]
    filtered_endpoints: Collection[str] = ()
    minimum_retries: int = 0


def name_of(listed: Mapping[str, Any]) -> str:
    """How messages name an entry of ListSubscriptionsByTopic."""
    return f"{pick(listed, 'Protocol')} subscription of {pick(listed, 'Endpoint')}"


def faults_of_entry(listed: Mapping[str, Any], permitted: Permitted) -> Iterator[str]:
    """What an entry of ListSubscriptionsByTopic itself shows to be wrong, in words."""
    name = name_of(listed)
    if pick(listed, "TopicArn") != permitted.topic:
        yield f"{name}: of the topic {listed['TopicArn']}"
    if pick(listed, "SubscriptionArn") == PENDING:
        yield f"{name}: nobody confirmed it"
    if listed["Protocol"] not in permitted.protocols:
        yield f"{name}: a protocol that the baseline does not list"
    for what, account in (
        ("owned by", pick(listed, "Owner")),
        ("delivers to", account_of(listed["Endpoint"])),
    ):
        if account is not None and account not in permitted.accounts:
            yield f"{name}: {what} account {account}"


def faults_of_attributes(
    listed: Mapping[str, Any], attributes: Mapping[str, Any], permitted: Permitted
) -> Iterator[str]:
    """What GetSubscriptionAttributes shows to be wrong with an entry, in words."""
    name = name_of(listed)
    for member in ("SubscriptionArn", "TopicArn", "Owner", "Protocol", "Endpoint"):
        if pick(attributes, member) != pick(listed, member):
            yield f"{name}: {member} is {attributes[member]} as well"
    if pick(attributes, "PendingConfirmation") != "false":
        yield f"{name}: nobody confirmed it"
    rules = parsed(attributes, "FilterPolicy")
    if rules and attributes["Endpoint"] not in permitted.filtered_endpoints:
        yield f"{name}: its filter policy holds back what does not match {json.dumps(rules)}"
    target = parsed(attributes, "RedrivePolicy").get("deadLetterTargetArn")
    for what, arn in (
        ("its dead letters go to", target),
        ("it delivers as", attributes.get("SubscriptionRoleArn")),
    ):
        if arn and account_of(arn) not in permitted.accounts:
            yield f"{name}: {what} {arn}, of an account that the baseline does not list"
    if attributes["Protocol"] not in _HTTP:
        # Where nobody signed in to confirm, nobody need sign in to end it. HTTPS has no other way.
        if pick(attributes, "ConfirmationWasAuthenticated") != "true":
            yield f"{name}: anyone who knows its ARN may end it"
    else:
        in_force = parsed(attributes, "EffectiveDeliveryPolicy")
        yield from (
            f"{name}: {fault}"
            for fault in faults_of_retries(
                in_force.get("healthyRetryPolicy"),
                in_force.get("throttlePolicy"),
                permitted.minimum_retries,
            )
        )


def faults_of_topic(
    attributes: Mapping[str, Any], signature_version: int, minimum_retries: int
) -> Iterator[str]:
    """How a topic, by its attributes, does not pass messages on as it should, in words."""
    # SNS leaves out what was never set: signatures are of version 1, and the topic is a standard
    # one. Neither alarms nor CloudTrail can publish to the other kind.
    version = attributes.get("SignatureVersion", "1")
    if version != str(signature_version):
        yield f"messages are signed by version {version}, not {signature_version}"
    if attributes.get("FifoTopic", "false") != "false":
        yield "it is a topic for first in, first out"
    in_force = parsed(attributes, "EffectiveDeliveryPolicy").get("http", {})
    yield from faults_of_retries(
        in_force.get("defaultHealthyRetryPolicy"),
        in_force.get("defaultThrottlePolicy"),
        minimum_retries,
    )


def faults_of_retries(retries: Any, throttle: Any, minimum: int) -> Iterator[str]:
    """How a delivery policy in force loses or delays messages, in words.

    Raises NotVerifiedError where it does not say how often SNS tries again.
    """
    tries = retries.get("numRetries") if isinstance(retries, Mapping) else None
    if not isinstance(tries, int):
        raise NotVerifiedError("the delivery policy does not say how often SNS tries again")
    if tries < minimum:
        yield f"SNS tries again {tries} times, not at least {minimum}"
    if isinstance(throttle, Mapping) and throttle.get("maxReceivesPerSecond"):
        yield f"SNS holds back more than {throttle['maxReceivesPerSecond']} messages a second"


def parsed(attributes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object that an attribute holds as JSON; empty where it is not set.

    Raises NotVerifiedError where it is something else.
    """
    text = attributes.get(name)
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise NotVerifiedError(f"{name} is not an object in JSON")
    return found


def account_of(endpoint: str) -> str | None:
    """The account of an endpoint that is an ARN; None for a URL, an address or a number."""
    fields = endpoint.split(":")
    return fields[4] if len(fields) >= 6 and fields[0] == "arn" else None
