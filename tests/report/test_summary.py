"""The summary in the terminal: what was found by control, in words that a terminal only shows."""

from __future__ import annotations

from itertools import takewhile

import pytest

from tests.report import sample
from verify.model import Outcome
from verify.report.summary import lines


def _shown(width: int = 100) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines(sample.report(), width)]


def test_every_control_has_a_row_of_its_outcome() -> None:
    heading, *rows = _shown()
    assert heading.split() == ["outcome", "control", "severity", "what", "must", "be", "true"]
    begun = heading.index("control")
    for result in sample.RESULTS:
        [row] = [row for row in rows if row[begun:].startswith(f"{result.control.identifier} ")]
        assert row.startswith(f"{result.outcome} ")


@pytest.mark.parametrize("width", [60, 100, 240])
def test_statements_are_broken_at_the_width_and_stay_whole(width: int) -> None:
    shown = _shown(width)
    table = list(takewhile(lambda row: row.startswith(("outcome", "  ", *Outcome)), shown))
    begun = table[0].index("what must be true")
    room = max(width, begun + 20)
    said = " ".join(row[begun:].strip() for row in table[1:])
    for result in sample.RESULTS:
        statement = result.control.statement
        # A word that is wider than the column is broken in it.
        if max(map(len, statement.split())) < room - begun and statement.isprintable():
            assert " ".join(statement.split()) in said
    assert max(map(len, table)) <= max(room, len(table[0]))


def test_failures_are_explained_on_whole_lines_with_their_remedy() -> None:
    shown = _shown(60)
    for result in sample.RESULTS:
        if result.outcome is Outcome.FAIL:
            at = shown.index(f"{Outcome.FAIL} {result.control.identifier}")
            assert shown[at - 1] == ""
            assert f"  remedy: {result.control.remediation}" in shown[at:]


def test_nothing_in_it_commands_the_terminal() -> None:
    text = "".join(_shown())
    assert "bell[U+0007] escape[U+001B] nul[U+0000]" in text
    for character in (*map(chr, range(32)), "\x7f", "\x9b", "\u202e", "\ud800"):
        assert character not in text


def test_a_waived_control_says_who_accepted_it() -> None:
    shown = _shown(100)
    at = shown.index("WAIVED log-bucket-keeps-logs-six-years")
    assert shown[at + 2].startswith(
        f"  accepted on {sample.BUCKET} by Priya Raman, 2026-11-10 to "
        "2026-12-01, ticket RISK-42, owner platform team: the dev account holds made-up data alone"
    )


def test_a_run_with_waivers_ends_in_yellow() -> None:
    kept = [one for one in sample.RESULTS if one.outcome in (Outcome.PASS, Outcome.WAIVED)]
    *_, [(text, markup)] = lines(sample.report(tuple(kept)), 100)
    assert text.startswith("CLEAN WITH WAIVERS: 4 PASS, 1 WAIVED in ")
    assert markup == ("yellow", "bold")


def test_the_last_line_is_the_verdict_with_its_counts() -> None:
    *_, empty, last = lines(sample.report(), 100)
    assert empty == ()
    [(text, markup)] = last
    assert text.startswith("CONTROLS FAILED: 4 PASS, 2 FAIL, 1 ERROR, 1 WAIVED, 1 NOT TESTED")
    assert markup == ("red", "bold")
