"""`python -m verify targets` and `merge`: several deployments, one matrix."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

from verify.console import complain, say
from verify.proof import report_check
from verify.proof.manifest import ManifestError
from verify.proof.report_check import ChangedError, NoReportError
from verify.run.settings import new_run_id
from verify.targets import page
from verify.targets.file import Listed, TargetsError, load
from verify.targets.matrix import Column, Matrix, matrix_of
from verify.targets.running import verify

CANNOT = 2
_EPILOG = """\
exit codes: that of the worst: 0 every deployment is clean; 1 a control failed in one; 6 none did,
but something could not be verified, or a deployment not be reached; 2 it could not be run; 130
interrupted.
"""
_INTERRUPTED = 130


def targets(arguments: Sequence[str]) -> int:
    """Run the command line of `targets`; the exit code."""
    read, rest = _targets_parser().parse_known_args(arguments)
    try:
        listed = load(read.targets)
    except TargetsError as error:
        return _cannot("targets", str(error))
    reports: Path = read.reports.resolve()
    stopping = threading.Event()
    try:
        columns = _verify_all(listed, reports, rest, read.parallel, stopping)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return _conclude("targets", matrix_of(columns), reports)


def _verify_all(
    listed: Sequence[Listed],
    reports: Path,
    rest: Sequence[str],
    parallel: int,
    stopping: threading.Event,
) -> list[Column]:
    found: dict[str, Column] = {}
    with ThreadPoolExecutor(min(parallel, len(listed)), thread_name_prefix="target") as executor:
        running = {
            executor.submit(verify, target, reports, rest, stopping): target for target in listed
        }
        say(f"verifying {len(listed)} deployments, {min(parallel, len(listed))} at a time")
        try:
            for done in as_completed(running):
                column = done.result()
                found[column.name] = column
                why = f": {column.problem.splitlines()[-1]}" if column.problem else ""
                say(f"[{len(found)}/{len(listed)}] {column.name}: {column.verdict}{why}")
        except KeyboardInterrupt:
            stopping.set()
            executor.shutdown(wait=True, cancel_futures=True)
            raise
    return [found[target.name] for target in listed]


def merge(arguments: Sequence[str]) -> int:
    """Run the command line of `merge`; the exit code."""
    read = _merge_parser().parse_args(arguments)
    output: Path = read.output.resolve()
    columns = []
    for given in read.runs:
        folder = given.resolve()
        try:
            _, report = report_check.sealed(folder)
        except (ChangedError, ManifestError, NoReportError, OSError) as error:
            return _cannot("merge", str(error))
        target = report.target
        name = f"{target.environment} in {target.account}, {target.region}"
        columns.append(Column(name, report, folder=os.path.relpath(folder, output)))
    names = [column.name for column in columns]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        return _cannot(
            "merge",
            f"two runs are of {', '.join(sorted(twice))}: `python -m verify diff` compares them, "
            "and `period` unites them",
        )
    return _conclude("merge", matrix_of(columns), output, own_folder=False)


def _conclude(command: str, matrix: Matrix, reports: Path, *, own_folder: bool = True) -> int:
    now = datetime.now(UTC)
    try:
        reports.mkdir(parents=True, exist_ok=True)
        stem = f"matrix-{new_run_id(now)}" if own_folder else "matrix"
        for suffix, write in ((".html", page.render), (".json", page.text)):
            path = reports / f"{stem}{suffix}"
            path.write_text(write(matrix, now), encoding="utf-8")
            say(f"report: {path}")
    except OSError as error:
        return _cannot(command, f"the matrix cannot be written: {error}")
    return matrix.exit_code


def _cannot(command: str, message: str) -> int:
    complain(command, message)
    return CANNOT


def _number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return int(text)


def _targets_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify targets",
        description="Verify several deployments, in accounts and regions of their own, side by "
        "side, and show them in one matrix. What else is given goes to the suite, for each.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "targets", type=Path, help="the file that lists them (YAML, schemas/targets.schema.json)"
    )
    parser.add_argument(
        "--reports",
        metavar="FOLDER",
        type=Path,
        default=Path("reports"),
        help="each deployment's runs go to the folder of its name in it, the matrix beside them "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--parallel",
        metavar="NUMBER",
        type=_number,
        default=4,
        help="how many at a time (default: %(default)s)",
    )
    return parser


def _merge_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify merge",
        description="Show runs of several deployments, made apart, in one matrix. Each must be as "
        "it was sealed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=Path, help="the runs' folders")
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        type=Path,
        default=Path(),
        help="where to write matrix.html and matrix.json (default: here)",
    )
    return parser
