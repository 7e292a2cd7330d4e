"""Put an account under load for a long time, and see that each violation is told exactly once.

A sandbox of its own, with a profile deployed into it, takes calls at an even pace: reads, harmless
changes, and violations of many rules strewn in, chosen by a seed. Both alert paths are on. A queue
on the alert topic hears what is told. Exit codes: 0 each violation was told once and memory stayed
flat, 1 not so, 2 the run could not be made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from mutants import deployed
from soak.run import Plan, run
from verify.console import complain, say

CLEAN, NOT_CLEAN, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130


def main() -> int:
    """Run the command line; the exit code."""
    options = _parser().parse_args()
    plan = Plan(options.calls, options.minutes * 60, options.workers, options.seed)
    never = threading.Event()
    try:
        with tempfile.TemporaryDirectory(prefix="trailwarden-soak-") as name:
            folder = Path(name)
            package = deployed.build_package(folder, never)
            with deployed.sandbox(folder / "sandbox.log") as url:
                say(f"deploying {options.profile} into a sandbox (about a minute)")
                outputs = deployed.deploy(url, package, folder, never, {}, options.profile)
                [sandbox] = psutil.Process().children()
                result = run(plan, url, sandbox, outputs, say)
    except deployed.DeployedError as error:
        complain("soak", str(error))
        return CANNOT_RUN
    except KeyboardInterrupt:
        complain("soak", "interrupted: nothing is judged")
        return INTERRUPTED
    text = result.text()
    say(f"\n{text}")
    if options.output:
        options.output.write_text(text, encoding="utf-8")
        say(f"written to {options.output}")
    return CLEAN if result.clean else NOT_CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--calls", type=_positive, default=10_000, help="how many calls are made (%(default)s)"
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=20.0,
        help="in how many minutes, evenly (%(default)s); a short run judges no memory",
    )
    parser.add_argument(
        "--workers", type=_positive, default=4, help="how many make calls at once (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="what chooses the calls (%(default)s)")
    parser.add_argument("--profile", default="dev", help="what is deployed (%(default)s)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the summary there, too")
    return parser


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 7 * 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r} are no minutes (more than 0, at most a week)")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
