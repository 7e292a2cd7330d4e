"""The state that CloudWatch gives an alarm, from its data points.

Source: Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms
treat missing data", with their tables.
"""

from __future__ import annotations

from collections.abc import Sequence

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
TREATMENTS = frozenset({"breaching", "notBreaching", "ignore", "missing"})


def state(
    points: Sequence[bool | None], evaluated: int, needed: int, treatment: str, present: str
) -> str:
    """An alarm's state.

    `points` are those of the evaluation range, the newest last, of which CloudWatch retrieves more
    than the `evaluated` ones: whether each breaches, None where there are no data. `needed` of the
    evaluated must breach. `present` is the state until now.
    """
    found = [point for point in points if point is not None]
    if len(found) >= evaluated:
        # Real data that lie further back count before any treatment of missing data does.
        return ALARM if sum(found[len(found) - evaluated :]) >= needed else OK
    breaching = sum(found)
    if treatment == "breaching":
        breaching += evaluated - len(found)
    if breaching >= needed:
        return ALARM
    if treatment in ("breaching", "notBreaching"):
        return OK
    unknown = present if treatment == "ignore" else INSUFFICIENT_DATA
    if not found:
        return unknown
    if not all(found):
        return OK
    # Only breaching data, fewer than are needed: an alarm if they have lasted long enough.
    lasted = len(points) - next(index for index, point in enumerate(points) if point)
    return ALARM if lasted >= needed and treatment == "missing" else unknown
