"""Anomaly detection: the band of what is expected of a metric.

CloudWatch learns it from two weeks of data, with the hours of the day and the days of the week, and
says of its width only that it is in standard deviations. How it learns is not known: here what is
expected is the mean of the earlier periods that have data, whatever the hour.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Anomaly_Detection.html
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

TRAINING_DAYS = 14
# With fewer periods there is no model yet, and an alarm has no data.
FEWEST_PERIODS = 3
DEFAULT_WIDTH = 2.0
_EXPRESSION = re.compile(
    r"\s*ANOMALY_DETECTION_BAND\(\s*(?P<metric>\w+)\s*(?:,\s*(?P<width>\d+(?:\.\d+)?)\s*)?\)\s*"
)


@dataclass(frozen=True)
class Band:
    """What is expected of a metric: from `low` to `high`."""

    low: float
    high: float

    def breached(self, operator: str, value: float) -> bool:
        """Whether a value is beyond it, on the side that an alarm looks at."""
        return {
            "GreaterThanUpperThreshold": value > self.high,
            "LessThanLowerThreshold": value < self.low,
            "LessThanLowerOrGreaterThanUpperThreshold": not self.low <= value <= self.high,
        }.get(operator, False)


def read(expression: str) -> tuple[str, float] | None:
    """The metric's id and the width that an expression names; None for one of another kind."""
    found = _EXPRESSION.fullmatch(expression)
    return None if found is None else (found["metric"], float(found["width"] or DEFAULT_WIDTH))


def expected(history: Sequence[float], width: float) -> Band | None:
    """The band by the values of earlier periods; None while there are too few."""
    if len(history) < FEWEST_PERIODS:
        return None
    mean, deviation = statistics.fmean(history), statistics.pstdev(history)
    return Band(mean - width * deviation, mean + width * deviation)
