"""Catalogue, tests and baseline match, and a mismatch is said clearly."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from compliance_checker.evaluate import plain_name
from compliance_checker.rules import RULES

from tests.suite.support import ROOT
from verify.inputs import baseline, catalogue
from verify.suite.declarations import controls_page, declared_readings


def test_every_control_has_one_test_and_every_test_a_control() -> None:
    tested = catalogue.tested_controls(ROOT / "verify")
    assert catalogue.mismatches(catalogue.load(), tested) == []
    # Read from the source, the same as the markers themselves say.
    assert set(tested) == set(declared_readings())


def test_controls_without_test_and_tests_without_control_are_named(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        '@pytest.mark.control("trail-is-logging")\n'
        "def test_a(): ...\n"
        '@pytest.mark.control("trail-is-logging")\n'
        "def test_b(): ...\n"
        '@pytest.mark.control("no-such-control")\n'
        "def test_c(): ...\n"
    )
    controls = {
        name: control
        for name, control in catalogue.load().items()
        if name in ("trail-is-logging", "key-rotates")
    }
    assert catalogue.mismatches(controls, catalogue.tested_controls(tmp_path)) == [
        "control key-rotates has no test",
        "control trail-is-logging has several tests: test_some.py::test_a, test_some.py::test_b",
        "test_some.py::test_c names control no-such-control, which the catalogue does not have",
    ]


def test_a_control_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    text = catalogue.FILE.read_text().replace("id: key-rotates", "id: trail-is-logging")
    path = tmp_path / "controls.yaml"
    path.write_text(text)
    with pytest.raises(catalogue.CatalogueError, match="trail-is-logging twice"):
        catalogue.load(path)


def test_a_control_without_citation_is_refused(tmp_path: Path) -> None:
    text = catalogue.FILE.read_text().replace("primary: [164.312(e)(1)]", "primary: []", 1)
    path = tmp_path / "controls.yaml"
    path.write_text(text)
    with pytest.raises(catalogue.CatalogueError, match=r"hipaa\.primary"):
        catalogue.load(path)


def test_the_baseline_names_every_event_of_the_functions_rules() -> None:
    """The auditor's list and the function's rules cannot drift apart."""
    listed = baseline.load("dev").values["log_groups"]["subscription_events"]
    of_baseline = {(source, plain_name(name)) for source, names in listed.items() for name in names}
    of_rules = {event for rule in RULES for event in rule.events}
    assert of_rules - of_baseline == set(), "add these to log_groups.subscription_events"
    assert of_baseline - of_rules == set(), "no rule judges these"


def test_no_committed_file_names_a_registry_or_a_path_of_a_machine() -> None:
    registry = "registry." + "terraform.io"
    pattern = rf"{registry}|pypi\.org|/work/|\.\./shared|files\.pythonhosted"
    git = shutil.which("git")
    assert git is not None
    found = subprocess.run(
        [git, "grep", "-lIE", pattern], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert [name for name in found if name != "tests/suite/test_catalogue_and_baseline.py"] == []


def test_the_page_of_controls_is_current() -> None:
    assert (ROOT / "docs/controls.md").read_text() == controls_page(), "run `make docs`"


def test_every_control_is_on_the_page_with_its_remedy() -> None:
    page = (ROOT / "docs/controls.md").read_text()
    for name, control in catalogue.load().items():
        assert f"### {name}\n" in page
        assert control.remediation in page


def test_every_check_of_the_state_declares_what_it_reads() -> None:
    declared = declared_readings()
    assert set(declared) == set(catalogue.load())
    without = {control for control, readings in declared.items() if not readings}
    assert without == {
        "no-drift",  # a plan is its evidence
        "alert-on-opened-rule",
        "alert-on-public-bucket-policy",
        "alert-on-unprotected-bucket",
        "alert-on-key-removal",
        "alert-on-opened-network-acl",
        "alert-on-administrator-role",
        "alarms-tell-of-acts",
        "function-judges-every-rule",
        "investigation-role-refused",
        "alert-within-target",
        "alert-by-both-paths",
        "live-fire-leaves-nothing",
    }
