"""Names and policies are whoever's who may make them: in no format do they do anything."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.sandbox.support import RunningSandbox
from tests.suite.support import REGION, Verification, python_m_verify, verify

# A formula, markup of HTML and of Markdown, text that runs from right to left, and what clears a
# terminal's screen (which XML may not hold).
HOSTILE = "=cmd|'/C calc'!A0<script>alert(1)</script>[a](http://evil)\u202egnp.\x1b[2J"
SHOWN = "=cmd|'/C calc'!A0<script>alert(1)</script>[a](http://evil)[U+202E]gnp.[U+001B][2J"
CHECK = "verify/checks/test_alert_topic.py"


@pytest.fixture(scope="module")
def run(
    deployed: Path, sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Verification]:
    """A run that found a hostile statement in the policy of the alerts' topic."""
    topic = json.loads(deployed.read_text())["alert_topic_arn"]["value"]
    sns = sandbox.client("sns", REGION)
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    altered = json.loads(policy)
    statement = {"Sid": HOSTILE, "Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}
    altered["Statement"].append({**statement, "Resource": topic})
    which = {"TopicArn": topic, "AttributeName": "Policy"}
    sns.set_topic_attributes(**which, AttributeValue=json.dumps(altered))
    try:
        yield verify(deployed, tmp_path_factory.mktemp("hostile"), CHECK, url=sandbox.url)
    finally:
        sns.set_topic_attributes(**which, AttributeValue=policy)


def _file(run: Verification, name: str) -> str:
    return (run.reports / "latest" / name).read_text(encoding="utf-8")


def test_it_is_kept_as_it_was_and_judged_again(run: Verification) -> None:
    assert run.outcomes["alert-topic-policy"] == "FAIL"
    assert any(HOSTILE in one["seen"] for one in run.row("alert-topic-policy")["observations"])
    done = python_m_verify("check-evidence", str(run.reports / "latest"))
    assert done.returncode == 0, done.stdout
    assert "each is what the report says" in done.stdout


def test_it_commands_no_terminal(run: Verification) -> None:
    assert SHOWN in run.text
    assert not {"\x1b", "\u202e"} & set(run.text)


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for _, value in attrs if value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_it_is_text_to_a_browser(run: Verification) -> None:
    page = _file(run, "report.html")
    seen = _Seen()
    seen.feed(page)
    assert any(SHOWN in text for text in seen.texts)
    [script] = re.findall(r"(?s)<script\b[^>]*>(.*?)</script>", page)  # the page's own
    assert "alert(1)" not in script
    assert not {"\x1b", "\u202e"} & set(page)


def test_xml_can_hold_it(run: Verification) -> None:
    root = ElementTree.fromstring(_file(run, "junit.xml"))  # noqa: S314 - our own
    [case] = [one for one in root.iter("testcase") if "alert-topic-policy" in str(one.get("name"))]
    assert any(SHOWN in (failure.text or "") for failure in case.iter("failure"))


def test_a_spreadsheet_computes_nothing(run: Verification) -> None:
    text = (run.reports / "latest" / "controls.csv").read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
    assert any(SHOWN in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_the_summary_of_a_job_has_no_link_to_it(run: Verification) -> None:
    summary = _file(run, "summary.md")
    assert "alert-topic-policy" in summary
    assert "<script" not in summary
    assert "](http://evil)" not in summary


@pytest.mark.parametrize("name", ["oscal-assessment-results", "ocsf-findings", "asff-findings"])
def test_other_tools_are_given_it_as_a_string(run: Verification, name: str) -> None:
    text = _file(run, f"{name}.json")
    assert not {"\x1b", "\u202e"} & set(text)
    assert "<script>alert(1)" in json.dumps(json.loads(text))


def test_differences_and_periods_show_it_as_text(
    run: Verification, deployed: Path, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    latest = (run.reports / "latest").resolve()
    before = tmp_path / "before"
    before.mkdir()
    report = json.loads(_file(run, "report.json"))
    for row in report["results"]:
        row["observations"] = [one for one in row["observations"] if HOSTILE not in one["seen"]]
    (before / "report.json").write_text(json.dumps(report))
    done = python_m_verify("diff", str(before), str(latest))
    assert done.returncode == 1, done.stderr
    assert SHOWN in done.stdout
    output = f"--output={tmp_path / 'out'}"
    period = python_m_verify(
        "period", "--from=2026-01-01", "--no-verdicts", output, str(run.reports)
    )
    assert period.returncode == 1, period.stderr
    page = (tmp_path / "out" / "period.html").read_text()
    seen = _Seen()
    seen.feed(page)
    assert any(SHOWN in text for text in seen.texts)
    assert not re.search(r"<script\b", page)
