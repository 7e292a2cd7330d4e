"""The baseline: which controls hold for an account, and the posture that it is held to.

It belongs to the auditor. A baseline may extend another: mappings are merged, everything else is
replaced, and `additional_controls`, `without_controls` and `without_families` change the list of
controls.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from verify import schemas
from verify.inputs import catalogue
from verify.inputs.absence import ADMITTING, UNREAD, Absence, AbsentOutputError
from verify.inputs.located import Located, Place, Spot, read_located
from verify.inputs.reader import UnreadableError
from verify.model import BaselineSource, Control

FOLDER = Path(__file__).parent / "baselines"
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_EACH = re.compile(r"\{each ([a-z][a-z0-9_.]*)\}")
_MAXIMUM_CHARACTERS = 1_000_000
_MAXIMUM_FAULTS = 12  # that a message lists
_OF_EXTENSION = frozenset(
    {"extends", "additional_controls", "without_controls", "without_families"}
)


class BaselineError(Exception):
    """The baseline cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Baseline:
    """What an account is held to; `values` by `schemas/baseline.schema.json`.

    `sources` are the file of the profile and those that it extends, the nearest first; `layers`
    are what each of them says itself.
    """

    sources: tuple[BaselineSource, ...]
    layers: tuple[Located, ...]
    controls: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def lineage(self) -> tuple[str, ...]:
        """The names of the profile and of those that it extends, the nearest first."""
        return tuple(source.name for source in self.sources)

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self.lineage[0]


