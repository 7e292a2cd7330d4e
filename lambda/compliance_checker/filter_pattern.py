"""The subscription filter pattern, generated from the events that the rules look at.

CloudWatch Logs allows 1,024 characters and two regular expressions without parentheses
(CloudWatch Logs user guide, "Filter pattern syntax"). The names of all rules are longer than that,
so each is cut to the longest prefix with which the whole fits. A prefix lets a few neighbours
through (PutBucketTagging with PutBucketPolicy); the function passes over them.
"""

from __future__ import annotations

from collections.abc import Iterable

from .evaluate import EVENT_NAMES

MAXIMUM_CHARACTERS = 1024
# A name that must not be cut, because what would come along is frequent.
_WHOLE = frozenset({"ConsoleLogin"})


def _prefixes(names: Iterable[str], length: int) -> list[str]:
    cut = sorted({name if name in _WHOLE else name[:length] for name in names})
    kept: list[str] = []
    for prefix in cut:  # sorted: a prefix of another stands before it
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def _pattern(prefixes: list[str]) -> str:
    expression = "|".join(f"^{prefix}" for prefix in prefixes)
    return (
        f'{{ (($.eventName = %{expression}%) || ($.userIdentity.type = "Root"))'
        " && ($.errorCode NOT EXISTS) }"
    )


def generate(names: Iterable[str] = EVENT_NAMES) -> str:
    """The pattern for these event names; ValueError if none is short enough."""
    names = list(names)
    for length in range(max(map(len, names)), 5, -1):
        pattern = _pattern(_prefixes(names, length))
        if len(pattern) <= MAXIMUM_CHARACTERS:
            return pattern
    raise ValueError("too many event names for one filter pattern")
