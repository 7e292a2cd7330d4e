"""The security groups that are, or may be, on interfaces in the VPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.inputs.deployment import Deployment

_Group = Mapping[str, Any]


def groups_in_force(aws: Aws, deployment: Deployment, groups: list[_Group]) -> list[_Group]:
    """The VPC's own `groups`, and those of other VPCs that may be, or are, on interfaces in it.

    Reads `reads.group_associations` and `reads.interfaces`, and what they name.
    """
    own = {pick(group, "GroupId") for group in groups}
    associated = {
        pick(association, "GroupId")
        for association in aws.pick(
            reads.group_associations(deployment), "SecurityGroupVpcAssociations"
        )
        if pick(association, "State") not in ("disassociated", "association-failed")
    }
    worn = {
        pick(group, "GroupId")
        for interface in aws.pick(reads.interfaces(deployment), "NetworkInterfaces")
        for group in pick(interface, "Groups")
    }
    others = sorted((associated | worn) - own)
    if not others:
        return groups
    return [*groups, *aws.pick(reads.groups_by_id(others), "SecurityGroups")]
