"""`python -m mutants`: show that every control fails when it should."""

from __future__ import annotations

import argparse
import fnmatch
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from verify import catalogue

from mutants.account import Account
from mutants.campaign import Campaign, NotCleanError
from mutants.coverage import Coverage, ExemptionError, coverage, load_exemptions
from mutants.deployed import DeployedError, build_package, deploy, sandbox
from mutants.families import every_mutant
from mutants.model import Fate, Judged, Mutant
from mutants.suite import ROOT, SuiteError, SuiteRunner
from mutants.summary import print_summary, progress_line, write_json

CLEAN, NOT_ALL_KILLED, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130
_PROFILE = "dev"


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    if (read.sandbox is None) != (read.outputs is None):
        _complain("--sandbox and --outputs belong together: an account and where things are in it")
        return CANNOT_RUN
    mutants = chosen(every_mutant(), read.only)
    if not mutants:
        _complain(f"no mutant matches {read.only!r}: see --list")
        return CANNOT_RUN
    if read.list:
        for mutant in mutants:
            print(f"{mutant.family}: {mutant.name}: {mutant.description}")
            print(f"    {', '.join(sorted(mutant.fails))}")
        return CLEAN
    # A CI that gives up sends SIGTERM; it must end like Ctrl-C, which mends and cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        covered = _coverage()
        return run(mutants, covered, read)
    except (DeployedError, NotCleanError, ExemptionError, SuiteError) as error:
        _complain(str(error))
        return CANNOT_RUN
    except KeyboardInterrupt:
        _complain("interrupted; the account was mended")
        return INTERRUPTED


def chosen(mutants: Sequence[Mutant], pattern: str | None) -> list[Mutant]:
    """The mutants whose "family: name", name or control the shell pattern matches."""
    if pattern is None:
        return list(mutants)
    return [
        mutant
        for mutant in mutants
        if any(
            fnmatch.fnmatch(text, pattern)
            for text in (mutant.name, mutant.family, *mutant.fails)
        )
    ]


def run(mutants: Sequence[Mutant], covered: Coverage, read: argparse.Namespace) -> int:
    """Judge `mutants` in the sandbox that was named, or in one of our own."""
    url, outputs, package, report = read.sandbox, read.outputs, read.function_package, read.json
    started = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
        if url is None or outputs is None:
            package = build_package(folder)
            url = stack.enter_context(sandbox(folder / "sandbox.log"))
            print(f"deploying into {url}", flush=True)
            outputs = deploy(url, package, folder)
            print(f"deployed after {time.monotonic() - started:.0f} s", flush=True)
        account = Account(url, outputs, package, ROOT / "terraform", folder)
        campaign = Campaign(account, SuiteRunner(folder / "runs"))
        campaign.require_clean("before the first fault")
        judged: list[Judged] = []

        def progress(item: Judged) -> None:
            judged.append(item)
            print(progress_line(len(judged), len(mutants), item), flush=True)

        campaign.judge(mutants, progress)
        problem = ""
        try:
            campaign.require_clean("at the end")
        except NotCleanError as error:
            problem = str(error)
    print_summary(Console(width=None if sys.stdout.isatty() else 160), judged, covered)
    write_json(report, judged, covered, seconds=time.monotonic() - started, clean=not problem)
    print(f"{time.monotonic() - started:.0f} s; written to {report}")
    if problem:
        _complain(problem)
    all_killed = len(judged) == len(mutants) and all(i.fate is Fate.KILLED for i in judged)
    return CLEAN if all_killed and not covered.uncovered and not problem else NOT_ALL_KILLED


def _coverage() -> Coverage:
    controls = [item.identifier for item in catalogue.load().values() if _PROFILE in item.profiles]
    return coverage(controls, every_mutant(), load_exemptions())


def _complain(message: str) -> None:
    print(f"mutants: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mutants",
        description="Break a deployment in the sandbox, fault by fault, and see that exactly the "
        "right control fails each time.",
        epilog="exit codes: 0 every mutant killed by the right control, every control covered; "
        "1 not so; 2 it could not be run, and the message says why; 130 interrupted",
    )
    parser.add_argument(
        "--sandbox", metavar="URL", help="a running sandbox, instead of one of its own"
    )
    parser.add_argument(
        "--outputs", metavar="FILE", type=Path, help="of the deployment in that sandbox"
    )
    parser.add_argument(
        "--function-package",
        metavar="ZIP",
        type=Path,
        default=Path("lambda/dist/compliance_checker.zip"),
        help="what was deployed there (default: %(default)s)",
    )
    parser.add_argument(
        "--only", metavar="PATTERN", help="mutants whose name, family or control matches (* and ?)"
    )
    parser.add_argument("--list", action="store_true", help="list the mutants and stop")
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        default=Path("reports/mutants.json"),
        help="where to write the findings (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
