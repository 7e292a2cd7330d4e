"""Network: public and private tiers, each with the way out that it may have, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import ANY_PUBLIC, AddressSet
from verify.check import Check
from verify.checks.network_tiers import PRIVATE, PUBLIC, tier_of, tiers_of
from verify.exposure import (
    network_acl_internet_exposures,
    network_acl_lacks,
)
from verify.inputs.deployment import Deployment

_Item = Mapping[str, Any]
_EVERYWHERE = "0.0.0.0/0"


def _zones(subnets: Iterable[_Item], network: _Item, tier: str) -> dict[str, str]:
    """Zone by subnet, of a tier."""
    return {
        pick(subnet, "SubnetId"): pick(subnet, "AvailabilityZone")
        for subnet in subnets
        if tier_of(subnet, network) == tier
    }


def _gateways_in_force(aws: Aws, deployment: Deployment) -> Iterator[_Item]:
    for gateway in aws.pick(reads.nat_gateways(deployment), "NatGateways"):
        if pick(gateway, "State") not in ("deleted", "failed"):
            yield gateway


@pytest.mark.control("nat-gateway-in-each-zone", reads.subnets, reads.nat_gateways, reads.address)
def test_each_zone_has_a_nat_gateway_of_its_own(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[_Item],
) -> None:
    network = baseline["network"]
    public = _zones(vpc_subnets, network, PUBLIC)
    gateways = list(_gateways_in_force(aws, deployment))
    served = [public.get(pick(gateway, "SubnetId"), "no public subnet") for gateway in gateways]
    check.equal(
        deployment.vpc_id,
        "zones with a NAT gateway in their public subnet, one each",
        expected=sorted(set(_zones(vpc_subnets, network, PRIVATE).values())),
        seen=sorted(served),
    )
    known = {
        pick(address, "AllocationId"): pick(address, "PublicIp")
        for identifier in deployment.nat_address_ids
        for address in aws.pick(reads.address(deployment, identifier), "Addresses")
    }
    for gateway in gateways:
        name = pick(gateway, "NatGatewayId")
        check.equal(name, "state", expected="available", seen=pick(gateway, "State"))
        check.equal(name, "connectivity", expected="public", seen=pick(gateway, "ConnectivityType"))
        # One of the region serves every zone, and stands in no subnet.
        mode = gateway.get("AvailabilityMode", "zonal")
        check.equal(name, "availability", expected="zonal", seen=mode)
        addresses = {
            address.get("AllocationId"): address.get("PublicIp")
            for address in pick(gateway, "NatGatewayAddresses")
        }
        check.none(
            name,
            "public addresses that are not the deployment's",
            [
                f"{allocation} {address}"
                for allocation, address in addresses.items()
                if known.get(str(allocation)) != address
            ],
        )
        check.holds(name, "public address", bool(addresses), expected="one", seen=addresses)


# What names, beside GatewayId and NatGatewayId, where a route leads.
_OTHER_TARGETS = (
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "InstanceId",
    "IpAddress",
    "LocalGatewayId",
    "NetworkInterfaceId",
    "OdbNetworkArn",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
)


def _target(route: _Item) -> str:
    """The gateway that a route leads to, if it leads to one and to nothing else."""
    gateways = [route[key] for key in ("GatewayId", "NatGatewayId") if route.get(key)]
    others = [key for key in _OTHER_TARGETS if route.get(key)]
    return str(gateways[0]) if len(gateways) == 1 and not others else "another target"


def _default_routes(table: _Item) -> list[tuple[str, str, str]]:
    """Destination, target and state of each route that leads by a gateway but the local one."""
    found = []
    for route in pick(table, "Routes"):
        target = _target(route)
        # Gateway endpoints' routes are held to by `endpoints-in-place`.
        if target == "local" or ("DestinationPrefixListId" in route and target.startswith("vpce-")):
            continue
        destination = route.get("DestinationCidrBlock") or "another destination"
        found.append((str(destination), target, str(pick(route, "State"))))
    return sorted(found)


@pytest.mark.control(
    "tier-routes", reads.subnets, reads.route_tables, reads.nat_gateways, reads.internet_gateways
)
def test_each_tier_goes_out_by_its_own_gateway(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[_Item],
    vpc_route_tables: list[_Item],
) -> None:
    network = baseline["network"]
    attached = [
        pick(gateway, "InternetGatewayId")
        for gateway in aws.pick(reads.internet_gateways(deployment), "InternetGateways")
        for attachment in pick(gateway, "Attachments")
        if pick(attachment, "VpcId") == deployment.vpc_id
        and pick(attachment, "State") in ("attached", "available")
    ]
    check.equal(
        deployment.vpc_id,
        "internet gateway",
        expected=[deployment.internet_gateway_id],
        seen=attached,
    )
    public = _zones(vpc_subnets, network, PUBLIC)
    private = _zones(vpc_subnets, network, PRIVATE)
    gateways = {
        public.get(pick(gateway, "SubnetId")): pick(gateway, "NatGatewayId")
        for gateway in _gateways_in_force(aws, deployment)
        # One that is too much is none to go out by: `nat-gateway-in-each-zone` tells of it.
        if pick(gateway, "NatGatewayId") in deployment.nat_gateway_ids
    }
    for table in vpc_route_tables:
        name = pick(table, "RouteTableId")
        subnets = {
            association["SubnetId"]
            for association in pick(table, "Associations")
            if "SubnetId" in association
        }
        targets = {str(deployment.internet_gateway_id) for subnet in subnets if subnet in public}
        targets |= {
            str(gateways.get(private[subnet], "the NAT gateway of its zone"))
            for subnet in subnets
            if subnet in private
        }
        check.equal(
            name,
            "ways out",
            expected=sorted((_EVERYWHERE, target, "active") for target in targets),
            seen=_default_routes(table),
        )


# --- network ACLs ---------------------------------------------------------------------------------


@pytest.mark.control("network-acls-block-attacks", reads.subnets, reads.network_acls)
def test_network_acls_keep_common_attacks_out(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[_Item],
) -> None:
    acls = aws.pick(reads.network_acls(deployment), "NetworkAcls")
    for acl in acls:
        ports = {
            port
            for tier in tiers_of(acl, vpc_subnets, baseline["network"])
            for port in tier["blocked_ports"]
        }
        exposures = network_acl_internet_exposures(pick(acl, "Entries"), bounds=ANY_PUBLIC)
        check.none(
            pick(acl, "NetworkAclId"),
            "ports of common attacks that public addresses reach",
            [
                f"tcp {port}: {exposure.reason}"
                for port in sorted(ports)
                for exposure in exposures
                if exposure.covers("tcp", port)
            ],
        )
    _every_subnet_is_guarded(check, deployment, acls, vpc_subnets)


@pytest.mark.control("network-acls-let-answers-back", reads.subnets, reads.network_acls)
def test_network_acls_let_through_what_is_needed(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[_Item],
) -> None:
    acls = aws.pick(reads.network_acls(deployment), "NetworkAcls")
    for acl in acls:
        needed = [
            entry
            for tier in tiers_of(acl, vpc_subnets, baseline["network"])
            for entry in tier["needed"]
        ]
        check.none(
            pick(acl, "NetworkAclId"),
            "what is needed and not let through",
            [
                part.describe()
                for entry in needed
                for part in network_acl_lacks(
                    pick(acl, "Entries"),
                    entry["direction"],
                    entry["protocol"],
                    (entry.get("from_port", 0), entry.get("to_port", 65535)),
                    addresses=AddressSet.parse(*entry["cidr_blocks"]),
                )
            ],
        )
    _every_subnet_is_guarded(check, deployment, acls, vpc_subnets)


def _every_subnet_is_guarded(
    check: Check, deployment: Deployment, acls: Iterable[_Item], subnets: Iterable[_Item]
) -> None:
    """Each subnet stands under an ACL that was shown; else what it does would not be known."""
    guarded = {
        pick(association, "SubnetId") for acl in acls for association in pick(acl, "Associations")
    }
    unseen = sorted({pick(subnet, "SubnetId") for subnet in subnets} - guarded)
    if unseen:
        check.unknown(deployment.vpc_id, f"the ACL of {', '.join(unseen)} is not shown")
