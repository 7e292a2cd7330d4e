"""What the metric filters of the trail's log group count, and in which metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verify.account.answer import pick
from verify.account.door import Aws
from verify.checks.subscription import misjudged_by
from verify.events.filters import narrowings
from verify.events.patterns import names_selected
from verify.events.samples import (
    Place,
    Sample,
    failed_sign_ins,
    occurrences,
    ordinary_read,
    refused_calls,
    role_use,
    root_use,
    sign_ins_without_mfa,
)
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
    """Those that count every event of what is required, and not whatever there is.

    First those whose pattern shows it, then those that show it when they are tried.
    """
    whole = [item for item in found if not item.faults]
    needed = {name for names in required.get("events", {}).values() for name in names}
    place = Place(deployment.partition, deployment.account_id, deployment.region)
    kinds = _kinds(required, place)
    for item in whole:
        if not kinds and needed <= names_selected(item.pattern):
            yield item
    tried = [*occurrences(required.get("events", {}), place), *kinds, ordinary_read(place)]
    # The shortest is as a rule the one that was made for it.
    for item in sorted(whole, key=lambda item: len(item.pattern)):
        if not names_selected(item.pattern) and not misjudged_by(aws, item.pattern, tried):
            yield item


_KINDS: Mapping[str, Callable[[Place], Iterator[Sample]]] = {
    "root-user": root_use,
    "refused-calls": refused_calls,
    "sign-ins-without-mfa": sign_ins_without_mfa,
    "failed-sign-ins": failed_sign_ins,
}


def _kinds(required: Mapping[str, Any], place: Place) -> list[Sample]:
    """What is required besides events by their names."""
    of_role = [*role_use(required["role"], place)] if "role" in required else []
    return [*(_KINDS[required["kind"]](place) if "kind" in required else ()), *of_role]
