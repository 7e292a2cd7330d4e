"""What several network faults make by hand, each with how it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from mutants.account import Account

Permission = Mapping[str, Any]


def ipv4(protocol: str, ports: tuple[int, int] | None, *ranges: str) -> Permission:
    return {**on_ports(protocol, ports), "IpRanges": [{"CidrIp": block} for block in ranges]}


def on_ports(protocol: str, ports: tuple[int, int] | None) -> Permission:
    return {
        "IpProtocol": protocol,
        **({} if ports is None else {"FromPort": ports[0], "ToPort": ports[1]}),
    }


def authorize(account: Account, mending: ExitStack, group: str, permission: Permission) -> None:
    rule = {"GroupId": group, "IpPermissions": [permission]}
    account.ec2.authorize_security_group_ingress(**rule)
    mending.callback(account.ec2.revoke_security_group_ingress, **rule)


def tagged(account: Account, kind: str, *more: dict[str, str]) -> list[dict[str, Any]]:
    """The deployment's tags: what is made by hand is wrong in one thing alone."""
    [vpc] = account.ec2.describe_vpcs(VpcIds=[account.outputs["vpc_id"]])["Vpcs"]
    return [{"ResourceType": kind, "Tags": [*vpc["Tags"], *more]}]


def new_group(account: Account, mending: ExitStack, *tags: dict[str, str]) -> str:
    created = account.ec2.create_security_group(
        GroupName="forgotten",
        Description="made by hand",
        VpcId=account.outputs["vpc_id"],
        TagSpecifications=tagged(account, "security-group", *tags),
    )
    mending.callback(account.ec2.delete_security_group, GroupId=created["GroupId"])
    return str(created["GroupId"])


def open_new_group(permission: Permission, account: Account, mending: ExitStack) -> None:
    authorize(account, mending, new_group(account, mending), permission)


def new_interface(account: Account, mending: ExitStack, **settings: Any) -> str:
    created = account.ec2.create_network_interface(
        SubnetId=account.outputs["private_subnet_ids"][0], **settings
    )["NetworkInterface"]
    identifier = str(created["NetworkInterfaceId"])
    mending.callback(account.ec2.delete_network_interface, NetworkInterfaceId=identifier)
    return identifier


def add_routes(
    account: Account, mending: ExitStack, target: Mapping[str, str], *blocks: str
) -> None:
    table = account.outputs["private_route_table_ids"][0]
    for block in blocks:
        key = "DestinationIpv6CidrBlock" if ":" in block else "DestinationCidrBlock"
        account.ec2.create_route(RouteTableId=table, **{key: block}, **target)
        mending.callback(account.ec2.delete_route, RouteTableId=table, **{key: block})
