"""Where the boxes and arrows of the network's picture stand: from left to right, as traffic goes.

Outside who comes in, the gateways by which he does, the tiers in the order in which they are
reached, the gateways by which something leaves, and what it reaches. Coordinates are in the units
of the picture's own viewBox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from verify.model import (
    GATEWAY,
    OTHER,
    OUTSIDE,
    TIER,
    NetworkNode,
    NetworkPicture,
    NetworkWay,
)
from verify.report.display import visible

_WIDTHS = {OUTSIDE: 140, GATEWAY: 216, TIER: 180, OTHER: 180, "subnet": 216}
# Between columns: room for what passes is needed between tiers alone.
_GAP, _WIDE_GAP = 64, 124
_LINE = 16
_SPACE = 22  # between boxes of a column
_TOP = 58
_MARGIN = 12
_LETTERS = 27  # of a line in a box
_BRIEF = 17  # letters of a label


@dataclass(frozen=True)
class Box:
    """A node, or a subnet, with its lines of text below its name."""

    name: str
    kind: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int
    alarming: bool


@dataclass(frozen=True)
class Arrow:
    """A stretch of a way, from a box to the next, as the path of an SVG."""

    path: str
    forbidden: bool


@dataclass(frozen=True)
class Label:
    """What passes, beside its arrow."""

    text: str
    x: int
    y: int
    forbidden: bool


@dataclass(frozen=True)
class Drawing:
    """A picture as it is drawn: everything in its place."""

    width: int
    height: int
    frame: Box
    boxes: tuple[Box, ...]
    subnets: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    labels: tuple[Label, ...]
    summary: str


def drawing(picture: NetworkPicture) -> Drawing:
    """Lay out a picture."""
    columns = _columns(picture)
    boxes, bottom = _placed(picture, columns)
    arrows, labels = _ways(picture.ways, columns, boxes)
    left, right = _sides([box for box in boxes.values() if box.kind != OUTSIDE], labels)
    subnets, bottom = _subnets(picture, bottom + _MARGIN, left + _MARGIN, right - _MARGIN)
    name = f"{visible(picture.vpc)} ({', '.join(picture.ranges)})"
    frame = Box(name, "vpc", (), left, _MARGIN, right - left, bottom - _MARGIN, alarming=False)
    return Drawing(
        max(right, *(box.x + box.width for box in boxes.values())) + _MARGIN,
        bottom + _MARGIN,
        frame,
        tuple(boxes.values()),
        subnets,
        tuple(arrows),
        tuple(labels),
        _summary(picture),
    )


def _sides(boxes: Sequence[Box], labels: Sequence[Label]) -> tuple[int, int]:
    """Where the VPC begins and ends: around what is in it, and two subnets side by side."""
    left = min((box.x for box in boxes), default=2 * _MARGIN) - _MARGIN
    ends = [box.x + box.width for box in boxes]
    tiers = [box.x + box.width for box in boxes if box.kind in (TIER, OTHER)]
    if tiers and max(tiers) == max(ends) and any(label.x > max(tiers) for label in labels):
        ends.append(max(tiers) + _WIDE_GAP)
    return left, max(*ends, left + 2 * _WIDTHS["subnet"] + _SPACE + _MARGIN, 0) + _MARGIN


def _placed(
    picture: NetworkPicture, columns: Sequence[Sequence[str]]
) -> tuple[dict[tuple[int, str], Box], int]:
    """The box of each node, by its column and name, and where the lowest ends."""
    nodes = {node.name: node for node in picture.nodes}
    alarming = {
        name
        for way in picture.ways
        if way.forbidden
        for name in (way.source, way.destination, *way.via)
    }
    boxes: dict[tuple[int, str], Box] = {}
    x, bottom = 2 * _MARGIN, _TOP
    for number, column in enumerate(columns):
        y = _TOP
        for name in column:
            box = _box(nodes[name], x, y, name in alarming)
            boxes[number, name] = box
            y += box.height + _SPACE
        bottom = max(bottom, y)
        if column:
            of_tiers = 1 <= number < len(columns) - 2
            width = max(_WIDTHS[nodes[name].kind] for name in column)
            x += width + (_WIDE_GAP if of_tiers else _GAP)
    return boxes, bottom


# --- columns --------------------------------------------------------------------------------------


def _columns(picture: NetworkPicture) -> list[list[str]]:
    """The names of the nodes from left to right; who comes in and is reached stands on both sides.

    What takes part in no way stands where it would.
    """
    kind = {node.name: node.kind for node in picture.nodes}
    inward = [way for way in picture.ways if kind.get(way.source) == OUTSIDE]
    outward = [way for way in picture.ways if kind.get(way.destination) == OUTSIDE]
    comes = _unique(["internet", *(way.source for way in inward)])
    gates_in = _unique(name for way in inward for name in way.via)
    gates_out = _unique(name for way in outward for name in way.via)
    reached = _unique(way.destination for way in outward)
    idle = [
        name
        for name, what in kind.items()
        if what == GATEWAY and name not in (*gates_in, *gates_out)
    ]
    idle += [
        name for name, what in kind.items() if what == OUTSIDE and name not in (*comes, *reached)
    ]
    ranks = _ranks(picture, kind)
    last = max(ranks.values(), default=0)
    tiers = [[name for name in ranks if ranks[name] == rank] for rank in range(last + 1)]
    return [comes, [*gates_in, *idle], *tiers, gates_out, reached]


def _ranks(picture: NetworkPicture, kind: Mapping[str, str]) -> dict[str, int]:
    """By how many allowed steps each tier is reached from those that are reached first."""
    inside = [name for name, what in kind.items() if what not in (OUTSIDE, GATEWAY)]
    steps = [way for way in picture.ways if not way.forbidden and kind.get(way.source) == TIER]
    reached = {way.destination for way in steps if way.source != way.destination}
    entered = {
        way.destination
        for way in picture.ways
        if not way.forbidden and kind.get(way.source) == OUTSIDE
    }
    ranks = {name: 0 for name in inside if name not in reached or name in entered}
    waiting = list(ranks)
    while waiting:
        name = waiting.pop(0)
        for way in steps:
            if way.source == name and way.destination in inside and way.destination not in ranks:
                ranks[way.destination] = ranks[name] + 1
                waiting.append(way.destination)
    return {name: ranks.get(name, 0) for name in inside}


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


# --- boxes ----------------------------------------------------------------------------------------


def _box(node: NetworkNode, x: int, y: int, alarming: bool) -> Box:
    lines = tuple(_cut(line) for line in node.details)
    height = 30 + _LINE * len(lines)
    return Box(_cut(node.name), node.kind, lines, x, y, _WIDTHS[node.kind], height, alarming)


def _cut(text: str) -> str:
    text = visible(text).replace("\n", " ")
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"


def _subnets(
    picture: NetworkPicture, top: int, left: int, right: int
) -> tuple[tuple[Box, ...], int]:
    """The subnets in rows below the tiers, and where the rows end."""
    width = _WIDTHS["subnet"]
    each = max((right - left + _SPACE) // (width + _SPACE), 1)
    found, row_bottom, y = [], top, top
    for number, subnet in enumerate(picture.subnets):
        if number and number % each == 0:
            y = row_bottom + _SPACE
        leads = [_cut(f"to {name}") for name in subnet.leads_to] or ["leads nowhere outside"]
        lines = (*map(_cut, subnet.ranges), *leads)
        height = 30 + _LINE * len(lines)
        x = left + (number % each) * (width + _SPACE)
        found.append(Box(_cut(subnet.name), "subnet", lines, x, y, width, height, alarming=False))
        row_bottom = max(row_bottom, y + height)
    return tuple(found), row_bottom + _MARGIN


# --- ways -----------------------------------------------------------------------------------------


def _ways(
    ways: Sequence[NetworkWay],
    columns: list[list[str]],
    boxes: Mapping[tuple[int, str], Box],
) -> tuple[list[Arrow], list[Label]]:
    arrows: list[Arrow] = []
    labels: list[Label] = []
    used: dict[tuple[int, int], list[tuple[str, bool]]] = {}
    # Forbidden ones last, on top of the others.
    for way in sorted(ways, key=lambda way: way.forbidden):
        stops = [boxes[stop] for stop in _stops(way, columns)]
        arrows += [Arrow(_path(start, end), way.forbidden) for start, end in pairwise(stops)]
        x, y = _beside(stops)
        here = used.setdefault((x, y), [])
        said = _brief(way.traffic), way.forbidden
        if said not in here:
            labels.append(Label(said[0], x, y + len(here) * _LINE, way.forbidden))
            here.append(said)
    return arrows, labels


def _beside(stops: Sequence[Box]) -> tuple[int, int]:
    """Where the label of a way stands: at the tier that it ends at, or comes from."""
    start, end = stops[0], stops[-1]
    if start.kind != OUTSIDE and (end.kind == OUTSIDE or end.x <= start.x):
        return start.x + start.width + _WIDE_GAP // 2, start.y + start.height // 2 - 6
    return end.x - _WIDE_GAP // 2, end.y + end.height // 2 - 6


def _brief(traffic: str) -> str:
    """Protocols and ports with each protocol said once: `tcp/80, 443`."""
    found: list[str] = []
    named = ""
    for part in visible(traffic).split(", "):
        protocol, slash, ports = part.partition("/")
        found.append(ports if slash and protocol == named else part)
        named = protocol
    text = ", ".join(found)
    return text if len(text) <= _BRIEF else text[: _BRIEF - 1] + "…"


def _stops(way: NetworkWay, columns: list[list[str]]) -> list[tuple[int, str]]:
    """The boxes that a way passes: of a node that stands on both sides, the one on its own."""
    last = len(columns) - 1
    inside = range(2, last - 1)
    comes_in = way.source in columns[0] and not any(way.source in columns[n] for n in inside)
    gates = (1, last - 1) if comes_in else (last - 1, 1)
    stops = [(0, way.source)] if comes_in else [_column(way.source, columns, (*inside, 0))]
    stops += [_column(name, columns, (*gates, *inside, 0, last)) for name in way.via]
    return [*stops, _column(way.destination, columns, (*inside, last, 0))]


def _column(name: str, columns: list[list[str]], order: Iterable[int]) -> tuple[int, str]:
    return next((number, name) for number in order if name in columns[number])


def _path(start: Box, end: Box) -> str:
    """A curve from the right of a box to the left of the next; in one column around its side."""
    x1, y1 = start.x + start.width, start.y + start.height // 2
    x2, y2 = end.x, end.y + end.height // 2
    if x2 > start.x:
        bend = (x2 - x1) // 2
        return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2 - 7} {y2}"
    # Back, or to itself: out at the right and in at the right.
    x2 += end.width
    reach = max(x1, x2) + _GAP // 2
    y2 += 10
    return f"M{x1} {y1}C{reach} {y1} {reach} {y2} {x2 + 7} {y2}"


def _summary(picture: NetworkPicture) -> str:
    """The picture in a sentence, for those who do not see it."""
    forbidden = [way for way in picture.ways if way.forbidden]
    opened = len(picture.ways) - len(forbidden)
    outside = {node.name for node in picture.nodes if node.kind == OUTSIDE}
    comes = [way for way in picture.ways if way.source in outside]
    leaves = [way for way in picture.ways if way.destination in outside]
    text = f"{_count(opened)} allowed, {_count(len(forbidden))} forbidden."
    text += "" if comes else " Nothing outside reaches in."
    return text + ("" if leaves else " Nothing reaches out.")


def _count(amount: int) -> str:
    return f"{amount or 'No'} way is" if amount == 1 else f"{amount or 'No'} ways are"
