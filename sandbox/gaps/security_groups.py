"""Where moto's answers about security groups differ from EC2's.

Sources: EC2 API reference, IpPermission and SecurityGroupVpcAssociation; Amazon VPC user guide,
"Associate security groups with multiple VPCs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidParameterValue,
    InvalidSecurityGroupNotFoundError,
    InvalidVPCIdError,
)
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from sandbox.replacement import Kind, Replacement
from sandbox.world import World

_NAMES = {"all": "-1", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_WITH_PORTS = ("tcp", "udp", "icmp", "icmpv6")


def _protocol(value: object) -> str:
    text = str(value).lower()
    name = _NAMES.get(text, text)
    if name in (*_WITH_PORTS, "-1") or (name.isascii() and name.isdigit() and int(name) <= 255):
        return name
    raise InvalidParameterValue(f"Invalid value '{value}' for IP protocol. Unknown protocol.")


def make_rule(
    _: World,
    original: Callable[..., None],
    rule: Any,
    ec2_backend: Any,
    ip_protocol: str,
    group_id: str,
    from_port: Any,
    to_port: Any,
    *arguments: Any,
    **keywords: Any,
) -> None:
    """Make a rule; EC2 keeps ports for TCP and UDP, type and code for ICMP, and no others.

    Raises InvalidParameterValue for a protocol that there is not, and for ports that are missing.
    """
    name = _protocol(ip_protocol)
    lacking = from_port is None or to_port is None
    if lacking and name in ("tcp", "udp", "icmp"):
        kind = "ICMP" if name == "icmp" else "TCP/UDP"
        raise InvalidParameterValue(
            f"Invalid value 'Must specify both from and to ports with {kind}.' for portRange."
        )
    if name not in _WITH_PORTS:
        from_port = to_port = None
    elif lacking:
        from_port = to_port = -1
    # For "-1" alone moto takes a rule without ports.
    moto_takes = "-1" if from_port is None else name
    original(rule, ec2_backend, moto_takes, group_id, from_port, to_port, *arguments, **keywords)
    rule.ip_protocol = name


def associate(_: World, response: Any) -> ActionResult:
    """Let a security group be used in another VPC. Raises EC2ClientError."""
    backend, group, vpc = _group_and_vpc(response)
    if group.vpc_id == vpc:
        raise EC2ClientError(
            "InvalidParameterValue", f"The security group {group.id} belongs to {vpc} already."
        )
    _associated(backend).add((group.id, vpc))
    return ActionResult({"State": "associated"})


def disassociate(_: World, response: Any) -> ActionResult:
    """Take a security group from another VPC. Raises EC2ClientError."""
    backend, group, vpc = _group_and_vpc(response)
    if (group.id, vpc) not in _associated(backend):
        raise EC2ClientError(
            "InvalidSecurityGroupVpcAssociation.NotFound",
            f"The security group {group.id} is not associated with {vpc}.",
        )
    _associated(backend).remove((group.id, vpc))
    return ActionResult({"State": "disassociated"})


def describe_associations(_: World, response: Any) -> ActionResult:
    """Which security groups are used in other VPCs than their own."""
    wanted = response._filters_from_querystring()
    found = [
        entry
        for entry in _entries(response.ec2_backend)
        if all(entry.get(_FILTERS[name]) in values for name, values in wanted.items())
    ]
    return ActionResult({"SecurityGroupVpcAssociations": found})


_FILTERS = {
    "group-id": "GroupId",
    "group-owner-id": "GroupOwnerId",
    "state": "State",
    "vpc-id": "VpcId",
    "vpc-owner-id": "VpcOwnerId",
}


def _entries(backend: Any) -> Iterator[dict[str, str]]:
    for group, vpc in sorted(_associated(backend)):
        if backend.get_security_group_from_id(group) is not None and vpc in backend.vpcs:
            yield {
                "GroupId": group,
                "VpcId": vpc,
                "VpcOwnerId": backend.account_id,
                "State": "associated",
                "GroupOwnerId": backend.account_id,
            }


def _associated(backend: Any) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = vars(backend).setdefault("group_associations", set())
    return found


def _group_and_vpc(response: Any) -> tuple[Any, Any, str]:
    backend = response.ec2_backend
    group = backend.get_security_group_from_id(response._get_param("GroupId"))
    if group is None:
        raise InvalidSecurityGroupNotFoundError(response._get_param("GroupId"))
    vpc = response._get_param("VpcId")
    if vpc not in backend.vpcs:
        raise InvalidVPCIdError(vpc)
    return backend, group, vpc


REPLACEMENTS = (
    Replacement(
        SecurityGroupRule,
        "__init__",
        make_rule,
        "moto fails on a numbered protocol without ports, and takes protocols that EC2 refuses.",
        Kind.AROUND,
    ),
    Replacement(
        SecurityGroups,
        "associate_security_group_vpc",
        associate,
        "moto lacks AssociateSecurityGroupVpc.",
        Kind.ADDED,
    ),
    Replacement(
        SecurityGroups,
        "disassociate_security_group_vpc",
        disassociate,
        "moto lacks DisassociateSecurityGroupVpc.",
        Kind.ADDED,
    ),
    Replacement(
        SecurityGroups,
        "describe_security_group_vpc_associations",
        describe_associations,
        "moto lacks DescribeSecurityGroupVpcAssociations.",
        Kind.ADDED,
    ),
)
