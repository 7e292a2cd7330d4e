"""From EC2's answers to a Network: pure, and nothing is left out silently.

What an answer lacks raises ValueError; a target, an endpoint or an interface of a kind that is not
known here is taken to let everything pass. Sources: EC2 API reference, Route, NetworkInterface,
NatGateway, VpcPeeringConnection, VpcEndpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verify.addresses import AddressSet
from verify.exposure.interfaces import interface_kind
from verify.exposure.reachability.network import (
    EVERYTHING,
    LOCAL,
    NOWHERE,
    Gateway,
    Interface,
    Kind,
    Network,
    Route,
    Subnet,
)
from verify.exposure.routes import destination_of, stays_inside, target_of
from verify.exposure.rules import AclEntry, PrefixLists, Rule, rules_from_group

_Item = Mapping[str, Any]

# By these nobody comes in whom the interface's own security groups have not let in, or by a gateway
# that is judged by itself. Any other kind is AWS's way of letting somebody in.
_FILTERED_KINDS = frozenset(
    {
        "branch",
        "efa",
        "efa-only",
        "gateway_load_balancer",
        "interface",
        "lambda",
        "load_balancer",
        "managed interface",
        "natGateway",
        "nat_gateway",
        "network_load_balancer",
        "transit_gateway",
        "trunk",
        "vpc_endpoint",
    }
)
# What may be on its way in is there; what is on its way out is there until it is gone.
_NOT_ASSOCIATED = ("disassociated", "failed")


@dataclass(frozen=True)
class Answers:
    """What EC2 says of a VPC, each member as boto3 gives it.

    `ranges` and `subnet_ranges` are the address ranges of the VPC and of its subnets. The gateways
    are those that serve the VPC, `open_connections` the ids of everything else that connects it to
    elsewhere. `groups` are all that are, or may be, on its interfaces. `prefix_lists` has every
    list that a rule or a route names.
    """

    vpc: str
    ranges: Iterable[str]
    subnet_ranges: Mapping[str, Iterable[str]]
    route_tables: Sequence[_Item]
    network_acls: Sequence[_Item]
    groups: Sequence[_Item]
    interfaces: Sequence[_Item]
    internet_gateways: Sequence[str] = ()
    nat_gateways: Sequence[_Item] = ()
    peerings: Sequence[_Item] = ()
    endpoints: Sequence[_Item] = ()
    open_connections: Sequence[str] = ()
    prefix_lists: PrefixLists | None = None


def network_of(answers: Answers) -> Network:
    """The network that the answers describe. Raises ValueError for what they lack."""
    blocks = AddressSet.parse(*answers.ranges)
    gateways = dict(_gateways(answers))
    tables = {
        str(_part(table, "RouteTableId")): tuple(_routes(table, blocks, gateways, answers))
        for table in answers.route_tables
    }
    subnets = dict(_subnets(answers))
    for gateway in gateways.values():
        if gateway.kind is Kind.NAT and gateway.subnet not in subnets:
            raise ValueError(f"the subnet of {gateway.identifier} is not among the VPC's")
    groups = {str(_part(group, "GroupId")): _rules(group, answers) for group in answers.groups}
    return Network(
        answers.vpc,
        blocks,
        subnets,
        tables,
        {
            str(_part(acl, "NetworkAclId")): tuple(map(AclEntry.parse, _part(acl, "Entries")))
            for acl in answers.network_acls
        },
        groups,
        _with_foreign_groups(gateways, answers),
        tuple(_interfaces(answers, subnets, groups)),
    )


# --- subnets and filters --------------------------------------------------------------------------


def _subnets(answers: Answers) -> Iterator[tuple[str, Subnet]]:
    tables: dict[str, str] = {}
    acls: dict[str, str] = {}
    main = ""
    for table in answers.route_tables:
        name = str(_part(table, "RouteTableId"))
        for association in _part(table, "Associations"):
            if association.get("AssociationState", {}).get("State") in _NOT_ASSOCIATED:
                continue
            if _part(association, "Main"):
                main = name
            elif "SubnetId" in association:
                tables[association["SubnetId"]] = name
    for acl in answers.network_acls:
        for association in _part(acl, "Associations"):
            acls[_part(association, "SubnetId")] = str(_part(acl, "NetworkAclId"))
    for name, ranges in answers.subnet_ranges.items():
        if name not in acls:
            raise ValueError(f"no network ACL says that it guards {name}")
        own = tables.get(name, main)
        if not own:
            raise ValueError(f"no route table says that it is {name}'s, and none is the main one")
        yield name, Subnet(name, AddressSet.parse(*ranges), own, acls[name])


def _rules(group: _Item, answers: Answers) -> tuple[Rule, ...]:
    """The rules of a security group, with addresses for prefix lists."""
    found = []
    for rule in rules_from_group(group):
        sources = rule.sources.resolved(answers.prefix_lists or {})
        if sources.prefix_list_ids:
            lists = ", ".join(sorted(sources.prefix_list_ids))
            raise ValueError(f"the entries of {lists} are not known")
        found.append(replace(rule, sources=sources))
    return tuple(found)


# --- gateways -------------------------------------------------------------------------------------


def _gateways(answers: Answers) -> Iterator[tuple[str, Gateway]]:
    for name in answers.open_connections:
        yield name, Gateway(name, Kind.OPEN)
    for name in answers.internet_gateways:
        yield name, Gateway(name, Kind.INTERNET)
    for nat in answers.nat_gateways:
        name, subnet = str(_part(nat, "NatGatewayId")), nat.get("SubnetId")
        # A regional one stands in no subnet of the VPC, and brings its own routes.
        if subnet is None:
            yield name, Gateway(name, Kind.OPEN)
        else:
            # EC2 says nothing of it for the public ones of former days.
            public = nat.get("ConnectivityType", "public") != "private"
            yield name, Gateway(name, Kind.NAT, subnet=str(subnet), public=public)
    for peering in answers.peerings:
        name = str(_part(peering, "VpcPeeringConnectionId"))
        yield name, Gateway(name, Kind.PEERING, _addresses_of_peer(peering, answers.vpc))
    for endpoint in answers.endpoints:
        name, kind = str(_part(endpoint, "VpcEndpointId")), _part(endpoint, "VpcEndpointType")
        # An interface endpoint is an interface, and judged as one.
        if kind != "Interface":
            yield name, Gateway(name, Kind.SERVICE if kind == "Gateway" else Kind.OPEN)


def _addresses_of_peer(peering: _Item, vpc: str) -> AddressSet:
    """The other VPC's ranges; all addresses where EC2 does not say them."""
    sides = [_part(peering, side) for side in ("AccepterVpcInfo", "RequesterVpcInfo")]
    found: list[str] = []
    for side in sides:
        if _part(side, "VpcId") != vpc:
            found += [_part(block, "CidrBlock") for block in side.get("CidrBlockSet", ())]
            found += [_part(block, "Ipv6CidrBlock") for block in side.get("Ipv6CidrBlockSet", ())]
            found += [side["CidrBlock"]] if "CidrBlock" in side else []
    return AddressSet.parse(*found) if found else EVERYTHING


