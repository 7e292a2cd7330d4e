"""A VPC as far as its traffic goes: what stands in it, what filters, and what leads where.

Sources: Amazon VPC user guide, "Route table concepts", "Route priority", "Network ACL basics", "NAT
gateways", "Gateway endpoints", "Security group rules"; VPC peering guide, "Unsupported VPC peering
configurations".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from verify.addresses import AddressSet
from verify.exposure.rules import NO_ADDRESS, AclEntry, Rule

EVERYTHING = AddressSet.everything()
LOCAL = "local"  # the target of the routes inside the VPC
NOWHERE = "blackhole"  # the target of routes whose own is gone


class Kind(Enum):
    """What passes through a gateway. Whatever is not known to pass less is OPEN."""

    INTERNET = "internet"
    """In and out: who has a public address (IPv4), or a global one (IPv6)."""
    EGRESS_ONLY = "egress-only"
    """Out over IPv6 alone."""
    NAT = "NAT"
    """Out, under an address of its own, and on by the routes of its own subnet."""
    PEERING = "peering"
    """In and out, between the two VPCs alone."""
    SERVICE = "service"
    """Out, to a service of AWS behind a prefix list."""
    OPEN = "open"
    """In and out, to anywhere: transit and VPN gateways, machines that forward, what is unknown."""


@dataclass(frozen=True)
class Gateway:
    """Where a route may lead, or traffic may come in.

    `addresses` are those beyond it, `groups` the security groups that are worn there. `subnet` is
    a NAT gateway's, `public` whether it has public addresses.
    """

    identifier: str
    kind: Kind
    addresses: AddressSet = EVERYTHING
    groups: frozenset[str] = frozenset()
    subnet: str = ""
    public: bool = True


@dataclass(frozen=True)
class Route:
    """A route for one block of addresses to a gateway's id, LOCAL or NOWHERE.

    `rank` decides between routes for blocks of the same size: the lower is taken, and of equal ones
    either may be.
    """

    addresses: AddressSet
    prefix_length: int
    target: str
    rank: int = 0


@dataclass(frozen=True)
class Subnet:
    """A subnet: its addresses, and which route table and network ACL are its own."""

    identifier: str
    addresses: AddressSet
    table: str
    acl: str


@dataclass(frozen=True)
class Interface:
    """A network interface that is there, or one that could be placed.

    `public` says whether it has, or could have, a public IPv4 address. A service of AWS lets in
    whomever it likes by one that is `entered`. Of a possible one (`real` is false) there may be
    several, so that it may speak with its like.
    """

    identifier: str
    subnet: str
    groups: frozenset[str]
    addresses: AddressSet
    public: bool = True
    entered: bool = False
    real: bool = False


@dataclass(frozen=True)
class Network:
    """A VPC. `blocks` are its own addresses; all but these are outside."""

    identifier: str
    blocks: AddressSet
    subnets: Mapping[str, Subnet]
    tables: Mapping[str, Sequence[Route]]
    acls: Mapping[str, Sequence[AclEntry]]
    groups: Mapping[str, Sequence[Rule]]
    gateways: Mapping[str, Gateway]
    interfaces: tuple[Interface, ...]

    @cached_property
    def routed(self) -> Mapping[str, tuple[tuple[AddressSet, str], ...]]:
        """By route table: the addresses that go to each target, by the longest prefix."""
        return {name: _routed(routes) for name, routes in self.tables.items()}


def _routed(routes: Sequence[Route]) -> tuple[tuple[AddressSet, str], ...]:
    found: dict[str, AddressSet] = {}
    taken = NO_ADDRESS
    for order in sorted({(-route.prefix_length, route.rank) for route in routes}):
        equal = [route for route in routes if (-route.prefix_length, route.rank) == order]
        for route in equal:
            found[route.target] = found.get(route.target, NO_ADDRESS) | (route.addresses - taken)
        for route in equal:
            taken |= route.addresses
    return tuple((addresses, target) for target, addresses in found.items() if addresses)