def profiles() -> tuple[str, ...]:
    """The names of the profiles that this project has a baseline for."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache  # read when a run is prepared and when it starts
def load(profile: str) -> Baseline:
    """The baseline of a profile: one of `profiles`, the path of a YAML file, or that of a folder.

    In a folder are the files of a baseline as a run kept them, each extending the next by name.

    Raises BaselineError for an unknown profile, a file that cannot be read or that the schema
    refuses, and a baseline that extends itself; CatalogueError where it is without a family and the
    catalogue cannot be used.
    """
    kept = sorted(Path(profile).glob("*.yaml")) if Path(profile).is_dir() else []
    layers, sources, document = _merged(kept[0] if kept else _path(profile), (), following=kept)
    _require_valid("baseline", document, profile, layers)
    values = {key: value for key, value in document.items() if key not in ("profile", "controls")}
    return Baseline(sources, layers, tuple(document["controls"]), values)


def _require_valid(schema: str, document: Any, what: object, layers: Iterable[Located]) -> None:
    faults = schemas.faults(schema, document)
    if faults:
        lines = [
            f"{_at(layers, fault.place)}: {'.'.join(map(str, fault.place)) or 'the baseline'}: "
            f"{fault.message}"
            for fault in faults[:_MAXIMUM_FAULTS]
        ]
        if len(faults) > _MAXIMUM_FAULTS:
            lines.append(f"and {len(faults) - _MAXIMUM_FAULTS} more")
        raise BaselineError(f"the baseline {what} is not valid:\n  " + "\n  ".join(lines))


def _at(layers: Iterable[Located], place: Place) -> str:
    """File and line of a place: in the nearest layer that has it, or most of the way to it."""
    found = [(len(layer.known(place)), layer) for layer in layers]
    deepest = max(length for length, _ in found)
    return next(layer for length, layer in found if length == deepest).at(*place)


# Whose controls another team may answer for.
_OWNED_BY_SOME = ("Account", "Detection")


def require_known(baseline: Baseline, controls: Mapping[str, Control]) -> None:
    """Raise BaselineError where the baseline names a control that the catalogue does not have.

    What another team owns must be a control of the account or of what watches it: the others are
    this deployment's. A part that may be absent must have a reason that somebody has read.
    """
    unknown = sorted(set(baseline.controls) - set(controls))
    if unknown:
        raise BaselineError(
            f"the baseline {baseline.profile} lists {', '.join(unknown)}, which the catalogue does "
            "not have: correct the name, or add the control to verify/inputs/controls.yaml"
        )

    unread = [
        f"{_at(baseline.layers, (ADMITTING, part))}: {ADMITTING}.{part}"
        for part, reason in baseline.values[ADMITTING].items()
        if reason.startswith(UNREAD)
    ]
    if unread:
        raise BaselineError(
            f"the baseline {baseline.profile} lets parts be absent that nobody has reviewed:\n  "
            + "\n  ".join(unread)
            + f"\nSay why each need not be there, in place of what begins with {UNREAD}, or remove "
            "its line: what needs the part fails then"
        )

    owned = [name for name, control in controls.items() if control.family in _OWNED_BY_SOME]
    for name in baseline.values["account"]["owners"]:
        if name not in owned:
            raise BaselineError(
                f"{_at(baseline.layers, ('account', 'owners', name))}: account.owners names "
                f"{name}, which no other team can own: choose of {', '.join(owned)}"
            )


def filled(
    baseline: Baseline,
    placeholders: Mapping[str, str],
    lists: Mapping[str, Sequence[str]],
    absent: Mapping[str, Absence] = MappingProxyType({}),
) -> Mapping[str, Any]:
    """The values with each name in braces replaced, in keys and texts alike.

    A member of a list with ``{each name}``, or a mapping with it in one of its texts, stands for
    as many as the baseline's own ``lists``, or those of the deployment, have of that name, or, if
    the name is a place such as ``key.principals``, as stand there: a list's, one text, or none for
    null. Raises BaselineError for a name that there is no value for.

    What names something that is `absent`, and that the baseline lets be absent, is not expected: a
    member of a list or a mapping is left out. Otherwise whoever asks for it, or goes through what
    it stands in, meets AbsentOutputError.
    """
    known = {**lists, **baseline.values["lists"]}
    filling = _Filling(placeholders, known, baseline.values, baseline.layers, absent)
    values: Mapping[str, Any] = filling.of(baseline.values, ())
    return values


_Value = TypeVar("_Value")


class Partial(Mapping[str, Any]):
    """A mapping of which some members name what the deployment is without.

    To ask for one of those raises AbsentOutputError. To go through all of them does so as well,
    unless the baseline lets what is absent be: then they are left out.
    """

    def __init__(self, found: Mapping[str, Any], absent: Mapping[str, AbsentOutputError]) -> None:
        self._found = found
        self._absent = absent

    def __getitem__(self, key: str) -> Any:
        if key in self._absent:
            raise self._absent[key]
        return self._found[key]

    def __iter__(self) -> Iterator[str]:
        for error in self._absent.values():
            if error.absence.admitted is None:
                raise error
        return iter(self._found)

    def __len__(self) -> int:
        return len(tuple(iter(self)))


@dataclass(frozen=True)
class _Filling:
    """What names in braces stand for, and where to look for who wrote them."""

    placeholders: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]
    baseline: Mapping[str, Any]
    layers: tuple[Located, ...]
    absent: Mapping[str, Absence]

    def of(self, value: Any, place: Place, *, whole: bool = False) -> Any:
        """A value of the baseline, filled.

        Raises AbsentOutputError for what names something absent: in a mapping and a list, where
        they are to be had `whole`.
        """
        if isinstance(value, str):
            known, kind = self.placeholders, "output of the deployment"
            return PLACEHOLDER.sub(lambda found: self._named(known, kind, found, place), value)
        if isinstance(value, Mapping):
            return self._mapping(value, place, whole=whole)
        if isinstance(value, list):
            return list(self._list(value, place, whole=whole))
        return value

    def _mapping(self, value: Mapping[str, Any], place: Place, *, whole: bool) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        absent: dict[str, AbsentOutputError] = {}
        for key, item in value.items():
            name = key
            try:
                name = self.of(key, (*place, key))
                found[name] = self.of(item, (*place, key), whole=whole)
            except AbsentOutputError as error:
                if whole:
                    raise
                absent[name] = error
        return Partial(found, absent) if absent else found

    def _list(self, value: list[Any], place: Place, *, whole: bool) -> Iterator[Any]:
        """The members. A mapping among them is one expectation: it is there whole or not at all."""
        for index, item in enumerate(value):
            for member in self._members(item, (*place, index)):
                try:
                    yield self.of(member, (*place, index), whole=True)
                except AbsentOutputError as error:
                    of_text = isinstance(member, str)
                    if error.absence.admitted is None or (whole and not of_text):
                        raise

    def _members(self, item: Any, place: Place, within: tuple[str, ...] = ()) -> list[Any]:
        """What a member of a list stands for."""
        if isinstance(item, Mapping):
            return self._alike(item, place)
        found = _EACH.search(item) if isinstance(item, str) else None
        if found is None:
            return [item]
        if found[0] in within:
            raise self._unknown(found, "list that ends, for it names itself", place)
        # What a place of the baseline holds may itself stand for several.
        return [
            member
            for name in self._listed(found, place)
            for member in self._members(item.replace(found[0], name), place, (*within, found[0]))
        ]

    def _alike(self, item: Mapping[str, Any], place: Place) -> list[Any]:
        """What a mapping stands for, of whose texts one names several."""
        for key, text in item.items():
            if isinstance(text, str) and _EACH.search(text):
                return [
                    alike
                    for member in self._members(text, (*place, key))
                    for alike in self._alike({**item, key: member}, place)
                ]
        return [item]

    def _listed(self, found: re.Match[str], place: Place) -> Sequence[str]:
        if "." not in found[1]:
            return self._named(self.lists, "list of the baseline or the deployment", found, place)
        value: Any = self.baseline
        for part in found[1].split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise self._unknown(found, "place in the baseline", place)
            value = value[part]
        if value is None:
            return []
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) for text in texts):
            raise self._unknown(found, "list of texts", place)
        return texts

    def _unknown(self, found: re.Match[str], kind: str, place: Place) -> BaselineError:
        return BaselineError(
            f"{_at(self.layers, place)}: {'.'.join(map(str, place))} names {found[0]}, which "
            f"is no {kind}"
        )

    def _named(
        self, known: Mapping[str, _Value], kind: str, found: re.Match[str], place: Place
    ) -> _Value:
        if found[1] in self.absent:
            raise AbsentOutputError(self.absent[found[1]])
        if found[1] not in known:
            choices = ", ".join(sorted(known))
            raise BaselineError(f"{self._unknown(found, kind, place)}: choose one of {choices}")
        return known[found[1]]


def _path(profile: str, beside: Path | None = None, asked: Spot | None = None) -> Path:
    """The file of a profile; a path is relative to the file that extends it.

    `asked` is where it is named, for the message.
    """
    if "/" in profile or profile.endswith((".yaml", ".yml")):
        return (beside.parent / profile if beside else Path(profile)).resolve()
    if profile not in profiles():
        raise BaselineError(
            f"{_begun(asked)}unknown profile {profile!r}: there is a baseline for "
            f"{', '.join(profiles())}; or give the path of a YAML file"
        )
    return FOLDER / f"{profile}.yaml"


_Merged = tuple[tuple[Located, ...], tuple[BaselineSource, ...], dict[str, Any]]


def _merged(
    path: Path,
    extending: tuple[Path, ...],
    asked: Spot | None = None,
    following: Sequence[Path] = (),
) -> _Merged:
    """The layers, the sources and the document of the baseline in `path`.

    `asked` is where another one extends it. `following` are the files of a kept baseline, `path`
    among them: what one extends is the next, whatever it calls it.
    """
    if path in extending:
        chain = " extends ".join(map(str, (*extending, path)))
        raise BaselineError(
            f"{_begun(asked)}a baseline extends itself: {chain}: remove one `extends`"
        )
    try:
        layer = read_located(path, f"the baseline {path}", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise BaselineError(f"{_begun(asked)}{error}") from None
    document = layer.value
    if not isinstance(document, dict):
        raise BaselineError(f"the baseline {path} is not a mapping of names to values")
    name = document.get("profile", path.stem)
    if not isinstance(name, str):
        raise BaselineError(f"{layer.at('profile')}: profile is a name, not {name!r}")
    source = BaselineSource(name, _shown(path), hashlib.sha256(path.read_bytes()).hexdigest())
    if "extends" not in document:
        misplaced = sorted(_OF_EXTENSION & document.keys())
        if misplaced:
            raise BaselineError(
                f"{layer.at(misplaced[0])}: the baseline has {', '.join(misplaced)} but extends "
                "none: list its controls under `controls`"
            )
        return (layer,), (source,), document
    _require_valid("baseline-extension", document, path, (layer,))
    asks = Spot(layer, ("extends",))
    later = following[len(extending) + 1 :]
    extended = later[0] if later else _path(document["extends"], path, asks)
    layers, sources, base = _merged(extended, (*extending, path), asks, following)
    changes = {key: value for key, value in document.items() if key not in _OF_EXTENSION}
    merged = _laid_over(base, {**changes, "profile": name})
    merged["controls"] = _controls(layer, merged["controls"], document)
    return (layer, *layers), (source, *sources), merged


def _begun(asked: Spot | None) -> str:
    """How a message begins: with the place that asks for what is wrong, if any does."""
    return f"{asked}: " if asked else ""


def _shown(path: Path) -> str:
    """A file as a report names it: ours from the project's folder, another by its name."""
    project = FOLDER.parents[2]
    return str(path.relative_to(project)) if path.is_relative_to(project) else path.name


def _controls(layer: Located, base: list[str], document: Mapping[str, Any]) -> list[str]:
    added, removed = document.get("additional_controls", []), document.get("without_controls", [])
    base = _without_families(layer, base, document.get("without_families", []))
    absent = sorted(set(removed) - set(base))
    if absent:
        raise BaselineError(
            f"{layer.at('without_controls')}: the baseline is without {', '.join(absent)}, which "
            "what it extends does not have: correct the name"
        )
    return [name for name in dict.fromkeys([*base, *added]) if name not in removed]


def _without_families(layer: Located, base: list[str], families: list[str]) -> list[str]:
    """The controls but for those of these families of the catalogue."""
    if not families:
        return base
    family_of = {name: control.family for name, control in catalogue.load().items()}
    present = dict.fromkeys(family_of[name] for name in base if name in family_of)
    absent = sorted(set(families) - present.keys())
    if absent:
        raise BaselineError(
            f"{layer.at('without_families')}: the baseline is without {', '.join(absent)}, of "
            f"which what it extends has no control: choose of {', '.join(present)}"
        )
    return [name for name in base if family_of.get(name) not in families]


def _laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _laid_over(below, value)
        merged[key] = value
    return merged
