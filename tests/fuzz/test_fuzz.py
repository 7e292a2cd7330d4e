"""Foreign input: never a traceback, always a value or the house's own error, at bounded cost."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.bounded import outcome
from tests.fuzz.doors import DOORS, ROOT, Door
from tests.fuzz.exempt import NO_INPUT, WRITTEN_ONLY
from tests.fuzz.foreign import as_json, bombs, documents, texts

CORPUS = Path(__file__).parent / "corpus"
# More of them for a long run by hand.
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
_PROFILE = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def _enter(door: Door, content: bytes) -> str:
    """What the door says of the content; any error that is not its own comes through."""
    try:
        door.read(content)
    except door.refuses as error:
        return f"refused: {error}"
    return "read"


def _keep(name: str, content: bytes) -> str:
    """How to keep a failure as an example."""
    path = f"{name.replace(' ', '-')}/{hashlib.sha256(content).hexdigest()[:12]}"
    if len(content) > 20_000:
        return f"{len(content):,} bytes"
    return f"keep it as tests/fuzz/corpus/{path}: base64 {base64.b64encode(content).decode()}"


def _contents(door: Door) -> st.SearchStrategy[bytes]:
    examples = door.documents()
    written = tuple(as_json(each) for each in examples) + door.texts()
    strange = texts(written)
    return st.one_of(documents(examples).map(as_json), strange) if examples else strange


@pytest.mark.parametrize("name", DOORS)
def test_each_example_is_read(name: str) -> None:
    """Otherwise what is made of it would be refused at the first step."""
    door = DOORS[name]
    examples = tuple(as_json(each) for each in door.documents()) + door.texts()
    assert examples
    assert "read" in {_enter(door, content) for content in examples}


@pytest.mark.parametrize("name", DOORS)
def test_what_is_strange_is_read_or_refused(name: str) -> None:
    door = DOORS[name]

    @_PROFILE
    @given(_contents(door))
    def enter(content: bytes) -> None:
        try:
            _enter(door, content)
        except Exception as error:
            error.add_note(_keep(name, content))
            raise

    enter()


@pytest.mark.parametrize("name", DOORS)
def test_a_bomb_costs_no_more_than_it_may(name: str) -> None:
    door = DOORS[name]
    said = {}
    for bomb, content in bombs().items():
        said[bomb] = outcome(lambda content=content: _enter(door, content)[:2000])
    went_wrong = [
        f"{bomb}: {text}"
        for bomb, text in said.items()
        if not text.startswith(("read", "refused: "))
    ]
    assert not went_wrong, "\n".join(went_wrong)


def _corpus() -> Iterator[tuple[str, Path]]:
    folders = {name.replace(" ", "-"): name for name in DOORS}
    for path in sorted(CORPUS.glob("*/*")):
        yield folders[path.parent.name], path


@pytest.mark.parametrize(
    ("name", "path"), _corpus(), ids=lambda value: getattr(value, "name", value)
)
def test_what_once_went_wrong_does_not_again(name: str, path: Path) -> None:
    content = path.read_bytes()
    said = outcome(lambda: _enter(DOORS[name], content)[:2000])
    assert said.startswith(("read", "refused: ")), said


# --- that none is forgotten -----------------------------------------------------------------------


def test_every_schema_is_that_of_a_door() -> None:
    schemas = {path.name.partition(".")[0] for path in ROOT.glob("verify/schemas/*.schema.json")}
    held = {door.schema for door in DOORS.values() if door.schema}
    assert held | WRITTEN_ONLY.keys() == schemas
    assert not held & WRITTEN_ONLY.keys()


def _errors() -> set[str]:
    """The exceptions of the product, by module and name."""
    found = set()
    for room in ("verify", "lambda/compliance_checker"):
        for path in (ROOT / room).rglob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            module = module.removeprefix("lambda.")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                    found.add(f"{module}.{node.name}")
    return found


def test_every_error_is_that_of_a_door_or_not_about_input() -> None:
    of_doors = {
        f"{error.__module__}.{error.__qualname__}"
        for door in DOORS.values()
        for error in door.refuses
        if error.__module__ != "builtins"
    }
    assert of_doors | NO_INPUT.keys() == _errors()
    assert not of_doors & NO_INPUT.keys()
