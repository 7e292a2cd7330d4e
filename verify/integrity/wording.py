"""How times are written in findings."""

from __future__ import annotations

from datetime import datetime


def span(start: datetime, end: datetime) -> str:
    """A stretch of time in words."""
    return f"{text(start)} to {text(end)}"


def text(moment: datetime) -> str:
    """A moment, UTC, as CloudTrail writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
