"""What leads into a tier, and out of it: a network in three tiers, opened in one way at a time."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from verify.addresses import AddressSet
from verify.exposure.reachability import Allowed, Answers, Finding, Tier, Tiers, network_of

_Item = Any  # as boto3 gives it

PUBLIC, PRIVATE = ("subnet-pub1", "subnet-pub2"), ("subnet-prv1", "subnet-prv2")


def permission(protocol: str, first: int | None, last: int | None = None, **sources: Any) -> _Item:
    """A permission as EC2 shows it; sources by `ipv4`, `ipv6`, `lists`, `groups`."""
    ports = {} if first is None else {"FromPort": first, "ToPort": first if last is None else last}
    groups = [
        group if isinstance(group, dict) else {"GroupId": group}
        for group in sources.get("groups", ())
    ]
    return {
        "IpProtocol": protocol,
        **ports,
        "IpRanges": [{"CidrIp": block} for block in sources.get("ipv4", ())],
        "Ipv6Ranges": [{"CidrIpv6": block} for block in sources.get("ipv6", ())],
        "PrefixListIds": [{"PrefixListId": name} for name in sources.get("lists", ())],
        "UserIdGroupPairs": groups,
    }


def group(name: str, ingress: list[_Item], egress: list[_Item]) -> _Item:
    """A security group."""
    return {"GroupId": name, "IpPermissions": ingress, "IpPermissionsEgress": egress}


def entry(number: int, *, egress: bool = False, allow: bool = True, **said: Any) -> _Item:
    """An entry of a network ACL: everything from everywhere, where it says nothing else."""
    return {
        "RuleNumber": number,
        "RuleAction": "allow" if allow else "deny",
        "Egress": egress,
        "Protocol": "-1",
        **({} if "Ipv6CidrBlock" in said else {"CidrBlock": "0.0.0.0/0"}),
        **said,
    }


def ports(first: int, last: int, protocol: str = "6") -> _Item:
    """The ports of an entry."""
    return {"Protocol": protocol, "PortRange": {"From": first, "To": last}}


def interface(name: str, subnet: str, *groups: str, **more: Any) -> _Item:
    """A network interface."""
    return {
        "NetworkInterfaceId": name,
        "SubnetId": subnet,
        "Groups": [{"GroupId": worn} for worn in groups],
        "InterfaceType": "interface",
        "RequesterManaged": False,
        "PrivateIpAddresses": [{"PrivateIpAddress": f"{BLOCKS[subnet][:-5]}.77"}],
        "Ipv6Addresses": [],
        **more,
    }


BLOCKS = {
    "subnet-pub1": "10.0.1.0/24",
    "subnet-pub2": "10.0.2.0/24",
    "subnet-prv1": "10.0.10.0/24",
    "subnet-prv2": "10.0.11.0/24",
}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


def _table(name: str, subnets: tuple[str, ...], *routes: _Item) -> _Item:
    return {
        "RouteTableId": name,
        "Routes": [LOCAL, *routes],
        "Associations": [{"Main": False, "SubnetId": subnet} for subnet in subnets],
        "PropagatingVgws": [],
    }


def _acl(name: str, subnets: tuple[str, ...], *entries: _Item) -> _Item:
    return {
        "NetworkAclId": name,
        "Associations": [{"SubnetId": subnet} for subnet in subnets],
        "Entries": [
            entry(100, CidrBlock="10.0.0.0/16"),
            entry(201, allow=False, **ports(3306, 3306)),
            entry(400, **ports(1024, 65535)),
            *entries,
            entry(100, egress=True),
            entry(32767, allow=False),
            entry(32767, allow=False, egress=True),
        ],
    }


NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
S3 = {"DestinationPrefixListId": "pl-s3", "GatewayId": "vpce-s3", "State": "active"}
ANSWERS = Answers(
    "vpc-1",
    ["10.0.0.0/16"],
    {name: [block] for name, block in BLOCKS.items()},
    [
        {
            "RouteTableId": "rtb-main",
            "Routes": [LOCAL],
            "Associations": [{"Main": True}],
            "PropagatingVgws": [],
        },
        _table(
            "rtb-pub",
            PUBLIC,
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"},
        ),
        _table("rtb-prv", PRIVATE, NAT, S3),
    ],
    [
        _acl("acl-pub", PUBLIC, entry(300, **ports(80, 80)), entry(301, **ports(443, 443))),
        _acl("acl-prv", PRIVATE),
    ],
    [
        group(
            "sg-web",
            [permission("tcp", port, ipv4=["0.0.0.0/0"]) for port in (80, 443)],
            [permission("tcp", 8080, groups=["sg-app"])],
        ),
        group(
            "sg-app",
            [permission("tcp", 8080, groups=["sg-web"])],
            [
                *(permission("tcp", port, groups=["sg-db"]) for port in (3306, 5432)),
                permission("tcp", 443, lists=["pl-s3"]),
            ],
        ),
        group("sg-db", [permission("tcp", port, groups=["sg-app"]) for port in (3306, 5432)], []),
        group("sg-bastion", [permission("tcp", 22, ipv4=["198.51.100.0/24"])], []),
        group("sg-default", [], []),
    ],
    [],
    internet_gateways=["igw-1"],
    nat_gateways=[
        {"NatGatewayId": "nat-1", "SubnetId": "subnet-pub1", "ConnectivityType": "public"}
    ],
    endpoints=[{"VpcEndpointId": "vpce-s3", "VpcEndpointType": "Gateway"}],
    prefix_lists={"pl-s3": ["52.216.0.0/15"]},
)


def _on(*numbers: int) -> dict[str, Any]:
    return {"protocol": "tcp", "ports": tuple((number, number) for number in numbers)}


TIERS = (
    Tier(
        "web",
        frozenset({"sg-web"}),
        frozenset(PUBLIC),
        (Allowed("internet", **_on(80, 443)), Allowed("inside", **_on(80, 443))),
    ),
    Tier(
        "application",
        frozenset({"sg-app"}),
        frozenset(PRIVATE),
        (Allowed("web", **_on(8080)),),
        (Allowed("services", **_on(443)),),
    ),
    Tier(
        "database",
        frozenset({"sg-db"}),
        frozenset(PRIVATE),
        (Allowed("application", **_on(3306, 5432)),),
    ),
    Tier(
        "bastion",
        frozenset({"sg-bastion"}),
        frozenset(PUBLIC),
        (Allowed("internet", **_on(22), addresses=AddressSet.parse("198.51.100.0/24")),),
    ),
)


class Opened:
    """A copy of the answers, to be opened."""

    def __init__(self) -> None:
        self.answers = deepcopy(ANSWERS)

    def group(self, name: str) -> _Item:
        """A security group, made where it is not there yet: it sends what it likes."""
        for one in self.answers.groups:
            if one["GroupId"] == name:
                return one
        made = group(name, [], [permission("-1", None, ipv4=["0.0.0.0/0"], ipv6=["::/0"])])
        self.answers = replace(self.answers, groups=[*self.answers.groups, made])
        return made

    def admit(self, name: str, *permissions: _Item) -> None:
        """Let a group admit more."""
        self.group(name)["IpPermissions"].extend(permissions)

    def send(self, name: str, *permissions: _Item) -> None:
        """Let a group send more."""
        self.group(name)["IpPermissionsEgress"].extend(permissions)

    def route(self, table: str, *routes: _Item) -> None:
        """Add routes to a table; of the same destination they take the place of what is there."""
        [found] = [one for one in self.answers.route_tables if one["RouteTableId"] == table]
        for route in routes:
            [key] = [name for name in route if name.startswith("Destination")]
            found["Routes"][:] = [one for one in found["Routes"] if one.get(key) != route[key]]
            found["Routes"].append({"State": "active", **route})

    def enter(self, acl: str, *entries: _Item) -> None:
        """Add entries to a network ACL."""
        [found] = [one for one in self.answers.network_acls if one["NetworkAclId"] == acl]
        found["Entries"].extend(entries)

    def with_ipv6(self) -> None:
        """Give the VPC, and the private subnets, addresses of IPv6."""
        ranges = dict(self.answers.subnet_ranges)
        for number, name in enumerate(PRIVATE):
            ranges[name] = [*ranges[name], f"2600:1f18:0:{number}::/64"]
        self.answers = replace(
            self.answers,
            ranges=[*self.answers.ranges, "2600:1f18::/56"],
            subnet_ranges=ranges,
        )

    def have(self, **more: Any) -> None:
        """Add to a list of the answers."""
        changes: _Item = {key: [*getattr(self.answers, key), *value] for key, value in more.items()}
        self.answers = replace(self.answers, **changes)

    def tiers(self) -> Tiers:
        """The judge of what is there now."""
        return Tiers(network_of(self.answers), TIERS)


def judged(opened: Opened) -> dict[str, list[str]]:
    """By question: what is found, where anything is."""
    tiers = opened.tiers()
    asked: dict[str, list[Finding]] = {
        "outside": tiers.from_outside(),
        "into application": tiers.into("application"),
        "into database": tiers.into("database"),
        "into bastion": tiers.into("bastion"),
        "out of application": tiers.out_of("application"),
        "out of database": tiers.out_of("database"),
    }
    return {name: [str(one) for one in found] for name, found in asked.items() if found}


def test_the_network_as_it_should_be_has_no_other_way() -> None:
    assert judged(Opened()) == {}


ANY4, ANY6 = "0.0.0.0/0", "::/0"


def _database_admits_a_new_group(opened: Opened) -> None:
    opened.admit("sg-db", permission("tcp", 3306, groups=["sg-new"]))
    opened.group("sg-new")


def _in_two_steps(opened: Opened) -> None:
    """A new group that the internet reaches, and that the database admits."""
    opened.admit("sg-new", permission("tcp", 443, ipv4=[ANY4]))
    opened.admit("sg-db", permission("tcp", 5432, groups=["sg-new"]))


def _in_three_steps(opened: Opened) -> None:
    """Web speaks to a new group, the new group to another, the other to the database."""
    opened.send("sg-web", permission("tcp", 9000, groups=["sg-new"]))
    opened.admit("sg-new", permission("tcp", 9000, groups=["sg-web"]))
    opened.admit("sg-other", permission("udp", 53, groups=["sg-new"]))
    opened.admit("sg-db", permission("tcp", 3306, groups=["sg-other"]))


def _shared_interface(opened: Opened) -> None:
    address = {"Association": {"PublicIp": "203.0.113.7"}}
    opened.have(interfaces=[interface("eni-1", "subnet-pub1", "sg-web", "sg-db", **address)])


def _peering(opened: Opened) -> None:
    theirs = {"VpcId": "vpc-2", "CidrBlockSet": [{"CidrBlock": "10.7.0.0/16"}]}
    peering = {
        "VpcPeeringConnectionId": "pcx-1",
        "AccepterVpcInfo": theirs,
        "RequesterVpcInfo": {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"},
    }
    opened.have(peerings=[peering])
    opened.route(
        "rtb-prv", {"DestinationCidrBlock": "10.7.0.0/16", "VpcPeeringConnectionId": "pcx-1"}
    )
    opened.enter("acl-prv", entry(90, CidrBlock="10.7.0.0/16"))


def _peer_by_address(opened: Opened) -> None:
    _peering(opened)
    opened.admit("sg-db", permission("tcp", 3306, ipv4=["10.7.1.0/24"]))


def _peer_by_group(opened: Opened) -> None:
    _peering(opened)
    worn = {"GroupId": "sg-theirs", "VpcId": "vpc-2", "VpcPeeringConnectionId": "pcx-1"}
    opened.admit("sg-db", permission("tcp", 5432, groups=[worn]))


def _peer_without_route(opened: Opened) -> None:
    _peer_by_address(opened)
    [table] = [one for one in opened.answers.route_tables if one["RouteTableId"] == "rtb-prv"]
    table["Routes"][:] = [one for one in table["Routes"] if "VpcPeeringConnectionId" not in one]


def _database_sends_by_nat(opened: Opened) -> None:
    opened.send("sg-db", permission("tcp", 443, ipv4=[ANY4]))


def _nat_is_private(opened: Opened) -> None:
    private = {"ConnectivityType": "private"}
    _database_sends_by_nat(opened)
    opened.answers = replace(
        opened.answers, nat_gateways=[{**opened.answers.nat_gateways[0], **private}]
    )


def _nat_behind_closed_acl(opened: Opened) -> None:
    _database_sends_by_nat(opened)
    opened.enter("acl-pub", entry(150, allow=False, **ports(1024, 65535)))


def _ipv6(opened: Opened) -> None:
    opened.with_ipv6()
    for acl in ("acl-prv", "acl-pub"):
        opened.enter(acl, *(entry(90, Ipv6CidrBlock=ANY6, egress=way) for way in (False, True)))


def _database_by_ipv6(opened: Opened) -> None:
    _ipv6(opened)
    opened.route("rtb-prv", {"DestinationIpv6CidrBlock": ANY6, "GatewayId": "igw-1"})
    opened.admit("sg-db", permission("tcp", 3306, ipv6=[ANY6]))


def _egress_only(opened: Opened) -> None:
    _database_by_ipv6(opened)
    opened.send("sg-db", permission("-1", None, ipv6=[ANY6]))
    gateway = {"EgressOnlyInternetGatewayId": "eigw-1"}
    opened.route("rtb-prv", {"DestinationIpv6CidrBlock": ANY6, **gateway})


def _acl_alone(opened: Opened) -> None:
    """All of an ACL is open, and no group is."""
    opened.enter("acl-prv", entry(1))


def _acl_keeps_back(opened: Opened) -> None:
    """The group is open, and the ACL of the subnet is not."""
    opened.route("rtb-prv", {"DestinationCidrBlock": ANY4, "GatewayId": "igw-1"})
    opened.admit("sg-db", permission("tcp", 3306, ipv4=[ANY4]))


def _acl_lets_in_what_its_group_does(opened: Opened) -> None:
    _acl_keeps_back(opened)
    opened.enter("acl-prv", entry(150, **ports(3306, 3306)))


def _no_way_back(opened: Opened) -> None:
    """Into a subnet without a route to the gateway: a connection is not answered."""
    opened.admit("sg-db", permission("tcp", 5432, ipv4=["203.0.113.0/24"]))


def _one_way_is_enough(opened: Opened) -> None:
    opened.admit("sg-db", permission("udp", 5432, ipv4=["203.0.113.0/24"]))
    opened.enter("acl-prv", entry(150, **ports(5432, 5432, "17")))


def _database_admits_the_vpc(opened: Opened) -> None:
    opened.admit("sg-db", permission("tcp", 22, ipv4=["10.0.0.0/16"]))


def _halves(opened: Opened) -> None:
    opened.route("rtb-prv", {"DestinationCidrBlock": "0.0.0.0/1", "GatewayId": "igw-1"})
    opened.admit("sg-app", permission("tcp", 8443, ipv4=["0.0.0.0/1", "128.0.0.0/1"]))


def _all_traffic(opened: Opened) -> None:
    opened.admit("sg-web", permission("-1", None, ipv4=[ANY4]))


def _nearly_all_ports(opened: Opened) -> None:
    opened.admit("sg-web", permission("tcp", 1, 65535, ipv4=[ANY4]))


def _listed(opened: Opened, name: str, *blocks: str) -> None:
    lists = {**(opened.answers.prefix_lists or {}), name: list(blocks)}
    opened.answers = replace(opened.answers, prefix_lists=lists)


def _prefix_list(opened: Opened) -> None:
    _listed(opened, "pl-1", "0.0.0.0/1", "128.0.0.0/1")
    opened.admit("sg-bastion", permission("tcp", 22, lists=["pl-1"]))
    opened.enter("acl-pub", entry(150, **ports(22, 22)))


def _unused_group(opened: Opened) -> None:
    opened.admit("sg-forgotten", permission("tcp", 8443, ipv4=[ANY4]))


def _transit_gateway(opened: Opened) -> None:
    opened.have(open_connections=["tgw-1"])
    opened.route("rtb-prv", {"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1"})
    opened.admit("sg-db", permission("tcp", 3306, ipv4=["10.9.0.0/16"]))
    opened.enter("acl-prv", entry(90, CidrBlock="10.9.0.0/16"))


def _unknown_target(opened: Opened) -> None:
    opened.route("rtb-prv", {"DestinationCidrBlock": ANY4, "QuantumGatewayId": "q-1"})
    opened.send("sg-db", permission("tcp", 443, ipv4=[ANY4]))


def _lattice(opened: Opened) -> None:
    _listed(opened, "pl-lattice", "169.254.171.0/24")
    opened.route("rtb-prv", {"DestinationPrefixListId": "pl-lattice", "GatewayId": "VpcLattice"})
    opened.send("sg-db", permission("tcp", 443, lists=["pl-lattice"]))


def _propagated(opened: Opened) -> None:
    [table] = [one for one in opened.answers.route_tables if one["RouteTableId"] == "rtb-prv"]
    table["PropagatingVgws"].append({"GatewayId": "vgw-1"})
    table["Routes"].remove(NAT)
    opened.send("sg-db", permission("tcp", 443, ipv4=[ANY4]))


def _blackhole(opened: Opened) -> None:
    _database_sends_by_nat(opened)
    opened.route("rtb-prv", {**NAT, "State": "blackhole"})


def _through_the_application(opened: Opened) -> None:
    """The application goes out, and the database speaks to it: so it goes out in two steps."""
    opened.send("sg-app", permission("tcp", 443, ipv4=[ANY4]))
    opened.send("sg-db", permission("tcp", 8080, groups=["sg-app"]))
    opened.admit("sg-app", permission("tcp", 8080, groups=["sg-db"]))


def _connect_endpoint(opened: Opened) -> None:
    kind = {"InterfaceType": "ec2_instance_connect_endpoint", "RequesterManaged": True}
    opened.group("sg-connect")
    opened.have(interfaces=[interface("eni-9", "subnet-prv1", "sg-connect", **kind)])
    opened.admit("sg-db", permission("tcp", 22, groups=["sg-connect"]))


def _nat64(opened: Opened) -> None:
    _ipv6(opened)
    opened.route("rtb-prv", {"DestinationIpv6CidrBlock": "64:ff9b::/96", "NatGatewayId": "nat-1"})
    opened.send("sg-app", permission("tcp", 443, ipv6=["64:ff9b::/96"]))


def _wrong_subnet(opened: Opened) -> None:
    """The application's group on a public machine, with a port of its own open."""
    opened.admit("sg-app", permission("tcp", 8443, ipv4=[ANY4]))
    address = {"Association": {"PublicIp": "203.0.113.7"}}
    opened.have(interfaces=[interface("eni-1", "subnet-pub2", "sg-app", **address)])


