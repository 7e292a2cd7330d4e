"""Which ports the internet can reach, or be reached from, by a set of rules taken together.

The size of what is open is that of the union over all rules, so splitting a range over many rules
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from verify.addresses import (
    DEFAULT_BOUNDS,
    FAMILIES,
    NAT64,
    PUBLIC,
    AddressSet,
    Bounds,
    Family,
    is_internet,
)
from verify.exposure.grid import (
    NAMED_PROTOCOLS,
    WHOLE_SPAN,
    Cell,
    Grid,
    describe_ports,
    grid_of_acl,
    grid_of_rules,
    ports_of_span,
)
from verify.exposure.rules import (
    ALL_PROTOCOLS,
    NO_ADDRESS,
    AclEntry,
    Direction,
    PrefixLists,
    Rule,
    Sources,
    normalise_protocol,
)

# The protocols that no entry of a network ACL names, where they fare differently from those named.
OTHER_PROTOCOLS = "other"


class Verdict(Enum):
    """A judgement has three answers: what could not be seen is never closed."""

    EXPOSED = "exposed"
    CLOSED = "closed"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Exposure:
    """Ports open to more than `bounds` allow (`verdict` EXPOSED), or perhaps open (CANNOT_TELL).

    `protocol` is as in Rule, or `other` for the protocols that no entry of a network ACL names.
    `from_port` and `to_port` are None for every port; for ICMP they are the first and last type.
    `how` holds the CIDRs of the union of all sources, and the prefix lists that took part.
    """

    verdict: Verdict
    direction: Direction
    family: Family
    protocol: str
    from_port: int | None
    to_port: int | None
    how: tuple[str, ...]
    reason: str

    def covers(self, protocol: str | int, port: int) -> bool:
        """Whether this exposure is about a port of a protocol (for ICMP: a type)."""
        name = normalise_protocol(protocol)
        of_others = self.protocol == OTHER_PROTOCOLS and name not in NAMED_PROTOCOLS
        if self.protocol not in (ALL_PROTOCOLS, name) and not of_others:
            return False
        if self.from_port is None or self.to_port is None:
            return True
        return self.from_port <= port <= self.to_port


def exposure_verdict(exposures: Iterable[Exposure]) -> Verdict:
    """One answer for many exposures: the worst of theirs, CLOSED for none."""
    verdicts = {exposure.verdict for exposure in exposures}
    for verdict in (Verdict.EXPOSED, Verdict.CANNOT_TELL):
        if verdict in verdicts:
            return verdict
    return Verdict.CLOSED


def internet_exposures(
    rules: Iterable[Rule],
    prefix_lists: PrefixLists | None = None,
    *,
    direction: Direction = "ingress",
    bounds: Bounds = DEFAULT_BOUNDS,
    admitted: AddressSet = NO_ADDRESS,
) -> tuple[Exposure, ...]:
    """Every range of ports that the rules of one direction open to the internet; empty when closed.

    Prefix lists resolve through `prefix_lists` (id -> CIDRs, as GetManagedPrefixListEntries gives
    them). One that is not there gives an Exposure with the verdict CANNOT_TELL, unless known
    addresses alone expose the port. Referenced security groups hold interfaces of this VPC or of a
    peer, never the internet. `admitted` addresses do not count, and with `bounds` of ANY_PUBLIC
    every other public one does. Raises ValueError for a malformed CIDR in `prefix_lists`.
    """
    grid = grid_of_rules(rules, direction, prefix_lists or {})
    return _exposures(_without(grid, admitted), direction, bounds)


def network_acl_internet_exposures(
    entries: Iterable[Mapping[str, Any]],
    *,
    direction: Direction = "ingress",
    bounds: Bounds = DEFAULT_BOUNDS,
    admitted: AddressSet = NO_ADDRESS,
) -> tuple[Exposure, ...]:
    """What a network ACL lets through from (or to) the internet; empty when closed.

    Takes `Entries` of DescribeNetworkAcls. Entries are tried by rule number and the first that
    matches decides (Amazon VPC user guide, "Network ACL rules"), so a later allow does not open
    what an earlier deny has closed, and a deny of a part leaves the rest open. `bounds` and
    `admitted` are as for rules. Raises ValueError for an entry that cannot be read.
    """
    grid = grid_of_acl([AclEntry.parse(entry) for entry in entries], direction)
    return _exposures(_without(grid, admitted), direction, bounds)


def _without(grid: Grid, admitted: AddressSet) -> Grid:
    """The grid without the addresses that may be there."""
    if not admitted:
        return grid
    spared = Sources(admitted)
    return {
        protocol: [replace(cell, sources=cell.sources - spared) for cell in cells]
        for protocol, cells in grid.items()
    }


def _judge(cell: Cell, family: Family, direction: Direction, bounds: Bounds) -> Verdict:
    if is_internet(_reached(cell.sources.addresses, direction).of(family), bounds):
        return Verdict.EXPOSED
    return Verdict.CANNOT_TELL if cell.sources.prefix_list_ids else Verdict.CLOSED


def _reached(addresses: AddressSet, direction: Direction) -> AddressSet:
    return addresses | _behind_nat64(addresses) if direction == "egress" else addresses


def _behind_nat64(addresses: AddressSet) -> AddressSet:
    base = NAT64.ipv6[0][0]
    return AddressSet(
        ipv4=tuple((low - base, high - base) for low, high in (addresses & NAT64).ipv6)
    )


def _exposures(grid: Grid, direction: Direction, bounds: Bounds) -> tuple[Exposure, ...]:
    found: list[Exposure] = []
    for family in FAMILIES:
        judged = {
            protocol: _merge([(cell, _judge(cell, family, direction, bounds)) for cell in cells])
            for protocol, cells in grid.items()
        }
        # One stretch, since "all protocols" has no ports.
        rest, rest_verdict = judged.pop(ALL_PROTOCOLS)[0]
        everywhere = all(
            verdict in (rest_verdict, Verdict.EXPOSED)
            for stretches in judged.values()
            for _, verdict in stretches
        )
        if rest_verdict is not Verdict.CLOSED:
            name = ALL_PROTOCOLS if everywhere else OTHER_PROTOCOLS
            found.append(_exposure(rest, rest_verdict, direction, family, name))
        for protocol, stretches in sorted(judged.items()):
            found += [
                _exposure(cell, verdict, direction, family, protocol)
                for cell, verdict in stretches
                if verdict is not Verdict.CLOSED and not (everywhere and verdict is rest_verdict)
            ]
    return tuple(found)


def _merge(stretches: list[tuple[Cell, Verdict]]) -> list[tuple[Cell, Verdict]]:
    """Join neighbours with the same verdict; the joined cell has the sources of both."""
    merged: list[tuple[Cell, Verdict]] = []
    for cell, verdict in stretches:
        if merged and merged[-1][1] is verdict:
            last = merged[-1][0]
            cell = Cell(
                last.low,
                cell.high,
                last.sources | cell.sources,
                last.prefix_list_ids | cell.prefix_list_ids,
            )
            merged.pop()
        merged.append((cell, verdict))
    return merged


def _exposure(
    cell: Cell, verdict: Verdict, direction: Direction, family: Family, protocol: str
) -> Exposure:
    span = WHOLE_SPAN if protocol in (ALL_PROTOCOLS, OTHER_PROTOCOLS) else (cell.low, cell.high)
    from_port, to_port = ports_of_span(protocol, span)
    addresses = cell.sources.addresses
    what = f"{direction} {describe_ports(protocol, from_port, to_port)} over {_TITLE[family]}"
    if verdict is Verdict.EXPOSED:
        lists = tuple(f"prefix list {name}" for name in sorted(cell.prefix_list_ids))
        shown = addresses.of(family) or addresses
        whom = "the internet"
        if not is_internet(_reached(shown, direction)):
            shown, whom = shown & (PUBLIC | NAT64), "public addresses"
        how = (*shown.cidrs(), *lists)
        through = f", also through {', '.join(lists)}" if lists else ""
        reason = f"{what} is open to {whom}: {shown.describe()}{through}"
    else:
        unresolved = sorted(cell.sources.prefix_list_ids)
        how = tuple(f"prefix list {name}" for name in unresolved)
        reason = (
            f"{what} is open to {', '.join(how)}, whose entries are not known, "
            "so it cannot be told whether the internet is among them"
        )
    return Exposure(verdict, direction, family, protocol, from_port, to_port, how, reason)


_TITLE: Mapping[Family, str] = {"ipv4": "IPv4", "ipv6": "IPv6"}
