"""Where the days are validated: threads here, processes here, or a Dask cluster.

The seam is concurrent.futures.Executor. A day is one task; within it reads run in a pool of threads
that its process keeps, so that what waits for the network does not wait for each other.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from verify.integrity.read.reader import Reader
from verify.integrity.read.s3 import Connection, reader
from verify.integrity.read.shared_listings import SharedListings
from verify.integrity.run.day import DayJob, DayResult, validate_day
from verify.integrity.run.meter import Meter

# Days under way at the same time in one process: enough that one's last reads overlap the next
# one's first, few enough that their memory does not matter.
_DAYS_AT_ONCE = 4


class SchedulerError(Exception):
    """The cluster cannot be used; the message says why."""


@dataclass(frozen=True)
class Engine:
    """An executor for days. `task` validates one; `at_once` is how many it works on.

    `meter` counts as they go where they run in this process, and is None elsewhere.
    """

    executor: Executor
    task: Callable[[DayJob], DayResult]
    at_once: int
    meter: Meter | None


def work(connection: Connection, job: DayJob) -> DayResult:
    """One task: validate a day with this process's reader and threads."""
    reads = reader(connection)
    pool = _pool(connection, _threads(reads, connection.workers, job.layout.bucket))
    return validate_day(job, reads, pool, _meter(connection))


def _threads(reader: Reader, workers: int, bucket: str) -> int:
    """How many threads have `workers` reads under way."""
    return max(workers // reader.window(bucket), 1)


@lru_cache(maxsize=8)
def _pool(_connection: Connection, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="integrity")


@lru_cache(maxsize=8)
def _meter(connection: Connection) -> Meter:
    return Meter()


@contextmanager
def threads(reader: Reader, workers: int, bucket: str) -> Iterator[Engine]:
    """Days in threads of this process, with `workers` reads of `bucket` at the same time."""
    meter = Meter()
    shared = SharedListings(reader)
    with (
        ThreadPoolExecutor(
            _threads(reader, workers, bucket), thread_name_prefix="integrity"
        ) as pool,
        ThreadPoolExecutor(_DAYS_AT_ONCE, thread_name_prefix="integrity-day") as executor,
    ):

        def task(job: DayJob) -> DayResult:
            return validate_day(job, shared, pool, meter)

        try:
            yield Engine(executor, task, _DAYS_AT_ONCE, meter)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def processes(connection: Connection) -> Iterator[Engine]:
    """Days in processes, one for each processor, which share `connection.workers` reads."""
    # Imported where they are used: few runs are large enough for it.
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    count = os.cpu_count() or 1
    share = replace(connection, workers=max(connection.workers // count, 1))
    # A forked child would inherit this process's connections and locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as executor:
        try:
            yield Engine(executor, partial(work, share), count, None)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask(connection: Connection, scheduler: str) -> Iterator[Engine]:
    """Days on a Dask cluster, whose workers have this package and may read the bucket."""
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise SchedulerError(
            "--scheduler needs Dask, which is not installed: pip install 'dask[distributed]'"
        ) from error
    try:
        client = distributed.Client(scheduler, timeout="5s")
    except (OSError, ValueError) as error:
        raise SchedulerError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client, client.get_executor() as executor:
        at_once = max(sum(client.nthreads().values()), 1)
        yield Engine(executor, partial(work, connection), at_once, None)
