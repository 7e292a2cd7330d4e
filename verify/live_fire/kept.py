"""What live fire did and saw, as JSON holds it, to be judged again from the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from verify.live_fire.alarms import Ringing
from verify.live_fire.alert import Alert
from verify.live_fire.paths import Seen
from verify.live_fire.result import VolleyResult
from verify.live_fire.shot import Act, Shot
from verify.live_fire.sweep import Left
from verify.model import NotVerifiedError

Document = dict[str, Any]


def written(result: VolleyResult) -> Document:
    """A result as JSON holds it."""
    return {
        "shots": {key: _shot(shot) for key, shot in result.shots.items()},
        "alarms": [
            {
                "alarm": ringing.alarm,
                "shots": [shot.of.key for shot in ringing.shots],
                "rang_before": ringing.rang_before,
                "heard": _alert(ringing.heard),
            }
            for ringing in result.alarms
        ],
        "strangers": result.strangers,
        "interrupted": result.interrupted,
        "swept": list(result.swept),
        "left": list(result.left.names),
        "not_removed": result.not_removed,
        "evidence": result.evidence,
    }


def read(document: Mapping[str, Any], acts: Iterable[Act]) -> VolleyResult:
    """The result that `written` gave. Raises NotVerifiedError for an act that is none of `acts`."""
    known = {act.key: act for act in acts}
    if unknown := sorted(document["shots"].keys() - known.keys()):
        raise NotVerifiedError(
            f"the evidence is of acts that this version does not know: {', '.join(unknown)}"
        )
    shots = {key: _read_shot(known[key], found) for key, found in document["shots"].items()}
    return VolleyResult(
        shots,
        alarms=tuple(
            Ringing(
                found["alarm"],
                tuple(shots[key] for key in found["shots"]),
                found["rang_before"],
                _read_alert(found["heard"]),
            )
            for found in document["alarms"]
        ),
        strangers=document["strangers"],
        interrupted=document["interrupted"],
        swept=tuple(document["swept"]),
        left=Left(subscriptions=tuple(document["left"])),
        not_removed=list(document["not_removed"]),
        evidence=list(document["evidence"]),
    )


def _shot(shot: Shot) -> Document:
    return {
        "subject": shot.subject,
        "started": _text(shot.started),
        "ended": _text(shot.ended),
        "clock": shot.clock,
        "seconds": shot.seconds,
        "clock_offset_seconds": shot.clock_offset.total_seconds(),
        "alert": _alert(shot.alert),
        "duplicates": shot.duplicates,
        "paths": {
            path: {"arrived": _text(seen.arrived), "received": _text(seen.received)}
            for path, seen in shot.paths.items()
        },
        "prevented": shot.prevented,
        "error": None if shot.error is None else str(shot.error),
        "evidence": shot.evidence,
    }


def _read_shot(act: Act, found: Mapping[str, Any]) -> Shot:
    return Shot(
        act,
        subject=found["subject"],
        started=_moment(found["started"]),
        ended=_moment(found["ended"]),
        clock=found["clock"],
        seconds=found["seconds"],
        clock_offset=timedelta(seconds=found["clock_offset_seconds"]),
        alert=_read_alert(found["alert"]),
        duplicates=found["duplicates"],
        paths={
            path: Seen(_moment(seen["arrived"]), datetime.fromisoformat(seen["received"]))
            for path, seen in found["paths"].items()
        },
        prevented=found["prevented"],
        error=None if found["error"] is None else NotVerifiedError(found["error"]),
        evidence=list(found["evidence"]),
    )


def _alert(alert: Alert | None) -> Document | None:
    if alert is None:
        return None
    return {
        "body": alert.body,
        "attributes": dict(alert.attributes),
        "notification_time": _text(alert.notification_time),
        "sent_time": _text(alert.sent_time),
        "received_time": _text(alert.received_time),
        "received_clock": alert.received_clock,
    }


def _read_alert(found: Mapping[str, Any] | None) -> Alert | None:
    if found is None:
        return None
    return Alert(
        body=found["body"],
        attributes=found["attributes"],
        notification_time=_moment(found["notification_time"]),
        sent_time=_moment(found["sent_time"]),
        received_time=datetime.fromisoformat(found["received_time"]),
        received_clock=found["received_clock"],
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
