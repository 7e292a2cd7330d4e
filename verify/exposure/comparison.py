"""Comparing rules by what they allow: who may reach a port, and how two sets of rules differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verify.exposure.grid import (
    Cell,
    Grid,
    Span,
    describe_ports,
    grid_of_rules,
    ports_of_span,
    segments,
)
from verify.exposure.rules import (
    ALL_PROTOCOLS,
    ICMP_PROTOCOLS,
    Direction,
    PrefixLists,
    Rule,
    Sources,
    normalise_protocol,
)

_DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")


@dataclass(frozen=True)
class Part:
    """Ports and sources that one set of rules allows and another does not.

    Ports are as in Exposure: both None for every port, for ICMP the first and last type.
    """

    direction: Direction
    protocol: str
    from_port: int | None
    to_port: int | None
    sources: Sources

    def describe(self) -> str:
        """In words, such as `ingress tcp 22 from 0.0.0.0/0`."""
        ports = describe_ports(self.protocol, self.from_port, self.to_port)
        preposition = "from" if self.direction == "ingress" else "to"
        return f"{self.direction} {ports} {preposition} {self.sources.describe()}"


@dataclass(frozen=True)
class Difference:
    """What live rules allow beyond the required ones, and what they lack; false when nothing."""

    excess: tuple[Part, ...]
    missing: tuple[Part, ...]

    def __bool__(self) -> bool:
        return bool(self.excess or self.missing)

    def describe(self) -> str:
        """In words, for a failure message."""
        lines = [f"too much: {part.describe()}" for part in self.excess]
        lines += [f"missing: {part.describe()}" for part in self.missing]
        return "; ".join(lines) or "no difference"


def allowed_sources(
    rules: Iterable[Rule],
    protocol: str | int,
    port: int,
    *,
    direction: Direction = "ingress",
    prefix_lists: PrefixLists | None = None,
) -> Sources:
    """Who may reach a port (for ICMP: any code of a type).

    Prefix lists that `prefix_lists` does not resolve stay ids. With `direction="egress"`: who may
    be reached. Raises ValueError for an unknown protocol.
    """
    name = normalise_protocol(protocol)
    low, high = (port * 256, port * 256 + 255) if name in ICMP_PROTOCOLS else (port, port)
    found = Sources()
    for rule in rules:
        first, last = rule.span
        relevant = rule.direction == direction and rule.protocol in (ALL_PROTOCOLS, name)
        if relevant and first <= high and low <= last:
            found |= rule.sources.resolved(prefix_lists or {})
    return found


def difference_from(
    required: Iterable[Rule], live: Iterable[Rule], prefix_lists: PrefixLists | None = None
) -> Difference:
    """Compare two sets of rules by what they allow, in both directions, not by their text.

    `tcp 0-21` with `tcp 22-65535` equals `tcp` on every port; `10.0.0.0/17` with `10.0.128.0/17`
    equals `10.0.0.0/16`. A prefix list that `prefix_lists` does not resolve equals only itself.
    """
    required, live = tuple(required), tuple(live)
    protocols = {rule.protocol for rule in required + live}
    excess: list[Part] = []
    missing: list[Part] = []
    for direction in _DIRECTIONS:
        wanted = grid_of_rules(required, direction, prefix_lists or {}, protocols)
        found = grid_of_rules(live, direction, prefix_lists or {}, protocols)
        excess += _beyond(found, wanted, direction)
        missing += _beyond(wanted, found, direction)
    return Difference(tuple(excess), tuple(missing))


def _beyond(left: Grid, right: Grid, direction: Direction) -> list[Part]:
    """What the left grid allows and the right one does not."""
    parts: list[Part] = []
    rest = _subtract(left[ALL_PROTOCOLS], right[ALL_PROTOCOLS], Sources())
    if rest:
        parts.append(Part(direction, ALL_PROTOCOLS, None, None, rest[0][1]))
    told = rest[0][1] if rest else Sources()
    for protocol in sorted(left):
        if protocol == ALL_PROTOCOLS:
            continue
        for span, sources in _subtract(left[protocol], right[protocol], told):
            from_port, to_port = ports_of_span(protocol, span)
            parts.append(Part(direction, protocol, from_port, to_port, sources))
    return parts


def _subtract(
    left: Iterable[Cell], right: Iterable[Cell], told: Sources
) -> list[tuple[Span, Sources]]:
    """Sources of the left cells beyond the right ones and beyond what has been told, by stretch."""
    left, right = tuple(left), tuple(right)
    found: list[tuple[Span, Sources]] = []
    for low, high in segments((cell.low, cell.high) for cell in left + right):
        remainder = _at(left, low) - _at(right, low) - told
        if not remainder:
            continue
        if found and found[-1][1] == remainder and found[-1][0][1] + 1 == low:
            found[-1] = ((found[-1][0][0], high), remainder)
        else:
            found.append(((low, high), remainder))
    return found


def _at(cells: Iterable[Cell], port: int) -> Sources:
    return next((cell.sources for cell in cells if cell.low <= port <= cell.high), Sources())
