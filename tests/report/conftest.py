"""A headless browser, and a web server that remembers what it was asked for."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@dataclass(frozen=True)
class Browser:
    """Chromium, run once for each call with a fresh profile."""

    program: str
    profiles: Path

    def run(self, url: str, *flags: str, seconds: float = 60) -> str:
        """Open the URL with the flags and return what the browser wrote to standard output."""
        profile = self.profiles / f"profile-{len(list(self.profiles.iterdir()))}"
        command = [self.program, *FLAGS, f"--user-data-dir={profile}", *flags, url]
        # A group of its own, so that a time-out ends the browser's children too.
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        assert process.returncode == 0, errors.decode(errors="replace")
        return output.decode("utf-8")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        message = f"none of {', '.join(NAMES)} is on the PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return Browser(program, tmp_path_factory.mktemp("browser"))


@dataclass
class Site:
    """A folder served on the loopback interface, and the paths that were requested of it."""

    folder: Path
    address: str
    requested: list[str] = field(default_factory=list)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, requested: list[str], directory: str) -> None:
        self._requested = requested
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._requested.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its own name
        """Keep the test's output to the tests."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    requested: list[str] = []
    handler = partial(_Handler, requested=requested, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}", requested)
        server.shutdown()
        thread.join()
