"""Ten runs with two failures in between: what diff, the reports and period make of them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, python_m_verify, verify

CHECKS = "verify/checks/test_encryption_key.py"
BROKEN = (3, 4, 7)


@pytest.fixture(scope="module")
def reports(
    deployed: Path, sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Ten runs of some checks, of which three found the key's rotation off."""
    folder = tmp_path_factory.mktemp("period") / "reports"
    key = json.loads(deployed.read_text())["kms_key_arn"]["value"]
    kms = sandbox.client("kms", REGION)
    for number in range(10):
        if number in BROKEN:
            kms.disable_key_rotation(KeyId=key)
        try:
            verify(deployed, folder, CHECKS, "--formats=json", url=sandbox.url)
        finally:
            kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=365)
    return folder


def _runs(reports: Path) -> list[dict[str, Any]]:
    lines = (reports / "chain.jsonl").read_text().splitlines()
    runs = [json.loads(line)["run_id"] for line in lines]
    return [json.loads((reports / run / "report.json").read_text()) for run in runs]


def test_a_failure_says_who_brought_it_about(reports: Path) -> None:
    broken = _runs(reports)[3]
    [failed] = [one for one in broken["results"] if one["outcome"] == "FAIL"]
    # The run before was mended in the same second, perhaps: CloudTrail's times have no parts of it.
    latest = next(one for one in failed["changes"] if one["action"] == "kms:DisableKeyRotation")
    assert (latest["who"], latest["source"]) == ("user sandbox", "127.0.0.1")
    [evidence] = [one for one in broken["evidence"] if one["operation"] == "who_changed"]
    assert evidence["identifier"] in failed["evidence"]
    kept = json.loads((reports / broken["run_id"] / evidence["file"]).read_text())
    assert latest["event_id"] in json.dumps(kept["response"])
    assert not any(one["changes"] for one in _runs(reports)[2]["results"])


def test_diff_names_exactly_what_changed(reports: Path, outputs: dict[str, Any]) -> None:
    runs = [run["run_id"] for run in _runs(reports)]
    good, broken, still = (str(reports / runs[number]) for number in (2, 3, 4))
    done = python_m_verify("diff", "--json", good, broken)
    assert done.returncode == 1, done.stderr
    [change] = json.loads(done.stdout)["changes"]
    assert (change["control"], change["kind"]) == ("key-rotates", "newly failed")
    key = outputs["kms_key_arn"]
    assert change["details"] == [
        f"{key}: rotation: declared yes, required yes, live no",
        f"{key}: days between rotations: declared 365, required 365, live never rotated",
    ]
    assert python_m_verify("diff", broken, still).returncode == 0


def test_period_gives_the_two_failures_with_their_mending(reports: Path, tmp_path: Path) -> None:
    runs = _runs(reports)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    begin = min(today, runs[0]["started"][:10])
    done = python_m_verify(
        "period", f"--from={begin}", f"--output={tmp_path / 'out'}", str(reports)
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "does not count" not in done.stdout
    [deployment] = json.loads((tmp_path / "out" / "period.json").read_text())["deployments"]
    assert len(deployment["runs"]) == 10
    failures = {
        one["control"]: one["failures"] for one in deployment["controls"] if one["failures"]
    }
    assert list(failures) == ["key-rotates"]
    found = [(one["last_good"], one["noticed"], one["mended"]) for one in failures["key-rotates"]]
    started = [run["started"] for run in runs]
    assert found == [
        (started[2], started[3], started[5]),
        (started[6], started[7], started[8]),
    ]
    assert "rotation" in failures["key-rotates"][0]["details"][0]
    page = (tmp_path / "out" / "period.html").read_text()
    assert page.count("seen mended") == 2


@pytest.mark.parametrize("number", [0, 4, 9])
def test_a_run_that_is_taken_out_of_a_chain_of_ten_is_found(
    reports: Path, tmp_path: Path, number: int
) -> None:
    runs = [run["run_id"] for run in _runs(reports)]
    left = shutil.copytree(reports, tmp_path / "reports", symlinks=True)
    assert python_m_verify("check-evidence", "--no-verdicts", str(left)).returncode == 0
    shutil.rmtree(left / runs[number])
    done = python_m_verify("check-evidence", "--no-verdicts", str(left))
    assert done.returncode == 1
    missed = f"NOT AS IT WAS: {runs[number]} (number {number + 1} of the chain): missing"
    assert missed in done.stdout
    output = f"--output={tmp_path / 'out'}"
    period = python_m_verify("period", "--from=2026-01-01", "--no-verdicts", output, str(left))
    assert period.returncode == 1
    assert f"does not count: {runs[number]}" in period.stdout


def test_a_run_that_was_altered_does_not_count(reports: Path, tmp_path: Path) -> None:
    broken = _runs(reports)[3]["run_id"]
    report = reports / broken / "report.json"
    before = report.read_text()
    report.write_text(before.replace('"FAIL"', '"PASS"'))
    try:
        done = python_m_verify(
            "period", "--from=2026-01-01", "--no-verdicts", f"--output={tmp_path}", str(reports)
        )
    finally:
        report.write_text(before)
    assert done.returncode == 1
    assert f"does not count: {broken}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from=2026-02-01", "--to=2026-01-01"], "is not after --from"),
        (["--from=2999-01-01", "--to=2999-02-01"], "begins in the future"),
        (["--from=yesterday"], "is no day or time"),
        (["--from=2026-01-01", "--valid-hours=0"], "is no number of hours"),
        (["--from=2026-01-01"], "holds no sealed run"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = python_m_verify("period", *arguments, str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
