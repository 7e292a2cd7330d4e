"""The summary by control at the end of a run, for a terminal or a CI log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verify.model import AlertTiming, ControlResult, Outcome, Report, WaiverUse

_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.ERROR: "bold yellow",
    Outcome.WAIVED: "cyan",
    Outcome.NOT_TESTED: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
}

_EXPLAINED = frozenset({Outcome.FAIL, Outcome.ERROR, Outcome.WAIVED})


def render(report: Report, *, width: int, color: bool) -> str:
    """The summary as text of at most `width` columns, with ANSI colours when `color` is set."""
    console = Console(
        width=width, force_terminal=color, no_color=not color, highlight=False, soft_wrap=False
    )
    with console.capture() as capture:
        console.print(_table(report.results))
        for timing in report.timings:
            console.print(_timing(timing))
        for result in report.results:
            if result.outcome in _EXPLAINED:
                console.print(_explained(result))
        untested = [
            result.control.identifier
            for result in report.results
            if result.outcome is Outcome.NOT_TESTED
        ]
        if untested:
            console.print(Text(f"\nNOT TESTED: {', '.join(untested)}", style="yellow"))
        for waiver in report.waivers:
            console.print(_waiver(waiver))
        for note in report.notes:
            console.print(Text(f"note: {note}"))
        console.print(_totals(report))
    return capture.get()


def _table(results: Iterable[ControlResult]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("outcome", no_wrap=True)
    table.add_column("control", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what must be true", overflow="fold")
    for result in results:
        table.add_row(
            Text(result.outcome, style=_STYLES[result.outcome]),
            result.control.identifier,
            result.control.severity,
            Text(result.control.statement),
        )
    return table


def _timing(timing: AlertTiming) -> Text:
    legs = ", ".join(
        f"{leg.name}{f' ({leg.whose})' if leg.whose else ''} "
        f"{'not known' if leg.seconds is None else f'{leg.seconds:.2f} s'}"
        for leg in timing.legs
    )
    if timing.target_seconds is None:
        return Text(f"{timing.probe}: after {timing.total_seconds:.2f} s: {legs}")
    return Text(
        f"{timing.probe}: alert after {timing.total_seconds:.2f} s "
        f"(target {timing.target_seconds:.0f} s): {legs}"
    )


def _explained(result: ControlResult) -> Text:
    text = Text(f"\n{result.outcome} {result.control.identifier}", _STYLES[result.outcome])
    body = "".join(f"\n  {line}" for line in result.message.splitlines())
    if result.outcome is Outcome.FAIL:
        body += f"\n  remedy: {result.control.remediation}"
    text.append(body, style="not bold default")
    return text


def _waiver(waiver: WaiverUse) -> Text:
    said = {
        "used": f"in force, {waiver.days_left} days left",
        "unused": "unused: nothing that it covers failed, remove it",
        "expired": f"expired {-waiver.days_left} days ago: it covers nothing",
    }[waiver.status]
    style = "" if waiver.status == "used" else "yellow"
    return Text(f"waiver of {waiver.control} on {waiver.subject} ({waiver.owner}): {said}", style)


def _totals(report: Report) -> Text:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items() if count)
    seconds = (report.finished - report.started).total_seconds()
    style = "bold green" if report.exit_code == 0 else "bold red"
    return Text(f"\n{report.verdict}: {counts or 'no control'} in {seconds:.1f} s", style=style)


class Terminal(Protocol):
    """What is needed of pytest's terminal reporter."""

    @property
    def hasmarkup(self) -> bool:
        """Whether colours can be shown."""

    def write(self, content: str, *, flush: bool = False) -> None:
        """Write as it is."""


def print_summary(report: Report, terminal: Terminal, width: int) -> None:
    """Write the summary of `report` to `terminal`."""
    terminal.write("\n" + render(report, width=width, color=terminal.hasmarkup), flush=True)
