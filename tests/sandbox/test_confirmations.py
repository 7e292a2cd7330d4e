"""Subscriptions that wait for the endpoint's consent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.sandbox.support import Account, eventually, name


class Endpoint:
    """An HTTP endpoint on this machine that keeps what SNS sends."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.headers["x-amz-sns-message-type"], json.loads(body)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def topic(account: Account) -> str:
    return str(account.sns.create_topic(Name=name("topic"))["TopicArn"])


def counts(account: Account, topic: str) -> tuple[str, str]:
    shown = account.sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    return shown["SubscriptionsPending"], shown["SubscriptionsConfirmed"]


def listed(account: Account, topic: str) -> list[str]:
    found = account.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [one["SubscriptionArn"] for one in found]


def test_an_endpoint_is_asked_and_told_nothing_before_it_consents(
    account: Account, topic: str, endpoint: Endpoint
) -> None:
    made = account.sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint.url)
    assert made["SubscriptionArn"] == "pending confirmation"
    assert listed(account, topic) == ["PendingConfirmation"]
    assert counts(account, topic) == ("1", "0")
    account.sns.publish(TopicArn=topic, Message="too early")
    [(kind, asked)] = eventually(lambda: endpoint.received)
    assert (kind, asked["Type"], asked["TopicArn"]) == (
        "SubscriptionConfirmation",
        "SubscriptionConfirmation",
        topic,
    )

    with pytest.raises(ClientError, match="Token"):
        account.sns.confirm_subscription(TopicArn=topic, Token="made-up")
    arn = account.sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert listed(account, topic) == [arn]
    assert counts(account, topic) == ("0", "1")
    account.sns.publish(TopicArn=topic, Message="in time")
    _, (kind, said) = eventually(lambda: endpoint.received, lambda found: len(found) == 2)
    assert (kind, said["Message"]) == ("Notification", "in time")
    account.sns.unsubscribe(SubscriptionArn=arn)
    assert listed(account, topic) == []


@pytest.mark.parametrize(
    ("protocol", "address"),
    [("https", "https://127.0.0.1:9/alerts"), ("email", "somebody@example.com")],
)
def test_a_pending_subscription_can_only_expire(
    account: Account, topic: str, protocol: str, address: str
) -> None:
    arn = account.sns.subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=address, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    shown = account.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert shown["PendingConfirmation"] == "true"
    with pytest.raises(ClientError, match="pending confirmation"):
        account.sns.unsubscribe(SubscriptionArn=arn)
    answer = requests.post(
        f"{account.sandbox.url}/_sandbox/expire-unconfirmed-subscriptions", json={}, timeout=10
    )
    assert arn in answer.json()["expired"]
    assert listed(account, topic) == []


def test_a_queue_of_the_account_needs_no_confirmation(account: Account) -> None:
    topic, _ = account.topic_with_queue()
    [arn] = listed(account, topic)
    assert arn.startswith(f"{topic}:")
    shown = account.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert shown["PendingConfirmation"] == "false"
