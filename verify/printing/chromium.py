"""Printing a page with a headless Chromium: page numbers, bookmarks and tags come from it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_SECONDS = 300
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)


class PrintError(Exception):
    """The page could not be printed. The message names the cause and the remedy."""


def print_page(page: str, output: Path) -> None:
    """Print an HTML page as the PDF `output`. Raises PrintError."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise PrintError(
            f"none of {', '.join(NAMES)} is on the PATH: install one (Debian: apt-get install "
            "chromium), or print report.html with any browser"
        )
    with tempfile.TemporaryDirectory(prefix="trailwarden-print-") as folder:
        source, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        command = [
            program,
            *_FLAGS,
            # Chromium's sandbox refuses to run as root, which is who containers run as.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={made}",
            source.as_uri(),
        ]
        said = _run(command)
        if not made.is_file():
            raise PrintError(f"{program} made no PDF: {said[-1_000:]}")
        try:
            shutil.copyfile(made, output)
        except OSError as error:
            raise PrintError(f"the PDF cannot be written: {error}: choose --output") from None


def _run(command: list[str]) -> str:
    # A group of its own, so that a time-out ends the browser's children too.
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise PrintError(f"{command[0]} took longer than {_PATIENCE_SECONDS} s") from None
    return said
