"""Network: the VPC and its subnets, private by their own settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import AddressSet
from verify.check import Check
from verify.checks.network_tiers import PRIVATE, PUBLIC, tier_of
from verify.checks.ranges import ranges_of
from verify.inputs.deployment import Deployment


@pytest.mark.control("vpc-address-range", reads.vpc, reads.vpc_attribute)
def test_vpc_has_the_required_ranges_and_dns(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    hold_settings: Callable[[], None],
) -> None:
    hold_settings()
    name, network = deployment.vpc_id, baseline["network"]
    for aspect, family, expected in (
        ("address ranges", "", [network["vpc_cidr_block"]]),
        ("IPv6 address ranges", "Ipv6", network["vpc_ipv6_cidr_blocks"]),
    ):
        check.equal(name, aspect, expected=set(expected), seen=set(ranges_of(vpc, family)))
    # Whoever owns it decides on its gateways and routes, unseen by those it is shared with.
    check.equal(name, "owner", expected=deployment.account_id, seen=pick(vpc, "OwnerId"))
    check.equal(name, "state", expected="available", seen=pick(vpc, "State"))
    for attribute, key, argument in (
        ("enableDnsSupport", "EnableDnsSupport", "enable_dns_support"),
        ("enableDnsHostnames", "EnableDnsHostnames", "enable_dns_hostnames"),
    ):
        check.equal(
            name,
            key,
            expected=True,
            seen=aws.pick(reads.vpc_attribute(deployment, attribute), key, "Value"),
            declared=f"module.network.aws_vpc.audit.{argument}",
        )


@pytest.mark.control("vpc-name-servers", reads.vpc, reads.dhcp_options)
def test_instances_are_told_of_known_servers_alone(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
) -> None:
    options = pick(vpc, "DhcpOptionsId")
    accepted = baseline["network"]["dhcp_options"]
    # "default" is AWS's word for a VPC without any: whoever starts there has no name server.
    check.holds(
        deployment.vpc_id,
        "DHCP options",
        options != "default",
        expected=f"a set with {accepted}",
        seen="none",
    )
    found = [] if options == "default" else aws.pick(reads.dhcp_options(options), "DhcpOptions")
    for option in found:
        told = {
            pick(entry, "Key"): [pick(value, "Value") for value in pick(entry, "Values")]
            for entry in pick(option, "DhcpConfigurations")
        }
        check.holds(
            options,
            "domain-name-servers",
            bool(told.get("domain-name-servers")),
            expected=accepted.get("domain-name-servers", []),
            seen=told.get("domain-name-servers", []),
        )
        for key, values in told.items():
            check.none(options, key, sorted(set(values) - set(accepted.get(key, []))))
    if options != "default" and [pick(option, "DhcpOptionsId") for option in found] != [options]:
        check.unknown(options, f"AWS lists {len(found)} sets of DHCP options by that id")


def _outside(blocks: Iterable[str], ranges: Iterable[str]) -> list[str]:
    inside = AddressSet.parse(*ranges)
    return [block for block in blocks if not inside.covers(AddressSet.parse(block))]


@pytest.mark.control("subnets-private-layout", reads.vpc, reads.subnets)
def test_vpc_holds_only_the_subnets_of_the_baseline(
    check: Check,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    network = baseline["network"]
    # A subnet that the baseline does not know counts as private.
    for tier in (PRIVATE, PUBLIC):
        check.equal(
            pick(vpc, "VpcId"),
            f"{tier} subnets",
            expected=set(network[f"{tier}_subnet_cidr_blocks"]),
            seen={
                pick(subnet, "CidrBlock")
                for subnet in vpc_subnets
                if tier_of(subnet, network) == tier
            },
            declared=f"var.{tier}_subnet_cidr_blocks",
        )
    # Local Zones and Wavelength Zones, at the edge, have longer names than the region's own.
    zones = {pick(subnet, "AvailabilityZone") for subnet in vpc_subnets}
    check.none(
        deployment.vpc_id,
        "zones outside the region",
        sorted(zone for zone in zones if zone[:-1] != deployment.region),
    )
    minimum = network["minimum_zones"]
    check.holds(
        deployment.vpc_id,
        "availability zones",
        len(zones) >= minimum,
        expected=f"at least {minimum}",
        seen=zones,
    )
    for subnet in vpc_subnets:
        name = pick(subnet, "SubnetId")
        check.equal(name, "VPC", expected=deployment.vpc_id, seen=pick(subnet, "VpcId"))
        check.equal(name, "owner", expected=deployment.account_id, seen=pick(subnet, "OwnerId"))
        check.equal(name, "state", expected="available", seen=pick(subnet, "State"))
        check.none(
            name,
            "IPv6 ranges beyond the baseline",
            _outside(ranges_of(subnet, "Ipv6"), network["vpc_ipv6_cidr_blocks"]),
        )
        # Where AWS's machines stand in the customer's own house, and whose they are.
        for aspect, key in (("Outpost", "OutpostArn"), ("type", "Type")):
            check.equal(name, aspect, expected=None, seen=subnet.get(key) or None)


@pytest.mark.control("subnets-no-public-addresses", reads.vpc, reads.subnets)
def test_subnets_assign_no_public_addresses(
    check: Check,
    baseline: Mapping[str, Any],
    vpc: Mapping[str, Any],
    vpc_subnets: list[Mapping[str, Any]],
) -> None:
    network = baseline["network"]
    given = [
        ("public address on launch", "MapPublicIpOnLaunch"),
        ("customer-owned address on launch", "MapCustomerOwnedIpOnLaunch"),
    ]
    if not (network["vpc_ipv6_cidr_blocks"] and ranges_of(vpc, "Ipv6")):
        given += [
            ("IPv6 address on launch", "AssignIpv6AddressOnCreation"),
            ("IPv6 alone", "Ipv6Native"),
            ("IPv6 addresses for names that have none", "EnableDns64"),
        ]
    for subnet in vpc_subnets:
        name = pick(subnet, "SubnetId")
        public = tier_of(subnet, network) == PUBLIC
        for aspect, key in given:
            may = public and key == "MapPublicIpOnLaunch" and network["public_addresses_on_launch"]
            check.equal(name, aspect, expected=may, seen=pick(subnet, key))
        # On an Outpost: that many interfaces stand in the customer's network as well.
        check.equal(
            name,
            "interfaces in a local network",
            expected=None,
            seen=subnet.get("EnableLniAtDeviceIndex"),
        )
