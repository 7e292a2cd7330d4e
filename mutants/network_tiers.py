"""Faults of the network in tiers: routes, gateways, groups, ACLs, endpoints and flow logs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.log_groups import keep
from mutants.model import Family
from mutants.networking import Permission, authorize, ipv4, new_interface, on_ports, tagged

FAMILY = Family("network tiers", "tier-routes")
_EVERYWHERE = "0.0.0.0/0"
_fails: tuple[str, ...]


def _one(account: Account, output: str) -> str:
    value = account.outputs[output]
    return str(value[0] if isinstance(value, list) else value)


# --- routes ---------------------------------------------------------------------------------------

# Makes the target of a route, as ReplaceRoute names it.
_Target = Callable[[Account, ExitStack], Mapping[str, str]]


def _internet(account: Account, _: ExitStack) -> Mapping[str, str]:
    return {"GatewayId": _one(account, "internet_gateway_id")}


def _nat(number: int) -> _Target:
    return lambda account, _: {"NatGatewayId": account.outputs["nat_gateway_ids"][number]}


def _interface(account: Account, mending: ExitStack) -> Mapping[str, str]:
    return {"NetworkInterfaceId": new_interface(account, mending)}


def _lead(output: str, to: _Target, back: _Target, account: Account, mending: ExitStack) -> None:
    """Lead the default route of the first table of an output elsewhere."""
    route = {"RouteTableId": _one(account, output), "DestinationCidrBlock": _EVERYWHERE}
    target = to(account, mending)
    mending.callback(account.ec2.replace_route, **route, **back(account, mending))
    account.ec2.replace_route(**route, **target)


for _name, _description, _output, _to, _back, _fails in (
    (
        "private-subnet-by-internet-gateway",
        "the default route of a private subnet leads to the internet gateway",
        "private_route_table_ids",
        _internet,
        _nat(0),
        ("tier-routes",),
    ),
    (
        "private-subnet-by-another-zone",
        "the default route of a private subnet leads to the NAT gateway of another zone",
        "private_route_table_ids",
        _nat(1),
        _nat(0),
        ("tier-routes",),
    ),
    (
        "private-subnet-by-a-nat-instance",
        "the default route of a private subnet leads to a network interface",
        "private_route_table_ids",
        _interface,
        _nat(0),
        ("tier-routes", "no-internet-route"),
    ),
    (
        "public-subnets-by-nat-gateway",
        "the default route of the public subnets leads to a NAT gateway",
        "public_route_table_ids",
        _nat(0),
        _internet,
        ("tier-routes",),
    ),
):
    FAMILY.add(_name, _description, partial(_lead, _output, _to, _back), *_fails)


@FAMILY.fault("a private subnet has no way out any more", "tier-routes")
def default_route_gone(account: Account, mending: ExitStack) -> None:
    route = {
        "RouteTableId": _one(account, "private_route_table_ids"),
        "DestinationCidrBlock": _EVERYWHERE,
    }
    mending.callback(account.ec2.create_route, **route, **_nat(0)(account, mending))
    account.ec2.delete_route(**route)


@FAMILY.fault("the main route table, nobody's own, leads to the internet gateway", "tier-routes")
def main_table_goes_out(account: Account, mending: ExitStack) -> None:
    mine = [
        {"Name": "vpc-id", "Values": [account.outputs["vpc_id"]]},
        {"Name": "association.main", "Values": ["true"]},
    ]
    [main] = account.ec2.describe_route_tables(Filters=mine)["RouteTables"]
    route = {"RouteTableId": main["RouteTableId"], "DestinationCidrBlock": _EVERYWHERE}
    account.ec2.create_route(**route, **_internet(account, mending))
    mending.callback(account.ec2.delete_route, **route)


# Which has no route to the endpoint of S3: its addresses are the internet's there.
@FAMILY.fault(
    "a private subnet is put under the public route table",
    "tier-routes",
    "application-reaches-no-internet",
)
def private_subnet_under_the_public_table(account: Account, mending: ExitStack) -> None:
    own = account.outputs["private_route_table_ids"][1]
    [table] = account.ec2.describe_route_tables(RouteTableIds=[own])["RouteTables"]
    [joined] = [item for item in table["Associations"] if "SubnetId" in item]

    def move(association: str, to: str) -> str:
        moved = account.ec2.replace_route_table_association(
            AssociationId=association, RouteTableId=to
        )
        return str(moved["NewAssociationId"])

    moved = move(joined["RouteTableAssociationId"], _one(account, "public_route_table_ids"))
    mending.callback(move, moved, own)


# --- gateways -------------------------------------------------------------------------------------


@FAMILY.fault(
    "a second NAT gateway in a public subnet", "nat-gateway-in-each-zone", "no-internet-gateway"
)
def second_nat_gateway(account: Account, mending: ExitStack) -> None:
    address = account.ec2.allocate_address(Domain="vpc")["AllocationId"]
    mending.callback(account.ec2.release_address, AllocationId=address)
    made = account.ec2.create_nat_gateway(
        SubnetId=_one(account, "public_subnet_ids"),
        AllocationId=address,
        TagSpecifications=tagged(account, "natgateway"),
    )["NatGateway"]
    mending.callback(account.ec2.delete_nat_gateway, NatGatewayId=made["NatGatewayId"])


# --- security groups ------------------------------------------------------------------------------


def _from_group(output: str, *ports: int) -> Callable[[Account], Permission]:
    """TCP on some ports, first to last, for the group that an output names."""
    return lambda account: {
        **on_ports("tcp", (ports[0], ports[-1])),
        "UserIdGroupPairs": [{"GroupId": _one(account, output)}],
    }


def _fixed(permission: Permission) -> Callable[[Account], Permission]:
    return lambda _: permission


def _admit(
    output: str,
    permission: Callable[[Account], Permission],
    account: Account,
    mending: ExitStack,
) -> None:
    authorize(account, mending, _one(account, output), permission(account))


def _let_out(
    output: str,
    permission: Callable[[Account], Permission],
    account: Account,
    mending: ExitStack,
) -> None:
    rule = {"GroupId": _one(account, output), "IpPermissions": [permission(account)]}
    account.ec2.authorize_security_group_egress(**rule)
    mending.callback(account.ec2.revoke_security_group_egress, **rule)


_WEB, _DATABASE = "web_security_group_id", "database_security_group_id"
_BASTION, _ENDPOINTS = "bastion_security_group_id", "endpoints_security_group_id"
_APPLICATION = "application_security_group_id"
_TIERS, _APPLICATION_RULES = "tier-group-rules", "application-group-rules"
_OPEN = "no-internet-ingress"
_INTO_APPLICATION = "application-reached-from-web-alone"
_INTO_DATABASE = "database-reached-from-application-alone"
_INTO_BASTION = "bastion-reached-from-its-list-alone"
_OUT_OF_APPLICATION, _OUT_OF_DATABASE = (
    "application-reaches-no-internet",
    "database-reaches-no-internet",
)
_IPV6_HTTPS = {**on_ports("tcp", (443, 443)), "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}

for _name, _description, _group, _permission, _fails in (
    (
        "database-admits-the-vpc",
        "the database admits tcp/3306 from the whole VPC",
        _DATABASE,
        _fixed(ipv4("tcp", (3306, 3306), "10.0.0.0/16")),
        (_TIERS, _INTO_DATABASE),
    ),
    (
        "database-admits-the-web-tier",
        "the database admits tcp/5432 from the web tier",
        _DATABASE,
        _from_group(_WEB, 5432),
        (_TIERS,),
    ),
    (
        "database-admits-the-bastion",
        "the database admits tcp/22 from the bastion",
        _DATABASE,
        _from_group(_BASTION, 22),
        (_TIERS,),
    ),
    (
        "database-admits-more-ports",
        "the database admits tcp/3306-3307 from the application tier",
        _DATABASE,
        _from_group(_APPLICATION, 3306, 3307),
        (_TIERS,),
    ),
    (
        "database-open",
        "the database admits tcp/5432 from everywhere",
        _DATABASE,
        _fixed(ipv4("tcp", (5432, 5432), _EVERYWHERE)),
        (_TIERS, _OPEN, _INTO_DATABASE),
    ),
    (
        "web-admits-ssh",
        "the web tier admits tcp/22 from everywhere",
        _WEB,
        _fixed(ipv4("tcp", (22, 22), _EVERYWHERE)),
        (_TIERS, _OPEN),
    ),
    (
        "web-admits-one-port-more",
        "the web tier admits tcp/443-444 from everywhere",
        _WEB,
        _fixed(ipv4("tcp", (443, 444), _EVERYWHERE)),
        (_TIERS, _OPEN),
    ),
    (
        "web-admits-udp",
        "the web tier admits udp/443 from everywhere",
        _WEB,
        _fixed(ipv4("udp", (443, 443), _EVERYWHERE)),
        (_TIERS, _OPEN),
    ),
    (
        "web-admits-ipv6",
        "the web tier admits tcp/443 from every IPv6 address",
        _WEB,
        _fixed(_IPV6_HTTPS),
        (_TIERS, _OPEN),
    ),
    (
        "bastion-open",
        "the bastion admits tcp/22 from everywhere",
        _BASTION,
        _fixed(ipv4("tcp", (22, 22), _EVERYWHERE)),
        (_TIERS, _OPEN, _INTO_BASTION),
    ),
    (
        "bastion-for-an-office",
        "the bastion admits tcp/22 from a network that nobody listed",
        _BASTION,
        _fixed(ipv4("tcp", (22, 22), "203.0.113.0/28")),
        (_TIERS, _OPEN),
    ),
    (
        "endpoints-admit-the-vpc",
        "the endpoints admit tcp/443 from the whole VPC",
        _ENDPOINTS,
        _fixed(ipv4("tcp", (443, 443), "10.0.0.0/16")),
        (_TIERS,),
    ),
    (
        "application-admits-the-vpc",
        "the application tier admits tcp/8080 from the whole VPC",
        _APPLICATION,
        _fixed(ipv4("tcp", (8080, 8080), "10.0.0.0/16")),
        (_APPLICATION_RULES, _INTO_APPLICATION),
    ),
    (
        "application-admits-the-bastion",
        "the application tier admits tcp/22 from the bastion",
        _APPLICATION,
        _from_group(_BASTION, 22),
        (_APPLICATION_RULES,),
    ),
):
    FAMILY.add(_name, _description, partial(_admit, _group, _permission), *_fails)

for _name, _description, _group, _permission, _fails in (
    (
        "database-goes-out",
        "the database speaks to everywhere",
        _DATABASE,
        _fixed(ipv4("-1", None, _EVERYWHERE)),
        (_TIERS, _OUT_OF_DATABASE, _OUT_OF_APPLICATION),
    ),
    (
        "database-speaks-to-the-endpoints",
        "the database speaks to the endpoints on tcp/443",
        _DATABASE,
        _from_group(_ENDPOINTS, 443),
        (_TIERS,),
    ),
    (
        "web-goes-out",
        "the web tier speaks to everywhere on tcp/443",
        _WEB,
        _fixed(ipv4("tcp", (443, 443), _EVERYWHERE)),
        (_TIERS,),
    ),
    (
        "web-speaks-to-the-database",
        "the web tier speaks to the database on tcp/3306",
        _WEB,
        _from_group(_DATABASE, 3306),
        (_TIERS,),
    ),
    (
        "application-goes-out",
        "the application tier speaks to everywhere on tcp/443",
        _APPLICATION,
        _fixed(ipv4("tcp", (443, 443), _EVERYWHERE)),
        (_APPLICATION_RULES, _OUT_OF_APPLICATION),
    ),
):
    FAMILY.add(_name, _description, partial(_let_out, _group, _permission), *_fails)


@FAMILY.fault("the web tier no longer speaks to the application tier", _TIERS)
def web_cut_off(account: Account, mending: ExitStack) -> None:
    pair = {
        "GroupId": _one(account, _APPLICATION),
        "Description": "Requests to the application tier",
    }
    rule = {
        "GroupId": _one(account, _WEB),
        "IpPermissions": [{**on_ports("tcp", (8080, 8080)), "UserIdGroupPairs": [pair]}],
    }
    mending.callback(account.ec2.authorize_security_group_egress, **rule)
    account.ec2.revoke_security_group_egress(**rule)


@FAMILY.fault(
    "the application tier speaks to a prefix list of all addresses",
    _APPLICATION_RULES,
    _OUT_OF_APPLICATION,
)
def application_goes_out_by_a_prefix_list(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_managed_prefix_list(
        PrefixListName="updates",
        MaxEntries=2,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "0.0.0.0/1"}, {"Cidr": "128.0.0.0/1"}],
    )["PrefixList"]["PrefixListId"]
    mending.callback(account.ec2.delete_managed_prefix_list, PrefixListId=made)
    permission = {**on_ports("tcp", (443, 443)), "PrefixListIds": [{"PrefixListId": made}]}
    _let_out(_APPLICATION, _fixed(permission), account, mending)


# --- network ACLs ---------------------------------------------------------------------------------


def _acl_of(output: str, account: Account) -> dict[str, Any]:
    """The network ACL of the first subnet of an output."""
    mine = [{"Name": "association.subnet-id", "Values": [_one(account, output)]}]
    [acl] = account.ec2.describe_network_acls(Filters=mine)["NetworkAcls"]
    return dict(acl)


def _put_entry(
    output: str, settings: Mapping[str, Any], account: Account, mending: ExitStack
) -> None:
    """An entry before all others."""
    entry = {
        "NetworkAclId": _acl_of(output, account)["NetworkAclId"],
        "RuleNumber": 50,
        "Egress": settings.get("Egress", False),
    }
    account.ec2.create_network_acl_entry(**{**settings, **entry})
    mending.callback(account.ec2.delete_network_acl_entry, **entry)


def _take_entry(
    output: str,
    wanted: Callable[[Mapping[str, Any]], bool],
    account: Account,
    mending: ExitStack,
) -> None:
    acl = _acl_of(output, account)
    [entry] = [entry for entry in acl["Entries"] if wanted(entry)]
    place = {
        "NetworkAclId": acl["NetworkAclId"],
        "RuleNumber": entry["RuleNumber"],
        "Egress": entry["Egress"],
    }
    mending.callback(account.ec2.create_network_acl_entry, **{**entry, **place})
    account.ec2.delete_network_acl_entry(**place)


def _tcp(action: str, ports: tuple[int, int], block: str = _EVERYWHERE) -> Mapping[str, Any]:
    return {
        "RuleAction": action,
        "Protocol": "6",
        "CidrBlock": block,
        "PortRange": {"From": ports[0], "To": ports[1]},
    }


_PUBLIC, _PRIVATE = "public_subnet_ids", "private_subnet_ids"
_CLOSED, _BLOCKS = "network-acls-closed", "network-acls-block-attacks"
_ANSWERS = "network-acls-let-answers-back"

for _name, _description, _subnets, _settings, _fails in (
    (
        "acl-allows-before-it-denies",
        "an entry before all others lets tcp/3389 into the private subnets",
        _PRIVATE,
        _tcp("allow", (3389, 3389)),
        (_BLOCKS,),
    ),
    (
        "acl-lets-one-network-at-a-blocked-port",
        "an entry lets a single public network at tcp/3306 of the public subnets",
        _PUBLIC,
        _tcp("allow", (3306, 3306), "203.0.113.0/24"),
        (_BLOCKS,),
    ),
    (
        "acl-lets-ssh-in",
        "an entry lets tcp/22 into the private subnets",
        _PRIVATE,
        _tcp("allow", (22, 22)),
        (_CLOSED,),
    ),
    (
        "acl-lets-https-into-private-subnets",
        "an entry lets tcp/443 into the private subnets",
        _PRIVATE,
        _tcp("allow", (443, 443)),
        (_CLOSED,),
    ),
    (
        "acl-lets-everything-in",
        "an entry lets every protocol into the public subnets",
        _PUBLIC,
        {"RuleAction": "allow", "Protocol": "-1", "CidrBlock": _EVERYWHERE},
        (_CLOSED, _BLOCKS),
    ),
    (
        "acl-refuses-https",
        "an entry denies tcp/443 to the public subnets",
        _PUBLIC,
        _tcp("deny", (443, 443)),
        (_ANSWERS,),
    ),
    (
        "acl-loses-some-answers",
        "an entry denies tcp/49152-65535 to the private subnets",
        _PRIVATE,
        _tcp("deny", (49152, 65535)),
        (_ANSWERS,),
    ),
    (
        "acl-parts-the-tiers",
        "an entry denies tcp/8080 from the VPC to the private subnets",
        _PRIVATE,
        _tcp("deny", (8080, 8080), "10.0.0.0/16"),
        (_ANSWERS,),
    ),
    (
        "acl-lets-nothing-out",
        "an entry denies every protocol out of the public subnets",
        _PUBLIC,
        {"RuleAction": "deny", "Protocol": "-1", "CidrBlock": _EVERYWHERE, "Egress": True},
        (_ANSWERS,),
    ),
):
    FAMILY.add(_name, _description, partial(_put_entry, _subnets, _settings), *_fails)

for _name, _description, _subnets, _wanted, _fails in (
    (
        "acl-no-longer-denies",
        "the entry that denies tcp/6379 to the public subnets is gone",
        _PUBLIC,
        lambda entry: entry.get("PortRange") == {"From": 6379, "To": 6379},
        (_BLOCKS,),
    ),
    (
        "acl-lets-no-answer-back",
        "the entry that lets answers into the private subnets is gone",
        _PRIVATE,
        lambda entry: entry.get("PortRange") == {"From": 1024, "To": 65535},
        (_ANSWERS,),
    ),
):
    FAMILY.add(_name, _description, partial(_take_entry, _subnets, _wanted), *_fails)


@FAMILY.fault("a private subnet is put under the public subnets' ACL", _CLOSED)
def private_subnet_under_the_public_acl(account: Account, mending: ExitStack) -> None:
    subnet = _one(account, _PRIVATE)
    before, public = _acl_of(_PRIVATE, account), _acl_of(_PUBLIC, account)
    [joined] = [
        item["NetworkAclAssociationId"]
        for item in before["Associations"]
        if item["SubnetId"] == subnet
    ]

    def move(association: str, to: str) -> str:
        moved = account.ec2.replace_network_acl_association(
            AssociationId=association, NetworkAclId=to
        )
        return str(moved["NewAssociationId"])

    moved = move(joined, public["NetworkAclId"])
    mending.callback(move, moved, before["NetworkAclId"])


# --- endpoints ------------------------------------------------------------------------------------


def _endpoint(service: str, account: Account) -> dict[str, Any]:
    name = f"com.amazonaws.{account.outputs['region']}.{service}"
    [found] = [
        endpoint
        for endpoint in account.ec2.describe_vpc_endpoints(
            VpcEndpointIds=account.outputs["vpc_endpoint_ids"]
        )["VpcEndpoints"]
        if endpoint["ServiceName"] == name
    ]
    return dict(found)


def _set_policy(
    service: str, statement: Mapping[str, Any], account: Account, mending: ExitStack
) -> None:
    endpoint = _endpoint(service, account)
    name = endpoint["VpcEndpointId"]
    mending.callback(
        account.ec2.modify_vpc_endpoint,
        VpcEndpointId=name,
        PolicyDocument=endpoint["PolicyDocument"],
    )
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **statement}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    account.ec2.modify_vpc_endpoint(VpcEndpointId=name, PolicyDocument=json.dumps(document))


_ACCOUNT = "123456789012"
_IN_PLACE, _CONNECTED = "endpoints-in-place", "no-private-connection"

for _name, _description, _service, _conditions, _fails in (
    (
        "endpoint-for-everybody",
        "the policy of the endpoint of S3 lets everybody do everything",
        "s3",
        {},
        (_IN_PLACE, _CONNECTED),
    ),
    (
        "endpoint-to-any-resource",
        "the policy of the endpoint of S3 reaches any account's buckets",
        "s3",
        {"StringEquals": {"aws:PrincipalAccount": _ACCOUNT}},
        (_IN_PLACE,),
    ),
    (
        "endpoint-to-a-stranger",
        "the policy of the endpoint of KMS reaches another account's keys",
        "kms",
        {
            "StringEquals": {
                "aws:PrincipalAccount": _ACCOUNT,
                "aws:ResourceAccount": [_ACCOUNT, STRANGER],
            }
        },
        (_IN_PLACE,),
    ),
    (
        "endpoint-unless-told",
        "the policy of the endpoint of SNS holds requests to the account if they name one",
        "sns",
        {
            "StringEquals": {"aws:PrincipalAccount": _ACCOUNT},
            "StringEqualsIfExists": {"aws:ResourceAccount": _ACCOUNT},
        },
        (_IN_PLACE,),
    ),
    (
        "endpoint-for-strangers",
        "the policy of the endpoint of Logs admits another account",
        "logs",
        {"StringEquals": {"aws:PrincipalAccount": STRANGER, "aws:ResourceAccount": _ACCOUNT}},
        (_CONNECTED,),
    ),
):
    FAMILY.add(
        _name,
        _description,
        partial(_set_policy, _service, {"Condition": _conditions} if _conditions else {}),
        *_fails,
    )


def _modify(
    service: str,
    change: Callable[[Account], Mapping[str, Any]],
    back: Callable[[Account], Mapping[str, Any]],
    account: Account,
    mending: ExitStack,
) -> None:
    name = _endpoint(service, account)["VpcEndpointId"]
    mending.callback(account.ec2.modify_vpc_endpoint, VpcEndpointId=name, **back(account))
    account.ec2.modify_vpc_endpoint(VpcEndpointId=name, **change(account))


def _given(parameter: str, output: str) -> Callable[[Account], Mapping[str, Any]]:
    return lambda account: {parameter: [_one(account, output)]}


for _name, _description, _service, _change, _undo in (
    (
        "endpoint-under-another-name",
        "the endpoint of KMS no longer answers to the service's own name",
        "kms",
        lambda _: {"PrivateDnsEnabled": False},
        lambda _: {"PrivateDnsEnabled": True},
    ),
    (
        "endpoint-in-one-zone",
        "the endpoint of Logs leaves a private subnet",
        "logs",
        _given("RemoveSubnetIds", _PRIVATE),
        _given("AddSubnetIds", _PRIVATE),
    ),
    (
        "endpoint-behind-another-group",
        "the endpoint of SNS stands behind the web tier's group as well",
        "sns",
        _given("AddSecurityGroupIds", _WEB),
        _given("RemoveSecurityGroupIds", _WEB),
    ),
    (
        "endpoint-without-a-route",
        "a private subnet's table no longer leads to the endpoint of S3",
        "s3",
        _given("RemoveRouteTableIds", "private_route_table_ids"),
        _given("AddRouteTableIds", "private_route_table_ids"),
    ),
    (
        "endpoint-of-the-public-subnets",
        "the public subnets' table leads to the endpoint of S3",
        "s3",
        _given("AddRouteTableIds", "public_route_table_ids"),
        _given("RemoveRouteTableIds", "public_route_table_ids"),
    ),
):
    FAMILY.add(
        _name,
        _description,
        partial(_modify, _service, _change, _undo),
        _IN_PLACE,
        # By the NAT gateway the addresses of S3 are the internet's.
        *((_OUT_OF_APPLICATION,) if _name == "endpoint-without-a-route" else ()),
    )


@FAMILY.fault("an endpoint of a service that nobody listed", _IN_PLACE, _CONNECTED)
def unlisted_endpoint(account: Account, mending: ExitStack) -> None:
    policy = _endpoint("sns", account)["PolicyDocument"].replace("sns:*", "sqs:*")
    made = account.ec2.create_vpc_endpoint(
        VpcId=account.outputs["vpc_id"],
        ServiceName=f"com.amazonaws.{account.outputs['region']}.sqs",
        VpcEndpointType="Interface",
        SubnetIds=account.outputs["private_subnet_ids"],
        SecurityGroupIds=[_one(account, _ENDPOINTS)],
        PolicyDocument=policy,
        PrivateDnsEnabled=True,
        TagSpecifications=tagged(account, "vpc-endpoint"),
    )["VpcEndpoint"]
    mending.callback(account.ec2.delete_vpc_endpoints, VpcEndpointIds=[made["VpcEndpointId"]])


# --- flow logs ------------------------------------------------------------------------------------


@FAMILY.fault("a second flow log sends the VPC's traffic elsewhere", "vpc-flow-logs")
def flow_log_to_elsewhere(account: Account, mending: ExitStack) -> None:
    made = account.ec2.create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[account.outputs["vpc_id"]],
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=account.outputs["log_bucket_arn"],
        TagSpecifications=tagged(account, "vpc-flow-log"),
    )["FlowLogIds"]
    mending.callback(account.ec2.delete_flow_logs, FlowLogIds=made)


@FAMILY.fault("the outputs know no flow log", "vpc-flow-logs")
def flow_log_unknown(account: Account, mending: ExitStack) -> None:
    account.change_outputs(mending, flow_log_id=None)


def _role(account: Account) -> str:
    return str(account.outputs["flow_log_role_arn"]).rpartition("/")[2]


@FAMILY.fault("the flow logs' role may write no longer", "vpc-flow-logs", "roles-least-privilege")
def flow_log_role_without_policy(account: Account, mending: ExitStack) -> None:
    role = _role(account)
    arn = account.own_policy(role)
    attached = {"RoleName": role, "PolicyArn": arn}
    mending.callback(account.iam.attach_role_policy, **attached)
    account.iam.detach_role_policy(**attached)


def _trust(
    change: Callable[[dict[str, Any]], object], account: Account, mending: ExitStack
) -> None:
    role = _role(account)
    document = account.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    changed = json.loads(json.dumps(document))
    change(changed["Statement"][0])
    mending.callback(
        account.iam.update_assume_role_policy, RoleName=role, PolicyDocument=json.dumps(document)
    )
    account.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(changed))


FAMILY.add(
    "flow-log-role-for-any-account",
    "the flow logs' role serves the flow logs of any account",
    partial(_trust, lambda statement: statement.pop("Condition")),
    "roles-trust",
)
FAMILY.add(
    "flow-log-role-for-another-service",
    "the flow logs' role serves EC2's machines instead",
    partial(_trust, lambda statement: statement.update(Principal={"Service": "ec2.amazonaws.com"})),
    "roles-trust",
    "vpc-flow-logs",
)


@FAMILY.fault(
    "the flow logs' role may read what it wrote",
    "roles-least-privilege",
    "logs-read-by-named-roles-alone",  # what the trail wrote as well
)
def flow_log_role_reads(account: Account, mending: ExitStack) -> None:
    allowed = {"Effect": "Allow", "Action": "logs:GetLogEvents", "Resource": "*"}
    account.role_policy(mending, _role(account), allowed)


for _name, _description, _days in (
    ("flow-logs-kept-a-week", "the flow logs are kept for a week", 7),
    ("flow-logs-kept-for-ever", "the flow logs never expire", None),
):
    FAMILY.add(
        _name, _description, partial(keep, "flow_log_group_name", _days), "log-groups-retention"
    )


@FAMILY.fault("the flow logs are encrypted with AWS's own key", "log-groups-encrypted")
def flow_logs_without_key(account: Account, mending: ExitStack) -> None:
    group = {"logGroupName": account.outputs["flow_log_group_name"]}
    mending.callback(
        account.logs.associate_kms_key, **group, kmsKeyId=account.outputs["kms_key_arn"]
    )
    account.logs.disassociate_kms_key(**group)
