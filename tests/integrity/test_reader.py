"""The reader against two S3 servers that are not ours alone: moto's, and the loopback one."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from tests.integrity.loopback import Account, Bucket
from tests.integrity.trail import HOME
from verify.integrity.reader import ObjectMissingError
from verify.integrity.s3 import Connection, S3Reader

KEYS = [f"folder/object {number:02} +=é.json.gz" for number in range(30)]


@pytest.fixture(params=["moto", "loopback"])
def reader(
    request: pytest.FixtureRequest, account: Account, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Reader]:
    """A reader of a bucket with 30 objects: 3 overwritten, 5 hidden, 7 deleted and put back."""
    if request.param == "loopback":
        bucket = account.buckets["logs"] = Bucket("logs", HOME)
        put, delete = bucket.put, bucket.delete
        server = None
    else:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("s3", region_name=HOME)
        client.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": HOME})
        client.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})

        def put(
            key: str,
            body: bytes,
            metadata: dict[str, str] | None = None,
            modified: datetime = datetime(2026, 1, 1, tzinfo=UTC),
            storage_class: str = "STANDARD",
        ) -> None:
            client.put_object(Bucket="logs", Key=key, Body=body, Metadata=metadata or {})

        def delete(key: str) -> None:
            client.delete_object(Bucket="logs", Key=key)

    for key in KEYS:
        put(
            key,
            gzip.compress(key.encode(), mtime=0),
            {"signature": "ab", "signature-algorithm": "x"},
        )
    put(KEYS[3], b"second")
    delete(KEYS[5])
    delete(KEYS[7])
    put(KEYS[7], b"third")
    yield S3Reader(Connection(HOME, 4))
    if server is not None:
        # moto's state is the process's, and outlives the server.
        urllib3.request("POST", f"http://{host}:{port}/moto-api/reset")
        server.stop()


def test_histories_come_in_order_with_their_versions(reader: S3Reader) -> None:
    found = {one.key: one for one in reader.histories("logs", "folder/")}
    assert list(found) == KEYS
    assert found[KEYS[0]].is_plain
    assert [len(found[key].versions) for key in KEYS[3:8]] == [2, 1, 2, 1, 3]
    assert [one.is_latest for one in found[KEYS[3]].versions] == [True, False]
    assert found[KEYS[5]].is_hidden
    # S3 tells times in seconds, so only the latest has a sure place.
    assert not found[KEYS[7]].versions[0].is_marker
    assert sorted(one.is_marker for one in found[KEYS[7]].versions) == [False, False, True]


def test_histories_begin_after_a_key(reader: S3Reader) -> None:
    assert [one.key for one in reader.histories("logs", "folder/", KEYS[26])] == KEYS[27:]
    assert list(reader.histories("logs", "nothing/")) == []


def test_objects_are_read_as_they_are_with_their_metadata(reader: S3Reader) -> None:
    metadata, body = reader.read(
        "logs", KEYS[0], None, lambda metadata, chunks: (dict(metadata), b"".join(chunks))
    )
    assert metadata == {"signature": "ab", "signature-algorithm": "x"}
    assert gzip.decompress(body) == KEYS[0].encode()


def test_a_version_is_read(reader: S3Reader) -> None:
    history = next(one for one in reader.histories("logs", KEYS[3]))
    bodies = [
        reader.read("logs", KEYS[3], one.identifier, lambda _, chunks: b"".join(chunks))
        for one in history.versions
    ]
    assert bodies == [b"second", gzip.compress(KEYS[3].encode(), mtime=0)]


def test_what_is_not_there_is_missing(reader: S3Reader) -> None:
    for key, version in ((KEYS[5], None), ("folder/none", None)):
        with pytest.raises(ObjectMissingError):
            reader.read("logs", key, version, lambda _, chunks: b"".join(chunks))


def test_a_consumer_that_stops_early_does_no_harm(reader: S3Reader) -> None:
    for _ in range(3):
        assert reader.read("logs", KEYS[0], None, lambda *_: "nothing read") == "nothing read"
    body = reader.read("logs", KEYS[1], None, lambda _, chunks: b"".join(chunks))
    assert gzip.decompress(body) == KEYS[1].encode()
