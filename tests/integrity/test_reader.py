"""The reader against two S3 servers that are not ours alone: moto's, and the loopback one."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from tests.integrity.loopback import Account, Bucket
from tests.integrity.trail import HOME
from verify.integrity.read.reader import ObjectMissingError
from verify.integrity.read.s3 import Connection, S3Reader

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


def _bodies(reader: S3Reader, keys: Sequence[str]) -> list[bytes]:
    return [reader.read("logs", key, None, lambda _, chunks: b"".join(chunks)) for key in keys]


def test_what_was_announced_is_read_more_than_the_window_holds(reader: S3Reader) -> None:
    assert reader.window("logs") == 4
    reader.announce("logs", KEYS[8:])
    assert _bodies(reader, KEYS[8:]) == [gzip.compress(key.encode(), mtime=0) for key in KEYS[8:]]


def test_an_announcement_that_is_not_kept_changes_no_answer(reader: S3Reader) -> None:
    contents = {key: gzip.compress(key.encode(), mtime=0) for key in KEYS[8:]}
    reader.announce("logs", [KEYS[8], KEYS[8], "folder/none", KEYS[9], KEYS[10], KEYS[11]])
    # In another order, one not announced, one twice; two are left for good.
    for key in (KEYS[11], KEYS[20], KEYS[9], KEYS[9]):
        assert _bodies(reader, [key]) == [contents[key]]
    with pytest.raises(ObjectMissingError):
        _bodies(reader, ["folder/none"])
    reader.announce("logs", [KEYS[12], KEYS[8]])
    assert _bodies(reader, [KEYS[12], KEYS[10], KEYS[8]]) == [
        contents[key] for key in (KEYS[12], KEYS[10], KEYS[8])
    ]


def test_an_announced_object_does_not_stand_for_an_earlier_version_of_it(
    reader: S3Reader,
) -> None:
    history = next(one for one in reader.histories("logs", KEYS[3]))
    reader.announce("logs", [KEYS[3]])
    bodies = [
        reader.read("logs", KEYS[3], identifier, lambda _, chunks: b"".join(chunks))
        for identifier in (history.versions[1].identifier, None)
    ]
    assert bodies == [gzip.compress(KEYS[3].encode(), mtime=0), b"second"]


@pytest.mark.usefixtures("account")  # for its credentials
def test_announced_objects_are_asked_for_before_the_first_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = threading.Barrier(4)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            together.wait(timeout=20)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.path)))
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
            reader = S3Reader(Connection(HOME, 4))
            reader.announce("logs", [f"key-{number}" for number in range(8)])
            # One alone would wait for the other three in vain.
            assert _bodies(reader, [f"key-{number}" for number in range(8)]) == [
                f"/logs/key-{number}".encode() for number in range(8)
            ]
        finally:
            server.shutdown()


def test_a_consumer_that_stops_early_does_no_harm(reader: S3Reader) -> None:
    for _ in range(3):
        assert reader.read("logs", KEYS[0], None, lambda *_: "nothing read") == "nothing read"
    body = reader.read("logs", KEYS[1], None, lambda _, chunks: b"".join(chunks))
    assert gzip.decompress(body) == KEYS[1].encode()
