"""The HTML form as text: what it says, and that it is a sound and closed document."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report import sample
from verify.model import ControlResult, EvidenceReference, Outcome, Report, TerraformState
from verify.report import html as html_report
from verify.report import write_reports
from verify.report.causes import causes

VOID = {"meta", "br", "hr", "link", "img", "input"}
ANY_TEXT = st.text(st.characters(exclude_categories=()))


class Document(HTMLParser):
    """The elements of a page in their order, with attributes, and faults of nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"{name} is not closed" for name in self._open]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if len(dict(attributes)) != len(attributes):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"{tag} is closed where it is not open")

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] or "" for _, found in self.elements if attribute in found]

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.elements)


def page(report: Report | None = None) -> str:
    return html_report.render(report or sample.report())


def words(text: str) -> str:
    """Return a page's text without its markup, white space folded."""
    body = re.sub(r"<script>.*?</script>", "", text.partition("<body>")[2], flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def only(*outcomes: Outcome) -> tuple[ControlResult, ...]:
    return tuple(result for result in sample.RESULTS if result.outcome in outcomes)


def test_page_is_well_formed() -> None:
    assert Document(page()).faults == []


def test_page_has_one_script_and_no_outside_resource() -> None:
    document = Document(page())
    tags = {tag for tag, _ in document.elements}
    assert document.count("script") == 1
    assert not tags & {
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "video",
        "base",
        "form",
    }
    attributes = {name for _, found in document.elements for name in found}
    assert not {name for name in attributes if name.startswith("on")}
    assert not attributes & {"src", "srcset", "style", "action", "background", "poster"}
    targets = document.values("href")
    assert targets
    assert [target for target in targets if not target.startswith(("#", "./"))] == []


def test_policy_allows_the_style_sheet_and_the_script_alone() -> None:
    text = page()
    [policy] = [
        found["content"] or ""
        for tag, found in Document(text).elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert style is not None
    assert script is not None
    digests = [
        base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        for found in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_identifiers_are_unique_and_inner_links_arrive() -> None:
    document = Document(page())
    identifiers = document.values("id")
    assert len(identifiers) == len(set(identifiers))
    inner = {target[1:] for target in document.values("href") if target.startswith("#")}
    assert inner <= set(identifiers)
    named = {name for value in document.values("aria-labelledby") for name in value.split()}
    assert named <= set(identifiers)
    for result in sample.RESULTS:
        assert f"control-{result.control.identifier}" in identifiers


def test_tables_have_captions_and_headings_skip_no_level() -> None:
    document = Document(page())
    assert document.count("table") == document.count("caption") > 5
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(level <= before + 1 for before, level in pairwise(levels))
    assert [found["lang"] for tag, found in document.elements if tag == "html"] == ["en"]


def test_page_says_which_baseline_the_account_was_held_to() -> None:
    text = words(page())
    assert f"Held to baseline strict ( strict.yaml , SHA-256 {'a' * 64} )" in text
    assert f"which extends dev ( verify/inputs/baselines/dev.yaml , SHA-256 {'b' * 64} )" in text


def test_verdict_stands_before_everything_else() -> None:
    text = words(page())
    assert text.index("Verdict: Controls failed") < text.index("The run ")
    assert "2 of 10 controls were not met. A further 2 could not be verified" in text


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        (
            only(Outcome.PASS),
            "4 of 4 controls were verified and met.",
        ),
        (
            only(Outcome.PASS)[:1],
            "1 of 1 control was verified and met.",
        ),
        (
            only(Outcome.PASS, Outcome.WAIVED, Outcome.NOT_APPLICABLE),
            "4 of 6 controls were verified and met. 1 was not met but accepted by a waiver. "
            "1 does not apply here.",
        ),
        (
            only(Outcome.PASS, Outcome.ERROR),
            "No control was found unmet, but 1 of 5 controls could not be verified, so this run "
            "does not show that the deployment meets them.",
        ),
        (
            only(Outcome.PASS, Outcome.FAIL),
            "2 of 6 controls were not met.",
        ),
        (
            (),
            "The run has no result for any control, so it shows nothing about the deployment.",
        ),
    ],
)
def test_summary_says_what_the_run_showed(
    results: tuple[ControlResult, ...], sentence: str
) -> None:
    report = sample.report(results)
    assert html_report.summary(report) == sentence
    assert sentence in words(page(report))


def test_a_run_with_waivers_is_not_called_clean_alone_and_names_them_first() -> None:
    shown = page(sample.report(only(Outcome.PASS, Outcome.WAIVED)))
    text = words(shown)
    assert "Verdict: Clean with waivers" in text
    named = (
        f"log-bucket-keeps-logs-six-years accepted on {sample.BUCKET} by "
        "Priya Raman, 2026-11-10 to 2026-12-01, ticket RISK-42, owner platform team: the dev "
    )
    assert text.index("Verdict:") < text.index(named) < text.index("The run ")
    assert 'class="verdict waived"' in shown
    assert text.count(f"accepted on {sample.BUCKET} by Priya Raman") == 3


def test_clean_run_needs_no_attention() -> None:
    text = words(page(sample.report(only(Outcome.PASS))))
    assert "Verdict: Clean" in text
    assert "What needs attention" not in text


def test_attention_puts_the_worst_first() -> None:
    found = [one.control.identifier for cause in causes(sample.RESULTS) for one in cause.results]
    assert found == [
        "trail-covers-every-region",
        "hostile-1",
        "log-bucket-is-encrypted",
        "application-group-is-closed",
        "log-bucket-keeps-logs-six-years",
    ]


def test_counts_are_given_by_family_and_outcome() -> None:
    text = words(page())
    assert "Family Fail Error Not tested Waived Pass Not applicable All" in text
    assert "Log bucket 0 1 0 1 1 0 3" in text
    assert "All families 2 1 1 1 4 1 10" in text


def test_control_shows_what_an_auditor_asks_for() -> None:
    text = page()
    start = text.index('id="control-trail-covers-every-region"')
    control = words("<body>" + text[start : text.index("</details>", start)])
    for shown in (
        "FAIL",
        "Critical",
        "The trail records management events of every region",
        "What is wrong The trail is bound to its home region",
        "Not met: declared, required and live Subject and aspect Declared Required Live",
        f"Live IsMultiRegionTrail {sample.TRAIL} true true false",
        f"Met, on {sample.TRAIL} IncludeGlobalServiceEvents: true, as required",
        "What to do Set is_multi_region_trail to true",
        "45 CFR Part 164 164.312(b)",
        "Also supports 164.308(a)(1)(ii)(D), 164.316(b)(2)(i)",
        "NIST SP 800-53 r5 AU-2, AU-12",
        "verify/checks/test_trail.py::test_sample (1.25 s)",
        f"cloudtrail describe_trails {sample.EVIDENCE[0].sha256[:16]}",
    ):
        assert shown in control


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        (Outcome.PASS, None),
        (Outcome.FAIL, "What to do"),
        (Outcome.ERROR, "What to do if it proves not to be met"),
        (Outcome.NOT_TESTED, "What to do if it proves not to be met"),
        (Outcome.WAIVED, "What to do"),
        (Outcome.NOT_APPLICABLE, None),
    ],
)
def test_remediation_is_given_where_something_may_need_it(
    outcome: Outcome, title: str | None
) -> None:
    text = page(sample.report(only(outcome)[:1]))
    found = re.findall(r'class="term">(What to do[^<]*)<', text)
    assert found == ([title] if title else [])


