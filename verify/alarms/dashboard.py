"""A dashboard, by what it shows: alarms, and metrics with their regions.

Source: Amazon CloudWatch API reference, "Dashboard body structure and syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify import foreign_json

# These find their metrics by themselves: which they show depends on what there is.
_FINDING = re.compile(r"\b(SEARCH|SELECT|LAMBDA|INSIGHT_RULE_METRIC)\b")
_ALL = re.compile(r"\bMETRICS\s*\(")


class DashboardError(Exception):
    """The body is none that CloudWatch would draw; the text says why."""


@dataclass(frozen=True)
class Shown:
    """A metric as a widget shows it."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    region: str
    account: str

    def __str__(self) -> str:
        named = ", ".join(f"{name} {value}" for name, value in sorted(self.dimensions))
        return f"{self.namespace} {self.name}{f' ({named})' if named else ''} in {self.region}"


@dataclass(frozen=True)
class Dashboard:
    """What a dashboard shows; alarms by their ARNs."""

    alarms: frozenset[str]
    metrics: frozenset[Shown]


def read(body: str, account: str) -> Dashboard:
    """What the body of an account's dashboard shows. Raises DashboardError."""
    try:
        widgets = foreign_json.parsed(body)["widgets"]
        alarms: set[str] = set()
        metrics: set[Shown] = set()
        for widget in widgets:
            properties = widget.get("properties", {})
            if widget["type"] == "alarm":
                alarms |= set(properties["alarms"])
            elif widget["type"] == "metric":
                alarms |= set(properties.get("annotations", {}).get("alarms", []))
                metrics |= set(_metrics(properties, account))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DashboardError(f"what it shows cannot be read: {error!r}") from None
    return Dashboard(frozenset(alarms), frozenset(metrics))


def _metrics(properties: Mapping[str, Any], account: str) -> Iterator[Shown]:
    """The metrics that a widget draws, or computes what it draws of."""
    rows = list(_rows(properties.get("metrics", [])))
    drawn = [
        str(options["expression"])
        for _, options in rows
        if "expression" in options and options.get("visible", True)
    ]
    for names, options in rows:
        if "expression" in options:
            continue
        if options.get("visible", True) or _computed(str(options.get("id", "")), drawn):
            namespace, name, *dimensions = names
            yield Shown(
                namespace,
                name,
                frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)),
                options.get("region", properties["region"]),
                options.get("accountId", properties.get("accountId", account)),
            )


def _computed(identifier: str, expressions: Sequence[str]) -> bool:
    """Whether one of the expressions is made of the metric of this id."""
    named = re.compile(rf"\b{re.escape(identifier)}\b")
    return bool(identifier) and any(
        named.search(text) or _ALL.search(text) for text in expressions if not _FINDING.search(text)
    )


def _rows(metrics: Sequence[Sequence[Any]]) -> Iterator[tuple[list[str], Mapping[str, Any]]]:
    """Each row's names in full, and its options.

    "." stands for what is in that place one row above, "..." for all of that row but its end.
    """
    above: list[str] = []
    for row in metrics:
        names = [part for part in row if not isinstance(part, Mapping)]
        [options] = [part for part in row if isinstance(part, Mapping)] or [{}]
        if "..." in names:
            names = [*above[: len(above) - len(names) + 1], *names[1:]]
        names = [above[place] if name == "." else name for place, name in enumerate(names)]
        yield names, options
        above = names or above
