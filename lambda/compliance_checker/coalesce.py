"""Floods: many alerts about the same violation become a few, and none is lost.

Hundreds of calls that break one rule on one resource by one actor would bury every other alert.
The first of them in an invocation go out as they are; the rest as one alert that says how many it
stands for, from when until when, and by which events. Only what is the same is drawn together: the
rule, the resource, the actor with the address the calls came from, the severity and, where the call
changed something, its name. A different violation beside a flood is told by itself. Across
invocations that bring one event each, `.gathering` does the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .times import from_iso

SINGLE_ALERTS = 20
_MAXIMUM_EVENT_IDS = 100
_MAXIMUM_EVENT_NAMES = 20
_LONGEST_EVENT_ID = 64

# The id, the name and the time of an event, each where it is known.
_Told = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An alert for one violation; ``reads`` says that its call changed nothing."""

    alert: dict[str, Any]
    reads: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """An alert as it goes out, and the identities of the alerts that it stands for."""

    alert: Mapping[str, Any]
    stands_for: tuple[str, ...]


def sizes(candidates: Iterable[Candidate]) -> dict[tuple[object, ...], int]:
    """How many there are of each kind."""
    return dict(Counter(kind_of(candidate) for candidate in candidates))


def coalesce(
    candidates: Iterable[Candidate],
    told_before: Mapping[tuple[object, ...], int] | None = None,
    singles: int = SINGLE_ALERTS,
) -> list[Notice]:
    """The alerts of one invocation as they go out: ``singles`` of each kind, then one for the rest.

    ``told_before`` says how many of a kind other invocations have told: they count. What stands for
    others has the identity of the first of them, so that the same delivery brings the same alert
    again.
    """
    notices: list[Notice] = []
    seen: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for candidate in candidates:
        alert = candidate.alert
        kind = kind_of(candidate)
        alike = seen.setdefault(kind, [])
        alike.append(alert)
        if len(alike) <= _left(told_before, kind, singles):
            notices.append(Notice(alert, (alert["alert_id"],)))
    for kind, alike in seen.items():
        if rest := alike[_left(told_before, kind, singles) :]:
            identities = tuple(alert["alert_id"] for alert in rest)
            events = [alert["event"] for alert in rest]
            told = [(each["event_id"], each["event_name"], each["event_time"]) for each in events]
            notices.append(together(rest[0], identities, told))
    return notices


def together(
    alert: Mapping[str, Any], identities: tuple[str, ...], events: Sequence[_Told]
) -> Notice:
    """One notice, in the words of the first alert, for alerts of one kind about these events."""
    if len(identities) > 1:
        alert = {**alert, "repeats": _repeats(events)}
    return Notice(alert, identities)


def _left(
    told_before: Mapping[tuple[object, ...], int] | None, kind: tuple[object, ...], singles: int
) -> int:
    return max(0, singles - (told_before or {}).get(kind, 0))


def kind_of(candidate: Candidate) -> tuple[object, ...]:
    """What alerts have in common that may be told together."""
    alert = candidate.alert
    resource, actor = alert["resource"], alert["actor"]
    remediation = alert.get("remediation") or {}
    applied = remediation.get("outcome") == "applied"
    return (
        alert["rule"],
        alert["severity"],
        alert["account"],
        alert["region"],
        resource["type"],
        resource["id"],
        *(actor[part] for part in ("type", "arn", "name", "source_ip_address")),
        None if candidate.reads else alert["event"]["event_name"],
        alert["basis"],
        alert.get("ledger"),
        remediation.get("outcome"),
        # How to undo a change is told for each change.
        alert["alert_id"] if applied else None,
    )


def _repeats(events: Sequence[_Told]) -> dict[str, Any]:
    moments = sorted(
        (moment, event_time)
        for _, _, event_time in events
        if (moment := from_iso(event_time)) is not None
    )
    identifiers = [event_id[:_LONGEST_EVENT_ID] for event_id, _, _ in events if event_id]
    names = dict.fromkeys(name for _, name, _ in events if name)
    return {
        "count": len(events),
        "first_time": moments[0][1] if moments else None,
        "last_time": moments[-1][1] if moments else None,
        "event_ids": identifiers[:_MAXIMUM_EVENT_IDS],
        "event_names": list(names)[:_MAXIMUM_EVENT_NAMES],
    }
