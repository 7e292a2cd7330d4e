"""Ways in and out that several harmless-looking changes make together: what only a chain shows."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import Account
from mutants.model import Family
from mutants.networking import Permission, authorize, ipv4, on_ports, tagged

FAMILY = Family("reachability", "internet-reaches-web-alone")

_WEB = "internet-reaches-web-alone"
_APPLICATION = "application-reached-from-web-alone"
_DATABASE = "database-reached-from-application-alone"
_BASTION = "bastion-reached-from-its-list-alone"
_APPLICATION_OUT = "application-reaches-no-internet"
_DATABASE_OUT = "database-reaches-no-internet"

_OFFICE = "203.0.113.0/24"
_PEER = "10.7.0.0/16"
_SYSLOG = {"From": 514, "To": 514}


# --- what the faults are made of ------------------------------------------------------------------


def _group(account: Account, tier: str) -> str:
    return str(account.outputs[f"{tier}_security_group_id"])


def _new_group(account: Account, mending: ExitStack, name: str) -> str:
    """A security group of the VPC; by EC2's default it sends what it likes."""
    made = account.ec2.create_security_group(
        GroupName=name,
        Description="made by hand",
        VpcId=account.outputs["vpc_id"],
        TagSpecifications=tagged(account, "security-group"),
    )["GroupId"]
    mending.callback(account.ec2.delete_security_group, GroupId=made)
    return str(made)


def _from(group: str, port: int, protocol: str = "tcp") -> Permission:
    return {**on_ports(protocol, (port, port)), "UserIdGroupPairs": [{"GroupId": group}]}


def _send(account: Account, mending: ExitStack, group: str, permission: Permission) -> None:
    rule = {"GroupId": group, "IpPermissions": [permission]}
    account.ec2.authorize_security_group_egress(**rule)
    mending.callback(account.ec2.revoke_security_group_egress, **rule)


def _route(account: Account, mending: ExitStack, block: str, **target: str) -> None:
    """A route in every private table."""
    key = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
    for table in account.outputs["private_route_table_ids"]:
        account.ec2.create_route(RouteTableId=table, **{key: block}, **target)
        mending.callback(account.ec2.delete_route, RouteTableId=table, **{key: block})


def _acl_of(account: Account, subnet: str) -> str:
    mine = [{"Name": "association.subnet-id", "Values": [subnet]}]
    [acl] = account.ec2.describe_network_acls(Filters=mine)["NetworkAcls"]
    return str(acl["NetworkAclId"])


def _entry(account: Account, mending: ExitStack, tier: str, number: int, **said: Any) -> None:
    """An entry, before all others, of the ACL of the public or the private subnets."""
    entry = {
        "NetworkAclId": _acl_of(account, account.outputs[f"{tier}_subnet_ids"][0]),
        "RuleNumber": number,
        "Egress": bool(said.pop("Egress", False)),
    }
    account.ec2.create_network_acl_entry(**entry, RuleAction="allow", **said)
    mending.callback(account.ec2.delete_network_acl_entry, **entry)


def _ports(first: int, last: int) -> dict[str, Any]:
    return {"Protocol": "6", "PortRange": {"From": first, "To": last}}


def _interface(account: Account, mending: ExitStack, subnet: str, *groups: str) -> str:
    made = account.ec2.create_network_interface(SubnetId=subnet, Groups=list(groups))[
        "NetworkInterface"
    ]["NetworkInterfaceId"]
    mending.callback(account.ec2.delete_network_interface, NetworkInterfaceId=made)
    return str(made)


def _public_address(account: Account, mending: ExitStack, interface: str) -> None:
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    mending.callback(account.ec2.release_address, AllocationId=address)
    made = account.ec2.associate_address(AllocationId=address, NetworkInterfaceId=interface)
    mending.callback(account.ec2.disassociate_address, AssociationId=made["AssociationId"])


