"""Reading CloudTrail records whose shape cannot be trusted.

CloudTrail writes one meaning in several dresses: a list with one member may be an object, an empty
list may be ``{}`` or ``""``, flags may be strings, and whatever the caller sent stands in
``requestParameters``. Every reader here accepts any JSON value and never raises.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_EMPTY: Mapping[str, Any] = {}
# Beginnings of eventType, in lower case.
_COPIES = ("awsvpce",)
_NO_CALLS = (*_COPIES, "awsserviceevent", "awscloudtrailinsight")


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def text(value: object) -> str | None:
    """The value if it is a non-empty string; of a list (S3's form before 2020) its first member."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) and value else None


def flag(value: object) -> bool | None:
    """True or False for a JSON boolean or its spelling in a string, else None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def number(value: object) -> float | None:
    """A number given as such or in a string, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """A whole number given as such or in a string, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= 20 and value.lstrip("-").isdecimal():
        try:
            return int(value)
        except ValueError:  # such as "--1"
            return None
    return None


def members(value: object) -> list[Any]:
    """The members of a list in any of CloudTrail's forms.

    A JSON list; ``{"items": [...]}`` (EC2); ``{"item": ...}`` (EC2's newer responses); a single
    member in place of the list (XML requests); nothing at all as null, ``{}`` or ``""``.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if not value:
            return []
        for key in ("items", "item"):
            if key in value:
                return members(value[key])
        return [value]
    if value is None or value == "":
        return []
    return [value]


def objects(value: object) -> Iterator[Mapping[str, Any]]:
    """Those members of a list that are JSON objects."""
    return (member for member in members(value) if isinstance(member, dict))


def texts(value: object) -> list[str]:
    """Those members of a list that are non-empty strings."""
    return [member for member in members(value) if isinstance(member, str) and member]


def spelled(value: object) -> Mapping[str, Any]:
    """The members of a JSON object by their names in lower case.

    A service that takes its API's names from the caller as they are logs ``IsMultiRegionTrail``
    where CloudTrail otherwise writes ``isMultiRegionTrail``.
    """
    return {key.lower(): member for key, member in mapping(value).items()}


def dig(value: object, *path: str) -> Any:
    """What stands at a path of keys, or None where the path ends early."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def is_omission(value: object) -> bool:
    """Whether the value stands in place of one that CloudTrail left out for its size."""
    return isinstance(value, dict) and flag(value.get("omitted")) is True


def _without_omissions(part: object) -> Mapping[str, Any]:
    """A part of the record with what it holds indeed; empty if it was left out as a whole."""
    held = mapping(part)
    if is_omission(held):
        return _EMPTY
    if not any(map(is_omission, held.values())):
        return held
    return {key: value for key, value in held.items() if not is_omission(value)}


def is_copy_or_notice(record: Mapping[str, Any]) -> bool:
    """Whether the record is no call of this account's management: nothing to judge by its name.

    ``eventCategory`` Insight tells of rates, NetworkActivity is the copy for a VPC endpoint's
    owner of a call that may be another account's, Data is about what a resource holds; a service
    event (``eventType``) is what AWS did itself (CloudTrail user guide, "CloudTrail record
    contents"). Records of old lack both.
    """
    category, kind = record.get("eventCategory"), record.get("eventType")
    if isinstance(category, str) and category and category.lower() != "management":
        return True
    return isinstance(kind, str) and kind.lower().startswith(_NO_CALLS)


def is_data_event(record: Mapping[str, Any]) -> bool:
    """Whether the record is a call of this account's about what a resource holds."""
    category, kind = record.get("eventCategory"), record.get("eventType")
    return (
        isinstance(category, str)
        and category.lower() == "data"
        and not (isinstance(kind, str) and kind.lower().startswith(_NO_CALLS))
    )


def is_anothers_copy(record: Mapping[str, Any]) -> bool:
    """Whether the record shows a call to the owner of the VPC endpoint that it went through."""
    category, kind = record.get("eventCategory"), record.get("eventType")
    return (isinstance(category, str) and category.lower() == "networkactivity") or (
        isinstance(kind, str) and kind.lower().startswith(_COPIES)
    )


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudTrail record, opened as far as every rule needs it."""

    source: str
    name: str
    parameters: Mapping[str, Any]
    response: Mapping[str, Any]
    identity: Mapping[str, Any]
    account: str | None
    region: str | None
    record: Mapping[str, Any]

    @property
    def invoked_by(self) -> str | None:
        """The service that made the call for somebody, where one did."""
        return text(self.identity.get("invokedBy"))


def open_event(record: Mapping[str, Any], source: str, name: str) -> Event:
    """The record as an :class:`Event`; absent, omitted or wrongly typed parts become empty."""
    identity = mapping(record.get("userIdentity"))
    return Event(
        source=source,
        name=name,
        parameters=_without_omissions(record.get("requestParameters")),
        response=_without_omissions(record.get("responseElements")),
        identity=identity,
        account=text(record.get("recipientAccountId")) or text(identity.get("accountId")),
        region=text(record.get("awsRegion")),
        record=record,
    )


def owner_of(name: str | None) -> str | None:
    """The account in an ARN of any partition, or that an account's id is; None for other names."""
    if name is None:
        return None
    if len(name) == 12 and name.isdigit():
        return name
    parts = name.split(":", 5)
    return parts[4] or None if len(parts) == 6 and parts[0] == "arn" else None


def resource_in(event: Event) -> str | None:
    """The first resource that the record names beside the request (``resources``), by its ARN."""
    for resource in objects(event.record.get("resources")):
        if arn := text(resource.get("ARN")) or text(resource.get("arn")):
            return arn
    return None


def failed(record: Mapping[str, Any]) -> bool:
    """Whether the call was refused or broke, so that it changed nothing.

    ``errorCode`` says so for API calls (empty in some records of successful ones). Sign-in events
    have none: there ``responseElements`` repeats the event's name with ``Failure``. EC2 reports
    ``_return: false``.
    """
    if record.get("errorCode"):
        return True
    response = record.get("responseElements")
    if not isinstance(response, dict):
        return False
    if response.get("_return") is False:
        return True
    name = record.get("eventName")
    outcome = response.get(name) if isinstance(name, str) else None
    return isinstance(outcome, str) and outcome.lower() == "failure"
