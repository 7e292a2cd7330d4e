"""The requirements and the page that is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suite.support import ROOT
from verify.inputs import baseline, catalogue, requirements
from verify.inputs.requirements import RequirementsError
from verify.suite.declarations import requirements_page


def test_the_page_of_requirements_is_current() -> None:
    assert (ROOT / "docs/requirements.md").read_text() == requirements_page(), "run `make docs`"


def test_a_requirement_is_shown_where_it_holds() -> None:
    """By a control that the profile is held to, or by tests that exist."""
    held = {name: baseline.load(name).controls for name in baseline.profiles()}
    for point in requirements.load(catalogue.load()):
        for name in point.tests:
            assert (ROOT / name).is_file(), f"{point.identifier} names {name}"
        for profile in point.profiles:
            controls = set(point.controls) & set(held.get(profile, point.controls))
            assert controls or point.tests, f"{point.identifier} is not shown in {profile}"


def test_each_row_of_the_policy_is_shown_in_production() -> None:
    held = set(baseline.load("prod").controls)
    for row in requirements.load_policy(catalogue.load()):
        assert held & set(row.controls), f"{row.row} is not shown in prod"
    areas = {row.area for row in requirements.load_policy(catalogue.load())}
    assert areas == {"Retention by source", "Alerting", "Access to the logs", "Integrity"}


def test_each_event_that_must_ring_is_a_row_of_the_policy() -> None:
    rows = [row.purpose for row in requirements.load_policy(catalogue.load()) if row.purpose]
    filters = baseline.load("prod").values["alarms"]["metric_filters"]
    assert sorted(rows) == sorted(wanted["purpose"] for wanted in filters)


def test_each_alert_is_caused_or_it_is_said_why_not() -> None:
    live_fire = {
        "alarms-tell-of-acts",
        "alert-by-both-paths",
        "alert-within-target",
        *(name for name in catalogue.load() if name.startswith("alert-on-")),
    }
    for row in requirements.load_policy(catalogue.load()):
        caused = bool(live_fire & set(row.controls))
        assert caused is (row.area == "Alerting" and not row.uncaused), row.row
    page = (ROOT / "docs/requirements.md").read_text()
    assert "| Use of the root user |" in page
    assert "live fire does not cause it: it takes the root user |" in page


def test_the_page_links_each_control_to_its_section() -> None:
    page = (ROOT / "docs/requirements.md").read_text()
    assert "| A10 | A customer-managed key that rotates" in page
    assert "[key-rotates](controls.md#key-rotates)" in page
    assert "### key-rotates\n" in (ROOT / "docs/controls.md").read_text()


_POLICY = "policy: {Alerting: [{row: r, controls: [key-rotates]}]}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requirements: []", "not valid"),
        ("requirements: [{id: A1, statement: s, profiles: [dev], tests: [t]}]", "not valid"),
        (f"requirements: [{{id: A1, statement: s, profiles: [dev]}}]\n{_POLICY}", "not valid"),
        (
            "requirements:\n- {id: A1, statement: s, profiles: [dev], controls:\n  [unheard-of]}\n"
            + _POLICY,
            "made.yaml:3: A1 names the control unheard-of, which the catalogue does not have",
        ),
        (
            "requirements:\n- &a {id: A1, statement: s, profiles: [dev], tests: [t]}\n- *a\n",
            "made.yaml",
        ),
        (
            "requirements:\n- {id: A1, statement: s, profiles: [dev], tests: [t]}\n"
            "- {id: A1, statement: s, profiles: [dev], tests: [t]}\n" + _POLICY,
            "made.yaml:3: A1 stands twice",
        ),
        ("{", "the requirements cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    path.write_text(text)
    with pytest.raises(RequirementsError) as refused:
        requirements.load({"key-rotates"}, path)
    assert said in str(refused.value)


def test_a_row_of_the_policy_that_names_no_control_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "made.yaml"
    path.write_text(
        "requirements: [{id: A1, statement: s, profiles: [dev], tests: [t]}]\n"
        "policy:\n  Alerting:\n  - {row: r, controls: [unheard-of]}\n"
    )
    with pytest.raises(RequirementsError, match=r"made.yaml:4: r names the control unheard-of"):
        requirements.load_policy({"key-rotates"}, path)
