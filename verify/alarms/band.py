"""Alarms that hold a metric against what is usual of it, judged by what they do.

What is usual CloudWatch learns of the metric's own data; how, it does not say, but that the band
is as many standard deviations wide as the alarm asks for. So such an alarm is played on data that
are standard deviations from what is expected: the one unit in which it is known what it does.
Source: Amazon CloudWatch User Guide, "Using CloudWatch anomaly detection"; API reference,
PutMetricAlarm (ThresholdMetricId).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verify.alarms.alarm import Alarm, Answer, CannotTellError, Metric, alarm_of
from verify.alarms.behaviour import Behaviour, faults

_EXPRESSION = re.compile(
    r"\s*ANOMALY_DETECTION_BAND\(\s*(?P<metric>\w+)\s*(?:,\s*(?P<width>\d+(?:\.\d+)?)\s*)?\)\s*"
)
_DEFAULT_WIDTH = 2.0
# Each datum of a number of requests is of one: of these alone many make a higher value.
_RISING = ("Sum", "SampleCount")


@dataclass(frozen=True)
class Unusual:
    """What an alarm must do: ring at what is far above the usual, and rest at what is near it.

    Both are in standard deviations; `within` minutes of the first such period's beginning.
    """

    within: int
    deviations: float
    ordinary: float

    def __str__(self) -> str:
        return (
            f"one that rings within {self.within} minutes of what is {self.deviations:g} standard "
            f"deviations above the usual, and rests up to {self.ordinary:g}"
        )


def faults_of_band(
    answer: Answer, metric: Metric, account: str, wanted: Unusual
) -> tuple[str, ...]:
    """In what an alarm falls short, a phrase each. Raises CannotTellError, and KeyError."""
    if "ThresholdMetricId" not in answer:
        return ("it holds the metric against a fixed number, and not against what is usual",)
    queries = {query["Id"]: query for query in answer.get("Metrics", [])}
    band = queries.pop(answer["ThresholdMetricId"], {})
    identifier, width = _read(band, account)
    [measured] = [query for query in queries.values() if query["Id"] == identifier] or [None]
    if measured is None or len(queries) != 1 or "MetricStat" not in measured:
        raise CannotTellError("it computes more than what is expected of one metric")
    if not measured.get("ReturnData", True):
        return ("it watches nothing that could be beyond its band",)
    statistic = measured["MetricStat"]["Stat"]
    if statistic not in _RISING:
        return (f"it watches the {statistic}, which does not rise with the number",)
    behaviour = Behaviour("occurrence", wanted.within, wanted.deviations, wanted.ordinary)
    return faults(_played(answer, measured, metric, account, width), behaviour)


def _read(band: Mapping[str, Any], account: str) -> tuple[str, float]:
    """The metric that a band is of, and its width in standard deviations."""
    text = str(band.get("Expression", ""))
    found = _EXPRESSION.fullmatch(text)
    if found is None or "MetricStat" in band or band.get("AccountId", account) != account:
        raise CannotTellError(f"what it expects is not known ({text or 'no expression'})")
    if "Period" in band:
        raise CannotTellError("its band has a period of its own, as queries have")
    return found["metric"], float(found["width"] or _DEFAULT_WIDTH)


def _played(
    answer: Answer, measured: Mapping[str, Any], metric: Metric, account: str, width: float
) -> Alarm:
    """The alarm on its metric's deviations, of which the highest of a period is the period's."""
    stat = {**measured["MetricStat"], "Stat": "Maximum"}
    members = {name: value for name, value in answer.items() if name != "ThresholdMetricId"}
    members |= {"Metrics": [{**measured, "MetricStat": stat}], "Threshold": width}
    return alarm_of(members, [metric], account, of_band=True)
