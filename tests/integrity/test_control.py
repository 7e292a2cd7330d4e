"""The two controls of `make verify`, run as a user runs them, on trails of every age."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.integrity.loopback import Account
from tests.integrity.trail import HOME, HOUR, Trail, timestamp
from tests.suite.support import Verification, verify
from verify.inputs.deployment import example
from verify.schemas import violations

INTACT, ON_TIME = "log-integrity-intact", "digests-on-time"
OTHER = "us-east-1"


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _status(account: Account, region: str = HOME, **times: datetime | str) -> None:
    account.statuses[region] = {
        "IsLogging": True,
        **{
            name: value.timestamp() if isinstance(value, datetime) else value
            for name, value in times.items()
        },
    }


@pytest.fixture
def old(account: Account, trail: Trail) -> Trail:
    """A trail of two regions that has been logging for longer than a day."""
    start = _now() - 30 * HOUR
    account.enabled_regions = [HOME, OTHER]
    for region in account.enabled_regions:
        trail.deliver(region, start, 29)
        last = start + 29 * HOUR
        _status(account, region, StartLoggingTime=start, LatestDigestDeliveryTime=last)
    return trail


def _verify(tmp_path: Path, *arguments: str) -> Verification:
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(example()))
    checks = "verify/checks/test_log_integrity.py"
    url = os.environ["AWS_ENDPOINT_URL"]
    return verify(file, tmp_path, checks, *arguments, url=url, as_verifier=False)


def _evidence(run: Verification) -> dict[str, Any]:
    [reference] = [
        one for one in run.report["evidence"] if one["operation"] == "validate_log_files"
    ]
    document = json.loads((run.reports / "latest" / reference["file"]).read_text())
    return dict(document["response"][0])


def test_an_intact_trail_passes_and_the_report_says_what_was_covered(
    old: Trail, tmp_path: Path
) -> None:
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == run.outcomes[ON_TIME] == "PASS", run.text
    # Of each region the digest in which the period begins, and the 22 after it.
    seen = [(one["subject"], one["seen"]) for one in run.row(INTACT)["observations"]]
    assert seen == [
        ("46 digests of the last 24 h", "46"),
        ("92 log files that they name", "92"),
    ]
    [note] = run.report["notes"]
    assert "46 of 46 digests proven, 92 of 92 log files intact" in note
    assert f"in {HOME}, {OTHER}" in note
    document = _evidence(run)
    read = document.pop("reads")["objects"]
    assert document.pop("home")["IsLogging"] is True
    assert document.pop("asked").startswith("20")
    assert violations("integrity", document) == []
    assert document["verdict"] == "INTACT"
    # The digests with their signatures, two of them from before the period; of log files the hash.
    digests = [one for one in read if "/CloudTrail-Digest/" in one["key"]]
    assert len(digests) == 48
    assert all(
        sha256(one["body"].encode()).hexdigest() == one["sha256"] and one["metadata"]["signature"]
        for one in digests
    )
    logs = [one for one in read if "/CloudTrail/" in one["key"]]
    assert len(logs) == 92
    assert not any("body" in one for one in logs)
    for name in ("report.html", "junit.xml"):
        assert "92 log files that they name" in (tmp_path / "latest" / name).read_text()


def test_a_shorter_period_can_be_asked_for(old: Trail, tmp_path: Path) -> None:
    run = _verify(tmp_path, "--integrity-hours=3.5")
    assert run.outcomes[INTACT] == "PASS", run.text
    assert run.row(INTACT)["observations"][0]["subject"] == "6 digests of the last 3.5 h"


@pytest.mark.parametrize("hours", ["0", "-1", "169", "nan", "many"])
def test_a_period_that_makes_no_sense_is_refused(hours: str, tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text("{}")
    run = verify(tmp_path / "outputs.json", tmp_path, f"--integrity-hours={hours}")
    assert run.code == 4
    assert "--integrity-hours" in run.text


def test_a_finding_is_reported_with_severity_and_key(old: Trail, tmp_path: Path) -> None:
    log = next(key for key in reversed(old.bucket.versions) if f"/CloudTrail/{HOME}/" in key)
    old.bucket.purge(log)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "FAIL"
    assert run.outcomes[ON_TIME] == "PASS"
    wrong, *_ = run.row(INTACT)["observations"]
    assert wrong["subject"] == f"s3://{old.bucket_name}/{log}"
    assert wrong["aspect"] == "CRITICAL log-missing"
    assert wrong["expected"].startswith("SHA-256 ")
    assert wrong["seen"] == "no such object"
    for name in ("report.html", "junit.xml"):
        assert "log-missing" in (tmp_path / "latest" / name).read_text()


def test_many_findings_are_counted(old: Trail, tmp_path: Path) -> None:
    for key in [one for one in old.bucket.versions if "/CloudTrail/" in one]:
        old.bucket.purge(key)
    run = _verify(tmp_path)
    observations = {one["aspect"]: one["seen"] for one in run.row(INTACT)["observations"]}
    assert observations["further findings"] == "42"
    found = [one["kind"] for one in _evidence(run)["findings"]]
    assert found.count("log-missing") == 92


# --- young and restarted trails -------------------------------------------------------------------


def test_a_trail_too_young_for_a_digest_is_not_judged(account: Account, tmp_path: Path) -> None:
    trail = Trail(account)
    begun = _now() - 10 * timedelta(minutes=1)
    account.key_created = begun - timedelta(minutes=3)
    _status(account, StartLoggingTime=begun)
    trail.write_log(HOME, begun + timedelta(minutes=5))
    run = _verify(tmp_path)
    assert run.controls("NOT APPLICABLE") == {INTACT, ON_TIME}, run.text
    due = timestamp(begun + 2 * HOUR)
    assert run.row(INTACT)["message"] == (
        f"nothing to validate yet: logging began at {timestamp(begun)}, the first digest is due "
        f"by {due}"
    )
    assert due in run.row(ON_TIME)["message"]


def test_all_digests_of_a_young_trail_deleted_is_no_young_trail(
    account: Account, tmp_path: Path
) -> None:
    Trail(account)
    begun = _now() - timedelta(minutes=90)
    account.key_created = begun
    _status(account, StartLoggingTime=begun, LatestDigestDeliveryTime=begun + HOUR)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "FAIL"
    assert "newest-digest-missing" in run.row(INTACT)["message"]


def test_a_young_trail_is_validated_from_its_first_digest_on(
    account: Account, tmp_path: Path
) -> None:
    trail = Trail(account)
    begun = _now() - 5 * HOUR
    account.key_created = begun - timedelta(minutes=3)
    trail.deliver(HOME, begun + timedelta(minutes=10), 4)
    last = begun + timedelta(minutes=10) + 4 * HOUR
    _status(account, StartLoggingTime=begun, LatestDigestDeliveryTime=last)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == run.outcomes[ON_TIME] == "PASS", run.text
    assert run.row(INTACT)["observations"][0]["subject"] == "4 digests of the last 24 h"
    assert f"{timestamp(begun + timedelta(minutes=10))} to" in run.report["notes"][0]


def test_a_restart_of_an_old_trail_does_not_excuse_what_is_missing_before(
    account: Account, tmp_path: Path
) -> None:
    trail = Trail(account)
    now = _now()
    trail.deliver(HOME, now - 30 * HOUR, 10)
    trail.restart()
    trail.deliver(HOME, now - 5 * HOUR, 4)
    started = now - 5 * HOUR
    _status(account, StartLoggingTime=started, LatestDigestDeliveryTime=now - HOUR)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "FAIL"
    [wrong] = [one for one in run.row(INTACT)["observations"] if not one["met"]]
    assert wrong["aspect"] == "HIGH gap"
    assert wrong["expected"] == f"digests for {timestamp(now - 20 * HOUR)} to {timestamp(started)}"


def test_an_old_trail_without_digests_does_not_pass(account: Account, tmp_path: Path) -> None:
    Trail(account)
    _status(account, StartLoggingTime=_now() - 48 * HOUR)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "ERROR", run.text
    assert run.outcomes[ON_TIME] == "FAIL"
    assert "there is no digest in the last 24 h" in run.row(INTACT)["message"]
    assert "digests-late" in run.row(ON_TIME)["message"]


# --- digests on time ------------------------------------------------------------------------------


def test_digests_that_cannot_be_delivered_are_not_on_time(
    account: Account, old: Trail, tmp_path: Path
) -> None:
    account.statuses[OTHER]["LatestDigestDeliveryError"] = "AccessDenied"
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "PASS"
    assert run.outcomes[ON_TIME] == "FAIL"
    assert f"{OTHER}: AccessDenied" in run.row(ON_TIME)["message"]


def test_a_status_that_cannot_be_read_leaves_both_open(
    account: Account, old: Trail, tmp_path: Path
) -> None:
    account.denied = {f"cloudtrail:GetTrailStatus {OTHER}"}
    run = _verify(tmp_path)
    assert run.controls("ERROR") == {INTACT, ON_TIME}
    for control in (INTACT, ON_TIME):
        message = run.row(control)["message"]
        assert f"cloudtrail.get_trail_status in {OTHER} was denied" in message
        assert "the caller lacks cloudtrail:GetTrailStatus" in message


def test_a_region_where_the_trail_is_not_known_any_more_is_a_gap_and_no_error(
    account: Account, old: Trail, tmp_path: Path
) -> None:
    """The trail was made single-region: elsewhere GetTrailStatus does not find it."""
    account.trails[old.arn]["IsMultiRegionTrail"] = False
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "FAIL"
    message = run.row(INTACT)["message"]
    assert f"{OTHER}: HIGH gap" in message
    assert "the trail records no region but its own any more" in message
    assert run.outcomes[ON_TIME] == "PASS"


def test_the_newest_digest_is_missed_as_soon_as_it_is_gone(
    account: Account, old: Trail, tmp_path: Path
) -> None:
    newest = next(key for key in reversed(old.bucket.versions) if f"-Digest/{HOME}/" in key)
    old.bucket.purge(newest)
    run = _verify(tmp_path)
    assert run.outcomes[INTACT] == "FAIL"
    assert "CRITICAL newest-digest-missing" in run.row(INTACT)["message"]
