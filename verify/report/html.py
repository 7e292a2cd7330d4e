"""The HTML form of a run: one self-contained page that reads, prints and archives like a document.

Nothing in it is fetched: style sheet and script are inside, and a Content-Security-Policy allows
these two by their hashes and refuses everything else. The script searches and filters; without it
the page is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jinja2 import Template
from markupsafe import Markup, escape

from verify.model import (
    NOT_VERIFIED,
    AlertTiming,
    Control,
    ControlResult,
    EvidenceReference,
    InputFile,
    Observation,
    Outcome,
    Report,
)
from verify.report import pages
from verify.report.causes import Cause, causes
from verify.report.citations import groupings
from verify.report.display import (
    accepted,
    shortened,
    visible,
)
from verify.report.network import drawing as network_drawing
from verify.report.waterfall import drawing as waterfall_drawing
from verify.report.waterfall import placed

FILE_NAME = "report.html"

_TEMPLATES = Path(__file__).parent / "templates"
_TEXT_LIMIT = 4_000  # characters of one value; report.json has the whole
_FACTS, _FACT_LETTERS = 4, 240  # that are told of a cause; the control has them all

MEANINGS: Mapping[Outcome, str] = {
    Outcome.PASS: "Looked at, and as the baseline demands.",
    Outcome.FAIL: "Looked at, and not as the baseline demands.",
    Outcome.ERROR: "Could not be looked at. Not a pass.",
    Outcome.NOT_TESTED: "No test ran for it. Not a pass.",
    Outcome.WAIVED: "Not met; accepted by a waiver that is in force.",
    Outcome.NOT_APPLICABLE: "Does not apply to this deployment.",
}
_REASON_TITLES: Mapping[Outcome, str] = {
    Outcome.PASS: "Remark",
    Outcome.FAIL: "What is wrong",
    Outcome.ERROR: "Why it could not be verified",
    Outcome.NOT_TESTED: "Why it was not tested",
    Outcome.WAIVED: "What is not met",
    Outcome.NOT_APPLICABLE: "Why it does not apply",
}
SEVERITIES: Mapping[str, str] = {
    "CRITICAL": "the trail, or an alert on it, could be switched off or forged unnoticed",
    "HIGH": "a protection that the trail rests on is missing",
    "MEDIUM": "a second line of defence is missing, or a weakness needs another one beside it",
    "LOW": "order and traceability: names, tags, settings without a risk of their own",
}
_BAR_END = 99.4  # where the shortest bar begins that ends with the whole
# Worst first: what a reader must act on leads.
_ORDER = (
    Outcome.FAIL,
    Outcome.ERROR,
    Outcome.NOT_TESTED,
    Outcome.WAIVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)


@dataclass(frozen=True)
class Family:
    """The results of one family of controls, in the catalogue's order."""

    name: str
    anchor: str
    results: tuple[ControlResult, ...]

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """The number of controls by outcome; every outcome has an entry."""
        return {
            outcome: sum(result.outcome is outcome for result in self.results)
            for outcome in Outcome
        }


@dataclass(frozen=True)
class _Source:
    """A piece of evidence as a control names it: briefly, for the page lists them all."""

    call: str
    link: str | None
    anchor: str
    brief: str  # how its hash begins

    @classmethod
    def of(cls, found: EvidenceReference, number: int) -> _Source:
        call = f"{found.service} {found.operation}"
        return cls(call, _href(found.file), f"evidence-{number}", found.sha256[:16])


def render(report: Report) -> str:
    """Return the run as one HTML page.

    Raises ValueError for a time without a zone.
    """
    references = sorted(report.evidence, key=lambda found: found.identifier)
    timings = sorted(report.timings, key=lambda timing: (timing.probe, timing.total_seconds))
    return _template().render(
        report=report,
        version=report.tool_version,
        **pages.allowed(script=_TEMPLATES / "report.js"),
        families=families(report.results),
        causes=causes(report.results),
        network=report.network,
        drawn=None if report.network is None else network_drawing(report.network),
        evidence={
            found.identifier: _Source.of(found, number)
            for number, found in enumerate(references, start=1)
        },
        references=references,
        timings=timings,
        waterfall=waterfall_drawing(timings),
        summary=summary(report),
        groupings=groupings(report.results),
        severities=SEVERITIES,
        kept_inputs=_told_inputs(report),
        order=_ORDER,
        meanings=MEANINGS,
        reason_titles=_REASON_TITLES,
        Outcome=Outcome,
        not_verified=NOT_VERIFIED,
    )


def _told_inputs(report: Report) -> list[InputFile]:
    """The inputs whose hashes stand on the first screen; report.json has all."""
    return [one for one in report.inputs if not one.file.startswith("inputs/terraform/")]


def families(results: Sequence[ControlResult]) -> tuple[Family, ...]:
    """Group results by family, families in the order of their first control."""
    names = dict.fromkeys(result.control.family for result in results)
    return tuple(
        Family(
            name,
            f"family-{number}",
            tuple(result for result in results if result.control.family == name),
        )
        for number, name in enumerate(names, start=1)
    )


