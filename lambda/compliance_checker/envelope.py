"""What a Lambda invocation brings: which CloudTrail records, and from where.

Ways in:

* CloudWatch Logs subscription: ``{"awslogs": {"data": base64(gzip(json))}}``, one record in each
  ``logEvents[].message`` (AWS Lambda guide, "Using Lambda with CloudWatch Logs"). A
  ``CONTROL_MESSAGE`` only tests that the function can be reached.
* EventBridge: the record in ``detail`` of "AWS API Call via CloudTrail" and "AWS Console Sign In
  via CloudTrail" (and of the other detail types that end in "via CloudTrail"). Only what AWS itself
  put on the bus counts: its sources begin with ``aws.``, which PutEvents refuses to everybody else
  (EventBridge API reference, PutEventsRequestEntry), and the envelope names the record's account.
* EventBridge's "Scheduled Event": no record, but the time to scan the account.
* EventBridge's "GuardDuty Finding": no record either, but a threat that is told as it stands.
* A direct test: ``{"test": {"records": [...], "findings": [...], "publish": true}}``.

Anything else is refused by name: the function has nothing to do for it, and silence would look
like success.
"""

from __future__ import annotations

import binascii
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .record import mapping, text
from .screen import screen
from .times import from_epoch, from_iso

# Lambda takes 1 MB from CloudWatch Logs; real batches of records grow about twelvefold.
MAXIMUM_DECOMPRESSED_BYTES = 32 * 1024 * 1024
MAXIMUM_TEST_RECORDS = 500
_VIA_CLOUDTRAIL = "via CloudTrail"
_OF_AWS = "aws."
_FINDING = ("GuardDuty Finding", "aws.guardduty")

Path = Literal["logs", "eventbridge", "schedule", "test"]


class UnsupportedEventError(ValueError):
    """The invocation is of a kind that the function does not serve."""


