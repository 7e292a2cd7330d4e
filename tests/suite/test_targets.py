"""Two accounts in two regions, verified in one run, and a third that cannot be reached."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.report import sample
from tests.sandbox.support import started
from tests.suite.support import deploy, python_m_verify
from verify.model import Outcome
from verify.targets import page
from verify.targets.matrix import Column, matrix_of

PLACES = {"sydney": ("111111111111", "ap-southeast-2"), "dublin": ("222222222222", "eu-west-1")}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Entries of a targets file for two deployments, each in an account of its own."""
    with ExitStack() as stack:
        running = {}
        for name, (account, region) in PLACES.items():
            running[name] = stack.enter_context(started("--region", region, "--account", account))
        with ThreadPoolExecutor(2) as executor:
            made = {
                name: executor.submit(
                    deploy,
                    running[name],
                    tmp_path_factory.mktemp(name),
                    f"--region={PLACES[name][1]}",
                )
                for name in PLACES
            }
        yield {
            name: {
                "name": name,
                "account": PLACES[name][0],
                "region": PLACES[name][1],
                "outputs": str(found.result()),
                "endpoint": running[name].url,
            }
            for name, found in made.items()
        }


def _file(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "targets.yaml"
    path.write_text(yaml.safe_dump({"targets": list(entries)}))
    return path


def _matrix(reports: Path, pattern: str = "matrix-*.json") -> dict[str, Any]:
    [found] = reports.glob(pattern)
    return dict(json.loads(found.read_text()))


def test_two_accounts_in_two_regions_are_verified_in_one_run(
    accounts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    gone = {"name": "gone", "outputs": str(tmp_path / "none.json")}
    away = {**accounts["dublin"], "name": "away", "endpoint": "http://127.0.0.1:9"}
    file = _file(tmp_path, *accounts.values(), gone, away)
    reports = tmp_path / "reports"
    done = python_m_verify("targets", str(file), f"--reports={reports}", "--as-verifier")
    assert done.returncode == 6, done.stdout + done.stderr
    matrix = _matrix(reports)
    found = {one["name"]: one for one in matrix["targets"]}
    for name, (account, region) in PLACES.items():
        assert found[name]["verdict"] == "CLEAN", done.stdout
        assert (found[name]["account"], found[name]["region"]) == (account, region)
        assert (reports / found[name]["folder"] / "manifest.json").is_file()
    assert found["gone"]["verdict"] == found["away"]["verdict"] == "NOT REACHED"
    assert "none.json" in found["gone"]["problem"]
    for row in matrix["controls"]:
        assert row["outcomes"]["gone"] == row["outcomes"]["away"] == "ERROR"
        assert row["outcomes"]["sydney"] in ("PASS", "NOT APPLICABLE")
    [html] = reports.glob("matrix-*.html")
    assert "4 deployments" in html.read_text()
    # The runs that were made together are merged like those that were made apart.
    runs = [str(reports / found[name]["folder"]) for name in PLACES]
    merged = python_m_verify("merge", f"--output={tmp_path / 'merged'}", *runs)
    assert merged.returncode == 0, merged.stderr
    assert {one["verdict"] for one in _matrix(tmp_path / "merged", "matrix.json")["targets"]} == {
        "CLEAN"
    }
    twice = python_m_verify("merge", f"--output={tmp_path / 'twice'}", runs[0], runs[0])
    assert twice.returncode == 2
    assert "`python -m verify diff` compares them" in twice.stderr
    changed = shutil.copytree(runs[0], tmp_path / "changed")
    (changed / "junit.xml").unlink()
    refused = python_m_verify("merge", f"--output={tmp_path / 'refused'}", str(changed))
    assert refused.returncode == 2
    assert "junit.xml: missing" in refused.stderr


def test_outputs_of_another_deployment_are_not_verified(
    accounts: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    wrong = {**accounts["sydney"], "name": "wrong", "region": "eu-west-1"}
    reports = tmp_path / "reports"
    done = python_m_verify("targets", str(_file(tmp_path, wrong)), f"--reports={reports}")
    assert done.returncode == 6
    [target] = _matrix(reports)["targets"]
    assert target["problem"].endswith("are of region ap-southeast-2, not eu-west-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("targets: []", "should be non-empty"),
        ("targets: [{name: a}]", "'outputs' is a required property"),
        ("targets: [{name: ../a, outputs: b}]", "does not match"),
        ("targets: [{name: a, outputs: b, rolle: c}]", "unknown key 'rolle'"),
        (
            "targets: [{name: a, outputs: b}, {name: a, outputs: c}]",
            "have the name a twice",
        ),
        ("- a", "is not of type 'object'"),
    ],
)
def test_bad_targets_are_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(text)
    done = python_m_verify("targets", str(file))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_of_targets_is_said(tmp_path: Path) -> None:
    done = python_m_verify("targets", str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_what_one_baseline_has_and_another_has_not_is_told() -> None:
    report = sample.report()
    shorter = replace(report, results=report.results[1:])
    matrix = matrix_of([Column("a", report), Column("b", shorter)])
    assert matrix.rows[0].outcomes[1] is None
    assert "not in its baseline" in page.render(matrix, report.started)


def test_the_matrix_is_as_bad_as_its_worst() -> None:
    clean = replace(
        sample.report(), results=(replace(sample.RESULTS[0], outcome=Outcome.PASS),), waivers=()
    )
    failed = replace(
        sample.report(), results=(replace(sample.RESULTS[0], outcome=Outcome.FAIL),), waivers=()
    )
    assert matrix_of([Column("a", clean)]).exit_code == 0
    assert matrix_of([Column("a", clean), Column("b", None, "why")]).exit_code == 6
    assert matrix_of([Column("a", None, "why"), Column("b", failed)]).exit_code == 1
