"""A queue of the run's own on the alert topic, and what earlier runs left of such queues."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from verify.account.answer import pick
from verify.account.door import Aws
from verify.account.read import Read
from verify.live_fire import owner
from verify.live_fire.alert import Alert, read_alert
from verify.live_fire.settling import once_known, unless_gone, with_code
from verify.live_fire.shot import Removals
from verify.run.verification import Run

_POLL_SECONDS = 5  # how long SQS holds an answer open for a message
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


class Listener:
    """Hears every alert from `open` on."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._url = self._subscription = ""

    def open(self, removals: Removals) -> None:
        """Create the queue and subscribe it to the alert topic. Raises ActionFailedError."""
        aws, deployment, settings = self._run.aws, self._run.deployment, self._run.settings
        name = owner.name(settings.run_id)
        arn = f"arn:{deployment.partition}:sqs:{deployment.region}:{deployment.account_id}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": deployment.alert_topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        removals.add(lambda: self._delete_queue(name))
        created = aws.act(
            "sqs",
            "create_queue",
            QueueName=name,
            Attributes={"Policy": policy, "MessageRetentionPeriod": "3600"},
            tags=owner.tags(settings.run_id, settings.alert_timeout),
        )
        self._url = created["QueueUrl"]
        removals.add(lambda: self._unsubscribe(name))
        subscribed = aws.act(
            "sns",
            "subscribe",
            TopicArn=deployment.alert_topic_arn,
            Protocol="sqs",
            Endpoint=arn,
            ReturnSubscriptionArn=True,
        )
        self._subscription = str(subscribed["SubscriptionArn"])

    def hear(self) -> Iterator[Alert | None]:
        """The messages of one poll, None for one that is no alert. Raises ActionFailedError."""
        answer = once_known(
            lambda: self._run.aws.poll(
                "sqs",
                "receive_message",
                worth_keeping=lambda response: response.get("Messages"),
                QueueUrl=self._url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=_POLL_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            ),
            with_code(*_NO_QUEUE),
        )
        for message in answer.get("Messages", []):
            yield read_alert(message, datetime.now(UTC), time.monotonic())

    # By what the answers named: a listing may not know yet what is seconds old. Where there was no
    # answer it may have been made all the same.
    def _delete_queue(self, name: str) -> None:
        aws = self._run.aws
        url = self._url or _url_of(aws, name)
        if url is not None:
            delete_queue(aws, url)

    def _unsubscribe(self, name: str) -> None:
        aws, topic = self._run.aws, self._run.deployment.alert_topic_arn
        if self._subscription:
            unsubscribe(aws, self._subscription)
            return
        for arn, queue in _subscriptions(aws, topic):
            if queue == name:
                unsubscribe(aws, arn)


# --- what was left --------------------------------------------------------------------------------


def find(
    run: Run, wanted: Callable[[Mapping[str, str]], bool], orphaned: Callable[[str], bool]
) -> tuple[list[str], list[str]]:
    """Queue URLs with `wanted` tags, and the ARNs of their subscriptions.

    `orphaned` decides on the subscription of a queue that SQS does not list, by the queue's name.
    """
    queues = {url: wanted(tags) for url, tags in _queues(run.aws)}
    verdicts = {name_of(url): verdict for url, verdict in queues.items()}
    return [url for url, verdict in queues.items() if verdict], [
        arn
        for arn, queue in _subscriptions(run.aws, run.deployment.alert_topic_arn)
        if (verdicts[queue] if queue in verdicts else orphaned(queue))
    ]


def name_of(url: str) -> str:
    """The name of a queue, which is its run's."""
    return url.rpartition("/")[2]


def queue_exists(aws: Aws, name: str) -> bool:
    """Whether there is such a queue, also when it is too new to be listed."""
    return _url_of(aws, name) is not None


def _url_of(aws: Aws, name: str) -> str | None:
    answer = aws.read_again(Read("sqs", "get_queue_url", {"QueueName": name}, _NO_QUEUE))
    return None if answer.response is None else str(pick(answer.response, "QueueUrl"))


def unsubscribe(aws: Aws, arn: str) -> None:
    """End a subscription of a queue of ours."""
    aws.act("sns", "unsubscribe", SubscriptionArn=arn)


def delete_queue(aws: Aws, url: str) -> None:
    """Delete a queue; one that has gone already is fine."""
    unless_gone(lambda: aws.act("sqs", "delete_queue", QueueUrl=url), *_NO_QUEUE)


def _queue_urls(aws: Aws, prefix: str) -> list[str]:
    # SQS leaves QueueUrls out where there is no queue.
    found = aws.pick_again(Read("sqs", "list_queues", {"QueueNamePrefix": prefix}))
    return list(found.get("QueueUrls", []))


def _queues(aws: Aws) -> Iterator[tuple[str, Mapping[str, str]]]:
    for url in _queue_urls(aws, owner.NAME_PREFIX):
        tags = aws.read_again(Read("sqs", "list_queue_tags", {"QueueUrl": url}, _NO_QUEUE))
        if tags.response is not None:
            yield url, tags.response.get("Tags", {})


def _subscriptions(aws: Aws, topic: str) -> Iterator[tuple[str, str]]:
    """Subscription ARN and queue name of each subscription of the topic that has our prefix."""
    read = Read("sns", "list_subscriptions_by_topic", {"TopicArn": topic})
    for subscription in aws.pick_again(read, "Subscriptions"):
        queue = str(subscription.get("Endpoint", "")).rpartition(":")[2]
        arn = str(subscription.get("SubscriptionArn", ""))
        if queue.startswith(owner.NAME_PREFIX) and arn.startswith("arn:"):
            yield arn, queue
