"""The control catalogue: what is required, how severe, on what authority, how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.located import read_located
from verify.inputs.reader import UnreadableError
from verify.model import Citations, Control

_MARKED = re.compile(
    r'^@pytest\.mark\.control\(\s*"(?P<control>[^"]+)".*?^def (?P<test>\w+)\(',
    re.MULTILINE | re.DOTALL,
)

FILE = Path(__file__).parent / "controls.yaml"
MAXIMUM_CHARACTERS = 5_000_000


class CatalogueError(Exception):
    """The catalogue is not valid, or it and the tests do not match."""


@cache  # read when a run is prepared and when it starts
def load(path: Path = FILE) -> Mapping[str, Control]:
    """The controls by identifier, in the file's order.

    Raises CatalogueError when the file breaks `schemas/catalogue.schema.json` or names one twice.
    """
    try:
        document = read_located(path, "the control catalogue", MAXIMUM_CHARACTERS).value
    except UnreadableError as error:
        raise CatalogueError(str(error)) from None
    faults = schemas.violations("catalogue", document)
    if faults:
        raise CatalogueError("the control catalogue is not valid:\n  " + "\n  ".join(faults))
    controls: dict[str, Control] = {}
    for family in document["families"]:
        for entry in family["controls"]:
            if entry["id"] in controls:
                raise CatalogueError(f"the control catalogue has {entry['id']} twice")
            controls[entry["id"]] = _control(family["name"], entry)
    return controls


def _control(family: str, entry: Mapping[str, Any]) -> Control:
    return Control(
        identifier=entry["id"],
        family=family,
        statement=entry["statement"],
        severity=entry["severity"],
        citations=Citations(
            primary=tuple(entry["hipaa"]["primary"]),
            secondary=tuple(entry["hipaa"].get("secondary", ())),
            nist=tuple(entry["nist"]),
            cis=tuple(entry.get("cis", ())),
        ),
        rationale=entry["rationale"].strip(),
        remediation=entry["remediation"].strip(),
    )


def tested_controls(folder: Path) -> Mapping[str, list[str]]:
    """Control identifiers -> the tests below `folder` that carry them, read from the source.

    The source is read, not the collection, so that a run of a part of the suite judges the same.
    """
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        # By its lines: to parse every file would take longer than most checks.
        for marked in _MARKED.finditer(path.read_text(encoding="utf-8")):
            found.setdefault(marked["control"], []).append(f"{path.name}::{marked['test']}")
    return found


def mismatches(controls: Mapping[str, Control], tested: Mapping[str, list[str]]) -> list[str]:
    """Every control without a test, test without a control, and control with several tests."""
    lines = [f"control {name} has no test" for name in controls if name not in tested]
    for name, tests in tested.items():
        if name not in controls:
            lines.append(f"{tests[0]} names control {name}, which the catalogue does not have")
        elif len(tests) > 1:
            lines.append(f"control {name} has several tests: {', '.join(tests)}")
    return lines
