"""Sending: alerts to the SNS topic, what could not be processed to the SQS dead-letter queue."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Something to send: the item itself, its text, and the bytes that it takes of a batch."""

    item: Any
    body: str
    size: int


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an entry of a batch was not taken; ``final`` says that no retry would mend it."""

    code: str
    final: bool


_Entries = list[dict[str, Any]]
_Send = Callable[[_Entries], Mapping[str, Any]]
_AsEntry = Callable[[_Parcel], dict[str, Any]]


def _batches(parcels: Iterable[_Parcel]) -> Iterator[list[_Parcel]]:
    batch: list[_Parcel] = []
    size = 0
    for parcel in parcels:
        if batch and (len(batch) == _MAXIMUM_ENTRIES or size + parcel.size > _MAXIMUM_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(parcel)
        size += parcel.size
    if batch:
        yield batch


def _send_all(
    parcels: Iterable[_Parcel], send: _Send, as_entry: _AsEntry, sleep: Callable[[float], None]
) -> list[Undelivered]:
    """Send in batches; retry what is refused; return what stays refused."""
    return [
        undelivered
        for batch in _batches(parcels)
        for undelivered in _send_batch(batch, send, as_entry, sleep)
    ]


def _send_batch(
    batch: list[_Parcel], send: _Send, as_entry: _AsEntry, sleep: Callable[[float], None]
) -> Iterator[Undelivered]:
    pending = {str(number): parcel for number, parcel in enumerate(batch)}
    for pause in (*_PAUSES, None):
        entries = [{"Id": key, **as_entry(parcel)} for key, parcel in pending.items()]
        refusals = _refusals(send, entries)
        refused = {key: parcel for key, parcel in pending.items() if key in refusals}
        pending = {}
        for key, parcel in refused.items():
            if refusals[key].final or pause is None:
                yield Undelivered(parcel.item, refusals[key].code)
            else:
                pending[key] = parcel
        if not pending or pause is None:
            return
        sleep(pause)


def _refusals(send: _Send, entries: _Entries) -> dict[str, _Refusal]:
    """What was refused of one call, by the entry's Id."""
    try:
        response = send(entries)
    except aws.errors() as error:
        code = aws.code(error)
        return {entry["Id"]: _Refusal(code, code in _FINAL_CODES) for entry in entries}
    return {
        str(each.get("Id")): _Refusal(str(each.get("Code")), bool(each.get("SenderFault")))
        for each in response.get("Failed") or []
    }


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
        parcels = [
            _Parcel(alert, body := alerts.encode(alert, now()), len(body) + _ATTRIBUTES_BYTES)
            for alert in batch
        ]
        if not parcels:
            return []
        sns = self._client("sns")

        def send(entries: _Entries) -> Mapping[str, Any]:
            response: Mapping[str, Any] = sns.publish_batch(
                TopicArn=self._topic_arn, PublishBatchRequestEntries=entries
            )
            return response

        def as_entry(parcel: _Parcel) -> dict[str, Any]:
            return {
                "Message": parcel.body,
                "Subject": alerts.subject(parcel.item),
                "MessageAttributes": alerts.attributes(parcel.item),
            }

        return _send_all(parcels, send, as_entry, self._sleep)


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
        parcels = [_Parcel(each, body := json.dumps(each), len(body)) for each in letters]
        if not parcels:
            return []
        sqs = self._client("sqs")

        def send(entries: _Entries) -> Mapping[str, Any]:
            response: Mapping[str, Any] = sqs.send_message_batch(
                QueueUrl=self._queue_url, Entries=entries
            )
            return response

        return _send_all(parcels, send, lambda each: {"MessageBody": each.body}, self._sleep)
