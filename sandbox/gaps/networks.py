"""Where moto's answers about networks differ from EC2's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    InvalidNetworkAclIdError,
    InvalidRouteTableIdError,
    InvalidSubnetIdError,
    InvalidVPCIdError,
)
from moto.ec2.models.dhcp_options import DHCPOptionsSet, DHCPOptionsSetBackend
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC, VPCBackend
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs
from moto.moto_api._internal import mock_random

from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def describe_network_acls(
    world: World,
    original: Callable[..., Any],
    backend: Any,
    network_acl_ids: list[str] | None = None,
    filters: Any = None,
) -> Any:
    """Network ACLs. Raises InvalidNetworkAclIdError for an id that there is not."""
    try:
        return original(backend, network_acl_ids, filters)
    except InvalidRouteTableIdError:
        known = {acl.id for acl in original(backend)}
        missing = [name for name in network_acl_ids or () if name not in known]
        raise InvalidNetworkAclIdError(missing[0]) from None


def delete_vpc(_: World, original: Callable[..., VPC], backend: Any, vpc_id: str) -> VPC:
    """Delete a VPC. Raises DependencyViolationError while something is left in it."""
    in_vpc = {"vpc-id": [vpc_id]}
    groups = backend.describe_security_groups(filters=in_vpc)
    acls = backend.describe_network_acls(filters=in_vpc)
    endpoints = backend.describe_vpc_endpoints(vpc_end_point_ids=None, filters=in_vpc)
    left = [
        *(group for group in groups if group.name != "default"),
        *(acl for acl in acls if acl.default != "true" and acl.default is not True),
        *(one for one in endpoints if one.state != "deleted"),
        *backend.describe_internet_gateways(filters={"attachment.vpc-id": [vpc_id]}),
        *backend.get_all_network_interfaces(filters=in_vpc),
    ]
    if left:
        raise DependencyViolationError(
            f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
        )
    return original(backend, vpc_id)


# --- DHCP options ---------------------------------------------------------------------------------


def dhcp_options_of_vpc(_: World, original: Callable[..., str], vpc: Any) -> str:
    """The DHCP options of a VPC: those of the region until others, or none, are chosen."""
    identifier = original(vpc)
    if identifier != "default" or vars(vpc).get("without_dhcp_options"):
        return identifier
    backend = vpc.ec2_backend
    options = vars(backend).get("default_dhcp_options")
    if options is None or options.id not in backend.dhcp_options_sets:
        region = backend.region_name
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        options = DHCPOptionsSet(backend, ["AmazonProvidedDNS"], [domain])
        backend.dhcp_options_sets[options.id] = backend.default_dhcp_options = options
    return str(options.id)


def associate_dhcp_options(
    _: World, original: Callable[..., None], backend: Any, options: Any, vpc: Any
) -> None:
    """Give a VPC other DHCP options; going back to the region's own takes none from them."""
    vpc.without_dhcp_options = False
    if vpc.dhcp_options is not None:
        vpc.dhcp_options.vpc = None
    if options is vars(backend).get("default_dhcp_options"):
        vpc.dhcp_options = None
    else:
        original(backend, options, vpc)


def disassociate_dhcp_options(
    _: World, original: Callable[..., None], backend: Any, vpc: Any
) -> None:
    """Leave a VPC without DHCP options, which AWS calls "default"."""
    original(backend, vpc)
    vpc.without_dhcp_options = True


# --- subnets --------------------------------------------------------------------------------------

# What ModifySubnetAttribute changes and DescribeSubnets shows beyond moto's, by their default.
_SUBNET_ATTRIBUTES = {
    "EnableDns64": "enable_dns64",
    "MapCustomerOwnedIpOnLaunch": "map_customer_owned_ip_on_launch",
}


