"""What keeps a log group's filter from seeing each event as it was written.

Sources: CloudWatch Logs API reference, SubscriptionFilter, MetricFilter.
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
