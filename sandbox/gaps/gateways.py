"""Where moto's NAT gateways, endpoints and flow logs differ from EC2's.

Sources: EC2 API reference, NetworkInterface and FlowLog; Amazon VPC user guide, "NAT gateways",
"Interface endpoints" and "Publish flow logs to CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.ec2.models import EC2Backend
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.network_acls import NetworkAclBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import generate_dns_from_ip, random_private_ip
from moto.logs.models import logs_backends

from sandbox.access import permissions
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# --- the interfaces by which gateways and endpoints stand in a subnet -----------------------------


def _belongs_to_service(interface: Any, kind: str, description: str, groups: list[Any]) -> None:
    """Show an interface as that of a service: of its kind, with an address of its subnet."""
    address = random_private_ip(interface.subnet.cidr_block)
    interface.interface_type = kind
    interface.description = description
    interface.requester_managed = True
    interface.status = "in-use"
    interface._group_set = groups
    interface.private_ip_address = address
    interface.private_dns_name = generate_dns_from_ip(address)
    interface.private_ip_addresses = [
        {
            "Primary": True,
            "PrivateIpAddress": address,
            "PrivateDnsName": interface.private_dns_name,
        }
    ]


def create_nat_gateway(
    _: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Make a NAT gateway, whose interface has no security group and forwards."""
    gateway = original(backend, *arguments, **keywords)
    interface = gateway._eni
    _belongs_to_service(interface, "nat_gateway", f"Interface for NAT Gateway {gateway.id}", [])
    interface.source_dest_check = False
    gateway.private_ip = interface.private_ip_address
    gateway.address_set[0]["privateIp"] = interface.private_ip_address
    return gateway


def delete_nat_gateway(_: World, original: Callable[..., Any], backend: Any, name: str) -> Any:
    """Delete a NAT gateway: its interface goes with it, and its address is free again."""
    gateway = original(backend, name)
    for address in backend.addresses:
        if address.eni is gateway._eni:
            address.eni = None
            address.association_id = None
    backend.enis.pop(gateway._eni.id, None)
    return gateway