def _icmp(opened: Opened) -> None:
    opened.admit("sg-web", permission("icmp", 8, -1, ipv4=[ANY4]))
    opened.enter("acl-pub", entry(150, Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1}))


CASES: list[tuple[Callable[[Opened], None], dict[str, list[str]]]] = [
    (
        _database_admits_a_new_group,
        {
            "into database": [
                "subnet-prv1 -> sg-new -> subnet-prv1 -> sg-db tcp/3306 (and 7 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _in_two_steps,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-new tcp/443 (and 1 more between other "
                "subnets)",
            ],
            "into database": [
                "internet -> igw-1 -> subnet-pub1 -> sg-new tcp/443 -> subnet-prv1 -> sg-db "
                "tcp/5432 (and 7 more between other subnets)",
            ],
        },
    ),
    (
        _in_three_steps,
        {
            "into database": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/80 -> subnet-prv1 -> sg-new "
                "tcp/9000 -> subnet-prv1 -> sg-other udp/53 -> subnet-prv1 -> sg-db tcp/3306 "
                "(and 7 more between other subnets)",
            ],
        },
    ),
    (
        _shared_interface,
        {
            "into database": [
                "internet -> igw-1 -> subnet-pub1 -> eni-1 (sg-db, sg-web) tcp/80, tcp/443",
                "subnet-prv1 -> a new group -> subnet-pub1 -> eni-1 (sg-db, sg-web) tcp/80, "
                "tcp/443 (and 3 more between other subnets)",
            ],
            "out of database": [
                "subnet-pub1 -> eni-1 (sg-db, sg-web) -> subnet-prv1 -> sg-app tcp/8080 -> "
                "vpce-s3 -> a service of AWS tcp/443 (and 1 more between other subnets)",
            ],
        },
    ),
    (
        _peer_by_address,
        {
            "outside": [
                "another VPC -> pcx-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between "
                "other subnets)",
            ],
            "into database": [
                "another VPC -> pcx-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _peer_by_group,
        {
            "outside": [
                "another VPC -> pcx-1 -> subnet-prv1 -> sg-db tcp/5432 (and 1 more between "
                "other subnets)",
            ],
            "into database": [
                "another VPC -> pcx-1 -> subnet-prv1 -> sg-db tcp/5432 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (_peer_without_route, {}),
    (
        _database_sends_by_nat,
        {
            "out of application": [
                "subnet-prv1 -> sg-app -> subnet-prv1 -> sg-db tcp/3306 -> nat-1 -> igw-1 -> "
                "internet tcp/443 (and 1 more between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> nat-1 -> igw-1 -> internet tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _nat_is_private,
        {
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _nat_behind_closed_acl,
        {
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _database_by_ipv6,
        {
            "outside": [
                "internet -> igw-1 -> subnet-prv1 -> sg-db tcp/3306 over IPv6 (and 1 more "
                "between other subnets)",
            ],
            "into database": [
                "internet -> igw-1 -> subnet-prv1 -> sg-db tcp/3306 over IPv6 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-db tcp/3306 over IPv6 (and 3 "
                "more between other subnets)",
            ],
        },
    ),
    (
        _egress_only,
        {
            "into database": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/80 -> subnet-prv1 -> sg-app "
                "tcp/8080 -> subnet-prv1 -> sg-db tcp/3306 -> subnet-prv1 -> sg-db tcp/3306 "
                "over IPv6 (and 3 more between other subnets)",
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-db tcp/3306 over IPv6 (and 3 "
                "more between other subnets)",
            ],
            "out of application": [
                "subnet-prv1 -> sg-app -> subnet-prv1 -> sg-db tcp/3306 -> eigw-1 -> internet "
                "everything over IPv6 (and 1 more between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> eigw-1 -> internet everything over IPv6 (and 1 more "
                "between other subnets)",
            ],
        },
    ),
    (_acl_alone, {}),
    (
        _acl_keeps_back,
        {
            "into database": [
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-db tcp/3306 (and 7 more "
                "between other subnets)",
            ],
        },
    ),
    (
        _acl_lets_in_what_its_group_does,
        {
            "outside": [
                "internet -> igw-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between other "
                "subnets)",
            ],
            "into database": [
                "internet -> igw-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between other "
                "subnets)",
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-db tcp/3306 (and 7 more "
                "between other subnets)",
            ],
        },
    ),
    (_no_way_back, {}),
    (
        _one_way_is_enough,
        {
            "outside": [
                "internet (203.0.113.0/24) -> igw-1 -> subnet-prv1 -> sg-db udp/5432 (and 1 "
                "more between other subnets)",
            ],
            "into database": [
                "internet (203.0.113.0/24) -> igw-1 -> subnet-prv1 -> sg-db udp/5432 (and 1 "
                "more between other subnets)",
            ],
        },
    ),
    (
        _database_admits_the_vpc,
        {
            "into database": [
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-db tcp/22 (and 7 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _halves,
        {
            "outside": [
                "internet -> igw-1 -> subnet-prv1 -> sg-app tcp/8443 (and 1 more between other "
                "subnets)",
            ],
            "into application": [
                "internet -> igw-1 -> subnet-prv1 -> sg-app tcp/8443 (and 1 more between other "
                "subnets)",
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-app tcp/8443 (and 7 more "
                "between other subnets)",
            ],
        },
    ),
    (
        _all_traffic,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/1024-3305, tcp/3307-65535 (and "
                "1 more between other subnets)",
            ],
        },
    ),
    (
        _nearly_all_ports,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/1024-3305, tcp/3307-65535 (and "
                "1 more between other subnets)",
            ],
        },
    ),
    (
        _prefix_list,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-bastion tcp/22 (and 1 more between "
                "other subnets)",
            ],
            "into bastion": [
                "internet -> igw-1 -> subnet-pub1 -> sg-bastion tcp/22 (and 1 more between "
                "other subnets)",
                "subnet-prv1 -> a new group -> subnet-pub1 -> sg-bastion tcp/22 (and 7 more "
                "between other subnets)",
            ],
        },
    ),
    (
        _unused_group,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-forgotten tcp/8443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _transit_gateway,
        {
            "outside": [
                "elsewhere -> tgw-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between other "
                "subnets)",
            ],
            "into database": [
                "elsewhere -> tgw-1 -> subnet-prv1 -> sg-db tcp/3306 (and 1 more between other "
                "subnets)",
            ],
        },
    ),
    (
        _unknown_target,
        {
            "out of application": [
                "subnet-prv1 -> sg-app -> subnet-prv1 -> sg-db tcp/3306 -> a target of unknown "
                "kind -> elsewhere tcp/443 (and 1 more between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> a target of unknown kind -> elsewhere tcp/443 (and 1 "
                "more between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _lattice,
        {
            "out of application": [
                "subnet-prv1 -> sg-app -> subnet-prv1 -> sg-db tcp/3306 -> VpcLattice -> "
                "elsewhere tcp/443 (and 1 more between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> VpcLattice -> elsewhere tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _propagated,
        {
            "out of application": [
                "subnet-prv1 -> sg-app -> subnet-prv1 -> sg-db tcp/3306 -> vgw-1 -> elsewhere "
                "tcp/443 (and 1 more between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> vgw-1 -> elsewhere tcp/443 (and 1 more between other "
                "subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _blackhole,
        {
            "out of database": [
                "subnet-prv1 -> sg-db -> vpce-s3 -> a service of AWS tcp/443 (and 1 more "
                "between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-pub1 -> sg-web tcp/443 -> subnet-prv1 -> "
                "sg-app tcp/8080 -> vpce-s3 -> a service of AWS tcp/443 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _through_the_application,
        {
            "into application": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/80 -> subnet-prv1 -> sg-app "
                "tcp/8080 -> subnet-prv1 -> sg-db tcp/3306 -> subnet-prv1 -> sg-app tcp/8080 "
                "(and 3 more between other subnets)",
            ],
            "out of application": [
                "subnet-prv1 -> sg-app -> nat-1 -> igw-1 -> internet tcp/443 (and 1 more "
                "between other subnets)",
            ],
            "out of database": [
                "subnet-prv1 -> sg-db -> subnet-prv1 -> sg-app tcp/8080 -> vpce-s3 -> a "
                "service of AWS tcp/443 (and 1 more between other subnets)",
                "subnet-prv1 -> sg-db -> subnet-prv1 -> sg-app tcp/8080 -> nat-1 -> igw-1 -> "
                "internet tcp/443 (and 1 more between other subnets)",
            ],
        },
    ),
    (
        _connect_endpoint,
        {
            "outside": [
                "internet -> subnet-prv1 -> eni-9 (sg-connect) everything",
            ],
            "into database": [
                "internet -> subnet-prv1 -> eni-9 (sg-connect) tcp/all -> subnet-prv1 -> sg-db "
                "tcp/22 (and 1 more between other subnets)",
                "subnet-prv1 -> sg-connect -> subnet-prv1 -> sg-db tcp/22 (and 7 more between "
                "other subnets)",
            ],
        },
    ),
    (
        _nat64,
        {
            "out of application": [
                "subnet-prv1 -> sg-app -> nat-1 -> igw-1 -> internet tcp/443 over IPv6 (and 1 "
                "more between other subnets)",
            ],
        },
    ),
    (
        _wrong_subnet,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub2 -> eni-1 (sg-app) tcp/8443",
            ],
            "into application": [
                "internet -> igw-1 -> subnet-pub2 -> eni-1 (sg-app) tcp/8443",
                "subnet-prv1 -> a new group -> subnet-pub2 -> eni-1 (sg-app) tcp/8443 (and 3 "
                "more between other subnets)",
                "subnet-prv1 -> a new group -> subnet-prv1 -> sg-app tcp/8443 (and 7 more "
                "between other subnets)",
            ],
            "out of application": [
                "subnet-pub2 -> eni-1 (sg-app) -> igw-1 -> internet tcp/443",
            ],
        },
    ),
    (
        _icmp,
        {
            "outside": [
                "internet -> igw-1 -> subnet-pub1 -> sg-web icmp type 8 (and 1 more between "
                "other subnets)",
            ],
        },
    ),
]


@pytest.mark.parametrize(
    ("change", "expected"), CASES, ids=lambda value: getattr(value, "__name__", "").strip("_")
)
def test_each_way_is_named_by_its_chain(
    change: Callable[[Opened], None], expected: dict[str, list[str]]
) -> None:
    opened = Opened()
    change(opened)
    assert judged(opened) == expected


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (lambda answers: answers.route_tables[2].pop("Routes"), "lacks Routes"),
        (lambda answers: answers.route_tables[2].pop("Associations"), "lacks Associations"),
        (lambda answers: answers.route_tables[2].pop("PropagatingVgws"), "lacks PropagatingVgws"),
        (lambda answers: answers.network_acls[1].pop("Entries"), "lacks Entries"),
        (lambda answers: answers.network_acls[1]["Associations"].clear(), "guards subnet-prv1"),
        (lambda answers: answers.groups[0].pop("IpPermissions"), "without IpPermissions"),
        (lambda answers: answers.prefix_lists.clear(), "entries of pl-s3 are not known"),
        (
            lambda answers: answers.nat_gateways[0].update(SubnetId="subnet-9"),
            "subnet of nat-1 is not among",
        ),
        (
            lambda answers: answers.interfaces.append(interface("eni-1", "subnet-prv1", "sg-9")),
            "eni-1 lies in subnet-prv1 with sg-9, unseen",
        ),
        (
            lambda answers: answers.interfaces.append(
                {**interface("eni-1", "subnet-prv1"), "SubnetId": "subnet-9"}
            ),
            "eni-1 lies in subnet-9",
        ),
    ],
)
def test_what_answers_lack_is_not_judged(lacking: Callable[[Any], Any], message: str) -> None:
    opened = Opened()
    lacking(opened.answers)
    with pytest.raises(ValueError, match=message):
        opened.tiers()