def _with_foreign_groups(
    gateways: Mapping[str, Gateway], answers: Answers
) -> Mapping[str, Gateway]:
    """The gateways with the groups that may be worn beyond each: those that are none of ours."""
    own = {str(_part(group, "GroupId")) for group in answers.groups}
    beyond: dict[str, set[str]] = {}
    for group in answers.groups:
        for key in ("IpPermissions", "IpPermissionsEgress"):
            for permission in _part(group, key):
                for pair in _part(permission, "UserIdGroupPairs"):
                    name = str(pair.get("GroupId") or pair.get("GroupName"))
                    if name not in own:
                        peering = str(pair.get("VpcPeeringConnectionId") or "")
                        beyond.setdefault(peering, set()).add(name)
    everywhere = frozenset(name for names in beyond.values() for name in names)
    return {
        name: replace(
            gateway,
            groups=frozenset(beyond.get("", set()) | beyond.get(name, set()))
            if gateway.kind is Kind.PEERING
            else everywhere,
        )
        if gateway.kind in (Kind.PEERING, Kind.OPEN)
        else gateway
        for name, gateway in gateways.items()
    }


# --- routes ---------------------------------------------------------------------------------------


def _routes(
    table: _Item, blocks: AddressSet, gateways: dict[str, Gateway], answers: Answers
) -> Iterator[Route]:
    """The routes of a table; gateways that only a route names are added to `gateways`."""
    name = str(_part(table, "RouteTableId"))
    inside = AddressSet()
    for route in _part(table, "Routes"):
        destination = destination_of(route, name)
        if stays_inside(route, destination, blocks):
            target = LOCAL
            inside |= AddressSet.parse(destination)
        elif route.get("State") == "blackhole":
            target = NOWHERE
        else:
            target = _target(route, gateways)
        # Static routes come before those that a gateway propagates.
        rank = int(route.get("Origin") == "EnableVgwRoutePropagation")
        for block in _blocks(route, destination, answers):
            addresses = AddressSet.parse(block)
            yield Route(addresses, int(block.partition("/")[2]), target, rank)
    # Nobody can delete it: where it is not shown, it may be there all the same.
    for block in (blocks - inside).cidrs():
        yield Route(AddressSet.parse(block), int(block.partition("/")[2]), LOCAL)
    for propagating in _part(table, "PropagatingVgws"):
        gateway = str(_part(propagating, "GatewayId"))
        gateways.setdefault(gateway, Gateway(gateway, Kind.OPEN))
        yield Route(EVERYTHING - blocks, -1, gateway, 1)