def test_controls_that_passed_start_closed_and_all_others_open() -> None:
    controls = {
        found["id"]: "open" in found
        for tag, found in Document(page()).elements
        if tag == "details" and "control" in (found.get("class") or "").split()
    }
    assert len(controls) == 10
    assert not controls["control-trail-is-logging"]
    assert not controls["control-default-group-is-empty"]
    assert controls["control-trail-covers-every-region"]
    assert controls["control-application-group-is-closed"]


def test_run_against_a_stand_in_says_so_and_a_run_against_aws_does_not() -> None:
    stand_in, real = words(page()), words(page(sample.report(endpoint=None)))
    assert "This is not AWS itself" in stand_in
    assert "http://127.0.0.1:4599" in stand_in
    assert "Ask AWS" not in stand_in
    assert "not AWS itself" not in real
    assert "Ask AWS" in real


def test_latency_is_set_against_its_target() -> None:
    text = words(page())
    assert "log group to the function 2 min 34 s 3.20 s" in text
    assert "Total within the target 2 min 38 s 53 % of the 5 min target" in text
    assert "Total over the target 5 min 41 s 114 % of the 5 min target" in text
    assert "API call to the trail's record not known not known the rest of the way" in text


def test_latency_at_the_target_is_within_it() -> None:
    timing = replace(sample.TIMINGS[0], total_seconds=300.0)
    assert "within the target 5 min 100 %" in words(page(sample.report(timings=(timing,))))


def test_run_without_alerts_says_that_none_was_measured() -> None:
    assert "This run measured no alert." in words(page(sample.report(timings=())))


def test_evidence_links_stay_in_the_folder() -> None:
    targets = Document(page()).values("href")
    assert "./evidence/0001-cloudtrail-describe_trails.json" in targets
    assert "./javascript%3Aalert%281%29" in targets
    assert not [target for target in targets if ".." in target]
    assert "../../etc/passwd (outside the run's folder: not linked)" in words(page())


