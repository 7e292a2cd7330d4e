"""Metrics written into log events: the embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAXIMUM_DIMENSIONS = 30


@dataclass(frozen=True)
class EmbeddedMetric:
    """One metric of one event, for one set of dimensions."""

    namespace: str
    name: str
    unit: str
    values: tuple[float, ...]
    dimensions: tuple[tuple[str, str], ...]


def read(message: str) -> Iterator[EmbeddedMetric]:
    """The metrics of a log event; none for a message that is not in the format."""
    if '"_aws"' not in message:
        return
    try:
        document = json.loads(message)
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives if isinstance(directives, list) else ():
        yield from _directive(document, directive)


def _directive(document: dict[str, Any], directive: Any) -> Iterator[EmbeddedMetric]:
    if not isinstance(directive, dict) or not isinstance(directive.get("Namespace"), str):
        return
    for names in directive.get("Dimensions") or [[]]:
        if len(names) > MAXIMUM_DIMENSIONS or any(name not in document for name in names):
            continue
        dimensions = tuple((name, str(document[name])) for name in names)
        for metric in directive.get("Metrics") or []:
            value = document.get(metric.get("Name"))
            values = value if isinstance(value, list) else [value]
            numbers = tuple(
                float(number)
                for number in values
                if isinstance(number, int | float) and not isinstance(number, bool)
            )
            if numbers:
                unit = metric.get("Unit") or "None"
                yield EmbeddedMetric(
                    directive["Namespace"], metric["Name"], unit, numbers, dimensions
                )
