"""An alert as it comes out of a queue on the alert topic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Alert:
    """An alert as it came: the body, the envelope's and queue's times, and ours."""

    body: Mapping[str, Any]
    attributes: Mapping[str, str]
    notification_time: datetime | None  # SNS's Timestamp
    sent_time: datetime | None  # SQS's SentTimestamp
    received_time: datetime
    received_clock: float

    def is_about(self, subject: str, event_name: str) -> bool:
        """Whether it names the resource `subject` and says that `event_name` was called on it."""
        resource, event = self.body.get("resource"), self.body.get("event")
        return (
            isinstance(resource, Mapping)
            and isinstance(event, Mapping)
            and resource.get("id") == subject
            and event.get("event_name") == event_name
        )


def read_alert(message: Mapping[str, Any], now: datetime, clock: float) -> Alert | None:
    """The alert in an SQS message that SNS sent, None when it holds no alert."""
    try:
        envelope = json.loads(message["Body"])
        body = json.loads(envelope["Message"])
        attributes = {
            name: str(value["Value"])
            for name, value in envelope.get("MessageAttributes", {}).items()
        }
        sent = message.get("Attributes", {}).get("SentTimestamp")
        notified = envelope.get("Timestamp")
        return Alert(
            body=body if isinstance(body, Mapping) else {},
            attributes=attributes,
            notification_time=datetime.fromisoformat(notified) if notified else None,
            sent_time=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
            received_time=now,
            received_clock=clock,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
