"""The Markdown summary of a run."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.report import sample
from verify.model import Outcome
from verify.report import markdown

# What makes text into something else on the page of a CI job.
_MARKUP = re.compile(r"[`*_\[\]<>|~@$\\]|https?://|www\.")


def test_it_says_the_verdict_and_counts_every_outcome() -> None:
    lines = markdown.render(sample.report()).splitlines()
    assert lines[0] == "## Audit trail of dev: CONTROLS FAILED"
    at = lines.index("| PASS | FAIL | ERROR | WAIVED | NOT TESTED | NOT APPLICABLE |")
    counts = sample.report().counts
    assert lines[at + 2] == f"| {' | '.join(str(counts[outcome]) for outcome in Outcome)} |"


def test_what_failed_comes_by_severity_and_is_apart_from_what_was_not_seen() -> None:
    text = markdown.render(sample.report())
    failed, _, rest = text.partition("### Not verified")
    severities = re.findall(r"^\| (CRITICAL|HIGH|MEDIUM|LOW) \|", failed, re.MULTILINE)
    assert len(severities) == sample.report().counts[Outcome.FAIL]
    assert severities == sorted(severities, key=["CRITICAL", "HIGH", "MEDIUM", "LOW"].index)
    waived = rest.partition("### Accepted by waivers")[2]
    assert "log-bucket-keeps-logs-six-years accepted on" in waived
    assert "by Priya Raman, 2026-11-10 to 2026-12-01, ticket RISK-42" in waived


def test_a_clean_run_has_no_more_than_its_verdict() -> None:
    kept = tuple(one for one in sample.RESULTS if one.outcome is Outcome.PASS)
    assert "###" not in markdown.render(sample.report(kept))


def test_very_many_failures_are_counted_and_not_all_shown() -> None:
    failed = next(one for one in sample.RESULTS if one.outcome is Outcome.FAIL)
    text = markdown.render(sample.report((failed,) * 1000))
    assert text.count(f"| {failed.control.identifier} |") == 200
    assert "800 more are in the report." in text
    assert len(text) < 500_000


@given(st.text(alphabet=st.sampled_from("`*_[]<>|~@$\\\n\r\u202ea:/w.#&h t"), max_size=60))
def test_nothing_of_what_is_named_is_markup(text: str) -> None:
    failed = next(one for one in sample.RESULTS if one.outcome is Outcome.FAIL)
    rendered = markdown.render(sample.report((replace(failed, message=f"x{text}y"),)))
    [row] = [
        line for line in rendered.splitlines() if line.startswith(f"| {failed.control.severity}")
    ]
    assert row.count("|") == 4
    assert not _MARKUP.search(row.split("|")[3])
