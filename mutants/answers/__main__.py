"""`python -m mutants.answers`: alter the answers of a recorded run, field by field."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event

from mutants.answers.campaign import AnswersError, Recording, try_answers
from mutants.answers.text import lines_of, totals_of
from verify.account.fields import nameless, unaccounted
from verify.inputs import accounted
from verify.suite.declarations import state_operations

CLEAN, NOT_GOOD, CANNOT_RUN = 0, 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    try:
        if read.missing:
            return _missing(read.only, read.account)
        if read.run is None or read.outputs is None:
            print("answers: --run and --outputs are needed, or --missing", file=sys.stderr)
            return CANNOT_RUN
        return _try(read)
    except (AnswersError, accounted.AccountError) as error:
        print(f"answers: {error}", file=sys.stderr)
        return CANNOT_RUN


def _missing(only: Sequence[str], folder: Path) -> int:
    """Print what the account of fields lacks, and what it says of members that there are not."""
    account = accounted.load(folder)
    found = []
    for service, operation in sorted(state_operations()):
        if only and not any(pattern in f"{service}.{operation}" for pattern in only):
            continue
        entry = account.get((service, operation)) or accounted.OperationFields(
            service, operation, "", {}
        )
        found += [f"{service}.{operation}: {member}" for member in unaccounted(entry)]
        found += nameless(entry)
    print("\n".join(found) or "every member is accounted for")
    return NOT_GOOD if found else CLEAN


def _try(read: argparse.Namespace) -> int:
    started = time.monotonic()
    recording = Recording(
        read.run.resolve(), read.outputs.resolve(), read.function_package.resolve()
    )
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        found = try_answers(
            recording,
            Path(folder),
            partial(print, flush=True),
            Event(),
            only=read.only,
            sample=read.sample,
            processes=read.processes,
            fields=read.account,
        )
    print("\n".join(lines_of(found)))
    print(f"{totals_of(found)}; {time.monotonic() - started:.0f} s")
    return CLEAN if found.good else NOT_GOOD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mutants.answers",
        description="Alter each field of the answers of a recorded run of the state checks, and "
        "see that the control that judges it does not pass, and that a harmless one changes "
        "nothing. No account is needed.",
        epilog="exit codes: 0 no alteration survived; 1 one did, or changed what it should not; "
        "2 it could not be run, and the message says why",
    )
    parser.add_argument(
        "--run", metavar="FOLDER", type=Path, help="of a clean run, such as reports/latest"
    )
    parser.add_argument("--outputs", metavar="FILE", type=Path, help="that the run was made with")
    parser.add_argument(
        "--function-package",
        metavar="ZIP",
        type=Path,
        default=Path("lambda/dist/compliance_checker.zip"),
        help="what was deployed (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        default=[],
        help="operations (ec2.describe_vpcs), members or controls that match (* and ?); may be "
        "given several times",
    )
    parser.add_argument("--sample", action="store_true", help="a part that takes seconds")
    parser.add_argument(
        "--processes",
        metavar="NUMBER",
        type=int,
        choices=range(1, 17),
        default=2,
        help="side by side, 1 to 16 (default: %(default)s)",
    )
    parser.add_argument(
        "--account",
        metavar="FOLDER",
        type=Path,
        default=accounted.FOLDER,
        help="the account of fields (default: %(default)s)",
    )
    parser.add_argument(
        "--missing",
        action="store_true",
        help="list the members that the account of fields does not speak of, and stop",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
