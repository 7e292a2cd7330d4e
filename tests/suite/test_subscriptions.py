"""Who is sent alerts and notices, and what a subscription holds back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, verify
from verify.checks.subscribers import (
    Permitted,
    faults_of_attributes,
    faults_of_audience,
    faults_of_deployed,
    faults_of_entry,
    faults_of_retries,
    faults_of_topic,
    named,
    parsed,
)
from verify.live_fire.owner import NAME_PREFIX
from verify.model import NotVerifiedError
from verify.redaction import REDACTED

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


@pytest.mark.parametrize(
    ("protocol", "endpoint", "shown"),
    [
        ("email", "soc.lead@hospital.example", "email subscription of s...@hospital.example"),
        ("email-json", "a@b.example", "email-json subscription of a...@b.example"),
        ("email", REDACTED, f"email subscription of {REDACTED}"),
        ("sms", "+15555550100", "sms subscription of ...0100"),
        ("https", "https://pager/hook", "https subscription of https://pager/hook"),
    ],
)
def test_people_are_not_named_in_full(protocol: str, endpoint: str, shown: str) -> None:
    assert named(protocol, endpoint) == shown


SOC, LEAD = ("email", "soc@hospital.example"), ("email", "lead@hospital.example")


@pytest.mark.parametrize(
    ("confirmed", "required", "faults"),
    [
        ([], {}, []),
        ([("sqs", QUEUE), ("https", "https://pager/")], {}, []),
        ([SOC], {"email": [SOC[1]]}, []),
        ([SOC], {"email": 1}, []),
        ([("https", "https://pager/"), ("sqs", QUEUE)], {"https": 1}, []),
        ([SOC], {}, ["email: 1 confirmed subscriptions, 0 were asked for"]),
        ([("sms", "+15555550100")], {"email": 0}, ["sms: 1 confirmed subscriptions, 0 were"]),
        ([], {"email": [SOC[1]]}, ["s...@hospital.example: asked for, and not there"]),
        ([], {"sms": 1}, ["sms: 0 confirmed subscriptions, 1 were asked for"]),
        ([SOC, LEAD], {"email": [SOC[1]]}, ["l...@hospital.example: nobody asked for it"]),
        ([SOC, LEAD], {"email": 1}, ["email: 2 confirmed subscriptions, 1 were asked for"]),
        ([], {"https": ["https://pager/"]}, ["https://pager/: asked for, and not there"]),
        ([("https", "https://other/")], {"https": 2}, ["https: 1 confirmed subscriptions, 2"]),
    ],
)
def test_who_is_told_is_who_was_asked_for(
    confirmed: list[tuple[str, str]], required: dict[str, Any], faults: list[str]
) -> None:
    found = list(faults_of_audience(confirmed, required))
    assert len(found) == len(faults)
    assert all(fault in text for fault, text in zip(faults, found, strict=True))


def test_whom_the_evidence_hides_cannot_be_held_to_a_name() -> None:
    hidden = [("email", REDACTED)]
    assert list(faults_of_audience(hidden, {"email": 1})) == []
    with pytest.raises(NotVerifiedError, match="does not tell who is subscribed by email"):
        list(faults_of_audience(hidden, {"email": [SOC[1]]}))


@pytest.mark.parametrize(
    ("deployed", "listed", "fault"),
    [
        ([], [QUEUE], None),
        ([SOC[1]], [QUEUE, SOC[1]], None),
        ([SOC[1], LEAD[1]], [REDACTED, REDACTED], None),
        ([SOC[1]], [QUEUE], "1 of 1 that the deployment subscribed are not there"),
        ([SOC[1], LEAD[1]], [REDACTED], "2 of 2 that the deployment subscribed"),
    ],
)
def test_whom_the_deployment_subscribes_is_there(
    deployed: list[str], listed: list[str], fault: str | None
) -> None:
    found = list(faults_of_deployed(deployed, listed))
    assert found == [] if fault is None else len(found) == 1 and fault in found[0]


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
        # By a mail's link, nobody signs in.
        (
            {
                "Protocol": "email",
                "Endpoint": "soc@hospital.example",
                "ConfirmationWasAuthenticated": "false",
            },
            None,
        ),
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


def test_a_mailbox_is_subscribed_once_it_has_confirmed_and_no_other_is(
    deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    topic = json.loads(deployed.read_text())["alert_topic_arn"]["value"]
    sns = sandbox.client("sns", REGION)
    file = tmp_path / "mail.yaml"
    subscriptions = {"protocols": ["email"], "required": {"email": [SOC[1]]}}
    file.write_text(json.dumps({"extends": "dev", "alert_topic": {"subscriptions": subscriptions}}))

    def judged(name: str) -> tuple[str, str, list[str]]:
        own = (*SUBSCRIPTIONS, f"--profile={file}")
        run = verify(deployed, tmp_path / name, *own, url=sandbox.url)
        row = run.row("alert-topic-subscriptions")
        return row["outcome"], row["message"], run.report["notes"]

    with ExitStack() as mending:
        for address in (SOC[1], LEAD[1]):
            made = sns.subscribe(
                TopicArn=topic, Protocol="email", Endpoint=address, ReturnSubscriptionArn=True
            )
            mending.callback(sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])
            outcome, message, _ = judged(f"pending-{address}")
            assert outcome == "FAIL"
            assert "pending, and no subscription yet: nobody confirmed it" in message
            link = f"{sandbox.url}/_sandbox/confirm-subscription"
            requests.post(link, json={"endpoint": address}, timeout=10).raise_for_status()
            outcome, message, notes = judged(f"confirmed-{address}")
            if address == SOC[1]:
                assert outcome == "PASS", message
                assert any("by email its alerts leave AWS unencrypted" in note for note in notes)
        assert outcome == "FAIL"
        assert "l...@hospital.example: nobody asked for it" in message
