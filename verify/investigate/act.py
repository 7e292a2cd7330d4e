"""One event of CloudTrail as a line of a timeline: who did what to what, from where, and whether.

Source: CloudTrail user guide, "CloudTrail userIdentity element" and "CloudTrail record contents".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

_MAXIMUM_PARAMETERS = 3


class UnreadableRecordError(ValueError):
    """The record has not what every event of CloudTrail has."""


@dataclass(frozen=True)
class Act:
    """What a record says. Texts are AWS's and its callers', as they are: hostile until shown."""

    time: datetime
    event_id: str
    region: str
    action: str  # service:EventName
    who: str
    principal: str  # the ARN, or what there is instead
    where: str  # source address, or the service that called
    agent: str
    on: tuple[str, ...]  # names of resources, or else what the request named
    error: str  # empty if the call was carried out
    read_only: bool

    def parts(self) -> list[str]:
        """The parts of the principal's name: its kind, path and names; of a role, its session's."""
        return self.principal.rpartition(":")[2].split("/")

    def document(self) -> dict[str, Any]:
        """The act as JSON: times in ISO 8601, everything else as it is."""
        return {**asdict(self), "time": self.time.isoformat(), "on": list(self.on)}


def act_of(record: Mapping[str, Any], resources: tuple[str, ...] = ()) -> Act:
    """Read a record; `resources` are the names that LookupEvents gives beside it.

    Raises UnreadableRecordError for one without time, identifier or name.
    """
    try:
        time = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
        source, name = str(record["eventSource"]), str(record["eventName"])
        event_id, region = str(record["eventID"]), str(record["awsRegion"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnreadableRecordError(f"not a record of CloudTrail: {error!r}") from None
    identity = _mapping(record.get("userIdentity"))
    return Act(
        time=time,
        event_id=event_id,
        region=region,
        action=f"{source.partition('.')[0]}:{name}",
        who=_who(identity),
        principal=_text(identity.get("arn")) or _text(identity.get("principalId")),
        where=_text(record.get("sourceIPAddress")) or "unknown",
        agent=_text(record.get("userAgent")),
        on=_on(record, resources),
        error=_error(record),
        read_only=record.get("readOnly") in (True, "true"),
    )


def _who(identity: Mapping[str, Any]) -> str:
    kind, account = _text(identity.get("type")), _text(identity.get("accountId"))
    invoked = _text(identity.get("invokedBy"))
    name = _text(identity.get("userName")) or _text(identity.get("principalId"))
    if kind == "Root":
        who = f"root user of {account or 'an unknown account'}"
    elif kind == "IAMUser":
        who = f"user {name or 'without a name'}"
    elif kind == "AssumedRole":
        who = _session(identity)
    elif kind == "AWSService" or (not kind and invoked):
        return f"service {invoked or name or 'without a name'}"
    elif kind == "AWSAccount":
        who = f"account {account or 'unknown'}"
    elif kind == "IdentityCenterUser":
        person = _text(_mapping(identity.get("onBehalfOf")).get("userId"))
        who = f"identity center user {person or name or 'without a name'}"
    else:
        who = " ".join(filter(None, (kind or "somebody", name)))
    return f"{who}, by way of {invoked}" if invoked else who


def _session(identity: Mapping[str, Any]) -> str:
    """A role and the name of its session, with whom the session says to be, if it does."""
    context = _mapping(identity.get("sessionContext"))
    issuer = _text(_mapping(context.get("sessionIssuer")).get("userName"))
    parts = _text(identity.get("arn")).rpartition(":")[2].split("/")
    role = issuer or (parts[1] if len(parts) > 2 else "unknown")
    session = _text(identity.get("principalId")).partition(":")[2] or parts[-1]
    said = _text(context.get("sourceIdentity"))
    return f"role {role} as {session or 'unknown'}" + (f" (source identity {said})" if said else "")


def _on(record: Mapping[str, Any], resources: tuple[str, ...]) -> tuple[str, ...]:
    listed = record.get("resources")
    named = [
        _text(_mapping(resource).get("ARN") or _mapping(resource).get("resourceName"))
        for resource in (listed if isinstance(listed, list) else [])
    ]
    found = tuple(dict.fromkeys(name for name in (*resources, *named) if name))
    if found:
        return found
    parameters = _mapping(record.get("requestParameters"))
    texts = [f"{key}={value}" for key, value in parameters.items() if isinstance(value, str)]
    return tuple(texts[:_MAXIMUM_PARAMETERS])


def _error(record: Mapping[str, Any]) -> str:
    """Why it was not done. A failed sign-in has no error code, and says so in its answer."""
    code, message = _text(record.get("errorCode")), _text(record.get("errorMessage"))
    if code or message:
        return ": ".join(filter(None, (code, message)))
    answer = _mapping(record.get("responseElements"))
    failed = [key for key, value in answer.items() if value == "Failure"]
    return f"{failed[0]}: Failure" if failed else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
