"""Archived files are there: they are neither lost nor broken, and reading them has a price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.integrity.support import Commands
from tests.integrity.trail import Trail
from verify.__main__ import main
from verify.integrity import restore
from verify.integrity.judge.totals import Totals


def _archive(trail: Trail, key: str, storage_class: str = "GLACIER") -> int:
    """Move an object into the archive, as a lifecycle does; gives its size as stored."""
    [version] = trail.bucket.versions[key]
    trail.bucket.versions[key] = [replace(version, storage_class=storage_class)]
    assert version.body is not None
    return len(version.body)


def _logs(trail: Trail, digests: list[str]) -> list[str]:
    return [str(entry["s3Object"]) for key in digests for entry in trail.document(key)["logFiles"]]


def test_archived_log_files_are_counted_and_not_called_lost(
    trail: Trail, commands: Commands
) -> None:
    logs = _logs(trail, trail.deliver())
    stored = sum(_archive(trail, key) for key in logs)
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    assert outcome.document["verdict"] == "NOT FULLY VERIFIED"
    assert outcome.kinds == {"log-archived"}
    assert f"{len(logs)} archived: to be restored first" in outcome.finding("log-archived")["seen"]
    totals = outcome.totals
    assert totals["digests_proven"] == totals["digests"] == 24
    assert (totals["logs_archived"], totals["logs_intact"]) == (len(logs), 0)
    assert totals["archived_bytes"] == stored
    archived = outcome.document["archived"]
    assert (archived["files"], archived["bytes"]) == (len(logs), stored)
    assert [way["tier"] for way in archived["restore"]] == ["Bulk", "Standard", "Expedited"]
    assert archived["restore"][0]["dollars"] == "0.00"


def test_what_is_restored_is_read_again(trail: Trail, commands: Commands) -> None:
    logs = _logs(trail, trail.deliver())
    for key in logs:
        _archive(trail, key)
    for key in logs:
        _archive(trail, key, "STANDARD")  # to a GET a restored copy is like any file
    outcome = commands.ours(trail)
    assert outcome.exit_code == 0
    assert outcome.totals["logs_intact"] == len(logs)
    assert outcome.document["archived"] is None


def test_a_changed_file_beside_archived_ones_is_found(trail: Trail, commands: Commands) -> None:
    first, *others = _logs(trail, trail.deliver())
    for key in others:
        _archive(trail, key)
    trail.bucket.rewrite(first, b"no log file")
    outcome = commands.ours(trail)
    assert outcome.exit_code == 1
    assert outcome.kinds == {"log-archived", "log-changed"}


def test_archived_digests_are_not_called_missing(trail: Trail, commands: Commands) -> None:
    digests = trail.deliver()
    stored = _archive(trail, digests[5], "DEEP_ARCHIVE")
    outcome = commands.ours(trail)
    assert outcome.exit_code == 2
    assert "digest-archived" in outcome.kinds
    assert not {"digest-missing", "digest-hidden", "chain-lost", "log-unreferenced"} & outcome.kinds
    assert outcome.totals["digests_archived"] >= 1
    assert outcome.document["archived"]["bytes"] >= stored


def test_the_terminal_says_what_a_restore_takes(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    for key in _logs(trail, trail.deliver()):
        _archive(trail, key)
    arguments = ["integrity", "--trail-arn", trail.arn, "--start", "2026-03-02T00:00:00Z"]
    assert main([*arguments, "--end", "2026-03-03T00:00:00Z"]) == 2
    said = capsys.readouterr().out
    assert "files are archived" in said
    assert "Bulk: " in said
    assert "aws s3api restore-object" in said
    assert "missing" not in said


def test_the_price_is_of_requests_and_gigabytes() -> None:
    standard = next(tier for tier in restore.prices().tiers if tier.name == "Standard")
    # 15,000,000 files of 100 TB: 750 and 1,024 dollars, as AWS's own example has it.
    assert standard.dollars(15_000_000, 102_400 * 1024**3) == Decimal("1774.00")
    assert restore.document(Totals()) is None
    assert restore.prices().page.startswith("https://")
