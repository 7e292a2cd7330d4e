"""Network: AWS's services are reached from the private subnets, and nobody else's resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.connections import ENDPOINTS
from verify.checks.findings import report_findings
from verify.inputs.deployment import Deployment
from verify.policy import allows_anything, resources_beyond

_GATEWAY, _INTERFACE = "Gateway", "Interface"


@pytest.mark.control(
    "endpoints-in-place", reads.vpc_endpoints, reads.route_tables, reads.managed_prefix_list
)
def test_endpoints_serve_the_private_subnets_and_the_account_alone(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_route_tables: list[Mapping[str, Any]],
) -> None:
    required = baseline["network"]["endpoints"]
    found = dict(ENDPOINTS.present(aws, deployment))
    check.equal(
        deployment.vpc_id,
        "endpoints",
        expected=sorted(
            [
                *((_GATEWAY, name) for name in required["gateway"]),
                *((_INTERFACE, name) for name in required["interface"]),
            ]
        ),
        seen=sorted(
            (pick(endpoint, "VpcEndpointType"), pick(endpoint, "ServiceName"))
            for endpoint in found.values()
        ),
    )
    for name, endpoint in found.items():
        check.equal(name, "state", expected="available", seen=str(pick(endpoint, "State")).lower())
        check.equal(name, "owner", expected=deployment.account_id, seen=pick(endpoint, "OwnerId"))
        allowed = allows_anything(pick(endpoint, "PolicyDocument"))
        check.holds(
            name, "requests", allowed, expected="let through", seen="so" if allowed else "none are"
        )
        beyond = resources_beyond(pick(endpoint, "PolicyDocument"), deployment.account_id)
        report_findings(check, name, "resources", beyond, expected="the account's own alone")
        if pick(endpoint, "VpcEndpointType") == _GATEWAY:
            _hold_gateway(check, deployment, name, endpoint, vpc_route_tables)
        else:
            _hold_interface(check, deployment, name, endpoint)
    for identifier in deployment.gateway_endpoint_prefix_list_ids:
        _hold_prefix_list(check, aws, deployment, required["gateway"], identifier)


def _hold_interface(
    check: Check, deployment: Deployment, name: str, endpoint: Mapping[str, Any]
) -> None:
    """It answers to the service's own name, in each private subnet, behind its group alone."""
    check.equal(name, "service's own name", expected=True, seen=pick(endpoint, "PrivateDnsEnabled"))
    check.equal(
        name,
        "subnets",
        expected=set(deployment.private_subnet_ids),
        seen=set(pick(endpoint, "SubnetIds")),
    )
    check.equal(
        name,
        "security groups",
        expected=[deployment.endpoints_security_group_id],
        seen=[pick(group, "GroupId") for group in pick(endpoint, "Groups")],
    )


def _hold_gateway(
    check: Check,
    deployment: Deployment,
    name: str,
    endpoint: Mapping[str, Any],
    tables: list[Mapping[str, Any]],
) -> None:
    """The private subnets' tables, and no others, lead to it."""
    expected = set(deployment.private_route_table_ids)
    check.equal(name, "route tables", expected=expected, seen=set(pick(endpoint, "RouteTableIds")))
    leading = {
        pick(table, "RouteTableId")
        for table in tables
        for route in pick(table, "Routes")
        if route.get("GatewayId") == name
        and route.get("DestinationPrefixListId") in deployment.gateway_endpoint_prefix_list_ids
        and pick(route, "State") == "active"
    }
    check.equal(name, "tables with a route to it", expected=expected, seen=leading)


def _hold_prefix_list(
    check: Check, aws: Aws, deployment: Deployment, services: list[str], identifier: str
) -> None:
    """The list that rules name is AWS's own, of a service that has a gateway endpoint."""
    lists = aws.pick(reads.managed_prefix_list(deployment, identifier), "PrefixLists")
    if len(lists) != 1:
        check.unknown(identifier, f"AWS lists {len(lists)} prefix lists by that id")
    for found in lists:
        seen = pick(found, "PrefixListId")
        check.equal(identifier, "prefix list", expected=identifier, seen=seen)
        check.equal(identifier, "owner", expected="AWS", seen=pick(found, "OwnerId"))
        service = pick(found, "PrefixListName")
        check.holds(identifier, "service", service in services, expected=services, seen=service)
