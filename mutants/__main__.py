"""`python -m mutants`: show that every control fails when it should."""

from __future__ import annotations

import argparse
import fnmatch
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from rich.console import Console

from mutants import outputs
from mutants.account import Account
from mutants.accounts import Given, judge_all
from mutants.answers import text as answers_text
from mutants.answers.campaign import AnswerFindings, AnswersError, Recording, try_answers
from mutants.campaign import NotCleanError
from mutants.coverage import Coverage, ExemptionError, coverage, load_exemptions
from mutants.deployed import DeployedError
from mutants.families import mutants_of
from mutants.model import Fate, Judged, Mutant
from mutants.outputs import OutputFindings
from mutants.suite import InterruptedRunError, SuiteError, SuiteRunner
from mutants.summary import describe, print_summary, progress_line, write_json
from verify.inputs import baseline
from verify.inputs.accounted import AccountError

CLEAN, NOT_ALL_KILLED, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    if (read.sandbox is None) != (read.outputs is None):
        _complain("--sandbox and --outputs belong together: an account and where things are in it")
        return CANNOT_RUN
    controls = baseline.load(read.profile).controls
    mutants = chosen(mutants_of(controls), read.only)
    if not mutants:
        _complain(f"no mutant matches {' or '.join(read.only)}: see --list")
        return CANNOT_RUN
    if read.list:
        for mutant in mutants:
            print(f"{mutant.family}: {mutant.name}: {mutant.description}")
            print(f"    {', '.join(sorted(mutant.fails))}")
        return CLEAN
    # A CI that gives up sends SIGTERM; it must end like Ctrl-C, which mends and cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        covered = coverage(controls, mutants_of(controls), load_exemptions())
        return run(mutants, covered, read)
    except (
        DeployedError,
        NotCleanError,
        ExemptionError,
        SuiteError,
        AnswersError,
        AccountError,
    ) as error:
        _complain(str(error))
        return CANNOT_RUN
    except (KeyboardInterrupt, InterruptedRunError):
        _complain("interrupted; the account was mended")
        return INTERRUPTED


def chosen(mutants: Sequence[Mutant], patterns: Sequence[str] | None) -> list[Mutant]:
    """The mutants whose name, family or control matches one of the shell patterns; all if None."""
    if patterns is None:
        return list(mutants)
    return [
        mutant
        for mutant in mutants
        for texts in [(mutant.name, mutant.family, *mutant.fails)]
        if any(fnmatch.fnmatch(text, pattern) for text in texts for pattern in patterns)
    ]


def run(mutants: Sequence[Mutant], covered: Coverage, read: argparse.Namespace) -> int:
    """Judge `mutants` in the deployment that was named, or in some of our own."""
    started = time.monotonic()
    given = Given(read.sandbox, read.outputs, read.function_package) if read.sandbox else None
    count = 0

    def progress(item: Judged) -> None:
        nonlocal count
        count += 1
        print(progress_line(count, len(mutants), item), flush=True)
        if item.fate is not Fate.KILLED:
            print(describe(item), flush=True)

    answers: list[AnswerFindings] = []
    led: list[OutputFindings] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        accounts = 1 if given else min(read.accounts, len(mutants))

        def recorded(recording: Recording, stopping: Event) -> None:
            _say("altering the answers of a clean run")
            own = Path(folder) / "answers"
            tried = try_answers(recording, own, _say, stopping, only=read.only or ())
            answers.append(tried)
            _say("\n".join([*answers_text.lines_of(tried), answers_text.totals_of(tried)]))

        def clean(account: Account, runner: SuiteRunner, run: Path, stopping: Event) -> None:
            _say("leading each output nowhere")
            rests = outputs.resting(run, account.outputs["region"])
            led.append(outputs.try_outputs(account, runner, rests, _say, stopping, read.only))

        found = judge_all(
            mutants, read.profile, given, accounts, Path(folder), _say, progress, recorded, clean
        )
    judged = sorted(found.judged, key=lambda item: mutants.index(item.mutant))
    console = Console(width=None if sys.stdout.isatty() else 160)
    print_summary(console, judged, covered, answers, led)
    seconds = time.monotonic() - started
    write_json(read.json, judged, covered, answers, led, seconds=seconds, clean=not found.problems)
    print(f"{seconds:.0f} s; written to {read.json}")
    for problem in found.problems:
        _complain(problem)
    all_killed = len(judged) == len(mutants) and all(i.fate is Fate.KILLED for i in judged)
    good = all_killed and not covered.uncovered and not found.problems
    good = good and bool(answers) and all(tried.good for tried in answers)
    good = good and bool(led) and all(tried.good for tried in led)
    return CLEAN if good else NOT_ALL_KILLED


def _say(line: str) -> None:
    print(line, flush=True)


def _complain(message: str) -> None:
    print(f"mutants: {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mutants",
        description="Break a deployment in the sandbox, fault by fault, and see that exactly the "
        "right control fails each time; lead each output of the deployment nowhere; and alter the "
        "answers of a clean run, field by field (see `python -m mutants.answers --help`).",
        epilog="exit codes: 0 every mutant killed by the right control, every control covered, no "
        "alteration survived; "
        "1 not so; 2 it could not be run, and the message says why; 130 interrupted",
    )
    parser.add_argument(
        "--sandbox", metavar="URL", help="a running sandbox, instead of one of its own"
    )
    parser.add_argument(
        "--outputs",
        metavar="FILE",
        type=Path,
        help="of the deployment in that sandbox, made with every probe in verifier_probes",
    )
    parser.add_argument(
        "--function-package",
        metavar="ZIP",
        type=Path,
        default=Path("lambda/dist/compliance_checker.zip"),
        help="what was deployed there (default: %(default)s)",
    )
    parser.add_argument(
        "--accounts",
        metavar="NUMBER",
        type=int,
        choices=range(1, 9),
        default=2,
        help="sandboxes of its own to work in side by side, 1 to 8 (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        action="append",
        help="mutants whose name, family or control matches, outputs whose name does, and "
        "alterations whose operation, member or control does (* and ?); may be given several times",
    )
    parser.add_argument(
        "--profile",
        choices=baseline.profiles(),
        default="dev",
        help="what to deploy, and what the account is held to (default: %(default)s)",
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
