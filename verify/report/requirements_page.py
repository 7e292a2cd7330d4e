"""The requirements as a page for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby

from verify.model import PolicyRow, Requirement
from verify.report.display import cell


def render(
    requirements: Iterable[Requirement],
    policy: Sequence[PolicyRow],
    profiles: Mapping[str, Collection[str]],
) -> str:
    """The requirements as Markdown; `profiles` says by control in which profiles it holds."""
    lines = [
        "# Requirements",
        "",
        "Generated from `verify/inputs/requirements.yaml` by `make docs`; a test holds it current.",
        "",
        "Each point of the infrastructure, where it holds, and what shows it: a control does so on "
        "a live account, in the profiles that stand beside it; a test on the configuration, or in "
        "the sandbox.",
        "",
        "| id | what must be | holds in | shown by controls | and by tests |",
        "| --- | --- | --- | --- | --- |",
    ]
    for point in requirements:
        controls = ", ".join(
            f"[{name}](controls.md#{name})" + _narrower(profiles[name], point.profiles)
            for name in point.controls
        )
        tests = ", ".join(f"`{name}`" for name in point.tests)
        lines.append(
            f"| {point.identifier} | {cell(point.statement)} | {', '.join(point.profiles)} "
            f"| {controls or 'none'} | {tests or 'none'} |"
        )
    lines += [
        "",
        "## The logging policy",
        "",
        "What a healthcare provider's policy demands of logging and monitoring, row by row. The "
        "production profile keeps it; dev keeps the rows whose controls it has.",
    ]
    for area, rows in groupby(policy, lambda row: row.area):
        lines += ["", f"### {area}", "", "| what the policy says | shown by controls |"]
        lines.append("| --- | --- |")
        for row in rows:
            shown = ", ".join(f"[{name}](controls.md#{name})" for name in row.controls)
            why = f"; live fire does not cause it: {cell(row.uncaused)}" if row.uncaused else ""
            lines.append(f"| {cell(row.row)} | {shown}{why} |")
    return "\n".join(lines) + "\n"


def _narrower(holds: Collection[str], required: Collection[str]) -> str:
    shown = [name for name in required if name in holds]
    return "" if len(shown) == len(required) else f" ({', '.join(shown) or 'none'})"
