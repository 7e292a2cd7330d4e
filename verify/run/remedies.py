"""A remedy as it is printed: with the identifiers of the deployment, and of what failed, in it.

In the catalogue a name in braces is an output of the deployment, such as ``{trail_arn}``. A name
in angle brackets is something that only what failed can say, by its kind:

- ``<sg>``, ``<igw>`` and the like: an identifier of EC2's that begins so;
- ``<range>``: a range of IPv4 addresses;
- ``<bucket>``, ``<group>``, ``<key>``: the bucket, log group or key that the verdict is about;
- ``<subject>``: what it is about; ``<required>``: what it should be, where that is a number.

A command is repeated for each thing that failed and that it can be filled with. What nothing says
stays as it is, for the reader to fill in. Pure.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from verify.model import Observation

MAXIMUM_COMMANDS = 5  # of one command, for as many things
_OUTPUT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_COMMAND = re.compile(r"`(aws [^`]+)`")
_UNKNOWN = re.compile(r"<([a-z]+)>")
_BUCKET = re.compile(r"arn:[\w-]+:s3:::([\w.-]+)")
_KEY = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d{12}:key/[\w-]+")
_GROUP = re.compile(r"[\w./#-]+")
_RANGE = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}\b")
_NUMBER = re.compile(r"\d+")
_OF_EC2 = frozenset({"acl", "eni", "fl", "igw", "nat", "rtb", "sg", "subnet", "vpce"})


def filled(
    remedy: str,
    outputs: Mapping[str, str],
    lists: Mapping[str, Sequence[str]],
    observations: Iterable[Observation],
) -> str:
    """The remedy with what is known in it; of a list of outputs, where it has one member."""
    single = {name: members[0] for name, members in lists.items() if len(members) == 1}
    known = {name: value for name, value in {**single, **outputs}.items() if value}

    def output(found: re.Match[str]) -> str:
        return known.get(found[1], f"<{found[1].replace('_', ' ')}>")

    unmet = [one for one in observations if not one.met]
    text = _OUTPUT.sub(output, remedy)
    return _COMMAND.sub(lambda found: _repeated(found[1], unmet), text)


def _repeated(command: str, unmet: Sequence[Observation]) -> str:
    kinds = tuple(dict.fromkeys(_UNKNOWN.findall(command)))
    made = dict.fromkeys(
        _with(command, dict(zip(kinds, values, strict=True)))
        for one in unmet
        for values in _values(kinds, one)
    )
    fewest = min((len(_UNKNOWN.findall(one)) for one in made), default=0)
    listed = [one for one in made if len(_UNKNOWN.findall(one)) == fewest] or [command]
    more = len(listed) - MAXIMUM_COMMANDS
    text = ", ".join(f"`{one}`" for one in listed[:MAXIMUM_COMMANDS])
    return f"{text}, and so on for {more} more" if more > 0 else text


def _values(kinds: Sequence[str], one: Observation) -> Iterator[tuple[str, ...]]:
    """What an observation says of the kinds: every combination; a kind that is none stays."""
    found = [_named(kind, one) for kind in kinds]
    if any(found):
        filling = [values or [f"<{kind}>"] for kind, values in zip(kinds, found, strict=True)]
        yield from itertools.product(*filling)


def _named(kind: str, one: Observation) -> list[str]:
    """What of a kind an observation names: its subject first, then what was seen."""
    if kind == "subject":
        return [one.subject]
    if kind == "required":
        return [one.expected] if _NUMBER.fullmatch(one.expected) else []
    if kind == "bucket":
        found = _BUCKET.fullmatch(one.subject)
        return [found[1]] if found else []
    if kind == "key":
        return [one.subject] if _KEY.fullmatch(one.subject) else []
    if kind == "group":
        return [one.subject] if _GROUP.fullmatch(one.subject) else []
    if kind == "range":
        return _beyond(_RANGE, one.seen, one.expected)
    if kind not in _OF_EC2:
        return []
    identifier = re.compile(rf"\b{kind}-[0-9a-f]{{8,17}}\b")
    return identifier.findall(one.subject)[:1] or _beyond(identifier, one.seen, one.expected)


def _beyond(pattern: re.Pattern[str], seen: str, expected: str) -> list[str]:
    required = set(pattern.findall(expected))
    return [text for text in dict.fromkeys(pattern.findall(seen)) if text not in required]


def _with(command: str, values: Mapping[str, str]) -> str:
    return _UNKNOWN.sub(lambda found: values.get(found[1], found[0]), command)
