"""Network: a private VPC whose only way in is tcp/443 from inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.probes import is_unattached_probe
from verify.exposure import (
    Direction,
    PrefixLists,
    Rule,
    Verdict,
    difference_from,
    internet_exposures,
    internet_routes,
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


def _prefix_lists(aws: Aws, rules: Iterable[Rule]) -> PrefixLists:
    """The address ranges of every prefix list that `rules` name."""
    return _resolved(aws, {name for rule in rules for name in rule.sources.prefix_list_ids})


def _resolved(aws: Aws, named: Iterable[str]) -> PrefixLists:
    found = {}
    for name in sorted(named):
        found[name] = [entry["Cidr"] for entry in aws.pick(reads.prefix_list(name), "Entries")]
    return found


@pytest.mark.control("vpc-address-range", reads.vpc, reads.vpc_attribute)
def test_vpc_has_the_required_range_and_dns(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    for vpc in aws.pick(reads.vpc(deployment), "Vpcs"):
        blocks = [
            association["CidrBlock"]
            for association in pick(vpc, "CidrBlockAssociationSet")
            if pick(association, "CidrBlockState", "State") == "associated"
        ]
        check.equal(
            deployment.vpc_id,
            "address ranges",
            expected=[baseline["network"]["vpc_cidr_block"]],
            seen=blocks,
        )
    for attribute, key, argument in (
        ("enableDnsSupport", "EnableDnsSupport", "enable_dns_support"),
        ("enableDnsHostnames", "EnableDnsHostnames", "enable_dns_hostnames"),
    ):
        check.equal(
            deployment.vpc_id,
            key,
            expected=True,
            seen=aws.pick(reads.vpc_attribute(deployment, attribute), key, "Value"),
            declared=f"aws_vpc.audit.{argument}",
        )


@pytest.mark.control("subnets-private-layout", reads.subnets)
def test_vpc_holds_only_the_private_subnets(
    check: Check,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    check.equal(
        deployment.vpc_id,
        "subnets",
        expected=set(baseline["network"]["private_subnet_cidr_blocks"]),
        seen={pick(subnet, "CidrBlock") for subnet in vpc_subnets},
        declared="var.private_subnet_cidr_blocks",
    )
    zones = {pick(subnet, "AvailabilityZone") for subnet in vpc_subnets}
    minimum = baseline["network"]["minimum_zones"]
    check.holds(
        deployment.vpc_id,
        "availability zones",
        len(zones) >= minimum,
        expected=f"at least {minimum}",
        seen=zones,
    )


@pytest.mark.control("subnets-no-public-addresses", reads.subnets)
def test_subnets_assign_no_public_addresses(
    check: Check, vpc_subnets: list[Mapping[str, Any]]
) -> None:
    for subnet in vpc_subnets:
        check.equal(
            pick(subnet, "SubnetId"),
            "public address on launch",
            expected=False,
            seen=pick(subnet, "MapPublicIpOnLaunch"),
        )


@pytest.mark.control("no-internet-route", reads.subnets, reads.route_tables, reads.prefix_list)
def test_no_route_leads_to_the_internet(
    check: Check, aws: Aws, deployment: Deployment, vpc_subnets: list[Mapping[str, Any]]
) -> None:
    tables = aws.pick(reads.route_tables(deployment), "RouteTables")
    for table in tables:
        name = pick(table, "RouteTableId")
        named = {
            route["DestinationPrefixListId"]
            for route in pick(table, "Routes")
            if "DestinationPrefixListId" in route
            and not str(route.get("GatewayId", "")).startswith("vpce-")
        }
        lists = _resolved(aws, named)
        check.none(
            name,
            "routes for public addresses",
            [route.reason for route in internet_routes(table, lists)],
        )
    own = {
        association["SubnetId"]
        for table in tables
        for association in pick(table, "Associations")
        if "SubnetId" in association and not association.get("Main")
    }
    check.equal(
        deployment.vpc_id,
        "subnets with a route table of their own",
        expected={pick(subnet, "SubnetId") for subnet in vpc_subnets},
        seen=own,
    )


@pytest.mark.control("no-internet-gateway", reads.internet_gateways, reads.nat_gateways)
def test_vpc_has_no_internet_or_nat_gateway(check: Check, aws: Aws, deployment: Deployment) -> None:
    check.none(
        deployment.vpc_id,
        "internet gateways",
        [
            pick(item, "InternetGatewayId")
            for item in aws.pick(reads.internet_gateways(deployment), "InternetGateways")
        ],
    )
    check.none(
        deployment.vpc_id,
        "NAT gateways",
        [
            pick(item, "NatGatewayId")
            for item in aws.pick(reads.nat_gateways(deployment), "NatGateways")
            if pick(item, "State") not in ("deleted", "deleting", "failed")
        ],
    )


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
        live = rules_from_group(group)
        difference = difference_from(required, live, _prefix_lists(aws, live))
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
        check.none(
            pick(group, "GroupId"),
            "rules",
            [*pick(group, "IpPermissions"), *pick(group, "IpPermissionsEgress")],
        )


@pytest.mark.control(
    "no-internet-ingress", reads.security_groups, reads.prefix_list, reads.interfaces_of_group
)
def test_no_group_of_the_vpc_admits_the_internet(
    check: Check, aws: Aws, vpc_groups: list[Mapping[str, Any]]
) -> None:
    for group in vpc_groups:
        name = pick(group, "GroupId")
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        if is_unattached_probe(aws, name, tags):
            check.notes.append(f"{name} is a live-fire group, attached to nothing: not judged")
            continue
        rules = rules_from_group(group)
        exposures = internet_exposures(rules, _prefix_lists(aws, rules))
        check.none(
            name,
            "ingress from the internet",
            [item.reason for item in exposures if item.verdict is Verdict.EXPOSED],
        )
        for item in exposures:
            if item.verdict is Verdict.CANNOT_TELL:
                check.unknown(name, item.reason)
