"""Who is sent alerts and notices, and what a subscription holds back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, verify
from verify.checks.subscribers import (
    Permitted,
    faults_of_attributes,
    faults_of_entry,
    faults_of_retries,
    faults_of_topic,
    parsed,
)
from verify.live_fire.owner import NAME_PREFIX
from verify.model import NotVerifiedError

OURS, STRANGER = "123456789012", "999999999999"
QUEUE = f"arn:aws:sqs:{REGION}:{OURS}:queue"
TOPIC = f"arn:aws:sns:{REGION}:{OURS}:topic"
PERMITTED = Permitted(
    TOPIC, ("https", "sqs"), (OURS,), filtered_endpoints=("https://pager/",), minimum_retries=3
)


def _entry(**changes: str) -> dict[str, str]:
    return {
        "SubscriptionArn": f"{TOPIC}:1",
        "Owner": OURS,
        "Protocol": "sqs",
        "Endpoint": QUEUE,
        "TopicArn": TOPIC,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"Protocol": "https", "Endpoint": "https://pager/"}, []),
        ({"SubscriptionArn": "PendingConfirmation"}, ["nobody confirmed it"]),
        ({"TopicArn": f"{TOPIC}-else"}, [f"of the topic {TOPIC}-else"]),
        ({"Owner": STRANGER}, [f"owned by account {STRANGER}"]),
        ({"Endpoint": QUEUE.replace(OURS, STRANGER)}, [f"delivers to account {STRANGER}"]),
        ({"Protocol": "email"}, ["a protocol that the baseline does not list"]),
        ({"Protocol": "http", "Endpoint": "http://pager/"}, ["a protocol that the baseline"]),
    ],
)
def test_what_a_listing_shows(changes: dict[str, str], faults: list[str]) -> None:
    found = list(faults_of_entry(_entry(**changes), PERMITTED))
    assert len(found) == len(faults)
    assert all(fault in text for fault, text in zip(faults, found, strict=True))


def _attributes(**changes: Any) -> dict[str, str]:
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in changes.items()
    }
    return {
        **_entry(),
        "PendingConfirmation": "false",
        "ConfirmationWasAuthenticated": "true",
        "RawMessageDelivery": "false",
        **texts,
    }


HTTPS = {"Protocol": "https", "Endpoint": "https://pager/"}
RETRIES = {"healthyRetryPolicy": {"numRetries": 3}, "throttlePolicy": None}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"FilterPolicy": "{}"}, None),
        ({"FilterPolicy": {"severity": ["HIGH"]}}, "its filter policy holds back"),
        ({**HTTPS, "EffectiveDeliveryPolicy": RETRIES}, None),
        (
            {**HTTPS, "EffectiveDeliveryPolicy": RETRIES, "FilterPolicy": {"severity": ["HIGH"]}},
            None,
        ),
        (
            {**HTTPS, "EffectiveDeliveryPolicy": {"healthyRetryPolicy": {"numRetries": 0}}},
            "tries again 0 times",
        ),
        (
            {
                **HTTPS,
                "EffectiveDeliveryPolicy": {
                    **RETRIES,
                    "throttlePolicy": {"maxReceivesPerSecond": 1},
                },
            },
            "holds back more than 1 messages a second",
        ),
        ({"PendingConfirmation": "true"}, "nobody confirmed it"),
        ({"ConfirmationWasAuthenticated": "false"}, "may end it"),
        (
            {
                **HTTPS,
                "EffectiveDeliveryPolicy": RETRIES,
                "ConfirmationWasAuthenticated": "false",
            },
            None,
        ),
        ({"Owner": STRANGER}, f"Owner is {STRANGER} as well"),
        ({"RedrivePolicy": {"deadLetterTargetArn": QUEUE}}, None),
        (
            {"RedrivePolicy": {"deadLetterTargetArn": QUEUE.replace(OURS, STRANGER)}},
            "its dead letters go to",
        ),
        (
            {"SubscriptionRoleArn": f"arn:aws:iam::{STRANGER}:role/firehose"},
            "it delivers as",
        ),
    ],
)
def test_what_the_attributes_show(changes: dict[str, Any], fault: str | None) -> None:
    listed = {name: text for name, text in changes.items() if name in ("Protocol", "Endpoint")}
    found = list(faults_of_attributes(_entry(**listed), _attributes(**changes), PERMITTED))
    assert found == [] if fault is None else len(found) == 1 and fault in found[0]


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_what_is_no_object_is_not_taken_for_no_rule(text: str) -> None:
    with pytest.raises(NotVerifiedError, match="FilterPolicy is not an object"):
        parsed({"FilterPolicy": text}, "FilterPolicy")


@pytest.mark.parametrize("retries", [None, {}, {"numRetries": "3"}])
def test_retries_that_nobody_tells_are_not_enough(retries: object) -> None:
    with pytest.raises(NotVerifiedError, match="how often SNS tries again"):
        list(faults_of_retries(retries, None, 3))


def _topic(http: dict[str, Any], **changes: str) -> dict[str, str]:
    return {
        "SignatureVersion": "2",
        "EffectiveDeliveryPolicy": json.dumps({"http": http}),
        **changes,
    }


DEFAULT: dict[str, Any] = {"defaultHealthyRetryPolicy": {"numRetries": 3}}


@pytest.mark.parametrize(
    ("attributes", "faults"),
    [
        (_topic(DEFAULT), []),
        (_topic(DEFAULT, FifoTopic="false"), []),
        (_topic(DEFAULT, SignatureVersion="1"), ["messages are signed by version 1, not 2"]),
        (_topic(DEFAULT, FifoTopic="true"), ["it is a topic for first in, first out"]),
        (
            _topic({**DEFAULT, "defaultThrottlePolicy": {"maxReceivesPerSecond": 2}}),
            ["SNS holds back more than 2 messages a second"],
        ),
    ],
)
def test_how_a_topic_delivers(attributes: dict[str, str], faults: list[str]) -> None:
    assert list(faults_of_topic(attributes, 2, 3)) == faults


# --- as a user has it -----------------------------------------------------------------------------

SUBSCRIPTIONS = ["verify/checks/test_alert_topic.py", "-k", "heard"]


@pytest.fixture
def one_wanted(tmp_path: Path) -> str:
    """A baseline that wants somebody to be told."""
    file = tmp_path / "somebody.yaml"
    file.write_text("extends: dev\nalert_topic: {subscriptions: {minimum: 1}}\n")
    return f"--profile={file}"


@pytest.fixture
def subscribe(deployed: Path, sandbox: RunningSandbox) -> Iterator[Callable[[str], None]]:
    """Subscribes a new queue of the account to the alert topic, by the queue's name."""
    topic = json.loads(deployed.read_text())["alert_topic_arn"]["value"]
    sns, sqs = sandbox.client("sns", REGION), sandbox.client("sqs", REGION)
    with ExitStack() as mending:

        def make(name: str) -> None:
            queue = sqs.create_queue(QueueName=name)["QueueUrl"]
            mending.callback(sqs.delete_queue, QueueUrl=queue)
            arn = f"arn:aws:sqs:{REGION}:{OURS}:{name}"
            made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            mending.callback(sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])

        yield make


