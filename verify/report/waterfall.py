"""The legs of each alert as bars in time: where each began, and how long it took.

What is recorded are the lengths of the legs in their order. The first begins with the act; of the
others each begins when the one before it ends, and the last ends with the receipt. So they are
placed from the receipt backwards: the call itself goes on while its event is on its way already.
Lengths are seconds; coordinates are in the units of the drawing's own viewBox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.model import AlertTiming, Leg
from verify.report.display import duration, shortened, visible

_WIDTH = 860
_MARGIN = 12
_HEAD = 26  # the axis
_ROW = 38
_BAR = 12
_NARROWEST = 1.5  # of a bar that is there
_LETTERS = 96


@dataclass(frozen=True)
class Placed:
    """A leg with the seconds from the act at which it began and ended."""

    leg: Leg
    start: float
    end: float


@dataclass(frozen=True)
class Bar:
    """A leg as a rectangle; its kind is whose it is, or that its length is not known."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True)
class Row:
    """An alert: its name and total, and its bars below them."""

    name: str
    total: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Drawing:
    """All alerts of a run on one axis; `ticks` are its marks, with what they say."""

    width: int
    height: int
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    summary: str


def placed(timing: AlertTiming) -> tuple[Placed, ...]:
    """When each leg of an alert began and ended, within the alert's own time.

    A leg of unknown length takes what is left between those that are known.
    """
    legs, total = timing.legs, max(timing.total_seconds, 0.0)
    unknown = [place for place, leg in enumerate(legs) if leg.seconds is None]
    last = unknown[-1] if unknown else 0
    back = total
    found: list[Placed] = []
    for leg in reversed(legs[last + 1 :]):
        start = _within(back - max(leg.seconds or 0.0, 0.0), back)
        found.append(Placed(leg, start, back))
        back = start
    front = 0.0
    ahead: list[Placed] = []
    for place, leg in enumerate(legs[: last + 1]):
        gap = place == last and unknown
        end = back if gap else _within(front + (leg.seconds or 0.0), back if unknown else total)
        ahead.append(Placed(leg, front, max(front, end)))
        front = max(front, end)
    return (*ahead, *reversed(found))


def _within(seconds: float, end: float) -> float:
    # Two clocks may disagree by more than a leg took.
    return min(max(seconds, 0.0), end)


def drawing(timings: Sequence[AlertTiming]) -> Drawing:
    """The alerts, one below the other, on one axis as long as the slowest took."""
    longest = max((one.total_seconds for one in timings), default=0.0) or 1.0
    scale = (_WIDTH - 2 * _MARGIN) / longest
    rows = tuple(
        Row(
            name=shortened(visible(timing.probe), _LETTERS),
            total=duration(timing.total_seconds),
            y=_HEAD + place * _ROW,
            bars=tuple(_bars(placed(timing), scale)),
        )
        for place, timing in enumerate(timings)
    )
    ticks = tuple(
        (round(_MARGIN + longest * part * scale, 1), duration(longest * part))
        for part in (0.0, 0.5, 1.0)
    )
    return Drawing(_WIDTH, _HEAD + _ROW * len(rows), rows, ticks, _summary(timings))


def _bars(legs: Iterable[Placed], scale: float) -> Iterable[Bar]:
    for one in legs:
        kind = "unknown" if one.leg.seconds is None else one.leg.whose.lower() or "leg"
        width = max((one.end - one.start) * scale, _NARROWEST)
        x = min(_MARGIN + one.start * scale, _WIDTH - _MARGIN - width)
        yield Bar(kind, round(x, 1), round(width, 1))


def _summary(timings: Sequence[AlertTiming]) -> str:
    if not timings:
        return "No alert was measured."
    slowest = max(timings, key=lambda one: one.total_seconds)
    quickest = min(timings, key=lambda one: one.total_seconds)
    return (
        f"{len(timings)} ways of alerts, from {duration(quickest.total_seconds)} "
        f"({quickest.probe}) to {duration(slowest.total_seconds)} ({slowest.probe})."
    )