def create_vpc_endpoint(
    _: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Make an endpoint, whose interfaces wear its groups."""
    endpoint = original(backend, *arguments, **keywords)
    _dress(backend, endpoint)
    return endpoint


def modify_vpc_endpoint(
    _: World, original: Callable[..., None], backend: Any, *arguments: Any, **keywords: Any
) -> None:
    """Change an endpoint: its interfaces wear its groups, and its tables have its routes."""
    name = keywords.get("vpc_id") or arguments[0]
    [endpoint] = backend.describe_vpc_endpoints(vpc_end_point_ids=[name])
    before = set(endpoint.route_table_ids or ())
    original(backend, *arguments, **keywords)
    _dress(backend, endpoint)
    now = set(endpoint.route_table_ids or ())
    for table in before - now:
        backend.delete_route(table, endpoint.destination_prefix_list_id)
    for table in now - before:
        backend.create_route(
            table,
            None,
            gateway_id=endpoint.id,
            destination_prefix_list_id=endpoint.destination_prefix_list_id,
        )


def _dress(backend: Any, endpoint: Any) -> None:
    groups = [
        backend.get_security_group_from_id(name) for name in endpoint.security_group_ids or ()
    ]
    for identifier in endpoint.network_interface_ids or ():
        interface = backend.enis[identifier]
        if interface.interface_type == "vpc_endpoint":
            interface._group_set = groups
        else:
            _belongs_to_service(
                interface, "vpc_endpoint", f"VPC Endpoint Interface {endpoint.id}", groups
            )


def modify_endpoint_settings(_: World, original: Callable[..., Any], response: Any) -> Any:
    """Change an endpoint, whether it answers to the service's own name among it."""
    [endpoint] = response.ec2_backend.describe_vpc_endpoints(
        vpc_end_point_ids=[response._get_param("VpcEndpointId")]
    )
    private = response._get_param("PrivateDnsEnabled")
    if private is not None:
        endpoint.private_dns_enabled = private
    return original(response)


# --- network ACLs ---------------------------------------------------------------------------------

_LAST_ENTRY = 32767


def create_network_acl(
    _: World,
    original: Callable[..., Any],
    backend: Any,
    vpc_id: str,
    tags: Any = None,
    default: bool = False,
) -> Any:
    """Make a network ACL, whose last entry denies the rest either way."""
    acl = original(backend, vpc_id, tags, default)
    if not default:
        for egress in (True, False):
            backend.create_network_acl_entry(
                network_acl_id=acl.id,
                rule_number=_LAST_ENTRY,
                protocol="-1",
                rule_action="deny",
                egress=egress,
                cidr_block="0.0.0.0/0",
                icmp_code=None,
                icmp_type=None,
                port_range_from=None,
                port_range_to=None,
                ipv6_cidr_block=None,
            )
    return acl


_ICMP = ("1", "58", "icmp", "icmpv6")


def keep_icmp_type(_: World, original: Callable[..., Any], response: Any) -> Any:
    """Make an entry of a network ACL; of ICMP it has a type and a code, and no ports."""
    answer = original(response)
    if str(response._get_param("Protocol")) in _ICMP:
        acl = response.ec2_backend.get_network_acl(response._get_param("NetworkAclId"))
        number, egress = response._get_param("RuleNumber"), response._get_param("Egress")
        for entry in acl.network_acl_entries:
            if (entry.rule_number, entry.egress) == (number, egress):
                entry.icmp_type = response._get_param("IcmpTypeCode.Type")
                entry.icmp_code = response._get_param("IcmpTypeCode.Code")
                entry.port_range_from = entry.port_range_to = None
    return answer


# --- flow logs ------------------------------------------------------------------------------------


def describe_flow_logs(
    world: World, original: Callable[..., list[Any]], backend: Any, *arguments: Any, **keywords: Any
) -> list[Any]:
    """Flow logs, and whether what they record can be written to their log group now."""
    found = original(backend, *arguments, **keywords)
    for log in found:
        if log.log_destination_type == "cloud-watch-logs":
            writable = _is_writable(world, backend, log)
            log.deliver_logs_status = "SUCCESS" if writable else "FAILED"
            log.deliver_logs_error_message = None if writable else "Access error"
    return found


def _is_writable(world: World, backend: Any, log: Any) -> bool:
    """Whether the group is there, and the service may wear the role, which may write into it."""
    place = f"{backend.partition}:{{}}:{backend.region_name}:{backend.account_id}"
    name = log.log_group_name or str(log.log_destination).partition(":log-group:")[2]
    name, role = name.removesuffix(":*"), str(log.deliver_logs_permission_arn)
    stream = f"arn:{place.format('logs')}:log-group:{name}:log-stream:eni-0-all"
    source = f"arn:{place.format('ec2')}:vpc-flow-log/{log.id}"
    return (
        name in logs_backends[backend.account_id][backend.region_name].groups
        and permissions.service_may_assume(world, role, "vpc-flow-logs.amazonaws.com", source)
        and permissions.role_may(world, role, "logs:PutLogEvents", stream)
    )


# --- tags -----------------------------------------------------------------------------------------


def tagged_resources(
    _: World, original: Callable[..., Iterator[Any]], backend: Any
) -> Iterator[Any]:
    """What bears tags in EC2, each by the ARN that EC2 gives it."""
    place = f"arn:{backend.partition}:ec2:{backend.region_name}:{backend.account_id}"
    for resource in original(backend):
        if resource.resource_type == "ec2:flow-logs":
            name = resource.arn.rpartition("/")[2]
            yield TaggedResource(
                arn=f"{place}:vpc-flow-log/{name}",
                tags=resource.tags,
                resource_type="ec2:vpc-flow-log",
            )
        else:
            yield resource
    left_out = {
        "elastic-ip": backend.addresses,
        "network-acl": backend.network_acls.values(),
        "vpc-endpoint": (one for one in backend.vpc_end_points.values() if one.state != "deleted"),
    }
    for kind, resources in left_out.items():
        for resource in resources:
            yield TaggedResource(
                arn=f"{place}:{kind}/{resource.id}",
                tags=dict(backend.tags.get(resource.id, {})),
                resource_type=f"ec2:{kind}",
            )


REPLACEMENTS = (
    Replacement(
        EC2Backend,
        "iter_tagged_resources",
        tagged_resources,
        "moto leaves addresses, network ACLs and endpoints out, and has a name of its own for the "
        "ARN of a flow log.",
        Kind.AROUND,
    ),
    Replacement(
        NatGatewayBackend,
        "create_nat_gateway",
        create_nat_gateway,
        "moto gives a NAT gateway's interface the default security group, an address from "
        "anywhere, and the type of an instance's.",
        Kind.AROUND,
    ),
    Replacement(
        NatGatewayBackend,
        "delete_nat_gateway",
        delete_nat_gateway,
        "moto leaves the interface of a deleted NAT gateway in the VPC, which then can't go.",
        Kind.AROUND,
    ),
    Replacement(
        VPCBackend,
        "create_vpc_endpoint",
        create_vpc_endpoint,
        "moto gives an endpoint's interfaces the default security group, addresses from anywhere, "
        "and the type of an instance's.",
        Kind.AROUND,
    ),
    Replacement(
        VPCBackend,
        "modify_vpc_endpoint",
        modify_vpc_endpoint,
        "An endpoint's groups are those of its interfaces, and its route tables have its routes.",
        Kind.AROUND,
    ),
    Replacement(
        VPCs,
        "modify_vpc_endpoint",
        modify_endpoint_settings,
        "moto drops whether an endpoint answers to the service's own name.",
        Kind.AROUND,
    ),
    Replacement(
        FlowLogsBackend,
        "describe_flow_logs",
        describe_flow_logs,
        "moto looks for the log group by a name that is not given when the destination is an ARN, "
        "and then calls the delivery failed for ever.",
        Kind.AROUND,
    ),
    Replacement(
        NetworkAclBackend,
        "create_network_acl",
        create_network_acl,
        "moto gives the last entry, which denies the rest, to default ACLs alone.",
        Kind.AROUND,
    ),
    Replacement(
        NetworkACLs,
        "create_network_acl_entry",
        keep_icmp_type,
        "moto looks for type and code of ICMP by another name, and keeps ports instead.",
        Kind.AROUND,
    ),
    Replacement(
        NetworkACLs,
        "replace_network_acl_entry",
        keep_icmp_type,
        "moto looks for type and code of ICMP by another name, and keeps ports instead.",
        Kind.AROUND,
    ),
)
