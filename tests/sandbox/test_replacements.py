"""What the sandbox replaces of moto: the one table, held against the pinned moto."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.front.replacements import TABLE
from sandbox.replacement import Kind, Replacement, ReplacementError, install
from tests.sandbox.support import ROOT


class Moto:
    """Stands for a class of moto."""

    def greet(self, name: str) -> str:
        return f"moto greets {name}"

    @property
    def colour(self) -> str:
        return "grey"


def instead(context: str, own: Any, name: str) -> str:
    return f"{context} greets {name}"


def around(context: str, original: Callable[..., str], own: Any, name: str) -> str:
    return f"{original(own, name)} and {context}"


def colour(context: str, own: Any) -> str:
    return context


@pytest.fixture
def moto() -> type[Moto]:
    return type("Moto", (), dict(vars(Moto)))


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.target)
def test_every_entry_fits_the_pinned_moto_and_has_a_reason(entry: Replacement) -> None:
    assert entry.problem() is None
    assert entry.why.endswith(".")
    assert len(entry.why.split()) >= 3
    assert entry.by.__doc__, "what stands in moto's place says what it does"
    assert entry.by.__qualname__ == entry.by.__name__, "it is a function of its module"


def test_no_attribute_is_replaced_twice() -> None:
    assert [target for target, times in Counter(e.target for e in TABLE).items() if times > 1] == []


@pytest.mark.slow
def test_the_command_line_prints_all_of_them() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "sandbox", "--replacements"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    for entry in TABLE:
        assert f"{entry.target}\n    {entry.kind}: {entry.replaced_by}\n" in finished.stdout
        assert entry.why in finished.stdout


def test_a_replacement_stands_instead_of_what_there_was(moto: Any) -> None:
    install([([Replacement(moto, "greet", instead, "why")], "sandbox")])
    assert moto().greet("you") == "sandbox greets you"


def test_a_replacement_around_what_there_was_can_call_it(moto: Any) -> None:
    install([([Replacement(moto, "greet", around, "why", Kind.AROUND)], "sandbox")])
    assert moto().greet(name="you") == "moto greets you and sandbox"


def test_a_property_stays_one(moto: Any) -> None:
    install([([Replacement(moto, "colour", colour, "why")], "green")])
    assert moto().colour == "green"


def test_what_is_added_can_be_a_path_too(moto: Any) -> None:
    paths: dict[str, Any] = {}
    install(
        [
            (
                [
                    Replacement(moto, "hail", instead, "why", Kind.ADDED),
                    Replacement(paths, "/hail", colour, "why", Kind.ADDED),
                ],
                "sandbox",
            )
        ]
    )
    assert moto().hail("you") == "sandbox greets you"
    assert paths["/hail"]("request") == "sandbox"


def test_a_moto_without_the_attribute_is_told_of_before_anything_is_replaced(moto: Any) -> None:
    table = [
        Replacement(moto, "greet", instead, "why"),
        Replacement(moto, "gone", instead, "why"),
        Replacement(moto, "colour", colour, "why", Kind.ADDED),
    ]
    with pytest.raises(ReplacementError) as failure:
        install([(table, "sandbox")])
    owner = f"{__name__}.Moto"
    assert str(failure.value) == (
        f"moto has no {owner}.gone any more; moto has a {owner}.colour of its own now"
    )
    assert moto().greet("you") == "moto greets you"
