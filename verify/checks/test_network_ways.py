"""Network: no way leads in or out that the baseline does not list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import AddressSet
from verify.check import Check
from verify.checks.connections import (
    ENDPOINTS,
    TO_OTHER_NETWORKS,
    TO_THE_INTERNET,
    Connection,
    readings,
)
from verify.checks.findings import report_findings
from verify.checks.network_tiers import PUBLIC, tier_of
from verify.checks.prefix_lists import resolved
from verify.checks.ranges import ranges_of
from verify.exposure import interface_weaknesses, internet_routes, ways_out
from verify.inputs.deployment import Deployment
from verify.policy import foreign_grants


@pytest.mark.control(
    "no-internet-route", reads.vpc, reads.subnets, reads.route_tables, reads.prefix_list
)
def test_no_route_leads_out(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
    vpc_route_tables: list[Mapping[str, Any]],
) -> None:
    network = baseline["network"]
    # The local route follows the VPC's ranges; what they must be, `vpc-address-range` says.
    blocks = AddressSet.parse(*ranges_of(vpc), *ranges_of(vpc, "Ipv6"))
    for table in vpc_route_tables:
        name = pick(table, "RouteTableId")
        check.equal(name, "VPC", expected=pick(vpc, "VpcId"), seen=pick(table, "VpcId"))
        check.none(
            name,
            "routes beyond the VPC",
            [
                way.reason
                for way in ways_out(table, blocks)
                if way.target not in network["connections"]
            ],
        )
        named = {
            route["DestinationPrefixListId"]
            for route in pick(table, "Routes")
            if "DestinationPrefixListId" in route
            and not str(route.get("GatewayId", "")).startswith("vpce-")
        }
        check.none(
            name,
            "routes for public addresses",
            [
                route.reason
                for route in internet_routes(table, resolved(aws, named))
                if route.target not in network["ways_to_the_internet"]
            ],
        )
        for association in pick(table, "Associations"):
            check.equal(
                name,
                "table of an association",
                expected=name,
                seen=pick(association, "RouteTableId"),
            )
            check.equal(
                name,
                "state of an association",
                expected="associated",
                seen=pick(association, "AssociationState", "State"),
            )
    # The main table takes in every subnet that has no other, so it is nobody's own.
    main = [table for table in vpc_route_tables if _is_main(table)]
    check.equal(deployment.vpc_id, "main route tables", expected=1, seen=len(main))
    own = {
        association["SubnetId"]
        for table in vpc_route_tables
        if table not in main
        for association in table["Associations"]
        if "SubnetId" in association
    }
    check.equal(
        deployment.vpc_id,
        "subnets with a route table of their own",
        expected={pick(subnet, "SubnetId") for subnet in vpc_subnets},
        seen=own,
    )


def _is_main(table: Mapping[str, Any]) -> bool:
    return any(pick(association, "Main") for association in pick(table, "Associations"))


def _only_listed(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    connections: Iterable[Connection],
    listed: Iterable[str],
) -> None:
    for connection in connections:
        present = [identifier for identifier, _ in connection.present(aws, deployment)]
        check.none(
            deployment.vpc_id, connection.noun, [name for name in present if name not in listed]
        )


@pytest.mark.control("no-internet-gateway", reads.vpc, *readings(TO_THE_INTERNET))
def test_no_gateway_to_the_internet_serves_the_vpc(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
) -> None:
    check.equal(deployment.vpc_id, "state", expected="available", seen=pick(vpc, "State"))
    _only_listed(check, aws, deployment, TO_THE_INTERNET, baseline["network"]["connections"])


@pytest.mark.control("no-private-connection", reads.vpc, *readings(TO_OTHER_NETWORKS))
def test_no_other_network_is_connected(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
) -> None:
    check.equal(deployment.vpc_id, "state", expected="available", seen=pick(vpc, "State"))
    _only_listed(check, aws, deployment, TO_OTHER_NETWORKS, baseline["network"]["connections"])
    for name, endpoint in ENDPOINTS.present(aws, deployment):
        # Through an endpoint that lets everybody do everything, data leave for any account.
        if pick(endpoint, "VpcEndpointType") != "GatewayLoadBalancer":  # has no policy
            grants = foreign_grants(pick(endpoint, "PolicyDocument"), deployment.account_id)
            report_findings(check, name, "policy", grants)


def _of_services(aws: Aws, deployment: Deployment) -> set[str]:
    """The interfaces that NAT gateways and endpoints of the VPC say that they have."""
    gateways = [
        pick(address, "NetworkInterfaceId")
        for gateway in aws.pick(reads.nat_gateways(deployment), "NatGateways")
        if pick(gateway, "State") == "available"
        for address in pick(gateway, "NatGatewayAddresses")
    ]
    endpoints = [
        name
        for _, endpoint in ENDPOINTS.present(aws, deployment)
        for name in pick(endpoint, "NetworkInterfaceIds")
    ]
    return {*gateways, *endpoints}


@pytest.mark.control(
    "interfaces-private",
    reads.vpc,
    reads.subnets,
    reads.interfaces,
    reads.nat_gateways,
    reads.vpc_endpoints,
)
def test_interfaces_are_private(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    network = baseline["network"]
    ours = aws.pick(reads.interfaces(deployment), "NetworkInterfaces")
    machines = sorted(
        {
            interface["Attachment"]["InstanceId"]
            for interface in ours
            if interface.get("Attachment", {}).get("InstanceId")
        }
    )
    # A machine with interfaces in two VPCs connects them, past every gateway.
    of_machines = [
        interface
        for start in range(0, len(machines), 200)
        for interface in aws.pick(
            reads.interfaces_of_machines(machines[start : start + 200]), "NetworkInterfaces"
        )
    ]
    check.equal(deployment.vpc_id, "state", expected="available", seen=pick(vpc, "State"))
    every = {
        pick(interface, "NetworkInterfaceId"): interface for interface in [*of_machines, *ours]
    }
    admitted = AddressSet.parse(*network["vpc_ipv6_cidr_blocks"])
    unlisted = sorted(_of_services(aws, deployment) - every.keys())
    if unlisted:
        check.unknown(deployment.vpc_id, f"AWS's listing lacks {', '.join(unlisted)}")
    tiers = {pick(subnet, "SubnetId"): tier_of(subnet, network) for subnet in vpc_subnets}
    for name, interface in every.items():
        check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(interface, "VpcId"))
        subnet = pick(interface, "SubnetId")
        check.holds(name, "subnet", subnet in tiers, expected="one of the VPC", seen=subnet)
        among_public = tiers.get(subnet) == PUBLIC
        kinds = network["public_interface_kinds" if among_public else "interface_kinds"]
        check.none(
            name,
            "ways in or out",
            interface_weaknesses(
                interface, deployment.account_id, kinds, admitted, public=among_public
            ),
        )
