"""Another module's outputs -> Deployment, by a map that says which of theirs is which of ours.

The map (`schemas/outputs-map.schema.json`) has three parts: `outputs`, ours by a path into theirs;
`constants`, ours by a value; and `absent`, parts of the stack, or single outputs, that are not
there, with the reason. Each output that the suite needs must stand in exactly one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from verify import schemas
from verify.inputs import deployment
from verify.inputs.absence import PART_OF, PARTS, Absence
from verify.inputs.deployment import Deployment, DeploymentError
from verify.inputs.located import Located, Place, read_located
from verify.inputs.reader import UnreadableError

_MAXIMUM_CHARACTERS = 1_000_000
_MAXIMUM_FAULTS = 20  # that a message lists
_OUTPUTS, _CONSTANTS, _ABSENT = "outputs", "constants", "absent"
# A name, then keys after a dot or in brackets with quotes, and places in a list in brackets.
_HEAD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_STEP = re.compile(r"""\.([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]{1,6})\]|\["([^"]+)"\]""")
_STEPS = 'such as bucket.arn, topics[0] or alarms["root usage"].arn'


def parse(text: str, source: str, map_file: str | None) -> Deployment:
    """The Deployment that the outputs in the JSON `text` describe: ours, or theirs by a map.

    Raises DeploymentError for whatever `deployment.parse` does and, with file and line, for a map
    that cannot be read, has a name that nobody knows, gives an output twice or not at all, or
    leads to a value of another type.
    """
    if map_file is None:
        return deployment.parse(text, source)
    path = Path(map_file)
    try:
        located = read_located(path, f"the map of outputs {path}", _MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise DeploymentError(str(error)) from None
    faults = [
        _fault(located, fault.place, fault.message)
        for fault in schemas.faults("outputs-map", located.value)
    ]
    _refuse(path, faults)
    theirs = deployment.read_outputs(text, source)
    reading = _Reading(located, source, theirs)
    _refuse(path, list(reading.faults()))
    values, unread = reading.values()
    _refuse(path, unread)
    _refuse(path, list(reading.faults_of(values)))
    found = deployment.without(
        {name: deployment.frozen(value) for name, value in values.items()}, reading.absences()
    )
    deployment.require_of_one_place(found, f"{source}, by {path},")
    return found


def _refuse(path: Path, faults: list[str]) -> None:
    if faults:
        shown = faults[:_MAXIMUM_FAULTS]
        if len(faults) > _MAXIMUM_FAULTS:
            shown.append(f"and {len(faults) - _MAXIMUM_FAULTS} more")
        raise DeploymentError(f"the map of outputs {path} cannot be used:\n  " + "\n  ".join(shown))


def _fault(located: Located, place: Place, message: str) -> str:
    what = f"{'.'.join(map(str, place))}: " if place else ""
    return f"{located.at(*place)}: {what}{message}"


class _UnknownPathError(Exception):
    """A path leads nowhere; the text says where it ends, and what is there."""


@dataclass(frozen=True)
class _Reading:
    """A map, and the outputs that it speaks of."""

    map: Located
    source: str
    theirs: Mapping[str, Any]

    def _part(self, part: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.map.value or {}).get(part) or {}
        return found

    def _absent(self) -> Iterator[tuple[str, str]]:
        """Each output that is absent, by the name under which the map says so."""
        for name in self._part(_ABSENT):
            for output in PARTS[name].outputs if name in PARTS else (name,):
                yield output, name

    def faults(self) -> Iterator[str]:
        """What is wrong with the map itself: its names, and what stands twice or nowhere."""
        known = {output.name for output in fields(Deployment)}
        for part in (_OUTPUTS, _CONSTANTS):
            for name in self._part(part):
                if name not in known:
                    yield _fault(self.map, (part, name), _unknown(name, known, "output of ours"))
        for name in self._part(_ABSENT):
            if name not in known | PARTS.keys():
                yield _fault(
                    self.map,
                    (_ABSENT, name),
                    _unknown(name, known | PARTS.keys(), "part of the stack, or output of ours,"),
                )
            elif name not in PARTS and name not in PART_OF:
                yield _fault(
                    self.map,
                    (_ABSENT, name),
                    f"nothing can be verified without {name}: say where it is under outputs, or "
                    "give it under constants",
                )
        yield from self._twice()
        yield from self._nowhere()

    def _twice(self) -> Iterator[str]:
        constants = self._part(_CONSTANTS)
        for name in self._part(_OUTPUTS):
            if name in constants:
                yield _fault(
                    self.map,
                    (_CONSTANTS, name),
                    f"{name} is mapped as well ({self.map.at(_OUTPUTS, name)}): remove one",
                )
        for output, name in self._absent():
            for part, verb in ((_OUTPUTS, "mapped"), (_CONSTANTS, "a constant")):
                if output in self._part(part):
                    yield _fault(
                        self.map,
                        (_ABSENT, name),
                        f"{output} is absent and {verb} ({self.map.at(part, output)}): remove one",
                    )

    def _nowhere(self) -> Iterator[str]:
        said = {*self._part(_OUTPUTS), *self._part(_CONSTANTS), *dict(self._absent())}
        missing: dict[str, list[str]] = {}
        for name in deployment.schema()["required"]:
            if name not in said:
                missing.setdefault(PART_OF.get(name, ""), []).append(name)
        for part, names in missing.items():
            remedy = f", or name the part {part} under absent, with the reason" if part else ""
            yield _fault(
                self.map,
                (),
                f"{', '.join(names)}: neither mapped nor constant: say where under outputs, give "
                f"it under constants{remedy}",
            )

    def values(self) -> tuple[dict[str, Any], list[str]]:
        """Ours, and the faults of paths that lead nowhere."""
        values, faults = dict(self._part(_CONSTANTS)), []
        for name, wanted in self._part(_OUTPUTS).items():
            try:
                values[name] = self._found(wanted)
            except _UnknownPathError as error:
                faults.append(_fault(self.map, (_OUTPUTS, name), str(error)))
        for output, _ in self._absent():
            try:
                values[output] = deployment.none_of(output)
            except KeyError:
                continue
        return values, faults

    def _found(self, wanted: Any) -> Any:
        if isinstance(wanted, Mapping):
            return {key: self._led_to(path) for key, path in wanted.items()}
        if isinstance(wanted, list):
            return [self._led_to(path) for path in wanted]
        return self._led_to(wanted)

    def _led_to(self, path: str) -> Any:
        head = _HEAD.match(path)
        if head is None:
            raise _UnknownPathError(f"{path!r} is no path: begin with an output's name, {_STEPS}")
        output = self.theirs.get(head[0])
        if not isinstance(output, dict) or "value" not in output:
            near = _suggestion(head[0], self.theirs)
            raise _UnknownPathError(f"{self.source} has no output {head[0]}{near}")
        value, at = output["value"], head.end()
        while at < len(path):
            step = _STEP.match(path, at)
            if step is None:
                raise _UnknownPathError(
                    f"{path!r} is no path from {path[at:]!r} on: go on by keys and numbers, "
                    f"{_STEPS}"
                )
            value = _stepped(value, step, path[:at])
            at = step.end()
        return value

    def absences(self) -> Iterator[Absence]:
        """What the deployment is without, of what has no word of its own for that."""
        reasons = self._part(_ABSENT)
        for output, name in self._absent():
            try:
                deployment.none_of(output)
            except KeyError:
                # Not the file: a replay finds the map elsewhere, and must say the same.
                line = self.map.line(_ABSENT, name)
                yield Absence(output, reasons[name], f"line {line} of the map of outputs")

    def faults_of(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Where what was led to, or given, is not of the output's type."""
        properties = deployment.schema()["properties"]
        for part in (_OUTPUTS, _CONSTANTS):
            for name, wanted in self._part(part).items():
                rules = properties[name]["properties"]["value"]
                for fault in schemas.faults(rules, values[name]):
                    came = f", from {wanted}" if part == _OUTPUTS else ""
                    yield _fault(self.map, (part, name), f"{fault.message}{came}")


def _stepped(value: Any, step: re.Match[str], before: str) -> Any:
    """What is at the next step of a path. Raises _UnknownPathError."""
    key, index = step[1] or step[3], step[2]
    if index is not None:
        if not isinstance(value, list):
            raise _UnknownPathError(f"{before} is {_kind(value)}, and {step[0]} asks for a list")
        if int(index) >= len(value):
            raise _UnknownPathError(f"{before} has {len(value)} members, counted from 0")
        return value[int(index)]
    if not isinstance(value, dict):
        raise _UnknownPathError(f"{before} is {_kind(value)}, and {step[0]} asks for an object")
    if key not in value:
        raise _UnknownPathError(f"{before} has no {key}{_suggestion(key, value)}")
    return value[key]


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(value), "null" if value is None else "a number")


def _unknown(name: str, known: Any, kind: str) -> str:
    return f"{name} is no {kind}{_suggestion(name, known)}"


def _suggestion(name: str, known: Any) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f": did you mean {near[0]}?"
    listed = ", ".join(sorted(known)[:_MAXIMUM_FAULTS])
    return f": there is {listed}" if listed else ""
