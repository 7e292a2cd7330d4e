"""`python -m verify check-evidence`: check a run, or every run of a folder, without any account.

Only where the folder is in a bucket is AWS asked, for what lies there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain, say
from verify.proof import chain, manifest
from verify.proof.bucket import BucketError
from verify.proof.chain import ChainError
from verify.proof.check import Asked, Checked, Said, check_run
from verify.proof.fetch import Opened, opened

VERIFIED, NOT_AS_IT_WAS, CANNOT_CHECK, NOT_COMPLETE = 0, 1, 2, 6

_EPILOG = f"""\
exit codes: {VERIFIED} all is as it was sealed, and the evidence gives each verdict of the report;
{NOT_AS_IT_WAS} something is not, and the lines say what; {CANNOT_CHECK} there is nothing to check;
{NOT_COMPLETE} all is as it was sealed, but the verdicts could not be judged again, or clocks
contradict each other, so that it is not certain when a run was made.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    asked = Asked(read.public_key, read.timestamp_root, judge=not read.no_verdicts)
    try:
        with opened(read.folder, say) as place:
            return _check_opened(place, asked)
    except (BucketError, ChainError) as error:
        return _cannot(str(error))


def _check_opened(place: Opened, asked: Asked) -> int:
    folder, name = place.folder, place.name
    if not folder.is_dir():
        return _cannot(f"there is no folder {name}")
    for note in place.notes:
        say(f"{name}: {note}")
    if place.run is not None:
        for fault in place.faults:
            say(f"{name}: NOT AS IT WAS: {fault}")
        return _exit_code([_check(place, place.run, asked)], place.faults)
    if chain.is_kept(folder):
        return _check_all(place, asked)
    if not (folder / "evidence").is_dir() and not (folder / manifest.FILE_NAME).exists():
        return _cannot(
            f"{name} is neither a run's folder nor one of several with their {chain.LEDGER}: name "
            "reports or reports/latest"
        )
    return _exit_code([_check(place, "", asked)], place.faults)


def _check_all(place: Opened, asked: Asked) -> int:
    reports = place.folder
    links = chain.read(reports)
    broken = [*place.faults, *chain.faults(reports)]
    say(f"{place.name}: a chain of {len(links)} runs")
    for fault in broken:
        say(f"  NOT AS IT WAS: {fault}")
    if not broken:
        say("  each follows the one before it, and none is missing")
    for name in chain.unfinished(reports):
        say(f"  note: {name} was never sealed: its run was killed, or goes on")
    found = [
        _check(place, link.run_id, asked)
        for link in links
        if (reports / link.run_id / manifest.FILE_NAME).is_file()
    ]
    return _exit_code(found, broken)


def _check(place: Opened, run: str, asked: Asked) -> Checked:
    """Check a run by its name below a place, or the place itself."""
    folder = place.folder / run
    say(f"{folder if place.is_local else f'{place.name}{run}'}:")
    return check_run(folder, _tell, asked, within_chain=chain.is_kept(folder.parent))


def _tell(said: Said) -> None:
    mark = {True: "", False: "NOT AS IT WAS: ", None: "not checked: "}[said.good]
    say(f"  {said.about:<10} {mark}{said.text}")


def _exit_code(found: Sequence[Checked], broken: Sequence[str]) -> int:
    if broken or not all(checked.as_sealed for checked in found):
        return NOT_AS_IT_WAS
    return VERIFIED if all(checked.complete for checked in found) else NOT_COMPLETE


def _cannot(message: str) -> int:
    complain("check-evidence", message)
    return CANNOT_CHECK


def add_time_stamp_root(parser: argparse.ArgumentParser) -> None:
    """The option by which a command is given the root of time stamps."""
    parser.add_argument(
        "--timestamp-root",
        metavar="FILE",
        type=Path,
        help="the certificates (PEM) to one of which each run's time stamp must lead; without it "
        "the time is told, and whose word it is not verified",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify check-evidence",
        description="Check, without any account, that nothing in the folder of a run was changed, "
        "taken out or put in since it was sealed, that its report is of this evidence, and that "
        "the evidence gives each of its verdicts. With a folder of several runs, their chain too.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folder",
        help="of a run (reports/latest), or of all of them (reports); or where they lie in a "
        "bucket (s3://<bucket>/[<prefix>/][<run>])",
    )
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        type=Path,
        help="by which the manifests must be signed (PEM); without it the key is told, and who "
        "it belongs to is for you to find out",
    )
    add_time_stamp_root(parser)
    parser.add_argument(
        "--no-verdicts",
        action="store_true",
        help="check the files alone, and do not judge the evidence again (a second or two a run)",
    )
    return parser
