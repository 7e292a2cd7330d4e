"""Every way to touch a trail's files: what we say of it, and what the AWS CLI says of the same.

`cli_code` and `cli_says` are what `aws cloudtrail validate-logs` answers, held here so that the
comparison stays true. Its code 0 on a tampered bucket is what this command is for.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes

from tests.integrity.support import DAY, Commands
from tests.integrity.trail import HOME, HOUR, START, Trail, key_pair, sign


@dataclass(frozen=True)
class Case:
    """One act. `build` delivers a day and tampers with it; gives the key that is found."""

    name: str
    build: Callable[[Trail], str]
    kinds: set[str]
    code: int
    cli_code: int
    cli_says: str
    seen: str = ""


def _first_log(trail: Trail, digest: str) -> str:
    return str(trail.document(digest)["logFiles"][0]["s3Object"])


def _body(trail: Trail, key: str) -> bytes:
    body = trail.bucket.current(key).body
    assert body is not None
    return body


def nothing(trail: Trail) -> str:
    trail.deliver()
    return ""


def log_changed(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.rewrite(key, gzip.compress(b'{"Records":[]}'))
    return key


def log_cut_short(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.rewrite(key, _body(trail, key)[:-9])
    return key


def log_not_gzip(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.rewrite(key, b"gone")
    return key


def log_deleted(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.purge(key)
    return key


def log_hidden(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.delete(key)
    return key


def log_overwritten(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.put(key, gzip.compress(b'{"Records":[]}'))
    return key


def log_overwritten_and_put_back(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    original = _body(trail, key)
    trail.bucket.put(key, gzip.compress(b'{"Records":[]}'))
    trail.bucket.put(key, original)
    return key


def log_deleted_and_put_back(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    original = _body(trail, key)
    trail.bucket.delete(key)
    trail.bucket.put(key, original)
    return key


def log_delivered_twice(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.put(key, _body(trail, key))
    return key


def log_with_a_second_member(trail: Trail) -> str:
    key = _first_log(trail, trail.deliver()[5])
    trail.bucket.rewrite(key, _body(trail, key) + gzip.compress(b'{"Records":[{}]}'))
    return key


def log_that_no_digest_names(trail: Trail) -> str:
    trail.deliver()
    return str(trail.write_log(HOME, START + timedelta(hours=7, minutes=20))["s3Object"])


def object_with_another_name_among_the_logs(trail: Trail) -> str:
    trail.deliver()
    key = trail.root("CloudTrail", HOME, START) + "extra.json.gz"
    trail.bucket.put(key, gzip.compress(b'{"Records":[{}]}'))
    return key


def digest_changed(trail: Trail) -> str:
    key = trail.deliver()[5]
    content = gzip.decompress(_body(trail, key)).replace(b'"logFiles":[{', b'"logFiles": [{')
    trail.bucket.rewrite(key, gzip.compress(content))
    return key


def digest_without_one_of_its_logs(trail: Trail) -> str:
    key = trail.deliver()[5]
    document = trail.document(key)
    log = document["logFiles"].pop()["s3Object"]
    trail.bucket.purge(log)
    content = str(document).encode()
    trail.bucket.rewrite(key, gzip.compress(content))
    return key


def digest_not_gzip(trail: Trail) -> str:
    key = trail.deliver()[5]
    trail.bucket.rewrite(key, b"gone")
    return key


def digest_with_a_second_member(trail: Trail) -> str:
    key = trail.deliver()[5]
    trail.bucket.rewrite(key, _body(trail, key) + gzip.compress(b"{}"))
    return key


def digest_of_another_hour_in_its_place(trail: Trail) -> str:
    keys = trail.deliver()
    other = trail.bucket.current(keys[9])
    trail.bucket.rewrite(keys[5], _body(trail, keys[9]), other.metadata)
    return keys[5]


def digest_signed_with_sha1(trail: Trail) -> str:
    trail.deliver(hours=5)
    begin = START + 5 * HOUR
    key = trail.write_digest(
        HOME,
        begin,
        begin + HOUR,
        [trail.write_log(HOME, begin)],
        algorithm=hashes.SHA1(),  # noqa: S303
    )
    trail.deliver(start=begin + HOUR, hours=18)
    return key


def digest_copied_without_its_metadata(trail: Trail) -> str:
    key = trail.deliver()[5]
    trail.bucket.rewrite(key, _body(trail, key), {})
    return key


def digest_with_another_signature(trail: Trail) -> str:
    keys = trail.deliver()
    metadata = dict(trail.bucket.current(keys[5]).metadata)
    metadata["signature"] = trail.bucket.current(keys[6]).metadata["signature"]
    trail.bucket.rewrite(keys[5], _body(trail, keys[5]), metadata)
    return keys[5]


def digest_signed_by_a_key_of_ones_own(trail: Trail) -> str:
    trail.deliver(hours=5)
    begin = START + 5 * HOUR
    key = trail.write_digest(HOME, begin, begin + HOUR, [], key=key_pair("attacker"))
    trail.account.public_keys[HOME].pop()
    trail.deliver(start=begin + HOUR, hours=18)
    return key


def digest_signed_by_the_key_of_another_region(trail: Trail) -> str:
    trail.deliver(hours=5)
    begin = START + 5 * HOUR
    key = trail.write_digest(HOME, begin, begin + HOUR, [], key=key_pair("eu-west-1"))
    trail.account.public_keys["eu-west-1"] = [trail.account.public_keys[HOME].pop()]
    trail.deliver(start=begin + HOUR, hours=18)
    return key


def digest_signed_by_a_key_that_was_not_valid_yet(trail: Trail) -> str:
    trail.publish_key(HOME, key_pair("next"), START + 20 * HOUR, datetime(2027, 1, 1, tzinfo=UTC))
    trail.deliver(hours=5)
    begin = START + 5 * HOUR
    key = trail.write_digest(HOME, begin, begin + HOUR, [], key=key_pair("next"))
    trail.deliver(start=begin + HOUR, hours=18)
    return key


def previous_hash_that_is_not_true(trail: Trail) -> str:
    key = trail.deliver(hours=5)[-1]
    trail.relink(hash_value="0" * 64)
    trail.deliver(start=START + 5 * HOUR, hours=19)
    return key


def previous_signature_that_is_not_true(trail: Trail) -> str:
    key = trail.deliver(hours=5)[-1]
    trail.relink(signature="0" * 512)
    trail.deliver(start=START + 5 * HOUR, hours=19)
    return key


def digest_replaced_by_another_true_one(trail: Trail) -> str:
    """Signed by CloudTrail's key for this place and time, and yet not the one that was there."""
    key = trail.deliver()[5]
    document = trail.document(key)
    document["logFiles"] = []
    content = str(document).replace("'", '"').replace("None", "null").encode()
    metadata = dict(trail.bucket.current(key).metadata)
    metadata["signature"] = sign(key_pair(HOME), document, content)
    trail.bucket.rewrite(key, gzip.compress(content), metadata)
    return key


