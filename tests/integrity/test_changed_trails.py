"""Trails that were changed since: what they are today says nothing of what they left yesterday."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integrity.loopback import Account
from tests.integrity.support import DAY, Commands, Outcome
from tests.integrity.trail import HOME, HOUR, START, Trail, key_pair, log_content

VIRGINIA = "us-east-1"
NOON = START + 12 * HOUR
ORGANIZATION = "o-exampleorg1"
# Long after the period, so that all of it is due.
LATER = START + 10 * DAY


def _become_single_region(trail: Trail) -> None:
    trail.account.trails[trail.arn]["IsMultiRegionTrail"] = False
    trail.account.statuses[VIRGINIA] = {"IsLogging": False, "StopLoggingTime": NOON.timestamp()}


# --- regions --------------------------------------------------------------------------------------


def test_files_of_a_region_that_the_trail_no_longer_records_are_looked_at(
    account: Account, trail: Trail, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail.deliver()
    log = trail.document(trail.deliver(VIRGINIA, hours=12)[3])["logFiles"][0]["s3Object"]
    trail.bucket.rewrite(log, gzip.compress(b'{"Records": []}'))
    _become_single_region(trail)
    outcome = commands.ours(trail)
    assert outcome.exit_code == 1
    assert outcome.finding("log-changed")["key"] == log


def test_a_region_given_up_on_the_way_cannot_be_verified_from_then_on(
    account: Account, trail: Trail, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail.deliver()
    trail.deliver(VIRGINIA, hours=12)
    _become_single_region(trail)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"gap"})
    found = outcome.finding("gap")
    assert found["region"] == VIRGINIA
    assert "the trail records no region but its own any more" in found["seen"]


def test_log_files_of_another_region_that_no_digest_vouches_for_are_not_passed_over(
    account: Account, commands: Commands
) -> None:
    trail = Trail(account, multi_region=False)
    trail.deliver()
    trail.write_log(VIRGINIA, NOON)
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    assert outcome.finding("log-uncovered")["region"] == VIRGINIA


def test_another_trail_s_regions_in_the_same_bucket_are_its_own_affair(
    account: Account, commands: Commands
) -> None:
    trail = Trail(account, multi_region=False)
    trail.deliver()
    Trail(account, name="another").deliver(VIRGINIA, hours=6)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (0, set())


def test_a_disabled_region_is_a_note_once_its_last_digest_is_proven(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    keys = trail.deliver("ap-east-1", hours=12)
    outcome = commands.ours(trail)
    assert outcome.exit_code == 0
    seen = outcome.finding("recording-ended")["seen"]
    assert seen.endswith("2026-03-02T12:00:00Z: the account has disabled the region since")
    trail.bucket.rewrite(keys[-1], trail.bucket.current(keys[-1]).body or b"", {})
    outcome = commands.ours(trail)
    assert outcome.exit_code == 1
    assert outcome.kinds == {"digest-signature-missing", "gap"}


def test_a_region_that_was_disabled_long_ago_is_a_note(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    keys = trail.deliver("ap-east-1", start=START - 40 * DAY, hours=3)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    trail.bucket.rewrite(keys[-1], trail.bucket.current(keys[-1]).body or b"", {})
    assert commands.ours(trail).kinds == {"gap"}


# --- whose account --------------------------------------------------------------------------------


@pytest.mark.parametrize("may_ask", [True, False])
def test_the_regions_are_those_of_the_trail_s_account(
    account: Account, trail: Trail, commands: Commands, may_ask: bool
) -> None:
    account.enabled_regions = [HOME]
    account.caller = "999999999999"
    account.regions_of = {trail.account_id: [HOME, VIRGINIA]} if may_ask else {}
    trail.deliver()
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    kind = "digests-late" if may_ask else "regions-unknown"
    assert kind in outcome.kinds
    if may_ask:
        assert {one["region"] for one in outcome.document["targets"]} == {HOME, VIRGINIA}
    assert account.calls["ec2:DescribeRegions"] == 0


# --- places ---------------------------------------------------------------------------------------


def _move(trail: Trail, prefix: str, organization: str | None = None) -> None:
    trail.prefix, trail.organization = prefix, organization


def _moved_and_back(trail: Trail, prefix: str, organization: str | None) -> list[str]:
    """Deliver a day, its middle third to another place; gives the digests' keys."""
    keys = trail.deliver(hours=8)
    before = trail.prefix, trail.organization
    _move(trail, prefix, organization)
    keys += trail.deliver(start=START + 8 * HOUR, hours=8)
    _move(trail, *before)
    return keys + trail.deliver(start=START + 16 * HOUR, hours=8)


@pytest.mark.parametrize(
    ("prefix", "organization"),
    [("elsewhere", None), ("a/b/AWSLogs/c", None), ("", ORGANIZATION), ("x", ORGANIZATION)],
)
def test_a_chain_that_went_on_elsewhere_and_came_back_is_followed(
    trail: Trail, commands: Commands, prefix: str, organization: str | None
) -> None:
    keys = _moved_and_back(trail, prefix, organization)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    assert (outcome.totals["digests_proven"], outcome.totals["logs_intact"]) == (24, 48)
    assert outcome.covered() == [("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")]
    log = trail.document(keys[10])["logFiles"][1]["s3Object"]
    trail.bucket.purge(log)
    assert commands.ours(trail).finding("log-missing")["key"] == log


