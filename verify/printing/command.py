"""`python -m verify pdf`: a sealed run as a PDF, beside its folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from verify.console import complain, say
from verify.printing import page
from verify.printing.chromium import PrintError, print_page
from verify.proof import report_check
from verify.proof.manifest import ManifestError
from verify.proof.report_check import ChangedError, NoReportError

PRINTED, NOT_AS_IT_WAS, CANNOT_PRINT = 0, 1, 2

_EPILOG = f"""\
exit codes: {PRINTED} printed; {NOT_AS_IT_WAS} the folder is not as it was sealed; {CANNOT_PRINT} it
cannot be printed, and the message says why.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code."""
    read = _parser().parse_args(arguments)
    folder: Path = read.folder.resolve()
    try:
        stated, report = report_check.sealed(folder)
        output: Path = read.output or folder.parent / f"{folder.name}.pdf"
        print_page(page.render(report, stated, annex=read.annex), output)
    except ChangedError as error:
        complain("pdf", str(error))
        return NOT_AS_IT_WAS
    except (ManifestError, NoReportError, PrintError, OSError) as error:
        complain("pdf", str(error))
        return CANNOT_PRINT
    say(f"printed: {output}")
    return PRINTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m verify pdf",
        description="Print a sealed run as a PDF: short, with its manifest's hash and the run on "
        "every page. It needs Chromium.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="of a run, such as reports/latest")
    parser.add_argument(
        "--annex", action="store_true", help="with all that was seen, and the evidence's hashes"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="where to write it (default: beside the run's folder, under the run's name)",
    )
    return parser
