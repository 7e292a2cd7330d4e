"""Which log events of a delivery are worth parsing: most of a trail is of no concern to any rule.

A log event is passed over only when its text says beyond doubt that no rule looks at its record: it
names one event, which is in no rule, root did not act, and the record is whole. Whatever is spelled
in another way than CloudTrail and CloudWatch Logs spell it (escapes, other white space, another
order, a second ``eventName`` that could be a decoy) is left to the parser.

Everything here is a search of the standard library's over text as it was delivered, a JSON string
within JSON: every quotation mark of a record has a backslash before it, so those without one divide
the log events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .evaluate import EVENT_NAMES, plain_name

_KEY = "eventName"


@dataclass(frozen=True, slots=True)
class Form:
    """How log events are written: what is before, within and behind them, and an event's name."""

    opening: str
    boundary: str
    stamp: str
    message: str


# As CloudWatch Logs writes them, and with the white space that json.dumps adds.
_FORMS = (
    Form('"logEvents":[{"id":"', '"},{"id":"', '","timestamp":', ',"message":"{'),
    Form('"logEvents": [{"id": "', '"}, {"id": "', '", "timestamp": ', ', "message": "{'),
)
_END = '"}]}'
_NAMES = ('\\"eventName\\":\\"', '\\"eventName\\": \\"')
_STAMP_DIGITS = 13  # milliseconds until the year 2286
# How every record begins that CloudTrail writes today: who acted is known without a search. The
# characters looked at hold all of it, and "Root" besides.
_BEGINNING = (
    r'\{\\"eventVersion\\": ?\\"[0-9.]{3,5}\\", ?'
    r'\\"userIdentity\\": ?\{\\"type\\": ?\\"(?!Root)[A-Z]'
)
_BEGINNING_CHARACTERS = 70
_LONGEST = 160  # of an event's name or a last key with its value; a longer one is parsed
# How a whole record ends, by its last key: those that stand at the top alone.
_ENDING = (
    r', ?\\"(?:(?:eventCategory|recipientAccountId|sessionCredentialFromConsole)\\": ?\\"[^"\\{}]*'
    r'\\"|clientProvidedHostHeader\\": ?\\"[^"\\{}]*\\"\})\}'
)


@dataclass(frozen=True, slots=True)
class Screened:
    """A delivery cut up: the text before its log events, those to parse, the ids of the rest."""

    envelope: str
    kept: tuple[str, ...]
    passed_over: tuple[str, ...]


def screen(content: str) -> Screened | None:
    """Cut up a delivery's JSON text; None if its envelope is of another form."""
    form = next((each for each in _FORMS if each.opening in content), None)
    if form is None or not content.endswith(_END):
        return None
    start = content.find(form.opening)
    events = content[start + len(form.opening) : -len(_END)].split(form.boundary)
    name = next((each for each in _NAMES if each in events[0]), _NAMES[0])
    stamp, message = form.stamp, form.message
    first = _STAMP_DIGITS + len(message) - 1
    last = first + _BEGINNING_CHARACTERS
    kept = []
    passed_over = []
    for event in events:
        identifier, _, rest = event.partition(stamp)
        _, _, tail = rest.partition(name)
        end = tail.find('\\"', 0, _LONGEST)
        if (
            end < 0
            or _of_concern(tail[:end])
            or _KEY in tail
            or not rest.startswith(message, _STAMP_DIGITS)
            or not (_someone_else(rest[first:last]) or _spared_by_root(rest))
            or not (_ends(tail[tail.rfind(",", -_LONGEST) :]) or _balanced(rest))
        ):
            kept.append(f'{{"id":"{event}"}}')
        else:
            passed_over.append(identifier)
    return Screened(content[:start], tuple(kept), tuple(passed_over))


@lru_cache(maxsize=4096)
def _of_concern(name: str) -> bool:
    """Whether the event is in a rule, or may be: what isn't plain letters may be an escape."""
    return not name.isascii() or not name.isalnum() or plain_name(name) in EVENT_NAMES


@lru_cache(maxsize=256)
def _someone_else(beginning: str) -> bool:
    return re.match(_BEGINNING, beginning) is not None


def _spared_by_root(text: str) -> bool:
    """Whether neither a type ``Root`` nor an ARN that ends in ``:root`` is in the text."""
    return 'oot\\"' not in text and "\\u" not in text


@lru_cache(maxsize=1024)
def _ends(ending: str) -> bool:
    return re.fullmatch(_ENDING, ending) is not None


def _balanced(text: str) -> bool:
    """Whether the text ends as a whole object does, as far as counting tells.

    A lone brace within a string could make up for one that was cut off. What that would hide is a
    record that is broken, not one that is of concern: its event is known by then.
    """
    return text[-1:] == "}" and text.count("{") == text.count("}")
