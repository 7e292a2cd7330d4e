"""Ways as chains: what each step passes, in words, and which of them are alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from verify.addresses import is_internet
from verify.exposure.grid import describe_ports, ports_of_span
from verify.exposure.reachability.network import Interface, Kind
from verify.exposure.reachability.ways import Place, Way
from verify.exposure.rules import ALL_PROTOCOLS

_OTHERS = "other protocols"

SHOWN = {
    Kind.INTERNET: "internet",
    Kind.PEERING: "another VPC",
    Kind.OPEN: "elsewhere",
    Kind.SERVICE: "a service of AWS",
}


@dataclass(frozen=True)
class Chain:
    """Ways one after the other, each from where the one before ends."""

    ways: tuple[Way, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """Every place, gateway, subnet and group that is passed, with the ports that are open."""
        found = list(_start(self.ways[0]))
        for way in self.ways:
            found += _onward(way)
        return tuple(found)

    def __str__(self) -> str:
        return " -> ".join(self.steps)


def _start(way: Way) -> Iterator[str]:
    if isinstance(way.source, Interface):
        yield from (way.source.subnet, named(way.source))
    else:
        narrow = way.source.kind is Kind.INTERNET and not is_internet(way.addresses)
        yield SHOWN[way.source.kind] + (f" ({way.addresses.describe(3)})" if narrow else "")


def _onward(way: Way) -> Iterator[str]:
    yield from way.via
    ports = describe_way(way)
    if isinstance(way.destination, Interface):
        yield from (way.destination.subnet, f"{named(way.destination)} {ports}")
    else:
        yield f"{SHOWN[way.destination.kind]} {ports}"


def named(interface: Interface) -> str:
    """An interface by its groups, one that is there by its id as well."""
    groups = ", ".join(sorted(interface.groups)) or "no group"
    return f"{interface.identifier} ({groups})" if interface.real else groups


def describe_way(way: Way) -> str:
    """Protocol and ports as a chain has them, such as `tcp/22`."""
    if way.protocol == ALL_PROTOCOLS:
        return _OTHERS
    first, last = ports_of_span(way.protocol, (way.low, way.high))
    if first is None:
        return f"{way.protocol}/all"
    if way.protocol in ("tcp", "udp"):
        return f"{way.protocol}/{first}" if first == last else f"{way.protocol}/{first}-{last}"
    return describe_ports(way.protocol, first, last)


@dataclass(frozen=True)
class Finding:
    """Forbidden ways that are alike: the chain of the first, all that passes, how many more."""

    chain: Chain
    traffic: tuple[str, ...]
    more: int = 0

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the chain, with all that passes at its end."""
        *before, last = self.chain.steps
        place = last.removesuffix(describe_way(self.chain.ways[-1]))
        family = " over IPv6" if self.chain.ways[-1].packet.family == "ipv6" else ""
        return (*before, place + ", ".join(self.traffic) + family)

    def __str__(self) -> str:
        more = f" (and {self.more} more between other subnets)" if self.more else ""
        return " -> ".join(self.steps) + more


def plainest(ways: Iterable[Way]) -> Way:
    """Of several ways, the one that says most: by TCP, if there is any."""
    return min(ways, key=lambda way: _order((way,)))


def alike(chains: Iterable[tuple[Way, ...]]) -> list[Finding]:
    """Ways between the same groups and gateways as one finding: families, ports, pairs of subnets.

    Those that outsiders can walk come first.
    """
    found: dict[tuple[str, ...], list[tuple[Way, ...]]] = {}
    for ways in chains:
        last = ways[-1]
        ends = [_end(last.source), *last.via, _end(last.destination)]
        found.setdefault(tuple(ends), []).append(ways)
    findings = []
    for same in found.values():
        shown = min(same, key=_order)
        pairs = {_pair(ways[-1]) for ways in same}
        findings.append(
            Finding(Chain(shown), traffic_of(ways[-1] for ways in same), len(pairs) - 1)
        )
    return sorted(findings, key=lambda one: isinstance(one.chain.ways[0].source, Interface))


def _end(place: Place) -> str:
    return named(place) if isinstance(place, Interface) else f"{place.kind}{place.gateway}"


def _pair(way: Way) -> tuple[str, str]:
    def spot(place: Place) -> str:
        return place.subnet if isinstance(place, Interface) else ""

    return spot(way.source), spot(way.destination)


_PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6")


def _order(ways: tuple[Way, ...]) -> tuple[int, int, int, str, int]:
    last = ways[-1]
    known = _PROTOCOLS.index(last.protocol) if last.protocol in _PROTOCOLS else len(_PROTOCOLS)
    start = int(isinstance(ways[0].source, Interface))
    return start, len(ways), known, last.protocol, last.low


def traffic_of(ways: Iterable[Way]) -> tuple[str, ...]:
    """Protocols and ports of several ways, each once; all of them together as `everything`."""
    found: list[Way] = []
    for way in sorted(ways, key=_ported):
        last = found[-1] if found else None
        if last and last.protocol == way.protocol and way.low <= last.high + 1:
            found[-1] = replace(last, high=max(last.high, way.high))
        else:
            found.append(way)
    told = tuple(describe_way(way) for way in found)
    everything = {"tcp/all", "udp/all", _OTHERS}
    return ("everything",) if everything <= set(told) else told


def _ported(way: Way) -> tuple[int, str, int]:
    return _order((way,))[2:]
