"""The command line of the digest-chain validator."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from botocore.exceptions import BotoCoreError

from verify.integrity import report
from verify.integrity.judge.layout import DIGEST_PERIOD
from verify.integrity.read import discovery
from verify.integrity.read.discovery import Trail, UsageError
from verify.integrity.read.s3 import ACTIONS, Connection, S3Reader, reader
from verify.integrity.run import executors
from verify.integrity.run.executors import SchedulerError
from verify.integrity.run.progress import Progress
from verify.integrity.run.request import Request, days_of
from verify.integrity.run.result import NOT_VERIFIED
from verify.integrity.run.state import StateError
from verify.integrity.run.validation import validate

_EPILOG = f"""\
Exit code: 0 intact; 1 tampering or loss; 2 nothing to validate, partly unverifiable, or a usage
error. Needs {", ".join(ACTIONS)},
s3:GetBucketLocation, cloudtrail:DescribeTrails, cloudtrail:GetTrailStatus, ec2:DescribeRegions (or
account:ListRegions, where the trail is another account's), and for an organization's trail
organizations:DescribeOrganization and organizations:DescribeAccount.
"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m verify integrity",
        description="Prove from a trail's signed digests that its log files have not been touched.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_what_to_validate(parser.add_argument)
    _add_how_to_validate(parser.add_argument)
    return parser


def _add_what_to_validate(add: Callable[..., argparse.Action]) -> None:
    add("--trail-arn", required=True, help="the trail's ARN")
    add(
        "--start",
        required=True,
        type=_moment,
        help="validate log files delivered from this time on (ISO 8601; UTC without an offset)",
    )
    add("--end", type=_moment, help="up to this time; default now")
    add(
        "--regions",
        default="all",
        help="'all' that the trail covers (default), or names separated by commas",
    )
    add("--bucket", help="the bucket, where it is not (or no longer) the trail's own")
    add("--prefix", help="the key prefix in that bucket")
    add(
        "--account-id",
        help="the account, or several separated by commas; for an organization's "
        "trail all that the bucket has by default",
    )
    add("--organization-id", help="the organization's id, where it cannot be asked for")


def _add_how_to_validate(add: Callable[..., argparse.Action]) -> None:
    add("--json", action="store_true", help="print the result as JSON (integrity.schema.json)")
    add("--workers", type=_positive, default=32, help="reads at the same time; default 32")
    add(
        "--executor",
        choices=("threads", "processes"),
        default="threads",
        help="where to work: in this process (default) or in one for each processor",
    )
    add("--scheduler", help="work on the Dask cluster at this address (tcp://...)")
    add("--state", type=Path, help="remember what was validated in this file and go on from there")
    add(
        "--lateness",
        type=_positive,
        default=60,
        metavar="MINUTES",
        help="how long a digest may take to be delivered after its hour; default 60",
    )


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit code."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except (UsageError, SchedulerError, StateError, BotoCoreError) as error:
        print(f"verify integrity: {error}", file=sys.stderr)  # noqa: T201
        return NOT_VERIFIED


def _run(options: argparse.Namespace) -> int:
    now = datetime.now(UTC).replace(microsecond=0)
    _check(options, now)
    trail, reads = _found(options)
    discovered = discovery.find_scopes(
        reads,
        trail,
        days_of(options.start, options.end or now, now),
        _names(options.regions, "all"),
        _names(options.account_id, ""),
    )
    request = Request(
        layout=trail.layout,
        scopes=discovered.scopes,
        start=options.start,
        end=options.end or now,
        now=now,
        lateness=timedelta(minutes=options.lateness),
        without_files=discovered.without_files,
        departures=discovered.departures,
    )
    expected = round(request.period / DIGEST_PERIOD * len(request.scopes))
    progress = Progress(_to_stderr, sys.stderr.isatty(), expected)
    with _engine(options, reads, trail.layout.bucket) as engine:
        result = validate(
            request,
            reads,
            engine,
            lambda scope: discovery.trail_status(reads, trail, scope),
            progress,
            discovered.anomalies,
            options.state,
        )
    if options.json:
        shown = json.dumps(report.document(result, trail.arn, datetime.now(UTC)), indent=1)
    else:
        shown = "\n".join(report.lines(result, trail.arn))
    sys.stdout.write(shown + "\n")
    return result.exit_code


def _check(options: argparse.Namespace, now: datetime) -> None:
    """Raise UsageError for options that do not go together."""
    if options.start >= (options.end or now):
        raise UsageError("--start must be before --end")
    if options.start > now:
        raise UsageError("--start is in the future")
    if options.state is not None and not options.state.absolute().parent.is_dir():
        raise UsageError(f"there is no folder for {options.state}")


def _found(options: argparse.Namespace) -> tuple[Trail, S3Reader]:
    """The trail that was asked for, and a reader in its bucket's region. Raises UsageError."""
    home, _, _ = discovery.parse_arn(options.trail_arn)
    organization = options.organization_id and discovery.check_organization(options.organization_id)
    at_home = reader(Connection(home, options.workers))
    trail = discovery.describe_trail(
        at_home, options.trail_arn, options.bucket, options.prefix, organization
    )
    region = discovery.bucket_region(at_home, trail.layout.bucket, home)
    return trail, reader(Connection(region, options.workers))


def _engine(
    options: argparse.Namespace, reads: S3Reader, bucket: str
) -> AbstractContextManager[executors.Engine]:
    if options.scheduler:
        return executors.dask(reads.connection, options.scheduler)
    if options.executor == "processes":
        return executors.processes(reads.connection)
    return executors.threads(reads, options.workers, bucket)


def _names(text: str | None, everything: str) -> list[str] | None:
    if text is None or text == everything:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"no name in {text!r}")
    return names


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time in ISO 8601") from error


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
