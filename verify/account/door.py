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
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from typing import Any

from verify.account.answer import Answer, Called, Source, merged, pick
from verify.account.errors import ActionFailedError, answer_code, code_and_message, describe
from verify.account.evidence import ApiCall, EvidenceStore
from verify.account.fields import unknown_in
from verify.account.read import Read, Reading
from verify.inputs import accounted
from verify.model import NotVerifiedError
from verify.redaction import jsonable

# In what was seen beside the door, the one member where nothing could be seen: why.
PROBLEM = "problem"

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

    `source` is where its answers come from; `store` keeps what was read beside the door.
    """

    def __init__(self, source: Source, store: EvidenceStore) -> None:
        self.region = source.region
        self.source = source
        self.store = store
        self._lock = threading.Lock()
        self._kept: dict[str, Future[Called]] = {}
        self._unread: dict[str, tuple[str, str, Called]] = {}  # by evidence
        self._ahead: ThreadPoolExecutor | None = None

    def read(self, read: Read) -> Answer:
        """The answer to a reading call, made at most once in a run.

        The codes in `read.absent` give an Answer without a response. Every other error raises
        NotVerifiedError.
        """
        _require_declared(read)
        return _answer(self._once(read), read, read.region or self.region)

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

    def side_by_side(self, calls: Iterable[Callable[[], object]]) -> None:
        """Begin `calls`, which do nothing but read, while the caller goes on to make them in turn.

        So many answers cost the wait for one. Each read is made once all the same, and what goes
        wrong in one is met where the caller comes to it. Where calls are not fetched ahead, as in a
        worker, nothing is begun.
        """
        if self._ahead is not None:
            for call in calls:
                self._ahead.submit(copy_context().run, _unnoted, call)

    def settle(self) -> None:
        """Drop what no check has asked for yet; wait for what is under way."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.shutdown(wait=True, cancel_futures=True)

    def read_again(self, read: Read) -> Answer:
        """Like `read`, but always asks AWS: for what is expected to change during the run."""
        _require_declared(read)
        return _answer(self._called(read), read, read.region or self.region)

    def _once(self, read: Read) -> Called:
        key = _key(read)
        with self._lock:
            future = self._kept.get(key)
            mine = future is None
            if future is None:
                future = self._kept[key] = Future()
        if mine:
            try:
                future.set_result(self._called(read))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _called(self, read: Read) -> Called:
        called = self.source.call(
            read.service, read.operation, read.parameters, read.moment, region=read.region
        )
        with self._lock:
            self._unread[called.evidence] = (read.service, read.operation, called)
        return called

    def pick_again(self, read: Read, *path: str) -> Any:
        """Like `pick`, but always asks AWS."""
        return pick(self.read_again(read).response or {}, *path)

    def act(self, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """Make a call that changes the account; for live fire alone. Never cached.

        Raises ActionFailedError.
        """
        return self._must(service, operation, self.source.call(service, operation, parameters))

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
        kept = self.source.call(service, operation, parameters, worth_keeping=worth_keeping)
        return self._must(service, operation, kept)

    def _must(self, service: str, operation: str, kept: Called) -> Mapping[str, Any]:
        _note_use(kept.evidence)
        if kept.error is not None:
            text = describe(kept.error, service, operation, self.region)
            raise ActionFailedError(text, *code_and_message(kept.error)) from kept.error
        return kept.pages[0]

    def client(self, service: str, region: str) -> Any:
        """The client for what is read beside the door; see `record`."""
        return self.source.client(service, region)

    def forget(self, service: str, operation: str) -> None:
        """Ask anew for the answers of an operation, where a replay has altered them."""
        start = json.dumps([service, operation])[:-1]
        with self._lock:
            for key in [key for key in self._kept if key.startswith(start)]:
                del self._kept[key]

    def unaccounted(self, evidence: Iterable[str]) -> list[str]:
        """What AWS said in these answers that the account of fields does not know, for a reader.

        Each answer is looked at once.
        """
        found = []
        for identifier in evidence:
            with self._lock:
                service, operation, called = self._unread.pop(identifier, ("", "", None))
            account = accounted.load().get((service, operation))
            if account is None or called is None:
                continue
            found += [
                f"AWS says {member} in {service}.{operation}, which no control is known to judge: "
                f"see what it means, and account for it in {account.file}"
                for member in unknown_in(merged(called.pages), account)
            ]
        return found

    def looked(
        self,
        service: str,
        operation: str,
        look: Callable[[], Mapping[str, Any]],
        **parameters: object,
    ) -> tuple[Mapping[str, Any], str]:
        """What `look` sees beside the door, and the evidence that keeps it with `parameters`.

        Of a replay it is what was seen then, as JSON holds it, and nobody looks. What `look` gives
        must be judged from that alone, so that both are judged alike. Raises NotVerifiedError where
        `look` does: why it saw nothing is kept, too, and raised again by a replay.
        """
        kept = self.source.looked(service, operation)
        if kept is not None:
            page, evidence = kept.pages[0], kept.evidence
        else:
            page, evidence = self._look(service, operation, look, parameters)
        _note_use(evidence)
        if PROBLEM in page:
            raise NotVerifiedError(page[PROBLEM])
        return page, evidence

    def _look(
        self,
        service: str,
        operation: str,
        look: Callable[[], Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> tuple[Mapping[str, Any], str]:
        started, clock = datetime.now(UTC), time.perf_counter()
        try:
            page = look()
        except NotVerifiedError as error:
            page = {PROBLEM: str(error)}
        seen = ApiCall(
            service=service,
            operation=operation,
            region=self.region,
            parameters=parameters,
            time=started,
            seconds=time.perf_counter() - clock,
            request_ids=(),
            pages=(page,),
            error=None,
        )
        return page, self.store.record(seen)


def _unnoted(call: Callable[[], object]) -> None:
    # Evidence is noted in the order in which the caller uses it.
    _used.set(None)
    call()


def _key(read: Read) -> str:
    what = [read.service, read.operation, jsonable(read.parameters), read.moment, read.region]
    return json.dumps(what, sort_keys=True)


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


def _answer(kept: Called, read: Read, region: str) -> Answer:
    _note_use(kept.evidence)
    if kept.error is None:
        return Answer(merged(kept.pages), None, kept.evidence, kept.time)
    code = answer_code(kept.error)
    if code and code in read.absent:
        return Answer(None, code, kept.evidence, kept.time)
    raise NotVerifiedError(describe(kept.error, read.service, read.operation, region))