@pytest.mark.parametrize("file", ["/etc/passwd", "//host/x", "a/../../x", "..\\x", "\\\\host\\x"])
def test_path_that_leaves_the_folder_is_no_link(file: str) -> None:
    reference: EvidenceReference = replace(sample.EVIDENCE[0], file=file)
    report = replace(sample.report(()), evidence=(reference,))
    outward = [found for found in Document(page(report)).values("href") if found[0] != "#"]
    assert outward == ["./report.json", "./junit.xml"]


def test_verdict_whose_evidence_is_missing_says_so() -> None:
    result = replace(sample.RESULTS[0], evidence=("0404-gone",))
    assert "0404-gone : missing from this run's evidence" in words(page(sample.report((result,))))


def test_many_that_are_met_are_folded() -> None:
    def shown(number: int) -> str:
        observations = tuple(
            sample.observation(f"setting {one}", "on", "on") for one in range(number)
        )
        return page(
            sample.report((replace(sample.RESULTS[0], observations=observations),), timings=())
        )

    assert "<summary>Met: 13 expectations</summary>" in shown(13)
    assert "expectations</summary>" not in shown(12)
    assert "<li>setting 12: on, as required</li>" in shown(13)


def test_the_whole_hash_of_each_piece_of_evidence_is_in_the_list() -> None:
    text = page()
    for reference in sample.EVIDENCE:
        assert text.count(f'<span class="hash">{reference.sha256}</span>') == 1


def test_contents_lead_to_every_section() -> None:
    text = page()
    links = re.findall(r'<li><a href="#([a-z-]+)">', text[text.index('class="contents"') :])
    sections = re.findall(r'<section[^>]* aria-labelledby="([a-z-]+)"', text)
    assert set(sections) - {"verdict"} <= set(links)


def test_first_screen_says_which_terraform_state_it_was() -> None:
    assert "Terraform state not given" in words(page())
    state = TerraformState("3f1b-lineage", 17, "1.11.4")
    text = words(page(replace(sample.report(), terraform_state=state)))
    assert "Terraform state serial 17 of lineage 3f1b-lineage (written by Terraform 1.11.4" in text


def test_hostile_text_is_shown_as_text() -> None:
    text = page()
    assert sample.SCRIPT not in text
    assert html.escape(sample.SCRIPT).replace("&#x27;", "&#39;") in text
    shown = words(text)
    for seen in ("bell[U+0007]", "nul[U+0000]", "surrogate[U+D800]", "gnp.[U+202E]txt.evil"):
        assert seen in shown
    assert "{{ 7 * 7 }}" in shown
    assert sample.UNICODE in shown


def test_very_long_text_is_folded_and_bounded() -> None:
    text = words(page())
    assert "show the first 4000 of 30000 characters" in text
    assert "26000 more characters: see report.json" in text
    assert len(text) < 40_000
    note = replace(sample.report(()), notes=("n" * 601,))
    assert "show all 601 characters" in words(page(note))


@settings(max_examples=40)
@given(ANY_TEXT)
def test_any_text_leaves_the_document_sound(text: str) -> None:
    result = replace(
        sample.RESULTS[1],
        control=replace(sample.RESULTS[1].control, family=text, statement=text, remediation=text),
        message=text,
        observations=(sample.observation(text, text, text, subject=text),),
        test=text,
    )
    rendered = page(replace(sample.report((result,)), caller=text, notes=(text,)))
    document = Document(rendered)
    assert document.faults == []
    assert document.count("script") == 1  # ours
    rendered.encode("utf-8")


def test_command_that_checks_the_evidence_works_as_printed(tmp_path: Path) -> None:
    if not (shutil.which("jq") and shutil.which("sha256sum")):
        pytest.skip("jq and sha256sum are not both on the PATH")
    content = json.dumps({"IsLogging": True}).encode()
    (tmp_path / "evidence").mkdir()
    file = tmp_path / "evidence" / "0001.json"
    file.write_bytes(content)
    reference = replace(
        sample.EVIDENCE[0], file="evidence/0001.json", sha256=hashlib.sha256(content).hexdigest()
    )
    paths = write_reports(replace(sample.report(), evidence=(reference,)), tmp_path)
    path = paths["report.html"]
    command = re.search(r"<pre><code>(.*?)</code>", path.read_text(encoding="utf-8"))
    assert command is not None
    line = ["bash", "-o", "pipefail", "-c", html.unescape(command[1])]
    assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    file.write_bytes(content + b" ")
    assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode == 1
