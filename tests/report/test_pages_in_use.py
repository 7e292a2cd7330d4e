"""The pages as people use them: by eye and by ear, by keyboard, on a phone, and without scripts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.report import sample
from tests.report.conftest import FLAGS, Browser
from tests.report.devtools import Look, Page, opened
from tests.suite.support import ROOT
from verify.model import Attestation, EarlierRun, Provenance, RecordedChange, Report
from verify.model import TerraformState as State
from verify.period import page as period_page
from verify.period.page import Deployment
from verify.period.runs import Excluded
from verify.period.timeline import Coverage, Span, period_of
from verify.report import html
from verify.report.difference import compare
from verify.targets import page as targets_page
from verify.targets.matrix import Column, matrix_of

# See requirements/axe.in.
_AXE = ROOT / ".venv" / "axe" / "axe_playwright_python" / "axe.min.js"
# All of WCAG 2.2 that can be judged by a machine, and what axe-core's authors advise beyond.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = {
    "light": Look(),
    "dark": Look(dark=True),
    "phone": Look(390, 844),
}
WITHOUT_SCRIPTS = Look(scripts=False)


def _whole() -> Report:
    """The sample with every part that a report may have."""
    report = sample.report()
    change = RecordedChange(
        sample.STARTED, "e1", "us-east-1", "cloudtrail:UpdateTrail", "ann", "arn:x", "1.2.3.4", ""
    )
    logging, regions, validation, encryption, *rest = report.results
    many = tuple(sample.observation(f"setting {number}", "on", "on") for number in range(40))
    results = (
        replace(logging, observations=many),
        replace(regions, changes=(change,)),
        validation,
        encryption,
        *rest,
    )
    earlier = replace(report, run_id="20261119T083000Z-0a1b", results=results[:3])
    return replace(
        report,
        results=results,
        since=compare(earlier, replace(report, results=results)),
        history=tuple(
            EarlierRun(
                f"run-{number}",
                sample.STARTED - timedelta(days=number),
                sample.STARTED - timedelta(days=number) + timedelta(minutes=6),
                "CLEAN",
                earlier.counts,
                12.5 if number % 2 else None,
            )
            for number in range(1, 4)
        ),
        terraform_state=State("3f1b", 17, "1.11.4"),
        provenance=Provenance("a" * 40, False, "3.13.1", ("boto3 1.40.1",)),
        command=("pytest", "--outputs=outputs.json"),
        attestations=(
            Attestation(
                title="Training",
                citation="164.308(a)(5)(i)",
                statement="Everybody was trained.",
                by="Ann",
                role="officer",
                date="2026-01-01",
                expires="2026-12-31",
                status="in force",
                attachment="list.pdf",
                attachment_sha256="c" * 64,
                signed_by=None,
            ),
        ),
    )


def _period() -> str:
    report = _whole()
    mended = replace(
        report,
        run_id="20261121T083000Z-1111",
        started=sample.STARTED + timedelta(days=1),
        results=report.results[:1],
    )
    span = Span(sample.STARTED - timedelta(hours=2), sample.STARTED + timedelta(days=3))
    period = period_of([report, mended], span, timedelta(hours=26))
    logs = (Coverage("us-east-1", 3_600.0, (span,)),)
    found = Deployment(period, logs, ("CRITICAL log-file-changed: a: b",))
    return period_page.render([found], [Excluded("run-9", ("report.html: changed",))], span.end)


def _matrix() -> str:
    columns = (
        Column("dev", _whole(), folder="dev/run-1"),
        Column("prod", None, "the role could not be assumed"),
    )
    return targets_page.render(matrix_of(columns), sample.STARTED)


PAGES: dict[str, Callable[[], str]] = {
    "report": lambda: html.render(_whole()),
    "clean report": lambda: html.render(sample.report(sample.RESULTS[:1], timings=())),
    "period": _period,
    "matrix": _matrix,
}


@pytest.fixture(scope="module")
def axe() -> str:
    if not _AXE.is_file():
        if os.environ.get("CI"):
            pytest.fail("what requirements/axe.txt names is not there")
        pytest.skip("`make test` installs axe-core")
    return _AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(browser.program, tmp_path_factory.mktemp("tab"), *FLAGS) as page:
        yield page


def _shown(tab: Page, folder: Path, text: str, look: Look) -> None:
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    tab.show(path.as_uri(), look)


def _violations(tab: Page, axe: str) -> list[str]:
    tab.value(f"{axe}; 0")
    found: list[dict[str, Any]] = json.loads(
        tab.value(
            "axe.run(document, {runOnly: {type: 'tag', values: "
            f"{json.dumps(_RULES)}}}, rules: {{'target-size': {{enabled: true}}}}}})"
            ".then(found => JSON.stringify(found.violations.map(one => ({id: one.id, "
            "nodes: one.nodes.map(node => node.html + ' ' + node.failureSummary)}))))"
        )
    )
    return [f"{one['id']}: {node[:600]}" for one in found for node in one["nodes"][:3]]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_nothing_that_axe_objects_to(
    page: str, look: Look, script: bool, tab: Page, axe: str, tmp_path: Path
) -> None:
    text = PAGES[page]()
    without = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    if script and without == text:
        pytest.skip("the page has none")
    # axe-core is a script itself, which a browser without scripts would not run.
    _shown(tab, tmp_path, text if script else without, look)
    tab.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert _violations(tab, axe) == []


def test_axe_would_notice(tab: Page, axe: str, tmp_path: Path) -> None:
    text = PAGES["report"]().replace("<main>", '<main><input><a href="#x">a</a><a href="#y">b</a>')
    _shown(tab, tmp_path, text, LOOKS["light"])
    assert [one for one in _violations(tab, axe) if one.startswith("label:")]


def _words(tab: Page) -> str:
    """All that the page says, what is folded included, but for the panel of the search."""
    words: str = tab.value(
        "[...document.querySelectorAll('main > *, footer, header')].map(one => {"
        "const copy = one.cloneNode(true);"
        "copy.querySelectorAll('.filter').forEach(panel => panel.remove());"
        "return copy.textContent; }).join(' ').replace(/\\s+/g, ' ')"
    )
    return words


def test_the_page_is_complete_without_scripts(tab: Page, tmp_path: Path) -> None:
    text = PAGES["report"]()
    _shown(tab, tmp_path, text, LOOKS["light"])
    with_scripts = _words(tab)
    assert tab.value("document.querySelector('.filter').checkVisibility()") is True
    _shown(tab, tmp_path, text, WITHOUT_SCRIPTS)
    assert _words(tab) == with_scripts
    assert tab.value("document.querySelector('.filter').checkVisibility()") is False
    assert "application-group-is-closed" in with_scripts


def _controls(tab: Page) -> list[str]:
    found: list[str] = tab.value(
        "[...document.querySelectorAll('.control')].filter(one => one.checkVisibility())"
        ".map(one => one.id)"
    )
    return found


def _settled(tab: Page) -> str:
    tab.value("new Promise(done => setTimeout(done, 400))")
    said: str = tab.value("document.querySelector('[role=status]').textContent")
    return said


def test_controls_are_found_by_keyboard(tab: Page, tmp_path: Path) -> None:
    _shown(tab, tmp_path, PAGES["report"](), LOOKS["light"])
    assert len(_controls(tab)) == 10
    tab.value("document.querySelector('#by-cis > summary').focus()")
    for _ in range(30):
        tab.press("Tab")
        if tab.value("document.activeElement.id") == "filter-text":
            break
    for letter in "six years":
        tab.press(letter, letter)
    assert _settled(tab) == "1 of 10 controls are shown."
    assert _controls(tab) == ["control-log-bucket-keeps-logs-six-years"]
    # Its outcome's box is the next but three: fail, error, not tested, waived.
    for _ in range(4):
        tab.press("Tab")
    tab.press(" ", " ")
    assert _settled(tab) == "0 of 10 controls are shown."
    assert tab.value("document.querySelectorAll('.family:not(.filtered)').length") == 0


def test_what_a_control_says_is_searched_and_severities_choose(tab: Page, tmp_path: Path) -> None:
    _shown(tab, tmp_path, PAGES["report"](), LOOKS["light"])
    tab.value(
        "{ const box = document.getElementById('filter-text'); box.value = 'GETencryption';"
        "box.dispatchEvent(new Event('input')); }"
    )
    assert _settled(tab) == "1 of 10 controls are shown."
    assert _controls(tab) == ["control-log-bucket-is-encrypted"]
    tab.value(
        "{ const box = document.getElementById('filter-text'); box.value = '';"
        "box.dispatchEvent(new Event('input')); }"
        "for (const box of document.querySelectorAll('[value^=severity-]'))"
        "if (box.value != 'severity-critical') box.click();"
    )
    assert _settled(tab) == "2 of 10 controls are shown."
    assert _controls(tab) == ["control-trail-is-logging", "control-trail-covers-every-region"]


def test_a_link_shows_a_control_that_was_filtered_out(tab: Page, tmp_path: Path) -> None:
    _shown(tab, tmp_path, PAGES["report"](), LOOKS["light"])
    tab.value("document.querySelector('[value=pass]').click()")
    assert "control-key-rotates" not in _controls(tab)
    tab.value("location.hash = '#control-key-rotates'")
    assert _settled(tab) == "10 of 10 controls are shown."
    assert tab.value("document.getElementById('control-key-rotates').open") is True


def test_all_are_opened_and_closed(tab: Page, tmp_path: Path) -> None:
    _shown(tab, tmp_path, PAGES["report"](), LOOKS["light"])
    tab.value("document.querySelector('[value=pass]').click()")
    tab.value("document.getElementById('close-all').click()")
    assert tab.value("document.querySelectorAll('.control[open]').length") == 0
    tab.value("document.getElementById('open-all').click()")
    opened_ones = tab.value("document.querySelectorAll('.control[open]').length")
    assert opened_ones == len(_controls(tab)) == 6


def test_paper_has_what_the_filter_hides(tab: Page, tmp_path: Path) -> None:
    _shown(tab, tmp_path, PAGES["report"](), LOOKS["light"])
    tab.value("document.querySelector('[value=pass]').click()")
    assert len(_controls(tab)) == 6
    tab.as_printed()
    assert len(_controls(tab)) == 10
    assert tab.value("document.querySelector('.filter').checkVisibility()") is False
