"""What a network ACL keeps out that it should let through.

ACLs know no connections: an answer is let in, or not, by its port (Amazon VPC user guide, "Network
ACL basics", "Ephemeral ports").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from verify.addresses import AddressSet
from verify.exposure.comparison import Part
from verify.exposure.grid import grid_of_acl
from verify.exposure.rules import (
    ALL_PROTOCOLS,
    LAST_PORT,
    AclEntry,
    Direction,
    Sources,
    normalise_protocol,
)


def network_acl_lacks(
    entries: Iterable[Mapping[str, Any]],
    direction: Direction,
    protocol: str,
    ports: tuple[int, int] = (0, LAST_PORT),
    *,
    addresses: AddressSet,
) -> Iterator[Part]:
    """The ports, of a protocol with ports, at which an ACL does not let through all `addresses`.

    Takes `Entries` of DescribeNetworkAcls. Neighbours from which the same addresses are missing
    come as one. Raises ValueError for an entry or a protocol that cannot be read.
    """
    grid = grid_of_acl([AclEntry.parse(entry) for entry in entries], direction)
    name = normalise_protocol(protocol)
    found: Part | None = None
    for cell in grid.get(name, grid[ALL_PROTOCOLS]):
        low, high = max(cell.low, ports[0]), min(cell.high, ports[1])
        missing = addresses - cell.sources.addresses
        if low > high or not missing:
            continue
        if found is not None and found.to_port == low - 1 and found.sources == Sources(missing):
            found = Part(direction, name, found.from_port, high, found.sources)
            continue
        if found is not None:
            yield found
        found = Part(direction, name, low, high, Sources(missing))
    if found is not None:
        yield found
