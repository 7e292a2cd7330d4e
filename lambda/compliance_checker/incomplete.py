"""Records of which CloudTrail left a part out, and which rules it leaves without an answer.

In place of a part over 100 KB stands ``{"reason": "requestParameters too large", "omitted": true,
"originalSize": 102984}``, its members as texts in some records (CloudTrail user guide, "CloudTrail
record contents": the fields requestParameters, responseElements and additionalEventData). White
space counts: a caller can make any policy document that large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import Finding, Rule
from .record import Event, dig, integer, is_omission, mapping, resource_in

_LONGEST_TITLE = 200  # of the alert's schema
_PARTS = ("requestParameters", "responseElements", "additionalEventData")


def _omissions(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths of what was left out: whole parts, and members of them."""
    for name in _PARTS:
        part = record.get(name)
        if is_omission(part):
            yield (name,)
        else:
            for key, value in mapping(part).items():
                if is_omission(value):
                    yield name, key


def _relies_on(field: str, path: tuple[str, ...]) -> bool:
    parts = tuple(field.split("."))
    shared = min(len(parts), len(path))
    return parts[:shared] == path[:shared]


def _is_told(event: Event, field: str) -> bool:
    """Whether a field that a rule relies on is in what is left of the record."""
    part, *path = field.split(".")
    held: Mapping[str, Any] | None
    held = {"requestParameters": event.parameters, "responseElements": event.response}.get(part)
    if not held:
        return False
    return not path or dig(held, *path) is not None


def _left_out(rule: Rule, event: Event) -> tuple[str, ...] | None:
    """The omission that keeps a rule from judging; None if what is left is enough for it.

    Request and response tell the same in two ways: where one has what the rule relies on, the
    other is not missed. What stands only beside them (additionalEventData) always is.
    """
    for path in _omissions(event.record):
        if not any(_relies_on(field, path) for field in rule.fields):
            continue
        other = {"requestParameters": "responseElements", "responseElements": "requestParameters"}
        substitute = other.get(path[0])
        if substitute is None or not any(
            _is_told(event, field) for field in rule.fields if field.split(".")[0] == substitute
        ):
            return path
    return None


def not_judged(rule: Rule, event: Event) -> Finding | None:
    """What to alert where a rule found nothing and could not have: None if it could have."""
    path = _left_out(rule, event)
    if path is None:
        return None
    size = integer(dig(event.record, *path, "originalSize"))
    resource = resource_in(event)
    return Finding(
        resource_id=resource,
        reason=(
            f"{event.name} could not be judged: CloudTrail left its {'.'.join(path)} out of the "
            "record"
            + (f", which were {size} bytes" if size is not None else "")
            + f". It may be what this rule is for ({rule.title}); look at "
            f"{resource or 'what the call changed'} itself."
        ),
        details={"omitted": ".".join(path), "original_size": size},
        severity="MEDIUM",
        title=f"Not judged: {rule.title}"[:_LONGEST_TITLE],
    )