def _peering(account: Account, mending: ExitStack) -> tuple[str, str]:
    """A peering with another VPC, with a route to it: the peering's id and the other VPC's."""
    vpc = account.ec2.create_vpc(CidrBlock=_PEER)["Vpc"]["VpcId"]
    mending.callback(account.ec2.delete_vpc, VpcId=vpc)
    made = account.ec2.create_vpc_peering_connection(
        VpcId=account.outputs["vpc_id"], PeerVpcId=vpc
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    mending.callback(account.ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=made)
    account.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=made)
    _route(account, mending, _PEER, VpcPeeringConnectionId=made)
    return str(made), str(vpc)


def _transit_gateway(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    mending.callback(account.ec2.delete_transit_gateway, TransitGatewayId=made)
    attached = account.ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=made,
        VpcId=account.outputs["vpc_id"],
        SubnetIds=account.outputs["private_subnet_ids"],
    )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    mending.callback(
        account.ec2.delete_transit_gateway_vpc_attachment, TransitGatewayAttachmentId=attached
    )
    return str(made)


def _internet_gateway(account: Account, mending: ExitStack) -> str:
    made = account.ec2.create_internet_gateway(
        TagSpecifications=tagged(account, "internet-gateway")
    )["InternetGateway"]["InternetGatewayId"]
    mending.callback(account.ec2.delete_internet_gateway, InternetGatewayId=made)
    attached = {"InternetGatewayId": made, "VpcId": account.outputs["vpc_id"]}
    account.ec2.attach_internet_gateway(**attached)
    mending.callback(account.ec2.detach_internet_gateway, **attached)
    return str(made)


def _ipv6(account: Account, mending: ExitStack) -> None:
    """Addresses of IPv6 for the VPC and a private subnet, let through by its ACL."""
    vpc = account.outputs["vpc_id"]
    made = account.ec2.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    associated = made["Ipv6CidrBlockAssociation"]["AssociationId"]
    mending.callback(account.ec2.disassociate_vpc_cidr_block, AssociationId=associated)
    [found] = account.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    [block] = [
        one["Ipv6CidrBlock"]
        for one in found["Ipv6CidrBlockAssociationSet"]
        if one["AssociationId"] == associated
    ]
    given = account.ec2.associate_subnet_cidr_block(
        SubnetId=account.outputs["private_subnet_ids"][0],
        Ipv6CidrBlock=f"{block.partition('/')[0]}/64",
    )["Ipv6CidrBlockAssociation"]["AssociationId"]
    mending.callback(account.ec2.disassociate_subnet_cidr_block, AssociationId=given)
    for egress in (False, True):
        _entry(account, mending, "private", 51, Egress=egress, Protocol="-1", Ipv6CidrBlock="::/0")


# --- into the database tier -----------------------------------------------------------------------


@FAMILY.fault("the database admits a new group", _DATABASE, "tier-group-rules")
def database_admits_a_new_group(account: Account, mending: ExitStack) -> None:
    new = _new_group(account, mending, "new")
    authorize(account, mending, _group(account, "database"), _from(new, 3306))


@FAMILY.fault(
    "in two steps: the internet reaches a new group, which the database admits",
    _DATABASE,
    _WEB,
    "no-internet-ingress",
    "tier-group-rules",
)
def database_in_two_steps(account: Account, mending: ExitStack) -> None:
    new = _new_group(account, mending, "new")
    authorize(account, mending, new, ipv4("tcp", (443, 443), "0.0.0.0/0"))
    authorize(account, mending, _group(account, "database"), _from(new, 5432))


@FAMILY.fault(
    "in three steps: web speaks to a group, that to another, and that to the database",
    _DATABASE,
    "tier-group-rules",
)
def database_in_three_steps(account: Account, mending: ExitStack) -> None:
    first = _new_group(account, mending, "first")
    second = _new_group(account, mending, "second")
    _send(account, mending, _group(account, "web"), _from(first, 9000))
    authorize(account, mending, first, _from(_group(account, "web"), 9000))
    authorize(account, mending, second, _from(first, 9001, "udp"))
    authorize(account, mending, _group(account, "database"), _from(second, 3306))


