"""The alert: what subscribers read for one violation (schema: verify/schemas/alert.schema.json).

Whatever the record holds, an alert stays small: SNS takes 256 KB for a whole batch of ten. It
carries only what a rule chose from the record, never environment variables, request bodies or keys.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from .model import Violation
from .record import dig, mapping, text
from .times import as_iso, from_iso

SCHEMA_VERSION = "1.0"
MAXIMUM_ALERT_BYTES = 20_000
_MAXIMUM_TEXT = 512
MAXIMUM_MEMBERS = 20
_MAXIMUM_DEPTH = 5
_MOST_EVENT_IDS = 20  # of an alert that would be too large
# What holds texts that a caller could choose, in any length.
_OF_THE_CALLER = (
    "resource",
    "actor",
    "event",
    "reason",
    "region",
    "environment",
    "not_read",
    "repeats",
)

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def alert_id(event_id: str, rule: str) -> str:
    """The identity of an alert: the same violation delivered twice has the same one."""
    return sha256(f"{event_id}\n{rule}".encode("utf-8", "surrogatepass")).hexdigest()


def cut(value: object, length: int) -> str | None:
    """The beginning of a text of a record; None for anything else, or nothing."""
    return value[:length] if isinstance(value, str) and value else None


def bounded(value: object, depth: int = 0) -> tuple[Any, bool]:
    """The value with its texts, lists and depth bounded, and whether anything was left out."""
    if isinstance(value, str):
        return value[:_MAXIMUM_TEXT], len(value) > _MAXIMUM_TEXT
    if value is None or isinstance(value, bool):
        return value, False
    if isinstance(value, int):
        return (value, False) if abs(value) < 1 << 64 else (None, True)
    if isinstance(value, float):
        return (value, False) if math.isfinite(value) else (None, True)
    if depth >= _MAXIMUM_DEPTH:
        return None, True
    if isinstance(value, Mapping):
        result: dict[str, Any] = {}
        shortened = len(value) > MAXIMUM_MEMBERS
        for key, member in list(value.items())[:MAXIMUM_MEMBERS]:
            result[str(key)[:128]], member_shortened = bounded(member, depth + 1)
            shortened = shortened or member_shortened
        return result, shortened
    if isinstance(value, (list, tuple)):
        members = [bounded(member, depth + 1) for member in value[:MAXIMUM_MEMBERS]]
        shortened = len(value) > MAXIMUM_MEMBERS or any(each for _, each in members)
        return [member for member, _ in members], shortened
    return None, True


def actor(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Who acted, from where and with what, as far as the record says."""
    identity = mapping(record.get("userIdentity"))
    arn = text(identity.get("arn"))
    name = (
        text(identity.get("userName"))
        or (arn.split(":", 5)[-1].split("/", 1)[-1] if arn else None)
        or text(dig(identity, "onBehalfOf", "userId"))
        or text(identity.get("invokedBy"))
        or text(identity.get("principalId"))
    )
    return {
        "type": cut(identity.get("type"), 128),
        "arn": cut(arn, 2048),
        "name": cut(name, 512),
        "source_ip_address": cut(record.get("sourceIPAddress"), 256),
        "user_agent": cut(record.get("userAgent"), 1024),
    }


def account_of(record: Mapping[str, Any]) -> str:
    """The account in which the event happened, ``unknown`` if the record does not say."""
    for value in (
        record.get("recipientAccountId"),
        mapping(record.get("userIdentity")).get("accountId"),
    ):
        if isinstance(value, str) and len(value) == 12 and value.isascii() and value.isdigit():
            return value
    return "unknown"


