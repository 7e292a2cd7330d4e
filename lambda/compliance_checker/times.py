"""Points in time as alerts and metrics need them; the unit is milliseconds since 1970 in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache

_LATEST = 253402300799000  # the last second of the year 9999


def now() -> int:
    """The present in milliseconds."""
    return time.time_ns() // 1_000_000


def as_iso(milliseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds, such as ``2026-01-01T00:00:00.000Z``."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second_as_iso(seconds)}.{rest:03d}Z"


# Every line of the log has its time, and most lie in the second of the one before.
@lru_cache(maxsize=8)
def _second_as_iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def from_epoch(value: object) -> int | None:
    """A log event's time stamp if it is a plausible number of milliseconds."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return value
    return None


def from_iso(value: object) -> int | None:
    """CloudTrail's ``eventTime`` in milliseconds, or None if it is no ISO 8601 time."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        milliseconds = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return milliseconds if 0 <= milliseconds <= _LATEST else None
