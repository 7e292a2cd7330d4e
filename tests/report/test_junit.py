"""The JUnit form, held to the strictest schema in use: junit-10.xsd of Jenkins xUnit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import Outcome, Report
from verify.report import junit

ANY_TEXT = st.text(st.characters(exclude_categories=()))

# What the schema admits: for each element its required and optional attributes and its children.
# An element that the schema gives no text may hold white space alone.
RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {
            *("group", "time", "skipped", "timestamp", "hostname", "id"),
            *("package", "file", "log", "url"),
        },
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": (
        {"name"},
        {"time", "classname", "group"},
        {
            *("skipped", "error", "failure", "rerunFailure", "rerunError"),
            *("flakyFailure", "flakyError", "system-out", "system-err"),
        },
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
}
MAY_HOLD_TEXT = {"failure", "error", "skipped", "system-out", "system-err"}
SUITE_TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?")


def problems(element: Element) -> Iterator[str]:
    if element.tag not in RULES:
        yield f"unknown element {element.tag}"
        return
    required, optional, children = RULES[element.tag]
    names = set(element.attrib)
    yield from (f"{element.tag} lacks {name}" for name in sorted(required - names))
    yield from (f"{element.tag} has {name}" for name in sorted(names - required - optional))
    if element.tag.startswith("testsuite") and not SUITE_TIME.fullmatch(element.get("time", "")):
        yield f"{element.tag} has the time {element.get('time')}"
    texts = [element.text, *(child.tail for child in element)]
    if element.tag not in MAY_HOLD_TEXT and any(text and text.strip() for text in texts):
        yield f"{element.tag} holds text"
    for child in element:
        if child.tag not in children:
            yield f"{element.tag} holds {child.tag}"
        yield from problems(child)


def parsed(report: Report) -> Element:
    return fromstring(junit.render(report).encode("utf-8"))  # noqa: S314 - our own text


def case(root: Element, name: str) -> Element:
    [found] = [found for found in root.iter("testcase") if found.get("name") == name]
    return found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('<testsuite name="a" tests="1" failures="0"/>', "testsuite lacks errors"),
        ('<testcase name="a" file="b.py"/>', "testcase has file"),
        ('<testcase name="a"><properties/></testcase>', "testcase holds properties"),
        ('<testcase name="a"><errors/></testcase>', "testcase holds errors"),
        ('<testsuites time="1.2345"/>', "testsuites has the time 1.2345"),
        ("<testsuites>words</testsuites>", "testsuites holds text"),
        ('<testsuites skipped="1"/>', "testsuites has skipped"),
    ],
)
def test_rules_catch_what_the_schema_forbids(text: str, problem: str) -> None:
    assert problem in list(problems(fromstring(text)))  # noqa: S314 - written above


def test_sample_run_follows_the_schema() -> None:
    assert list(problems(parsed(sample.report()))) == []


def test_every_family_is_a_suite_and_every_control_a_case() -> None:
    root = parsed(sample.report())
    found = {
        suite.get("name"): [case.get("name") for case in suite.iter("testcase")]
        for suite in root.iter("testsuite")
    }
    assert found == {
        "Trail": ["trail-is-logging", "trail-covers-every-region", "trail-validates-log-files"],
        "Log bucket": [
            "log-bucket-is-encrypted",
            "log-bucket-is-private",
            "log-bucket-keeps-logs-six-years",
        ],
        "Encryption": ["key-rotates"],
        f"Odd & {sample.SCRIPT}": ["hostile-1"],
        "Network": ["application-group-is-closed", "default-group-is-empty"],
    }


def test_counts_are_those_of_the_cases() -> None:
    root = parsed(sample.report())
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "10",
        "failures": "2",
        "errors": "2",
    }
    for suite in root.iter("testsuite"):
        counted = {
            "tests": len(suite.findall("testcase")),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
            "skipped": len(suite.findall("testcase/skipped")),
        }
        assert {name: int(suite.get(name, "-1")) for name in counted} == counted


@pytest.mark.parametrize(
    ("name", "outcome", "element"),
    [
        ("trail-is-logging", "PASS", None),
        ("trail-covers-every-region", "FAIL", "failure"),
        ("log-bucket-is-encrypted", "ERROR", "error"),
        ("application-group-is-closed", "NOT TESTED", "error"),
        ("log-bucket-keeps-logs-six-years", "WAIVED", "skipped"),
        ("default-group-is-empty", "NOT APPLICABLE", "skipped"),
    ],
)
def test_outcome_becomes_its_element(name: str, outcome: str, element: str | None) -> None:
    found = case(parsed(sample.report()), name)
    verdicts = [child for child in found if child.tag in {"failure", "error", "skipped"}]
    assert [child.tag for child in verdicts] == ([element] if element else [])
    assert [child.get("type") for child in verdicts] == ([outcome] if element else [])


def test_every_outcome_has_been_looked_at() -> None:
    assert {result.outcome for result in sample.RESULTS} == set(Outcome)


def test_failure_says_what_was_expected_and_seen_and_what_to_do() -> None:
    failure = case(parsed(sample.report()), "trail-covers-every-region").find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("The trail is bound to its home region")
    text = failure.text or ""
    assert f"{sample.TRAIL}: IsMultiRegionTrail: declared true, required true, live false" in text
    assert "IncludeGlobalServiceEvents" not in text
    assert "Remediation: Set is_multi_region_trail to true" in text


def test_case_carries_its_citations_and_evidence() -> None:
    output = case(parsed(sample.report()), "trail-validates-log-files").findtext("system-out", "")
    assert "45 CFR Part 164: 164.312(c)(1), 164.312(c)(2), 164.308(a)(1)(ii)(D)" in output
    assert "NIST SP 800-53 r5: AU-2, AU-12" in output
    assert "CIS AWS: 3.1" in output
    assert "Evidence: 0001-cloudtrail-describe_trails" in output


def test_class_name_tells_accounts_and_regions_apart_without_stray_dots() -> None:
    root = parsed(sample.report())
    assert (
        case(root, "trail-is-logging").get("classname")
        == "trailwarden.123456789012.ap-southeast-1.Trail"
    )
    assert case(root, "hostile-1").get("classname", "").count(".") == 3


def test_suite_says_which_baseline_it_was_held_to() -> None:
    found = {
        item.get("name"): item.get("value") for item in parsed(sample.report()).iter("property")
    }
    assert found["baseline"] == (
        f"strict (strict.yaml, SHA-256 {'a' * 64}) extends "
        f"dev (verify/inputs/baselines/dev.yaml, SHA-256 {'b' * 64})"
    )


def test_suite_says_that_it_did_not_look_at_aws() -> None:
    suite = parsed(sample.report()).find("testsuite")
    assert suite is not None
    found = {item.get("name"): item.get("value") for item in suite.iter("property")}
    assert found["endpoint"] == "http://127.0.0.1:4599"
    assert found["verdict"] == "CONTROLS FAILED"


def test_run_without_results_is_an_error_and_not_an_empty_success() -> None:
    root = parsed(sample.report(()))
    assert list(problems(root)) == []
    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    assert len(root.findall("testsuite/testcase/error")) == 1


def test_illegal_characters_are_made_visible() -> None:
    failure = case(parsed(sample.report()), "hostile-1").find("failure")
    assert failure is not None
    text = failure.text or ""
    for shown in ("bell[U+0007]", "nul[U+0000]", "surrogate[U+D800]", "end[U+FFFF]", "[U+202E]txt"):
        assert shown in text
    assert sample.IMAGE in text


def test_very_long_text_is_bounded_and_says_so() -> None:
    text = junit.render(sample.report())
    assert "more characters: see report.json" in text
    assert len(text) < 70_000


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_gives_well_formed_xml(message: str, family: str, seen: str) -> None:
    result = replace(
        sample.RESULTS[1],
        control=replace(sample.RESULTS[1].control, family=family, remediation=seen),
        message=message,
        observations=(sample.observation("aspect", "expected", seen),),
    )
    assert list(problems(parsed(sample.report((result,))))) == []
