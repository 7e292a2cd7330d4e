"""How often digests come: on AWS each hour, from a stand-in for AWS as often as it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from verify.integrity.judge.digest import Link
from verify.integrity.judge.layout import DIGEST_PERIOD

_WHOLE_PERIODS = 2


class Spanning(Protocol):
    """A digest, as far as its time and its link go."""

    @property
    def start(self) -> datetime:
        """When the time begins for which it vouches."""
        ...

    @property
    def end(self) -> datetime:
        """When that time ends."""
        ...

    @property
    def previous(self) -> Link | None:
        """The digest before it; None in a starting digest."""
        ...


def pace(digests: Iterable[Spanning]) -> timedelta:
    """The time from one digest to the next, of a chain in order; AWS's hour where it is too short.

    A starting digest, and one before a restart, may cover less than a whole period: they say
    nothing.
    """
    whole = [
        digest.end - digest.start
        for digest, following in pairwise(digests)
        if digest.previous is not None and following.previous is not None
    ]
    return min(max(whole), DIGEST_PERIOD) if len(whole) >= _WHOLE_PERIODS else DIGEST_PERIOD
