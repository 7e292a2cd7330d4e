"""Time as AWS writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, with its zone."""
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since the epoch, as CloudWatch Logs counts them."""
    return int(moment.timestamp() * 1000)


def iso_seconds(moment: datetime) -> str:
    """``2026-01-31T10:20:30Z``: CloudTrail's eventTime has no finer resolution."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_milliseconds(moment: datetime) -> str:
    """``2026-01-31T10:20:30.123Z``, as SNS and CloudTrail's digests write it."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def record_text(moment: datetime) -> str:
    """``Oct 21, 2024, 2:25:29 PM``: how records show times of the query and JSON protocols."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return (
        f"{moment.strftime('%b')} {moment.day}, {moment.year}, "
        f"{hour}:{moment.minute:02d}:{moment.second:02d} {half}"
    )
