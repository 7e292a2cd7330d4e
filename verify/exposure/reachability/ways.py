"""Whether traffic passes from a place to a place, by which gateways, and which packet shows it.

Places are the VPC's interfaces, those that could be there, and what is outside. TCP needs an answer
that passes every network ACL on its way back; of all other protocols a packet in one direction is
enough to do harm. Whoever attacks chooses the port that he sends from. Inside a subnet no ACL and
no route table is asked. Where it is not known what a target does (`Kind.OPEN`), it passes all on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verify.addresses import FAMILIES, NAT64, PUBLIC, AddressSet, Family
from verify.exposure.grid import NAMED_PROTOCOLS
from verify.exposure.reachability.filters import Filters
from verify.exposure.reachability.network import (
    LOCAL,
    NOWHERE,
    Gateway,
    Interface,
    Kind,
    Network,
    Subnet,
)
from verify.exposure.reachability.passage import Packet, Passage, first
from verify.exposure.rules import ALL_PROTOCOLS, LAST_PORT, NO_ADDRESS


@dataclass(frozen=True)
class Outside:
    """A place outside the VPC: the internet, or what lies behind the gateway that is named."""

    kind: Kind
    gateway: str = ""


INTERNET = Outside(Kind.INTERNET)

Place = Interface | Outside


@dataclass(frozen=True)
class Way:
    """Traffic that passes from a place to a place.

    `low` to `high` are the ports, as in `Rule.span`; the protocol `all` stands for those that no
    filter on the way names. `addresses` are those outside for which it holds, none where both ends
    are inside. `via` are the gateways on the way, `packet` is one that passes.
    """

    source: Place
    destination: Place
    protocol: str
    low: int
    high: int
    addresses: AddressSet
    via: tuple[str, ...]
    packet: Packet


@dataclass(frozen=True)
class Exit:
    """Addresses outside as a subnet's routes lead to them; `nat` is the NAT gateway's subnet."""

    place: Outside
    via: tuple[str, ...]
    addresses: AddressSet
    groups: frozenset[str] = frozenset()
    nat: str = ""


class Ways:
    """All ways of a network, found when they are asked for."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.filters = Filters(network)
        self._outside = AddressSet.everything() - network.blocks
        self._delivering: dict[str, AddressSet] = {}
        self._exits: dict[tuple[str, Family, bool], tuple[Exit, ...]] = {}

    # --- inside -----------------------------------------------------------------------------------

    def between(self, source: Interface, destination: Interface) -> Iterator[Way]:
        """From an interface to another, or from a possible one to its like."""
        if (source == destination and source.real) or not self._speak(source, destination):
            return
        for family in FAMILIES:
            passage = self._inside(source, destination, family)
            for opening in passage.openings():
                yield Way(
                    source,
                    destination,
                    opening.protocol,
                    opening.low,
                    opening.high,
                    NO_ADDRESS,
                    self._middle(source, destination, opening.packet),
                    opening.packet,
                )

    def _speak(self, source: Interface, destination: Interface) -> bool:
        """Whether their security groups allow each other anything at all: most do not."""
        addresses, groups = self.filters.named_by(source.groups, "egress")
        if not (groups & destination.groups or addresses & destination.addresses):
            return False
        addresses, groups = self.filters.named_by(destination.groups, "ingress")
        return bool(groups & source.groups or addresses & source.addresses)

    def _inside(self, source: Interface, destination: Interface, family: Family) -> Passage:
        start, end = self._subnet(source), self._subnet(destination)
        sources, destinations = source.addresses.of(family), destination.addresses.of(family)
        near = start == end
        if not near:
            destinations &= self._delivered(start)
        acl = self.filters.of_acl
        return Passage(
            family,
            sources,
            destinations,
            sends=self.filters.of_groups(source.groups, "egress"),
            accepts=self.filters.of_groups(destination.groups, "ingress"),
            worn_by_source=source.groups,
            worn_by_destination=destination.groups,
            asks_destination=() if near else (acl(start.acl, "egress"),),
            asks_source=() if near else (acl(end.acl, "ingress"),),
            replies_destination=() if near else (acl(start.acl, "ingress"),),
            replies_source=() if near else (acl(end.acl, "egress"),),
            returned=sources if near else self._delivered(end),
        )

    def _subnet(self, interface: Interface) -> Subnet:
        return self.network.subnets[interface.subnet]

    def _delivered(self, subnet: Subnet) -> AddressSet:
        """The VPC's addresses that the routes of a subnet do not drop."""
        if subnet.table not in self._delivering:
            found = NO_ADDRESS
            for addresses, target in self.network.routed[subnet.table]:
                if target != NOWHERE:
                    found |= addresses
            self._delivering[subnet.table] = found & self.network.blocks
        return self._delivering[subnet.table]

    def _middle(self, source: Interface, destination: Interface, packet: Packet) -> tuple[str, ...]:
        """What the routes put between two interfaces, if anything."""
        if source.subnet == destination.subnet:
            return ()
        one = ((packet.destination, packet.destination),)
        address = AddressSet(ipv4=one) if packet.family == "ipv4" else AddressSet(ipv6=one)
        targets = sorted(
            target
            for addresses, target in self.network.routed[self._subnet(source).table]
            if addresses & address and target != NOWHERE
        )
        return () if LOCAL in targets else tuple(targets[:1])

    # --- in ---------------------------------------------------------------------------------------

    def into(self, interface: Interface) -> Iterator[Way]:
        """From everywhere outside to an interface."""
        if interface.entered:
            yield from self._let_in(interface)
        for gateway in self.network.gateways.values():
            place, addresses = self._origin(gateway)
            for family in FAMILIES if addresses else ():
                passage = self._passage_in(interface, place, addresses.of(family), gateway, family)
                for opening in passage.openings():
                    yield Way(
                        place,
                        interface,
                        opening.protocol,
                        opening.low,
                        opening.high,
                        opening.sources,
                        (gateway.identifier,),
                        opening.packet,
                    )

    def _let_in(self, interface: Interface) -> Iterator[Way]:
        """Whom a service lets in, no filter of the VPC has seen."""
        family: Family = "ipv4" if interface.addresses.ipv4 else "ipv6"
        address = first(interface.addresses.of(family))
        everyone = PUBLIC.of(family) & self._outside
        for protocol in (*NAMED_PROTOCOLS, ALL_PROTOCOLS):
            packet = Packet(family, protocol, first(everyone), address, 0)
            yield Way(INTERNET, interface, protocol, 0, LAST_PORT, everyone, (), packet)

    def _origin(self, gateway: Gateway) -> tuple[Outside, AddressSet]:
        """Who may come in by a gateway; no address where nobody may."""
        if gateway.kind is Kind.INTERNET:
            return INTERNET, PUBLIC & self._outside
        if gateway.kind in (Kind.PEERING, Kind.OPEN):
            beyond = gateway.addresses & self._outside
            return Outside(gateway.kind, gateway.identifier), beyond
        return INTERNET, NO_ADDRESS

    def _passage_in(
        self,
        interface: Interface,
        place: Outside,
        addresses: AddressSet,
        gateway: Gateway,
        family: Family,
    ) -> Passage:
        subnet = self._subnet(interface)
        reached = interface.addresses.of(family)
        if place == INTERNET:
            reached = _known_outside(interface, family)
        return Passage(
            family,
            addresses,
            reached,
            accepts=self.filters.of_groups(interface.groups, "ingress"),
            worn_by_source=gateway.groups,
            asks_source=(self.filters.of_acl(subnet.acl, "ingress"),),
            replies_source=(self.filters.of_acl(subnet.acl, "egress"),),
            returned=self._returned(subnet, gateway),
        )

    def _returned(self, subnet: Subnet, came_by: Gateway) -> AddressSet:
        """The addresses to which a subnet's routes lead back by the gateway they came by.

        Or by an appliance: it stands on both ways.
        """
        found = NO_ADDRESS
        for addresses, target in self.network.routed[subnet.table]:
            gateway = self.network.gateways.get(target)
            if gateway is not None and (gateway == came_by or gateway.kind is Kind.OPEN):
                found |= addresses
        return found

    # --- out --------------------------------------------------------------------------------------

    def out_of(self, interface: Interface) -> Iterator[Way]:
        """From an interface to everywhere outside."""
        addresses, groups = self.filters.named_by(interface.groups, "egress")
        if not groups and not addresses & self._outside:
            return
        for family in FAMILIES:
            for way_out in self._exits_of(interface, family):
                passage = self._passage_out(interface, way_out, family)
                for opening in passage.openings():
                    yield Way(
                        interface,
                        way_out.place,
                        opening.protocol,
                        opening.low,
                        opening.high,
                        opening.destinations,
                        way_out.via,
                        opening.packet,
                    )

    def _exits_of(self, interface: Interface, family: Family) -> tuple[Exit, ...]:
        if not interface.addresses.of(family):
            return ()
        known = bool(_known_outside(interface, family))
        subnet = self._subnet(interface)
        key = subnet.table, family, known
        if key not in self._exits:
            self._exits[key] = tuple(self._find_exits(subnet, family, known))
        return self._exits[key]

    def _find_exits(self, subnet: Subnet, family: Family, known: bool) -> Iterator[Exit]:
        for routed, target in self.network.routed[subnet.table]:
            gateway = self.network.gateways.get(target)
            addresses = routed.of(family) & self._outside
            if gateway is None or not addresses:
                continue
            if gateway.kind is Kind.NAT:
                yield from self._exits_of_nat(gateway, addresses, family)
            elif known or gateway.kind is not Kind.INTERNET:
                yield from _exit_by(gateway, addresses, PUBLIC)

    def _exits_of_nat(self, nat: Gateway, addresses: AddressSet, family: Family) -> Iterator[Exit]:
        """Where a NAT gateway leads on to, by the routes of its own subnet."""
        for routed, target in self.network.routed[self.network.subnets[nat.subnet].table]:
            gateway = self.network.gateways.get(target)
            if gateway is None or not routed.ipv4 or gateway.kind is Kind.EGRESS_ONLY:
                continue
            if gateway.kind is Kind.INTERNET and not nat.public:
                continue
            if gateway.kind is Kind.NAT:  # one behind the other: not followed any further
                gateway = Gateway(gateway.identifier, Kind.OPEN)
            # Of IPv6 it translates what stands for IPv4 addresses; which ones is not followed.
            passing = addresses & routed if family == "ipv4" else addresses & NAT64
            for way_out in _exit_by(gateway, passing, PUBLIC | NAT64):
                via = (nat.identifier, *way_out.via)
                yield Exit(way_out.place, via, way_out.addresses, way_out.groups, nat.subnet)

    def _passage_out(self, interface: Interface, way_out: Exit, family: Family) -> Passage:
        subnet = self._subnet(interface)
        sources = interface.addresses.of(family)
        if way_out.place == INTERNET and not way_out.nat and family == "ipv6":
            sources &= PUBLIC
        leaves = self.filters.of_acl(subnet.acl, "egress")
        enters = self.filters.of_acl(subnet.acl, "ingress")
        asks_destination, asks_source = [leaves], []
        replies_destination, replies_source, translated = [enters], [], []
        if way_out.nat == interface.subnet:
            # Its answers come back to the NAT gateway, which stands in the same subnet.
            replies_destination, translated = [], [enters]
        elif way_out.nat:
            acl = self.network.subnets[way_out.nat].acl
            asks_source.append(self.filters.of_acl(acl, "ingress"))
            replies_source.append(self.filters.of_acl(acl, "egress"))
            if family == "ipv4":
                asks_destination.append(self.filters.of_acl(acl, "egress"))
                translated.append(self.filters.of_acl(acl, "ingress"))
        return Passage(
            family,
            sources,
            way_out.addresses,
            sends=self.filters.of_groups(interface.groups, "egress"),
            worn_by_destination=way_out.groups,
            asks_destination=asks_destination,
            asks_source=asks_source,
            replies_destination=replies_destination,
            replies_source=replies_source,
            translated_destination=translated,
        )


def _known_outside(interface: Interface, family: Family) -> AddressSet:
    """The addresses of an interface that the internet can answer to."""
    if family == "ipv6":
        return interface.addresses.of("ipv6") & PUBLIC
    return interface.addresses.of("ipv4") if interface.public else NO_ADDRESS


def _exit_by(gateway: Gateway, addresses: AddressSet, internet: AddressSet) -> Sequence[Exit]:
    """What lies behind a gateway that is no NAT gateway; `internet` is what answers there."""
    place = Outside(gateway.kind, gateway.identifier)
    if gateway.kind is Kind.INTERNET:
        place, addresses = INTERNET, addresses & internet
    elif gateway.kind is Kind.EGRESS_ONLY:
        place, addresses = INTERNET, addresses & PUBLIC.of("ipv6")
    else:
        addresses &= gateway.addresses
    if not addresses:
        return ()
    return (Exit(place, (gateway.identifier,), addresses, gateway.groups),)
