"""Going on from a state file, and working in processes or on a cluster."""

from __future__ import annotations

import gzip
import importlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.integrity.loopback import Account
from tests.integrity.support import DAY, Commands
from tests.integrity.trail import BUCKET, HOME, START, Trail, timestamp
from verify.__main__ import main
from verify.integrity.run import validation
from verify.integrity.run.day import DayResult


def test_a_later_run_goes_on_where_the_earlier_one_ended(
    account: Account, trail: Trail, commands: Commands, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    trail.deliver(hours=100)
    first = commands.ours(trail, "--state", str(state), end=START + 3 * DAY)
    assert (first.exit_code, first.totals["logs"]) == (0, 144)
    account.calls.clear()
    second = commands.ours(trail, "--state", str(state), end=START + 4 * DAY)
    assert (second.exit_code, second.totals["logs"]) == (0, 192)
    assert second.covered() == [(timestamp(START), timestamp(START + 4 * DAY))]
    # The new day's 24 digests and 48 log files; twice the two digests around its last midnight.
    assert account.calls["s3:GetObject"] == 76


def test_what_was_validated_is_linked_to_what_comes_later(
    trail: Trail, commands: Commands, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    trail.deliver(hours=48)
    commands.ours(trail, "--state", str(state), end=START + 2 * DAY)
    trail.relink(hash_value="0" * 64)
    trail.deliver(start=START + 2 * DAY, hours=24)
    outcome = commands.ours(trail, "--state", str(state), end=START + 3 * DAY)
    assert (outcome.exit_code, outcome.kinds) == (1, {"digest-previous-hash"})


def test_findings_stay_until_the_state_is_removed(
    trail: Trail, commands: Commands, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    keys = trail.deliver(hours=72)
    log = trail.document(keys[3])["logFiles"][0]["s3Object"]
    trail.bucket.rewrite(log, gzip.compress(b"{}"))
    stray = trail.write_log(HOME, START + timedelta(hours=5, minutes=10))["s3Object"]
    commands.ours(trail, "--state", str(state), end=START + 2 * DAY)
    outcome = commands.ours(
        trail, "--state", str(state), start=START + 2 * DAY, end=START + 3 * DAY
    )
    assert outcome.exit_code == 1
    assert outcome.finding("log-changed")["key"] == log
    assert outcome.finding("log-unreferenced")["key"] == stray
    assert outcome.document["period"]["start"] == timestamp(START)


def test_what_could_not_be_read_is_tried_again(
    account: Account, trail: Trail, commands: Commands, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    keys = trail.deliver(hours=72)
    log = trail.document(keys[30])["logFiles"][0]["s3Object"]
    account.denied = {f"s3:GetObject {log}"}
    assert commands.ours(trail, "--state", str(state), end=START + 3 * DAY).exit_code == 2
    account.denied = set()
    outcome = commands.ours(trail, "--state", str(state), end=START + 3 * DAY)
    assert (outcome.exit_code, outcome.totals["logs"]) == (0, 144)


def test_a_run_that_is_ended_keeps_the_days_that_were_done(
    account: Account,
    trail: Trail,
    commands: Commands,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = tmp_path / "state.json"
    trail.deliver(hours=240)
    merged: list[date] = []

    class EndedError(Exception):
        pass

    original = validation._Validation._merge

    def merge(self: validation._Validation, day: DayResult) -> None:
        if len(merged) == 4:
            raise EndedError
        merged.append(day.day)
        original(self, day)

    with monkeypatch.context() as patch:
        patch.setattr(validation._Validation, "_merge", merge)
        with pytest.raises(EndedError):
            commands.ours(trail, "--state", str(state), end=START + 10 * DAY)
    account.calls.clear()
    outcome = commands.ours(trail, "--state", str(state), end=START + 10 * DAY)
    assert (outcome.exit_code, outcome.totals["logs"]) == (0, 480)
    assert account.calls["s3:GetObject"] < 6.5 * 72


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "not a state file"),
        ('{"version": 0}', "another version"),
        ('{"version": 3, "layout": {}}', "another trail or bucket"),
    ],
)
def test_a_file_that_is_no_state_of_this_trail_is_refused(
    content: str,
    message: str,
    trail: Trail,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trail.deliver()
    state = tmp_path / "state.json"
    state.write_text(content, encoding="utf-8")
    period = ["--start", timestamp(START), "--end", timestamp(START + DAY)]
    code = main(["integrity", "--trail-arn", trail.arn, *period, "--state", str(state)])
    assert code == 2
    assert message in capsys.readouterr().err
    assert state.read_text(encoding="utf-8") == content


def test_a_state_that_begins_later_is_refused(
    trail: Trail, commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    trail.deliver(hours=48)
    commands.ours(trail, "--state", str(state), start=START + DAY, end=START + 2 * DAY)
    period = ["--start", timestamp(START), "--end", timestamp(START + DAY)]
    assert main(["integrity", "--trail-arn", trail.arn, *period, "--state", str(state)]) == 2
    assert "after --start" in capsys.readouterr().err


def test_processes_find_the_same(trail: Trail, commands: Commands) -> None:
    keys = trail.deliver(hours=48)
    trail.bucket.delete(keys[7])
    here = commands.ours(trail, end=START + 2 * DAY)
    there = commands.ours(trail, "--executor", "processes", end=START + 2 * DAY)
    assert (there.exit_code, there.document["findings"], there.totals) == (
        1,
        here.document["findings"],
        here.totals,
    )


def test_a_dask_cluster_of_two_workers_finds_the_same(trail: Trail, commands: Commands) -> None:
    keys = trail.deliver(hours=72)
    trail.bucket.delete(keys[7])
    here = commands.ours(trail, end=START + 3 * DAY)
    distributed = importlib.import_module("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=40,
    ) as cluster:
        there = commands.ours(trail, "--scheduler", cluster.scheduler_address, end=START + 3 * DAY)
    assert (there.exit_code, there.document["findings"], there.totals) == (
        1,
        here.document["findings"],
        here.totals,
    )


def test_state_is_plain_json_about_the_trail(
    trail: Trail, commands: Commands, tmp_path: Path
) -> None:
    state = tmp_path / "state.json"
    trail.deliver()
    commands.ours(trail, "--state", str(state))
    document = json.loads(state.read_text(encoding="utf-8"))
    assert document["layout"]["bucket"] == BUCKET
    assert document["targets"][0]["through"] == "2026-03-02"
