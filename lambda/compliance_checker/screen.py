"""Whether a record's text is worth parsing: most of a trail is of no concern to any rule.

A text is passed over only when no rule can look at it: it names one event that is in no rule, it
does not speak of root, and it ends as a JSON object does. ``eventName`` may stand deeper in a
record too (in a request of CloudTrail's own, say); a text with more than one is always parsed, so
that a decoy cannot hide the true one.

The same is asked of a record's text as it stands in a delivery, a JSON string within JSON, in which
each quotation mark has a backslash before it.
"""

from __future__ import annotations

import re

from .evaluate import EVENT_NAMES

_NAME = "eventName"
# How every record begins that CloudTrail writes today: who acted is known without a search. A key
# of the same name further on is the caller's and does not count.
_BEGINNING = r'\{"eventVersion": ?"[0-9.]+", ?"userIdentity": ?\{"type": ?"(?!Root")[A-Za-z]+"'
_LOG_EVENT = r'\{"id": ?"[^"\\{]+", ?"timestamp": ?[0-9]+, ?"message": ?"'

_not_root = re.compile(_BEGINNING).match
_not_root_quoted = re.compile(_LOG_EVENT + _BEGINNING.replace('"', r"\\\"")).match


def worth_parsing(message: str) -> bool:
    """Whether any rule could look at the record in this text, or the text may be broken."""
    if message[-1:] != "}":
        return True
    # As "Root" or ":root" at the end of an identity's type or ARN.
    if _not_root(message) is None and 'oot"' in message:
        return True
    return _of_concern(message, 0, len(message), '"')


def worth_parsing_quoted(content: str, start: int, end: int) -> bool:
    """The same of the log event in ``content[start:end]``, up to the brace that ends its record."""
    if content[end - 1] != "}":
        return True
    if _not_root_quoted(content, start) is None and content.find('oot\\"', start, end) >= 0:
        return True
    return _of_concern(content, start, end, '\\"')


def _of_concern(content: str, start: int, end: int, quote: str) -> bool:
    key = content.find(_NAME, start, end)
    after = key + len(_NAME)
    if key < 0 or content.find(_NAME, after, end) >= 0 or not content.endswith(quote, start, key):
        return True
    for value in (f"{quote}:{quote}", f"{quote}: {quote}"):
        if content.startswith(value, after):
            name = content[after + len(value) : content.find(quote, after + len(value))]
            # Lambda's names end in the date of the API; anything but letters may be an escape.
            return name in EVENT_NAMES or not name.isalpha()
    return True
