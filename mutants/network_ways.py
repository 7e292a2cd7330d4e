"""Network faults: what connects the VPC to elsewhere, what stands in it, and whom it is told of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import Account
from mutants.model import Family
from mutants.networking import (
    Permission,
    add_routes,
    authorize,
    ipv4,
    new_group,
    new_interface,
    on_ports,
    open_new_group,
    tagged,
)

FAMILY = Family("network ways")


def _vpc(account: Account) -> str:
    return str(account.outputs["vpc_id"])


def _new_vpc(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    mending.callback(account.ec2.delete_vpc, VpcId=made)
    return str(made)


def _subnet_of(account: Account, mending: ExitStack, vpc: str) -> str:
    made = account.ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    mending.callback(account.ec2.delete_subnet, SubnetId=made)
    return str(made)


# --- IPv6 and what subnets give -------------------------------------------------------------------


@FAMILY.fault("the VPC gets a range of public IPv6 addresses", "vpc-address-range")
def ipv6_range(account: Account, mending: ExitStack) -> None:
    made = account.ec2.associate_vpc_cidr_block(
        VpcId=_vpc(account), AmazonProvidedIpv6CidrBlock=True
    )["Ipv6CidrBlockAssociation"]
    mending.callback(account.ec2.disassociate_vpc_cidr_block, AssociationId=made["AssociationId"])


@FAMILY.fault("a subnet gets a range of public IPv6 addresses", "subnets-private-layout")
def ipv6_range_of_a_subnet(account: Account, mending: ExitStack) -> None:
    made = account.ec2.associate_subnet_cidr_block(
        SubnetId=account.outputs["private_subnet_ids"][0], Ipv6CidrBlock="2600:1f18:1:100::/64"
    )["Ipv6CidrBlockAssociation"]
    mending.callback(
        account.ec2.disassociate_subnet_cidr_block, AssociationId=made["AssociationId"]
    )


def _given_on_launch(attribute: str, account: Account, mending: ExitStack) -> None:
    def switch(value: bool) -> None:
        account.ec2.modify_subnet_attribute(
            SubnetId=account.outputs["private_subnet_ids"][1], **{attribute: {"Value": value}}
        )

    mending.callback(switch, False)
    switch(True)


for _name, _attribute in (
    ("ipv6-addresses-on-launch", "AssignIpv6AddressOnCreation"),
    ("customer-owned-addresses-on-launch", "MapCustomerOwnedIpOnLaunch"),
    ("ipv6-names-for-the-ipv4-internet", "EnableDns64"),
):
    FAMILY.add(
        _name,
        f"{_attribute} of a subnet is switched on",
        partial(_given_on_launch, _attribute),
        "subnets-no-public-addresses",
    )


# --- what instances are told ----------------------------------------------------------------------


def _options(configuration: Mapping[str, list[str]], account: Account, mending: ExitStack) -> None:
    [vpc] = account.ec2.describe_vpcs(VpcIds=[_vpc(account)])["Vpcs"]
    made = account.ec2.create_dhcp_options(
        DhcpConfigurations=[
            {"Key": key, "Values": list(value)} for key, value in configuration.items()
        ]
    )["DhcpOptions"]["DhcpOptionsId"]
    mending.callback(account.ec2.delete_dhcp_options, DhcpOptionsId=made)
    _choose_options(made, vpc["DhcpOptionsId"], account, mending)


def _choose_options(chosen: str, before: str, account: Account, mending: ExitStack) -> None:
    for options, act in ((before, mending.callback), (chosen, lambda call, **said: call(**said))):
        act(account.ec2.associate_dhcp_options, DhcpOptionsId=options, VpcId=_vpc(account))


for _name, _description, _told in (
    ("foreign-name-server", "of a foreign name server", {"domain-name-servers": ["198.51.100.53"]}),
    (
        "second-name-server",
        "of a foreign name server beside AWS's",
        {"domain-name-servers": ["AmazonProvidedDNS", "198.51.100.53"]},
    ),
    (
        "foreign-clock",
        "of a foreign time server",
        {"domain-name-servers": ["AmazonProvidedDNS"], "ntp-servers": ["198.51.100.123"]},
    ),
    (
        "foreign-domain",
        "that they belong to a foreign domain",
        {"domain-name-servers": ["AmazonProvidedDNS"], "domain-name": ["example.com"]},
    ),
    ("no-name-server", "of no name server", {"ntp-servers": ["169.254.169.123"]}),
):
    FAMILY.add(
        _name,
        f"instances are told {_description}",
        partial(_options, _told),
        "vpc-name-servers",
    )


@FAMILY.fault("the VPC has no DHCP options", "vpc-name-servers")
def no_dhcp_options(account: Account, mending: ExitStack) -> None:
    [vpc] = account.ec2.describe_vpcs(VpcIds=[_vpc(account)])["Vpcs"]
    _choose_options("default", vpc["DhcpOptionsId"], account, mending)


# --- to the internet ------------------------------------------------------------------------------


@FAMILY.fault("an egress-only gateway, no route uses it yet", "no-internet-gateway")
def egress_only_gateway(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_egress_only_internet_gateway(VpcId=_vpc(account))
    gateway = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    mending.callback(
        account.ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=gateway
    )


@FAMILY.fault("a carrier gateway", "no-internet-gateway")
def carrier_gateway(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_carrier_gateway(VpcId=_vpc(account))["CarrierGateway"]
    mending.callback(account.ec2.delete_carrier_gateway, CarrierGatewayId=made["CarrierGatewayId"])


def _exempt(
    which: Callable[[Account], Mapping[str, str]], account: Account, mending: ExitStack
) -> None:
    made = account.ec2.create_vpc_block_public_access_exclusion(
        InternetGatewayExclusionMode="allow-egress", **which(account)
    )["VpcBlockPublicAccessExclusion"]
    mending.callback(
        account.ec2.delete_vpc_block_public_access_exclusion, ExclusionId=made["ExclusionId"]
    )


FAMILY.add(
    "vpc-exempt-from-block",
    "the VPC is exempt from the account's block on public access",
    partial(_exempt, lambda account: {"VpcId": _vpc(account)}),
    "no-internet-gateway",
)
FAMILY.add(
    "subnet-exempt-from-block",
    "a subnet is exempt from the account's block on public access",
    partial(_exempt, lambda account: {"SubnetId": account.outputs["private_subnet_ids"][1]}),
    "no-internet-gateway",
)


# --- to other networks ----------------------------------------------------------------------------


def _vpn_gateway(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    mending.callback(account.ec2.delete_vpn_gateway, VpnGatewayId=made)
    attached = {"VpnGatewayId": made, "VpcId": _vpc(account)}
    account.ec2.attach_vpn_gateway(**attached)
    mending.callback(account.ec2.detach_vpn_gateway, **attached)
    return str(made)


@FAMILY.fault("a VPN gateway is attached", "no-private-connection")
def vpn_gateway(account: Account, mending: ExitStack) -> None:
    _vpn_gateway(account, mending)


@FAMILY.fault(
    "a VPN gateway propagates its routes",
    "no-private-connection",
    "no-internet-route",
    "nothing-reaches-out",
)
def vpn_gateway_propagates(account: Account, mending: ExitStack) -> None:
    table = account.outputs["private_route_table_ids"][0]
    pair = {"GatewayId": _vpn_gateway(account, mending), "RouteTableId": table}
    account.ec2.enable_vgw_route_propagation(**pair)
    mending.callback(account.ec2.disable_vgw_route_propagation, **pair)


def _transit_gateway(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    mending.callback(account.ec2.delete_transit_gateway, TransitGatewayId=made)
    attached = account.ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=made,
        VpcId=_vpc(account),
        SubnetIds=account.outputs["private_subnet_ids"],
    )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    mending.callback(
        account.ec2.delete_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attached
    )
    return str(made)


@FAMILY.fault("a transit gateway is attached", "no-private-connection")
def transit_gateway(account: Account, mending: ExitStack) -> None:
    _transit_gateway(account, mending)


@FAMILY.fault(
    "a transit gateway, with a route to a private network",
    "no-private-connection",
    "no-internet-route",
    "nothing-reaches-out",
    "tier-routes",
)
def transit_gateway_with_route(account: Account, mending: ExitStack) -> None:
    target = {"TransitGatewayId": _transit_gateway(account, mending)}
    add_routes(account, mending, target, "10.7.0.0/16")


@FAMILY.fault("a peering with another VPC of the account", "no-private-connection")
def peering(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_vpc_peering_connection(
        VpcId=_vpc(account), PeerVpcId=_new_vpc(account, mending)
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    mending.callback(account.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=made)
    account.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)


def _endpoint(settings: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_vpc_endpoint(
        VpcId=_vpc(account), TagSpecifications=tagged(account, "vpc-endpoint"), **settings
    )["VpcEndpoint"]
    mending.callback(account.ec2.delete_vpc_endpoints, VpcEndpointIds=[made["VpcEndpointId"]])


for _name, _settings in (
    ("gateway", {"ServiceName": "com.amazonaws.ap-southeast-1.s3", "VpcEndpointType": "Gateway"}),
    (
        "interface",
        {"ServiceName": "com.amazonaws.ap-southeast-1.logs", "VpcEndpointType": "Interface"},
    ),
):
    FAMILY.add(
        f"{_name}-endpoint",
        f"an endpoint of the type {_name}, open to all",
        partial(_endpoint, _settings),
        "no-private-connection",
        "endpoints-in-place",
    )


# --- interfaces -----------------------------------------------------------------------------------


@FAMILY.fault("an interface gets a public address", "interfaces-private")
def public_address(account: Account, mending: ExitStack) -> None:
    interface = new_interface(account, mending)
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    mending.callback(account.ec2.release_address, AllocationId=address)
    made = account.ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
    mending.callback(account.ec2.disassociate_address, AssociationId=made["AssociationId"])


@FAMILY.fault("an interface forwards what is not for it", "interfaces-private")
def forwarding_interface(account: Account, mending: ExitStack) -> None:
    account.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=new_interface(account, mending), SourceDestCheck={"Value": False}
    )


@FAMILY.fault("a machine stands in our VPC and in another", "interfaces-private")
def machine_in_two_networks(account: Account, mending: ExitStack) -> None:
    elsewhere = _subnet_of(account, mending, _new_vpc(account, mending))
    [machine] = account.ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        MinCount=1,
        MaxCount=1,
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": elsewhere, "DeleteOnTermination": True}],
    )["Instances"]
    mending.callback(account.ec2.terminate_instances, InstanceIds=[machine["InstanceId"]])
    made = account.ec2.attach_network_interface(
        InstanceId=machine["InstanceId"],
        NetworkInterfaceId=new_interface(account, mending),
        DeviceIndex=1,
    )
    mending.callback(account.ec2.detach_network_interface, AttachmentId=made["AttachmentId"])


# --- groups of other VPCs -------------------------------------------------------------------------


def _group_elsewhere(account: Account, mending: ExitStack, *permissions: Permission) -> Any:
    vpc = _new_vpc(account, mending)
    made = account.ec2.create_security_group(
        GroupName="elsewhere", Description="made by hand", VpcId=vpc
    )["GroupId"]
    mending.callback(account.ec2.delete_security_group, GroupId=made)
    for permission in permissions:
        authorize(account, mending, made, permission)
    return {"GroupId": made, "VpcId": vpc}


_SSH_FROM_EVERYWHERE = ipv4("tcp", (22, 22), "0.0.0.0/0")


@FAMILY.fault("an open group of another VPC may be used in ours", "no-internet-ingress")
def open_group_of_another_vpc(account: Account, mending: ExitStack) -> None:
    group = _group_elsewhere(account, mending, _SSH_FROM_EVERYWHERE)
    pair = {"GroupId": group["GroupId"], "VpcId": _vpc(account)}
    account.ec2.associate_security_group_vpc(**pair)
    mending.callback(account.ec2.disassociate_security_group_vpc, **pair)


@FAMILY.fault("an open group of another VPC is on an interface in ours", "no-internet-ingress")
def interface_with_a_group_of_another_vpc(account: Account, mending: ExitStack) -> None:
    group = _group_elsewhere(account, mending, _SSH_FROM_EVERYWHERE)
    new_interface(account, mending, Groups=[group["GroupId"]])


@FAMILY.fault("a group admits a group of another VPC", "no-internet-ingress")
def group_admits_another_vpc(account: Account, mending: ExitStack) -> None:
    permission = {
        **on_ports("tcp", (22, 22)),
        "UserIdGroupPairs": [_group_elsewhere(account, mending)],
    }
    authorize(account, mending, new_group(account, mending), permission)


# --- public sources -------------------------------------------------------------------------------


for _name, _description, _permission in (
    ("icmp", "ICMP echo requests from 0.0.0.0/0", ipv4("icmp", (8, -1), "0.0.0.0/0")),
    ("icmp-by-number", "protocol 1 from 0.0.0.0/0", ipv4("1", (-1, -1), "0.0.0.0/0")),
    (
        "icmpv6",
        "ICMPv6 of every type from ::/0",
        {"IpProtocol": "icmpv6", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ),
    ("esp", "protocol 50, without ports, from 0.0.0.0/0", ipv4("50", None, "0.0.0.0/0")),
    ("one-large-network", "tcp/22 from 8.0.0.0/8", ipv4("tcp", (22, 22), "8.0.0.0/8")),
    ("one-address", "tcp/22 from a single address", ipv4("tcp", (22, 22), "203.0.113.7/32")),
    (
        "small-networks",
        "tcp/22 from three offices",
        ipv4("tcp", (22, 22), "198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"),
    ),
    (
        "one-ipv6-network",
        "tcp/22 from one IPv6 network",
        {**on_ports("tcp", (22, 22)), "Ipv6Ranges": [{"CidrIpv6": "2a02:908::/48"}]},
    ),
):
    FAMILY.add(
        f"open-group-{_name}",
        f"a forgotten group admits {_description}",
        partial(open_new_group, _permission),
        "no-internet-ingress",
        # The network ACLs of the tiers let one type of ICMP through, which needs no way back.
        *(("internet-reaches-web-alone",) if _name == "icmp-by-number" else ()),
    )


# --- network ACLs ---------------------------------------------------------------------------------


def _entry(settings: Mapping[str, Any], account: Account, mending: ExitStack) -> None:
    mine = [
        {"Name": "vpc-id", "Values": [_vpc(account)]},
        {"Name": "default", "Values": ["true"]},
    ]
    [acl] = account.ec2.describe_network_acls(Filters=mine)["NetworkAcls"]
    entry = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 50, "Egress": False}
    account.ec2.create_network_acl_entry(**entry, RuleAction="allow", **settings)
    mending.callback(account.ec2.delete_network_acl_entry, **entry)


_ENTRIES: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("opened", "every protocol from 0.0.0.0/0", {"Protocol": "-1", "CidrBlock": "0.0.0.0/0"}),
    (
        "opened-for-one-network",
        "tcp/22 from a public /24",
        {"Protocol": "6", "CidrBlock": "203.0.113.0/24", "PortRange": {"From": 22, "To": 22}},
    ),
    ("opened-for-ipv6", "every protocol from ::/0", {"Protocol": "-1", "Ipv6CidrBlock": "::/0"}),
    (
        "opened-for-icmp",
        "ICMP echo requests from 0.0.0.0/0",
        {
            "Protocol": "1",
            "CidrBlock": "0.0.0.0/0",
            "IcmpTypeCode": {"Type": 8, "Code": -1},
        },
    ),
    ("opened-for-esp", "protocol 50 from 0.0.0.0/0", {"Protocol": "50", "CidrBlock": "0.0.0.0/0"}),
)
for _name, _description, _entry_settings in _ENTRIES:
    FAMILY.add(
        f"network-acl-{_name}",
        f"the network ACL admits {_description}",
        partial(_entry, _entry_settings),
        "network-acls-closed",
    )


@FAMILY.fault("a second network ACL waits, open, for a subnet", "network-acls-closed")
def spare_open_acl(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_network_acl(
        VpcId=_vpc(account), TagSpecifications=tagged(account, "network-acl")
    )["NetworkAcl"]["NetworkAclId"]
    mending.callback(account.ec2.delete_network_acl, NetworkAclId=made)
    account.ec2.create_network_acl_entry(
        NetworkAclId=made,
        RuleNumber=100,
        Egress=False,
        RuleAction="allow",
        Protocol="-1",
        CidrBlock="0.0.0.0/0",
    )


# --- routes ---------------------------------------------------------------------------------------


@FAMILY.fault(
    "a route to a private network through an interface",
    "no-internet-route",
    "nothing-reaches-out",
    "tier-routes",
)
def private_route(account: Account, mending: ExitStack) -> None:
    target = {"NetworkInterfaceId": new_interface(account, mending)}
    add_routes(account, mending, target, "10.7.0.0/16")
