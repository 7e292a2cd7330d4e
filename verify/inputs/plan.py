"""Drift: what a Terraform plan would change is where configuration and account differ.

A plan is read as `terraform show -json <plan>` prints it. Source: Terraform documentation, "JSON
Output Format", plan representation, format version 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from verify import foreign_json
from verify.inputs.reader import UnreadableError, read_text
from verify.redaction import REDACTED
from verify.wording import in_words

MAXIMUM_CHARACTERS = 50_000_000
UNKNOWN = "what only the apply will tell"
_FORMAT = "1"
_NOTHING = frozenset({("no-op",), ("read",)})
_SHOWN, _BEFORE = 200, 40  # characters of a long value, from shortly before where it differs


class PlanError(Exception):
    """The plan cannot be used. The message names the cause and the remedy."""


@dataclass(frozen=True)
class Difference:
    """One attribute that is not as declared; sensitive values are redacted."""

    subject: str  # ARN or id of the resource; its address where the plan knows neither
    address: str  # in the configuration
    attribute: str  # "the resource" where a whole one is missing, or one too many
    declared: str
    live: str


@dataclass(frozen=True)
class Plan:
    """Of which deployment a plan is (by its outputs in the state), how old, and what it found."""

    outputs: Mapping[str, Any]
    made: datetime
    resources: int  # that the plan looked at
    differences: tuple[Difference, ...]


def read_plan(source: str) -> str:
    """The text of the plan in the file `source`, or on standard input for "-".

    Raises PlanError when it cannot be read or is too large.
    """
    try:
        return read_text(source, f"the plan {source}", MAXIMUM_CHARACTERS)
    except UnreadableError as error:
        raise PlanError(str(error)) from None


def parse_plan(plan: str) -> Plan:
    """The Plan in the JSON text `plan`.

    Raises PlanError when it is not a plan's JSON, is of a plan that failed or left something out,
    or is of nothing that is deployed.
    """
    try:
        document = foreign_json.parsed(plan)
    except ValueError as error:
        raise PlanError(
            f"the plan is not JSON ({error}): give it what `terraform show -json <plan>` prints"
        ) from None
    if not isinstance(document, Mapping) or "resource_changes" not in document:
        raise PlanError("the plan lacks resource_changes: it is not `terraform show -json <plan>`")
    version = str(document.get("format_version", "none"))
    if version.partition(".")[0] != _FORMAT:
        raise PlanError(f"the plan's format is {version}, and only {_FORMAT}.x is known")
    if document.get("errored") or not document.get("complete", True):
        raise PlanError("the plan failed or left something out, so it does not show all drift")
    try:
        managed = [change for change in document["resource_changes"] if change["mode"] == "managed"]
        return Plan(
            outputs={
                name: output.get("value")
                for name, output in document["prior_state"]["values"]["outputs"].items()
            },
            made=datetime.fromisoformat(document["timestamp"]),
            resources=len(managed),
            differences=tuple(
                difference for change in managed for difference in _differences(change)
            ),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlanError(
            f"the plan lacks what it must say of a deployment ({type(error).__name__}: {error}): "
            "is anything deployed?"
        ) from None


def _differences(resource: Mapping[str, Any]) -> Iterator[Difference]:
    change = resource["change"]
    actions = tuple(change["actions"])
    if actions in _NOTHING:
        return
    before, after = change["before"] or {}, change["after"] or {}
    address = str(resource["address"])
    subject = str(before.get("arn") or before.get("id") or address)
    if "update" not in actions and set(actions) != {"create", "delete"}:
        declared, live = ("nothing", "exists") if before else ("exists", "nothing")
        yield Difference(subject, address, "the resource", declared, live)
        return
    found = list(
        _attributes(
            before,
            after,
            change.get("before_sensitive") or {},
            change.get("after_sensitive") or {},
            change.get("after_unknown") or {},
        )
    )
    # What follows from a difference is known only after it was mended.
    known = [item for item in found if item[1] != UNKNOWN] or found
    names = {name for name, _, _ in known}
    for name, declared, live in known:
        # `tags_all` has the provider's default tags as well, so it says what is really declared.
        if name.startswith("tags.") and name.replace("tags.", "tags_all.", 1) in names:
            continue
        yield Difference(subject, address, name, declared, live)


def _attributes(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    before_sensitive: Any,
    after_sensitive: Any,
    unknown: Any,
    prefix: str = "",
) -> Iterator[tuple[str, str, str]]:
    """Name, declared and live value of each attribute that differs; maps are entered."""
    for name in sorted({*before, *after, *(unknown if isinstance(unknown, Mapping) else ())}):
        live, declared = before.get(name), after.get(name)
        masks = _below(before_sensitive, name), _below(after_sensitive, name)
        open_ = _below(unknown, name)
        path = f"{prefix}{name}"
        if open_ is True:
            yield path, UNKNOWN, in_words(_masked(live, masks[0]))
        elif isinstance(live, Mapping) and isinstance(declared, Mapping):
            yield from _attributes(live, declared, *masks, open_, f"{path}.")
        elif live != declared:
            if True in masks:
                yield path, REDACTED, REDACTED
            else:
                yield path, *_contrast(_masked(declared, masks[1]), _masked(live, masks[0]))


def _below(mask: Any, name: str | int) -> Any:
    """The part of a mask (true, false, or a shape with them as its leaves) for a member."""
    if isinstance(mask, Mapping):
        return mask.get(name, False)
    if isinstance(mask, list) and isinstance(name, int):
        return mask[name] if name < len(mask) else False
    return mask if mask is True else False


def _masked(value: Any, mask: Any) -> Any:
    if mask is True:
        return REDACTED
    if isinstance(value, Mapping):
        return {name: _masked(item, _below(mask, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, _below(mask, index)) for index, item in enumerate(value)]
    return value


def _contrast(declared: Any, live: Any) -> tuple[str, str]:
    """Both as text; of long ones that begin alike, the part from where they differ."""
    shown = [value if isinstance(value, str) else in_words(value) for value in (declared, live)]
    pairs = enumerate(zip(*shown, strict=False))
    common = next((place for place, (one, other) in pairs if one != other), 0)
    start = common - _BEFORE if common > _SHOWN else 0
    return _excerpt(shown[0], start), _excerpt(shown[1], start)


def _excerpt(value: str, start: int) -> str:
    end = start + _SHOWN
    return f"{'...' if start else ''}{value[start:end]}{'...' if value[end:] else ''}"
