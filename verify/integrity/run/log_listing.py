"""A day's folder of log files, listed beside the digests that name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge

from verify.integrity.judge.history import History
from verify.integrity.read.reader import UnreadableError


class LogListing:
    """A day's log files, listed only as far as needed; those that are not yet named wait."""

    def __init__(self, folders: Iterable[Iterator[History]]) -> None:
        """`folders` are each in the order of their keys. `problem` says why reading on failed."""
        self._histories = merge(*folders, key=lambda history: history.key)
        self._reached = ""
        self._ended = False
        self.waiting: dict[str, History] = {}
        self.problem: str | None = None

    def advance(self, key: str | None) -> None:
        """Read on up to `key`, None for to the end."""
        while not self._ended and (key is None or self._reached < key):
            try:
                history = next(self._histories, None)
            except UnreadableError as error:
                self.problem, self._ended = str(error), True
                return
            if history is None:
                self._ended = True
                return
            self._reached = history.key
            self.waiting[history.key] = history
