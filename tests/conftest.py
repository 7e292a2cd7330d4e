"""What holds for all of the project's own tests."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.costs import Cost, cost, dear_program, in_order
from verify.suite import markers

# A slow machine is no fault of what is tested: nothing is asserted by the clock.
settings.register_profile("by-no-clock", deadline=None)
settings.load_profile("by-no-clock")

# A shell that starts this run in the background has SIGINT ignored in it, and what a run starts
# inherits that; the tests that interrupt a command would then wait for what never comes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Checks are imported by some tests; their markers are no mistakes."""
    markers.register(config)
    config.addinivalue_line("markers", "slow: needs what takes long to start; not for `make fast`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what shares something that takes long to start, and let the longest start first.

    `make fast` leaves slow tests out, and nobody has to remember to mark one; a test that starts
    such a thing for itself alone says so, or it is stopped.
    """
    items[:] = in_order(items)
    for item in items:
        if cost(item) < Cost.STARTS_NOTHING:
            item.add_marker("slow")


_running: list[pytest.Item] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know which test starts a process."""
    _running[:] = [item]
    try:
        return (yield)
    finally:
        _running.clear()


def _stop_unmarked(event: str, arguments: tuple[object, ...]) -> None:
    if event != "subprocess.Popen" or not _running:
        return
    [item] = _running
    program = dear_program(arguments[1])
    if program is not None and item.get_closest_marker("slow") is None:
        raise RuntimeError(f"{item.nodeid} starts {program}: mark it with pytest.mark.slow")


sys.addaudithook(_stop_unmarked)
