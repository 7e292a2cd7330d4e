"""The catalogue as a page for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby

from verify.model import Control
from verify.report.display import cell


def render(
    controls: Iterable[Control],
    profiles: Mapping[str, Collection[str]],
    actions: Mapping[str, Collection[str]],
    fields: Mapping[str, Mapping[str, Collection[str]]],
) -> str:
    """The controls as Markdown, in the catalogue's order, a section a family.

    `profiles` and `actions` say by control in which profiles it holds and by which IAM actions its
    check reads; `fields` on which members of which answers, by operation, its verdict rests.
    """
    listed = list(controls)
    lines = [
        "# Controls",
        "",
        "Generated from `verify/inputs/controls.yaml` by `make docs`; a test holds it current.",
        "",
        "HIPAA citations are of 45 CFR: *primary* where every framework that has the check cites "
        "the paragraph, *secondary* where most do. NIST is SP 800-53 revision 5, CIS the AWS "
        "Foundations Benchmark. In a remedy `{name}` is an output of the deployment and `<name>` "
        "what failed; a report has both filled in, as far as they are known.",
        "",
        "| control | severity | what must be true | HIPAA, primary |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| [{control.identifier}](#{control.identifier}) | {control.severity} "
        f"| {cell(control.statement)} | {', '.join(control.citations.primary)} |"
        for control in listed
    ]
    for family, members in groupby(listed, key=lambda control: control.family):
        lines += ["", f"## {family}"]
        for control in members:
            name = control.identifier
            lines += ["", *_section(control, profiles[name], actions[name], fields[name])]
    return "\n".join(lines) + "\n"


def _section(
    control: Control,
    profiles: Collection[str],
    actions: Collection[str],
    fields: Mapping[str, Collection[str]],
) -> list[str]:
    citations = control.citations
    return [
        f"### {control.identifier}",
        "",
        f"**{control.statement}** {control.rationale}",
        "",
        f"- Severity: {control.severity}; profiles: {', '.join(profiles) or 'none'}",
        f"- HIPAA: {', '.join(citations.primary)}"
        + (f"; secondary: {', '.join(citations.secondary)}" if citations.secondary else ""),
        f"- NIST: {', '.join(citations.nist)}"
        + (f"; CIS: {', '.join(citations.cis)}" if citations.cis else ""),
        f"- Reads: {', '.join(map(_code, actions)) or 'no state of the account'}",
        "- Rests on: "
        + (
            "; ".join(
                f"`{operation}`: {', '.join(map(_code, members))}"
                for operation, members in fields.items()
            )
            or "no field of an answer"
        ),
        f"- Remedy: {control.remediation}",
    ]


def _code(text: str) -> str:
    return f"`{text}`"
