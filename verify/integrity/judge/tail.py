"""Whether digests that should be there by now are: the end of a chain has no successor to tell.

Source: CloudTrail API Reference, GetTrailStatus; CloudTrail User Guide, "CloudTrail digest file
structure" (a digest each hour, also without activity; a final one when logging is stopped).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.integrity.judge.anomaly import AnomalyKind, Discrepancy
from verify.integrity.judge.coverage import RESOLUTION, Interval, gaps, union
from verify.integrity.judge.layout import DIGEST_PERIOD
from verify.wording import time_span, utc_time

LATENESS = timedelta(hours=1)
# A final digest covers the StopLogging event; its end may be a little before the call's own time.
_STOP_ALLOWANCE = timedelta(minutes=5)
_SHORTEST_PERIOD = timedelta(minutes=30)
# The first digest may begin a little after logging was switched on.
SETTLING = timedelta(minutes=15)


@dataclass(frozen=True)
class TrailStatus:
    """What GetTrailStatus says in one region."""

    is_logging: bool
    latest_digest_delivery: datetime | None
    latest_digest_error: str | None
    stopped: datetime | None


@dataclass(frozen=True)
class Departure:
    """Why a trail records nothing any more in an account and region.

    `ended` says that nothing can happen there by now, so that nothing is missing.
    """

    reason: str
    ended: bool


@dataclass(frozen=True)
class Newest:
    """The newest digest that exists: its time, when it was written, and how often digests come."""

    start: datetime
    end: datetime
    delivered: datetime
    pace: timedelta
    proven: bool = True


def judge_gaps(
    start: datetime,
    end: datetime,
    covered: Sequence[Interval],
    explained: Sequence[Interval],
    newest: Newest | None,
    status: TrailStatus | None,
    now: datetime,
    lateness: timedelta = LATENESS,
    begun: datetime | None = None,
    departure: Departure | None = None,
) -> list[Discrepancy]:
    """Judge the time from `start` to `end` that no digest covers and of which nothing is said yet.

    `newest` is the newest digest that exists, None when there is none; `status` is None when it
    could not be read, or was not asked for because nothing is due; it must not be younger than
    the listing of the digests. `lateness` is how long a digest may take to be delivered. `begun` is
    when the trail began to log: nothing is due before. `departure` says why nothing is due any more
    behind the newest digest.
    """
    found: list[Discrepancy] = []
    known = union((*covered, *explained))
    start = start if begun is None else min(max(start, begun), end)
    due = min(end, now - DIGEST_PERIOD - lateness)
    for since, until in gaps(known, start, end):
        if until == end and (newest is None or newest.end <= since + RESOLUTION):
            if status is not None and _knows_a_younger(status, newest, begun, since):
                found.append(_missing(since, until, newest, status))
            elif departure is not None:
                found.append(_departed(since, until, newest, departure))
            elif since >= due - RESOLUTION:
                found.append(_pending(since, until, lateness))
            else:
                found.append(_judge_tail(since, until, newest, status))
        elif since != begun or until - since > SETTLING:
            found.append(_inner_gap(since, until))
    return found


def _departed(
    since: datetime, until: datetime, newest: Newest | None, departure: Departure
) -> Discrepancy:
    """Nothing is missing where nothing can happen, once it is proven up to where it ended."""
    proven = departure.ended and newest is not None and newest.proven
    return Discrepancy(
        AnomalyKind.RECORDING_ENDED if proven else AnomalyKind.GAP,
        f"digests for {time_span(since, until)}",
        f"{_since(newest)}: {departure.reason}",
    )


def _inner_gap(since: datetime, until: datetime) -> Discrepancy:
    return Discrepancy(
        AnomalyKind.GAP,
        f"digests for {time_span(since, until)}",
        "none: logging or log file validation was off, or began only then",
    )


def _pending(since: datetime, until: datetime, lateness: timedelta) -> Discrepancy:
    return Discrepancy(
        AnomalyKind.DIGEST_PENDING,
        f"a digest for {time_span(since, until)}, within {lateness} of its end",
        "none yet",
    )


def _knows_a_younger(
    status: TrailStatus, newest: Newest | None, begun: datetime | None, reached: datetime
) -> bool:
    """Whether CloudTrail says that it delivered a digest which is younger than the newest here."""
    delivered = status.latest_digest_delivery
    if delivered is None or (begun is not None and delivered < begun):
        return False
    if newest is None:
        # Of a period that begins later it may be one from before.
        return reached == begun
    return delivered > newest.delivered + newest.pace / 2


def _missing(
    since: datetime, until: datetime, newest: Newest | None, status: TrailStatus
) -> Discrepancy:
    delivered = status.latest_digest_delivery
    return Discrepancy(
        AnomalyKind.NEWEST_DIGEST_MISSING,
        f"digests for {time_span(since, until)}"
        + (f": CloudTrail delivered the latest at {utc_time(delivered)}" if delivered else ""),
        _since(newest),
    )


def _since(newest: Newest | None) -> str:
    return "no digest" if newest is None else f"no digest after {utc_time(newest.end)}"


def _judge_tail(
    reached: datetime, end: datetime, newest: Newest | None, status: TrailStatus | None
) -> Discrepancy:
    expected = f"digests for {time_span(reached, end)}"
    since = _since(newest)
    if status is None:
        return Discrepancy(
            AnomalyKind.STATUS_UNREADABLE,
            expected,
            f"{since}; GetTrailStatus could not be read",
        )
    delivered = status.latest_digest_delivery
    if delivered is not None:
        # The next digest can only have been delivered after its own hour was over.
        period = (
            _SHORTEST_PERIOD if newest is None else max(newest.end - newest.start, _SHORTEST_PERIOD)
        )
        next_due = reached if newest is None else newest.end + period
        if delivered >= next_due:
            return _missing(reached, end, newest, status)
    if status.latest_digest_error:
        return Discrepancy(
            AnomalyKind.DIGESTS_LATE,
            expected,
            f"{since}: delivery fails ({status.latest_digest_error})",
        )
    stopped = status.stopped
    if not status.is_logging:
        if stopped is None or stopped <= reached + _STOP_ALLOWANCE:
            return Discrepancy(AnomalyKind.GAP, expected, f"{since}: the trail is not logging")
        return Discrepancy(
            AnomalyKind.NEWEST_DIGEST_MISSING,
            f"a final digest up to {utc_time(stopped)}, when logging was stopped",
            since,
        )
    return Discrepancy(
        AnomalyKind.DIGESTS_LATE, expected, f"{since}, although the trail is logging"
    )
