"""The one door to AWS: cached, retried, recorded calls. No check calls boto3 itself.

Every answer, error included, is kept by (service, operation, parameters), so that no call
is made twice in a run, and is recorded as evidence. An error that the caller did not declare as a
legitimate answer becomes NotVerifiedError: it is never mistaken for a state of the account.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import tenacity
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.response import StreamingBody

from verify.account.answer import Answer, pick
from verify.account.endpoints import reach_by_address
from verify.account.errors import ActionFailedError, code_and_message, describe
from verify.account.evidence import ApiCall, EvidenceStore
from verify.account.read import Read, Reading
from verify.model import NotVerifiedError
from verify.redaction import jsonable

MAXIMUM_PAGES = 10_000


@dataclass(frozen=True)
class _Kept:
    pages: tuple[Mapping[str, Any], ...]
    error: ClientError | BotoCoreError | None
    evidence: str


_used: ContextVar[list[str] | None] = ContextVar("evidence_used", default=None)
_declared: ContextVar[frozenset[tuple[str, str]] | None] = ContextVar("declared", default=None)


class UndeclaredReadError(Exception):
    """A control reads what it does not declare: its fault, not the account's."""


@contextmanager
def only_declared(readings: Iterable[Reading[Any]]) -> Iterator[None]:
    """Refuse every read of another operation than those of `readings` inside the `with` block.

    What a control declares is what is fetched ahead, permitted to the verifier and documented, so
    a read beyond it would be slow here and denied elsewhere.
    """
    token = _declared.set(frozenset(reading.call for reading in readings))
    try:
        yield
    finally:
        _declared.reset(token)


@contextmanager
def evidence_used() -> Iterator[list[str]]:
    """Collect the identifiers of all evidence that is used inside the `with` block."""
    identifiers: list[str] = []
    token = _used.set(identifiers)
    try:
        yield identifiers
    finally:
        _used.reset(token)


