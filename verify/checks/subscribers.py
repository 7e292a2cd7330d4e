"""What is wrong with a topic and its subscriptions: who is sent what, and what is held back.

Source: SNS API reference, GetSubscriptionAttributes and SetSubscriptionAttributes; SNS developer
guide, "Message filtering", "Message delivery retries", "Dead-letter queues".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify import foreign_json
from verify.account.answer import pick
from verify.model import NotVerifiedError
from verify.redaction import REDACTED

# What ListSubscriptionsByTopic says instead of an ARN.
PENDING = "PendingConfirmation"
DELETED = "Deleted"
_HTTP = ("http", "https")
_MAIL = ("email", "email-json")
# What leads to a person: who was not asked for is a stranger, and what is sent leaves AWS in clear.
PERSONAL = (*_MAIL, "sms")


@dataclass(frozen=True)
class Permitted:
    """Which subscriptions a topic may have."""

    topic: str
    protocols: Collection[str]
    accounts: Collection[str]
    filtered_endpoints: Collection[str] = ()
    minimum_retries: int = 0


def name_of(listed: Mapping[str, Any]) -> str:
    """How messages name an entry of ListSubscriptionsByTopic; a person not by the whole address."""
    return named(pick(listed, "Protocol"), pick(listed, "Endpoint"))


def named(protocol: str, endpoint: str) -> str:
    """How messages name who is subscribed by a protocol."""
    if protocol in _MAIL:
        start, _, domain = endpoint.rpartition("@")
        endpoint = f"{start[:1]}...@{domain}" if start else endpoint
    elif protocol == "sms":
        endpoint = f"...{endpoint[-4:]}"
    return f"{protocol} subscription of {endpoint}"


def faults_of_entry(listed: Mapping[str, Any], permitted: Permitted) -> Iterator[str]:
    """What an entry of ListSubscriptionsByTopic itself shows to be wrong, in words."""
    name = name_of(listed)
    if pick(listed, "TopicArn") != permitted.topic:
        yield f"{name}: of the topic {listed['TopicArn']}"
    if pick(listed, "SubscriptionArn") == PENDING:
        yield f"{name}: pending, and no subscription yet: nobody confirmed it"
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
        # Where nobody signed in to confirm, nobody need sign in to end it. HTTPS has no other way,
        # nor has a mail's link: that one whose baseline asks for it has gone is seen below.
        authenticated = pick(attributes, "ConfirmationWasAuthenticated") == "true"
        if not authenticated and attributes["Protocol"] not in _MAIL:
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


def faults_of_audience(
    confirmed: Collection[tuple[str, str]], required: Mapping[str, int | Collection[str]]
) -> Iterator[str]:
    """Who is subscribed and was not asked for, or was asked for and is not, in words.

    `confirmed` are protocol and endpoint of each confirmed subscription. `required` says for a
    protocol which endpoints must be among them, or how many; by e-mail and SMS, exactly those.
    Raises NotVerifiedError where endpoints are asked for by name and evidence does not tell them.
    """
    for protocol in sorted({*required, *(one for one, _ in confirmed if one in PERSONAL)}):
        there = sorted(endpoint for one, endpoint in confirmed if one == protocol)
        asked = required.get(protocol, 0)
        if isinstance(asked, int):
            if len(there) < asked or (protocol in PERSONAL and len(there) > asked):
                yield f"{protocol}: {len(there)} confirmed subscriptions, {asked} were asked for"
            continue
        if REDACTED in there:
            raise NotVerifiedError(f"the evidence does not tell who is subscribed by {protocol}")
        for endpoint in sorted(set(asked) - set(there)):
            yield f"{named(protocol, endpoint)}: asked for, and not there"
        for endpoint in sorted(set(there) - set(asked)) if protocol in PERSONAL else ():
            yield f"{named(protocol, endpoint)}: nobody asked for it"


def faults_of_deployed(endpoints: Collection[str], listed: Collection[str]) -> Iterator[str]:
    """Whom the deployment says that it has subscribed, and who is not among `listed`, in words.

    Evidence tells none of these endpoints: there, as many as it hides are taken to be listed.
    """
    missing = [endpoint for endpoint in endpoints if endpoint not in listed]
    if len(missing) > list(listed).count(REDACTED):
        yield f"{len(missing)} of {len(endpoints)} that the deployment subscribed are not there"


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
        found = foreign_json.parsed(text)
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        raise NotVerifiedError(f"{name} is not an object in JSON")
    return found


def account_of(endpoint: str) -> str | None:
    """The account of an endpoint that is an ARN; None for a URL, an address or a number."""
    fields = endpoint.split(":")
    return fields[4] if len(fields) >= 6 and fields[0] == "arn" else None
