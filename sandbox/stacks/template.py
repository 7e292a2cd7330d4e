"""The EventBridge rules of a template, and what each of them needs to be made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_RULE = "AWS::Events::Rule"


class TemplateError(Exception):
    """The template is not one that the sandbox can make stacks of; the message says why."""


@dataclass(frozen=True)
class Rule:
    """A rule of a template. ``logical`` is its name there, ``name`` the one in EventBridge."""

    logical: str
    name: str
    properties: Mapping[str, Any]

    @property
    def pattern(self) -> str | None:
        """Its event pattern as PutRule takes it."""
        pattern = self.properties.get("EventPattern")
        if pattern is None or isinstance(pattern, str):
            return pattern
        return json.dumps(pattern, separators=(",", ":"))

    @property
    def targets(self) -> list[dict[str, Any]]:
        """Its targets as PutTargets takes them."""
        return [dict(target) for target in self.properties.get("Targets", [])]


@dataclass(frozen=True)
class Needed:
    """An action on a resource, with what the request says besides (lower-case condition keys)."""

    action: str
    resource: str
    context: Mapping[str, str]


def rules_of(template: str) -> tuple[Rule, ...]:
    """The rules of a template in JSON, without functions in it. Raises TemplateError."""
    try:
        document = json.loads(template)
    except ValueError:
        raise TemplateError("the sandbox reads templates in JSON alone") from None
    resources = document.get("Resources") if isinstance(document, dict) else None
    if not isinstance(resources, dict) or not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return tuple(_rule(logical, resource) for logical, resource in resources.items())


def _rule(logical: str, resource: Any) -> Rule:
    kind = resource.get("Type") if isinstance(resource, dict) else None
    if kind != _RULE:
        raise TemplateError(f"the sandbox makes stacks of {_RULE} alone, and not of {kind}")
    properties = resource.get("Properties", {})
    name = properties.get("Name")
    if not isinstance(name, str):
        raise TemplateError(f"{logical}: the sandbox makes rules that have a Name of text")
    return Rule(logical, name, properties)


def to_put(rule: Rule, arn: str, tagged: bool) -> Iterator[Needed]:
    """What making or altering a rule takes."""
    yield Needed("events:DescribeRule", arn, {})
    yield Needed("events:PutRule", arn, {})
    if tagged:
        yield Needed("events:TagResource", arn, {})
    for target in rule.targets:
        yield Needed("events:PutTargets", arn, {})
        if "RoleArn" in target:
            passed = {"iam:passedtoservice": "events.amazonaws.com"}
            yield Needed("iam:PassRole", str(target["RoleArn"]), passed)


def to_remove(arn: str) -> Iterator[Needed]:
    """What removing a rule takes."""
    for action in ("DescribeRule", "ListTargetsByRule", "RemoveTargets", "DeleteRule"):
        yield Needed(f"events:{action}", arn, {})
