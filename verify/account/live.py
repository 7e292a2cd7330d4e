"""Answers of the account itself: retried calls, each of them kept as evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, PaginationError
from botocore.response import StreamingBody

from verify.account.answer import Called
from verify.account.endpoints import reach_by_address
from verify.account.environment import steadily
from verify.account.errors import code_and_message
from verify.account.evidence import ApiCall, EvidenceStore
from verify.model import NotVerifiedError

MAXIMUM_PAGES = 10_000
# Said once: botocore's own would be put together anew, and twice, for each call.
_USER_AGENT = f"trailwarden Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


class Live:
    """One account, seen from one region.

    `session` is a boto3 session; its clients are made once each, when first needed. `whole` makes
    one that knows the operations that `session` may lack.
    """

    moves_on = True

    def __init__(
        self,
        session: boto3.Session,
        region: str,
        store: EvidenceStore,
        whole: Callable[[], boto3.Session] | None = None,
    ) -> None:
        self.region = region
        self._session = session
        self._whole = whole
        self._store = store
        # Sessions are not thread-safe, clients are (boto3 guide, "Multithreading").
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str) -> Any:
        """The client of a service in a region."""
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._made(self._session, service, region)
            return self._clients[service, region]

    def looked(self, service: str, operation: str) -> None:
        """Nothing yet: one has to look."""

    def _client_of(self, service: str, operation: str, region: str) -> Any:
        client = self.client(service, region)
        if self._whole is None or hasattr(client, operation):
            return client
        key = service, region
        with self._lock:
            if not hasattr(self._clients[key], operation):
                self._clients[key] = self._made(self._whole(), *key)
            return self._clients[key]

    def _made(self, session: boto3.Session, service: str, region: str) -> Any:
        config = Config(
            retries={"mode": "adaptive", "max_attempts": 6},
            connect_timeout=5,
            read_timeout=30,
            user_agent=_USER_AGENT,
        )
        client = steadily(lambda: session.client(service, region_name=region, config=config))
        reach_by_address(client)
        return client

    def call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        moment: str = "",
        worth_keeping: Callable[[Mapping[str, Any]], object] = lambda _: True,
        region: str = "",
    ) -> Called:
        """Make a call, all of its pages included; see `verify.account.answer.Source`."""
        asked = region or self.region
        client = self._client_of(service, operation, asked)
        started, clock = datetime.now(UTC), time.perf_counter()
        pages: list[Mapping[str, Any]] = []
        error: ClientError | BotoCoreError | None = None
        try:
            for page in _pages(client, operation, parameters):
                pages.append(page)
                if len(pages) > MAXIMUM_PAGES:
                    raise NotVerifiedError(
                        f"{service}.{operation} returned more than {MAXIMUM_PAGES:,} pages"
                    )
        except (ClientError, BotoCoreError) as raised:
            error = raised
        content = tuple(_content(page) for page in pages)
        if error is None and pages and not worth_keeping(pages[0]):
            return Called(content, None, started, "")
        evidence = self._store.record(
            ApiCall(
                service=service,
                operation=operation,
                region=asked,
                parameters=parameters,
                time=started,
                seconds=time.perf_counter() - clock,
                request_ids=_request_ids(pages, error),
                pages=content,
                error=None if error is None else str(error),
                error_code=None if error is None else code_and_message(error)[0] or None,
                moment=moment,
            )
        )
        return Called(content, error, started, evidence)


def _pages(client: Any, operation: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**parameters)
        return
    page = _with_bodies_read(getattr(client, operation)(**parameters))
    yield page
    # botocore knows no paginator of some operations that answer in pages all the same.
    given: set[str] = set()
    while token := page.get("nextToken"):
        if token in given:
            raise PaginationError(message=f"the next token of {operation} came twice")
        given.add(token)
        page = getattr(client, operation)(**parameters, nextToken=token)
        yield page


def _with_bodies_read(response: Mapping[str, Any]) -> Mapping[str, Any]:
    """`response` with text in the place of a stream; Lambda's is of 6 MB at most."""
    return {
        key: value.read().decode("utf-8", "replace") if isinstance(value, StreamingBody) else value
        for key, value in response.items()
    }


def _content(page: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in page.items() if key != "ResponseMetadata"}


def _request_ids(
    pages: list[Mapping[str, Any]], error: ClientError | BotoCoreError | None
) -> tuple[str, ...]:
    answers: list[Mapping[str, Any]] = list(pages)
    if isinstance(error, ClientError):
        answers.append(error.response)
    found = (answer.get("ResponseMetadata", {}).get("RequestId") for answer in answers)
    return tuple(identifier for identifier in found if identifier)
