"""What security groups and network ACLs let through, laid out by protocol and port."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from verify.addresses import AddressSet
from verify.exposure.grid import Cell, Grid, grid_of_acl, grid_of_rules
from verify.exposure.reachability.network import Network
from verify.exposure.rules import ALL_PROTOCOLS, NO_ADDRESS, Direction

Cells = Sequence[Cell]


def cells_of(grid: Grid, protocol: str) -> Cells:
    """The cells of a protocol; of one that the grid does not name, those of all others."""
    return grid.get(protocol) or grid[ALL_PROTOCOLS]


def overlaid(*layers: Cells) -> Iterator[tuple[int, int, tuple[Cell, ...]]]:
    """Each stretch of ports with the cell of every layer that holds there."""
    starts = sorted({cell.low for layer in layers for cell in layer})
    lows = [[cell.low for cell in layer] for layer in layers]
    for index, low in enumerate(starts):
        found = tuple(
            layer[bisect_right(edges, low) - 1] for layer, edges in zip(layers, lows, strict=True)
        )
        last = starts[index + 1] - 1 if index + 1 < len(starts) else max(c.high for c in found)
        yield low, last, found


class Filters:
    """The filters of a network, each laid out once."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._of_groups: dict[tuple[frozenset[str], Direction], Grid] = {}
        self._of_acls: dict[tuple[str, Direction], Grid] = {}
        self._heard: dict[tuple[frozenset[str], Direction], tuple[AddressSet, frozenset[str]]] = {}

    def of_groups(self, groups: frozenset[str], direction: Direction) -> Grid:
        """What an interface with these security groups accepts, or sends."""
        key = groups, direction
        if key not in self._of_groups:
            rules = [rule for name in sorted(groups) for rule in self._network.groups.get(name, ())]
            self._of_groups[key] = grid_of_rules(rules, direction, {})
        return self._of_groups[key]

    def of_acl(self, acl: str, direction: Direction) -> Grid:
        """What a network ACL lets into its subnets, or out of them."""
        key = acl, direction
        if key not in self._of_acls:
            self._of_acls[key] = grid_of_acl(self._network.acls[acl], direction)
        return self._of_acls[key]

    def named_by(
        self, groups: frozenset[str], direction: Direction
    ) -> tuple[AddressSet, frozenset[str]]:
        """All addresses and groups with whom the security groups allow anything at all."""
        key = groups, direction
        if key not in self._heard:
            addresses, others = NO_ADDRESS, frozenset[str]()
            for name in groups:
                for rule in self._network.groups.get(name, ()):
                    if rule.direction == direction:
                        addresses |= rule.sources.addresses
                        others |= rule.sources.group_ids
            self._heard[key] = addresses, others
        return self._heard[key]

    def admitting(
        self,
        groups: frozenset[str],
        direction: Direction,
        protocol: str,
        port: int,
        who: tuple[AddressSet, frozenset[str]],
    ) -> str:
        """Which of the groups has the rule: for a message."""
        for name in sorted(groups):
            cells = cells_of(self.of_groups(frozenset({name}), direction), protocol)
            sources = cells[bisect_right([cell.low for cell in cells], port) - 1].sources
            if sources.group_ids & who[1] or sources.addresses & who[0]:
                return name
        return ""
