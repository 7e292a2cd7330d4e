"""The baseline: which controls hold for an account, and the posture that it is held to.

It belongs to the auditor. A baseline may extend another: mappings are merged, everything else is
replaced, and `additional_controls` and `without_controls` change the list of controls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs.reader import UnreadableError, read_yaml

FOLDER = Path(__file__).parent / "baselines"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MAXIMUM_CHARACTERS = 1_000_000
_OF_EXTENSION = frozenset({"extends", "additional_controls", "without_controls"})


class BaselineError(Exception):
    """The baseline cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Baseline:
    """What an account is held to; `values` by `schemas/baseline.schema.json`.

    `lineage` are the names of the profile and of those that it extends, the nearest first.
    """

    lineage: tuple[str, ...]
    controls: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self.lineage[0]


def profiles() -> tuple[str, ...]:
    """The names of the profiles that this project has a baseline for."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache  # read when a run is prepared and when it starts
def load(profile: str) -> Baseline:
    """The baseline of a profile: one of `profiles`, or the path of a YAML file.

    Raises BaselineError for an unknown profile, a file that cannot be read or that the schema
    refuses, and a baseline that extends itself.
    """
    lineage, document = _merged(_path(profile), ())
    faults = schemas.violations("baseline", document)
    if faults:
        raise BaselineError(f"the baseline {profile} is not valid:\n  " + "\n  ".join(faults))
    values = {key: value for key, value in document.items() if key not in ("profile", "controls")}
    return Baseline(lineage, tuple(document["controls"]), values)


def require_known(baseline: Baseline, controls: Iterable[str]) -> None:
    """Raise BaselineError where the baseline lists a control that the catalogue lacks."""
    unknown = sorted(set(baseline.controls) - set(controls))
    if unknown:
        raise BaselineError(
            f"the baseline {baseline.profile} lists {', '.join(unknown)}, which the catalogue does "
            "not have: correct the name, or add the control to verify/inputs/controls.yaml"
        )


def filled(baseline: Baseline, placeholders: Mapping[str, str]) -> Mapping[str, Any]:
    """The values with each name in braces replaced, in keys and texts alike.

    Raises BaselineError for a name that there is no value for.
    """
    values: Mapping[str, Any] = _filled(baseline.values, placeholders, baseline.profile)
    return values


def _filled(value: Any, placeholders: Mapping[str, str], place: str) -> Any:
    if isinstance(value, str):

        def replacement(found: re.Match[str]) -> str:
            if found[1] not in placeholders:
                raise BaselineError(
                    f"the baseline's {place} names {found[0]}, which is no output of the "
                    f"deployment: choose one of {', '.join(sorted(placeholders))}"
                )
            return placeholders[found[1]]

        return _PLACEHOLDER.sub(replacement, value)
    if isinstance(value, Mapping):
        return {
            _filled(key, placeholders, place): _filled(item, placeholders, f"{place}.{key}")
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_filled(item, placeholders, place) for item in value]
    return value


def _path(profile: str, beside: Path | None = None) -> Path:
    """The file of a profile; a path is relative to the file that extends it."""
    if "/" in profile or profile.endswith((".yaml", ".yml")):
        return (beside.parent / profile if beside else Path(profile)).resolve()
    if profile not in profiles():
        raise BaselineError(
            f"unknown profile {profile!r}: there is a baseline for {', '.join(profiles())}; or "
            "give the path of a YAML file"
        )
    return FOLDER / f"{profile}.yaml"


def _merged(path: Path, extending: tuple[Path, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The lineage and the document of the baseline in `path`, what it extends included."""
    if path in extending:
        chain = " extends ".join(map(str, (*extending, path)))
        raise BaselineError(f"a baseline extends itself: {chain}: remove one `extends`")
    try:
        document = read_yaml(path, f"the baseline {path}", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise BaselineError(str(error)) from None
    if not isinstance(document, dict):
        raise BaselineError(f"the baseline {path} is not a mapping of names to values")
    name = document.get("profile", path.stem)
    if not isinstance(name, str):
        raise BaselineError(f"the baseline {path}: profile is a name, not {name!r}")
    if "extends" not in document:
        misplaced = sorted(_OF_EXTENSION & document.keys())
        if misplaced:
            raise BaselineError(
                f"the baseline {path} has {', '.join(misplaced)} but extends none: list its "
                "controls under `controls`"
            )
        return (name,), document
    faults = schemas.violations("baseline-extension", document)
    if faults:
        raise BaselineError(f"the baseline {path} is not valid:\n  " + "\n  ".join(faults))
    lineage, base = _merged(_path(document["extends"], path), (*extending, path))
    changes = {key: value for key, value in document.items() if key not in _OF_EXTENSION}
    merged = _laid_over(base, {**changes, "profile": name})
    merged["controls"] = _controls(path, merged["controls"], document)
    return (name, *lineage), merged


def _controls(path: Path, base: list[str], document: Mapping[str, Any]) -> list[str]:
    added, removed = document.get("additional_controls", []), document.get("without_controls", [])
    absent = sorted(set(removed) - set(base))
    if absent:
        raise BaselineError(
            f"the baseline {path} is without {', '.join(absent)}, which what it extends does not "
            "have: correct the name"
        )
    return [name for name in dict.fromkeys([*base, *added]) if name not in removed]


def _laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _laid_over(below, value)
        merged[key] = value
    return merged
