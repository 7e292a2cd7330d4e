"""What validation needs to read, whoever reads it.

These reads do not go through the recorded door (verify.account.door): it keeps every answer as
evidence,
and here they are as many as there are log files, and as large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from verify.integrity.judge.signature import PublicKey

T = TypeVar("T")


class ObjectMissingError(Exception):
    """There is no such object, or no such version of it."""


class UnreadableError(Exception):
    """Something could not be read, and the message says why: nothing can be concluded from it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; `is_marker` for a delete marker."""

    identifier: str
    is_latest: bool
    is_marker: bool
    modified: datetime


@dataclass(frozen=True, slots=True)
class History:
    """An object's versions, the newest first; the latest alone where they may not be listed."""

    key: str
    versions: tuple[Version, ...]

    @property
    def is_hidden(self) -> bool:
        """Whether the latest version is a delete marker, so that a plain read finds nothing."""
        return bool(self.versions) and self.versions[0].is_marker

    @property
    def is_plain(self) -> bool:
        """Whether there is but one version, and it is no delete marker."""
        return len(self.versions) == 1 and not self.versions[0].is_marker

    @property
    def contents(self) -> tuple[Version, ...]:
        """The versions that have content, the newest first."""
        return tuple(one for one in self.versions if not one.is_marker)


# What is done with an object's user metadata (without x-amz-meta-) and its bytes as they come.
Consumer = Callable[[Mapping[str, str], Iterable[bytes]], T]


class Reader(Protocol):
    """Reads buckets and public keys. Safe to use from several threads."""

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        """The objects below `prefix` whose keys sort after `after`, in the order of their keys.

        Raises UnreadableError.
        """
        ...

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        """What `consume` makes of an object; it may be called again when a read breaks off.

        Raises ObjectMissingError and UnreadableError.
        """
        ...

    def window(self, bucket: str) -> int:
        """How many of the objects that a thread announces may be on their way at the same time.

        1 where announcing does nothing, so that only more threads read faster.
        """
        ...

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        """Tell that this thread will read the latest versions of `keys`, in this order.

        The reader may ask for some before they are read. What is announced and not read until the
        next announcement costs a connection, and nothing else.
        """
        ...

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        """The keys that CloudTrail used in `region` in a time. Raises UnreadableError."""
        ...

    @property
    def sees_versions(self) -> bool:
        """Whether versions can be listed, as far as is known by now."""
        ...