def digest_deleted(trail: Trail) -> str:
    key = trail.deliver()[5]
    trail.bucket.purge(key)
    return key


def two_digests_in_a_row_deleted(trail: Trail) -> str:
    keys = trail.deliver()
    trail.bucket.purge(keys[5])
    trail.bucket.purge(keys[6])
    return keys[6]


def digest_hidden(trail: Trail) -> str:
    key = trail.deliver()[5]
    trail.bucket.delete(key)
    return key


def digest_overwritten(trail: Trail) -> str:
    key = trail.deliver()[5]
    current = trail.bucket.current(key)
    content = gzip.decompress(_body(trail, key)).replace(b'"logFiles":[{', b'"logFiles": [{')
    trail.bucket.put(key, gzip.compress(content), current.metadata)
    return key


def first_digest_deleted(trail: Trail) -> str:
    key = trail.deliver()[0]
    trail.bucket.purge(key)
    return key


def newest_digest_deleted(trail: Trail) -> str:
    keys = trail.deliver()
    trail.account.statuses[HOME] = {
        "IsLogging": True,
        "LatestDigestDeliveryTime": (START + DAY + timedelta(minutes=12)).timestamp(),
    }
    trail.bucket.purge(keys[-1])
    return ""


def last_digest_of_the_period_deleted(trail: Trail) -> str:
    keys = trail.deliver(hours=30)
    trail.bucket.purge(keys[23])
    return keys[23]


def last_digests_of_the_period_deleted(trail: Trail) -> str:
    keys = trail.deliver(hours=30)
    for key in keys[20:26]:
        trail.bucket.purge(key)
    return keys[25]


