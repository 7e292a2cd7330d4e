"""What is asked for: a period, and what an act must be to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from verify.investigate.act import Act

KEPT_FOR = timedelta(days=90)  # CloudTrail's event history
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([mhd])")


@dataclass(frozen=True)
class Question:
    """`since` to `until`, in UTC; the rest narrows it, and an empty text does not."""

    since: datetime
    until: datetime
    resource: str = ""
    principal: str = ""
    role: str = ""
    event: str = ""
    failed: bool = False
    changes: bool = False

    def attributes(self) -> tuple[tuple[str, str], ...]:
        """What LookupEvents can be asked for, one at a time: the narrowest that is known.

        A resource may be recorded by its ARN or by the name in it: both are asked for. Empty for
        all events.
        """
        if self.resource:
            short = re.split(r"[:/]", self.resource)[-1]
            return tuple(("ResourceName", name) for name in dict.fromkeys((self.resource, short)))
        if self.principal:
            return (("Username", re.split(r"[:/]", self.principal)[-1]),)
        if self.event:
            return (("EventName", self.event),)
        return (("ReadOnly", "false"),) if self.changes else ()

    def admits(self, act: Act) -> bool:
        """Whether an act, of those that the attribute let through, is asked for.

        The attribute alone judges the resource: what a record's resources are, CloudTrail knows.
        """
        return (
            self.since <= act.time <= self.until
            and (not self.event or act.action.partition(":")[2] == self.event)
            and (not self.principal or self.principal in (act.principal, act.parts()[-1]))
            and (not self.role or self.role in act.parts()[1:-1])
            and (not self.failed or bool(act.error))
            and (not self.changes or not act.read_only)
        )


def moment(text: str, now: datetime) -> datetime:
    """A time: ``2h``, ``90m`` or ``3d`` before `now`, or one in ISO 8601, UTC without an offset.

    Raises ValueError with the remedy for anything else.
    """
    span = _SPAN.fullmatch(text)
    if span:
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: say how long ago (90m, 2h, 3d), or when (2026-05-01T12:00)"
        ) from None
