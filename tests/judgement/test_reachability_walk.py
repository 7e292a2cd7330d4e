"""The judge of reachability agrees with a walk of single packets over random small networks.

The walk below is written anew, from the VPC user guide: it takes one packet, looks at each rule in
turn, and follows it there and back. It knows nothing of sets of addresses or of ports.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verify.addresses import AddressSet
from verify.exposure import AclEntry, Rule
from verify.exposure.reachability import (
    Gateway,
    Interface,
    Kind,
    Network,
    Outside,
    Route,
    Subnet,
    Way,
    Ways,
)

# --- a small world --------------------------------------------------------------------------------

BLOCKS = ("10.0.0.0/28", "2600:1f18::/120")
SUBNETS = {
    "subnet-a": ("10.0.0.0/30", "2600:1f18::/126"),
    "subnet-b": ("10.0.0.4/30", "2600:1f18::4/126"),
    "subnet-c": ("10.0.0.8/30", "2600:1f18::8/126"),
}
PEER = ("192.168.0.0/16", "fd77::/16")
SERVICE = ("9.0.0.0/8",)
NAT64 = "64:ff9b::/96"  # what stands for IPv4 addresses (RFC 6052)
# One address of each kind that the rules below can tell apart.
OUTSIDE = ("8.8.8.8", "9.0.0.1", "200.0.0.1", "192.168.7.7", "2a02::1", "2b00::1", "fd77::7")
# RFC 6890 of IPv4, and all of IPv6 but 2000::/3.
NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
)
RANGES = (
    "0.0.0.0/0",
    "0.0.0.0/1",
    "8.0.0.0/8",
    "9.0.0.0/8",
    "192.168.0.0/16",
    "10.0.0.0/28",
    "10.0.0.0/30",
    "10.0.0.4/30",
    "10.0.0.5/32",
    "::/0",
    "2a02::/16",
    "fd77::/16",
    "2600:1f18::/120",
    "2600:1f18::4/126",
)
SPANS = ((0, 65535), (22, 22), (443, 443), (1024, 65535), (0, 1023))
PORTS = (5, 22, 443, 5000)  # one of each kind
HIGH = 5000  # of those, what a NAT gateway may send from
PROTOCOLS = ("tcp", "udp", "all")  # "all" is one that no rule names
GROUPS = ("sg-1", "sg-2", "sg-3")
FOREIGN = "sg-peer"
WORN_BEYOND = {"pcx": frozenset({FOREIGN})}


@dataclass
class Filter:
    """A rule or an entry as drawn."""

    egress: bool
    protocol: str
    low: int
    high: int
    ranges: tuple[str, ...]
    groups: tuple[str, ...] = ()
    allow: bool = True


@dataclass
class World:
    """A network as drawn: what the walk looks at."""

    groups: dict[str, list[Filter]] = field(default_factory=dict)
    acls: dict[str, list[Filter]] = field(default_factory=dict)
    tables: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    subnets: dict[str, tuple[str, str]] = field(default_factory=dict)  # table and ACL
    nat: tuple[str, bool] = ("subnet-a", True)
    interfaces: list[Interface] = field(default_factory=list)


def _pick(draw: st.DrawFn, options: Any, most: int, least: int = 0) -> tuple[Any, ...]:
    return tuple(draw(st.lists(st.sampled_from(options), min_size=least, max_size=most)))


def _filter(draw: st.DrawFn, **more: Any) -> Filter:
    protocol = draw(st.sampled_from(("-1", "-1", "tcp", "udp")))
    low, high = (0, 65535) if protocol == "-1" else draw(st.sampled_from(SPANS))
    return Filter(draw(st.booleans()), protocol, low, high, **more)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    for name in GROUPS:
        rules = []
        for _ in range(draw(st.integers(1, 4))):
            ranges = _pick(draw, RANGES, 2)
            groups = _pick(draw, (*GROUPS, FOREIGN), 1, 0 if ranges else 1)
            rules.append(_filter(draw, ranges=ranges, groups=groups))
        world.groups[name] = rules
    for name in ("acl-1", "acl-2"):
        entries = []
        for _ in range(draw(st.integers(0, 4))):
            allow = draw(st.sampled_from((True, True, False)))
            entries.append(_filter(draw, ranges=_pick(draw, RANGES, 1, 1), allow=allow))
        if draw(st.booleans()):
            entries += [Filter(way, "-1", 0, 65535, (block,)) for way in (True, False)
                        for block in ("0.0.0.0/0", "::/0")]  # fmt: skip
        world.acls[name] = entries
    for name in ("rtb-1", "rtb-2"):
        routes = [(block, "local") for block in BLOCKS]
        targets = ("igw", "igw", "eigw", "nat", "pcx", "tgw", "vpce", "blackhole")
        for block in _pick(draw, RANGES, 4):
            if block not in BLOCKS:
                routes.append((block, draw(st.sampled_from(targets))))
        world.tables[name] = routes
    for name in SUBNETS:
        table = draw(st.sampled_from(tuple(world.tables)))
        world.subnets[name] = table, draw(st.sampled_from(tuple(world.acls)))
    world.nat = draw(st.sampled_from(tuple(SUBNETS))), draw(st.booleans())
    for number in range(draw(st.integers(2, 3))):
        subnet = draw(st.sampled_from(tuple(SUBNETS)))
        real = draw(st.booleans())
        blocks = [ipaddress.ip_network(block) for block in SUBNETS[subnet]]
        ends = [str(block[1]) for block in blocks] if real else SUBNETS[subnet]
        world.interfaces.append(
            Interface(
                f"eni-{number}",
                subnet,
                frozenset(_pick(draw, GROUPS, 2, 1)),
                AddressSet.parse(*ends[: draw(st.integers(1, 2))]),
                public=draw(st.booleans()),
                real=real,
            )
        )
    return world


# --- as the judge sees it -------------------------------------------------------------------------


def network_of(world: World) -> Network:
    """The same as a Network."""
    return Network(
        "vpc-1",
        AddressSet.parse(*BLOCKS),
        {
            name: Subnet(name, AddressSet.parse(*SUBNETS[name]), table, acl)
            for name, (table, acl) in world.subnets.items()
        },
        {
            name: tuple(
                Route(AddressSet.parse(block), int(block.split("/")[1]), target)
                for block, target in routes
            )
            for name, routes in world.tables.items()
        },
        {
            name: tuple(
                AclEntry(
                    number,
                    _direction(entry),
                    entry.allow,
                    "all" if entry.protocol == "-1" else entry.protocol,
                    (entry.low, entry.high),
                    AddressSet.parse(*entry.ranges),
                )
                for number, entry in enumerate(entries)
            )
            for name, entries in world.acls.items()
        },
        {
            name: tuple(
                Rule.of(
                    _direction(rule),
                    rule.protocol,
                    rule.low,
                    rule.high,
                    cidrs=rule.ranges,
                    group_ids=rule.groups,
                )
                for rule in rules
            )
            for name, rules in world.groups.items()
        },
        {
            "igw": Gateway("igw", Kind.INTERNET),
            "eigw": Gateway("eigw", Kind.EGRESS_ONLY),
            "nat": Gateway("nat", Kind.NAT, subnet=world.nat[0], public=world.nat[1]),
            "pcx": Gateway("pcx", Kind.PEERING, AddressSet.parse(*PEER), frozenset({FOREIGN})),
            "tgw": Gateway("tgw", Kind.OPEN),
            "vpce": Gateway("vpce", Kind.SERVICE, AddressSet.parse(*SERVICE)),
        },
        tuple(world.interfaces),
    )


def _direction(drawn: Filter) -> Literal["ingress", "egress"]:
    return "egress" if drawn.egress else "ingress"


# --- packet by packet -----------------------------------------------------------------------------


_address = cache(ipaddress.ip_address)
_network = cache(ipaddress.ip_network)


@cache
def _in_one(address: str, block: str) -> bool:
    return _address(address) in _network(block)


def _in(address: str, blocks: Iterable[str]) -> bool:
    return any(_in_one(address, block) for block in blocks)


def _hits(one: Filter, egress: bool, protocol: str, port: int) -> bool:
    if one.egress != egress or one.protocol not in ("-1", protocol):
        return False
    return one.protocol == "-1" or one.low <= port <= one.high


class Walk:
    """Packets through one world. What was asked once is remembered: it is asked often."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.acl = cache(self._acl)
        self.group = cache(self._group)
        self.next_hops = cache(self._next_hops)

    def _acl(self, subnet: str, egress: bool, other: str, protocol: str, port: int) -> bool:
        """Whether the ACL of a subnet lets a packet pass, whose other address is `other`."""
        for entry in self.world.acls[self.world.subnets[subnet][1]]:
            if _hits(entry, egress, protocol, port) and _in(other, entry.ranges):
                return entry.allow
        return False

    def _group(
        self,
        worn_here: frozenset[str],
        egress: bool,
        other: str,
        worn: frozenset[str],
        protocol: str,
        port: int,
    ) -> bool:
        """Whether the security groups of an interface let it speak with another."""
        return any(
            _hits(rule, egress, protocol, port)
            and (_in(other, rule.ranges) or any(name in worn for name in rule.groups))
            for name in worn_here
            for rule in self.world.groups[name]
        )

    def _next_hops(self, subnet: str, address: str) -> set[str]:
        """Where the route table of a subnet sends a packet: the smallest block decides."""
        fitting = [
            (int(block.split("/")[1]), target)
            for block, target in self.world.tables[self.world.subnets[subnet][0]]
            if _in(address, [block])
        ]
        longest = max((length for length, _ in fitting), default=-1)
        return {target for length, target in fitting if length == longest}

    def inside(
        self, one: Interface, x: str, other: Interface, y: str, protocol: str, port: int, back: int
    ) -> bool:
        """Whether a packet from x reaches y, and an answer comes back to the port `back`."""
        if not self.group(one.groups, True, y, other.groups, protocol, port):
            return False
        if not self.group(other.groups, False, x, one.groups, protocol, port):
            return False
        if one.subnet == other.subnet:
            return True
        there = (
            self.next_hops(one.subnet, y) - {"blackhole"}
            and self.acl(one.subnet, True, y, protocol, port)
            and self.acl(other.subnet, False, x, protocol, port)
        )
        if not there or protocol != "tcp":
            return bool(there)
        return bool(
            self.next_hops(other.subnet, x) - {"blackhole"}
            and self.acl(other.subnet, True, x, protocol, back)
            and self.acl(one.subnet, False, y, protocol, back)
        )

    def inwards(
        self, gateway: str, x: str, who: Interface, y: str, protocol: str, port: int, back: int
    ) -> bool:
        """Whether a packet from x comes in by a gateway to y, and its answer goes back."""
        if gateway == "igw" and (not _public(x) or not _addressable(who, y)):
            return False
        if gateway == "pcx" and not _in(x, PEER):
            return False
        worn = WORN_BEYOND.get(gateway, frozenset())
        if not self.group(who.groups, False, x, worn, protocol, port):
            return False
        if not self.acl(who.subnet, False, x, protocol, port):
            return False
        if protocol != "tcp":
            return True
        if not self.next_hops(who.subnet, x) & {gateway, "tgw"}:
            return False
        return self.acl(who.subnet, True, x, protocol, back)

    def outwards(
        self,
        who: Interface,
        y: str,
        x: str,
        protocol: str,
        port: int,
        back: int,
        back_at_nat: int = HIGH,
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The places, each by its gateways, where a packet from y to x arrives and is answered."""
        for hop in self.next_hops(who.subnet, x):
            worn = WORN_BEYOND.get(hop, frozenset())
            if hop != "nat":
                place = _beyond(hop, x, _addressable(who, y))
                if (
                    place
                    and self.group(who.groups, True, x, worn, protocol, port)
                    and self.acl(who.subnet, True, x, protocol, port)
                    and (protocol != "tcp" or self.acl(who.subnet, False, x, protocol, back))
                ):
                    yield place, (hop,)
            elif "." in x:
                yield from self._by_nat(who, y, x, protocol, port, back, back_at_nat)

    def _by_nat(
        self, who: Interface, y: str, x: str, protocol: str, port: int, back: int, at_nat: int
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        subnet, public = self.world.nat
        if not self.acl(subnet, True, x, protocol, port):
            return
        if protocol == "tcp" and not self.acl(subnet, False, x, protocol, at_nat):
            return
        if who.subnet != subnet:
            if not self.acl(who.subnet, True, x, protocol, port):
                return
            if not self.acl(subnet, False, y, protocol, port):
                return
            if protocol == "tcp" and not (
                self.acl(subnet, True, y, protocol, back)
                and self.acl(who.subnet, False, x, protocol, back)
            ):
                return
        for hop in self.next_hops(subnet, x):
            place = "nat" if hop == "nat" else _beyond(hop, x, public) if hop != "eigw" else None
            worn = WORN_BEYOND.get(hop, frozenset())
            if place and self.group(who.groups, True, x, worn, protocol, port):
                yield place, ("nat", hop)


def _public(x: str) -> bool:
    return not _in(x, NOT_PUBLIC) and not _in(x, BLOCKS)


def _addressable(who: Interface, y: str) -> bool:
    return ":" in y or who.public


def _beyond(hop: str, x: str, known: bool) -> str | None:
    """The place that an address is at, behind a gateway; None where the packet is dropped."""
    passes = {
        "igw": known and _public(x),
        "eigw": ":" in x and _public(x),
        "pcx": _in(x, PEER),
        "tgw": True,
        "vpce": _in(x, SERVICE),
    }.get(hop, False)
    return ("internet" if hop in ("igw", "eigw") else hop) if passes else None


Found = set[tuple[str, str, str, int, str]]  # from, to, protocol, port, address outside


def walked(world: World) -> Found:
    """All that passes, by trying every packet."""
    walk, found = Walk(world), set()
    for protocol in PROTOCOLS:
        replies = PORTS if protocol == "tcp" else (0,)
        for port in PORTS:
            asked = protocol, port, replies
            for one in world.interfaces:
                for other in world.interfaces:
                    if (one is not other or not one.real) and _met(walk, one, other, asked):
                        found.add((one.identifier, other.identifier, protocol, port, ""))
                for y in _addresses(one):
                    for x in OUTSIDE:
                        if (":" in x) == (":" in y):
                            for start, end in _met_outside(walk, one, y, x, asked):
                                found.add((start, end, protocol, port, x))
    return found


_Asked = tuple[str, int, tuple[int, ...]]


def _met(walk: Walk, one: Interface, other: Interface, asked: _Asked) -> bool:
    protocol, port, replies = asked
    return any(
        walk.inside(one, x, other, y, protocol, port, back)
        for x in _addresses(one)
        for y in _addresses(other)
        if (":" in x) == (":" in y)
        for back in replies
    )


def _met_outside(
    walk: Walk, who: Interface, y: str, x: str, asked: _Asked
) -> Iterator[tuple[str, str]]:
    protocol, port, replies = asked
    for gateway, place in (("igw", "internet"), ("pcx", "pcx"), ("tgw", "tgw")):
        if any(walk.inwards(gateway, x, who, y, protocol, port, back) for back in replies):
            yield place, who.identifier
    for back in replies:
        for place, _ in walk.outwards(who, y, x, protocol, port, back):
            yield who.identifier, place


@cache
def _addresses(who: Interface) -> list[str]:
    blocks = [ipaddress.ip_network(block) for block in who.addresses.cidrs()]
    return [str(address) for block in blocks for address in block]


def _name(place: Interface | Outside) -> str:
    if isinstance(place, Interface):
        return place.identifier
    return "internet" if place.kind is Kind.INTERNET else place.gateway


def all_ways(network: Network) -> list[Way]:
    """Every way between every two places."""
    ways = Ways(network)
    found = []
    for one in network.interfaces:
        found += [*ways.into(one), *ways.out_of(one)]
        for other in network.interfaces:
            found += ways.between(one, other)
    return found


def judged(found: list[Way]) -> Found:
    """All that passes, by the judge."""
    return {
        (_name(way.source), _name(way.destination), way.protocol, port, x)
        for way in found
        if way.protocol in PROTOCOLS
        for port in PORTS
        if way.low <= port <= way.high
        for x in (_outside(way) if way.addresses else ("",))
    }


def _outside(way: Way) -> list[str]:
    return [x for x in OUTSIDE if way.addresses.covers(AddressSet.parse(x))]


SMALL_NETWORKS = settings(
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@SMALL_NETWORKS
@given(worlds())
def test_the_judge_agrees_with_a_walk_of_every_packet(world: World) -> None:
    found = all_ways(network_of(world))
    assert judged(found) == walked(world)
    for way in found:
        assert _walk_of_its_packet(world, way), f"the packet of {way} does not pass"


def _walk_of_its_packet(world: World, way: Way) -> bool:
    """Whether the packet that a way names passes, by the gateways that it names."""
    walk, packet = Walk(world), way.packet
    of = ipaddress.IPv4Address if packet.family == "ipv4" else ipaddress.IPv6Address
    x, y = str(of(packet.source)), str(of(packet.destination))
    protocol = way.protocol if way.protocol in ("tcp", "udp") else "all"
    back = packet.reply_port or 0
    if isinstance(way.source, Interface) and isinstance(way.destination, Interface):
        passes = walk.inside(way.source, x, way.destination, y, protocol, packet.port, back)
        hops = walk.next_hops(way.source.subnet, y)
        middle = way.source.subnet != way.destination.subnet and "local" not in hops
        return passes and (way.via[0] in hops if middle else way.via == ())
    if isinstance(way.destination, Interface):
        [gateway] = way.via
        return walk.inwards(gateway, x, way.destination, y, protocol, packet.port, back)
    assert isinstance(way.source, Interface)
    if _in(y, (NAT64,)):
        # Which IPv4 addresses it stands for the judge does not follow: to the NAT gateway it goes.
        return (
            way.via[0] == "nat"
            and "nat" in walk.next_hops(way.source.subnet, y)
            and walk.group(way.source.groups, True, y, frozenset(), protocol, packet.port)
            and walk.acl(way.source.subnet, True, y, protocol, packet.port)
        )
    arrived = set(
        walk.outwards(way.source, x, y, protocol, packet.port, back, packet.translated_port or HIGH)
    )
    return (_name(way.destination), way.via) in arrived
