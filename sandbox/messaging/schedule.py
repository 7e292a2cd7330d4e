"""EventBridge schedule expressions: ``rate(1 hour)`` and ``cron(0 8 ? * MON-FRI *)``."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
# AWS counts days of the week from Sunday, 1.
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}


def is_due(expression: str, since: datetime, moment: datetime) -> bool:
    """Whether a schedule that last fired (or began) at ``since`` fires by ``moment``."""
    if rate := _RATE.fullmatch(expression):
        return moment - since >= timedelta(**{f"{rate[2]}s": int(rate[1])})
    if not _CRON.fullmatch(expression):
        return False
    minute = since.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    # The scheduler looks every second; a longer sleep fires once for what it has missed.
    for _ in range(24 * 60):
        if minute > moment:
            return False
        if cron_matches(expression, minute):
            return True
        minute += timedelta(minutes=1)
    return False


def cron_matches(expression: str, minute: datetime) -> bool:
    """Whether a cron expression names this minute (UTC)."""
    found = _CRON.fullmatch(expression)
    if found is None:
        return False
    minutes, hours, days, months, weekdays, years = found.groups()
    weekday = minute.isoweekday() % 7 + 1
    last_day = calendar.monthrange(minute.year, minute.month)[1]
    days = re.sub(r"^L$", str(last_day), days)
    return (
        _matches(minutes, minute.minute, 0, 59, {})
        and _matches(hours, minute.hour, 0, 23, {})
        and _matches(days, minute.day, 1, 31, {})
        and _matches(months, minute.month, 1, 12, _MONTHS)
        and _matches(weekdays, weekday, 1, 7, _DAYS)
        and _matches(years, minute.year, 1970, 2199, {})
    )


def _matches(text: str, value: int, low: int, high: int, names: dict[str, int]) -> bool:
    for part in text.upper().split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text.isdigit() else 1
        if span in ("*", "?"):
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, names)
            last = _number(end, names) if dash else (high if step_text else first)
        if first <= value <= last and (value - first) % max(step, 1) == 0:
            return True
    return False


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text) if text.isdigit() else -1
