"""A report of 5,000 controls: how long its page takes to make, and to open in a browser.

`python -m bench report` makes a run of 5,000 results (one in a hundred failed, one in 250 could not
be verified, three expectations and three pieces of evidence each) and measures:

- the processor's time to render the page, by that of the JSON of the same run (about 1 s on a
  machine of today's);
- what it takes headless Chromium from the beginning of the navigation until all is loaded and a
  frame is drawn, by the same for a page that has the JSON as plain text (at rest under 1 s).

Medians of several, by turns. It needs Chromium.
"""

from __future__ import annotations

import html as markup
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.table import Row
from tests.report import sample
from tests.report.conftest import FLAGS, NAMES
from tests.report.devtools import Look, Page, opened
from verify.model import ControlResult, EvidenceReference, Outcome, Report
from verify.report import html, json_report

RESULTS, FAMILIES, TIMES = 5_000, 25, 5
RENDER, OPEN = 6.0, 1.0
_DRAWN = (
    "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
)
_SEEN = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def large_report() -> Report:
    """The sample with thousands of results in place of its own."""
    evidence = tuple(
        sample.evidence(number, "s3", "get_bucket_encryption") for number in range(RESULTS // 2)
    )
    ready = {one.outcome: one for one in reversed(sample.RESULTS) if "hostile" not in str(one)}
    results = tuple(_result(number, ready, evidence) for number in range(RESULTS))
    return replace(sample.report(results), evidence=evidence, waivers=())


def _result(
    number: int,
    ready: dict[Outcome, ControlResult],
    evidence: tuple[EvidenceReference, ...],
) -> ControlResult:
    outcome = Outcome.PASS
    if number % 100 == 0:
        outcome = Outcome.FAIL
    elif number % 250 == 1:
        outcome = Outcome.ERROR
    first = ready[outcome]
    live = ("false" if outcome is Outcome.FAIL else "true", "true", "true")
    observations = tuple(
        sample.observation(f"setting {place}", "true", value, f"{sample.TRAIL}-{number}")
        for place, value in enumerate(live)
    )
    return replace(
        first,
        control=replace(
            first.control,
            identifier=f"control-{number}",
            family=f"Family {number * FAMILIES // RESULTS}",
            statement=f"Number {number} of what must be true of one of many resources.",
        ),
        observations=() if outcome is Outcome.ERROR else observations,
        evidence=tuple(evidence[(number + place) % len(evidence)].identifier for place in range(3)),
    )


def _seconds(work: Callable[[], str]) -> tuple[float, str]:
    """Of the processor: it has one thread, and waits for nothing."""
    started = time.process_time()
    made = work()
    return time.process_time() - started, made


def _rendered(report: Report) -> tuple[Row, str, str]:
    html.render(sample.report())  # what is compiled once
    pairs = []
    for _ in range(TIMES):
        plain, text = _seconds(lambda: json_report.render(report))
        took, page = _seconds(lambda: html.render(report))
        pairs.append((took, plain))
    seconds = statistics.median(took for took, _ in pairs)
    made_of = f"{len(page) / 1e6:.1f} MB in {seconds:.2f} s of the processor"
    return _by_plain("rendered", "the same as JSON", pairs, RENDER, made_of), page, text


def _by_plain(
    what: str, plain: str, pairs: list[tuple[float, float]], limit: float, made_of: str
) -> Row:
    """The median of the ratios to the plain form."""
    ratio = statistics.median(took / least for took, least in pairs)
    return Row(f"a report of {RESULTS:,} controls, {what}", plain, ratio, limit, made_of)


def _opening(tab: Page, url: str) -> tuple[float, float]:
    """Seconds until all is drawn, and until the first is seen."""
    tab.show("about:blank", Look())
    tab.show(url, Look())
    return tab.value(_DRAWN) / 1000, tab.value(_SEEN) / 1000


def _opened(page: str, text: str) -> Row:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        sys.exit(f"none of {', '.join(NAMES)} is on the PATH: opening cannot be measured")
    with tempfile.TemporaryDirectory(prefix="trailwarden-bench-") as name:
        folder = Path(name)
        whole, plain = folder / "report.html", folder / "plain.html"
        whole.write_text(page, encoding="utf-8")
        plain.write_text(
            f"<!DOCTYPE html><meta charset=utf-8><title>plain</title><pre>{markup.escape(text)}",
            encoding="utf-8",
        )
        with opened(program, folder / "profile", *FLAGS) as tab:
            pairs, seen = [], []
            for _ in range(TIMES):
                drawn, first = _opening(tab, whole.as_uri())
                pairs.append((drawn, _opening(tab, plain.as_uri())[0]))
                seen.append(first)
    made_of = (
        f"{statistics.median(drawn for drawn, _ in pairs):.2f} s, the first seen after "
        f"{statistics.median(seen):.2f} s"
    )
    return _by_plain("opened in Chromium", "its JSON as plain text", pairs, OPEN, made_of)


def rows() -> Iterator[Row]:
    """Render and open."""
    row, page, text = _rendered(large_report())
    yield row
    yield _opened(page, text)
