"""How values are worded for the readers of a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

MAXIMUM_CHARACTERS = 2_000


def in_words(value: Any) -> str:
    """`value` as a reader of the report wants it: sets and lists joined, nothing spelled `None`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={in_words(item)}" for key, item in value.items()) or "nothing"
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(in_words, value))) or "nothing"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_words, value)) or "nothing"
    shown = str(value)
    return shown if len(shown) <= MAXIMUM_CHARACTERS else shown[:MAXIMUM_CHARACTERS] + "..."


def utc_time(moment: datetime) -> str:
    """A moment in UTC to the second, as CloudTrail writes it: 2026-01-31T08:00:00Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def time_span(start: datetime, end: datetime) -> str:
    """The stretch of time from `start` to `end`, both in UTC."""
    return f"{utc_time(start)} to {utc_time(end)}"


def hours_or_minutes(length: timedelta) -> str:
    """A length of time: in hours from one hour on, in minutes below (`1.5 h`, `36 min`)."""
    hours, minutes = length / timedelta(hours=1), length / timedelta(minutes=1)
    return f"{hours:g} h" if hours >= 1 else f"{minutes:.3g} min"


def byte_count(count: int) -> str:
    """A number of bytes: in megabytes from 0.1 MB on, in kilobytes below."""
    return f"{count / 1_000_000:,.1f} MB" if count >= 100_000 else f"{count / 1_000:,.1f} kB"
