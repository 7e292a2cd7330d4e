"""The alert: what subscribers read for one violation (schema: verify/schemas/alert.schema.json).

Whatever the record holds, an alert stays small: SNS takes 256 KB for a whole batch of ten. It
carries only what a rule chose from the record, never environment variables, request bodies or keys.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from .model import Violation
from .record import dig, mapping, text
from .times import as_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .scan import Report

SCHEMA_VERSION = "1.0"
SCAN_RULE = "account-scan"
MAXIMUM_ALERT_BYTES = 20_000
_MAXIMUM_TEXT = 512
_MAXIMUM_MEMBERS = 20
_MAXIMUM_DEPTH = 5

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def alert_id(event_id: str, rule: str) -> str:
    """The identity of an alert: the same violation delivered twice has the same one."""
    from hashlib import sha256  # 3 ms at import, needed for alerts alone

    return sha256(f"{event_id}\n{rule}".encode("utf-8", "surrogatepass")).hexdigest()


def _cut(value: object, length: int) -> str | None:
    return value[:length] if isinstance(value, str) and value else None


def _bounded(value: object, depth: int = 0) -> tuple[Any, bool]:
    """The value cut to a bounded size, and whether anything was cut."""
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
        cut = len(value) > _MAXIMUM_MEMBERS
        for key, member in list(value.items())[:_MAXIMUM_MEMBERS]:
            result[str(key)[:128]], member_cut = _bounded(member, depth + 1)
            cut = cut or member_cut
        return result, cut
    if isinstance(value, (list, tuple)):
        members = [_bounded(member, depth + 1) for member in value[:_MAXIMUM_MEMBERS]]
        cut = len(value) > _MAXIMUM_MEMBERS or any(member_cut for _, member_cut in members)
        return [member for member, _ in members], cut
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
        "type": _cut(identity.get("type"), 128),
        "arn": _cut(arn, 2048),
        "name": _cut(name, 512),
        "source_ip_address": _cut(record.get("sourceIPAddress"), 256),
        "user_agent": _cut(record.get("userAgent"), 1024),
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
) -> dict[str, Any]:
    """The alert for one violation; times in milliseconds. Its published time is still open."""
    details, cut = _bounded(violation.details)
    if cut:
        details["truncated"] = True
    rule = violation.rule
    event_time = _cut(record.get("eventTime"), 64)
    alert = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": alert_id(event_id, rule.id),
        "rule": rule.id,
        "title": rule.title,
        "severity": violation.severity,
        "account": account_of(record),
        "region": _cut(record.get("awsRegion"), 64) or "unknown",
        "environment": environment[:64],
        "resource": {
            "type": violation.resource_type,
            "id": _cut(violation.resource_id, 2048),
        },
        "actor": actor(record),
        "event": {
            "event_id": _cut(record.get("eventID"), 256),
            "event_name": _cut(record.get("eventName"), 256),
            "event_source": _cut(record.get("eventSource"), 256),
            "event_time": event_time,
            "request_id": _cut(record.get("requestID"), 256),
        },
        "reason": violation.reason[:2048],
        "details": details,
        "citations": list(rule.citations),
        "basis": violation.basis,
        "timing": {
            "event_time": event_time,
            "delivered_time": None if delivered is None else as_iso(delivered),
            "received_time": as_iso(received),
            "published_time": as_iso(received),
        },
    }
    if violation.not_read:
        alert["not_read"] = [each.as_details() for each in violation.not_read[:_MAXIMUM_MEMBERS]]
    return alert


def build_summary(
    report: Report,
    event: Mapping[str, Any],
    *,
    account: str | None,
    region: str | None,
    environment: str,
    received: int,
) -> dict[str, Any]:
    """The alert for a scan that found something; ``event`` is EventBridge's scheduled one."""
    faults = sorted(report.faults, key=lambda each: (each.severity != report.severity, each.check))
    examples = "; ".join(f"{fault.resource} {fault.what}" for fault in faults[:3])
    unread = len(report.not_read)
    reason = f"The scan of the account found {len(faults)} faults" + (
        f", such as: {examples}." if examples else "."
    )
    if unread:
        reason += f" {unread} reads brought no answer: what they would have shown may be wrong too."
    event_id = _cut(event.get("id"), 256) or as_iso(received)
    details, cut = _bounded(
        {
            "checks": {check: report.counts(check) for check in report.resources},
            "faults": [fault.as_details() for fault in faults],
        }
    )
    if cut:
        details["truncated"] = True
    alert = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": alert_id(event_id, SCAN_RULE),
        "rule": SCAN_RULE,
        "title": "Account scan found faults",
        "severity": report.severity,
        "account": account or "unknown",
        "region": region or "unknown",
        "environment": environment[:64],
        "resource": {"type": "AWS::Account", "id": account},
        "actor": dict.fromkeys(("type", "arn", "name", "source_ip_address", "user_agent")),
        "event": {
            "event_id": event_id,
            "event_name": _cut(event.get("detail-type"), 256),
            "event_source": _cut(event.get("source"), 256),
            "event_time": _cut(event.get("time"), 64),
            "request_id": None,
        },
        "reason": reason[:2048],
        "details": details,
        "citations": ["164.308(a)(8)", "164.308(a)(1)(ii)(D)"],
        "basis": "live-state",
        "timing": {
            "event_time": _cut(event.get("time"), 64),
            "delivered_time": None,
            "received_time": as_iso(received),
            "published_time": as_iso(received),
        },
    }
    if report.not_read:
        alert["not_read"] = [error.as_details() for _, error in report.not_read[:_MAXIMUM_MEMBERS]]
    return alert


def _shortened(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, dict):
        return {key: _shortened(member, length) for key, member in value.items()}
    if isinstance(value, list):
        return [_shortened(member, length) for member in value]
    return value


def encode(alert: Mapping[str, Any], published: int) -> str:
    """The alert as JSON text of ASCII, at most MAXIMUM_ALERT_BYTES, published at that time."""
    final = {**alert, "timing": {**alert["timing"], "published_time": as_iso(published)}}
    body = _encode(final)
    if len(body) > MAXIMUM_ALERT_BYTES:
        final["details"] = {"truncated": True}
        body = _encode(final)
    # Escapes make six bytes of a character: shorten what the caller could choose until it fits.
    length = 1024
    while len(body) > MAXIMUM_ALERT_BYTES:
        for part in ("resource", "actor", "event", "reason", "region", "environment", "not_read"):
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
    return re.sub(r"[^\x20-\x7e]", "?", value)
