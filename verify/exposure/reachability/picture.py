"""A network as a picture: its tiers, its gateways, the ways that are open and those forbidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from verify.exposure.reachability.chains import SHOWN, Chain, Finding, named, traffic_of
from verify.exposure.reachability.network import LOCAL, NOWHERE, Interface, Network, Subnet
from verify.exposure.reachability.tiers import NEWCOMER, Tiers
from verify.exposure.reachability.ways import Place, Way
from verify.model import (
    GATEWAY,
    OTHER,
    OUTSIDE,
    TIER,
    NetworkNode,
    NetworkPicture,
    NetworkSubnet,
    NetworkWay,
)

_REST = "anything in the VPC"
_INTERNET = "internet"

_Edge = tuple[str, tuple[str, ...], str]


def picture_of(tiers: Tiers, findings: Iterable[Finding]) -> NetworkPicture:
    """The picture of a network; `findings` are its forbidden ways."""
    network = tiers.network
    ways = [*_open(tiers), *_forbidden(tiers, findings)]
    return NetworkPicture(
        network.identifier,
        network.blocks.cidrs(),
        tuple(_nodes(tiers, ways)),
        tuple(_subnet(network, subnet) for _, subnet in sorted(network.subnets.items())),
        tuple(ways),
    )


# --- ways -----------------------------------------------------------------------------------------


def _open(tiers: Tiers) -> Iterator[NetworkWay]:
    found: dict[_Edge, list[Way]] = {}
    for way in tiers.allowed():
        found.setdefault(_edge(tiers, way, of_anything=True), []).append(way)
    for (source, via, destination), ways in found.items():
        chain = Finding(Chain((ways[0],)), traffic_of(ways))
        traffic = ", ".join(traffic_of(ways))
        yield NetworkWay(source, via, destination, traffic, forbidden=False, chain=str(chain))


def _forbidden(tiers: Tiers, findings: Iterable[Finding]) -> Iterator[NetworkWay]:
    """The steps of each forbidden chain that are no allowed ones by themselves.

    Where all are, it is the first: it should not go on like that.
    """
    allowed = {_edge(tiers, way) for way in tiers.allowed()}
    drawn = set[_Edge]()
    for finding in findings:
        ways = finding.chain.ways
        wrong = [way for way in ways if _edge(tiers, way) not in allowed]
        if len(ways) == 1 or not wrong:
            wrong = [ways[0]]
        for way in wrong:
            edge = _edge(tiers, way)
            if edge not in drawn:
                drawn.add(edge)
                traffic = finding.traffic if way is ways[-1] else traffic_of((way,))
                text = ", ".join(traffic)
                yield NetworkWay(*edge, text, forbidden=True, chain=str(finding))


def _edge(tiers: Tiers, way: Way, *, of_anything: bool = False) -> _Edge:
    ends = [_node(tiers, place) for place in (way.source, way.destination)]
    if of_anything and isinstance(way.source, Interface) and not tiers.of(way.source):
        ends[0] = _REST
    return ends[0], way.via, ends[1]


def _node(tiers: Tiers, place: Place) -> str:
    if not isinstance(place, Interface):
        return SHOWN[place.kind]
    names = [tier.name for tier in tiers.of(place)]
    return " and ".join(names) if names else named(place)


# --- nodes ----------------------------------------------------------------------------------------


def _nodes(tiers: Tiers, ways: Iterable[NetworkWay]) -> Iterator[NetworkNode]:
    """The internet and every tier, whether or not a way leads there; and all that ways name."""
    outside = set(SHOWN.values())
    kinds = {_INTERNET: OUTSIDE} | {tier.name: TIER for tier in tiers.tiers}
    for way in ways:
        kinds |= dict.fromkeys(way.via, GATEWAY)
        for end in (way.source, way.destination):
            kinds.setdefault(end, OUTSIDE if end in outside else OTHER)
    for gateway in tiers.network.gateways:
        kinds.setdefault(gateway, GATEWAY)
    for name, kind in kinds.items():
        details = _of_tier(tiers, name) if kind == TIER else ()
        if kind == GATEWAY:
            details = _of_gateway(tiers.network, name)
        elif name == NEWCOMER:
            details = ("that is made tomorrow",)
        yield NetworkNode(name, kind, details)


def _of_tier(tiers: Tiers, name: str) -> tuple[str, ...]:
    members = tiers.members(name)
    groups = sorted(next(tier.groups for tier in tiers.tiers if tier.name == name))
    subnets = len({member.subnet for member in members})
    real = sum(member.real for member in members)
    return (*groups, f"in {_number(subnets, 'subnet')}", _number(real, "interface"))


def _number(amount: int, noun: str) -> str:
    return f"{amount} {noun}" if amount == 1 else f"{amount or 'no'} {noun}s"


def _of_gateway(network: Network, name: str) -> tuple[str, ...]:
    gateway = network.gateways.get(name)
    if gateway is None:
        return ()
    where = (f"in {gateway.subnet}",) if gateway.subnet else ()
    return (f"{gateway.kind.value} gateway", *where)


def _subnet(network: Network, subnet: Subnet) -> NetworkSubnet:
    targets = {target for _, target in network.routed[subnet.table]} - {LOCAL, NOWHERE}
    return NetworkSubnet(subnet.identifier, subnet.addresses.cidrs(), tuple(sorted(targets)))
