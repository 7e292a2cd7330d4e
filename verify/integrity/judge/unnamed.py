"""Log files that no digest at hand names: which of them a digest must name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from verify.integrity.judge.anomaly import AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Node
from verify.integrity.judge.coverage import Interval
from verify.wording import utc_time

# A log file's name carries the minute at which it was made; it may be delivered a little later, and
# it is the time of delivery that decides which digest names it.
_DELIVERY_SLACK = timedelta(minutes=16)

# A log file that was processed late is named by a backfill digest alone. How much later that comes
# CloudTrail does not say: for so long after its arrival a file that no digest names awaits one.
BACKFILL_PATIENCE = timedelta(hours=24)


class Standing(Enum):
    """What it means that no digest names a log file."""

    UNREFERENCED = "a digest of its time is there and should name it"
    UNCOVERED = "no digest of its time is there, although it should be by now"
    PENDING = "the digest of its time is still to come"
    OUTSIDE = "it was not delivered in the period"


@dataclass(frozen=True)
class Vouching:
    """What the digests of a day vouch for, in a period from `start` to `end`.

    `covered` is the time that they cover, a union; `chain` are the proven ones in order; `due` is
    the time before which all digests should be there.
    """

    start: datetime
    end: datetime
    due: datetime
    covered: Sequence[Interval]
    chain: Sequence[Node]

    def standing(self, made: datetime | None, arrived: datetime) -> Standing:
        """The standing of a log file that no digest names.

        `made` is the time in its name, None where it has no such name; `arrived` is when S3 noted
        its first version.
        """
        if made is None:
            return Standing.UNREFERENCED
        if not self.start <= made < self.end:
            return Standing.OUTSIDE
        if self._must_be_named(arrived) or any(
            since <= made and made + _DELIVERY_SLACK <= until for since, until in self.covered
        ):
            return Standing.UNREFERENCED
        return Standing.PENDING if made >= self.due - _DELIVERY_SLACK else Standing.UNCOVERED

    def _must_be_named(self, arrived: datetime) -> bool:
        """Whether digests at hand must name what arrived in the bucket at a moment.

        Somebody who puts a file there chooses its name, but not when S3 notes its arrival. That
        may differ a little from what CloudTrail calls delivered, so that the digests before and
        after that of the moment must be at hand, too.
        """
        for index, digest in enumerate(self.chain):
            if digest.start <= arrived < digest.end:
                before, after = self.chain[max(index - 1, 0)], self.chain[index + 1 :][:1]
                return (digest.previous is None or _adjoin(before, digest)) and any(
                    _adjoin(digest, following) for following in after
                )
        return False


def judge_unnamed(arrived: datetime, now: datetime) -> Discrepancy:
    """What to say of a log file that arrived at a moment and that no digest names, as one should.

    Source: CloudTrail User Guide, "CloudTrail digest file structure", on backfill digests.
    """
    expected = "a digest that names it: those of the time are there"
    if now - arrived < BACKFILL_PATIENCE:
        return Discrepancy(
            AnomalyKind.LOG_AWAITING_BACKFILL,
            expected,
            f"none does yet; a backfill digest may until {utc_time(arrived + BACKFILL_PATIENCE)}",
        )
    return Discrepancy(AnomalyKind.LOG_UNREFERENCED, expected, "none does")


def _adjoin(digest: Node, following: Node) -> bool:
    return digest is not following and digest.end == following.start
