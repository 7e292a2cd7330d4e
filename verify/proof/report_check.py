"""Whether a run's report is of this evidence, and every other format of this report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from verify import __version__
from verify.inputs.reader import UnreadableError, read_text
from verify.model import Report
from verify.proof.manifest import Manifest
from verify.report import FORMATS, json_report
from verify.report.json_report import InvalidReportError

_MAXIMUM_CHARACTERS = 200_000_000
_EVIDENCE = ("evidence/", "inputs/")


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


def verdicts(folder: Path) -> Report:
    """Of a run's report what `json_report.verdicts` reads. Raises NoReportError."""
    return read_file(folder / json_report.FILE_NAME, json_report.verdicts)


def faults(folder: Path, report: Report, manifest: Manifest) -> Iterator[str]:
    """In what the report is not that of this folder; each names the file."""
    if report.run_id != manifest.run_id:
        yield (
            f"{json_report.FILE_NAME}: it is of the run {report.run_id}, the manifest of "
            f"{manifest.run_id}"
        )
    named = {item.file: item.sha256 for item in report.evidence}
    named |= {item.file: item.sha256 for item in report.inputs}
    stated = {
        entry.file: entry.sha256 for entry in manifest.files if entry.file.startswith(_EVIDENCE)
    }
    for file in sorted(named.keys() | stated.keys()):
        if named.get(file) != stated.get(file):
            yield (
                f"{file}: SHA-256 by the report {named.get(file, 'none')}, by the manifest "
                f"{stated.get(file, 'none')}"
            )
    if manifest.tool_version == __version__:
        yield from _not_rendered(folder, report)


def _not_rendered(folder: Path, report: Report) -> Iterator[str]:
    """The files of other formats that do not say what the report says."""
    for writer in FORMATS.values():
        path = folder / writer.FILE_NAME
        if path.is_file() and path.read_bytes() != writer.render(report).encode():
            yield f"{path.name}: it does not say what {json_report.FILE_NAME} says"
