"""A queue on the alert topic, and what comes out of it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from soak.account import Account
from verify.live_fire.alert import read_alert

_NAME = f"soak-alerts-{uuid.uuid4().hex[:8]}"
_POLL_SECONDS = 1
_STOP_SECONDS = 30.0


class Hearing:
    """Hears all that the alert topic says, from `open` on, in a thread of its own."""

    def __init__(self, account: Account, hear: Callable[[Mapping[str, Any]], None]) -> None:
        self._account, self._hear = account, hear
        self._url = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hearing", daemon=True)
        self.others = 0  # messages that are no alerts: alarms'
        self.last = time.monotonic()
        self.fault: Exception | None = None

    def open(self) -> None:
        """Make the queue, subscribe it, and begin."""
        sqs, topic = self._account.client("sqs"), self._account.deployment.alert_topic_arn
        self._url = sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._thread.start()

    def close(self) -> None:
        """Hear no more."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def quiet_for(self, seconds: float) -> bool:
        """Whether nothing has come for so long."""
        return time.monotonic() - self.last > seconds

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                self._poll()
        except Exception as error:  # noqa: BLE001 - the run tells of it; a thread's is not seen
            self.fault = error

    def _poll(self) -> None:
        sqs = self._account.client("sqs")
        answer = sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=_POLL_SECONDS
        )
        for message in answer.get("Messages", []):
            self.last = time.monotonic()
            alert = read_alert(message, datetime.now(UTC), time.monotonic())
            if alert is None or "alert_id" not in alert.body:
                self.others += 1
            else:
                self._hear(alert.body)
            sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
