"""Which routes of a route table lead to the internet.

Sources: EC2 API reference, Route and DescribeRouteTables; Amazon VPC user guide, "Route table
concepts" and "Example routing options".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from verify.addresses import NAT64, PUBLIC, AddressSet
from verify.exposure.rules import PrefixLists


class Reach(Enum):
    """How surely a route leads to the internet."""

    INTERNET = "internet"
    """Its target is a gateway to the internet."""
    POSSIBLE = "possible"
    """Its target may pass traffic on to the internet, or its destination could not be resolved."""
    BLACKHOLE = "blackhole"
    """Its target is gone or detached: traffic is dropped now, and flows again when it returns."""


@dataclass(frozen=True)
class InternetRoute:
    """A route for public addresses. `kind` names the sort of target, `target` its id."""

    reach: Reach
    kind: str
    target: str
    destination: str
    reason: str


# The field that names the target, what it is, and whether it is a gateway to the internet itself.
_TARGETS: tuple[tuple[str, str, bool], ...] = (
    ("EgressOnlyInternetGatewayId", "egress-only internet gateway", True),
    ("NatGatewayId", "NAT gateway", True),
    ("CarrierGatewayId", "carrier gateway", True),
    ("InstanceId", "instance (a NAT instance?)", False),
    ("NetworkInterfaceId", "network interface (a NAT instance or appliance?)", False),
    ("TransitGatewayId", "transit gateway", False),
    ("VpcPeeringConnectionId", "VPC peering connection", False),
    ("LocalGatewayId", "local gateway", False),
    ("CoreNetworkArn", "Cloud WAN core network", False),
    ("OdbNetworkArn", "Oracle Database@AWS network", False),
)

_GATEWAYS: tuple[tuple[str, str, bool], ...] = (
    ("igw-", "internet gateway", True),
    ("eigw-", "egress-only internet gateway", True),
    ("nat-", "NAT gateway", True),
    ("cagw-", "carrier gateway", True),
    ("vgw-", "virtual private gateway", False),
    # With a CIDR as its destination: a gateway endpoint has a prefix list instead.
    ("vpce-", "Gateway Load Balancer endpoint", False),
)


def internet_routes(
    route_table: Mapping[str, Any], prefix_lists: PrefixLists | None = None
) -> tuple[InternetRoute, ...]:
    """Every route to public addresses in one entry of DescribeRouteTables' `RouteTables`.

    Any public destination counts, not only 0.0.0.0/0 and ::/0: half of it, a single network, or
    the NAT64 prefix. The local route and gateway endpoints (S3, DynamoDB) are not the internet. A
    prefix list that `prefix_lists` does not resolve, to any other target, is reported as POSSIBLE.
    Blackhole routes are reported as such. Raises ValueError for a route that cannot be read.
    """
    if "Routes" not in route_table:
        raise ValueError(f"a route table without Routes: {route_table.get('RouteTableId')!r}")
    table = str(route_table.get("RouteTableId", "the route table"))
    found = (_judge(route, table, prefix_lists or {}) for route in route_table["Routes"])
    return tuple(route for route in found if route is not None)


@dataclass(frozen=True)
class WayOut:
    """A route that leads out of the VPC, or an association that leads in by a gateway."""

    target: str
    reason: str


def ways_out(route_table: Mapping[str, Any], blocks: AddressSet) -> tuple[WayOut, ...]:
    """Every route of a route table but the VPC's local one; `blocks` are the VPC's addresses.

    Also gateways that propagate their routes into the table, those whose traffic the table directs
    (edge associations), and a local route that is missing: nobody can delete it, so it was led
    elsewhere or is not shown as it is. Raises ValueError for what cannot be read.
    """
    for key in ("Routes", "Associations", "PropagatingVgws"):
        if key not in route_table:
            raise ValueError(f"a route table without {key}: {route_table.get('RouteTableId')!r}")
    table = str(route_table.get("RouteTableId", "the route table"))
    found = []
    inside = AddressSet()
    for route in route_table["Routes"]:
        destination = destination_of(route, table)
        if stays_inside(route, destination, blocks):
            inside |= AddressSet.parse(destination)
        else:
            kind, target, _ = target_of(route)
            found.append(WayOut(target, f"{table} sends {destination} to {kind} {target}"))
    if not inside.covers(blocks):
        found.append(WayOut("", f"{table} has no local route for {(blocks - inside).describe()}"))
    for gateway in route_table["PropagatingVgws"]:
        name = str(gateway.get("GatewayId"))
        found.append(WayOut(name, f"{table} takes the routes that {name} propagates"))
    for association in route_table["Associations"]:
        edge = association.get("GatewayId") or association.get("PublicIpv4Pool")
        if edge:
            found.append(WayOut(str(edge), f"{table} directs what enters by {edge}"))
    return tuple(found)


def stays_inside(route: Mapping[str, Any], destination: str, blocks: AddressSet) -> bool:
    """Whether a route is the VPC's own: to its addresses, by no way but the VPC itself."""
    # The next hop of a route that a route server made is an address.
    if target_of(route)[1] != "local" or "IpAddress" in route:
        return False
    return "DestinationPrefixListId" not in route and blocks.covers(AddressSet.parse(destination))


def destination_of(route: Mapping[str, Any], table: str) -> str:
    """The one destination of a route of `table`. Raises ValueError where it has not just one."""
    named = [route[key] for key in _DESTINATIONS if route.get(key)]
    if len(named) != 1 or not isinstance(named[0], str):
        raise ValueError(f"a route of {table} without one destination: {dict(route)!r}")
    return named[0]


_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


def _judge(route: Mapping[str, Any], table: str, prefix_lists: PrefixLists) -> InternetRoute | None:
    list_id = route.get("DestinationPrefixListId")
    destination = destination_of(route, table)
    gateway = route.get("GatewayId") or ""
    if gateway == "local" or (gateway.startswith("vpce-") and list_id):
        return None

    known = True
    if list_id is None:
        addresses = AddressSet.parse(destination)
    elif list_id in prefix_lists:
        addresses = AddressSet.parse(*prefix_lists[list_id])
    else:
        known, addresses = False, AddressSet()
    if known and not addresses & (PUBLIC | NAT64):
        return None

    kind, target, is_gateway = target_of(route)
    what = f"{table} sends {destination} to {kind} {target}"
    if route.get("State") == "blackhole":
        return InternetRoute(
            Reach.BLACKHOLE,
            kind,
            target,
            destination,
            f"{what}, which is gone or detached: the route comes alive when it returns",
        )
    if not known:
        reason = f"{what}, and the entries of that prefix list are not known"
        return InternetRoute(Reach.POSSIBLE, kind, target, destination, reason)
    if is_gateway:
        reason = f"{what}, which leads to the internet"
        return InternetRoute(Reach.INTERNET, kind, target, destination, reason)
    reason = f"{what}, which may lead on to the internet"
    return InternetRoute(Reach.POSSIBLE, kind, target, destination, reason)


def target_of(route: Mapping[str, Any]) -> tuple[str, str, bool]:
    """The kind of a route's target in words, its id, and whether it leads to the internet."""
    for field, kind, is_gateway in _TARGETS:
        if route.get(field):
            return kind, str(route[field]), is_gateway
    gateway = str(route.get("GatewayId") or "")
    for prefix, kind, is_gateway in _GATEWAYS:
        if gateway.startswith(prefix):
            return kind, gateway, is_gateway
    # A target of a kind that is not known here may lead anywhere.
    return "target of unknown kind", gateway or "(none)", False
