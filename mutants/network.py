"""Network faults: ways in and out of the VPC, the spelled-out and the disguised."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

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

FAMILY = Family("network")


# --- VPC and subnets ------------------------------------------------------------------------------


def _attribute_off(attribute: str, account: Account, mending: ExitStack) -> None:
    def switch(value: bool) -> None:
        account.ec2.modify_vpc_attribute(
            VpcId=account.outputs["vpc_id"], **{attribute: {"Value": value}}
        )

    mending.callback(switch, True)
    switch(False)


for _name, _attribute in (
    ("dns-support", "EnableDnsSupport"),
    ("host-names", "EnableDnsHostnames"),
):
    FAMILY.add(
        f"{_name}-off",
        f"{_attribute} of the VPC is switched off",
        partial(_attribute_off, _attribute),
        "vpc-address-range",
    )


@FAMILY.fault("the VPC gets a second address range", "vpc-address-range")
def second_address_range(account: Account, mending: ExitStack) -> None:
    made = account.ec2.associate_vpc_cidr_block(
        VpcId=account.outputs["vpc_id"], CidrBlock="10.1.0.0/16"
    )["CidrBlockAssociation"]
    mending.callback(account.ec2.disassociate_vpc_cidr_block, AssociationId=made["AssociationId"])


# In the network in tiers it stands under the default ACL, which is for no tier.
@FAMILY.fault(
    "a subnet more, with a private route table",
    "subnets-private-layout",
    "network-acls-let-answers-back",
)
def extra_subnet(account: Account, mending: ExitStack) -> None:
    of_table = {"SubnetIds": account.outputs["private_subnet_ids"][:1]}
    [beside] = account.ec2.describe_subnets(**of_table)["Subnets"]
    made = account.ec2.create_subnet(
        VpcId=account.outputs["vpc_id"],
        CidrBlock="10.0.30.0/24",
        AvailabilityZone=beside["AvailabilityZone"],
        TagSpecifications=tagged(account, "subnet"),
    )
    subnet = made["Subnet"]["SubnetId"]
    mending.callback(account.ec2.delete_subnet, SubnetId=subnet)
    joined = account.ec2.associate_route_table(
        SubnetId=subnet, RouteTableId=account.outputs["private_route_table_ids"][0]
    )
    mending.callback(account.ec2.disassociate_route_table, AssociationId=joined["AssociationId"])


@FAMILY.fault("a subnet gives instances public addresses", "subnets-no-public-addresses")
def public_addresses_on_launch(account: Account, mending: ExitStack) -> None:
    def switch(value: bool) -> None:
        account.ec2.modify_subnet_attribute(
            SubnetId=account.outputs["private_subnet_ids"][1], MapPublicIpOnLaunch={"Value": value}
        )

    mending.callback(switch, False)
    switch(True)


# --- routes and gateways --------------------------------------------------------------------------


@FAMILY.fault(
    "a default route through a network interface, no gateway in sight",
    "no-internet-route",
    "nothing-reaches-out",
    unless="tier-routes",
)
def default_route_through_an_interface(account: Account, mending: ExitStack) -> None:
    target = {"NetworkInterfaceId": new_interface(account, mending)}
    add_routes(account, mending, target, "0.0.0.0/0")


@FAMILY.fault(
    "the default route in two halves", "no-internet-route", "nothing-reaches-out", "tier-routes"
)
def default_route_in_halves(account: Account, mending: ExitStack) -> None:
    target = {"NetworkInterfaceId": new_interface(account, mending)}
    add_routes(account, mending, target, "0.0.0.0/1", "128.0.0.0/1")


@FAMILY.fault(
    "an IPv6 default route through an egress-only gateway",
    "no-internet-gateway",
    "no-internet-route",
    "tier-routes",
)
def ipv6_default_route(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_egress_only_internet_gateway(VpcId=account.outputs["vpc_id"])
    gateway = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    mending.callback(
        account.ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=gateway
    )
    add_routes(account, mending, {"EgressOnlyInternetGatewayId": gateway}, "::/0")


@FAMILY.fault("a subnet falls back to the main route table", "no-internet-route", "tier-routes")
def subnet_without_a_route_table(account: Account, mending: ExitStack) -> None:
    table = account.outputs["private_route_table_ids"][1]
    subnet = account.outputs["private_subnet_ids"][1]
    [found] = account.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    [association] = [item for item in found["Associations"] if item.get("SubnetId") == subnet]
    mending.callback(account.ec2.associate_route_table, SubnetId=subnet, RouteTableId=table)
    account.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])


def _internet_gateway(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_internet_gateway(
        TagSpecifications=tagged(account, "internet-gateway")
    )["InternetGateway"]["InternetGatewayId"]
    mending.callback(account.ec2.delete_internet_gateway, InternetGatewayId=made)
    attached = {"InternetGatewayId": made, "VpcId": account.outputs["vpc_id"]}
    account.ec2.attach_internet_gateway(**attached)
    mending.callback(account.ec2.detach_internet_gateway, **attached)
    return str(made)


# A VPC has one internet gateway at most.
@FAMILY.fault(
    "an internet gateway is attached, no route uses it yet",
    "no-internet-gateway",
    unless="tier-routes",
)
def internet_gateway(account: Account, mending: ExitStack) -> None:
    _internet_gateway(account, mending)


@FAMILY.fault(
    "an internet gateway with a default route",
    "no-internet-gateway",
    "no-internet-route",
    "nothing-reaches-out",
    unless="tier-routes",
)
def internet_gateway_with_route(account: Account, mending: ExitStack) -> None:
    target = {"GatewayId": _internet_gateway(account, mending)}
    add_routes(account, mending, target, "0.0.0.0/0")


@FAMILY.fault(
    "a NAT gateway in a private subnet",
    "no-internet-gateway",
    "nat-gateway-in-each-zone",
    "interfaces-private",
)
def nat_gateway(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_nat_gateway(
        SubnetId=account.outputs["private_subnet_ids"][0],
        ConnectivityType="private",
        TagSpecifications=tagged(account, "natgateway"),
    )["NatGateway"]
    mending.callback(account.ec2.delete_nat_gateway, NatGatewayId=made["NatGatewayId"])


# --- security groups ------------------------------------------------------------------------------


# Of the network in tiers: where what a group admits comes to it, by the ACLs and the routes. Some
# of ICMP is let through from everywhere, and needs no way back.
_LETS_SOMEBODY_IN = {
    "application-group-port-opened": ("application-reached-from-web-alone",),
    "application-group-opened-wholly": (
        "application-reached-from-web-alone",
        "internet-reaches-web-alone",
    ),
    "every-protocol": ("internet-reaches-web-alone",),
    "nearly-all-ports": ("internet-reaches-web-alone",),
}


def _open_application_group(permission: Permission, account: Account, mending: ExitStack) -> None:
    authorize(account, mending, account.outputs["application_security_group_id"], permission)


for _name, _description, _permission in (
    (
        "application-group-port-opened",
        "tcp/8443 from everywhere",
        ipv4("tcp", (8443, 8443), "0.0.0.0/0"),
    ),
    (
        "application-group-opened-wholly",
        "every protocol from everywhere",
        ipv4("-1", None, "0.0.0.0/0"),
    ),
    (
        "application-group-opened-for-ipv6",
        "tcp/443 from every IPv6 address",
        {**on_ports("tcp", (443, 443)), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ),
):
    FAMILY.add(
        _name,
        f"the application group admits {_description}",
        partial(_open_application_group, _permission),
        "application-group-rules",
        "no-internet-ingress",
        *_LETS_SOMEBODY_IN.get(_name, ()),
    )

FAMILY.add(
    "application-group-for-another-network",
    "the application group admits tcp/443 from a private range outside the VPC",
    partial(_open_application_group, ipv4("tcp", (443, 443), "10.1.0.0/16")),
    "application-group-rules",
)
FAMILY.add(
    "application-group-one-port-more",
    "the application group admits tcp/443-444 from the VPC",
    partial(_open_application_group, ipv4("tcp", (443, 444), "10.0.0.0/16")),
    "application-group-rules",
    "application-reached-from-web-alone",
)


@FAMILY.fault("the application group admits another group on tcp/22", "application-group-rules")
def application_group_admits_a_group(account: Account, mending: ExitStack) -> None:
    other = account.outputs["default_security_group_id"]
    permission = {**on_ports("tcp", (22, 22)), "UserIdGroupPairs": [{"GroupId": other}]}
    _open_application_group(permission, account, mending)


@FAMILY.fault(
    "the application group's own rule is gone", "application-group-rules", unless="tier-routes"
)
def application_group_rule_removed(account: Account, mending: ExitStack) -> None:
    rule = {
        "GroupId": account.outputs["application_security_group_id"],
        "IpPermissions": [
            {
                **on_ports("tcp", (443, 443)),
                "IpRanges": [{"CidrIp": "10.0.0.0/16", "Description": "HTTPS from the VPC"}],
            }
        ],
    }
    mending.callback(account.ec2.authorize_security_group_ingress, **rule)
    account.ec2.revoke_security_group_ingress(**rule)


@FAMILY.fault("the default group admits its own members", "default-group-closed")
def default_group_admits_itself(account: Account, mending: ExitStack) -> None:
    group = account.outputs["default_security_group_id"]
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    authorize(account, mending, group, permission)


@FAMILY.fault("the default group lets traffic out", "default-group-closed")
def default_group_sends(account: Account, mending: ExitStack) -> None:
    rule = {
        "GroupId": account.outputs["default_security_group_id"],
        "IpPermissions": [ipv4("-1", None, "0.0.0.0/0")],
    }
    account.ec2.authorize_security_group_egress(**rule)
    mending.callback(account.ec2.revoke_security_group_egress, **rule)


for _name, _description, _permission in (
    (
        "every-protocol",
        "protocol -1, without ports, from 0.0.0.0/0",
        ipv4("-1", None, "0.0.0.0/0"),
    ),
    (
        "every-protocol-for-ipv6",
        "protocol -1 from ::/0",
        {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
    ),
    (
        "halves",
        "tcp/22 from 0.0.0.0/1 and 128.0.0.0/1",
        ipv4("tcp", (22, 22), "0.0.0.0/1", "128.0.0.0/1"),
    ),
    (
        "ipv6-halves",
        "tcp/22 from ::/1 and 8000::/1",
        {
            **on_ports("tcp", (22, 22)),
            "Ipv6Ranges": [{"CidrIpv6": "::/1"}, {"CidrIpv6": "8000::/1"}],
        },
    ),
    ("nearly-all-ports", "tcp/1-65535 from 0.0.0.0/0", ipv4("tcp", (1, 65535), "0.0.0.0/0")),
    ("range-around-ssh", "tcp/20-25 from 0.0.0.0/0", ipv4("tcp", (20, 25), "0.0.0.0/0")),
    ("udp", "udp/53 from 0.0.0.0/0", ipv4("udp", (53, 53), "0.0.0.0/0")),
    ("public-quarter", "tcp/3389 from 64.0.0.0/2", ipv4("tcp", (3389, 3389), "64.0.0.0/2")),
):
    FAMILY.add(
        f"open-group-{_name}",
        f"a forgotten group, attached to nothing, admits {_description}",
        partial(open_new_group, _permission),
        "no-internet-ingress",
        *_LETS_SOMEBODY_IN.get(_name, ()),
    )


@FAMILY.fault(
    "a forgotten group admits a prefix list that holds the internet", "no-internet-ingress"
)
def open_group_prefix_list(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_managed_prefix_list(
        PrefixListName="partners",
        MaxEntries=2,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}],
    )["PrefixList"]
    mending.callback(account.ec2.delete_managed_prefix_list, PrefixListId=made["PrefixListId"])
    permission = {
        **on_ports("tcp", (22, 22)),
        "PrefixListIds": [{"PrefixListId": made["PrefixListId"]}],
    }
    open_new_group(permission, account, mending)


@FAMILY.fault("an open group in use hides behind the tag of live fire", "no-internet-ingress")
def open_group_tagged_as_live_fire(account: Account, mending: ExitStack) -> None:
    group = new_group(account, mending, {"Key": "trailwarden:purpose", "Value": "live-fire"})
    new_interface(account, mending, Groups=[group])
    authorize(account, mending, group, ipv4("tcp", (22, 22), "0.0.0.0/0"))
