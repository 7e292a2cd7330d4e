"""SNS subscriptions that their endpoint must confirm before anything is delivered to it.

https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html: an HTTP endpoint is sent a token,
with which ConfirmSubscription is called; one for e-mail would arrive in a mailbox, which there is
none of here. Until then the subscription is listed as PendingConfirmation and cannot be ended,
only forgotten by SNS after three days.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from moto.core.responses import ActionResult
from moto.sns import models as sns_models
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.responses import SNSResponse

from sandbox.clock import iso_milliseconds, now
from sandbox.control import Control, ControlError
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

log = logging.getLogger(__name__)

_PROTOCOLS = frozenset({"http", "https", "email", "email-json"})
_SECONDS = 10


def is_pending(subscription: Any) -> bool:
    """Whether nobody has confirmed moto's `subscription` yet."""
    return getattr(subscription, "sandbox_token", None) is not None


def subscribe(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    topic_arn: str,
    endpoint: str,
    protocol: str,
) -> Any:
    """Subscribe an endpoint, and send it a token when it has to confirm."""
    known = set(backend.subscriptions)
    made = original(backend, topic_arn, endpoint, protocol)
    if made.arn not in known and protocol in _PROTOCOLS:
        made.sandbox_token = secrets.token_hex(64)
        document = _confirmation(made)
        if protocol in ("http", "https"):
            world.scheduler.later(0, lambda: post(endpoint, document, "SubscriptionConfirmation"))
    return made


