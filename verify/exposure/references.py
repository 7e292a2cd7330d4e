"""Which rules of a security group admit groups of other VPCs or accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def foreign_references(group: Mapping[str, Any]) -> Iterator[str]:
    """What an entry of DescribeSecurityGroups admits that is no group of its own VPC and account.

    EC2 names the VPC of a referenced group, and the peering connection between them, where it is
    another VPC (EC2 API reference, UserIdGroupPair). Raises ValueError for a group that does not
    say whose it is.
    """
    for key in ("OwnerId", "VpcId", "IpPermissions"):
        if key not in group:
            raise ValueError(f"a security group without {key}: {group.get('GroupId')!r}")
    for permission in group["IpPermissions"]:
        for pair in permission.get("UserIdGroupPairs") or ():
            account = pair.get("UserId") or group["OwnerId"]
            vpc = pair.get("VpcId") or group["VpcId"]
            peering = pair.get("VpcPeeringConnectionId")
            if (account, vpc) != (group["OwnerId"], group["VpcId"]) or peering:
                name = pair.get("GroupId") or pair.get("GroupName")
                through = f" through {peering}" if peering else ""
                yield f"group {name} of {vpc} (account {account}){through}"
