"""The CSV form of a run, for spreadsheets: a row for each control and each subject of its verdict.

What a spreadsheet would compute is made text by an apostrophe before it, as OWASP's page on CSV
injection advises (https://owasp.org/www-community/attacks/CSV_Injection): names of resources come
from whoever makes them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from verify.model import ControlResult, Observation, Report
from verify.report.display import accepted, iso_time, shortened, visible

FILE_NAME = "controls.csv"

HEADINGS = (
    "run",
    "started",
    "account",
    "region",
    "environment",
    "control",
    "family",
    "severity",
    "statement",
    "outcome",
    "subject",
    "met",
    "what is not met",
    "message",
    "waivers",
    "45 CFR Part 164",
    "NIST SP 800-53 r5",
    "CIS AWS",
    "evidence",
)
_COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LIMIT = 32_000  # characters; a spreadsheet's cell holds 32,767


def render(report: Report) -> str:
    """Return the run as CSV with a line of headings (RFC 4180, every cell quoted).

    A control without a subject, as one that no test ran for, has one row with an empty subject.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for result in report.results:
        for row in _rows(report, result):
            writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _rows(report: Report, result: ControlResult) -> Iterator[tuple[str, ...]]:
    control, target = result.control, report.target
    by_subject: dict[str, list[Observation]] = {}
    for observation in result.observations:
        by_subject.setdefault(observation.subject, []).append(observation)
    waivers = "; ".join(accepted(waiver) for waiver in report.waivers_of(result))
    for subject, observations in (by_subject or {"": []}).items():
        unmet = [f"{one.aspect}: {one.comparison}" for one in observations if not one.met]
        yield (
            report.run_id,
            iso_time(report.started),
            target.account,
            target.region,
            target.environment,
            control.identifier,
            control.family,
            control.severity,
            control.statement,
            str(result.outcome),
            subject,
            "" if not observations else "no" if unmet else "yes",
            "; ".join(unmet),
            result.message,
            waivers,
            _joined(control.citations.primary + control.citations.secondary),
            _joined(control.citations.nist),
            _joined(control.citations.cis),
            _joined(result.evidence),
        )


def _joined(values: Iterable[str]) -> str:
    return ", ".join(values)


def _cell(text: str) -> str:
    shown = shortened(visible(text), _LIMIT)
    return f"'{shown}" if shown.startswith(_COMPUTED) else shown
