"""`python -m verify check-evidence`: check a run, or every run of a folder, without any account."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain, say
from verify.proof import chain, manifest
from verify.proof.chain import ChainError
from verify.proof.check import Checked, Said, check_run

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
    folder: Path = read.folder.resolve()
    if not folder.is_dir():
        return _cannot(f"there is no folder {read.folder}")
    try:
        if (folder / chain.LEDGER).is_file():
            return _check_all(folder, read)
        if not (folder / "evidence").is_dir() and not (folder / manifest.FILE_NAME).exists():
            return _cannot(
                f"{read.folder} is neither a run's folder nor one of several with their "
                f"{chain.LEDGER}: name reports or reports/latest"
            )
        return _exit_code([_check(folder, read)], [])
    except ChainError as error:
        return _cannot(str(error))


def _check_all(reports: Path, read: argparse.Namespace) -> int:
    links = chain.read(reports)
    broken = chain.faults(reports)
    say(f"{reports}: a chain of {len(links)} runs")
    for fault in broken:
        say(f"  NOT AS IT WAS: {fault}")
    if not broken:
        say("  each follows the one before it, and none is missing")
    for name in chain.unfinished(reports):
        say(f"  note: {name} was never sealed: its run was killed, or goes on")
    found = [
        _check(reports / link.run_id, read)
        for link in links
        if (reports / link.run_id / manifest.FILE_NAME).is_file()
    ]
    return _exit_code(found, broken)


def _check(folder: Path, read: argparse.Namespace) -> Checked:
    say(f"{folder}:")
    return check_run(
        folder,
        _tell,
        public_key=read.public_key,
        judge=not read.no_verdicts,
        within_chain=(folder.parent / chain.LEDGER).is_file(),
    )


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
        "folder", type=Path, help="of a run (reports/latest), or of all of them (reports)"
    )
    parser.add_argument(
        "--public-key",
        metavar="FILE",
        type=Path,
        help="by which the manifests must be signed (PEM); without it the key is told, and who "
        "it belongs to is for you to find out",
    )
    parser.add_argument(
        "--no-verdicts",
        action="store_true",
        help="check the files alone, and do not judge the evidence again (a second or two a run)",
    )
    return parser