def build(
    violation: Violation,
    record: Mapping[str, Any],
    *,
    event_id: str,
    environment: str,
    received: int,
    delivered: int | None,
    path: str = "test",
) -> dict[str, Any]:
    """The alert for one violation that came by this path; times in milliseconds.

    Its published time is still open, and so is the length of its legs.
    """
    details, shortened = bounded(violation.details)
    if shortened:
        details["truncated"] = True
    rule = violation.rule
    event_time = cut(record.get("eventTime"), 64)
    alert = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": alert_id(event_id, rule.id),
        "rule": rule.id,
        "title": violation.title or rule.title,
        "severity": violation.severity,
        "account": account_of(record),
        "region": cut(record.get("awsRegion"), 64) or "unknown",
        "environment": environment[:64],
        "resource": {
            "type": violation.resource_type,
            "id": cut(violation.resource_id, 2048),
        },
        "actor": actor(record),
        "event": {
            "event_id": cut(record.get("eventID"), 256),
            "event_name": cut(record.get("eventName"), 256),
            "event_source": cut(record.get("eventSource"), 256),
            "event_time": event_time,
            "request_id": cut(record.get("requestID"), 256),
        },
        "reason": violation.reason[:2048],
        "details": details,
        "citations": list(rule.citations),
        "basis": violation.basis,
        "path": path,
        "timing": {
            "event_time": event_time,
            "delivered_time": None if delivered is None else as_iso(delivered),
            "received_time": as_iso(received),
            "published_time": as_iso(received),
        },
    }
    if violation.not_read:
        alert["not_read"] = [each.as_details() for each in violation.not_read[:MAXIMUM_MEMBERS]]
    return alert


def _shortened(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, dict):
        return {key: _shortened(member, length) for key, member in value.items()}
    if isinstance(value, list):
        return [_shortened(member, length) for member in value]
    return value


# Between which two times of an alert each of its legs lies.
_LEGS = {
    "event_to_delivered": ("event_time", "delivered_time"),
    "delivered_to_received": ("delivered_time", "received_time"),
    "event_to_received": ("event_time", "received_time"),
    "received_to_published": ("received_time", "published_time"),
}


def _legs(timing: Mapping[str, Any]) -> dict[str, int | None]:
    """How many milliseconds each leg of the alert's way took; None where a time is not known."""
    moments = {name: from_iso(value) for name, value in timing.items()}
    return {
        leg: None
        if (begin := moments.get(first)) is None or (end := moments.get(last)) is None
        else end - begin
        for leg, (first, last) in _LEGS.items()
    }


def encode(alert: Mapping[str, Any], published: int) -> str:
    """The alert as JSON text of ASCII, at most MAXIMUM_ALERT_BYTES, published at that time."""
    timing = {**alert["timing"], "published_time": as_iso(published)}
    final = {**alert, "timing": {**timing, "legs": _legs(timing)}}
    body = _encode(final)
    if len(body) > MAXIMUM_ALERT_BYTES:
        final["details"] = {"truncated": True}
        if repeats := final.get("repeats"):
            final["repeats"] = {**repeats, "event_ids": repeats["event_ids"][:_MOST_EVENT_IDS]}
        body = _encode(final)
    # Escapes make six bytes of a character: shorten what the caller could choose until it fits.
    length = 1024
    while len(body) > MAXIMUM_ALERT_BYTES:
        for part in _OF_THE_CALLER:
            if part in final:
                final[part] = _shortened(final[part], length)
        body = _encode(final)
        length //= 2
    if "AKIA" in body or "ASIA" in body:
        body = re.sub(r"\b(AKIA|ASIA)[A-Z0-9]{8,}", r"\1****", body)
    return body


def subject(alert: Mapping[str, Any]) -> str:
    """A subject that SNS accepts: ASCII, printable, at most 100 characters."""
    return f"[{alert['severity']}] {alert['title']} ({alert['account']})"[:100]


def attributes(alert: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """SNS message attributes for subscription filter policies."""
    return {
        name: {"DataType": "String", "StringValue": _printable(alert[name])}
        for name in ("rule", "severity", "account", "region")
    }


def _printable(value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    return re.sub(r"[^\x20-\x7e]", "?", value)
