"""Whether a run's report is of this evidence, and every other format of this report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from verify import __version__
from verify.inputs.reader import UnreadableError, read_text
from verify.model import Report
from verify.proof import manifest
from verify.proof.manifest import Manifest
from verify.report import FORMATS, json_report
from verify.report.json_report import InvalidReportError

_MAXIMUM_CHARACTERS = 200_000_000
_EVIDENCE = ("evidence/", "inputs/")


class ChangedError(Exception):
    """A folder is not as it was sealed. The message names the files."""


class NoReportError(Exception):
    """The run's report cannot be read. The message names the cause."""


def read(folder: Path) -> Report:
    """The report of a run. Raises NoReportError."""
    return read_file(folder / json_report.FILE_NAME)


def read_file(path: Path, parse: Callable[[str], Report] = json_report.parse) -> Report:
    """The report in a file. Raises NoReportError."""
    try:
        return parse(read_text(path, str(path), _MAXIMUM_CHARACTERS))
    except (UnreadableError, InvalidReportError, RecursionError) as error:
        raise NoReportError(f"{path}: {error}") from None


def sealed(folder: Path) -> tuple[Manifest, Report]:
    """A run's manifest and report, whose folder must be as it was sealed.

    Raises ChangedError where it is not; ManifestError, NoReportError and OSError.
    """
    stated = manifest.read(folder)
    if changed := manifest.differences(folder, stated):
        raise ChangedError(f"{folder} is not as it was sealed:\n  " + "\n  ".join(changed))
    return stated, read(folder)


def verdicts(folder: Path) -> Report:
    """Of a run's report what `json_report.verdicts` reads. Raises NoReportError."""
    return read_file(folder / json_report.FILE_NAME, json_report.verdicts)


def faults(folder: Path, report: Report, stated: Manifest) -> Iterator[str]:
    """In what the report is not that of this folder; each names the file."""
    if report.run_id != stated.run_id:
        yield (
            f"{json_report.FILE_NAME}: it is of the run {report.run_id}, the manifest of "
            f"{stated.run_id}"
        )
    named = {item.file: item.sha256 for item in report.evidence}
    named |= {item.file: item.sha256 for item in report.inputs}
    sealed_as = {
        entry.file: entry.sha256 for entry in stated.files if entry.file.startswith(_EVIDENCE)
    }
    for file in sorted(named.keys() | sealed_as.keys()):
        if named.get(file) != sealed_as.get(file):
            yield (
                f"{file}: SHA-256 by the report {named.get(file, 'none')}, by the manifest "
                f"{sealed_as.get(file, 'none')}"
            )
    if stated.tool_version == __version__:
        yield from _not_rendered(folder, report)


def _not_rendered(folder: Path, report: Report) -> Iterator[str]:
    """The files of other formats that do not say what the report says."""
    for writer in FORMATS.values():
        path = folder / writer.FILE_NAME
        if path.is_file() and path.read_bytes() != writer.render(report).encode():
            yield f"{path.name}: it does not say what {json_report.FILE_NAME} says"
