"""What the checks declare in their markers, without running them.

From it follow the permissions that the verifier needs and the page of controls.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from verify.account.errors import iam_action
from verify.account.read import Reading
from verify.inputs import accounted, baseline, catalogue, requirements
from verify.inputs.accounted import written
from verify.integrity.read.s3 import ACTIONS
from verify.investigate.lookup import ACTION as LOOK_UP
from verify.report import controls_page as controls_document
from verify.report import requirements_page as requirements_document

_STATE_CHECKS = "verify.checks"
_PACKAGES = (_STATE_CHECKS, "verify.live_fire")


def declared_readings() -> Mapping[str, tuple[Reading[Any], ...]]:
    """Control -> what its check declares that it reads."""
    return _declared(_PACKAGES)


def state_readings() -> Mapping[str, tuple[Reading[Any], ...]]:
    """The same of the state checks alone."""
    return _declared((_STATE_CHECKS,))


def _declared(packages: Iterable[str]) -> Mapping[str, tuple[Reading[Any], ...]]:
    return {
        marker.args[0]: marker.args[1:]
        for module in _modules(packages)
        for marker in _markers(module)
        if marker.name == "control"
    }


def state_operations() -> frozenset[tuple[str, str]]:
    """Service and operation of everything that the state checks read."""
    return frozenset(reading.call for readings in state_readings().values() for reading in readings)


def actions_of(readings: Iterable[Reading[Any]]) -> list[str]:
    """The IAM actions that `readings` need, sorted."""
    named = {iam_action(*reading.call) for reading in readings}
    return sorted(action for action in named if action)


def read_actions() -> list[str]:
    """The IAM actions of all that a run reads; sorted.

    Of the checks, of the trail's log files, and to ask who changed what failed.
    """
    declared = declared_readings().values()
    readings = (reading for readings in declared for reading in readings)
    return sorted({*actions_of(readings), *ACTIONS, LOOK_UP})


def controls_page() -> str:
    """docs/controls.md: the catalogue, with what baselines and checks say of each control."""
    controls = catalogue.load()
    declared = declared_readings()
    return controls_document.render(
        controls.values(),
        _profiles(controls),
        {control: actions_of(declared.get(control, ())) for control in controls},
        {control: fields_of(control) for control in controls},
    )


def requirements_page() -> str:
    """docs/requirements.md: what must be, by which controls and in which profiles it is shown."""
    controls = catalogue.load()
    return requirements_document.render(
        requirements.load(controls), requirements.load_policy(controls), _profiles(controls)
    )


def _profiles(controls: Iterable[str]) -> dict[str, list[str]]:
    """In which profiles each control holds."""
    listed = {name: baseline.load(name).controls for name in baseline.profiles()}
    return {
        control: [profile for profile, members in listed.items() if control in members]
        for control in controls
    }


def fields_of(control: str) -> Mapping[str, list[str]]:
    """On which members of which answers a control's verdict rests, by the account of fields."""
    found: dict[str, list[str]] = {}
    for (service, operation), account in sorted(accounted.load().items()):
        members = [written(way) for way, field in account.fields.items() if control in field.by]
        if members:
            found[f"{service}.{operation}"] = members
    return found


def _modules(packages: Iterable[str]) -> Iterator[ModuleType]:
    for package in packages:
        location = importlib.import_module(package).__file__ or ""
        for path in sorted(Path(location).parent.glob("test_*.py")):
            yield importlib.import_module(f"{package}.{path.stem}")


def _markers(module: ModuleType) -> Iterator[Any]:
    for value in vars(module).values():
        yield from getattr(value, "pytestmark", ())
