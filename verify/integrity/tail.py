"""Whether digests that should be there by now are: the end of a chain has no successor to tell.

Source: CloudTrail API Reference, GetTrailStatus; CloudTrail User Guide, "CloudTrail digest file
structure" (a digest each hour, also without activity; a final one when logging is stopped).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.integrity.coverage import RESOLUTION, Interval, gaps, union
from verify.integrity.finding import Kind
from verify.integrity.layout import DIGEST_PERIOD
from verify.integrity.wording import span, text

LATENESS = timedelta(hours=1)
# A final digest covers the StopLogging event; its end may be a little before the call's own time.
_STOP_ALLOWANCE = timedelta(minutes=5)
_SHORTEST_PERIOD = timedelta(minutes=30)


@dataclass(frozen=True)
class TrailStatus:
    """What GetTrailStatus says in one region."""

    is_logging: bool
    latest_digest_delivery: datetime | None
    latest_digest_error: str | None
    stopped: datetime | None


@dataclass(frozen=True)
class Judged:
    """A finding about a stretch of time."""

    kind: Kind
    expected: str
    seen: str


def judge_gaps(
    start: datetime,
    end: datetime,
    covered: Sequence[Interval],
    explained: Sequence[Interval],
    newest: Interval | None,
    status: TrailStatus | None,
    now: datetime,
    lateness: timedelta = LATENESS,
) -> list[Judged]:
    """Judge the time from `start` to `end` that no digest covers and of which nothing is said yet.

    `newest` is the time of the newest digest that exists, None when there is none; `status` is
    None when it could not be read. `lateness` is how long a digest may take to be delivered.
    """
    found: list[Judged] = []
    known = union((*covered, *explained))
    for one, other in gaps(known, start, end):
        is_tail = other == end and (newest is None or newest[1] <= one + RESOLUTION)
        if not is_tail:
            found.append(
                Judged(
                    Kind.GAP,
                    f"digests for {span(one, other)}",
                    "none: logging or log file validation was off, or began only then",
                )
            )
            continue
        due = min(end, now - DIGEST_PERIOD - lateness)
        if one >= due - RESOLUTION:
            found.append(
                Judged(
                    Kind.DIGEST_PENDING,
                    f"a digest for {span(one, other)}, within {lateness} of its end",
                    "none yet",
                )
            )
            continue
        found.append(_judge_tail(one, other, newest, status))
    return found


def _judge_tail(
    reached: datetime, end: datetime, newest: Interval | None, status: TrailStatus | None
) -> Judged:
    expected = f"digests for {span(reached, end)}"
    since = "no digest" if newest is None else f"no digest after {text(newest[1])}"
    if status is None:
        return Judged(
            Kind.GAP, expected, f"{since}, and whether there should be is unknown (no trail status)"
        )
    delivered = status.latest_digest_delivery
    if delivered is not None:
        # The next digest can only have been delivered after its own hour was over.
        period = (
            _SHORTEST_PERIOD if newest is None else max(newest[1] - newest[0], _SHORTEST_PERIOD)
        )
        next_due = reached if newest is None else newest[1] + period
        if delivered >= next_due:
            return Judged(
                Kind.NEWEST_DIGEST_MISSING,
                f"{expected}: CloudTrail delivered the latest at {text(delivered)}",
                since,
            )
    if status.latest_digest_error:
        return Judged(
            Kind.DIGESTS_LATE, expected, f"{since}: delivery fails ({status.latest_digest_error})"
        )
    stopped = status.stopped
    if not status.is_logging:
        if stopped is None or stopped <= reached + _STOP_ALLOWANCE:
            return Judged(Kind.GAP, expected, f"{since}: the trail is not logging")
        return Judged(
            Kind.NEWEST_DIGEST_MISSING,
            f"a final digest up to {text(stopped)}, when logging was stopped",
            since,
        )
    return Judged(Kind.DIGESTS_LATE, expected, f"{since}, although the trail is logging")
