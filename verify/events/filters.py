"""What keeps a log group's filter from seeing each event as it was written, or counting it as one.

Sources: CloudWatch Logs API reference, SubscriptionFilter, MetricFilter, MetricTransformation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Of DescribeSubscriptionFilters or DescribeMetricFilters. What was not set is left out.
Filter = Mapping[str, Any]


def narrowings(entry: Filter) -> list[str]:
    """In what a filter sees other events, or fewer, than were written; beside its pattern."""
    found = []
    if entry.get("applyOnTransformedLogs"):
        found.append("looks at events as a transformer makes them")
    if entry.get("fieldSelectionCriteria"):
        found.append(f"looks only at events with {entry['fieldSelectionCriteria']}")
    return found


def miscounts(entry: Filter, transformation: Mapping[str, Any]) -> list[str]:
    """Why the metric of a metric filter is not the number of events that its pattern selects.

    `transformation` is one of the filter's, with metricValue. An alarm without dimensions sees no
    metric that has some, and one in another unit never gets data; a default other than zero counts
    what did not happen, or takes it off what did.
    """
    found = narrowings(entry)
    if not _is(transformation["metricValue"], 1):
        found.append(f"counts {transformation['metricValue']} for an event")
    if not _is(transformation.get("defaultValue", 0), 0):
        found.append(f"counts {transformation['defaultValue']} for no event")
    dimensions = [
        *transformation.get("dimensions", {}),
        *entry.get("emitSystemFieldDimensions", []),
    ]
    if dimensions:
        found.append(f"counts apart by {', '.join(dimensions)}")
    unit = transformation.get("unit", "None")
    if unit != "Count":
        found.append(f"counts in the unit {unit}")
    return found


def _is(value: Any, number: float) -> bool:
    try:
        return float(value) == number
    except ValueError:  # a field of the event, whose value it is
        return False
