"""Network: whom security groups and network ACLs admit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import ANY_PUBLIC, AddressSet
from verify.check import Check
from verify.checks.groups import groups_in_force
from verify.checks.network_tiers import tiers_of
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
            "IpRanges": [{"CidrIp": cidr} for cidr in entry.get("cidr_blocks", ())],
            "UserIdGroupPairs": [{"GroupId": group} for group in entry.get("groups", ())],
            "PrefixListIds": [{"PrefixListId": name} for name in entry.get("prefix_lists", ())],
        }
        for entry in entries
        # What names outputs of a part that is off names nobody.
        if any(entry.get(kind) for kind in ("cidr_blocks", "groups", "prefix_lists"))
    ]
    return list(rules_from_permissions(permissions, direction))


@pytest.mark.control("application-group-rules", reads.security_groups, reads.prefix_list)
def test_application_group_has_exactly_its_rules(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_groups: list[Mapping[str, Any]],
) -> None:
    network = baseline["network"]
    required = {
        "ingress": network["application_ingress"],
        "egress": network["application_egress"],
    }
    name = deployment.application_security_group_id
    for group in vpc_groups:
        if pick(group, "GroupId") == name:
            _hold_rules(check, aws, deployment, group, required)


def _hold_rules(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    group: Mapping[str, Any],
    required: Mapping[str, Iterable[Mapping[str, Any]]],
) -> None:
    """A group must have the rules of a baseline, `ingress` and `egress`, and no others."""
    name = pick(group, "GroupId")
    check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(group, "VpcId"))
    rules = [
        *_required_rules(required["ingress"], "ingress"),
        *_required_rules(required["egress"], "egress"),
    ]
    live = rules_from_group(group)
    difference = difference_from(rules, live, prefix_lists_of(aws, [*live, *rules]))
    check.none(name, "rules beyond the baseline", [part.describe() for part in difference.excess])
    check.none(
        name,
        "rules of the baseline that are missing",
        [part.describe() for part in difference.missing],
    )
    # A group's id in a rule is a group of this account and VPC: nobody else's, and no peer's.
    check.none(name, "rules for groups elsewhere", foreign_references(group))


@pytest.mark.control("tier-group-rules", reads.security_groups, reads.prefix_list)
def test_groups_of_the_tiers_have_exactly_their_rules(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_groups: list[Mapping[str, Any]],
) -> None:
    groups = {pick(group, "GroupId"): group for group in vpc_groups}
    for output, required in baseline["network"]["tier_groups"].items():
        name = getattr(deployment, output)
        check.holds(
            output,
            "security group",
            name in groups,
            expected="a group of the VPC",
            seen=name or "no such output",
        )
        if name in groups:
            _hold_rules(check, aws, deployment, groups[name], required)


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
        name = pick(group, "GroupId")
        check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(group, "VpcId"))
        check.none(
            name,
            "rules",
            [*pick(group, "IpPermissions"), *pick(group, "IpPermissionsEgress")],
        )


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
    for group in groups_in_force(aws, deployment, vpc_groups):
        name = pick(group, "GroupId")
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        if is_unattached_probe(aws, name, tags):
            check.notes.append(f"{name} is a live-fire group, attached to nothing: not judged")
            continue
        rules = rules_from_group(group)
        exposures = internet_exposures(
            rules, prefix_lists_of(aws, rules), bounds=ANY_PUBLIC, admitted=admitted
        )
        open_to_all = baseline["network"]["admitted_public_ports"]
        ports = [
            entry
            for output, entries in open_to_all.items()
            if getattr(deployment, output) == name
            for entry in entries
        ]
        # What a tier serves to the internet it serves over IPv4, unless the VPC may have IPv6.
        families = ("ipv4", "ipv6") if baseline["network"]["vpc_ipv6_cidr_blocks"] else ("ipv4",)
        beyond = _beyond(exposures, ports, families)
        _report(check, name, "ingress from public addresses", beyond)
        check.none(name, "ingress from groups elsewhere", foreign_references(group))
        check.equal(name, "owner", expected=deployment.account_id, seen=pick(group, "OwnerId"))


def _beyond(
    exposures: Iterable[Exposure],
    admitted: Iterable[Mapping[str, Any]],
    families: Collection[str] = ("ipv4",),
) -> Iterator[Exposure]:
    """The exposures that reach beyond the admitted ports of a protocol (for ICMP: types)."""
    entries = list(admitted)
    for exposure in exposures:
        first, last = exposure.from_port, exposure.to_port
        if first is None or last is None:
            first, last = 0, 65535
        if not any(
            exposure.family in families
            and exposure.protocol == entry["protocol"]
            and entry["from_port"] <= first
            and last <= entry["to_port"]
            for entry in entries
        ):
            yield exposure


@pytest.mark.control("network-acls-closed", reads.subnets, reads.network_acls)
def test_network_acls_admit_public_addresses_only_where_they_may(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    admitted = AddressSet.parse(*baseline["network"]["admitted_public_ranges"])
    guarded = set()
    acls = aws.pick(reads.network_acls(deployment), "NetworkAcls")
    for acl in acls:
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
        tiers = tiers_of(acl, vpc_subnets, baseline["network"])
        # One that guards nothing may guard anything soon; one that guards two must suit both.
        for ports in [tier["admitted"] for tier in tiers] or [[]]:
            _report(check, name, "ingress from public addresses", _beyond(exposures, ports))
    defaults = [acl for acl in acls if pick(acl, "IsDefault")]
    if len(defaults) != 1:
        check.unknown(
            deployment.vpc_id, f"{len(defaults)} default ACLs are shown: each VPC has one"
        )
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
