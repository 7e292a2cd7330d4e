"""Rules laid out by protocol and port: for each stretch of ports, everyone whom a rule lets in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from verify.addresses import AddressSet
from verify.exposure.rules import (
    ALL_PROTOCOLS,
    ICMP_PROTOCOLS,
    LAST_PORT,
    AclEntry,
    Direction,
    PrefixLists,
    Rule,
    Sources,
)

NAMED_PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6")

Span = tuple[int, int]
WHOLE_SPAN: Span = (0, LAST_PORT)


@dataclass(frozen=True)
class Cell:
    """A stretch of ports with the same sources throughout.

    `sources` has known prefix lists replaced by their addresses; `prefix_list_ids` names all of
    them, resolved or not, so that a message can say where addresses came from.
    """

    low: int
    high: int
    sources: Sources
    prefix_list_ids: frozenset[str] = frozenset()


# Cells that cover 0-65535, for each protocol. `all` stands for every protocol that has no own key.
Grid = Mapping[str, Sequence[Cell]]


def segments(spans: Iterable[Span]) -> list[Span]:
    """Cut 0-65535 wherever a span begins or ends."""
    edges = {0}
    for low, high in spans:
        edges |= {low, high + 1}
    starts = sorted(edge for edge in edges if edge <= LAST_PORT)
    ends = [start - 1 for start in starts[1:]] + [LAST_PORT]
    return list(zip(starts, ends, strict=True))


def grid_of_rules(
    rules: Iterable[Rule],
    direction: Direction,
    prefix_lists: PrefixLists,
    protocols: Iterable[str] = (),
) -> Grid:
    """The grid of a direction; `protocols` are keys to have beside those in the rules."""
    chosen = [rule for rule in rules if rule.direction == direction]
    resolved = {rule: rule.sources.resolved(prefix_lists) for rule in chosen}
    grid: dict[str, list[Cell]] = {}
    for protocol in {ALL_PROTOCOLS, *protocols, *(rule.protocol for rule in chosen)}:
        relevant = [rule for rule in chosen if rule.protocol in (ALL_PROTOCOLS, protocol)]
        cells = []
        for low, high in segments(rule.span for rule in relevant):
            sources, lists = Sources(), frozenset[str]()
            for rule in relevant:
                if rule.span[0] <= low and high <= rule.span[1]:
                    sources |= resolved[rule]
                    lists |= rule.sources.prefix_list_ids
            cells.append(Cell(low, high, sources, lists))
        grid[protocol] = cells
    return grid


def grid_of_acl(entries: Iterable[AclEntry], direction: Direction) -> Grid:
    """The grid of what a network ACL allows: entries by number, the first match decides."""
    chosen = sorted(
        (entry for entry in entries if entry.direction == direction),
        # Numbers are unique on AWS; should two be equal, the allow is taken to win.
        key=lambda entry: (entry.number, not entry.allow),
    )
    grid: dict[str, list[Cell]] = {}
    for protocol in {ALL_PROTOCOLS, *NAMED_PROTOCOLS, *(entry.protocol for entry in chosen)}:
        relevant = [entry for entry in chosen if entry.protocol in (ALL_PROTOCOLS, protocol)]
        cells = []
        for low, high in segments(entry.span for entry in relevant):
            undecided, allowed = AddressSet.everything(), AddressSet()
            for entry in relevant:
                if entry.span[0] <= low and high <= entry.span[1]:
                    matched = entry.addresses & undecided
                    undecided -= matched
                    if entry.allow:
                        allowed |= matched
            cells.append(Cell(low, high, Sources(allowed)))
        grid[protocol] = cells
    return grid


def ports_of_span(protocol: str, span: Span) -> tuple[int | None, int | None]:
    """A span as first and last port, both None for every port; for ICMP first and last type."""
    if span == WHOLE_SPAN:
        return None, None
    if protocol in ICMP_PROTOCOLS:
        return span[0] // 256, span[1] // 256
    return span


def describe_ports(protocol: str, from_port: int | None, to_port: int | None) -> str:
    """A protocol with its ports in words, such as `tcp 22`, `udp 0-1023`, `all protocols`."""
    if protocol == ALL_PROTOCOLS:
        return "all protocols"
    if from_port is None:
        return f"{protocol} on every port" if protocol in ("tcp", "udp") else f"{protocol}"
    kind = "type " if protocol in ICMP_PROTOCOLS else ""
    ports = str(from_port) if from_port == to_port else f"{from_port}-{to_port}"
    return f"{protocol} {kind}{ports}"
