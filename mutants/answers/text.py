"""What the altered answers showed, in words."""

from __future__ import annotations

from mutants.answers.campaign import AnswerFindings


def lines_of(found: AnswerFindings) -> list[str]:
    """A line for each alteration that went wrong."""
    lines = [
        f"SURVIVED: {item['call']} {item['parameters']}: {item['alteration']}: no control of "
        f"{item['controls'] or 'those that judge it'} minded ({item['place']})"
        for item in found.survivors
    ]
    lines += [
        f"NOT HARMLESS: {item['call']} {item['parameters']}: {item['alteration']}: "
        f"{item['outcomes']} ({item['place']})"
        for item in found.changed
    ]
    lines += [
        f"BLIND: {item['call']} {item['failure']}: {item['control']}: {item['outcome']} "
        f"({item['parameters']})"
        for item in found.blind
    ]
    return lines


def totals_of(found: AnswerFindings) -> str:
    """The figures in one line."""
    return (
        f"altered answers: {len(found.judged)} fields judged, {len(found.harmless)} harmless; "
        f"{found.tried['judged']:,} and {found.tried['harmless']:,} alterations; "
        f"{len(found.survivors)} survived, {len(found.changed)} changed what they should not; "
        f"{found.failures:,} failed calls, {len(found.blind)} controls blind to them"
    )
