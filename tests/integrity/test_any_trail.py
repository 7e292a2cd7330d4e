"""Any trail, any period, any single act: properties of the whole, without a network."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integrity.loopback import Account, Bucket
from tests.integrity.trail import ACCOUNT, HOME, START, Trail, fingerprint, key_pair, public_der
from verify.integrity.judge.history import History, Version
from verify.integrity.judge.layout import ChainScope, Layout
from verify.integrity.judge.signature import PublicKey
from verify.integrity.judge.tail import TrailStatus
from verify.integrity.read.reader import Consumer, ObjectMissingError
from verify.integrity.run import executors
from verify.integrity.run.progress import Progress
from verify.integrity.run.request import Request
from verify.integrity.run.result import Result
from verify.integrity.run.validation import validate

T = TypeVar("T")
SCOPE = ChainScope(ACCOUNT, HOME)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class MemoryReader:
    """Reads a loopback bucket without a server in between."""

    sees_versions = True

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def histories(self, bucket: str, prefix: str, after: str = "") -> Iterator[History]:
        for key in list(self._bucket.keys(prefix, after)):
            kept = self._bucket.versions[key]
            yield History(
                key,
                tuple(
                    Version(one.identifier, one is kept[-1], one.body is None, one.modified)
                    for one in reversed(kept)
                ),
            )

    def read(self, bucket: str, key: str, version: str | None, consume: Consumer[T]) -> T:
        kept = self._bucket.versions.get(key, [])
        wanted = (
            kept[-1:] if version is None else [one for one in kept if one.identifier == version]
        )
        if not wanted or wanted[0].body is None:
            raise ObjectMissingError(key)
        return consume(wanted[0].metadata, [wanted[0].body])

    def window(self, bucket: str) -> int:
        return 1

    def announce(self, bucket: str, keys: Iterable[str]) -> None:
        pass

    def public_keys(self, region: str, start: datetime, end: datetime) -> tuple[PublicKey, ...]:
        key = key_pair(region)
        return (
            PublicKey(
                fingerprint(key),
                public_der(key),
                datetime(2025, 1, 1, tzinfo=UTC),
                datetime(2027, 1, 1, tzinfo=UTC),
            ),
        )


def _run(trail: Trail, start: datetime, end: datetime) -> Result:
    reader = MemoryReader(trail.bucket)
    request = Request(
        Layout(trail.bucket_name, trail.prefix, None, trail.name, trail.home),
        (SCOPE,),
        start,
        end,
        NOW,
        timedelta(hours=1),
    )
    with executors.threads(reader, 2, trail.bucket_name) as engine:
        return validate(
            request,
            reader,
            engine,
            lambda _: TrailStatus(True, NOW, None, None),
            Progress(lambda _: None, False, 1),
        )


@dataclass(frozen=True)
class Built:
    """A trail that covers more than the period, its digests, and the period."""

    trail: Trail
    digests: tuple[str, ...]
    start: datetime
    end: datetime


@st.composite
def trails(draw: st.DrawFn) -> Built:
    """Up to three days of digests of up to an hour, cut anywhere, and a period within them."""
    trail = Trail(Account(), records_per_file=1)
    begin = START - timedelta(hours=2) + timedelta(seconds=draw(st.integers(0, 3599)))
    days = draw(st.integers(1, 2))
    until = START + timedelta(days=days, hours=3)
    shorter = draw(st.lists(st.integers(5, 60), max_size=6))
    digests = []
    while begin < until:
        end = begin + timedelta(minutes=shorter.pop() if shorter else 60)
        count = draw(st.sampled_from([0, 1, 1, 3]))
        logs = [
            trail.write_log(HOME, begin + (end - begin) * (index + 0.5) / count)
            for index in range(count)
        ]
        digests.append(trail.write_digest(HOME, begin, end, logs))
        begin = end
    start = START + timedelta(minutes=draw(st.integers(0, 300)))
    end = START + timedelta(days=days, minutes=-draw(st.integers(0, 300)))
    return Built(trail, tuple(digests), start, end)


def _keys(built: Built) -> Iterable[str]:
    """Digests that begin and end within the period, and the log files that they name."""
    for key in built.digests:
        document = built.trail.document(key)
        begin = datetime.fromisoformat(document["digestStartTime"])
        end = datetime.fromisoformat(document["digestEndTime"])
        if built.start <= begin and end <= built.end:
            yield key
            yield from (entry["s3Object"] for entry in document["logFiles"])


slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(trails())
def test_an_untouched_trail_is_intact_for_any_period(built: Built) -> None:
    result = _run(built.trail, built.start, built.end)
    assert (result.anomalies, result.exit_code) == ((), 0)
    assert result.scopes[0].covered == ((built.start, built.end),)
    named = [
        entry
        for key in built.digests
        for document in [built.trail.document(key)]
        if datetime.fromisoformat(document["digestStartTime"]) < built.end
        and built.start < datetime.fromisoformat(document["digestEndTime"])
        for entry in document["logFiles"]
    ]
    assert result.totals.logs == result.totals.logs_intact == len(named)


def _purge(bucket: Bucket, key: str) -> None:
    bucket.purge(key)


def _hide(bucket: Bucket, key: str) -> None:
    bucket.delete(key)


def _empty(bucket: Bucket, key: str) -> None:
    bucket.rewrite(key, gzip.compress(b"{}"))


def _append(bucket: Bucket, key: str) -> None:
    bucket.rewrite(key, (bucket.current(key).body or b"") + gzip.compress(b"{}"))


def _overwrite(bucket: Bucket, key: str) -> None:
    bucket.put(key, gzip.compress(b"{}"))


@slow
@given(trails(), st.data(), st.sampled_from([_purge, _hide, _empty, _append, _overwrite]))
def test_any_object_that_is_touched_is_found(
    built: Built, draw: st.DataObject, act: Callable[[Bucket, str], None]
) -> None:
    key = draw.draw(st.sampled_from(sorted(_keys(built))))
    act(built.trail.bucket, key)
    result = _run(built.trail, built.start, built.end)
    assert result.exit_code == 1
    assert key in {anomaly.key for anomaly in result.anomalies}


@slow
@given(trails(), st.data())
def test_any_log_file_that_is_put_in_is_found(built: Built, draw: st.DataObject) -> None:
    last = int((built.end - built.start) / timedelta(minutes=1)) - 1
    minute = draw.draw(st.integers(0, last))
    key = built.trail.write_log(HOME, built.start + timedelta(minutes=minute))["s3Object"]
    result = _run(built.trail, built.start, built.end)
    assert [(one.kind.label, one.key) for one in result.anomalies] == [("log-unreferenced", key)]
