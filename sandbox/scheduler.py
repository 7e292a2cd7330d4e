"""Work that is due later: deliveries, retries, evaluations."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

log = logging.getLogger(__name__)

Task = Callable[[], None]


class Scheduler:
    """Runs tasks when they are due, on a few threads of its own.

    A task that fails is logged and does not stop the others.
    """

    def __init__(self, workers: int = 8) -> None:
        self._due: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="sandbox-task")
        self._thread = threading.Thread(target=self._run, name="sandbox-clock", daemon=True)
        self._thread.start()

    def later(self, seconds: float, task: Task) -> None:
        """Run ``task`` once, ``seconds`` from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), task))
            self._changed.notify()

    def every(self, seconds: float, task: Task) -> None:
        """Run ``task`` again and again, ``seconds`` after the end of its last run."""

        def turn() -> None:
            try:
                task()
            finally:
                if not self._stopping:
                    self.later(seconds, turn)

        self.later(seconds, turn)

    def stop(self) -> None:
        """Forget what is not yet due and wait for what is running."""
        with self._changed:
            self._stopping = True
            self._due.clear()
            self._changed.notify()
        self._thread.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (not self._due or self._due[0][0] > time.monotonic()):
                    wait = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(None if wait is None else max(wait, 0.0))
                if self._stopping:
                    return
                task = heapq.heappop(self._due)[2]
                self._pool.submit(task).add_done_callback(report)


def report(future: Future[None]) -> None:
    """Log how a background task failed; for add_done_callback."""
    if not future.cancelled() and (failure := future.exception()) is not None:
        log.error("a background task failed", exc_info=failure)