def _blocks(route: _Item, destination: str, answers: Answers) -> Iterable[str]:
    if "DestinationPrefixListId" not in route:
        return (destination,)
    if destination not in (answers.prefix_lists or {}):
        raise ValueError(f"the entries of {destination} are not known")
    return (answers.prefix_lists or {})[destination]


def _target(route: _Item, gateways: dict[str, Gateway]) -> str:
    kind, name, _ = target_of(route)
    if name == "(none)":
        name = "a target of unknown kind"
    if name not in gateways:
        known = {
            "internet gateway": Kind.INTERNET,
            "egress-only internet gateway": Kind.EGRESS_ONLY,
        }
        gateways[name] = Gateway(name, known.get(kind, Kind.OPEN))
    return name


# --- interfaces -----------------------------------------------------------------------------------


def _interfaces(
    answers: Answers, subnets: Mapping[str, Subnet], groups: Mapping[str, object]
) -> Iterator[Interface]:
    for interface in answers.interfaces:
        name, subnet = (
            str(_part(interface, "NetworkInterfaceId")),
            str(_part(interface, "SubnetId")),
        )
        worn = frozenset(str(_part(group, "GroupId")) for group in _part(interface, "Groups"))
        if subnet not in subnets or worn - groups.keys():
            raise ValueError(f"{name} lies in {subnet} with {', '.join(sorted(worn))}, unseen")
        addresses = [
            _part(one, "PrivateIpAddress") for one in _part(interface, "PrivateIpAddresses")
        ]
        addresses += [_part(one, "Ipv6Address") for one in _part(interface, "Ipv6Addresses")]
        addresses += [_part(one, "Ipv4Prefix") for one in interface.get("Ipv4Prefixes", ())]
        addresses += [_part(one, "Ipv6Prefix") for one in interface.get("Ipv6Prefixes", ())]
        yield Interface(
            name,
            subnet,
            worn,
            AddressSet.parse(*addresses),
            public=_is_known_outside(interface),
            entered=interface_kind(interface) not in _FILTERED_KINDS,
            real=True,
        )


def _is_known_outside(interface: _Item) -> bool:
    holders = [interface, *_part(interface, "PrivateIpAddresses")]
    associations = [holder.get("Association") or {} for holder in holders]
    return any(one.get("PublicIp") or one.get("CarrierIp") for one in associations)


def _part(item: _Item, key: str) -> Any:
    if key not in item:
        raise ValueError(f"an answer of EC2 lacks {key}: {dict(item)!r}")
    return item[key]