def final_digest_deleted(trail: Trail) -> str:
    keys = trail.deliver(hours=20)
    stop = START + 20 * HOUR + timedelta(minutes=20)
    trail.write_digest(HOME, START + 20 * HOUR, stop, [])
    trail.account.statuses[HOME] = {
        "IsLogging": False,
        "StopLoggingTime": stop.timestamp(),
        "LatestDigestDeliveryTime": (stop + timedelta(minutes=12)).timestamp(),
    }
    trail.bucket.purge(trail.digest_key(HOME, stop))
    assert keys
    return ""


def object_among_the_digests(trail: Trail) -> str:
    trail.deliver()
    key = trail.root("CloudTrail-Digest", HOME, START) + "notes.txt"
    trail.bucket.put(key, b"hello")
    return key


def digest_older_than_its_predecessor_names(trail: Trail) -> str:
    """A second, true digest for an hour that the chain has already: no link leads to it."""
    trail.deliver(hours=5)
    begin = START + 5 * HOUR
    link = dict(trail._chains)
    stray = trail.write_digest(HOME, begin - HOUR, begin - timedelta(minutes=30), [])
    trail._chains.update(link)
    # Its place in the order is before the fifth digest, which does not name it.
    trail.deliver(start=begin, hours=19)
    return stray


def gap_after_stop_and_start(trail: Trail) -> str:
    trail.deliver(hours=5)
    trail.restart()
    trail.deliver(start=START + 9 * HOUR, hours=15)
    return ""


def log_delivered_in_a_gap(trail: Trail) -> str:
    gap_after_stop_and_start(trail)
    return str(trail.write_log(HOME, START + 7 * HOUR)["s3Object"])


def chain_that_begins_within_the_period(trail: Trail) -> str:
    trail.deliver(start=START + 9 * HOUR, hours=15)
    return ""


def no_digest_at_all(trail: Trail) -> str:
    trail.publish_key(HOME)
    return ""


def delivery_that_stopped(trail: Trail) -> str:
    trail.deliver(hours=20)
    trail.account.statuses[HOME] = {
        "IsLogging": True,
        "LatestDigestDeliveryTime": (START + 20 * HOUR + timedelta(minutes=12)).timestamp(),
        "LatestDigestDeliveryError": "AccessDenied",
    }
    return ""


def logging_stopped_with_its_final_digest(trail: Trail) -> str:
    trail.deliver(hours=20)
    stop = START + 20 * HOUR + timedelta(minutes=20)
    trail.write_digest(HOME, START + 20 * HOUR, stop, [])
    trail.account.statuses[HOME] = {
        "IsLogging": False,
        "StopLoggingTime": (stop - timedelta(seconds=3)).timestamp(),
        "LatestDigestDeliveryTime": (stop + timedelta(minutes=12)).timestamp(),
    }
    return ""


def _backfill(trail: Trail) -> list[str]:
    """A day, and two backfill digests generated a day later; gives their keys."""
    trail.deliver()
    keys = []
    for hour in (3, 8):
        begin = START + hour * HOUR
        logs = [trail.write_log(HOME, begin + timedelta(minutes=50))]
        keys.append(trail.write_digest(HOME, begin, begin + HOUR, logs, backfill=True))
    return keys


def backfill_digests(trail: Trail) -> str:
    _backfill(trail)
    return ""


def backfill_digest_changed(trail: Trail) -> str:
    key = _backfill(trail)[1]
    content = gzip.decompress(_body(trail, key)).replace(b'"logFiles":[{', b'"logFiles": [{')
    trail.bucket.rewrite(key, gzip.compress(content))
    return key


def log_of_a_backfill_digest_changed(trail: Trail) -> str:
    key = _first_log(trail, _backfill(trail)[1])
    trail.bucket.rewrite(key, gzip.compress(b"{}"))
    return key


def backfill_digest_deleted(trail: Trail) -> str:
    keys = _backfill(trail)
    trail.bucket.purge(keys[0])
    return keys[0]


def newest_backfill_digest_deleted(trail: Trail) -> str:
    keys = _backfill(trail)
    log = _first_log(trail, keys[1])
    trail.bucket.purge(keys[1])
    return log


def backfill_digest_without_its_time(trail: Trail) -> str:
    key = _backfill(trail)[1]
    metadata = dict(trail.bucket.current(key).metadata)
    del metadata["backfill-generation-timestamp"]
    trail.bucket.rewrite(key, _body(trail, key), metadata)
    return key


def backfill_previous_hash_that_is_not_true(trail: Trail) -> str:
    trail.deliver()
    first = trail.write_digest(HOME, START, START + HOUR, [], backfill=True)
    trail.relink(backfill=True, hash_value="0" * 64)
    trail.write_digest(HOME, START + HOUR, START + 2 * HOUR, [], backfill=True)
    return first