@FAMILY.fault("the web tier speaks to the database itself", _DATABASE, "tier-group-rules")
def web_speaks_to_the_database(account: Account, mending: ExitStack) -> None:
    web, database = _group(account, "web"), _group(account, "database")
    _send(account, mending, web, _from(database, 3306))
    authorize(account, mending, database, _from(web, 3306))


@FAMILY.fault("the bastion speaks to the database", _DATABASE, "tier-group-rules")
def bastion_speaks_to_the_database(account: Account, mending: ExitStack) -> None:
    bastion, database = _group(account, "bastion"), _group(account, "database")
    _send(account, mending, bastion, _from(database, 22))
    authorize(account, mending, database, _from(bastion, 22))


@FAMILY.fault("the database admits the VPC's addresses", _DATABASE, "tier-group-rules")
def database_admits_the_vpc(account: Account, mending: ExitStack) -> None:
    rule = ipv4("tcp", (3306, 3306), "10.0.0.0/16")
    authorize(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "a public machine bears the groups of the web and of the database tier",
    _DATABASE,
    _DATABASE_OUT,
)
def machine_of_two_tiers(account: Account, mending: ExitStack) -> None:
    groups = [_group(account, "web"), _group(account, "database")]
    subnet = account.outputs["public_subnet_ids"][0]
    _public_address(account, mending, _interface(account, mending, subnet, *groups))


