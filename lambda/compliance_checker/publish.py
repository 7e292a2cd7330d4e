"""Sending: alerts to the SNS topic, what could not be processed to the SQS dead-letter queue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import alert as alerts
from . import aws
from .times import now

# Quotas of SNS PublishBatch and SQS SendMessageBatch: ten entries and 262,144 bytes a call.
_MAXIMUM_ENTRIES = 10
_MAXIMUM_BATCH_BYTES = 262_144 - 12_000
_ATTRIBUTES_BYTES = 1024
_PAUSES = (0.2, 0.8)
# Refusals that no retry mends.
_FINAL_CODES = frozenset(
    {"AuthorizationError", "InvalidParameter", "InvalidParameterValue", "NotFound"}
)

Alert = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Something that could not be sent, and the code of the last refusal."""

    item: Any
    code: str


def _chunks(items: Sequence[tuple[Any, str, int]]) -> Iterator[list[tuple[Any, str, int]]]:
    chunk: list[tuple[Any, str, int]] = []
    size = 0
    for item in items:
        if chunk and (len(chunk) == _MAXIMUM_ENTRIES or size + item[2] > _MAXIMUM_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += item[2]
    if chunk:
        yield chunk


def _send_all(
    items: Sequence[tuple[Any, str, int]],
    send: Callable[[list[dict[str, Any]]], Mapping[str, Any]],
    entry: Callable[[Any, str], dict[str, Any]],
    sleep: Callable[[float], None],
) -> list[Undelivered]:
    """Send (item, body, bytes) in batches; retry what is refused; return what stays refused."""
    undelivered: list[Undelivered] = []
    for chunk in _chunks(items):
        pending = {str(number): item for number, item in enumerate(chunk)}
        refusals: dict[str, str] = {}
        for pause in (*_PAUSES, None):
            try:
                response = send([{"Id": key, **entry(*item[:2])} for key, item in pending.items()])
            except aws.errors() as error:
                code = aws.code(error)
                refusals = dict.fromkeys(pending, code)
                final = set(pending) if code in _FINAL_CODES else set()
            else:
                failures = response.get("Failed") or []
                refusals = {str(each.get("Id")): str(each.get("Code")) for each in failures}
                pending = {key: item for key, item in pending.items() if key in refusals}
                final = {str(each.get("Id")) for each in failures if each.get("SenderFault")}
            undelivered += [
                Undelivered(pending[key][0], refusals[key]) for key in pending if key in final
            ]
            pending = {key: item for key, item in pending.items() if key not in final}
            if not pending or pause is None:
                break
            sleep(pause)
        undelivered += [Undelivered(item[0], refusals[key]) for key, item in pending.items()]
    return undelivered


class AlertPublisher:
    """Publishes alerts to one SNS topic."""

    def __init__(
        self,
        topic_arn: str,
        client: aws.ClientFactory = aws.client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._topic_arn = topic_arn
        self._client = client
        self._sleep = sleep

    def publish(self, batch: Iterable[Alert]) -> list[Undelivered]:
        """Publish each alert as a message of its own; return those that SNS did not take."""
        items = [
            (alert, body := alerts.encode(alert, now()), len(body) + _ATTRIBUTES_BYTES)
            for alert in batch
        ]
        if not items:
            return []
        sns = self._client("sns")

        def send(entries: list[dict[str, Any]]) -> Mapping[str, Any]:
            response: Mapping[str, Any] = sns.publish_batch(
                TopicArn=self._topic_arn, PublishBatchRequestEntries=entries
            )
            return response

        def entry(alert: Alert, body: str) -> dict[str, Any]:
            return {
                "Message": body,
                "Subject": alerts.subject(alert),
                "MessageAttributes": alerts.attributes(alert),
            }

        return _send_all(items, send, entry, self._sleep)


class DeadLetterQueue:
    """Keeps what could not be processed in one SQS queue, for a person to look at."""

    def __init__(
        self,
        queue_url: str,
        client: aws.ClientFactory = aws.client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._queue_url = queue_url
        self._client = client
        self._sleep = sleep

    def send(self, letters: Iterable[Mapping[str, Any]]) -> list[Undelivered]:
        """Send each letter; return those that SQS did not take."""
        items = [(each, body := json.dumps(each), len(body)) for each in letters]
        if not items:
            return []
        sqs = self._client("sqs")

        def send(entries: list[dict[str, Any]]) -> Mapping[str, Any]:
            response: Mapping[str, Any] = sqs.send_message_batch(
                QueueUrl=self._queue_url, Entries=entries
            )
            return response

        return _send_all(items, send, lambda _, body: {"MessageBody": body}, self._sleep)