def answer_subscribe(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """Subscribe's answer, without an ARN while nobody has confirmed unless it was asked for."""
    result = original(response)
    arn = result.result["SubscriptionArn"]
    wants_arn = str(response._get_param("ReturnSubscriptionArn")).lower() == "true"
    if is_pending(response.backend.subscriptions[arn]) and not wants_arn:
        return ActionResult({"SubscriptionArn": "pending confirmation"})
    return result


def confirm_subscription(world: World, response: Any) -> ActionResult:
    """Confirm the topic's subscription of a token. Raises SNSInvalidParameter when it is none's."""
    token = str(response._get_param("Token"))
    for subscription in _of_topic(response.backend, response._get_param("TopicArn")):
        if is_pending(subscription) and secrets.compare_digest(subscription.sandbox_token, token):
            subscription.sandbox_token = None
            return ActionResult({"SubscriptionArn": subscription.arn})
    raise SNSInvalidParameter("Invalid parameter: Token")


def unsubscribe(
    world: World, original: Callable[..., None], backend: Any, subscription_arn: str
) -> None:
    """End a subscription. Raises SNSInvalidParameter while nobody has confirmed it."""
    if is_pending(backend.subscriptions.get(subscription_arn)):
        raise SNSInvalidParameter(
            "Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription "
            "that is pending confirmation"
        )
    original(backend, subscription_arn)


def get_subscription_attributes(
    world: World, original: Callable[..., dict[str, Any]], backend: Any, arn: str
) -> dict[str, Any]:
    """A subscription's attributes, which say whether it waits for its confirmation."""
    shown = original(backend, arn)
    if is_pending(backend.subscriptions[arn]):
        shown |= {"PendingConfirmation": True, "ConfirmationWasAuthenticated": False}
    elif getattr(backend.subscriptions[arn], "sandbox_by_link", False):
        shown |= {"ConfirmationWasAuthenticated": False}
    return shown


def list_subscriptions(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """Subscriptions, without the ARN of one that waits for its confirmation."""
    result = original(response)
    shown = [
        {
            "SubscriptionArn": "PendingConfirmation"
            if is_pending(subscription)
            else subscription.arn,
            "Owner": subscription.owner,
            "Protocol": subscription.protocol,
            "Endpoint": subscription.endpoint,
            "TopicArn": subscription.topic_arn,
        }
        for subscription in result.result["Subscriptions"]
    ]
    return ActionResult({**result.result, "Subscriptions": shown})


def get_topic_attributes(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """A topic's attributes, with the numbers of its pending and confirmed subscriptions."""
    topic_arn = response._get_param("TopicArn")
    result = original(response)
    pending = [is_pending(subscription) for subscription in _of_topic(response.backend, topic_arn)]
    result.result["Attributes"] |= {
        "SubscriptionsPending": sum(pending),
        "SubscriptionsConfirmed": len(pending) - sum(pending),
    }
    return result


def expiry(world: World) -> Control:
    """What lets the three days pass at once, after which SNS forgets what nobody has confirmed."""

    def expire(request: Mapping[str, Any]) -> dict[str, Any]:
        expired = []
        for backend in world.regions("sns"):
            for arn in [
                arn
                for arn, subscription in backend.subscriptions.items()
                if is_pending(subscription)
            ]:
                del backend.subscriptions[arn]
                expired.append(arn)
        return {"expired": expired}

    return expire


def confirming(world: World) -> Control:
    """What opens the link in the message that SNS has sent to a mailbox, without signing in."""

    def confirm(request: Mapping[str, Any]) -> dict[str, Any]:
        confirmed = []
        for backend in world.regions("sns"):
            for arn, subscription in backend.subscriptions.items():
                if is_pending(subscription) and subscription.endpoint == request.get("endpoint"):
                    subscription.sandbox_token = None
                    subscription.sandbox_by_link = True
                    confirmed.append(arn)
        if not confirmed:
            raise ControlError("404 Not Found", "no subscription of this endpoint is pending")
        return {"confirmed": confirmed}

    return confirm


def _of_topic(backend: Any, topic_arn: str | None) -> Iterator[Any]:
    return (
        subscription
        for subscription in backend.subscriptions.values()
        if subscription.topic_arn == topic_arn
    )


def _confirmation(subscription: Any) -> dict[str, Any]:
    """The message with a subscription's token.

    It has no SubscribeURL: unsigned calls are not taken here.

    https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
    """
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(sns_models.mock_random.uuid4()),
        "Token": subscription.sandbox_token,
        "TopicArn": subscription.topic_arn,
        "Message": f"You have chosen to subscribe to the topic {subscription.topic_arn}.",
        "Timestamp": iso_milliseconds(now()),
        "SignatureVersion": "1",
    }


def post(endpoint: str, document: Mapping[str, Any], kind: str) -> None:
    """Send a message to an HTTP endpoint of this machine; nothing goes beyond it."""
    if not _is_local(endpoint):
        log.warning("SNS does not deliver to %s: it is not on this machine", endpoint)
        return
    headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
    try:
        requests.post(
            endpoint, json=document, headers=headers, timeout=_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        log.warning("SNS could not deliver to %s: %s", endpoint, error)


def _is_local(endpoint: str) -> bool:
    try:
        host = urlsplit(endpoint).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


REPLACEMENTS = (
    Replacement(
        sns_models.SNSBackend,
        "subscribe",
        subscribe,
        "An endpoint is sent a token; moto takes every subscription as confirmed.",
        Kind.AROUND,
    ),
    Replacement(
        SNSResponse,
        "subscribe",
        answer_subscribe,
        "Subscribe tells no ARN while the subscription is pending.",
        Kind.AROUND,
    ),
    Replacement(
        SNSResponse,
        "confirm_subscription",
        confirm_subscription,
        "A token confirms its own subscription; moto takes any.",
    ),
    Replacement(
        sns_models.SNSBackend,
        "unsubscribe",
        unsubscribe,
        "A pending subscription cannot be ended.",
        Kind.AROUND,
    ),
    Replacement(
        sns_models.SNSBackend,
        "get_subscription_attributes",
        get_subscription_attributes,
        "moto says of every subscription that it is not pending.",
        Kind.AROUND,
    ),
    *(
        Replacement(
            SNSResponse,
            name,
            list_subscriptions,
            "A pending subscription is listed as PendingConfirmation, not by its ARN.",
            Kind.AROUND,
        )
        for name in ("list_subscriptions", "list_subscriptions_by_topic")
    ),
)
