"""Whether a record's text is worth parsing: most of a trail is of no concern to any rule.

A text is passed over only when no rule can look at it: it names one event that is in no rule, it
does not speak of root, and it ends as a JSON object does. ``eventName`` may stand deeper in a
record too (in a request of CloudTrail's own, say); a text with more than one is read name by name,
so that a decoy cannot hide the true one.
"""

from __future__ import annotations

import re

from .evaluate import EVENT_NAMES

_KEY = '"eventName":"'


def worth_parsing(message: str) -> bool:
    """Whether any rule could look at the record in this text, or the text may be broken."""
    # As "Root" or ":root" at the end of an identity's type or ARN.
    if 'oot"' in message or message[-1:] != "}":
        return True
    start = message.find(_KEY)
    if start < 0 or message.find("eventName", start + len(_KEY)) >= 0:
        return _worth_parsing_closely(message)
    start += len(_KEY)
    name = message[start : message.find('"', start)]
    # Lambda's names end in the date of the API; a backslash would be an escape.
    return name in EVENT_NAMES or name[-1:].isdigit() or "\\" in name


def _worth_parsing_closely(message: str) -> bool:
    names = re.findall(r'"eventName"\s*:\s*"([^"\\]*)"', message)
    if not names or len(names) != message.count("eventName"):
        return True
    return any(name in EVENT_NAMES or name[-1:].isdigit() for name in names)
