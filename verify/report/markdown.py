"""The Markdown summary of a run, for the page of a CI job, such as GitHub's step summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from verify.model import NOT_VERIFIED, ControlResult, Outcome, Report
from verify.report.display import accepted, duration, severity_rank, shortened, visible

FILE_NAME = "summary.md"

_ROWS = 200  # of a table: GitHub cuts a summary at 1 MiB
_TEXT_LIMIT = 400  # characters of a message
# What is markup, a mention, a reference or a formula; and what makes a link of an address.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>()#|~&@$]|(?<=:)//|(?<=www)\.")
_SECTIONS: tuple[tuple[str, frozenset[Outcome]], ...] = (
    ("Failed", frozenset({Outcome.FAIL})),
    ("Not verified", NOT_VERIFIED),
)


def render(report: Report) -> str:
    """Return the run in Markdown: the verdict, and whatever someone must look at."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    target, counts = report.target, report.counts
    yield f"## Audit trail of {_text(target.environment)}: {report.verdict}"
    yield ""
    yield (
        f"Account {_text(target.account)}, {_text(target.region)}, profile "
        f"{_text(target.profile)}, run {_text(report.run_id)}, "
        f"{duration((report.finished - report.started).total_seconds())}."
    )
    if target.endpoint:
        yield ""
        yield f"**The answers came from {_text(target.endpoint)}, which is not AWS itself.**"
    yield ""
    yield f"| {' | '.join(outcome for outcome in Outcome)} |"
    yield f"|{' ---: |' * len(Outcome)}"
    yield f"| {' | '.join(str(counts[outcome]) for outcome in Outcome)} |"
    for title, outcomes in _SECTIONS:
        yield from _section(title, [one for one in report.results if one.outcome in outcomes])
    yield from _waived(report)


def _section(title: str, results: Sequence[ControlResult]) -> Iterator[str]:
    if not results:
        return
    yield from (
        "",
        f"### {title}",
        "",
        "| severity | control | what is said |",
        "| --- | --- | --- |",
    )
    for result in _by_severity(results)[:_ROWS]:
        said = result.message or result.control.statement
        yield (
            f"| {_text(result.control.severity)} | {_text(result.control.identifier)} "
            f"| {_text(shortened(said, _TEXT_LIMIT))} |"
        )
    if len(results) > _ROWS:
        yield from ("", f"{len(results) - _ROWS} more are in the report.")


def _waived(report: Report) -> Iterator[str]:
    waived = [result for result in report.results if result.outcome is Outcome.WAIVED]
    if not waived:
        return
    yield from ("", "### Accepted by waivers", "")
    for result in _by_severity(waived)[:_ROWS]:
        for waiver in report.waivers_of(result):
            text = shortened(accepted(waiver), _TEXT_LIMIT)
            yield f"- {_text(result.control.identifier)} {_text(text)}"


def _by_severity(results: Sequence[ControlResult]) -> list[ControlResult]:
    return sorted(results, key=lambda result: severity_rank(result.control.severity))


def _text(text: str) -> str:
    """A text that means itself: on one line, without markup, mention or link."""
    line = " ".join(visible(text).split())
    return _SPECIAL.sub(lambda found: "".join(f"&#{ord(one)};" for one in found[0]), line)