def test_a_file_that_was_put_where_the_trail_once_delivered_to_is_found(
    trail: Trail, commands: Commands
) -> None:
    _moved_and_back(trail, "elsewhere", None)
    _move(trail, "elsewhere")
    planted = trail.log_key(HOME, NOON)
    trail.bucket.put(planted, gzip.compress(log_content(1, HOME, NOON, 1)), modified=NOON)
    _move(trail, "")
    assert commands.ours(trail).finding("log-unreferenced")["key"] == planted


def test_a_trail_that_became_an_organization_s_left_files_without_its_id(
    account: Account, commands: Commands
) -> None:
    trail = Trail(account)
    trail.deliver(hours=10)
    trail.organization = account.organization = ORGANIZATION
    account.trails[trail.arn]["IsOrganizationTrail"] = True
    trail.deliver(start=START + 10 * HOUR, hours=14)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    assert outcome.totals["digests_proven"] == 24


def test_a_digest_is_not_followed_to_a_place_that_nobody_signed_for(
    trail: Trail, commands: Commands
) -> None:
    trail.deliver(hours=12)
    trail.relink(key=trail.digest_key(HOME, NOON).replace("AWSLogs", "forged/AWSLogs"))
    forged = trail.write_digest(HOME, NOON, NOON + HOUR, [], key=key_pair("forger"))
    trail.account.public_keys[HOME] = [
        one
        for one in trail.account.public_keys[HOME]
        if one["Fingerprint"] != trail.document(forged)["digestPublicKeyFingerprint"]
    ]
    outcome = commands.ours(trail, end=NOON + HOUR)
    assert outcome.exit_code == 1
    assert "digest-key-unknown" in outcome.kinds


def test_a_run_goes_on_from_a_state_that_knows_several_places(
    trail: Trail, commands: Commands, tmp_path: Any
) -> None:
    state = f"--state={tmp_path / 'state.json'}"
    _moved_and_back(trail, "elsewhere", None)
    assert commands.ours(trail, state).exit_code == 0
    trail.deliver(start=START + DAY)
    outcome = commands.ours(trail, state, end=START + 2 * DAY)
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    assert outcome.totals["digests_proven"] == 48


# --- accounts of an organization ------------------------------------------------------------------


@pytest.mark.parametrize("state", ["SUSPENDED", "CLOSED", "PENDING_CLOSURE", None])
def test_a_closed_account_is_a_note_and_an_open_one_is_not(
    account: Account, commands: Commands, state: str | None
) -> None:
    trail = Trail(account, organization=ORGANIZATION)
    trail.deliver()
    member = Trail(account, organization=ORGANIZATION, account_id="210987654321")
    member.deliver(hours=9)
    account.members = {"210987654321": state or "ACTIVE"}
    outcome = commands.ours(trail)
    if state is None:
        assert outcome.exit_code == 2
        assert "recording-ended" not in {one["kind"] for one in outcome.document["findings"]}
    else:
        assert (outcome.exit_code, outcome.kinds) == (0, set())
        assert "closed" in outcome.finding("recording-ended")["seen"]


def test_an_account_that_left_the_organization_is_a_note(
    account: Account, commands: Commands
) -> None:
    trail = Trail(account, organization=ORGANIZATION)
    trail.deliver()
    Trail(account, organization=ORGANIZATION, account_id="210987654321").deliver(hours=9)
    account.members = {}
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    assert "has left the organization" in outcome.finding("recording-ended")["seen"]


# --- keys and late files --------------------------------------------------------------------------


def _digest_with_a_new_key(trail: Trail, valid_from: datetime, written: datetime) -> Outcome | str:
    trail.deliver(hours=12)
    new = key_pair("new")
    trail.publish_key(HOME, new, valid_from=valid_from)
    key = trail.write_digest(HOME, NOON, NOON + HOUR, [], key=new)
    trail.bucket.versions[key][-1] = trail.bucket.current(key).__class__(
        **{**vars(trail.bucket.current(key)), "modified": written}
    )
    return key


def test_a_digest_that_was_delivered_late_is_signed_with_the_key_of_then(
    trail: Trail, commands: Commands
) -> None:
    _digest_with_a_new_key(trail, valid_from=NOON + 8 * HOUR, written=NOON + 9 * HOUR)
    outcome = commands.ours(trail, end=NOON + HOUR)
    assert (outcome.exit_code, outcome.kinds) == (0, set())


def test_a_key_that_was_not_valid_yet_when_the_digest_was_written_signs_nothing(
    trail: Trail, commands: Commands
) -> None:
    _digest_with_a_new_key(trail, valid_from=NOON + 8 * HOUR, written=NOON + 2 * HOUR)
    outcome = commands.ours(trail, end=NOON + HOUR)
    assert outcome.exit_code == 1
    assert outcome.kinds & {"digest-key-not-valid", "digest-key-unknown"}


def test_a_file_that_no_digest_names_yet_awaits_a_backfill_digest_for_a_day(
    trail: Trail, commands: Commands
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now - 20 * HOUR
    trail.deliver(start=start, hours=17)
    late = trail.write_log(HOME, start + 5.5 * HOUR)["s3Object"]
    outcome = commands.ours(trail, start=start, end=start + 15 * HOUR)
    assert (outcome.exit_code, outcome.kinds) == (2, {"log-awaiting-backfill"})
    found = outcome.finding("log-awaiting-backfill")
    assert found["key"] == late
    until = start + 5.5 * HOUR + timedelta(hours=24)
    assert until.strftime("until %Y-%m-%dT%H:%M:%SZ") in found["seen"]
