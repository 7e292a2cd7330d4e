"""The page that is printed: what an auditor files, and an annex of all that was seen on request."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Template

from verify.model import NOT_VERIFIED, ControlResult, Outcome, RecordedChange, Report
from verify.proof.manifest import Manifest
from verify.report import pages
from verify.report.causes import Cause, causes
from verify.report.display import accepted
from verify.report.html import MEANINGS, SEVERITIES, families, summary

_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, manifest: Manifest, *, annex: bool) -> str:
    """The page of a sealed run."""
    # What stands on every page is made of digits and letters alone, by the manifest's schema.
    footer = f"{manifest.run_id} · manifest SHA-256 {manifest.sha256}"
    style = (_TEMPLATES / "print.css").read_text("utf-8").replace("FOOTER", footer)
    return _template().render(
        report=report,
        manifest=manifest,
        annex=annex,
        version=report.tool_version,
        **pages.with_hashes(style),
        summary=summary(report),
        causes=causes(report.results),
        families=families(report.results),
        not_applicable=[one for one in report.results if one.outcome is Outcome.NOT_APPLICABLE],
        evidence={found.identifier: found for found in report.evidence},
        severities=SEVERITIES,
        outcomes=MEANINGS,
        not_verified=NOT_VERIFIED,
        Outcome=Outcome,
    )


def _cited(result: ControlResult) -> str:
    citations = result.control.citations
    return ", ".join(
        [
            *(f"§{one}" for one in citations.primary),
            *citations.nist,
            *(f"CIS {one}" for one in citations.cis),
        ]
    )


def _changes(cause: Cause) -> tuple[RecordedChange, ...]:
    """Who changed what its controls failed for, each act once."""
    return tuple(dict.fromkeys(change for one in cause.results for change in one.changes))


def _remedies(cause: Cause) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.control.remediation for one in cause.results))


@cache
def _template() -> Template:
    environment = pages.environment(_TEMPLATES)
    environment.filters |= {
        "accepted": accepted,
        "changes": _changes,
        "cited": _cited,
        "remedies": _remedies,
    }
    return environment.get_template("print.html")
