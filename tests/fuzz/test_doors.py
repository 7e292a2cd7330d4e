"""What once went wrong, and that no door is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.bounded import outcome
from tests.fuzz.doors import DOORS, ROOT
from tests.fuzz.entering import enter, folder, went_well
from tests.fuzz.exempt import NO_INPUT, WRITTEN_ONLY

_CORPUS = Path(__file__).parent / "corpus"
_DOOR_OF = {folder(name): name for name in DOORS}


@pytest.mark.parametrize(
    "path", sorted(_CORPUS.glob("*/*")), ids=lambda path: str(path.relative_to(_CORPUS))
)
def test_what_once_went_wrong_does_not_again(path: Path) -> None:
    door, content = DOORS[_DOOR_OF[path.parent.name]], path.read_bytes()
    said = outcome(lambda: enter(door, content))
    assert went_well(said), said


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: "x" * (2 << 30), "MemoryError"),
        (lambda: _loop(), "ended by signal"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_costs_too_much_is_ended_and_told(call: object, said: str) -> None:
    assert said in outcome(call, seconds=1)  # type: ignore[arg-type]


def _loop() -> str:
    while True:
        pass


def test_every_schema_is_that_of_a_door() -> None:
    schemas = {path.name.partition(".")[0] for path in ROOT.glob("verify/schemas/*.schema.json")}
    held = {door.schema for door in DOORS.values() if door.schema}
    assert held | WRITTEN_ONLY.keys() == schemas
    assert not held & WRITTEN_ONLY.keys()


def _errors() -> Iterator[str]:
    """The exceptions of the product, by module and name."""
    for room in ("verify", "lambda/compliance_checker"):
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            module = ".".join(part for part in parts if part != "__init__")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    yield f"{module.removeprefix('lambda.')}.{node.name}"


def test_every_error_is_that_of_a_door_or_not_about_input() -> None:
    of_doors = {
        f"{error.__module__}.{error.__qualname__}"
        for door in DOORS.values()
        for error in door.refuses
        if error.__module__ != "builtins"
    }
    assert of_doors | NO_INPUT.keys() == set(_errors())
    assert not of_doors & NO_INPUT.keys()
