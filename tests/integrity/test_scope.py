"""What is validated: regions, accounts, prefixes, periods; and what is said when it cannot be."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pytest

from tests.integrity.loopback import Account
from tests.integrity.support import DAY, Commands
from tests.integrity.trail import ACCOUNT, BUCKET, HOME, HOUR, START, Trail, timestamp
from verify.__main__ import main

VIRGINIA = "us-east-1"
LISTING = "s3:ListBucketVersions"


def test_all_regions_of_a_trail_are_validated_in_one_run(
    account: Account, trail: Trail, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail.deliver()
    keys = trail.deliver(region=VIRGINIA)
    log = str(trail.document(keys[3])["logFiles"][0]["s3Object"])
    trail.bucket.rewrite(log, gzip.compress(b"{}"))
    outcome = commands.ours(trail)
    assert outcome.exit_code == 1
    assert outcome.totals["digests"] == 48
    assert (outcome.finding("log-changed")["region"], outcome.finding("log-changed")["key"]) == (
        VIRGINIA,
        log,
    )
    # The CLI looks at the region of the call alone.
    assert commands.cli(trail)[0] == 0
    assert commands.cli(trail, region=VIRGINIA)[0] == 1


def test_named_regions_are_validated_alone(
    account: Account, trail: Trail, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail.deliver()
    outcome = commands.ours(trail, "--regions", HOME)
    assert outcome.exit_code == 0
    assert [one["region"] for one in outcome.document["targets"]] == [HOME]


def test_a_region_of_which_nothing_is_left_is_seen(
    account: Account, trail: Trail, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail.deliver()
    trail.publish_key(VIRGINIA)
    account.statuses[VIRGINIA] = {
        "IsLogging": True,
        "LatestDigestDeliveryTime": (START + DAY).timestamp(),
    }
    outcome = commands.ours(trail)
    assert outcome.exit_code == 1
    assert outcome.finding("newest-digest-missing")["region"] == VIRGINIA
    assert outcome.covered(VIRGINIA) == []
    assert outcome.covered(HOME) == [(timestamp(START), timestamp(START + DAY))]


def test_files_of_a_region_that_is_not_enabled_are_seen(trail: Trail, commands: Commands) -> None:
    trail.deliver()
    key = trail.write_log("eu-north-1", START + HOUR)["s3Object"]
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    assert outcome.finding("log-uncovered")["key"] == key


def test_a_single_region_trail_is_validated_in_its_home_region(
    account: Account, commands: Commands
) -> None:
    account.enabled_regions = [HOME, VIRGINIA]
    trail = Trail(account, multi_region=False)
    trail.deliver()
    assert commands.ours(trail).exit_code == 0


def test_enabled_regions_that_cannot_be_read_are_said(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    account.denied = {"ec2:DescribeRegions"}
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"regions-unknown"})


def test_an_organization_trail_is_validated_for_every_account(
    account: Account, commands: Commands
) -> None:
    ours = Trail(account, organization="o-exampleorg1", prefix="audit")
    theirs = Trail(account, organization="o-exampleorg1", prefix="audit", account_id="210987654321")
    ours.deliver()
    keys = theirs.deliver()
    outcome = commands.ours(ours)
    assert outcome.exit_code == 0
    assert [one["account"] for one in outcome.document["targets"]] == [ACCOUNT, "210987654321"]
    theirs.bucket.rewrite(keys[4], b"gone")
    outcome = commands.ours(ours)
    assert outcome.exit_code == 1
    assert outcome.finding("digest-malformed")["account"] == "210987654321"
    assert commands.ours(ours, "--account-id", ACCOUNT).exit_code == 0
    assert commands.cli(ours, "--account-id", "210987654321")[0] == 1


def test_a_folder_that_two_days_need_is_listed_once(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver(hours=72)
    assert commands.ours(trail, end=START + 3 * DAY).exit_code == 0
    listed = {
        call: times for call, times in account.calls.items() if call.startswith(f"{LISTING} AWS")
    }
    assert set(listed.values()) == {1}
    folders = {call.split()[1].partition(f"/{HOME}/")[2] for call in listed}
    assert folders == {"2026/03/02/", "2026/03/03/", "2026/03/04/", "2026/03/05/"}


def test_a_folder_full_of_strange_files_is_still_validated(
    trail: Trail, commands: Commands
) -> None:
    keys = trail.deliver(hours=48)
    folder = keys[-1].rpartition("/")[0]
    for number in range(1_001):
        trail.bucket.put(f"{folder}/a{number:04d}", b"")
    outcome = commands.ours(trail, end=START + 2 * DAY)
    assert outcome.kinds == {"unexpected-object"}
    assert (outcome.exit_code, outcome.totals["digests_proven"]) == (1, 48)


def test_a_folder_that_cannot_be_listed_is_said_for_both_days(
    account: Account, trail: Trail, commands: Commands
) -> None:
    keys = trail.deliver(hours=48)
    folder = keys[-1].rpartition("/")[0]
    account.faults = {f"{LISTING} {folder}/ ": [500] * 100}
    outcome = commands.ours(trail, end=START + 2 * DAY)
    assert outcome.exit_code == 2
    assert "listing-unreadable" in outcome.kinds


def test_a_trail_that_is_gone_is_validated_from_its_bucket(
    account: Account, commands: Commands
) -> None:
    trail = Trail(account, prefix="audit/logs")
    trail.deliver()
    account.trails.clear()
    outcome = commands.ours(trail, "--bucket", BUCKET, "--prefix", "audit/logs/")
    assert (outcome.exit_code, outcome.totals["logs_intact"]) == (0, 48)


def test_a_chain_that_comes_from_another_bucket_is_followed_to_it(
    account: Account, trail: Trail, commands: Commands
) -> None:
    old = trail.deliver(hours=6)
    moved = Trail(account, bucket_name="s3-cloudtrail-logs-new")
    moved._chains = trail._chains
    moved.deliver(start=START + 6 * HOUR, hours=18)
    outcome = commands.ours(moved)
    assert (outcome.exit_code, outcome.kinds) == (2, {"gap"})
    assert BUCKET in outcome.finding("gap")["seen"]
    trail.bucket.rewrite(old[-1], gzip.compress(b"{}"))
    outcome = commands.ours(moved)
    assert (outcome.exit_code, outcome.kinds) == (1, {"gap", "digest-previous-hash"})


def test_log_files_of_another_trail_in_the_same_bucket_are_told_apart(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    other = Trail(account, name="second")
    other._files = 5000
    keys = other.deliver()
    assert commands.ours(trail).exit_code == 0
    # Only what CloudTrail signed accounts for a file.
    other.bucket.rewrite(keys[7], other.bucket.current(keys[7]).body or b"", {})
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (1, {"log-unreferenced"})
    assert outcome.totals["logs_unreferenced"] == 2


@pytest.mark.parametrize("minutes", [0, 13, 30, 59])
def test_digests_that_reach_over_midnight_and_the_edges_of_the_period(
    minutes: int, trail: Trail, commands: Commands
) -> None:
    trail.deliver(start=START - 6 * HOUR + timedelta(minutes=minutes), hours=60, logs_per_digest=4)
    outcome = commands.ours(
        trail,
        start=START + timedelta(hours=2, minutes=7),
        end=START + timedelta(hours=29, minutes=41),
    )
    assert (outcome.exit_code, outcome.document["findings"]) == (0, [])
    assert outcome.covered() == [
        (
            timestamp(START + timedelta(hours=2, minutes=7)),
            timestamp(START + timedelta(hours=29, minutes=41)),
        )
    ]


def test_a_log_just_after_midnight_that_no_digest_names_is_found(
    trail: Trail, commands: Commands
) -> None:
    trail.deliver(start=START - 6 * HOUR + timedelta(minutes=30), hours=60)
    keys = {
        trail.write_log(HOME, START + DAY * 1.0 + timedelta(minutes=m))["s3Object"] for m in (-3, 4)
    }
    outcome = commands.ours(trail, end=START + 2 * DAY)
    assert {one["key"] for one in outcome.document["findings"]} == keys
    assert outcome.kinds == {"log-unreferenced"}


def test_the_first_digest_is_held_against_the_one_before_the_period(
    trail: Trail, commands: Commands
) -> None:
    keys = trail.deliver(start=START - 6 * HOUR, hours=30)
    assert commands.ours(trail).document["findings"] == []
    before = trail.bucket.current(keys[5])
    trail.bucket.rewrite(keys[5], gzip.compress(b"{}"), before.metadata)
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (1, {"digest-previous-hash"})
    trail.bucket.purge(keys[5])  # as by a lifecycle rule
    outcome = commands.ours(trail)
    assert outcome.exit_code == 0
    assert outcome.finding("previous-unavailable")["key"] == keys[5]


def test_what_is_still_to_come_is_not_missed(trail: Trail, commands: Commands) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    hour = now.replace(minute=0, second=0)
    trail.deliver(start=hour - 30 * HOUR, hours=30)
    trail.write_log(HOME, hour)
    outcome = commands.ours(trail, start=hour - 24 * HOUR, end=now + timedelta(seconds=5))
    assert (outcome.exit_code, outcome.kinds) == (0, set())
    assert outcome.totals["logs_pending"] == 1
    assert outcome.finding("digest-pending")["consequence"] == "note"


def test_digests_that_do_not_arrive_on_time_are_said(trail: Trail, commands: Commands) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    trail.deliver(start=now - 30 * HOUR, hours=26)
    outcome = commands.ours(trail, start=now - 24 * HOUR, end=now)
    assert (outcome.exit_code, outcome.kinds) == (2, {"digests-late"})
    outcome = commands.ours(trail, "--lateness", "240", start=now - 24 * HOUR, end=now)
    assert (outcome.exit_code, outcome.kinds) == (0, set())


# --- what cannot be read -------------------------------------------------------------------------


def test_a_log_that_may_not_be_read_is_unverifiable_and_not_tampered(
    account: Account, trail: Trail, commands: Commands
) -> None:
    log = trail.document(trail.deliver()[4])["logFiles"][0]["s3Object"]
    account.denied = {f"s3:GetObject {log}"}
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"log-unreadable"})
    assert "AccessDenied" in outcome.finding("log-unreadable")["seen"]


def test_an_archived_log_is_unverifiable(trail: Trail, commands: Commands) -> None:
    log = trail.document(trail.deliver()[4])["logFiles"][0]["s3Object"]
    body = trail.bucket.current(log).body
    trail.bucket.purge(log)
    trail.bucket.put(log, body or b"", storage_class="GLACIER")
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"log-archived"})
    assert "1 archived" in outcome.finding("log-archived")["seen"]


def test_a_digest_that_may_not_be_read_is_unverifiable(
    account: Account, trail: Trail, commands: Commands
) -> None:
    key = trail.deliver()[4]
    account.denied = {f"s3:GetObject {key}"}
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    assert "digest-unreadable" in outcome.kinds


def test_versions_that_may_not_be_listed_are_said_and_the_rest_is_validated(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    account.denied = {"s3:ListBucketVersions"}
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"versions-unreadable"})
    assert outcome.totals["logs_intact"] == 48


def test_a_bucket_without_versions_is_validated(account: Account, commands: Commands) -> None:
    trail = Trail(account)
    trail.bucket.versioned = False
    keys = trail.deliver()
    assert commands.ours(trail).exit_code == 0
    log = trail.document(keys[3])["logFiles"][1]["s3Object"]
    trail.bucket.delete(log)
    assert commands.ours(trail).kinds == {"log-missing"}


def test_public_keys_that_may_not_be_read_are_said(
    account: Account, trail: Trail, commands: Commands
) -> None:
    trail.deliver()
    account.denied = {"cloudtrail:ListPublicKeys"}
    outcome = commands.ours(trail)
    assert (outcome.exit_code, outcome.kinds) == (2, {"keys-unreadable"})


def test_a_bucket_that_may_not_be_listed_is_a_clear_error(
    account: Account, trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    trail.deliver()
    account.denied = {"s3:ListBucketVersions", "s3:ListBucket"}
    code = main(["integrity", "--trail-arn", trail.arn, "--start", timestamp(START)])
    assert code == 2
    assert "AccessDenied" in capsys.readouterr().err


def test_a_read_that_fails_now_and_then_is_repeated(
    account: Account, trail: Trail, commands: Commands
) -> None:
    log = trail.document(trail.deliver()[4])["logFiles"][0]["s3Object"]
    account.faults[f"s3:GetObject {log}"] = [503, 500]
    assert commands.ours(trail).exit_code == 0


# --- the command line ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trail-arn", "arn:aws:s3:::bucket", "--start", "2026-03-02"], "not a trail's ARN"),
        (["--start", "2026-03-02", "--end", "2026-03-01"], "--start must be before --end"),
        (["--start", "2099-03-02", "--end", "2099-03-03"], "in the future"),
        (["--start", "2026-03-02", "--bucket", "no-such-bucket"], "no bucket no-such-bucket"),
        (["--start", "2026-03-02", "--organization-id", "x"], "not an organization's id"),
        (["--start", "2026-03-02", "--regions", ","], "no name"),
        (["--start", "2026-03-02", "--state", "/nowhere/state.json"], "no folder"),
        (["--start", "2026-03-02", "--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_a_clear_error(
    arguments: list[str], message: str, trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--trail-arn" not in arguments:
        arguments = ["--trail-arn", trail.arn, *arguments]
    assert main(["integrity", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--start", "yesterday"], ["--start", "2026-03-02", "--workers", "0"]]
)
def test_an_argument_that_means_nothing_is_refused(arguments: list[str], trail: Trail) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["integrity", "--trail-arn", trail.arn, *arguments])
    assert exit_.value.code == 2


def test_a_trail_that_does_not_exist_is_a_clear_error(
    account: Account, trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    account.trails.clear()
    assert main(["integrity", "--trail-arn", trail.arn, "--start", "2026-03-02"]) == 2
    assert "give --bucket" in capsys.readouterr().err


def test_an_offset_in_a_time_counts(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    trail.deliver()
    arguments = ["integrity", "--trail-arn", trail.arn]
    code = main(
        [*arguments, "--start", "2026-03-02T09:00:00+08:00", "--end", "2026-03-02T05:00:00Z"]
    )
    assert code == 0
    assert "Period 2026-03-02T01:00:00Z to 2026-03-02T05:00:00Z" in capsys.readouterr().out


def test_the_text_says_what_was_found_and_where(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    log = trail.document(trail.deliver()[4])["logFiles"][0]["s3Object"]
    trail.bucket.delete(log)
    period = ["--start", timestamp(START), "--end", timestamp(START + DAY)]
    assert main(["integrity", "--trail-arn", trail.arn, *period]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"CRITICAL log-hidden  s3://{BUCKET}/{log}" in lines
    assert "24 of 24 digests proven" in lines
    assert "47 of 48 log files intact" in lines
    assert "TAMPERING OR LOSS (1 loss)" in lines


def test_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "integrity" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["nonsense"]) == 2
