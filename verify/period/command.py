"""`python -m verify period`: the report over a period, from the folder of its runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from verify.console import complain, say
from verify.model import Target
from verify.period import page, runs
from verify.period.page import Deployment
from verify.period.runs import Excluded, Verified
from verify.period.timeline import Span, coverage, period_of
from verify.proof import chain
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.check import Asked
from verify.proof.command import add_time_stamp_root
from verify.proof.fetch import Opened, opened

GOOD, NOT_GOOD, CANNOT_REPORT = 0, 1, 2

_DEFAULT_HOURS = 26.0
_EPILOG = f"""\
exit codes: {GOOD} every control was verified at every moment of the period; {NOT_GOOD} not so, and
the report says what and when; {CANNOT_REPORT} there is nothing to report on.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    now = datetime.now(UTC)
    span = Span(read.start, read.end or now)
    if span.end <= span.start:
        return _cannot(f"--to ({span.end}) is not after --from ({span.start})")
    if span.start > now:
        return _cannot(f"the period begins in the future ({span.start})")
    try:
        with opened(read.reports, say) as place:
            return _report(place, span, now, read)
    except (BucketError, ChainError) as error:
        return _cannot(str(error))


def _report(place: Opened, span: Span, now: datetime, read: argparse.Namespace) -> int:
    reports = place.folder
    if place.run is not None or not chain.is_kept(reports):
        return _cannot(f"{read.reports} holds no sealed run: name the folder of reports")
    for note in place.notes:
        say(f"{place.name}: {note}")
    valid = timedelta(hours=read.valid_hours)
    asked = Asked(read.public_key, read.timestamp_root, judge=not read.no_verdicts)
    counted: dict[Target, list[Verified]] = {}
    excluded: list[Excluded] = []
    for found in runs.find(reports, span, valid, asked, say):
        if isinstance(found, Excluded):
            excluded.append(found)
        elif read.account in (None, found.report.target.account):
            counted.setdefault(found.report.target, []).append(found)
    broken = [
        *(Excluded("the bucket", (fault,)) for fault in place.faults),
        *(Excluded("the chain", (fault,)) for fault in chain.faults(reports)),
    ]
    deployments = [_deployment(one, span, valid) for one in counted.values()]
    above = reports if place.is_local else Path("reports")
    folder = read.output or above / f"period-{span.start:%Y%m%d}-{span.end:%Y%m%d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in (("period.html", page.render), ("period.json", page.text)):
            (folder / name).write_text(write(deployments, [*excluded, *broken], now), "utf-8")
            say(f"report: {folder / name}")
    except OSError as error:
        return _cannot(f"the report cannot be written: {error}: choose --output=<folder>")
    return _conclude(deployments, [*excluded, *broken])


def _deployment(found: Sequence[Verified], span: Span, valid: timedelta) -> Deployment:
    covered: dict[str, list[Span]] = {}
    for one in found:
        for region, spans in one.covered.items():
            covered.setdefault(region, []).extend(spans)
    findings = dict.fromkeys(finding for one in found for finding in one.log_findings)
    return Deployment(
        period_of([one.report for one in found], span, valid),
        coverage(covered, span),
        tuple(findings),
    )


def _conclude(deployments: Sequence[Deployment], excluded: Sequence[Excluded]) -> int:
    for one in excluded:
        say(f"does not count: {one.run_id}: {'; '.join(one.why)}")
    good = bool(deployments) and not excluded
    for found in deployments:
        period = found.period
        failures = sum(len(one.failures) for one in period.controls)
        worst = min((one.share for one in period.controls), default=0.0)
        say(
            f"{period.target.environment} in {period.target.account}, {period.target.region}: "
            f"{len(period.runs)} runs, {failures} failures, {len(period.gaps)} gaps without "
            f"verification; the control that was verified least: {worst:.2%} of the time"
        )
        good = good and worst >= 1 and not period.gaps and not found.log_findings
    if not deployments:
        say("no verified run says anything of the period")
    return GOOD if good else NOT_GOOD


def _cannot(message: str) -> int:
    complain("period", message)
    return CANNOT_REPORT


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no day or time: write 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24 * 366:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours above 0 and up to a year")
    return hours


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify period",
        description="Make the report that an audit of months needs, from the runs in a folder: "
        "for each control the share of the time in which it was verified, each failure with its "
        "mending, time without verification, the log files, and the waivers. Only runs count whose "
        "folders are as they were sealed and whose evidence gives their verdicts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "reports",
        help="the folder of all runs, such as reports; or where they lie in a bucket "
        "(s3://<bucket>/[<prefix>])",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="TIME",
        type=_moment,
        required=True,
        help="when the period begins (ISO 8601; UTC without an offset)",
    )
    parser.add_argument(
        "--to", dest="end", metavar="TIME", type=_moment, help="when it ends (default: now)"
    )
    parser.add_argument(
        "--valid-hours",
        metavar="HOURS",
        type=_hours,
        default=_DEFAULT_HOURS,
        help="how long a run speaks for if none follows (default: %(default)s, for daily runs)",
    )
    parser.add_argument("--account", metavar="ID", help="that account's deployments alone")
    parser.add_argument(
        "--public-key", metavar="FILE", type=Path, help="by which every run must be signed (PEM)"
    )
    add_time_stamp_root(parser)
    parser.add_argument(
        "--no-verdicts",
        action="store_true",
        help="check the runs' files alone, and do not judge their evidence again",
    )
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        type=Path,
        help="where to write period.html and period.json (default: below the folder of runs, and "
        "of a bucket's below reports)",
    )
    return parser
