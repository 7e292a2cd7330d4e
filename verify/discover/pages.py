"""What a discovery writes: outputs, a map and a baseline, with where each entry comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.discover.facts import Known, Survey
from verify.discover.paths import path_to
from verify.inputs.absence import ADMITTING, PARTS, UNREAD
from verify.inputs.deployment import none_of


@dataclass(frozen=True)
class Heading:
    """What each file says of itself first."""

    arn: str
    day: str
    profile: str

    def lines(self, what: str) -> Iterator[str]:
        """The comment that a file begins with."""
        yield f"# {what} of {self.arn}, by `python -m verify discover` on {self.day}."
        yield "# A first version for a person to review: each line says where it comes from."


# Nobody else's outputs tell these, whatever happens to say the same.
_CHOSEN = frozenset({"environment", "profile"})


def outputs(survey: Survey) -> str:
    """What was found, in the form of `terraform output -json`."""
    printed = {
        name: {"value": known.value, "sensitive": False} for name, known in survey.outputs.items()
    }
    return json.dumps(printed, indent=2) + "\n"


def outputs_map(survey: Survey, heading: Heading, theirs: Mapping[str, Any]) -> str:
    """The map: what is found among `theirs` by its path, all else as a constant."""
    mapped = {
        name: path
        for name, known in survey.outputs.items()
        if known.value
        and name not in _CHOSEN
        and (path := path_to(name, known.value, theirs)) is not None
    }
    constant = [name for name in survey.outputs if name not in mapped]
    lines = [*heading.lines("Map of outputs"), _member("outputs", mapped)]
    for name, path in mapped.items():
        lines += _entry(name, path, survey.outputs[name])
    lines.append(_member("constants", constant))
    for name in constant:
        lines += _entry(name, survey.outputs[name].value, survey.outputs[name])
    lines.append(_member("absent", survey.absent))
    lines += [f"  {name}: {_yaml(reason)}" for name, reason in survey.absent.items()]
    if survey.unseen:
        lines += ["# Not seen: give each under outputs or constants, or its part under absent."]
    for name, reason in survey.unseen.items():
        lines += [line[2:] for line in _comment(f"{name}: {reason}")]
    return "\n".join(lines) + "\n"


def _member(name: str, entries: Collection[str]) -> str:
    return f"{name}:" if entries else f"{name}: {{}}"


def _entry(name: str, value: Any, known: Known) -> Iterator[str]:
    yield from _comment(known.source)
    yield f"  {name}: {_yaml(value)}"


def _comment(text: str) -> Iterator[str]:
    yield f"  # {' '.join(text.split())}"


# Of our own module's resources and configuration, which others have otherwise.
_OF_OUR_MODULE = {
    "declared-matches-live": "compares with this project's Terraform configuration",
    "resources-known": "goes by this project's tags (identifying_tags)",
    "resources-tagged": "asks for this project's tags",
}
_NAMED = (
    "trail_name",
    "trail_log_group_name",
    "log_bucket_name",
    "kms_key_alias",
    "alert_topic_name",
)


def baseline(survey: Survey, heading: Heading) -> str:
    """A baseline that extends a profile by what the account's layout needs, and by no more.

    What falls short of the profile is a comment, and so fails until a person decides.
    """
    lines = [
        *heading.lines("Baseline"),
        f"extends: {heading.profile}",
        f"profile: {survey.outputs['trail_name'].value}",
        "",
        f"# Parts that were not found. In place of what begins with {UNREAD} whoever audits says",
        "# why each need not be there. Without its line, the controls that need it fail.",
    ]
    admitted = {_part(name): reason for name, reason in survey.absent.items() if _strict(name)}
    lines.append(_member(ADMITTING, admitted))
    lines += [f"  {part}: {_yaml(f'{UNREAD} {why}')}" for part, why in admitted.items()]
    lines += ["", "# Controls of what is this project's own way, and no requirement."]
    lines.append("without_controls:")
    lines += [f"  - {name}  # {why}" for name, why in _OF_OUR_MODULE.items()]
    lines += ["", "# As things are called now: a control minds it when one is replaced.", "names:"]
    lines += [
        f"  {name}: {_yaml(survey.outputs[name].value)}"
        for name in _NAMED
        if name in survey.outputs
    ]
    lines += _settings(survey.settings)
    if survey.shortcomings:
        lines += [
            "",
            "# Seen, and short of the profile: left as the profile asks, so that it fails.",
        ]
        lines += [line[2:] for text in survey.shortcomings for line in _comment(text)]
    return "\n".join(lines) + "\n"


def _settings(settings: Mapping[tuple[str, ...], Known]) -> Iterator[str]:
    """Members of the baseline by their two keys, grouped by the first."""
    groups: dict[str, dict[str, Known]] = {}
    for (first, second), known in settings.items():
        groups.setdefault(first, {})[second] = known
    for first, members in groups.items():
        yield from ("", f"{first}:")
        for second, known in members.items():
            yield from _entry(second, known.value, known)


def _part(name: str) -> str:
    return (
        name
        if name in PARTS
        else next(part for part, described in PARTS.items() if name in described.outputs)
    )


def _strict(name: str) -> bool:
    """Whether something is absent that has no word of its own for that."""
    for output in PARTS[name].outputs if name in PARTS else (name,):
        try:
            none_of(output)
        except KeyError:
            return True
    return False


_PAIR = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")


def _yaml(value: Any) -> str:
    """A value in one line of YAML: JSON, but that YAML writes what is beyond U+FFFF as one."""
    return _PAIR.sub(_one_escape, json.dumps(value))


def _one_escape(pair: re.Match[str]) -> str:
    character = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(character):08x}"
