"""By which paths an act came to the function, as the ledger of alerts tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from verify.run.verification import Run

QUICK, LOGS = "eventbridge", "logs"
NAMES = {QUICK: "EventBridge", LOGS: "the log group"}


@dataclass(frozen=True)
class Seen:
    """An event's arrival by one path: at the path's end, where it says so, and at the function."""

    arrived: datetime | None
    received: datetime


def required_paths(baseline: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths by which each act must come: the log group's, and EventBridge's if it has rules."""
    return (QUICK, LOGS) if baseline["function"]["event_path"] else (LOGS,)


def seen_by(run: Run, alert_id: str) -> Mapping[str, Seen]:
    """The paths by which the event of an alert has come so far. Raises ActionFailedError."""
    wanted = required_paths(run.baseline)
    answer = run.aws.poll(
        "dynamodb",
        "get_item",
        worth_keeping=lambda response: set(wanted) <= read_item(response.get("Item", {})).keys(),
        TableName=run.deployment.ledger_table_name,
        Key={"id": {"S": alert_id}},
        ConsistentRead=True,
    )
    return read_item(answer.get("Item", {}))


def read_item(item: Mapping[str, Any]) -> Mapping[str, Seen]:
    """What an item of the ledger says of the paths."""
    return {
        path: Seen(_moment(item, f"arrived_{path}"), received)
        for path in NAMES
        if (received := _moment(item, f"seen_{path}")) is not None
    }


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    """A time of the item, in milliseconds since 1970; None where it has none."""
    value = item.get(name)
    text = value.get("N") if isinstance(value, Mapping) else None
    if not isinstance(text, str) or not text.isdigit():
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)