def summary(report: Report) -> str:
    """Return the run's result in a sentence or two for someone who reads nothing else."""
    counts = report.counts
    total = len(report.results)
    failed, passed = counts[Outcome.FAIL], counts[Outcome.PASS]
    unseen = sum(counts[outcome] for outcome in NOT_VERIFIED)
    if not total:
        return "The run has no result for any control, so it shows nothing about the deployment."
    sentences = []
    if failed:
        sentences.append(f"{failed} of {_controls(total)} {_was(failed)} not met.")
        if unseen:
            sentences.append(f"A further {unseen} could not be verified and may hide more.")
    elif unseen:
        sentences.append(
            f"No control was found unmet, but {unseen} of {_controls(total)} could not be "
            "verified, so this run does not show that the deployment meets them."
        )
    else:
        sentences.append(f"{passed} of {_controls(total)} {_was(passed)} verified and met.")
    if counts[Outcome.WAIVED]:
        waived = counts[Outcome.WAIVED]
        sentences.append(f"{waived} {_was(waived)} not met but accepted by a waiver.")
    if counts[Outcome.NOT_APPLICABLE]:
        absent = counts[Outcome.NOT_APPLICABLE]
        sentences.append(f"{absent} {'does' if absent == 1 else 'do'} not apply here.")
    return " ".join(sentences)


def _controls(number: int) -> str:
    return "1 control" if number == 1 else f"{number} controls"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _along(part: float, whole: float) -> str:
    """Where something begins on a bar of 100, from its beginning."""
    return f"{min(100 * part / whole, _BAR_END):.1f}" if whole > 0 else "0"


def _long(part: float, whole: float) -> str:
    """How long it is on that bar, where it is seen however short it is."""
    return f"{max(100 * part / whole, 100 - _BAR_END):.1f}" if whole > 0 else "0"


def _told(cause: Cause) -> list[str]:
    """What is said of a cause among others; each of its controls says all."""
    facts = [
        f"{fact[:_FACT_LETTERS]}…" if len(fact) > _FACT_LETTERS else fact
        for fact in cause.facts[:_FACTS]
    ]
    if len(cause.facts) > _FACTS:
        facts.append(f"and {len(cause.facts) - _FACTS} more")
    return facts or [_reason(cause.results[0])]


def _told_apart(result: ControlResult) -> tuple[list[Observation], list[Observation]]:
    """What is not met, and what is."""
    unmet = [one for one in result.observations if not one.met]
    return unmet, [one for one in result.observations if one.met]


def _cites(control: Control) -> list[tuple[str, tuple[str, ...]]]:
    """What a control cites, by whose rule."""
    citations = control.citations
    named = (
        ("45 CFR Part 164", citations.primary),
        ("Also supports", citations.secondary),
        ("NIST SP 800-53 r5", citations.nist),
        ("CIS AWS Foundations", citations.cis),
    )
    return [(label, names) for label, names in named if names]


def _linked(results: Iterable[ControlResult]) -> Markup:
    """Links to controls, with the outcome of what did not pass."""
    return Markup(", ").join(
        Markup('<a href="#{}">{}</a>{}').format(
            _anchor("control", one.control.identifier),
            Markup(escape(visible(one.control.identifier))),  # noqa: S704 - escaped
            "" if one.outcome is Outcome.PASS else f" ({one.outcome.lower()})",
        )
        for one in results
    )


def _percent(part: float, whole: float) -> str:
    if whole <= 0:
        return "no share"
    value = 100 * part / whole
    return "under 1 %" if 0 < value < 1 else f"{value:.0f} %"


def _href(file: str) -> str | None:
    """Return a link to a file in the run's folder, or None for a path that leaves the folder."""
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or "\\" in file:
        return None
    # The leading dot keeps a browser from reading a colon or two slashes as a scheme or a host.
    return "./" + quote(visible(str(path)), safe="/")


def _anchor(prefix: str, identifier: str) -> str:
    return f"{prefix}-{quote(visible(identifier), safe='').replace('%', '-')}"


def _reason(result: ControlResult) -> str:
    if not result.message and result.outcome is Outcome.NOT_TESTED:
        return "No test ran for this control."
    return result.message


def _within_target(timing: AlertTiming) -> bool:
    return timing.target_seconds is None or timing.total_seconds <= timing.target_seconds


@cache
def _template() -> Template:
    environment = pages.environment(_TEMPLATES)
    environment.filters |= {
        "accepted": accepted,
        "along": _along,
        "anchor": lambda identifier, prefix: _anchor(prefix, identifier),
        "bounded": lambda text: shortened(visible(text), _TEXT_LIMIT),
        "cites": _cites,
        "href": _href,
        "linked": _linked,
        "long": _long,
        "percent": _percent,
        "placed": placed,
        "reason": _reason,
        "told": _told,
        "told_apart": _told_apart,
    }
    environment.globals |= {"text_limit": _TEXT_LIMIT}
    environment.tests["within_target"] = _within_target
    return environment.get_template("report.html")
