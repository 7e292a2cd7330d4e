"""What holds for all of the project's own tests."""

from __future__ import annotations

import signal

import pytest

from verify.suite import markers

# A shell that starts this run in the background has SIGINT ignored in it, and what a run starts
# inherits that; the tests that interrupt a command would then wait for what never comes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Checks are imported by some tests; their markers are no mistakes."""
    markers.register(config)
