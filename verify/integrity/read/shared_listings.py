"""Listings of digests that two days need, made once.

A day's digests are listed for that day, and for the day before, whose last log files they name.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice

from verify.integrity.judge.history import History
from verify.integrity.judge.layout import DIGEST_FOLDER
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.reader import Consumer, Reader, T

# A day has 24 digests of each trail. What somebody puts there beside them is not kept.
MAXIMUM_KEPT = 1_000
_FOLDERS_KEPT = 64


@dataclass
class SharedListings:
    """A reader for the threads of one run. What it keeps is as old as the run."""

    reader: Reader
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: OrderedDict[tuple[str, str], Future[tuple[History, ...] | None]] = field(
        default_factory=OrderedDict
    )

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        """See Reader."""
        if after or f"/{DIGEST_FOLDER}/" not in prefix:
            yield from self.reader.histories(bucket, prefix, after)
            return
        with self._lock:
            future = self._kept.get((bucket, prefix))
            mine = future is None
            if future is None:
                future = self._kept[bucket, prefix] = Future()
                if len(self._kept) > _FOLDERS_KEPT:
                    self._kept.popitem(last=False)
        if mine:
            yield from self._listed(bucket, prefix, future)
            return
        kept = future.result()
        yield from self.reader.histories(bucket, prefix) if kept is None else kept

    def _listed(
        self, bucket: str, prefix: str, future: Future[tuple[History, ...] | None]
    ) -> Iterator[History]:
        rows = self.reader.histories(bucket, prefix)
        try:
            first = tuple(islice(rows, MAXIMUM_KEPT + 1))
        except BaseException as error:
            with self._lock:
                self._kept.pop((bucket, prefix), None)
            future.set_exception(error)
            raise
        future.set_result(None if len(first) > MAXIMUM_KEPT else first)
        return chain(first, rows)

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        """See Reader."""
        return self.reader.read(bucket, key, version, consume)

    def window(self, bucket: str) -> int:
        """See Reader."""
        return self.reader.window(bucket)

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        """See Reader."""
        self.reader.announce(bucket, keys)

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """See Reader."""
        return self.reader.public_keys(region, start, end)

    @property
    def sees_versions(self) -> bool:
        """See Reader."""
        return self.reader.sees_versions
