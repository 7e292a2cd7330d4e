"""The judgement without any I/O: by properties, and by literal cases where a property says less."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.integrity.trail import fingerprint, key_pair, public_der
from verify.integrity.judge.anomaly import Anomaly, AnomalyKind
from verify.integrity.judge.chain import Chain, Lookup, Node
from verify.integrity.judge.content import ContentProblem, inflate
from verify.integrity.judge.coverage import Interval, gaps, union, within
from verify.integrity.judge.digest import DigestFormatError, Link, parse_digest
from verify.integrity.judge.layout import ChainScope, Layout
from verify.integrity.judge.signature import PublicKey, SignatureProblem, judge_signature
from verify.integrity.judge.tail import Newest, TrailStatus, judge_gaps
from verify.integrity.read.sigv4 import signed_headers
from verify.integrity.run.progress import Progress, describe, duration

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCOPE = ChainScope("123456789012", "ap-southeast-1")
# A busy machine is no reason to fail.
unhurried = settings(deadline=None)


def _pieces(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces, begin = [], 0
    for size in sizes:
        pieces.append(data[begin : begin + size])
        begin += size
    return [*pieces, data[begin:]]


# --- content -------------------------------------------------------------------------------------


@unhurried
@given(st.binary(max_size=5000), st.lists(st.integers(0, 400), max_size=20))
def test_one_member_hashes_as_its_content_however_it_arrives(data: bytes, sizes: list[int]) -> None:
    content = inflate(_pieces(gzip.compress(data), sizes), 10_000, keep=True)
    assert content.problem is None
    assert content.hash_value == hashlib.sha256(data).hexdigest()
    assert (content.body, content.size) == (data, len(data))


@unhurried
@given(
    st.binary(max_size=2000),
    st.binary(min_size=1, max_size=200),
    st.lists(st.integers(0, 300), max_size=20),
)
def test_whatever_follows_the_member_is_seen(data: bytes, more: bytes, sizes: list[int]) -> None:
    body = gzip.compress(data) + more
    content = inflate(_pieces(body, sizes), 10_000)
    assert content.problem is ContentProblem.TRAILING
    assert content.hash_value == hashlib.sha256(data).hexdigest()


@unhurried
@given(st.binary(max_size=2000), st.data())
def test_a_member_that_is_cut_short_has_no_hash(data: bytes, draw: st.DataObject) -> None:
    body = gzip.compress(data)
    length = draw.draw(st.integers(0, len(body) - 1))
    content = inflate([body[:length]], 10_000)
    assert (content.problem, content.hash_value) == (ContentProblem.TRUNCATED, "")


def test_what_expands_without_end_is_given_up_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    content = inflate([bomb], 1024 * 1024, keep=True)
    assert (content.problem, content.hash_value, content.body) == (
        ContentProblem.TOO_LARGE,
        "",
        b"",
    )
    assert content.size <= 2 * 1024 * 1024


def test_a_zlib_stream_is_not_gzip() -> None:
    assert inflate([zlib.compress(b"x")], 10).problem is ContentProblem.NOT_GZIP


# --- coverage ------------------------------------------------------------------------------------

moments = st.integers(0, 500).map(lambda minutes: START + timedelta(minutes=minutes))
intervals = st.lists(st.tuples(moments, moments), max_size=12)


def _minutes(covered: Sequence[Interval], start: datetime, end: datetime) -> set[datetime]:
    """Every minute that begins in one of `covered`, between `start` and `end`."""
    count = max(int((end - start) / timedelta(minutes=1)), 0)
    return {
        moment
        for moment in (start + timedelta(minutes=minute) for minute in range(count))
        if any(one <= moment < other for one, other in covered)
    }


@unhurried
@given(intervals, moments, moments)
def test_what_is_covered_and_what_is_not_make_up_the_period(
    some: list[Interval], start: datetime, end: datetime
) -> None:
    assume(start < end)
    joined = union(some)
    everything = _minutes([(start, end)], start, end)
    covered = _minutes(within(joined, start, end), start, end)
    missing = _minutes(gaps(joined, start, end), start, end)
    assert covered == _minutes(some, start, end)
    assert covered | missing == everything
    assert not covered & missing


@unhurried
@given(intervals)
def test_a_union_is_in_order_and_apart(some: list[Interval]) -> None:
    joined = union(some)
    assert all(one[1] < other[0] for one, other in pairwise(joined))
    assert union(joined) == joined


# --- digests -------------------------------------------------------------------------------------


def _document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "awsAccountId": "123456789012",
        "digestStartTime": "2026-03-02T00:00:00Z",
        "digestEndTime": "2026-03-02T01:00:00Z",
        "digestS3Bucket": "bucket",
        "digestS3Object": "key",
        "digestPublicKeyFingerprint": fingerprint(key_pair("one")),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "previousDigestS3Bucket": None,
        "previousDigestS3Object": None,
        "previousDigestHashValue": None,
        "previousDigestHashAlgorithm": None,
        "previousDigestSignature": None,
        "logFiles": [
            {
                "s3Bucket": "bucket",
                "s3Object": "log",
                "hashValue": "0" * 64,
                "hashAlgorithm": "SHA-256",
            }
        ],
    }
    return {**document, **changes}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@unhurried
@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(content: bytes) -> None:
    with pytest.raises(DigestFormatError):
        parse_digest(content)


@unhurried
@given(st.sampled_from(sorted(_document())), json_values)
def test_no_value_breaks_the_parser(name: str, value: Any) -> None:
    content = json.dumps(_document(**{name: value})).encode()
    try:
        digest = parse_digest(content)
    except DigestFormatError:
        return
    assert digest.bucket
    assert digest.start <= digest.end


def test_deep_nesting_does_not_break_the_parser() -> None:
    with pytest.raises(DigestFormatError):
        parse_digest(b"[" * 100_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logFiles": None}, "logFiles is not a list"),
        ({"digestEndTime": "2026-03-02 01:00:00"}, "digestEndTime is not a time in UTC"),
        ({"digestEndTime": "2026-13-02T01:00:00Z"}, "digestEndTime is not a time"),
        ({"digestEndTime": "2026-03-01T01:00:00Z"}, "digestEndTime is before digestStartTime"),
        ({"previousDigestS3Bucket": "b"}, "previousDigestS3Object is null although"),
        ({"logFiles": [{"hashAlgorithm": "MD5"}]}, "hashAlgorithm of an entry"),
        (
            {
                "logFiles": [
                    {
                        "s3Bucket": "b",
                        "s3Object": "k",
                        "hashAlgorithm": "SHA-256",
                        "hashValue": "x",
                    }
                ]
            },
            "hashValue of an entry",
        ),
    ],
)
def test_what_is_wrong_with_a_digest_is_said(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DigestFormatError, match=message):
        parse_digest(json.dumps(_document(**changes)).encode())


# --- signature -----------------------------------------------------------------------------------

VALID = PublicKey(
    fingerprint(key_pair("one")), public_der(key_pair("one")), START - 24 * HOUR, START + 24 * HOUR
)


def _signed(document: dict[str, Any]) -> tuple[bytes, str]:
    content = json.dumps(document).encode()
    digest = parse_digest(content)
    text = digest.string_to_sign(hashlib.sha256(content).hexdigest())
    return content, key_pair("one").sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()


def _judge(
    content: bytes, signature: str | None, algorithm: str | None, *keys: PublicKey
) -> SignatureProblem | None:
    return judge_signature(
        parse_digest(content),
        hashlib.sha256(content).hexdigest(),
        signature,
        algorithm,
        keys or (VALID,),
    )


def test_a_true_signature_holds() -> None:
    content, signature = _signed(_document())
    assert _judge(content, signature, "SHA256withRSA") is None


@unhurried
@given(st.integers(0, 511), st.sampled_from("0123456789abcdef"))
def test_no_other_signature_holds(place: int, digit: str) -> None:
    content, signature = _signed(_document())
    assume(signature[place] != digit)
    changed = signature[:place] + digit + signature[place + 1 :]
    assert _judge(content, changed, "SHA256withRSA") is SignatureProblem.INVALID


@unhurried
@given(st.text(max_size=20))
def test_what_is_no_signature_does_not_hold(text: str) -> None:
    content, _ = _signed(_document())
    assert _judge(content, text, "SHA256withRSA") is SignatureProblem.INVALID


def test_the_other_padding_of_rsa_does_not_hold() -> None:
    content = json.dumps(_document()).encode()
    text = parse_digest(content).string_to_sign(hashlib.sha256(content).hexdigest())
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    signature = key_pair("one").sign(text, scheme, hashes.SHA256()).hex()
    assert _judge(content, signature, "SHA256withRSA") is SignatureProblem.INVALID


def test_other_reasons_for_which_a_signature_does_not_hold() -> None:
    content, signature = _signed(_document())
    assert _judge(content, None, None) is SignatureProblem.MISSING
    assert _judge(content, signature, "SHA1withRSA") is SignatureProblem.ALGORITHM
    early = replace(VALID, valid_until=START)
    late = replace(VALID, valid_from=START + 4 * HOUR)
    soon = replace(VALID, valid_from=START + 2 * HOUR)
    assert _judge(content, signature, "SHA256withRSA", early) is SignatureProblem.KEY_NOT_VALID
    assert _judge(content, signature, "SHA256withRSA", late) is SignatureProblem.KEY_NOT_VALID
    assert _judge(content, signature, "SHA256withRSA", soon) is None
    broken = replace(VALID, der=b"no key")
    assert _judge(content, signature, "SHA256withRSA", broken) is SignatureProblem.KEY_UNUSABLE
    other = replace(VALID, fingerprint="0" * 32)
    assert _judge(content, signature, "SHA256withRSA", other) is SignatureProblem.KEY_UNKNOWN


# --- chain ---------------------------------------------------------------------------------------


def _chain(lengths: Sequence[int]) -> list[Node]:
    """Digests that follow each other, each some minutes long."""
    nodes: list[Node] = []
    begin = START
    for number, length in enumerate(lengths):
        last = nodes[-1] if nodes else None
        link = None
        if last is not None:
            link = Link(last.bucket, last.key, last.hash_value, last.signature or "")
        end = begin + timedelta(minutes=length)
        nodes.append(
            Node(
                bucket="b",
                key=f"digest-{number}",
                start=begin,
                end=end,
                hash_value=f"{number:064}",
                signature=f"s{number}",
                previous=link,
                parsed=True,
                proven=True,
                modified=end,
            )
        )
        begin = end
    return nodes


def _feed(nodes: Sequence[Node]) -> tuple[Chain, list[Anomaly | Lookup]]:
    chain = Chain(SCOPE, ordered=True)
    return chain, [item for node in nodes for item in chain.feed(node)]


lengths = st.lists(st.integers(1, 60), min_size=3, max_size=30)


@unhurried
@given(lengths)
def test_an_untouched_chain_is_linked_and_covers_its_time(minutes: list[int]) -> None:
    chain, found = _feed(_chain(minutes))
    assert found == []
    assert chain.covered == ((START, START + timedelta(minutes=sum(minutes))),)


@unhurried
@given(lengths, st.data())
def test_digests_taken_out_are_missed(minutes: list[int], draw: st.DataObject) -> None:
    nodes = _chain(minutes)
    first = draw.draw(st.integers(0, len(nodes) - 2))
    last = draw.draw(st.integers(first, len(nodes) - 2))
    chain = Chain(SCOPE, ordered=True)
    findings: list[Anomaly] = []
    for node in nodes[:first] + nodes[last + 1 :]:
        for item in list(chain.feed(node)):
            if isinstance(item, Lookup):
                findings.extend(chain.resolve(item, None, START))
            else:
                findings.append(item)
    assert [one.kind for one in findings] == [AnomalyKind.DIGEST_MISSING, AnomalyKind.CHAIN_LOST]
    assert findings[0].key == nodes[last].key
    assert chain.explained == ((nodes[first].start, nodes[last].end),)


@unhurried
@given(lengths, st.data(), st.sampled_from(["hash_value", "signature"]))
def test_a_digest_that_is_not_the_one_recorded_is_found(
    minutes: list[int], draw: st.DataObject, what: str
) -> None:
    nodes = _chain(minutes)
    place = draw.draw(st.integers(0, len(nodes) - 2))
    changes: dict[str, Any] = {what: "other"}
    nodes[place] = replace(nodes[place], **changes)
    _, found = _feed(nodes)
    (finding,) = found
    assert isinstance(finding, Anomaly)
    assert finding.key == nodes[place].key
    expected = {
        "hash_value": AnomalyKind.DIGEST_PREVIOUS_HASH,
        "signature": AnomalyKind.DIGEST_PREVIOUS_SIGNATURE,
    }
    assert finding.kind is expected[what]


# --- the end of a chain --------------------------------------------------------------------------

STATUS = TrailStatus(True, START + timedelta(hours=10, minutes=12), None, None)


def _tail(status: TrailStatus | None, reached: int, now: int = 100) -> list[AnomalyKind]:
    newest = None
    if reached:
        end = START + reached * HOUR
        newest = Newest(end - HOUR, end, delivered=end + timedelta(minutes=12), pace=HOUR)
    covered = ((START, START + reached * HOUR),) if reached else ()
    judged = judge_gaps(START, START + 24 * HOUR, covered, (), newest, status, START + now * HOUR)
    return [one.kind for one in judged]


def test_the_end_of_a_chain_is_judged_by_what_cloudtrail_delivered() -> None:
    assert _tail(STATUS, 24) == []
    assert _tail(STATUS, 10) == [AnomalyKind.DIGESTS_LATE]
    assert _tail(STATUS, 9) == [AnomalyKind.NEWEST_DIGEST_MISSING]
    assert _tail(STATUS, 0) == [AnomalyKind.NEWEST_DIGEST_MISSING]
    assert _tail(None, 9) == [AnomalyKind.STATUS_UNREADABLE]
    assert _tail(replace(STATUS, latest_digest_delivery=None), 0) == [AnomalyKind.DIGESTS_LATE]
    assert _tail(STATUS, 10, now=12) == [AnomalyKind.DIGEST_PENDING]
    assert _tail(STATUS, 10, now=13) == [AnomalyKind.DIGESTS_LATE]


def test_the_end_of_a_chain_that_was_stopped_has_its_final_digest() -> None:
    stopped = replace(STATUS, is_logging=False, stopped=START + 10 * HOUR)
    assert _tail(stopped, 10) == [AnomalyKind.GAP]
    unfinished = replace(stopped, stopped=START + timedelta(hours=10, minutes=40))
    assert _tail(unfinished, 10) == [AnomalyKind.NEWEST_DIGEST_MISSING]


# --- layout --------------------------------------------------------------------------------------

LAYOUT = Layout("b", "audit", None, "my_trail", "ap-southeast-1")
FOLDER = "audit/AWSLogs/123456789012/CloudTrail-Digest/ap-southeast-1/2026/03/02/"
NAME = "123456789012_CloudTrail-Digest_ap-southeast-1_my_trail_ap-southeast-1_20260302T010000Z"


def test_names_of_digests_are_read() -> None:
    name = LAYOUT.digest_name(SCOPE, f"{FOLDER}{NAME}.json.gz")
    assert name is not None
    assert (name.trail, name.home_region, name.end, name.backfill) == (
        "my_trail",
        "ap-southeast-1",
        START + HOUR,
        False,
    )
    backfill = LAYOUT.digest_name(SCOPE, f"{FOLDER}{NAME}_backfill.json.gz")
    assert backfill is not None
    assert (backfill.end, backfill.backfill) == (START + HOUR, True)


@pytest.mark.parametrize(
    "key",
    [
        f"{FOLDER}{NAME}.json",
        f"{FOLDER}{NAME}_copy.json.gz",
        f"{FOLDER}{NAME.replace('0302T01', '0302T25')}.json.gz",
        f"{FOLDER}{NAME.replace('20260302', '20260303')}.json.gz",
        f"{FOLDER}{NAME.replace('123456789012', '210987654321')}.json.gz",
        f"{FOLDER}sub/{NAME}.json.gz",
        f"{FOLDER.removeprefix('audit/')}{NAME}.json.gz",
    ],
)
def test_a_name_that_is_not_of_this_place_is_none(key: str) -> None:
    assert LAYOUT.digest_name(SCOPE, key) is None


@unhurried
@given(st.text(max_size=40))
def test_no_name_breaks_the_layout(text: str) -> None:
    assert LAYOUT.digest_name(SCOPE, FOLDER + text) is None
    assert LAYOUT.log_time(SCOPE, text) is None


# --- signing requests ----------------------------------------------------------------------------


@unhurried
@given(
    st.text("abcXYZ019-_.~/ +:", min_size=1, max_size=40),
    st.none() | st.text("abcXYZ019._-", min_size=1, max_size=20),
    st.none() | st.text("abcXYZ019+/=", min_size=4, max_size=40),
)
def test_requests_are_signed_as_botocore_signs_them(
    key: str, version: str | None, token: str | None
) -> None:
    path = "/bucket/" + quote(key, safe="/~")
    query = "" if version is None else f"versionId={quote(version, safe='~')}"
    url = f"https://s3.ap-southeast-1.amazonaws.com{path}" + (f"?{query}" if query else "")
    request = AWSRequest("GET", url)
    S3SigV4Auth(Credentials("AKID", "secret", token), "s3", "ap-southeast-1").add_auth(request)
    stamp = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = signed_headers(
        "AKID",
        "secret",
        token,
        "ap-southeast-1",
        "s3.ap-southeast-1.amazonaws.com",
        path,
        query,
        stamp,
    )
    assert ours["authorization"] == request.headers["Authorization"]


# --- progress ------------------------------------------------------------------------------------


def test_progress_says_rate_and_remaining_time() -> None:
    assert describe(42, 958, 168, 10.0) == (
        "1,000 files validated, 100 a second, 42 of 168 digests, about 30 s left"
    )
    assert describe(0, 0, 168, 0.0) == "0 files validated, 0 a second, 0 of 168 digests"
    assert (
        describe(168, 2016, 168, 4.0) == "2,184 files validated, 546 a second, 168 of 168 digests"
    )
    assert [duration(seconds) for seconds in (89, 600, 9000)] == ["89 s", "10 min", "2.5 h"]


def test_progress_is_not_written_more_often_than_its_interval() -> None:
    times = iter([0.0, 0.5, 1.2, 1.5, 2.4])
    written: list[str] = []
    progress = Progress(written.append, True, 24, clock=lambda: next(times))
    for digests in range(1, 5):
        progress.update(digests, 0)
    progress.done()
    assert [line.startswith("\r\033[K") for line in written] == [True, True, True]
    assert written[-1] == "\r\033[K"