@FAMILY.fault(
    "the database admits the addresses of a peer",
    _DATABASE,
    _WEB,
    "no-internet-route",
    "no-private-connection",
    "tier-group-rules",
    "tier-routes",
)
def database_from_a_peer(account: Account, mending: ExitStack) -> None:
    _peering(account, mending)
    rule = ipv4("tcp", (6000, 6000), _PEER)
    authorize(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "the database admits a group of a peer",
    _DATABASE,
    _WEB,
    "no-internet-ingress",
    "no-internet-route",
    "no-private-connection",
    "tier-group-rules",
    "tier-routes",
)
def database_from_a_group_of_a_peer(account: Account, mending: ExitStack) -> None:
    peering, vpc = _peering(account, mending)
    theirs = account.ec2.create_security_group(
        GroupName="theirs", Description="made by hand", VpcId=vpc
    )["GroupId"]
    mending.callback(account.ec2.delete_security_group, GroupId=theirs)
    worn = {"GroupId": theirs, "VpcId": vpc, "VpcPeeringConnectionId": peering}
    rule = {**on_ports("tcp", (6000, 6000)), "UserIdGroupPairs": [worn]}
    authorize(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "the database admits what comes by a transit gateway",
    _DATABASE,
    _WEB,
    "no-internet-route",
    "no-private-connection",
    "tier-group-rules",
    "tier-routes",
)
def database_by_a_transit_gateway(account: Account, mending: ExitStack) -> None:
    gateway = _transit_gateway(account, mending)
    _route(account, mending, "10.9.0.0/16", TransitGatewayId=gateway)
    rule = ipv4("tcp", (6000, 6000), "10.9.0.0/16")
    authorize(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "over IPv6 the internet reaches the database",
    _DATABASE,
    _WEB,
    "network-acls-block-attacks",
    "network-acls-closed",
    "no-internet-ingress",
    "subnets-private-layout",
    "tier-group-rules",
    "tier-routes",
    "vpc-address-range",
)
def database_over_ipv6(account: Account, mending: ExitStack) -> None:
    _ipv6(account, mending)
    _route(account, mending, "::/0", GatewayId=account.outputs["internet_gateway_id"])
    rule = {**on_ports("tcp", (3306, 3306)), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    authorize(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "UDP needs no way back: the database admits it from an office, its ACL as well",
    _DATABASE,
    _WEB,
    "network-acls-closed",
    "no-internet-ingress",
    "tier-group-rules",
)
def database_by_udp(account: Account, mending: ExitStack) -> None:
    _entry(account, mending, "private", 51, Protocol="17", CidrBlock=_OFFICE, PortRange=_SYSLOG)
    rule = ipv4("udp", (514, 514), _OFFICE)
    authorize(account, mending, _group(account, "database"), rule)


# --- out of the database tier ---------------------------------------------------------------------


@FAMILY.fault(
    "the database lets HTTPS out, which the NAT gateway takes on",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    "tier-group-rules",
)
def database_out_by_nat(account: Account, mending: ExitStack) -> None:
    rule = ipv4("tcp", (443, 443), "0.0.0.0/0")
    _send(account, mending, _group(account, "database"), rule)


@FAMILY.fault("the database reaches S3 by its endpoint", _DATABASE_OUT, "tier-group-rules")
def database_out_by_an_endpoint(account: Account, mending: ExitStack) -> None:
    lists = account.outputs["gateway_endpoint_prefix_list_ids"]
    rule = {
        **on_ports("tcp", (443, 443)),
        "PrefixListIds": [{"PrefixListId": lists[0]}],
    }
    _send(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "the database reaches a peer",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    "no-internet-route",
    "no-private-connection",
    "tier-group-rules",
    "tier-routes",
)
def database_out_to_a_peer(account: Account, mending: ExitStack) -> None:
    _peering(account, mending)
    _send(account, mending, _group(account, "database"), ipv4("tcp", (443, 443), _PEER))


@FAMILY.fault(
    "the database goes out by a machine that forwards",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    "no-internet-route",
    "tier-group-rules",
    "tier-routes",
)
def database_out_by_a_machine(account: Account, mending: ExitStack) -> None:
    subnet = account.outputs["public_subnet_ids"][0]
    machine = _interface(account, mending, subnet, _group(account, "default"))
    _route(account, mending, "8.0.0.0/8", NetworkInterfaceId=machine)
    rule = ipv4("udp", (53, 53), "8.0.0.0/8")
    _send(account, mending, _group(account, "database"), rule)


@FAMILY.fault(
    "in two steps: the database speaks to a new group, which lets all out",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    "tier-group-rules",
)
def database_out_in_two_steps(account: Account, mending: ExitStack) -> None:
    new = _new_group(account, mending, "proxy")
    _send(account, mending, _group(account, "database"), _from(new, 3128))
    authorize(account, mending, new, _from(_group(account, "database"), 3128))


@FAMILY.fault(
    "in three steps: the database speaks to the application, that to a proxy, that to all",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    _APPLICATION,
    "application-group-rules",
    "tier-group-rules",
)
def database_out_in_three_steps(account: Account, mending: ExitStack) -> None:
    application, database = _group(account, "application"), _group(account, "database")
    proxy = _new_group(account, mending, "proxy")
    _send(account, mending, database, _from(application, 8081))
    authorize(account, mending, application, _from(database, 8081))
    _send(account, mending, application, _from(proxy, 3128))
    authorize(account, mending, proxy, _from(application, 3128))


@FAMILY.fault(
    "over IPv6 the database goes out by an egress-only gateway",
    _DATABASE_OUT,
    _APPLICATION_OUT,
    "network-acls-block-attacks",
    "network-acls-closed",
    "no-internet-gateway",
    "no-internet-route",
    "subnets-private-layout",
    "tier-group-rules",
    "tier-routes",
    "vpc-address-range",
)
def database_out_over_ipv6(account: Account, mending: ExitStack) -> None:
    _ipv6(account, mending)
    made = account.ec2.create_egress_only_internet_gateway(VpcId=account.outputs["vpc_id"])
    gateway = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    mending.callback(
        account.ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=gateway
    )
    _route(account, mending, "::/0", EgressOnlyInternetGatewayId=gateway)
    rule = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    _send(account, mending, _group(account, "database"), rule)


# --- the application tier -------------------------------------------------------------------------


@FAMILY.fault("the application lets HTTPS out", _APPLICATION_OUT, "application-group-rules")
def application_out_by_nat(account: Account, mending: ExitStack) -> None:
    rule = ipv4("tcp", (443, 443), "0.0.0.0/1", "128.0.0.0/1")
    _send(account, mending, _group(account, "application"), rule)


@FAMILY.fault(
    "a public machine bears the application's group, and finds S3 on the internet",
    _APPLICATION_OUT,
)
def application_on_a_public_machine(account: Account, mending: ExitStack) -> None:
    subnet = account.outputs["public_subnet_ids"][1]
    group = _group(account, "application")
    _public_address(account, mending, _interface(account, mending, subnet, group))


@FAMILY.fault(
    "the application admits the public subnets by their addresses",
    _APPLICATION,
    "application-group-rules",
)
def application_from_the_public_subnets(account: Account, mending: ExitStack) -> None:
    rule = ipv4("tcp", (8080, 8080), "10.0.1.0/24", "10.0.2.0/24")
    authorize(account, mending, _group(account, "application"), rule)


@FAMILY.fault("the application admits a new group", _APPLICATION, "application-group-rules")
def application_admits_a_new_group(account: Account, mending: ExitStack) -> None:
    new = _new_group(account, mending, "new")
    authorize(account, mending, _group(account, "application"), _from(new, 8080))


# Without the endpoint's route, the addresses of S3 are the internet's there.
@FAMILY.fault(
    "the internet reaches the application, whose subnet joins the public route table",
    _APPLICATION,
    _APPLICATION_OUT,
    _WEB,
    "application-group-rules",
    "no-internet-ingress",
    "tier-routes",
)
def application_in_a_public_subnet(account: Account, mending: ExitStack) -> None:
    [table] = account.outputs["public_route_table_ids"]
    own, subnet = (
        account.outputs["private_route_table_ids"][0],
        account.outputs["private_subnet_ids"][0],
    )

    def association(of: str) -> str:
        [found] = account.ec2.describe_route_tables(RouteTableIds=[of])["RouteTables"]
        [made] = [one for one in found["Associations"] if one.get("SubnetId") == subnet]
        return str(made["RouteTableAssociationId"])

    def move(start: str, end: str) -> None:
        account.ec2.replace_route_table_association(
            AssociationId=association(start), RouteTableId=end
        )

    mending.callback(move, table, own)
    move(own, table)
    rule = ipv4("tcp", (8443, 8443), "0.0.0.0/0")
    authorize(account, mending, _group(account, "application"), rule)


# --- from outside ---------------------------------------------------------------------------------


def _web_opened(permission: Permission, account: Account, mending: ExitStack) -> None:
    authorize(account, mending, _group(account, "web"), permission)


_OPENED: tuple[tuple[str, str, Permission], ...] = (
    ("port", "tcp/8443 from everywhere", ipv4("tcp", (8443, 8443), "0.0.0.0/0")),
    ("office", "tcp/9443 from an office", ipv4("tcp", (9443, 9443), _OFFICE)),
    ("wholly", "every protocol from everywhere", ipv4("-1", None, "0.0.0.0/0")),
    ("halves", "tcp/1024-2047 in halves", ipv4("tcp", (1024, 2047), "0.0.0.0/1", "128.0.0.0/1")),
)
for _name, _description, _permission in _OPENED:
    FAMILY.add(
        f"web-opened-{_name}",
        f"the web tier admits {_description}",
        partial(_web_opened, _permission),
        _WEB,
        "no-internet-ingress",
        "tier-group-rules",
    )


def _bastion_opened(block: str, account: Account, mending: ExitStack) -> None:
    _entry(account, mending, "public", 51, CidrBlock=block, **_ports(22, 22))
    authorize(account, mending, _group(account, "bastion"), ipv4("tcp", (22, 22), block))


for _name, _block in (("world", "0.0.0.0/0"), ("office", _OFFICE)):
    FAMILY.add(
        f"bastion-opened-to-the-{_name}",
        f"the bastion and its ACL admit SSH from {_block}",
        partial(_bastion_opened, _block),
        _BASTION,
        _WEB,
        "network-acls-closed",
        "no-internet-ingress",
        "tier-group-rules",
    )


@FAMILY.fault("the bastion admits a new group", _BASTION, "tier-group-rules")
def bastion_admits_a_new_group(account: Account, mending: ExitStack) -> None:
    new = _new_group(account, mending, "new")
    authorize(account, mending, _group(account, "bastion"), _from(new, 22))


# --- a private network ----------------------------------------------------------------------------

_IN, _OUT = "nothing-reaches-in", "nothing-reaches-out"


@FAMILY.fault(
    "an office reaches the application: gateway, routes, ACL and group are open to it",
    _IN,
    _OUT,
    "application-group-rules",
    "network-acls-closed",
    "no-internet-gateway",
    "no-internet-ingress",
    "no-internet-route",
    needs=_IN,
)
def in_from_an_office(account: Account, mending: ExitStack) -> None:
    _route(account, mending, _OFFICE, GatewayId=_internet_gateway(account, mending))
    _entry(account, mending, "private", 51, Protocol="-1", CidrBlock=_OFFICE)
    rule = ipv4("tcp", (443, 443), _OFFICE)
    authorize(account, mending, _group(account, "application"), rule)


@FAMILY.fault(
    "a peer reaches the application, and is reached",
    _IN,
    _OUT,
    "application-group-rules",
    "no-internet-route",
    "no-private-connection",
    needs=_IN,
)
def in_from_a_peer(account: Account, mending: ExitStack) -> None:
    _peering(account, mending)
    _entry(account, mending, "private", 51, Protocol="-1", CidrBlock=_PEER)
    authorize(account, mending, _group(account, "application"), ipv4("tcp", (443, 443), _PEER))


@FAMILY.fault(
    "a datagram needs no way back: a new group admits it from the other end of a transit gateway",
    _IN,
    "no-private-connection",
    needs=_IN,
)
def in_by_a_transit_gateway(account: Account, mending: ExitStack) -> None:
    _transit_gateway(account, mending)
    _entry(account, mending, "private", 51, Protocol="17", CidrBlock=_PEER, PortRange=_SYSLOG)
    authorize(account, mending, _new_group(account, mending, "new"), ipv4("udp", (514, 514), _PEER))


@FAMILY.fault(
    "IPv6 leads to the internet and back",
    _IN,
    _OUT,
    "application-group-rules",
    "network-acls-closed",
    "no-internet-gateway",
    "no-internet-ingress",
    "no-internet-route",
    "subnets-private-layout",
    "vpc-address-range",
    needs=_IN,
)
def in_over_ipv6(account: Account, mending: ExitStack) -> None:
    _ipv6(account, mending)
    _route(account, mending, "::/0", GatewayId=_internet_gateway(account, mending))
    rule = {**on_ports("tcp", (443, 443)), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    authorize(account, mending, _group(account, "application"), rule)


@FAMILY.fault(
    "datagrams leave by a machine that forwards them",
    _OUT,
    "no-internet-route",
    needs=_IN,
)
def out_by_a_machine(account: Account, mending: ExitStack) -> None:
    subnet = account.outputs["private_subnet_ids"][1]
    machine = _interface(account, mending, subnet, _group(account, "default"))
    _route(account, mending, "198.51.100.0/24", NetworkInterfaceId=machine)
