"""How strings and times are displayed by the writers for people.

Strings in a report come from AWS and from whoever names resources there, so they are hostile
until shown otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from verify.model import WaiverUse

_SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
# Forbidden in XML 1.0 (control characters, surrogates, U+FFFE, U+FFFF), or allowed but able to hide
# or reorder what a reader sees: DEL and the C1 controls, zero-width and bidirectional formatting.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""Return the text with every illegal or unseen character spelled out, e.g. ``[U+001B]``.

    Tabs and line feeds stay; a carriage return before a line feed goes, any other is spelled out.
    """
    # Almost every text is of printable characters, none of which is sought: seen at once.
    if text.isprintable() and text.isascii():
        return text
    return _INVISIBLE.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\r\n", "\n"))


def shortened(text: str, limit: int) -> str:
    """Return the text cut to `limit` characters, saying how many were left out if any were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters: see report.json)"


def duration(seconds: float) -> str:
    """Return seconds as people read them, e.g. ``2 min 5 s``."""
    if abs(seconds) < 60:
        return f"{seconds:.2f} s" if abs(seconds) < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(abs(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min", *([f"{rest} s"] if rest else [])]
    return ("-" if seconds < 0 else "") + " ".join(parts)


def severity_rank(severity: str) -> int:
    """Return where a severity stands among all, the worst first; one that is not known is last."""
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def accepted(waiver: WaiverUse) -> str:
    """Say in one sentence what a waiver accepts, by whom, for whom, until when and why."""
    return (
        f"accepted on {waiver.subject} by {waiver.approver}, {waiver.issued} to {waiver.expires}, "
        f"ticket {waiver.ticket}, owner {waiver.owner}: {waiver.reason}"
    )


def cell(text: str) -> str:
    """Return the text as it may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|")


def iso_time(time: datetime) -> str:
    """Return an aware time in UTC as ISO 8601 with microseconds, e.g. 2026-01-31T08:00:00.000000Z.

    Raises ValueError for a time without a zone: verdicts compare times from several clocks.
    """
    if time.utcoffset() is None:
        raise ValueError(f"a report's times need a zone, this one has none: {time.isoformat()}")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def json_lines(values: Sequence[Any]) -> str:
    """Return a JSON list with a line for each value: quick to write, and to be compared by line."""
    return "[" + ",".join(f"\n {json.dumps(value)}" for value in values) + "\n]\n"