class UnreadableEventError(ValueError):
    """The invocation is of a known kind, but broken."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record as delivered: JSON text, or already parsed.

    ``delivered`` is in milliseconds: when the log group had it, or the time of its envelope on the
    event bus, which is in whole seconds and may be that of the event itself.
    """

    content: str | Mapping[str, Any]
    log_event_id: str | None = None
    delivered: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The records of one invocation and where they came from.

    ``passed_over`` holds the ids of the log events whose records no rule looks at, as their text
    already tells; ``malformed`` the log events without a message; ``findings`` what GuardDuty
    found, which are no records.
    """

    kind: Literal["logs", "control", "eventbridge", "schedule", "test"]
    messages: tuple[Message, ...]
    log_group: str | None = None
    log_stream: str | None = None
    publish: bool = True
    malformed: tuple[object, ...] = ()
    passed_over: tuple[str, ...] = ()
    findings: tuple[Message, ...] = ()

    @property
    def path(self) -> Path:
        """By which path its events came, as alerts and the ledger name it."""
        return "logs" if self.kind == "control" else self.kind

    @property
    def records(self) -> int:
        """How many records were delivered."""
        return len(self.messages) + len(self.malformed) + len(self.passed_over)


def decompress(data: bytes, maximum: int = MAXIMUM_DECOMPRESSED_BYTES) -> bytes:
    """One gzip stream, at most ``maximum`` bytes of content; UnreadableEventError otherwise."""
    stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        content = stream.decompress(data, maximum)
    except zlib.error as error:
        raise UnreadableEventError(f"awslogs.data is not gzip: {error}") from None
    if not stream.eof:
        if stream.unconsumed_tail:
            raise UnreadableEventError(f"awslogs.data holds more than {maximum} bytes")
        raise UnreadableEventError("awslogs.data is cut short")
    return content


_decoder = json.JSONDecoder()


def _read_logs(data: object) -> Delivery:
    if not isinstance(data, str):
        raise UnreadableEventError("awslogs.data is not a string")
    try:
        content = decompress(binascii.a2b_base64(data.encode("ascii"))).decode("utf-8")
        delivery = _skim(content)
        if delivery is not None:
            return delivery
        payload = json.loads(content)
    except (binascii.Error, UnicodeError) as error:
        raise UnreadableEventError(f"awslogs.data is not base64 of UTF-8: {error}") from None
    except RecursionError:
        raise UnreadableEventError("awslogs.data is nested too deeply") from None
    except ValueError as error:  # what is no JSON, and a number of too many digits
        raise UnreadableEventError(f"awslogs.data does not hold JSON: {error}") from None
    if not isinstance(payload, dict):
        raise UnreadableEventError("awslogs.data does not hold a JSON object")
    kind = payload.get("messageType")
    if kind == "CONTROL_MESSAGE":
        return _delivered("control", payload, ())
    if kind != "DATA_MESSAGE":
        raise UnreadableEventError(f"unknown messageType {str(kind)[:64]!r}")
    entries = payload.get("logEvents")
    if not isinstance(entries, list):
        raise UnreadableEventError("logEvents is not a list")
    return _delivered("logs", payload, entries)


def _delivered(
    kind: Literal["logs", "control"],
    payload: Mapping[str, Any],
    entries: Iterable[object],
    passed_over: tuple[str, ...] = (),
) -> Delivery:
    messages: list[Message] = []
    malformed: list[object] = []
    for entry in entries:
        message = entry.get("message") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(message, str):
            delivered = from_epoch(entry.get("timestamp"))
            messages.append(Message(message, text(entry.get("id")), delivered))
        else:
            malformed.append(entry)
    return Delivery(
        kind,
        tuple(messages),
        text(payload.get("logGroup")),
        text(payload.get("logStream")),
        malformed=tuple(malformed),
        passed_over=passed_over,
    )


def _skim(content: str) -> Delivery | None:
    """The delivery without parsing the log events of no concern; None if it is of another form.

    Whatever does not come out whole is left to the parser of all forms.
    """
    screened = screen(content)
    if screened is None:
        return None
    try:
        payload = _decoder.decode(screened.envelope + '"logEvents":[]}')
        kept = [_decoder.decode(event) for event in screened.kept]
    except (ValueError, RecursionError):
        return None
    if payload.get("messageType") != "DATA_MESSAGE" or "logEvents" not in payload:
        return None
    return _delivered("logs", payload, kept, screened.passed_over)


def _read_test(test: object) -> Delivery:
    findings = _test_members(test, "findings", "GuardDuty findings", [])
    records = _test_members(test, "records", "CloudTrail records", [] if findings else None)
    publish = mapping(test).get("publish", True)
    if not isinstance(publish, bool):
        raise UnreadableEventError("test.publish must be true or false")
    return Delivery(
        "test",
        tuple(Message(record) for record in records),
        publish=publish,
        findings=tuple(Message(finding) for finding in findings),
    )


def _test_members(test: object, name: str, what: str, missing: object) -> list[dict[str, Any]]:
    members = mapping(test).get(name, missing)
    if not isinstance(members, list) or not all(isinstance(each, dict) for each in members):
        raise UnreadableEventError(f"test.{name} must be a list of {what}")
    if len(members) > MAXIMUM_TEST_RECORDS:
        raise UnreadableEventError(f"test.{name} holds more than {MAXIMUM_TEST_RECORDS}")
    return members


def _refuse_forgery(event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
    """Refuse what AWS cannot have put on the bus."""
    source, account = event.get("source"), event.get("account")
    if not isinstance(source, str) or not source.startswith(_OF_AWS):
        raise UnsupportedEventError(
            f"EventBridge source {str(source)[:100]!r} is not AWS: the event is not CloudTrail's"
        )
    recipient = detail.get("recipientAccountId", account)
    if not isinstance(account, str) or account != recipient:
        raise UnsupportedEventError(
            f"EventBridge account {str(account)[:100]!r} is not that of the record: "
            f"{str(recipient)[:100]!r}"
        )


def read_event(event: object) -> Delivery:
    """The records of one Lambda invocation.

    Raises UnsupportedEventError for a kind that the function does not serve, UnreadableEventError
    for a broken one.
    """
    if not isinstance(event, dict):
        raise UnsupportedEventError("the event is not a JSON object")
    if "awslogs" in event:
        return _read_logs(mapping(event["awslogs"]).get("data"))
    if "test" in event:
        return _read_test(event["test"])
    detail_type = event.get("detail-type")
    if detail_type == "Scheduled Event" and event.get("source") == "aws.events":
        return Delivery("schedule", ())
    if (detail_type, event.get("source")) == _FINDING:
        finding = Message(mapping(event.get("detail")), delivered=from_iso(event.get("time")))
        return Delivery("eventbridge", (), findings=(finding,))
    if isinstance(detail_type, str):
        if not detail_type.endswith(_VIA_CLOUDTRAIL):
            raise UnsupportedEventError(
                f"EventBridge detail type {detail_type[:100]!r} is not served"
            )
        detail = event.get("detail")
        if not isinstance(detail, dict):
            raise UnreadableEventError("EventBridge detail is not a JSON object")
        _refuse_forgery(event, detail)
        message = Message(detail, delivered=from_iso(event.get("time")))
        return Delivery("eventbridge", (message,))
    keys = ", ".join(sorted(str(key)[:40] for key in event)[:10])
    raise UnsupportedEventError(f"the event is of no known kind; it has the keys: {keys}")


def rehearsed(delivery: Delivery) -> Delivery:
    """The delivery as one that publishes nothing; UnsupportedEventError unless it is a test."""
    if delivery.kind != "test":
        raise UnsupportedEventError(
            f"the rehearsing alias serves tests alone, and this is of the kind {delivery.kind}"
        )
    return replace(delivery, publish=False)


def parse_record(content: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The CloudTrail record of a message; ValueError if it is no JSON object."""
    if not isinstance(content, str):
        return content
    try:
        record = _decoder.decode(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record
