"""What the infrastructure must be, and by which controls, or how else, each point is shown."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.located import Located, read_located
from verify.inputs.reader import UnreadableError
from verify.model import PolicyRow, Requirement

FILE = Path(__file__).parent / "requirements.yaml"
_MAXIMUM_CHARACTERS = 1_000_000


class RequirementsError(Exception):
    """The requirements are not valid, or name a control that the catalogue does not have."""


def load(controls: Collection[str], path: Path = FILE) -> tuple[Requirement, ...]:
    """The requirements in the file's order; `controls` are those of the catalogue.

    Raises RequirementsError, with file and line where something in it is wrong.
    """
    found = _valid(path)
    seen: set[str] = set()
    for index, entry in enumerate(found.value["requirements"]):
        _refuse_strangers(found, ("requirements", index), entry["id"], entry, controls)
        if entry["id"] in seen:
            raise RequirementsError(
                f"{found.at('requirements', index)}: {entry['id']} stands twice"
            )
        seen.add(entry["id"])
    return tuple(
        Requirement(
            identifier=entry["id"],
            statement=entry["statement"],
            profiles=tuple(entry["profiles"]),
            controls=tuple(entry.get("controls", ())),
            tests=tuple(entry.get("tests", ())),
        )
        for entry in found.value["requirements"]
    )


def load_policy(controls: Collection[str], path: Path = FILE) -> tuple[PolicyRow, ...]:
    """The rows of the logging policy in the file's order. Raises RequirementsError."""
    found = _valid(path)
    for area, rows in found.value["policy"].items():
        for index, entry in enumerate(rows):
            _refuse_strangers(found, ("policy", area, index), entry["row"], entry, controls)
    return tuple(
        PolicyRow(
            area,
            entry["row"],
            tuple(entry["controls"]),
            entry.get("purpose", ""),
            entry.get("uncaused", ""),
        )
        for area, rows in found.value["policy"].items()
        for entry in rows
    )


def _valid(path: Path) -> Located:
    try:
        found = read_located(path, "the requirements", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise RequirementsError(str(error)) from None
    faults = schemas.violations("requirements", found.value)
    if faults:
        raise RequirementsError(
            f"{path}: the requirements are not valid:\n  " + "\n  ".join(faults)
        )
    return found


def _refuse_strangers(
    found: Located,
    where: tuple[str | int, ...],
    name: str,
    entry: dict[str, Any],
    controls: Collection[str],
) -> None:
    for number, control in enumerate(entry.get("controls", ())):
        if control not in controls:
            raise RequirementsError(
                f"{found.at(*where, 'controls', number)}: {name} names the "
                f"control {control}, which the catalogue does not have"
            )
