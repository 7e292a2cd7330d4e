"""Network: whom security groups and network ACLs admit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import ANY_PUBLIC, AddressSet
from verify.check import Check
from verify.checks.prefix_lists import prefix_lists_of
from verify.checks.probes import is_unattached_probe
from verify.exposure import (
    Direction,
    Exposure,
    Rule,
    Verdict,
    difference_from,
    foreign_references,
    internet_exposures,
    network_acl_internet_exposures,
    rules_from_group,
    rules_from_permissions,
)
from verify.inputs.deployment import Deployment


def _required_rules(entries: Iterable[Mapping[str, Any]], direction: Direction) -> list[Rule]:
    permissions = [
        {
            "IpProtocol": entry["protocol"],
            **({"FromPort": entry["from_port"]} if "from_port" in entry else {}),
            **({"ToPort": entry["to_port"]} if "to_port" in entry else {}),
            "IpRanges": [{"CidrIp": cidr} for cidr in entry["cidr_blocks"]],
        }
        for entry in entries
    ]
    return list(rules_from_permissions(permissions, direction))


@pytest.mark.control("application-group-rules", reads.security_groups, reads.prefix_list)
def test_application_group_admits_only_https_from_the_vpc(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_groups: list[Mapping[str, Any]],
) -> None:
    name = deployment.application_security_group_id
    required = [
        *_required_rules(baseline["network"]["application_ingress"], "ingress"),
        *_required_rules(baseline["network"]["application_egress"], "egress"),
    ]
    for group in vpc_groups:
        if pick(group, "GroupId") != name:
            continue
        check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(group, "VpcId"))
        live = rules_from_group(group)
        difference = difference_from(required, live, prefix_lists_of(aws, live))
        check.none(
            name, "rules beyond the baseline", [part.describe() for part in difference.excess]
        )
        check.none(
            name,
            "rules of the baseline that are missing",
            [part.describe() for part in difference.missing],
        )


@pytest.mark.control("default-group-closed", reads.security_groups)
def test_default_group_admits_and_sends_nothing(
    check: Check, deployment: Deployment, vpc_groups: list[Mapping[str, Any]]
) -> None:
    for group in vpc_groups:
        if pick(group, "GroupName") != "default":
            continue
        check.equal(
            deployment.vpc_id,
            "the default group's id",
            expected=deployment.default_security_group_id,
            seen=pick(group, "GroupId"),
        )
        check.equal(
            deployment.default_security_group_id,
            "VPC",
            expected=deployment.vpc_id,
            seen=pick(group, "VpcId"),
        )
        check.none(
            pick(group, "GroupId"),
            "rules",
            [*pick(group, "IpPermissions"), *pick(group, "IpPermissionsEgress")],
        )


def _groups_in_force(
    aws: Aws, deployment: Deployment, groups: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """The VPC's own groups, and those of other VPCs that may be, or are, on interfaces in it."""
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


@pytest.mark.control(
    "no-internet-ingress",
    reads.security_groups,
    reads.group_associations,
    reads.interfaces,
    reads.prefix_list,
)
def test_no_group_in_force_admits_public_addresses(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_groups: list[Mapping[str, Any]],
) -> None:
    admitted = AddressSet.parse(*baseline["network"]["admitted_public_ranges"])
    for group in _groups_in_force(aws, deployment, vpc_groups):
        name = pick(group, "GroupId")
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        if is_unattached_probe(aws, name, tags):
            check.notes.append(f"{name} is a live-fire group, attached to nothing: not judged")
            continue
        rules = rules_from_group(group)
        exposures = internet_exposures(
            rules, prefix_lists_of(aws, rules), bounds=ANY_PUBLIC, admitted=admitted
        )
        _report(check, name, "ingress from public addresses", exposures)
        check.none(name, "ingress from groups elsewhere", foreign_references(group))
        check.equal(name, "owner", expected=deployment.account_id, seen=pick(group, "OwnerId"))


@pytest.mark.control("network-acls-closed", reads.subnets, reads.network_acls)
def test_network_acls_admit_no_public_addresses(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    admitted = AddressSet.parse(*baseline["network"]["admitted_public_ranges"])
    guarded = set()
    for acl in aws.pick(reads.network_acls(deployment), "NetworkAcls"):
        name = pick(acl, "NetworkAclId")
        check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(acl, "VpcId"))
        for association in pick(acl, "Associations"):
            check.equal(
                name, "ACL of an association", expected=name, seen=pick(association, "NetworkAclId")
            )
            guarded.add(pick(association, "SubnetId"))
        if _last_words(pick(acl, "Entries")) != {(True, "deny"), (False, "deny")}:
            check.unknown(name, "the last entries, which deny the rest in each ACL, are not shown")
        exposures = network_acl_internet_exposures(
            pick(acl, "Entries"), bounds=ANY_PUBLIC, admitted=admitted
        )
        _report(check, name, "ingress from public addresses", exposures)
    check.none(
        deployment.vpc_id,
        "subnets under no network ACL",
        sorted({pick(subnet, "SubnetId") for subnet in vpc_subnets} - guarded),
    )


# DescribeNetworkAcls shows the entry `*` by this number (VPC user guide, "Default network ACL").
_LAST_ENTRY = 32767


def _last_words(entries: Iterable[Mapping[str, Any]]) -> set[tuple[bool, str]]:
    return {
        (pick(entry, "Egress"), pick(entry, "RuleAction"))
        for entry in entries
        if pick(entry, "RuleNumber") == _LAST_ENTRY
    }


def _report(check: Check, name: str, aspect: str, exposures: Iterable[Exposure]) -> None:
    found = list(exposures)
    check.none(name, aspect, [item.reason for item in found if item.verdict is Verdict.EXPOSED])
    for item in found:
        if item.verdict is Verdict.CANNOT_TELL:
            check.unknown(name, item.reason)