def test_nobody_told_is_said_and_fails_where_somebody_is_wanted(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path, one_wanted: str
) -> None:
    run = verify(deployed, tmp_path / "dev", *SUBSCRIPTIONS, url=sandbox.url)
    assert run.row("alert-topic-subscriptions")["outcome"] == "PASS"
    [note] = [note for note in run.report["notes"] if "alert topic" in note]
    assert note.startswith("nobody is subscribed to the alert topic")
    run = verify(deployed, tmp_path / "one", *SUBSCRIPTIONS, one_wanted, url=sandbox.url)
    row = run.row("alert-topic-subscriptions")
    assert row["outcome"] == "FAIL"
    assert "confirmed subscriptions: required at least 1, live 0" in row["message"]


def test_somebody_told_is_enough(
    deployed: Path,
    sandbox: RunningSandbox,
    tmp_path: Path,
    one_wanted: str,
    subscribe: Callable[[str], None],
) -> None:
    subscribe("on-call")
    run = verify(deployed, tmp_path / "one", *SUBSCRIPTIONS, one_wanted, url=sandbox.url)
    assert run.row("alert-topic-subscriptions")["outcome"] == "PASS", run.text
    assert [note for note in run.report["notes"] if "nobody is subscribed" in note] == []


def test_what_live_fire_listens_with_is_nobody(
    deployed: Path,
    sandbox: RunningSandbox,
    tmp_path: Path,
    one_wanted: str,
    subscribe: Callable[[str], None],
) -> None:
    subscribe(f"{NAME_PREFIX}of-another-run")
    run = verify(deployed, tmp_path / "one", *SUBSCRIPTIONS, one_wanted, url=sandbox.url)
    assert run.row("alert-topic-subscriptions")["outcome"] == "FAIL"
