"""`python -m verify diff`: what has changed from one run to another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from verify.console import complain, say
from verify.model import Comparison, Report
from verify.proof import report_check
from verify.proof.report_check import NoReportError
from verify.report.difference import compare
from verify.report.display import iso_time, visible

SAME, CHANGED, CANNOT_COMPARE = 0, 1, 2

_EPILOG = f"""\
exit codes: {SAME} nothing has changed; {CHANGED} something has; {CANNOT_COMPARE} there is nothing
to compare.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    try:
        before, after = _report(read.before), _report(read.after)
    except NoReportError as error:
        complain("diff", f"{error}: name the folder of a run, such as reports/latest")
        return CANNOT_COMPARE
    found = compare(before, after)
    if read.json:
        document = asdict(found) | {"started": iso_time(found.started)}
        say(json.dumps(document, indent=1))
    else:
        say("\n".join(_lines(before, after, found)))
    return CHANGED if found.changes else SAME


def _report(path: Path) -> Report:
    return report_check.read(path) if path.is_dir() else report_check.read_file(path)


def _lines(before: Report, after: Report, found: Comparison) -> Iterator[str]:
    for name, report in (("before", before), ("after", after)):
        yield f"{name:<7}{report.run_id}, {iso_time(report.started)}: {report.verdict}"
    if before.target != after.target:
        yield f"note: they are of different deployments: {before.target} and {after.target}"
    if not found.changes:
        yield "nothing has changed"
    for change in found.changes:
        outcomes = " -> ".join(
            "none" if outcome is None else str(outcome) for outcome in (change.before, change.after)
        )
        yield f"{change.kind.upper()}: {change.control} ({outcomes})"
        yield from (f"    {visible(detail)}" for detail in change.details)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify diff",
        description="Print what has changed from one run to another, control by control: newly "
        "failed, mended, newly unverified, and which expectation on which resource it is.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, help="the earlier run's folder, or its report.json")
    parser.add_argument("after", type=Path, help="that of the later one")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser
