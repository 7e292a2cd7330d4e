"""What the metric filters of the trail's log group count, and in which metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.account.answer import pick
from verify.account.door import Aws
from verify.checks.subscription import misjudged_by
from verify.events.filters import narrowings
from verify.events.patterns import names_selected
from verify.events.samples import Place, Sample, occurrences, root_use
from verify.inputs.deployment import Deployment


@dataclass(frozen=True)
class Counted:
    """What one metric filter adds to one metric: `value` for each event that its pattern selects.

    `ordinary` is what it adds where there are other events only, None for nothing. `faults` are
    the reasons for which it may leave events out.
    """

    name: str
    pattern: str
    metric: Mapping[str, Any]
    value: float
    ordinary: float | None
    faults: tuple[str, ...]

    def __str__(self) -> str:
        faults = f" ({', '.join(self.faults)})" if self.faults else ""
        return f"{self.name}: {self.pattern} counts {self.value:g}{faults}"


def counted_by(filters: Iterable[Mapping[str, Any]], group: str) -> list[Counted]:
    """What each of some metric filters, as DescribeMetricFilters gives them, counts of `group`."""
    return [
        _counted(entry, item, group)
        for entry in filters
        for item in pick(entry, "metricTransformations")
    ]


def _counted(entry: Mapping[str, Any], item: Mapping[str, Any], group: str) -> Counted:
    faults = narrowings(entry)
    if pick(entry, "logGroupName") != group:
        faults.append(f"is of {entry['logGroupName']}")
    if item.get("dimensions") or entry.get("emitSystemFieldDimensions"):
        faults.append("counts apart by dimensions")
    value = _number(pick(item, "metricValue"))
    if value <= 0:
        faults.append(f"counts each event as {item['metricValue']}")
    return Counted(
        name=entry.get("filterName", ""),
        pattern=pick(entry, "filterPattern"),
        metric={
            "namespace": pick(item, "metricNamespace"),
            "metric": pick(item, "metricName"),
            "dimensions": {},
            "unit": item.get("unit", "None"),
        },
        value=value,
        ordinary=item.get("defaultValue"),
        faults=tuple(faults),
    )


def _number(text: str) -> float:
    """The value that each event adds; 0 for one that is taken from the event, and may be none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def counting(
    aws: Aws, deployment: Deployment, required: Mapping[str, Any], found: Iterable[Counted]
) -> Iterator[Counted]:
    """Those that count every event of what is required; that they count others is no fault.

    First those whose pattern shows it, then those that show it when they are tried.
    """
    whole = [item for item in found if not item.faults]
    needed = {name for names in required.get("events", {}).values() for name in names}
    root = required.get("root_user", False)
    for item in whole:
        if not root and needed <= names_selected(item.pattern):
            yield item
    place = Place(deployment.partition, deployment.account_id, deployment.region)
    tried: list[Sample] = [*occurrences(required.get("events", {}), place)]
    if root:
        tried += root_use(place)
    # The shortest is as a rule the one that was made for it.
    for item in sorted(whole, key=lambda item: len(item.pattern)):
        if not names_selected(item.pattern) and not misjudged_by(aws, item.pattern, tried):
            yield item
