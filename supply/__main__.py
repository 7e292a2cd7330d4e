"""`python -m supply`: licences and known vulnerabilities of what this project is made of."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from supply import audit, licences, lock
from supply.errors import SupplyError

_REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"

CLEAN, FOUND, CANNOT_RUN, UNSEEN = 0, 1, 2, 6

_EPILOG = """\
exit codes:
  0 nothing found; 1 a licence that is not admitted, or a known vulnerability; 2 it could not be
  asked, and the message says why; 6 nothing found, but of some nothing could be learnt
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line `arguments`; the exit code."""
    read = _parser().parse_args(arguments)
    try:
        if read.command == "licences":
            return _licences()
        codes = [_audit(read.program, path, read.arguments) for path in read.locks]
        return FOUND if FOUND in codes else max(codes)
    except SupplyError as error:
        sys.stderr.write(f"supply: {error}\n")
        return CANNOT_RUN


def _licences() -> int:
    found = licences.licensed(lock.pins(_REQUIREMENTS / "runtime.txt"))
    sys.stdout.write(licences.page(found))
    refused = [one for one in found if one.refused]
    for one in refused:
        sys.stderr.write(
            f"supply: {one.name} {one.version} is under {', '.join(sorted(one.refused))}, which is "
            "not among the licences that supply/licences.py admits\n"
        )
    return FOUND if refused else CLEAN


def _audit(program: Path, path: Path, arguments: Sequence[str]) -> int:
    _say(f"{path.name}: asking what is known of {len(lock.pins(path))} distributions ...")
    found = audit.audit(program, path, arguments)
    for line in (*found.vulnerable, *found.unseen):
        _say(f"  {line}")
    _say(
        f"{path.name}: {len(found.vulnerable)} known vulnerabilities; "
        f"{found.total - len(found.unseen)} of {found.total} distributions looked up"
    )
    if found.vulnerable:
        return FOUND
    return UNSEEN if found.unseen else CLEAN


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m supply",
        description="Licences and known vulnerabilities of what this project is made of.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("licences", help="print docs/licences.md from what is installed")
    audited = commands.add_parser(
        "audit",
        help="what pip-audit knows of the locks",
        description="Ask pip-audit what is known of each lock; what it could not see is named.",
    )
    audited.add_argument(
        "--program", type=Path, required=True, metavar="FILE", help="pip-audit's program"
    )
    audited.add_argument(
        "--lock",
        type=Path,
        action="append",
        dest="locks",
        required=True,
        metavar="FILE",
        help="a lock of requirements/; may be said again",
    )
    audited.add_argument("arguments", nargs="*", help="passed on to pip-audit; after --")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
