"""Which tests take long to start, and what starts first.

Nothing here is kept by hand that could be forgotten: a test is slow by the fixtures that it asks
for or by its own mark, and one that is neither may start nothing that takes long.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path

import pytest

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Fixtures that wait for Terraform. A name that is missing here costs time, nothing else.
_DEPLOYING = frozenset({"deployed", "checked"})


class Cost(IntEnum):
    """How early a file of tests starts: the longest first, so that none is left at the end."""

    STARTS_ITS_OWN = 0
    DEPLOYS = 1
    SHARES_WHAT_STARTS = 2
    STARTS_NOTHING = 3


def cost(item: pytest.Item) -> Cost:
    """What the test costs, by its own mark and the fixtures that it asks for.

    A fixture of wider scope than a test is one that is too dear to make for each.
    """
    if item.get_closest_marker("slow") is not None:
        return Cost.STARTS_ITS_OWN
    shared = {fixture.argname for fixture in _fixtures(item) if _is_shared(fixture)}
    if shared & _DEPLOYING:
        return Cost.DEPLOYS
    return Cost.SHARES_WHAT_STARTS if shared else Cost.STARTS_NOTHING


def dear_program(command: object) -> str | None:
    """The program that takes long to start, if the command (as Popen takes it) starts one."""
    if isinstance(command, str | bytes | os.PathLike):
        words = os.fsdecode(command).split()
    elif isinstance(command, Sequence):
        words = [os.fsdecode(word) for word in command]
    else:
        return None
    if not words:
        return None
    program = Path(words[0]).name
    if program in _BROWSERS:
        return program
    if words[1:3] == ["-m", "sandbox"]:
        return "the sandbox"
    return "the demo" if program == "make" and words[1:2] == ["demo"] else None


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests, file by file, those files first of which a test costs most."""
    listed = list(items)
    first: dict[Path, Cost] = {}
    for item in listed:
        first[item.path] = min(cost(item), first.get(item.path, Cost.STARTS_NOTHING))
    return sorted(listed, key=lambda item: first[item.path])


def _fixtures(item: pytest.Item) -> list[pytest.FixtureDef[object]]:
    # What pytest resolved for the item; it offers no other way to ask.
    info = getattr(item, "_fixtureinfo", None)
    return [named[-1] for named in info.name2fixturedefs.values() if named] if info else []


def _is_shared(fixture: pytest.FixtureDef[object]) -> bool:
    return fixture.scope != "function" and fixture.func.__module__.startswith("tests")
