"""Reading the process's environment while pytest writes there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

ATTEMPTS = 10

_T = TypeVar("_T")


def steadily(read: Callable[[], _T]) -> _T:
    """What `read` gives, which looks through the whole environment, as botocore does for proxies.

    Meanwhile pytest notes there, in its own thread, which test runs: an entry that goes while
    others are read is a KeyError, which says nothing.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(KeyError):
            return read()
    return read()
