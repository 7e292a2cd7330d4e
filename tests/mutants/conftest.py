"""One of these tests calls a check of the live suite, whose markers are the suite's own."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("control(identifier)", "live_fire"):
        config.addinivalue_line("markers", f"{marker}: of the live suite")