class Aws:
    """Access to one account from one region, for reading by checks and acting by live fire.

    `session` is a boto3 session; its clients are made once each, when first needed.
    """

    def __init__(self, session: boto3.Session, region: str, store: EvidenceStore) -> None:
        self.region = region
        self._session = session
        self._store = store
        self._lock = threading.Lock()
        # Sessions are not thread-safe, clients are (boto3 guide, "Multithreading").
        self._client_lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._kept: dict[str, Future[_Kept]] = {}
        self._ahead: ThreadPoolExecutor | None = None

    def read(self, read: Read) -> Answer:
        """The answer to a reading call, made at most once in a run.

        The codes in `read.absent` give an Answer without a response. Every other error raises
        NotVerifiedError.
        """
        _require_declared(read)
        return _answer(self._once(read), read, self.region)

    def pick(self, read: Read, *path: str) -> Any:
        """The value at `path` of the answer to `read`.

        Raises NotVerifiedError where there is no answer, or it lacks a part: what AWS did not say
        is not a state.
        """
        return pick(self.read(read).response or {}, *path)

    def fetch_ahead(self, reads: Iterable[Read], workers: int = 8) -> None:
        """Make calls that checks will ask for, side by side and without waiting for them.

        What goes wrong is kept like an answer, for the check that needs it. `workers` calls wait at
        a time: enough to hide their latency, too few to be throttled for.
        """
        self._ahead = ThreadPoolExecutor(workers, thread_name_prefix="fetch-ahead")
        for read in reads:
            self._ahead.submit(self._once, read)

    def settle(self) -> None:
        """Drop what no check has asked for yet; wait for what is under way."""
        if self._ahead is not None:
            self._ahead.shutdown(wait=True, cancel_futures=True)

    def read_again(self, read: Read) -> Answer:
        """Like `read`, but always asks AWS: for what is expected to change during the run."""
        _require_declared(read)
        kept = self._call(read.service, read.operation, read.parameters)
        return _answer(kept, read, self.region)

    def _once(self, read: Read) -> _Kept:
        what = [read.service, read.operation, jsonable(read.parameters), read.moment]
        key = json.dumps(what, sort_keys=True)
        with self._lock:
            future = self._kept.get(key)
            mine = future is None
            if future is None:
                future = self._kept[key] = Future()
        if mine:
            try:
                future.set_result(self._call(read.service, read.operation, read.parameters))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def pick_again(self, read: Read, *path: str) -> Any:
        """Like `pick`, but always asks AWS."""
        return pick(self.read_again(read).response or {}, *path)

    def act(self, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """Make a call that changes the account; for live fire alone. Never cached.

        Raises ActionFailedError.
        """
        return self._must(service, operation, self._call(service, operation, parameters))

    def poll(
        self,
        service: str,
        operation: str,
        /,
        *,
        worth_keeping: Callable[[Mapping[str, Any]], object],
        **parameters: Any,
    ) -> Mapping[str, Any]:
        """Make a call that is repeated until it brings something; only then is it evidence.

        Raises ActionFailedError.
        """
        kept = self._call(service, operation, parameters, worth_keeping)
        return self._must(service, operation, kept)

    def _must(self, service: str, operation: str, kept: _Kept) -> Mapping[str, Any]:
        _note_use(kept.evidence)
        if kept.error is not None:
            text = describe(kept.error, service, operation, self.region)
            raise ActionFailedError(text, *code_and_message(kept.error)) from kept.error
        return kept.pages[0]

    def client(self, service: str, region: str) -> Any:
        """The client for what is read beside the door; see `record`."""
        with self._client_lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._made(service, region)
            return self._clients[service, region]

    # botocore reads the whole environment, for proxies, while pytest notes there in its own thread
    # which test runs: an entry that goes meanwhile is a KeyError.
    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(KeyError),
        stop=tenacity.stop_after_attempt(10),
        reraise=True,
    )
    def _made(self, service: str, region: str) -> Any:
        client = self._session.client(
            service,
            region_name=region,
            config=Config(
                retries={"mode": "adaptive", "max_attempts": 6},
                connect_timeout=5,
                read_timeout=30,
                user_agent_extra="trailwarden",
            ),
        )
        reach_by_address(client)
        return client

    def record(self, call: ApiCall) -> str:
        """Keep as evidence what was read beside the door; gives the evidence's identifier."""
        return self._store.record(call)

    def _call(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        worth_keeping: Callable[[Mapping[str, Any]], object] = lambda _: True,
    ) -> _Kept:
        client = self.client(service, self.region)
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
        if error is None and pages and not worth_keeping(pages[0]):
            return _Kept(tuple(pages), None, "")
        evidence = self._store.record(
            ApiCall(
                service=service,
                operation=operation,
                region=self.region,
                parameters=parameters,
                time=started,
                seconds=time.perf_counter() - clock,
                request_ids=_request_ids(pages, error),
                pages=tuple(_content(page) for page in pages),
                error=None if error is None else str(error),
            )
        )
        return _Kept(tuple(pages), error, evidence)


def _require_declared(read: Read) -> None:
    declared = _declared.get()
    if declared is not None and (read.service, read.operation) not in declared:
        raise UndeclaredReadError(
            f"the check reads {read.service}.{read.operation}, which its control does not declare: "
            "name the reading in its marker, @pytest.mark.control(<identifier>, reads.<reading>)"
        )


def _note_use(evidence: str) -> None:
    used = _used.get()
    if used is not None and evidence and evidence not in used:
        used.append(evidence)


def _pages(client: Any, operation: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**parameters)
    else:
        yield _with_bodies_read(getattr(client, operation)(**parameters))


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


def _merged(pages: tuple[Mapping[str, Any], ...]) -> Mapping[str, Any]:
    """One response of all pages: lists are joined, everything else is the last page's."""
    merged: dict[str, Any] = {}
    for page in pages:
        for key, value in _content(page).items():
            earlier = merged.get(key)
            merged[key] = [*earlier, *value] if isinstance(earlier, list) else value
    return merged


def _answer(kept: _Kept, read: Read, region: str) -> Answer:
    _note_use(kept.evidence)
    if kept.error is None:
        return Answer(_merged(kept.pages), None, kept.evidence)
    code, _ = code_and_message(kept.error)
    if code and code in read.absent:
        return Answer(None, code, kept.evidence)
    raise NotVerifiedError(describe(kept.error, read.service, read.operation, region))
