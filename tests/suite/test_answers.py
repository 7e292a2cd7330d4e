"""Altered answers, through the program's door: a field that nobody minds is found and named."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite.support import ROOT, ended, verify

_PACKAGE = ROOT / "lambda/dist/compliance_checker.zip"


def _answers(recording: Path, outputs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return ended(
        [
            sys.executable,
            "-m",
            "mutants.answers",
            f"--run={recording}",
            f"--outputs={outputs}",
            f"--function-package={_PACKAGE}",
            *arguments,
        ],
    )


def _account(folder: Path, text: str) -> str:
    (folder / "cloudtrail.yaml").write_text(text)
    return f"--account={folder}"


def test_no_alteration_of_a_sample_survives(recording: Path, deployed: Path) -> None:
    done = _answers(recording, deployed, "--sample")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 survived, 0 changed what they should not" in done.stdout
    [(tried, blind)] = re.findall(r"([0-9,]+) failed calls, ([0-9]+) controls blind", done.stdout)
    assert int(tried.replace(",", "")) > 500
    assert blind == "0"


# An empty answer to this says "none", and nothing else may pass for it.
_EMPTY_IS_AN_ERROR = """
from mutants.answers import failures

failures.EMPTY_MEANS_NONE = frozenset()
"""


def test_a_control_that_passes_on_a_failed_call_is_named(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    (tmp_path / "no_exception.py").write_text(_EMPTY_IS_AN_ERROR)
    findings = tmp_path / "findings.json"
    verify(
        deployed,
        tmp_path,
        "verify/checks",
        "-pno_exception",
        "-pmutants.answers.plugin",
        f"--replay={recording}",
        f"--answers-findings={findings}",
        "--answers-only=s3.get_bucket_logging",
        PYTHONPATH=str(tmp_path),
    )
    found = json.loads(findings.read_text())
    assert found["failures"] >= 5
    assert {(item["call"], item["failure"]) for item in found["blind"]} == {
        ("s3.get_bucket_logging", "empty answer")
    }
    assert {item["control"] for item in found["blind"]} == {"log-bucket-sends-nothing-away"}


def test_a_field_that_its_control_does_not_mind_is_named(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    account = _account(
        tmp_path,
        "describe_trails:\n"
        "  judged:\n"
        "    trailList[].IsMultiRegionTrail: trail-multi-region\n"
        "    trailList[].S3BucketName: trail-multi-region\n",
    )
    done = _answers(recording, deployed, account)
    assert done.returncode == 1, done.stdout + done.stderr
    survived = [line for line in done.stdout.splitlines() if line.startswith("SURVIVED")]
    assert survived
    assert all('"]}: trailList[0].S3BucketName ' in line for line in survived)
    assert all(x.endswith(f"({tmp_path}/cloudtrail.yaml:4)") for x in survived)


def test_a_field_that_is_not_harmless_is_named(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    account = _account(
        tmp_path,
        "describe_trails:\n  harmless:\n    trailList[].IsMultiRegionTrail: nobody cares\n",
    )
    done = _answers(recording, deployed, account)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(
        r'NOT HARMLESS: cloudtrail\.describe_trails \{"trailNameList": \["arn:[^"]*"\]\}: '
        r"trailList\[0\]\.IsMultiRegionTrail flipped: .*trail-multi-region FAIL",
        done.stdout,
    )


def test_a_faulty_account_is_named_with_its_line(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    account = _account(tmp_path, "describe_trails:\n  judged:\n    trailList: \n")
    done = _answers(recording, deployed, account)
    assert done.returncode == 2
    assert f"{tmp_path}/cloudtrail.yaml:3: trailList is judged by a control: name it" in (
        done.stdout + done.stderr
    )


def test_a_folder_without_evidence_is_refused(deployed: Path, tmp_path: Path) -> None:
    done = _answers(tmp_path, deployed, "--sample")
    assert done.returncode == 2
    assert f"{tmp_path} holds 0 files of evidence" in done.stderr


def test_a_run_that_was_not_clean_shows_nothing(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    for path in (recording / "evidence").glob("*.json"):
        text = path.read_text()
        if "describe_trails" in path.name:
            text = text.replace('"IsMultiRegionTrail": true', '"IsMultiRegionTrail": false')
        (evidence / path.name).write_text(text)
    done = _answers(tmp_path, deployed, "--sample")
    assert done.returncode == 2
    assert "the recorded run is not clean:" in done.stderr
    assert "trail-multi-region: " in done.stderr


def test_recorded_answers_are_judged_again_without_an_account(
    recording: Path, deployed: Path, tmp_path: Path
) -> None:
    done = verify(deployed, tmp_path, "verify/checks", f"--replay={recording}")
    assert done.controls("FAIL") == set()
    assert done.controls("ERROR") == set()
    assert {"trail-multi-region", "log-integrity-intact"} <= done.controls("PASS")
    assert done.report["caller"].startswith("nobody: the evidence in ")


@pytest.mark.parametrize(
    ("owner", "outcome"), [("security-team", "PASS"), (None, "FAIL"), ("nobody asked", "ERROR")]
)
def test_a_listing_that_is_behind_does_not_decide_over_tags(
    recording: Path, deployed: Path, tmp_path: Path, owner: str | None, outcome: str
) -> None:
    """The listing lacks a tag of an alarm: what CloudWatch itself says of it counts."""
    run, reports = tmp_path / "run", tmp_path / "reports"
    shutil.copytree(recording, run)
    [listing] = (run / "evidence").glob("*-get_resources.json")
    kept = json.loads(listing.read_text())
    entry = next(
        one
        for page in kept["response"]
        for one in page["ResourceTagMappingList"]
        if ":alarm:" in one["ResourceARN"]
    )
    others = [tag for tag in entry["Tags"] if tag["Key"] != "Owner"]
    assert len(others) == len(entry["Tags"]) - 1
    entry["Tags"] = others
    listing.write_text(json.dumps(kept))
    if owner != "nobody asked":
        identifier = "main-9999-cloudwatch-list_tags_for_resource"
        asked = {
            **kept,
            "identifier": identifier,
            "service": "cloudwatch",
            "operation": "list_tags_for_resource",
            "parameters": {"ResourceARN": entry["ResourceARN"]},
            "response": [
                {"Tags": [*others, *([{"Key": "Owner", "Value": owner}] if owner else ())]}
            ],
        }
        (run / "evidence" / f"{identifier}.json").write_text(json.dumps(asked))
    done = verify(deployed, reports, "verify/checks/test_tags_and_names.py", f"--replay={run}")
    assert done.row("resources-tagged")["outcome"] == outcome, done.text
