"""What validation needs to read, whoever reads it.

These reads do not go through the recorded door (verify.account.door): it keeps every answer as
evidence, and here they are as many as there are log files, and as large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from verify.integrity.judge.history import History
from verify.integrity.judge.signature import PublicKey

T = TypeVar("T")


class ObjectMissingError(Exception):
    """There is no such object, or no such version of it."""


class UnreadableError(Exception):
    """Something could not be read, and the message says why: nothing can be concluded from it."""


class ArchivedError(UnreadableError):
    """The object is in an archive: it is there, and can be read once it is restored."""


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

        Raises ObjectMissingError and UnreadableError, of which ArchivedError for what is archived.
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


class Reads(Reader, Protocol):
    """A Reader by which a trail's accounts and regions are found as well."""

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """The names of the folders directly below `prefix`. Raises UnreadableError."""
        ...

    def client(self, service: str, region: str) -> Any:
        """A client for what else is asked. Raises UnreadableError where there is none."""
        ...


def history_of(reader: Reader, bucket: str, key: str) -> History | None:
    """The versions of one object, None where the bucket lists none. Raises UnreadableError."""
    return next((history for history in reader.histories(bucket, key) if history.key == key), None)
