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
    config.addinivalue_line("markers", "slow: needs what takes long to start; not for `make fast`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what needs something that takes long to start: whatever that is, it is shared.

    A fixture of wider scope than a test is one that is too dear to make for each. `make fast`
    leaves such tests out, and nobody has to remember to mark one; a test that starts such a thing
    for itself alone says so.
    """
    for item in items:
        if any(_is_shared(definition) for definition in _fixtures_of(item)):
            item.add_marker("slow")


def _fixtures_of(item: pytest.Item) -> list[pytest.FixtureDef[object]]:
    # What pytest resolved for the item; it offers no other way to ask.
    info = getattr(item, "_fixtureinfo", None)
    return [named[-1] for named in info.name2fixturedefs.values() if named] if info else []


def _is_shared(definition: pytest.FixtureDef[object]) -> bool:
    return definition.scope != "function" and definition.func.__module__.startswith("tests")
