"""When digests are due, under a clock of the test's own."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.settings import Settings, default_digest_period
from sandbox.trail import digests as digests_module
from sandbox.trail import storage
from sandbox.trail.digest_document import LogFile, Source
from sandbox.trail.digests import Digests
from sandbox.trail.signing_keys import SigningKeys

ACCOUNT = "123456789012"
HOME = "eu-west-1"
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


class Stage:
    """A trail, a clock and a bucket, in memory."""

    def __init__(self, period: int, keys: SigningKeys, regular: tuple[str, ...]) -> None:
        self.moment = START
        self.refusal: str | None = None
        self.documents: list[dict[str, Any]] = []
        self.trail = SimpleNamespace(
            arn=f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/t",
            trail_name="t",
            region_name=HOME,
            bucket_name="b",
            s3_key_prefix=None,
            is_org_trail=False,
            is_multi_region=True,
            log_validation=True,
            status=SimpleNamespace(is_logging=True),
        )
        world: Any = SimpleNamespace(
            settings=Settings(
                ACCOUNT, HOME, 0, 3600.0, digest_period=period, digest_regions=regular
            ),
            scheduler=SimpleNamespace(every=lambda seconds, task: None),
            lock=threading.RLock(),
            regions=lambda service: [SimpleNamespace(trails={"t": self.trail})],
        )
        self.digests = Digests(world, keys)

    def put(
        self, world: Any, trail: Any, key: str, body: bytes, metadata: Mapping[str, str]
    ) -> str | None:
        if self.refusal is None:
            self.documents.append(json.loads(gzip.decompress(body)))
        return self.refusal

    def exists(self, world: Any, trail: Any, key: str) -> bool:
        return key in {one["digestS3Object"] for one in self.documents}

    def after(self, seconds: float) -> list[dict[str, Any]]:
        """The digests that are written when this much time has passed."""
        self.moment += timedelta(seconds=seconds)
        before = len(self.documents)
        self.digests.write_due()
        return self.documents[before:]

    def deliver(self, key: str, region: str = HOME) -> None:
        time = "2026-01-01T11:59:59Z"
        file = LogFile("b", key, "0" * 64, time, time, self.moment)
        self.digests.delivered(self.trail, region, file)


@pytest.fixture(scope="module")
def keys() -> SigningKeys:
    return SigningKeys()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, keys: SigningKeys) -> Stage:
    return _stage(monkeypatch, keys, 10)


def _stage(
    monkeypatch: pytest.MonkeyPatch,
    keys: SigningKeys,
    period: int,
    regular: tuple[str, ...] = (HOME,),
) -> Stage:
    made = Stage(period, keys, regular)
    monkeypatch.setattr(digests_module, "now", lambda: made.moment)
    monkeypatch.setattr(storage, "put", made.put)
    monkeypatch.setattr(storage, "exists", made.exists)
    made.digests.changed(made.trail)
    return made


def spans(documents: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (one["digestStartTime"][11:19], one["digestEndTime"][11:19])
        for one in documents
        if f"/{HOME}/" in one["digestS3Object"]
    ]


def regions(documents: list[dict[str, Any]]) -> list[str]:
    return sorted(one["digestS3Object"].split("/")[3] for one in documents)


def files(documents: list[dict[str, Any]]) -> list[str]:
    return [file["s3Object"] for one in documents for file in one["logFiles"]]


@pytest.mark.parametrize(
    ("speed", "period"), [(1, 3600), (60, 60), (7, 515), (3000, 3), (1_000_000, 3)]
)
def test_the_period_follows_the_speed(speed: float, period: int) -> None:
    assert default_digest_period(speed) == period


def test_a_digest_holds_what_was_delivered_before_its_end(stage: Stage) -> None:
    stage.deliver("early")
    assert stage.after(9.9) == []
    assert stage.after(0.1)[0]["logFiles"][0]["s3Object"] == "early"
    stage.moment = START + timedelta(seconds=19.999)
    stage.deliver("before the end")
    stage.moment = START + timedelta(seconds=20)
    stage.deliver("at the end")
    second = stage.after(0.2)
    assert spans(second) == [("12:00:10", "12:00:20")]
    assert files(second) == ["before the end"]
    assert files(stage.after(10)) == ["at the end"]


def test_a_quiet_region_is_digested_by_the_hour_but_for_what_happens(stage: Stage) -> None:
    assert regions(stage.after(3590)) == [HOME]
    hour = stage.after(10)
    assert len(regions(hour)) == 17
    assert regions(stage.after(10)) == [HOME]
    stage.deliver("far", "us-west-2")
    busy = stage.after(10)
    assert regions(busy) == [HOME, "us-west-2"]
    first = next(one for one in busy if "/us-west-2/" in one["digestS3Object"])
    assert first["digestStartTime"] == "2026-01-01T13:00:00Z"
    assert first["previousDigestS3Object"] in [one["digestS3Object"] for one in hour]


def test_where_it_was_not_asked_for_an_empty_digest_waits_for_the_hour(
    monkeypatch: pytest.MonkeyPatch, keys: SigningKeys
) -> None:
    stage = _stage(monkeypatch, keys, 10, ())
    assert stage.after(35) == []
    stage.deliver("one")
    assert stage.after(4) == []
    assert spans(stage.after(1)) == [("12:00:00", "12:00:40")]
    assert stage.after(3_559) == []
    assert spans(stage.after(1)) == [("12:00:40", "13:00:00")]


def test_at_the_hourly_period_every_region_is_digested(
    monkeypatch: pytest.MonkeyPatch, keys: SigningKeys
) -> None:
    stage = _stage(monkeypatch, keys, 3600)
    assert stage.after(3599) == []
    assert len(regions(stage.after(1))) == 17


def test_one_digest_makes_up_for_a_long_sleep(stage: Stage) -> None:
    assert spans(stage.after(10)) == [("12:00:00", "12:00:10")]
    assert spans(stage.after(1_005)) == [("12:00:10", "12:16:50")]
    assert spans(stage.after(5)) == [("12:16:50", "12:17:00")]


def test_the_final_digest_of_a_region_without_digests_is_left_out(stage: Stage) -> None:
    stage.after(5.5)
    stage.digests.stopping(stage.trail)
    stage.digests.stopped(stage.trail)
    assert regions(stage.documents) == [HOME]
    assert spans(stage.documents) == [("12:00:00", "12:00:05")]
    assert stage.after(3600) == []


def test_an_event_of_a_stop_before_the_last_start_ends_nothing(stage: Stage) -> None:
    stage.digests.stopping(stage.trail)
    stage.digests.changed(stage.trail)  # StartLogging
    stage.digests.stopped(stage.trail)  # the event of the stop comes late
    # The chain that it ended had lived for no second.
    assert stage.documents == []
    assert spans(stage.after(10)) == [("12:00:00", "12:00:10")]


def test_what_cannot_be_written_waits_within_bounds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests_module, "MAXIMUM_WAITING", 3)
    stage.refusal = "AccessDenied"
    for number in range(5):
        stage.deliver(str(number))
        assert stage.after(10) == []
    assert stage.digests.status(stage.trail, HOME).error == "AccessDenied"
    stage.refusal = None
    written = stage.after(10)
    assert files(written) == ["2", "3", "4"]
    assert spans(written) == [("12:00:00", "12:01:00")]
    assert stage.digests.status(stage.trail, HOME).error is None
    answer = stage.digests.backfill({"trail": "t"})
    assert answer["logFiles"] == 2
    assert files(stage.documents[-1:]) == ["0", "1"]


def test_a_backfill_digest_takes_what_waits_for_the_next_digest(stage: Stage) -> None:
    stage.moment = START + timedelta(seconds=2.5)
    stage.deliver("delayed")
    assert stage.digests.backfill({"trail": "t", "region": HOME})["logFiles"] == 1
    assert files(stage.after(10)) == []
    taken, regular = stage.documents
    assert files([taken]) == ["delayed"]
    assert spans([taken]) == [("12:00:02", "12:00:03")]
    assert taken["digestS3Object"].endswith("_20260101T120003Z_backfill.json.gz")
    assert regular["previousDigestS3Object"] is None


def test_backfill_digests_of_the_same_second_have_names_of_their_own(stage: Stage) -> None:
    for number in range(2):
        stage.deliver(str(number))
        stage.digests.backfill({"trail": "t"})
    first, second = stage.documents
    assert first["digestS3Object"] != second["digestS3Object"]
    assert second["previousDigestS3Object"] == first["digestS3Object"]
    assert files([second]) == ["1"]


def test_the_key_of_a_digest() -> None:
    end = datetime(2026, 1, 31, 23, 0, 9, tzinfo=UTC)
    source = Source(ACCOUNT, "us-west-2", "audit_trail", HOME, "b", "logs/x/AWSLogs/123456789012/")
    assert source.key(end) == (
        "logs/x/AWSLogs/123456789012/CloudTrail-Digest/us-west-2/2026/01/31/123456789012_"
        "CloudTrail-Digest_us-west-2_audit_trail_eu-west-1_20260131T230009Z.json.gz"
    )
    source = Source(ACCOUNT, HOME, "t1", HOME, "b", "AWSLogs/123456789012/")
    assert source.key(end, backfill=True) == (
        "AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2026/01/31/123456789012_"
        "CloudTrail-Digest_eu-west-1_t1_eu-west-1_20260131T230009Z_backfill.json.gz"
    )
