"""Whether a record's text is worth parsing: most of a trail is of no concern to any rule.

A text is passed over only when it is certain that no rule looks at it. Every ``eventName`` in it is
read, nested ones included, so that a decoy cannot hide the true one; a text that spells the key or
a value with an escape, or that does not end as a JSON object does, is parsed.
"""

from __future__ import annotations

import re

from .evaluate import EVENT_NAMES

_NAMES = re.compile(r'"eventName"\s*:\s*"([^"\\]*)"').findall


def worth_parsing(message: str) -> bool:
    """Whether any rule could look at the record in this text, or the text may be broken."""
    names = _NAMES(message)
    if not EVENT_NAMES.isdisjoint(names):
        return True
    if not names or len(names) != message.count("eventName"):
        return True
    if '"Root"' in message or ':root"' in message or "\\u" in message:
        return True
    if message[-1:] != "}":
        return True
    return any(name[-1:].isdigit() for name in names)
