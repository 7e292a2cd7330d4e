"""The function's log: one JSON object a line, and metrics in CloudWatch's embedded format."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from .times import as_iso, now

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
_MAXIMUM_VALUES = 100  # of one metric in one embedded-format line


class StructuredLog:
    """Writes JSON lines at or above a level. Metrics are written whatever the level."""

    def __init__(self, level: str = "INFO", stream: TextIO | None = None) -> None:
        self._threshold = _LEVELS.get(level.upper(), 20)
        self._stream = stream

    def write(self, level: str, message: str, **fields: object) -> None:
        """One line with the time, the level, what happened, and the fields."""
        if _LEVELS[level] >= self._threshold:
            self._line({"time": as_iso(now()), "level": level, "message": message, **fields})

    def _line(self, content: Mapping[str, Any]) -> None:
        stream = self._stream or sys.stdout
        stream.write(_encode(content) + "\n")

    def write_metrics(
        self,
        namespace: str,
        environment: str,
        totals: Mapping[str, int],
        latencies: Sequence[int],
        rules: Counter[str],
    ) -> None:
        """Counts of one invocation; latencies in milliseconds from eventTime to publication."""
        units = [{"Name": name, "Unit": "Count"} for name in totals]
        content: dict[str, Any] = {"Environment": environment, **totals}
        if latencies:
            units.append({"Name": "AlertLatency", "Unit": "Milliseconds"})
            content["AlertLatency"] = list(latencies[:_MAXIMUM_VALUES])
        self._line(_embedded(namespace, ["Environment"], units, content))
        for rule, count in rules.items():
            self._line(
                _embedded(
                    namespace,
                    ["Environment", "Rule"],
                    [{"Name": "ViolationsByRule", "Unit": "Count"}],
                    {"Environment": environment, "Rule": rule, "ViolationsByRule": count},
                )
            )

    def write_counts(
        self, namespace: str, dimensions: Mapping[str, str], values: Mapping[str, int]
    ) -> None:
        """Counts under the dimensions of these names and values."""
        units = [{"Name": name, "Unit": "Count"} for name in values]
        self._line(_embedded(namespace, list(dimensions), units, {**dimensions, **values}))


def _embedded(
    namespace: str,
    dimensions: list[str],
    metrics: list[dict[str, str]],
    content: Mapping[str, Any],
) -> dict[str, Any]:
    """CloudWatch embedded metric format (CloudWatch user guide, "Specification")."""
    return {
        "_aws": {
            "Timestamp": now(),
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics}
            ],
        },
        **content,
    }
