"""Which ways a network may have: tiers, whom they may be reached from, and what they may reach.

A tier is its security groups in its subnets: every interface that bears one of them, and every one
that could be placed there tomorrow. All other groups could be placed in any subnet. Besides, each
subnet could hold a machine with a new group, which by EC2's default sends whatever it likes and
admits nobody (`NEWCOMER`): a rule that admits addresses of the VPC admits it.

A chain of several steps has a first one from outside and a last one to its end; each step by itself
has to be allowed, so a chain with a stranger in it shows in the step that reaches the stranger and
in that which leaves him. What a tier reaches outside is followed over all steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from verify.addresses import AddressSet
from verify.exposure.reachability.chains import Finding, alike, plainest
from verify.exposure.reachability.network import EVERYTHING, Interface, Kind, Network
from verify.exposure.reachability.ways import Outside, Place, Way, Ways
from verify.exposure.rules import ALL_PROTOCOLS, LAST_PORT, Rule

NEWCOMER = "a new group"

INSIDE = "inside"
_OUTSIDE = {
    Kind.INTERNET: "internet",
    Kind.PEERING: "elsewhere",
    Kind.OPEN: "elsewhere",
    Kind.SERVICE: "services",
}


@dataclass(frozen=True)
class Allowed:
    """What may pass between a tier and a place.

    The place is a tier's name, `inside` (all of the VPC), `internet`, `elsewhere` (behind any other
    gateway) or `services`. `ports` are spans; `addresses` those outside.
    """

    place: str
    protocol: str = ALL_PROTOCOLS
    ports: tuple[tuple[int, int], ...] = ((0, LAST_PORT),)
    addresses: AddressSet = EVERYTHING


@dataclass(frozen=True)
class Tier:
    """A tier; without subnets it is in all of them."""

    name: str
    groups: frozenset[str]
    subnets: frozenset[str] = frozenset()
    reached_from: tuple[Allowed, ...] = ()
    reaches: tuple[Allowed, ...] = ()


class Tiers:
    """A network with its tiers, and the ways in it that are not allowed."""

    def __init__(self, network: Network, tiers: Sequence[Tier]) -> None:
        self.tiers = tuple(tiers)
        self.network = _populated(network, self.tiers)
        self.ways = Ways(self.network)
        self._of: dict[Interface, tuple[Tier, ...]] = {}
        self._into: dict[str, list[Finding]] = {}
        self._out_of: dict[str, list[Finding]] = {}

    def of(self, interface: Interface) -> tuple[Tier, ...]:
        """The tiers that an interface is part of: several, where it bears groups of several."""
        if interface not in self._of:
            self._of[interface] = tuple(
                tier for tier in self.tiers if tier.groups & interface.groups
            )
        return self._of[interface]

    def members(self, name: str) -> tuple[Interface, ...]:
        """The interfaces of a tier, those that could be there included."""
        return tuple(
            interface
            for interface in self.network.interfaces
            if name in {tier.name for tier in self.of(interface)}
        )

    # --- what is forbidden ------------------------------------------------------------------------

    def from_outside(self) -> list[Finding]:
        """Ways in from outside that no tier is allowed."""
        return alike(
            (rest,)
            for interface in self.network.interfaces
            for way in self.entries.get(interface, ())
            for rest in self._beyond_allowed(way, interface)
        )

    def into(self, name: str) -> list[Finding]:
        """Ways into a tier, from wherever, that it is not allowed."""
        if name not in self._into:
            self._into[name] = alike(self._ways_into(name))
        return self._into[name]

    def _ways_into(self, name: str) -> Iterator[tuple[Way, ...]]:
        for member in self.members(name):
            for way in self.entries.get(member, ()):
                for rest in self._beyond_allowed(way, member, name):
                    yield (rest,)
            for other in self.network.interfaces:
                for way in self.ways.between(other, member):
                    for rest in self._beyond_allowed(way, member, name):
                        yield (*self._arrival(other), rest)

    def out_of(self, name: str) -> list[Finding]:
        """Ways from a tier to anywhere outside, over any number of steps, that are forbidden."""
        if name not in self._out_of:
            allowed = [one for tier in self.tiers if tier.name == name for one in tier.reaches]
            self._out_of[name] = alike(self._ways_out_of(self.members(name), allowed))
        return self._out_of[name]

    def outward(self) -> list[Finding]:
        """Ways from anywhere in the VPC to anywhere outside."""
        return alike(
            (way,) for interface in self.network.interfaces for way in self.ways.out_of(interface)
        )

    # --- what is allowed --------------------------------------------------------------------------

    def allowed(self) -> Iterator[Way]:
        """The ways of one step that the tiers may have, and have."""
        for tier in self.tiers:
            for member in self.members(tier.name):
                for way in self._ways_to(member):
                    fitting = [one for one in tier.reached_from if self._fits(one, way.source)]
                    yield from _within(way, fitting)
                for way in self.ways.out_of(member):
                    yield from _within(way, [one for one in tier.reaches if _ends_in(one, way)])

    def _ways_to(self, member: Interface) -> Iterator[Way]:
        yield from self.entries.get(member, ())
        for other in self.network.interfaces:
            yield from self.ways.between(other, member)

    def _ways_out_of(
        self, start: Iterable[Interface], allowed: Sequence[Allowed]
    ) -> Iterator[tuple[Way, ...]]:
        for steps, interface in _spread(self.ways, self.network.interfaces, start):
            for way in self.ways.out_of(interface):
                for rest in _without(way, [one for one in allowed if _ends_in(one, way)]):
                    yield (*steps, rest)

    def _beyond_allowed(
        self, way: Way, member: Interface, name: str | None = None
    ) -> Iterator[Way]:
        """What of a way to an interface its tiers, or the one that is named, do not allow."""
        allowed = [
            one
            for tier in self.of(member)
            if name in (None, tier.name)
            for one in tier.reached_from
            if self._fits(one, way.source)
        ]
        yield from _without(way, allowed)

    def _fits(self, allowed: Allowed, place: Place) -> bool:
        if isinstance(place, Outside):
            return allowed.place == _OUTSIDE[place.kind]
        names = {tier.name for tier in self.of(place)}
        return allowed.place == INSIDE or allowed.place in names

    # --- how one gets there -----------------------------------------------------------------------

    @cached_property
    def entries(self) -> Mapping[Interface, tuple[Way, ...]]:
        """The ways in from outside, by the interface that they lead to."""
        found = {place: tuple(self.ways.into(place)) for place in self.network.interfaces}
        return {interface: ways for interface, ways in found.items() if ways}

    @cached_property
    def _arrivals(self) -> Mapping[Interface, tuple[Way, ...]]:
        """By interface that outsiders can get to: the shortest chain from outside."""
        found = {interface: (plainest(ways),) for interface, ways in self.entries.items()}
        arrivals: dict[Interface, tuple[Way, ...]] = {}
        for steps, interface in _spread(self.ways, self.network.interfaces, found):
            first = steps[0].source if steps else interface
            if isinstance(first, Interface):
                arrivals[interface] = (*found[first], *steps)
        return arrivals

    def _arrival(self, interface: Interface) -> tuple[Way, ...]:
        return self._arrivals.get(interface, ())


def _spread(
    ways: Ways, interfaces: Sequence[Interface], start: Iterable[Interface]
) -> Iterator[tuple[tuple[Way, ...], Interface]]:
    """Every interface that can be got to from those of `start`, with the shortest chain to it."""
    queue: list[tuple[tuple[Way, ...], Interface]] = [((), interface) for interface in start]
    seen = {interface for _, interface in queue}
    yield from queue
    while queue:
        steps, interface = queue.pop(0)
        for other in interfaces:
            if other not in seen and (between := tuple(ways.between(interface, other))):
                seen.add(other)
                queue.append(((*steps, plainest(between)), other))
                yield queue[-1]


def _ends_in(allowed: Allowed, way: Way) -> bool:
    return isinstance(way.destination, Outside) and allowed.place == _OUTSIDE[way.destination.kind]


def _without(way: Way, allowed: Iterable[Allowed]) -> Iterator[Way]:
    """What of a way is not allowed: some of its ports, or of its addresses outside."""
    parts = [(way.low, way.high, way.addresses)]
    for one in allowed:
        if one.protocol not in (ALL_PROTOCOLS, way.protocol):
            continue
        for low, high in one.ports:
            parts = [
                rest
                for part in parts
                for rest in _cut(part, low, high, one.addresses, bool(way.addresses))
            ]
    for low, high, addresses in parts:
        yield replace(way, low=low, high=high, addresses=addresses)


def _within(way: Way, allowed: Iterable[Allowed]) -> Iterator[Way]:
    """What of a way is allowed."""
    for one in allowed:
        if one.protocol in (ALL_PROTOCOLS, way.protocol):
            for low, high in one.ports:
                addresses = way.addresses & one.addresses
                first, last = max(low, way.low), min(high, way.high)
                if first <= last and (addresses or not way.addresses):
                    yield replace(way, low=first, high=last, addresses=addresses)


_Part = tuple[int, int, AddressSet]


def _cut(part: _Part, low: int, high: int, addresses: AddressSet, outside: bool) -> Iterator[_Part]:
    first, last, those = part
    if high < first or last < low:
        yield part
        return
    if first < low:
        yield first, low - 1, those
    if outside and (rest := those - addresses):
        yield max(first, low), min(last, high), rest
    if high < last:
        yield high + 1, last, those


def _populated(network: Network, tiers: Sequence[Tier]) -> Network:
    """The network with all the interfaces that could be placed in it."""
    found = list(network.interfaces)
    places: dict[str, Collection[str]] = {}
    for name in sorted(network.groups):
        own = [tier.subnets or network.subnets for tier in tiers if name in tier.groups]
        of_tiers = {subnet for subnets in own for subnet in subnets}
        places[name] = sorted(of_tiers if own else network.subnets)
    places[NEWCOMER] = sorted(network.subnets)
    for group, subnets in places.items():
        for subnet in subnets:
            addresses = network.subnets[subnet].addresses
            found.append(Interface("", subnet, frozenset({group}), addresses))
    sending = Rule.of("egress", "-1", cidrs=("0.0.0.0/0", "::/0"))
    return replace(
        network, groups={**network.groups, NEWCOMER: (sending,)}, interfaces=tuple(found)
    )
