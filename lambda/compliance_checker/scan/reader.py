"""Reading the account for a scan, within the scan's time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .. import aws
from ..live import Clients, LiveState, NotReadError, Place


class AccountReader:
    """Reads one account and region until the time of the scan, in seconds, is over."""

    def __init__(self, place: Place, clients: Clients, seconds: float) -> None:
        self.place = place
        self._clients = clients
        self._until = time.monotonic() + seconds
        self._live = LiveState(place.account, clients)

    def prefix_list(self, prefix_list: str) -> list[str]:
        """The CIDR blocks of a prefix list; NotReadError if they could not be read."""
        self._live.begin()  # bounded by the scan's own time
        return self._live.prefix_list(self.place, prefix_list)

    def read(
        self,
        service: str,
        call: str,
        resource: str,
        read: Callable[[Any], Any],
        absent: Iterable[str] = (),
    ) -> Any:
        """The answer; None for an error code that means that there is nothing; or NotReadError."""
        if time.monotonic() > self._until:
            raise NotReadError(call, resource, "OutOfTime")
        try:
            return read(self._clients(service, self.place.region))
        except aws.errors() as error:
            code = aws.code(error)
            if code in absent:
                return None
            raise NotReadError(call, resource, code) from None
        except (AttributeError, LookupError, TypeError):
            raise NotReadError(call, resource, "UnexpectedAnswer") from None

    def pages(self, service: str, call: str, operation: str, key: str) -> Iterator[Any]:
        """The members under ``key`` of every page of a listing; NotReadError if a page fails."""
        pages = self.read(
            service, call, "*", lambda client: iter(client.get_paginator(operation).paginate())
        )
        while True:
            page = self.read(service, call, "*", lambda _: next(pages, None))
            if page is None:
                return
            yield from page.get(key) or []
