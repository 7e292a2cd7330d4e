"""What the campaign found: a table for people and JSON for what comes after."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mutants import outputs
from mutants.answers import text as answers_text
from mutants.answers.campaign import AnswerFindings
from mutants.coverage import Coverage
from mutants.model import Fate, Judged
from mutants.outputs import OutputFindings

_STYLES = {Fate.KILLED: "green", Fate.SURVIVED: "bold red", Fate.WRONG_CONTROL: "bold yellow"}


def progress_line(number: int, total: int, judged: Judged) -> str:
    """One line about one mutant, as soon as it is judged."""
    mutant = judged.mutant
    return (
        f"[{number:>3}/{total}] {judged.fate.value:<13} {mutant.family}: {mutant.name} "
        f"({judged.seconds:.1f} s)"
    )


def describe(judged: Judged) -> str:
    """What was expected of a mutant and what was seen, where these differ."""
    lines = [f"{judged.mutant.family}: {judged.mutant.name}: {judged.mutant.description}"]
    for what, expected, seen in (
        ("FAIL", judged.mutant.fails, judged.failed),
        ("ERROR", judged.mutant.errors, judged.errored),
    ):
        if expected != seen:
            lines.append(f"  {what} expected of {_names(expected)}, seen of {_names(seen)}")
    lines += [f"  {name}: {said}" for name, said in judged.messages.items()]
    if judged.detail:
        lines.append(f"  {judged.detail}")
    return "\n".join(lines)


def _names(controls: frozenset[str]) -> str:
    return ", ".join(sorted(controls)) or "none"


def print_summary(
    console: Console,
    judged: Sequence[Judged],
    coverage: Coverage,
    answers: Sequence[AnswerFindings],
    led: Sequence[OutputFindings],
) -> None:
    """The table by mutant, what is wrong, what is not covered, and the totals."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("fate", "family", "fault", "control"):
        table.add_column(column, overflow="fold", no_wrap=column == "fate")
    for item in judged:
        table.add_row(
            Text(item.fate.value, style=_STYLES.get(item.fate, "bold red")),
            item.mutant.family,
            Text(item.mutant.description),
            ", ".join(sorted(item.mutant.fails)),
        )
    console.print(table)
    for item in judged:
        if item.fate is not Fate.KILLED:
            console.print(Text(f"\n{item.fate.value}: {describe(item)}"))
    console.print()
    for control, reason in coverage.exempt.items():
        console.print(Text(f"exempt: {control}: {reason}"))
    for control in sorted(coverage.uncovered):
        console.print(Text(f"NOT COVERED: {control}", style="bold red"))
    said = [(answers_text.lines_of(tried), answers_text.totals_of(tried)) for tried in answers]
    said += [(outputs.lines_of(tried), outputs.totals_of(tried)) for tried in led]
    for lines, totals in said:
        for line in lines:
            console.print(Text(line, style="bold red"))
        console.print(Text(totals, style="bold"))
    console.print(Text(_totals(judged, coverage), style="bold"))


def _totals(judged: Sequence[Judged], coverage: Coverage) -> str:
    counts = [(fate, sum(item.fate is fate for item in judged)) for fate in Fate]
    fates = ", ".join(
        f"{count} {fate.value.lower()}" for fate, count in counts if count or fate in _ALWAYS
    )
    return (
        f"{len(judged)} seeded faults: {fates}; {len(coverage.covered)} controls covered, "
        f"{len(coverage.exempt)} exempt, {len(coverage.uncovered)} not covered"
    )


_ALWAYS = (Fate.KILLED, Fate.SURVIVED, Fate.WRONG_CONTROL)


def write_json(
    path: Path,
    judged: Sequence[Judged],
    coverage: Coverage,
    answers: Sequence[AnswerFindings],
    led: Sequence[OutputFindings],
    *,
    seconds: float,
    clean: bool,
) -> None:
    """Write the findings; `clean` says whether the account was as deployed at the end."""
    document: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "clean_at_the_end": clean,
        "totals": {fate.name.lower(): sum(item.fate is fate for item in judged) for fate in Fate},
        "controls": {
            "covered": sorted(coverage.covered),
            "exempt": dict(coverage.exempt),
            "not_covered": sorted(coverage.uncovered),
        },
        "answers": [
            {
                "judged": len(tried.judged),
                "harmless": len(tried.harmless),
                "tried": dict(tried.tried),
                "survivors": [dict(item) for item in tried.survivors],
                "changed": [dict(item) for item in tried.changed],
                "failures": tried.failures,
                "blind": [dict(item) for item in tried.blind],
            }
            for tried in answers
        ],
        "outputs": [
            {"tried": list(found.tried), "wrong": list(found.wrong), "unmoved": list(found.unmoved)}
            for found in led
        ],
        "mutants": [
            {
                "family": item.mutant.family,
                "name": item.mutant.name,
                "description": item.mutant.description,
                "suite": item.mutant.suite.value,
                "fate": item.fate.name.lower(),
                "expected": {
                    "fail": sorted(item.mutant.fails),
                    "error": sorted(item.mutant.errors),
                },
                "seen": {"fail": sorted(item.failed), "error": sorted(item.errored)},
                "messages": dict(item.messages),
                "detail": item.detail,
                "seconds": item.seconds,
            }
            for item in judged
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
