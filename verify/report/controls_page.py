"""The catalogue as a page for people."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from verify.model import Control


def render(controls: Iterable[Control]) -> str:
    """The controls as Markdown, in the catalogue's order, a section a family."""
    listed = list(controls)
    lines = [
        "# Controls",
        "",
        "Generated from `verify/inputs/controls.yaml` by `make docs`; a test holds it current.",
        "",
        "HIPAA citations are of 45 CFR: *primary* where every framework that has the check cites "
        "the paragraph, *secondary* where most do. NIST is SP 800-53 revision 5, CIS the AWS "
        "Foundations Benchmark.",
        "",
        "| control | severity | what must be true | HIPAA, primary |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{control.identifier}](#{control.identifier}) | {control.severity} "
        f"| {_cell(control.statement)} | {', '.join(control.citations.primary)} |"
        for control in listed
    ]
    for family, members in groupby(listed, key=lambda control: control.family):
        lines += ["", f"## {family}"]
        for control in members:
            lines += ["", *_section(control)]
    return "\n".join(lines) + "\n"


def _section(control: Control) -> list[str]:
    citations = control.citations
    return [
        f"### {control.identifier}",
        "",
        f"**{control.statement}** {control.rationale}",
        "",
        f"- Severity: {control.severity}; profiles: {', '.join(control.profiles)}",
        f"- HIPAA: {', '.join(citations.primary)}"
        + (f"; secondary: {', '.join(citations.secondary)}" if citations.secondary else ""),
        f"- NIST: {', '.join(citations.nist)}"
        + (f"; CIS: {', '.join(citations.cis)}" if citations.cis else ""),
        f"- Remedy: {control.remediation}",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
