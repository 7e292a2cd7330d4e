"""Reports of a run: one writer a format, all from one Report model.

A writer is a module with the FILE_NAME of its format and a function `render` from Report to text.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from verify.model import Report
from verify.report import html, json_report, junit

__all__ = ["WRITERS", "ReportError", "html", "json_report", "junit", "write_reports"]


class Writer(Protocol):
    """What a module must have to be a writer."""

    FILE_NAME: str

    def render(self, report: Report) -> str:
        """The run in the format."""


# The one list of formats.
WRITERS: tuple[Writer, ...] = (html, junit, json_report)


class ReportError(Exception):
    """The reports could not be written; the cause is chained."""


def write_reports(report: Report, folder: Path) -> Mapping[str, Path]:
    """Write the run in every format into the folder; return the paths by file name.

    The folder is created when it is missing. Every format is rendered before any is written and
    each file is put in place whole, so a reader never meets half of one.

    Raises ReportError when the folder cannot be written.
    """
    rendered = {writer.FILE_NAME: writer.render(report) for writer in WRITERS}
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
