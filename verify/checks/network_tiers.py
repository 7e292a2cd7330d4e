"""Which tier of the network a subnet, or a network ACL, belongs to: by the baseline's ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.account.answer import pick

PUBLIC, PRIVATE = "public", "private"


def tier_of(subnet: Mapping[str, Any], network: Mapping[str, Any]) -> str:
    """PUBLIC for a subnet whose range the baseline's `network` lists as such, else PRIVATE."""
    public = pick(subnet, "CidrBlock") in network["public_subnet_cidr_blocks"]
    return PUBLIC if public else PRIVATE


def tiers_of(
    acl: Mapping[str, Any], subnets: Iterable[Mapping[str, Any]], network: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """What the baseline says of the ACL of each tier in which this one guards a subnet.

    Nothing may come in from public addresses, nothing is blocked, nothing is needed where it says
    nothing.
    """
    closed: dict[str, Any] = {"admitted": [], "blocked_ports": [], "needed": []}
    guarded = {pick(association, "SubnetId") for association in pick(acl, "Associations")}
    tiers = {tier_of(subnet, network) for subnet in subnets if pick(subnet, "SubnetId") in guarded}
    return [network["network_acls"].get(tier, closed) for tier in sorted(tiers)]
