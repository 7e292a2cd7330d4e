"""Reports of a run: one writer a format, all from one Report model.

A writer is a module with the FILE_NAME of its format and a function `render` from Report to text.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from verify.model import Report
from verify.report import (
    asff,
    html,
    json_report,
    junit,
    markdown,
    ocsf,
    oscal,
    outcome,
    table,
)

__all__ = ["FORMATS", "ReportError", "html", "json_report", "junit", "write_reports"]


class Writer(Protocol):
    """What a module must have to be a writer."""

    FILE_NAME: str

    def render(self, report: Report) -> str:
        """The run in the format."""


# The one list of formats, by the names that `--formats` knows.
FORMATS: Mapping[str, Writer] = {
    "html": html,
    "junit": junit,
    "json": json_report,
    "outcome": outcome,
    "csv": table,
    "markdown": markdown,
    "oscal": oscal,
    "ocsf": ocsf,
    "asff": asff,
}

# What other commands and later runs read: written whatever is chosen.
ALWAYS = frozenset({"json", "outcome"})


class ReportError(Exception):
    """The reports could not be written; the cause is chained."""


def write_reports(
    report: Report, folder: Path, formats: Collection[str] = tuple(FORMATS)
) -> Mapping[str, Path]:
    """Write the run in some formats, every one by default, into the folder; the paths by name.

    The folder is created when it is missing. Every format is rendered before any is written and
    each file is put in place whole, so a reader never meets half of one.

    Raises ReportError when the folder cannot be written.
    """
    writers = [writer for name, writer in FORMATS.items() if name in formats]
    rendered = {writer.FILE_NAME: writer.render(report) for writer in writers}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: _write(folder / name, text) for name, text in rendered.items()}
    except OSError as error:
        raise ReportError(f"cannot write the reports to {folder}: {error}") from error


def _write(path: Path, text: str) -> Path:
    # Not tempfile: its files are private to the user, and a report is meant to be handed on.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