def make_subnet(
    _: World, original: Callable[..., None], subnet: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make a subnet, with the attributes that EC2 shows of each."""
    original(subnet, *arguments, **keywords)
    for name in _SUBNET_ATTRIBUTES.values():
        setattr(subnet, name, False)


def ipv6_ranges_of_subnet(
    _: World, original: Callable[..., list[dict[str, Any]]], subnet: Any
) -> list[dict[str, Any]]:
    """The IPv6 ranges of a subnet, each with its state."""
    return [
        {**association, "ipv6CidrBlockState": association["ipv6CidrBlockState"]["state"]}
        for association in original(subnet)
    ]


def modify_subnet_attribute(_: World, original: Callable[..., Any], response: Any) -> Any:
    """Change an attribute of a subnet."""
    subnet = response.ec2_backend.get_subnet(response._get_param("SubnetId"))
    for parameter, name in _SUBNET_ATTRIBUTES.items():
        value = response._get_param(f"{parameter}.Value")
        if value is not None:
            setattr(subnet, name, value)
    lni = response._get_param("EnableLniAtDeviceIndex")
    if lni is not None:
        subnet.enable_lni_at_device_index = int(lni)
    return original(response)


# --- routes that a VPN gateway propagates ---------------------------------------------------------


def make_route_table(
    _: World, original: Callable[..., None], table: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make a route table, into which no gateway propagates its routes."""
    original(table, *arguments, **keywords)
    table.propagating_vgws = []


def enable_propagation(_: World, response: Any) -> EmptyResult:
    """Let a VPN gateway propagate its routes into a table. Raises InvalidRouteTableIdError."""
    table = response.ec2_backend.get_route_table(response._get_param("RouteTableId"))
    entry = {"GatewayId": response._get_param("GatewayId")}
    if entry not in table.propagating_vgws:
        table.propagating_vgws.append(entry)
    return EmptyResult()


def disable_propagation(_: World, response: Any) -> EmptyResult:
    """Let a VPN gateway propagate no more. Raises InvalidRouteTableIdError."""
    table = response.ec2_backend.get_route_table(response._get_param("RouteTableId"))
    gone = {"GatewayId": response._get_param("GatewayId")}
    table.propagating_vgws = [entry for entry in table.propagating_vgws if entry != gone]
    return EmptyResult()


# --- ways out that moto does not know -------------------------------------------------------------


def describe_local_gateway_associations(_: World, response: Any) -> ActionResult:
    """Which VPCs a local gateway serves: none, since here is no Outpost."""
    return ActionResult({"LocalGatewayRouteTableVpcAssociations": []})


def create_exclusion(_: World, response: Any) -> ActionResult:
    """Exempt a VPC or a subnet from the account's block on public access. Raises EC2ClientError."""
    backend = response.ec2_backend
    vpc, subnet = response._get_param("VpcId"), response._get_param("SubnetId")
    if (vpc is None) is (subnet is None):
        raise EC2ClientError("InvalidParameterCombination", "Name one VPC or one subnet.")
    if vpc is not None and vpc not in backend.vpcs:
        raise InvalidVPCIdError(vpc)
    if subnet is not None and not any(subnet in zone for zone in backend.subnets.values()):
        raise InvalidSubnetIdError(subnet)
    resource = f"vpc/{vpc}" if vpc else f"subnet/{subnet}"
    place = f"{backend.partition}:ec2:{backend.region_name}:{backend.account_id}"
    exclusion = {
        "ExclusionId": f"vpcbpa-exclude-{mock_random.get_random_hex(17)}",
        "InternetGatewayExclusionMode": response._get_param("InternetGatewayExclusionMode"),
        "ResourceArn": f"arn:{place}:{resource}",
        "State": "create-complete",
        "Tags": [],
    }
    _exclusions(backend).append(exclusion)
    return ActionResult({"VpcBlockPublicAccessExclusion": exclusion})


def delete_exclusion(_: World, response: Any) -> ActionResult:
    """Take an exemption back; it stays in sight for a time. Raises EC2ClientError."""
    wanted = response._get_param("ExclusionId")
    for exclusion in _exclusions(response.ec2_backend):
        if exclusion["ExclusionId"] == wanted:
            exclusion["State"] = "delete-complete"
            return ActionResult({"VpcBlockPublicAccessExclusion": exclusion})
    raise EC2ClientError(
        "InvalidVpcBlockPublicAccessExclusionId.NotFound", f"There is no exclusion {wanted}."
    )


def describe_exclusions(_: World, response: Any) -> ActionResult:
    """What is exempt from the account's block on public access."""
    return ActionResult({"VpcBlockPublicAccessExclusions": _exclusions(response.ec2_backend)})


def _exclusions(backend: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vars(backend).setdefault("public_access_exclusions", [])
    return found


REPLACEMENTS = (
    Replacement(
        VPCBackend,
        "delete_vpc",
        delete_vpc,
        "EC2 deletes no VPC that holds anything but what it came with; moto looks at subnets, "
        "route tables and VPN gateways alone, so that what is left behind would go unnoticed.",
        Kind.AROUND,
    ),
    Replacement(
        NetworkAclBackend,
        "describe_network_acls",
        describe_network_acls,
        "Of an unknown ACL moto speaks as of a route table; by the code the provider tells an ACL "
        "that has gone, with its VPC, from an error.",
        Kind.AROUND,
    ),
    Replacement(
        VPC,
        "dhcp_options_id",
        dhcp_options_of_vpc,
        "Each region has DHCP options of its own, which a new VPC gets: moto names none.",
        Kind.AROUND,
    ),
    Replacement(
        DHCPOptionsSetBackend,
        "associate_dhcp_options",
        associate_dhcp_options,
        "moto keeps the former options in use, and a VPC with the region's own would delete them.",
        Kind.AROUND,
    ),
    Replacement(
        DHCPOptionsSetBackend,
        "disassociate_dhcp_options",
        disassociate_dhcp_options,
        "A VPC without DHCP options is another than one with the region's own.",
        Kind.AROUND,
    ),
    Replacement(
        Subnet,
        "__init__",
        make_subnet,
        "EC2 says of each subnet whether it translates to IPv6 and gives customers' addresses.",
        Kind.AROUND,
    ),
    Replacement(
        Subnet,
        "ipv6_cidr_block_association_set",
        ipv6_ranges_of_subnet,
        "moto puts the state of a range into the state once more.",
        Kind.AROUND,
    ),
    Replacement(
        Subnets,
        "modify_subnet_attribute",
        modify_subnet_attribute,
        "moto drops the attributes that it does not know.",
        Kind.AROUND,
    ),
    Replacement(
        RouteTable,
        "__init__",
        make_route_table,
        "EC2 says of each route table which gateways propagate into it.",
        Kind.AROUND,
    ),
    Replacement(
        RouteTables,
        "enable_vgw_route_propagation",
        enable_propagation,
        "moto lacks EnableVgwRoutePropagation.",
        Kind.ADDED,
    ),
    Replacement(
        RouteTables,
        "disable_vgw_route_propagation",
        disable_propagation,
        "moto lacks DisableVgwRoutePropagation.",
        Kind.ADDED,
    ),
    Replacement(
        VPCs,
        "describe_local_gateway_route_table_vpc_associations",
        describe_local_gateway_associations,
        "moto lacks DescribeLocalGatewayRouteTableVpcAssociations.",
        Kind.ADDED,
    ),
    Replacement(
        VPCs,
        "create_vpc_block_public_access_exclusion",
        create_exclusion,
        "moto lacks CreateVpcBlockPublicAccessExclusion.",
        Kind.ADDED,
    ),
    Replacement(
        VPCs,
        "delete_vpc_block_public_access_exclusion",
        delete_exclusion,
        "moto lacks DeleteVpcBlockPublicAccessExclusion.",
        Kind.ADDED,
    ),
    Replacement(
        VPCs,
        "describe_vpc_block_public_access_exclusions",
        describe_exclusions,
        "moto lacks DescribeVpcBlockPublicAccessExclusions.",
        Kind.ADDED,
    ),
)
