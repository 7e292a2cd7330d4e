"""The subscription filter pattern, generated from the events that the rules look at.

CloudWatch Logs allows 1,024 characters and two regular expressions without parentheses
(CloudWatch Logs user guide, "Filter pattern syntax"). The names of all rules are longer than that,
so each is cut to a prefix: all to the greatest length with which the whole fits, and as many of
them as there is room for to one more. A prefix lets some neighbours
through (DeleteBucketTagging with DeleteBucketPolicy); the function passes over them. Failed calls
changed nothing and are not sent at all: CloudTrail leaves errorCode out of a successful one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from .evaluate import EVENT_NAMES

MAXIMUM_CHARACTERS = 1024
# Calls that are made all the time and that a short prefix would let through.
_FREQUENT = ("CreateNetworkInterface", "CreateNetworkInterfacePermission", "PutMetricData")
_VERB = re.compile(r"[A-Z][a-z]+")


def _cut(name: str, length: int) -> str:
    verb = _VERB.match(name)
    # A verb alone ("Disassociate") says nothing: keep the beginning of what it is done to.
    length = max(length, verb.end() + 3 if verb else 0)
    while length < len(name) and any(each.startswith(name[:length]) for each in _FREQUENT):
        length += 1
    return name[:length]


def _prefixes(names: Iterable[str], length: int, longer: int = 0) -> list[str]:
    """The prefixes of sorted names, the first ``longer`` of them with one character more."""
    kept: list[str] = []
    for prefix in sorted(
        {_cut(name, length + (index < longer)) for index, name in enumerate(names)}
    ):
        if not kept or not prefix.startswith(kept[-1]):  # sorted: the shorter one came first
            kept.append(prefix)
    return kept


def _pattern(prefixes: list[str]) -> str:
    expression = "|".join(f"^{prefix}" for prefix in prefixes)
    return (
        f'{{ (($.eventName = %{expression}%) || ($.userIdentity.type = "Root"))'
        " && ($.errorCode NOT EXISTS) }"
    )


@cache  # some milliseconds, and asked for at every change of a filter
def generate(names: frozenset[str] = EVENT_NAMES) -> str:
    """The pattern for these event names; ValueError if none is short enough."""
    ordered = sorted(names)
    for length in range(max(map(len, ordered)), 5, -1):
        if len(_pattern(_prefixes(ordered, length))) <= MAXIMUM_CHARACTERS:
            break
    else:
        raise ValueError("too many event names for one filter pattern")
    for longer in range(len(ordered), -1, -1):
        pattern = _pattern(_prefixes(ordered, length, longer))
        if len(pattern) <= MAXIMUM_CHARACTERS:
            break
    return pattern
