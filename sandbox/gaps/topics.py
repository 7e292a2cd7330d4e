"""Where moto's answers about topics and subscriptions differ from SNS's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse

from sandbox.messaging import confirmations
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
_RETRIES: Mapping[str, Any] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_MAXIMUM_RETRIES = 100
# Attributes that SNS shows for a topic once they were set.
_SHOWN_ONCE_SET = {
    "DeliveryPolicy": "delivery_policy",
    "SignatureVersion": "signature_version",
    "TracingConfig": "tracing_config",
    "ArchivePolicy": "archive_policy",
}
_SIGNATURE_VERSIONS = ("1", "2")


def _policy(text: str | None) -> dict[str, Any]:
    return json.loads(text) if text else {}


def _of_topic(text: str | None) -> dict[str, Any]:
    """The delivery policy that is in force for a topic with this one of its own."""
    own = _policy(text).get("http", {})
    in_force = {
        "defaultHealthyRetryPolicy": {**_RETRIES, **own.get("defaultHealthyRetryPolicy", {})},
        "disableSubscriptionOverrides": own.get("disableSubscriptionOverrides", False),
        "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
    }
    if own.get("defaultThrottlePolicy"):
        in_force["defaultThrottlePolicy"] = own["defaultThrottlePolicy"]
    return {"http": in_force}


def _of_subscription(topic: Any, text: str | None) -> dict[str, Any]:
    """The delivery policy that is in force for an HTTP subscription with this one of its own."""
    default = _of_topic(topic.delivery_policy)["http"]
    own = {} if default["disableSubscriptionOverrides"] else _policy(text)
    return {
        "healthyRetryPolicy": {
            **default["defaultHealthyRetryPolicy"],
            **(own.get("healthyRetryPolicy") or {}),
        },
        "sicklyRetryPolicy": None,
        "throttlePolicy": own.get("throttlePolicy") or default.get("defaultThrottlePolicy"),
        "requestPolicy": default["defaultRequestPolicy"],
        "guaranteed": False,
    }


def get_topic_attributes(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """A topic's attributes, those that are not set left out."""
    result: Any = confirmations.get_topic_attributes(world, original, response).result
    attributes = result["Attributes"]
    topic = response.backend.get_topic(attributes["TopicArn"])
    attributes.pop("DeliveryPolicy")
    for name, member in _SHOWN_ONCE_SET.items():
        if getattr(topic, member, None):
            attributes[name] = getattr(topic, member)
    attributes["EffectiveDeliveryPolicy"] = json.dumps(_of_topic(topic.delivery_policy))
    return ActionResult({"Attributes": attributes})


def set_topic_attribute(
    world: World,
    original: Callable[..., None],
    backend: Any,
    topic_arn: str,
    attribute_name: str,
    attribute_value: str,
) -> None:
    """Set one attribute. Raises SNSInvalidParameter for a value that SNS refuses."""
    if attribute_name == "signature_version" and attribute_value not in _SIGNATURE_VERSIONS:
        raise SNSInvalidParameter("Invalid parameter: Attributes Reason: SignatureVersion")
    if attribute_name == "delivery_policy":
        retries = _of_topic(attribute_value)["http"]["defaultHealthyRetryPolicy"]["numRetries"]
        if not 0 <= retries <= _MAXIMUM_RETRIES:
            raise SNSInvalidParameter(
                "Invalid parameter: DeliveryPolicy: "
                "http.defaultHealthyRetryPolicy.numRetries must be between 0 and 100"
            )
    original(backend, topic_arn, attribute_name, attribute_value)


def get_subscription_attributes(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """A subscription's attributes, for HTTP with the delivery policy that is in force."""
    result: Any = original(response).result
    attributes = {name: value for name, value in result["Attributes"].items() if value != ""}
    if attributes["Protocol"] in ("http", "https"):
        topic = response.backend.get_topic(attributes["TopicArn"])
        in_force = _of_subscription(topic, attributes.get("DeliveryPolicy"))
        attributes["EffectiveDeliveryPolicy"] = json.dumps(in_force)
    return ActionResult({"Attributes": attributes})


def put_data_protection_policy(world: World, response: Any) -> ActionResult:
    """Set, or with an empty text remove, a topic's data protection policy."""
    topic = response.backend.get_topic(response._get_param("ResourceArn"))
    text = response._get_param("DataProtectionPolicy")
    try:
        _policy(text)
    except ValueError:
        raise SNSInvalidParameter("Invalid parameter: DataProtectionPolicy") from None
    topic.sandbox_data_protection = text
    return EmptyResult()


def get_data_protection_policy(world: World, response: Any) -> ActionResult:
    """A topic's data protection policy; nothing where it has none."""
    topic = response.backend.get_topic(response._get_param("ResourceArn"))
    text = getattr(topic, "sandbox_data_protection", None)
    return ActionResult({"DataProtectionPolicy": text} if text else {})


REPLACEMENTS = (
    # https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
    Replacement(
        SNSResponse,
        "get_topic_attributes",
        get_topic_attributes,
        "moto shows a subscription's form of delivery policy and not all that was set, and counts "
        "pending subscriptions among the confirmed.",
        Kind.AROUND,
    ),
    Replacement(
        SNSBackend,
        "set_topic_attribute",
        set_topic_attribute,
        "SNS refuses signature versions and numbers of retries that it does not know.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html
    Replacement(
        SNSResponse,
        "get_subscription_attributes",
        get_subscription_attributes,
        "An HTTP subscription tells the delivery policy in force, its topic's default included.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/sns/latest/api/API_PutDataProtectionPolicy.html
    Replacement(
        SNSResponse,
        "put_data_protection_policy",
        put_data_protection_policy,
        "moto does not know data protection policies.",
        Kind.ADDED,
    ),
    Replacement(
        SNSResponse,
        "get_data_protection_policy",
        get_data_protection_policy,
        "moto does not know data protection policies.",
        Kind.ADDED,
    ),
)
