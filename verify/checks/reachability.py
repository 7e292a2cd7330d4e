"""The network as AWS's answers describe it, with the tiers of the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.addresses import AddressSet
from verify.check import Check
from verify.checks.connections import ENDPOINTS, TO_OTHER_NETWORKS, TO_THE_INTERNET, Connection
from verify.checks.groups import groups_in_force
from verify.checks.prefix_lists import resolved
from verify.checks.probes import is_unattached_probe
from verify.checks.ranges import ranges_of
from verify.exposure import rules_from_group
from verify.exposure.reachability import (
    Allowed,
    Answers,
    Finding,
    Network,
    Tier,
    Tiers,
    network_of,
)
from verify.exposure.rules import ALL_PROTOCOLS, LAST_PORT, normalise_protocol
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError

_Item = Mapping[str, Any]

# What the model is made of. An egress-only gateway lets nobody in, and out only by a route, which
# names it; so do exemptions from the account's block, which is taken to block nothing.
READINGS = (
    reads.vpc,
    reads.subnets,
    reads.route_tables,
    reads.network_acls,
    reads.security_groups,
    reads.group_associations,
    reads.interfaces,
    reads.prefix_list,
    reads.internet_gateways,
    reads.nat_gateways,
    reads.carrier_gateways,
    reads.vpn_gateways,
    reads.transit_gateway_attachments,
    reads.vpc_peerings,
    reads.local_gateway_associations,
    reads.vpc_endpoints,
)

# What a message lists of ways that are alike in nothing.
_SHOWN = 12


class LaidOut:
    """Lays a network out with its tiers, and once as long as both are the same."""

    def __init__(self) -> None:
        self._latest: tuple[Network, tuple[Tier, ...], Tiers] | None = None

    def tiers(self, network: Network, required: tuple[Tier, ...]) -> Tiers:
        """The network with the tiers. Raises ValueError for what the network lacks."""
        if self._latest is None or self._latest[:2] != (network, required):
            self._latest = network, required, Tiers(network, required)
        return self._latest[2]


def tiers_of(
    laid_out: LaidOut,
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: _Item,
    vpc: _Item,
    subnets: Iterable[_Item],
    tables: Iterable[_Item],
    groups: list[_Item],
) -> Tiers:
    """The network with the baseline's tiers. Raises NotVerifiedError for what is not shown."""
    in_force = []
    for group in groups_in_force(aws, deployment, groups):
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        name = pick(group, "GroupId")
        if is_unattached_probe(aws, name, tags):
            check.notes.append(f"{name} is a live-fire group, attached to nothing: not judged")
        else:
            in_force.append(group)
    answers = Answers(
        deployment.vpc_id,
        [*ranges_of(vpc), *ranges_of(vpc, "Ipv6")],
        {
            pick(subnet, "SubnetId"): [pick(subnet, "CidrBlock"), *ranges_of(subnet, "Ipv6")]
            for subnet in subnets
        },
        list(tables),
        aws.pick(reads.network_acls(deployment), "NetworkAcls"),
        in_force,
        aws.pick(reads.interfaces(deployment), "NetworkInterfaces"),
        prefix_lists=resolved(aws, _lists_named(in_force, tables)),
        **_connections(aws, deployment),
    )
    try:
        return laid_out.tiers(network_of(answers), tiers_required(baseline))
    except ValueError as error:
        raise NotVerifiedError(str(error)) from None


def _lists_named(groups: Iterable[_Item], tables: Iterable[_Item]) -> set[str]:
    """The prefix lists that rules or routes name."""
    of_rules = {
        name
        for group in groups
        for rule in rules_from_group(group)
        for name in rule.sources.prefix_list_ids
    }
    of_routes = {
        route["DestinationPrefixListId"]
        for table in tables
        for route in pick(table, "Routes")
        if route.get("DestinationPrefixListId")
    }
    return of_rules | of_routes


def _connections(aws: Aws, deployment: Deployment) -> dict[str, Any]:
    """What serves the VPC, by what is known of what it lets pass."""
    present = {
        connection: list(connection.present(aws, deployment))
        for connection in (*TO_THE_INTERNET, *TO_OTHER_NETWORKS)
        if connection.reading in READINGS
    }
    judged: dict[str, list[Any]] = {
        "internet_gateways": [name for name, _ in present.pop(_by(reads.internet_gateways))],
        "nat_gateways": [item for _, item in present.pop(_by(reads.nat_gateways))],
        "peerings": [item for _, item in present.pop(_by(reads.vpc_peerings))],
        "endpoints": [item for _, item in present.pop(ENDPOINTS)],
    }
    # A route to a transit gateway names the gateway, not its attachment.
    attachments = present.pop(_by(reads.transit_gateway_attachments))
    others = [pick(item, "TransitGatewayId") for _, item in attachments]
    others += [name for items in present.values() for name, _ in items]
    return {**judged, "open_connections": others}


def _by(reading: object) -> Connection:
    every = (*TO_THE_INTERNET, *TO_OTHER_NETWORKS)
    return next(connection for connection in every if connection.reading is reading)


# --- the baseline ---------------------------------------------------------------------------------


def tiers_required(baseline: _Item) -> tuple[Tier, ...]:
    """The tiers of the baseline, with the ways that they may have."""
    return tuple(
        Tier(
            name,
            frozenset(tier["groups"]),
            frozenset(tier["subnets"]),
            tuple(map(_allowed, tier["reached_from"])),
            tuple(map(_allowed, tier["reaches"])),
        )
        for name, tier in baseline["network"]["reachability"]["tiers"].items()
        if tier["groups"]
    )


def _allowed(way: _Item) -> Allowed:
    ports = way.get("ports")
    addresses = AddressSet.parse(*way["cidr_blocks"]) if "cidr_blocks" in way else None
    return Allowed(
        way["place"],
        normalise_protocol(way.get("protocol", ALL_PROTOCOLS)),
        tuple((port, port) for port in ports) if ports is not None else ((0, LAST_PORT),),
        *(() if addresses is None else (addresses,)),
    )


def report_ways(check: Check, subject: str, aspect: str, findings: list[Finding]) -> None:
    """There must be no way; the message names the chain of each."""
    told = [str(finding) for finding in findings[:_SHOWN]]
    if len(findings) > _SHOWN:
        told.append(f"and {len(findings) - _SHOWN} more ways")
    check.none(subject, aspect, told)
