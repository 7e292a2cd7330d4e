"""Removing what live fire left in the account: a killed run's leftovers, and a run's own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from verify.aws import ActionFailedError, Aws, NotVerifiedError
from verify.live_fire import owner
from verify.reads import Read

_NO_QUEUE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
)
_NO_GROUP = ("InvalidGroup.NotFound", "InvalidGroupId.NotFound")


@dataclass(frozen=True)
class Left:
    """Things of live fire in the account, by kind: group ids, queue URLs, subscription ARNs."""

    groups: tuple[str, ...]
    queues: tuple[str, ...]
    subscriptions: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.groups, *self.queues, *self.subscriptions)


def find(aws: Aws, topic_arn: str, *, run_id: str | None = None) -> Left:
    """What live fire left: of the run `run_id`, or else of all runs that no longer are."""

    def wanted(tags: Mapping[str, str]) -> bool:
        if run_id is not None:
            return tags.get(owner.PURPOSE_TAG) == owner.PURPOSE and (
                tags.get(owner.RUN_TAG) == run_id
            )
        return owner.abandoned(tags, datetime.now(UTC))

    groups = tuple(identifier for identifier, tags in _groups(aws) if wanted(tags))
    queues = {url: wanted(tags) for url, tags in _queues(aws)}
    ours = {_queue_name(url): verdict for url, verdict in queues.items()}

    def dangling(queue: str) -> bool:
        if run_id is not None:
            return queue == owner.NAME_PREFIX + run_id.lower()
        if queue in ours:
            return ours[queue]
        # SQS lists a new queue with delay: ask for this one before its subscription is removed.
        return not aws.read_again(
            Read("sqs", "get_queue_url", {"QueueName": queue}, _NO_QUEUE)
        ).found

    return Left(
        groups,
        tuple(url for url, verdict in queues.items() if verdict),
        tuple(arn for arn, queue in subscriptions(aws, topic_arn) if dangling(queue)),
    )


def remove(aws: Aws, left: Left) -> None:
    """Remove `left`: subscriptions first, so that nothing is sent to a queue that is gone.

    Raises ActionFailedError, but not for things that have gone meanwhile.
    """
    for arn in left.subscriptions:
        aws.act("sns", "unsubscribe", SubscriptionArn=arn)
    for url in left.queues:
        delete_queue(aws, url)
    for identifier in left.groups:
        delete_group(aws, identifier)


def delete_queue(aws: Aws, url: str) -> None:
    """Delete a queue; one that has gone already is fine."""
    try:
        aws.act("sqs", "delete_queue", QueueUrl=url)
    except ActionFailedError as error:
        if error.code not in _NO_QUEUE:
            raise


def delete_group(aws: Aws, identifier: str) -> None:
    """Delete a security group; one that has gone already is fine."""
    try:
        aws.act("ec2", "delete_security_group", GroupId=identifier)
    except ActionFailedError as error:
        if error.code not in _NO_GROUP:
            raise


def _groups(aws: Aws) -> Iterator[tuple[str, Mapping[str, str]]]:
    ours = [{"Name": f"tag:{owner.PURPOSE_TAG}", "Values": [owner.PURPOSE]}]
    answer = aws.read_again(Read("ec2", "describe_security_groups", {"Filters": ours}))
    for group in _list(answer.response, "SecurityGroups"):
        yield group["GroupId"], {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}


def _queues(aws: Aws) -> Iterator[tuple[str, Mapping[str, str]]]:
    answer = aws.read_again(Read("sqs", "list_queues", {"QueueNamePrefix": owner.NAME_PREFIX}))
    for url in _list(answer.response, "QueueUrls", optional=True):
        tags = aws.read_again(Read("sqs", "list_queue_tags", {"QueueUrl": url}, _NO_QUEUE))
        if tags.response is not None:
            yield url, tags.response.get("Tags", {})


def subscriptions(aws: Aws, topic_arn: str) -> Iterator[tuple[str, str]]:
    """Subscription ARN and queue name of each subscription of the topic that has our prefix."""
    answer = aws.read_again(Read("sns", "list_subscriptions_by_topic", {"TopicArn": topic_arn}))
    for subscription in _list(answer.response, "Subscriptions"):
        queue = str(subscription.get("Endpoint", "")).rpartition(":")[2]
        if queue.startswith(owner.NAME_PREFIX) and str(
            subscription.get("SubscriptionArn", "")
        ).startswith("arn:"):
            yield subscription["SubscriptionArn"], queue


def _queue_name(url: str) -> str:
    return url.rpartition("/")[2]


def _list(response: Mapping[str, Any] | None, key: str, *, optional: bool = False) -> list[Any]:
    """The list `key` of an answer; SQS leaves an empty one out, the others never do."""
    found = (response or {}).get(key, [] if optional else None)
    if not isinstance(found, list):
        raise NotVerifiedError(
            f"the API's answer lacks {key}: {json.dumps(sorted(response or {}))}"
        )
    return found