CASES = [
    Case("nothing", nothing, set(), 0, 0, "48/48 log files valid"),
    Case("log changed", log_changed, {"log-changed"}, 1, 1, "hash value doesn't match"),
    Case("log cut short", log_cut_short, {"log-changed"}, 1, 0, "48/48 log files valid"),
    Case("log not gzip", log_not_gzip, {"log-changed"}, 1, 1, "INVALID: invalid format"),
    Case("log deleted", log_deleted, {"log-missing"}, 1, 1, "INVALID: not found"),
    Case(
        "log hidden by a delete marker",
        log_hidden,
        {"log-hidden"},
        1,
        1,
        "INVALID: not found",
        "still has the recorded content",
    ),
    Case(
        "log overwritten",
        log_overwritten,
        {"log-changed"},
        1,
        1,
        "hash value doesn't match",
        "still has the recorded content",
    ),
    Case(
        "log overwritten and put back",
        log_overwritten_and_put_back,
        {"log-overwritten"},
        1,
        0,
        "48/48 log files valid",
    ),
    Case(
        "log deleted and put back",
        log_deleted_and_put_back,
        {"log-overwritten"},
        1,
        0,
        "48/48 log files valid",
    ),
    Case("log delivered twice", log_delivered_twice, set(), 0, 0, "48/48 log files valid"),
    Case(
        "log with a second gzip member",
        log_with_a_second_member,
        {"log-trailing-data"},
        1,
        1,
        "unexpected data after end of compressed stream",
    ),
    Case(
        "log that no digest names",
        log_that_no_digest_names,
        {"log-unreferenced"},
        1,
        0,
        "48/48 log files valid",
    ),
    Case(
        "object with another name among the logs",
        object_with_another_name_among_the_logs,
        {"log-unreferenced"},
        1,
        0,
        "48/48 log files valid",
    ),
    Case(
        "digest changed",
        digest_changed,
        {"digest-signature-invalid", "digest-previous-hash"},
        1,
        1,
        "46/46 log files valid",  # those under the digest are neither checked nor counted
    ),
    Case(
        "digest without one of its logs",
        digest_without_one_of_its_logs,
        {"digest-malformed", "digest-previous-hash", "log-uncovered"},
        1,
        1,
        "INVALID: invalid format",
    ),
    Case(
        "digest not gzip",
        digest_not_gzip,
        {"digest-malformed", "log-uncovered"},
        1,
        1,
        "INVALID: invalid format",
    ),
    Case(
        "digest with a second gzip member",
        digest_with_a_second_member,
        {"digest-trailing-data"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "digest of another hour in its place",
        digest_of_another_hour_in_its_place,
        {
            "digest-moved",
            "digest-previous-hash",
            "digest-previous-signature",
            "log-uncovered",
        },
        1,
        1,
        "has been moved from its original location",
    ),
    Case(
        "digest signed with SHA-1",
        digest_signed_with_sha1,
        {"digest-signature-invalid"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "digest copied without its metadata",
        digest_copied_without_its_metadata,
        {"digest-signature-missing"},
        1,
        1,
        "signature verification failed",
    ),
    Case(
        "digest with another signature",
        digest_with_another_signature,
        {"digest-signature-invalid", "digest-previous-signature"},
        1,
        1,
        "signature verification failed",
    ),
    Case(
        "digest signed by a key of one's own",
        digest_signed_by_a_key_of_ones_own,
        {"digest-key-unknown"},
        1,
        1,
        "public key not found",
    ),
    Case(
        "digest signed by the key of another region",
        digest_signed_by_the_key_of_another_region,
        {"digest-key-unknown"},
        1,
        1,
        "public key not found",
    ),
    Case(
        "digest signed by a key that was not valid yet",
        digest_signed_by_a_key_that_was_not_valid_yet,
        {"digest-key-not-valid"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "previous hash that is not true",
        previous_hash_that_is_not_true,
        {"digest-previous-hash"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "previous signature that is not true",
        previous_signature_that_is_not_true,
        {"digest-previous-signature"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "digest replaced by another true one",
        digest_replaced_by_another_true_one,
        {"digest-previous-hash", "digest-previous-signature", "log-unreferenced"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "digest deleted",
        digest_deleted,
        {"digest-missing", "chain-lost", "log-uncovered"},
        1,
        1,
        "INVALID: not found",
    ),
    Case(
        "two digests in a row deleted",
        two_digests_in_a_row_deleted,
        {"digest-missing", "chain-lost", "log-uncovered"},
        1,
        1,
        "1/23 digest files INVALID",
    ),
    Case(
        "digest hidden by a delete marker",
        digest_hidden,
        {"digest-hidden"},
        1,
        1,
        "46/46 log files valid",
        "read by version",
    ),
    Case(
        "digest overwritten",
        digest_overwritten,
        {"digest-overwritten", "digest-signature-invalid"},
        1,
        1,
        "46/46 log files valid",
    ),
    Case(
        "first digest deleted",
        first_digest_deleted,
        {"digest-missing", "chain-lost", "log-uncovered"},
        1,
        1,
        "INVALID: not found",
    ),
    Case(
        "newest digest deleted",
        newest_digest_deleted,
        {"newest-digest-missing", "log-uncovered"},
        1,
        0,
        "23/23 digest files valid",
    ),
    Case(
        "last digest of the period deleted",
        last_digest_of_the_period_deleted,
        {"digest-missing", "chain-lost", "log-uncovered"},
        1,
        1,
        "INVALID: not found",
    ),
    Case(
        "last digests of the period deleted",
        last_digests_of_the_period_deleted,
        {"digest-missing", "chain-lost", "log-uncovered"},
        1,
        0,
        "20/20 digest files valid",
    ),
    Case(
        "final digest deleted",
        final_digest_deleted,
        {"newest-digest-missing"},
        1,
        0,
        "20/20 digest files valid",
    ),
    Case(
        "object among the digests",
        object_among_the_digests,
        {"unexpected-object"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "digest that is not in the chain",
        digest_older_than_its_predecessor_names,
        {"digest-not-in-chain"},
        1,
        0,
        "24/24 digest files valid",
    ),
    Case(
        "gap after stop and start",
        gap_after_stop_and_start,
        {"gap"},
        2,
        0,
        "No log files were delivered by CloudTrail between",
    ),
    Case(
        "log delivered in a gap",
        log_delivered_in_a_gap,
        {"gap", "log-uncovered"},
        2,
        0,
        "40/40 log files valid",
    ),
    Case(
        "chain that begins within the period",
        chain_that_begins_within_the_period,
        {"gap"},
        2,
        0,
        "15/15 digest files valid",
    ),
    Case("no digest at all", no_digest_at_all, {"digests-late"}, 2, 0, "No digests found"),
    Case(
        "delivery that stopped",
        delivery_that_stopped,
        {"digests-late"},
        2,
        0,
        "20/20 digest files valid",
        "AccessDenied",
    ),
    Case(
        "logging stopped with its final digest",
        logging_stopped_with_its_final_digest,
        {"gap"},
        2,
        0,
        "21/21 digest files valid",
        "not logging",
    ),
    Case("backfill digests", backfill_digests, set(), 0, 0, "2/2 backfill digest files valid"),
    Case(
        "backfill digest changed",
        backfill_digest_changed,
        {"digest-signature-invalid"},
        1,
        1,
        "1/2 backfill digest files INVALID",
    ),
    Case(
        "log of a backfill digest changed",
        log_of_a_backfill_digest_changed,
        {"log-changed"},
        1,
        1,
        "1/50 log files INVALID",
    ),
    Case(
        "backfill digest deleted",
        backfill_digest_deleted,
        {"digest-missing", "log-unreferenced"},
        1,
        1,
        "1/2 backfill digest files INVALID",
    ),
    Case(
        "newest backfill digest deleted",
        newest_backfill_digest_deleted,
        {"log-unreferenced"},
        1,
        0,
        "1/1 backfill digest files valid",
    ),
    Case(
        "backfill digest without its time",
        backfill_digest_without_its_time,
        {"digest-malformed"},
        1,
        1,
        "INVALID: invalid format",
    ),
    Case(
        "backfill digest's previous hash that is not true",
        backfill_previous_hash_that_is_not_true,
        {"digest-previous-hash"},
        1,
        0,
        "2/2 backfill digest files valid",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_touched_is_found(case: Case, trail: Trail, commands: Commands) -> None:
    key = case.build(trail)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (case.code, case.kinds)
    if key:
        assert key in {one["key"] for one in outcome.document["findings"]} or not case.kinds
    assert any(case.seen in one["seen"] for one in outcome.document["findings"]) or not case.seen
    code, said = commands.cli(trail)
    assert case.cli_says in said
    assert code == case.cli_code
