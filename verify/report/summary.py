"""The summary by control at the end of a run, for a terminal or a CI log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Protocol

from verify.model import AlertTiming, ControlResult, Outcome, Report, WaiverUse
from verify.report.display import accepted, visible

# Pieces of a line, each with the names of its markup in pytest's terminal.
Line = tuple[tuple[str, tuple[str, ...]], ...]

_MARKUP: dict[Outcome, tuple[str, ...]] = {
    Outcome.PASS: ("green",),
    Outcome.FAIL: ("red", "bold"),
    Outcome.ERROR: ("yellow", "bold"),
    Outcome.WAIVED: ("cyan",),
    Outcome.NOT_TESTED: ("yellow",),
    Outcome.NOT_APPLICABLE: ("light",),
}

_COLOUR = {"CLEAN": "green", "CLEAN WITH WAIVERS": "yellow"}  # red otherwise
_EXPLAINED = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.WAIVED})
_HEADINGS = ("outcome", "control", "severity", "what must be true")
_NARROWEST = 20  # columns for a statement, however narrow the terminal is


def lines(report: Report, width: int) -> Iterator[Line]:
    """The summary; its table takes at most `width` columns, and messages are not broken."""
    yield from _table(report.results, width)
    yield from (_plain(_timing(timing)) for timing in report.timings)
    for result in report.results:
        if result.outcome in _EXPLAINED:
            yield from _explained(result, report.waivers_of(result))
    untested = [
        result.control.identifier
        for result in report.results
        if result.outcome is Outcome.NOT_TESTED
    ]
    if untested:
        yield ()
        yield _plain(f"NOT TESTED: {', '.join(untested)}", "yellow")
    yield from map(_waiver, report.waivers)
    yield from (_plain(f"note: {note}") for note in report.notes)
    yield ()
    yield _totals(report)


def _plain(text: str, *markup: str) -> Line:
    return ((visible(text), markup),)


def _table(results: Iterable[ControlResult], width: int) -> Iterator[Line]:
    rows = [
        (result, (result.outcome, result.control.identifier, result.control.severity))
        for result in results
    ]
    columns = [
        max(map(len, column))
        for column in zip(_HEADINGS[:-1], *(texts for _, texts in rows), strict=True)
    ]
    left = width - sum(columns) - len(columns)

    def padded(texts: Iterable[str]) -> list[str]:
        return [f"{text:{size}} " for text, size in zip(texts, columns, strict=True)]

    yield (("".join(padded(_HEADINGS[:-1])) + _HEADINGS[-1], ("bold",)),)
    for result, texts in rows:
        outcome, *others = padded(texts)
        first, *more = textwrap.wrap(visible(result.control.statement), max(left, _NARROWEST)) or [
            ""
        ]
        yield ((outcome, _MARKUP[result.outcome]), ("".join(others) + first, ()))
        yield from (_plain(" " * (sum(columns) + len(columns)) + line) for line in more)


def _timing(timing: AlertTiming) -> str:
    legs = ", ".join(
        f"{leg.name}{f' ({leg.whose})' if leg.whose else ''} "
        f"{'not known' if leg.seconds is None else f'{leg.seconds:.2f} s'}"
        for leg in timing.legs
    )
    if timing.target_seconds is None:
        return f"{timing.probe}: after {timing.total_seconds:.2f} s: {legs}"
    return (
        f"{timing.probe}: alert after {timing.total_seconds:.2f} s "
        f"(target {timing.target_seconds:.0f} s): {legs}"
    )


def _explained(result: ControlResult, waivers: Iterable[WaiverUse]) -> Iterator[Line]:
    yield ()
    yield _plain(f"{result.outcome} {result.control.identifier}", *_MARKUP[result.outcome])
    yield from (_plain(f"  {line}") for line in result.message.splitlines())
    yield from (_plain(f"  {accepted(waiver)}") for waiver in waivers)
    if result.outcome is Outcome.FAIL:
        yield _plain(f"  remedy: {result.control.remediation}")


def _waiver(waiver: WaiverUse) -> Line:
    said = {
        "used": f"in force, {waiver.days_left} days left",
        "unused": "unused: nothing that it covers failed, remove it",
        "expired": f"expired {-waiver.days_left} days ago: it covers nothing",
        "not yet in force": f"not in force before {waiver.issued}: it covers nothing",
    }[waiver.status]
    text = f"waiver of {waiver.control} on {waiver.subject} ({waiver.owner}): {said}"
    return _plain(text, *(() if waiver.status == "used" else ("yellow",)))


def _totals(report: Report) -> Line:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items() if count)
    seconds = (report.finished - report.started).total_seconds()
    text = f"{report.verdict}: {counts or 'no control'} in {seconds:.1f} s"
    return _plain(text, _COLOUR.get(report.verdict, "red"), "bold")


class Terminal(Protocol):
    """What is needed of pytest's terminal reporter, which shows markup where it can be shown."""

    def write(self, content: str, *, flush: bool = False, **markup: bool) -> None:
        """Write `content` with markup."""


def print_summary(report: Report, terminal: Terminal, width: int) -> None:
    """Write the summary of `report` to `terminal`."""
    terminal.write("\n")
    for line in lines(report, width):
        for text, markup in line:
            terminal.write(text, **dict.fromkeys(markup, True))
        terminal.write("\n")
    terminal.write("", flush=True)
