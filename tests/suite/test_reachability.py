"""What the checks of reachability say to answers that AWS may give."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.judgement.test_reachability import ANSWERS, entry, group, interface, permission
from verify.account.answer import Answer, pick
from verify.check import Check, ControlFailedError
from verify.checks import test_reachability
from verify.checks.reachability import LaidOut, tiers_of
from verify.exposure.reachability import Tiers
from verify.inputs import baseline
from verify.inputs.deployment import example, parse
from verify.live_fire import owner
from verify.model import NotVerifiedError

_Item = dict[str, Any]

# The outputs name what the answers of the network in tiers are about.
DEPLOYMENT = replace(
    parse(json.dumps(example())),
    vpc_id="vpc-1",
    public_subnet_ids=("subnet-pub1", "subnet-pub2"),
    private_subnet_ids=("subnet-prv1", "subnet-prv2"),
    web_security_group_id="sg-web",
    application_security_group_id="sg-app",
    database_security_group_id="sg-db",
    bastion_security_group_id="sg-bastion",
)


def _baseline(profile: str) -> Any:
    return baseline.filled(baseline.load(profile), DEPLOYMENT.placeholders(), DEPLOYMENT.lists())


def _answers() -> dict[str, _Item]:
    """What each operation answers for the network in tiers as it should be."""
    attached = [{"VpcId": "vpc-1", "State": "available"}]
    return deepcopy(
        {
            "describe_network_acls": {"NetworkAcls": ANSWERS.network_acls},
            "describe_security_groups": {"SecurityGroups": ANSWERS.groups},
            "describe_security_group_vpc_associations": {"SecurityGroupVpcAssociations": []},
            "describe_network_interfaces": {"NetworkInterfaces": []},
            "get_managed_prefix_list_entries": {"Entries": [{"Cidr": "52.216.0.0/15"}]},
            "describe_internet_gateways": {
                "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": attached}]
            },
            "describe_nat_gateways": {
                "NatGateways": [{**nat, "State": "available"} for nat in ANSWERS.nat_gateways]
            },
            "describe_carrier_gateways": {"CarrierGateways": []},
            "describe_vpn_gateways": {"VpnGateways": []},
            "describe_transit_gateway_vpc_attachments": {"TransitGatewayVpcAttachments": []},
            "describe_vpc_peering_connections": {"VpcPeeringConnections": []},
            "describe_local_gateway_route_table_vpc_associations": {
                "LocalGatewayRouteTableVpcAssociations": []
            },
            "describe_vpc_endpoints": {
                "VpcEndpoints": [{**one, "State": "available"} for one in ANSWERS.endpoints]
            },
        }
    )


class Told:
    """An account that answers each operation in one way, or cannot be asked."""

    def __init__(self, responses: dict[str, _Item]) -> None:
        self._responses = responses

    def read(self, read: Any) -> Answer:
        if read.operation not in self._responses:
            raise NotVerifiedError(f"{read.operation} was denied")
        return Answer(self._responses[read.operation], None, "evidence", datetime.now(UTC))

    def pick(self, read: Any, *path: str) -> Any:
        return pick(self.read(read).response or {}, *path)


def _ranges(*blocks: str) -> list[_Item]:
    return [{"CidrBlock": block, "CidrBlockState": {"State": "associated"}} for block in blocks]


def _tiers(check: Check, answers: dict[str, _Item], profile: str = "prod") -> Tiers:
    vpc = {
        "VpcId": "vpc-1",
        "CidrBlockAssociationSet": _ranges("10.0.0.0/16"),
        "Ipv6CidrBlockAssociationSet": [],
    }
    subnets = [
        {"SubnetId": name, "CidrBlock": block, "Ipv6CidrBlockAssociationSet": []}
        for name, [block] in ANSWERS.subnet_ranges.items()
    ]
    return tiers_of(
        LaidOut(),
        check,
        Told(answers),  # type: ignore[arg-type]
        DEPLOYMENT,
        _baseline(profile),
        vpc,
        subnets,
        deepcopy(ANSWERS.route_tables),
        answers["describe_security_groups"]["SecurityGroups"],
    )


_EVERY = (
    test_reachability.test_application_tier_is_reached_from_the_web_tier_alone,
    test_reachability.test_database_tier_is_reached_from_the_application_tier_alone,
    test_reachability.test_bastion_is_reached_from_its_list_alone,
    test_reachability.test_application_tier_reaches_no_internet,
    test_reachability.test_database_tier_reaches_no_internet,
)


def _concluded(answers: dict[str, _Item], test: Callable[..., None]) -> Check:
    check = Check()
    test(check, _tiers(check, answers))
    check.conclude()
    return check


@pytest.mark.parametrize("test", _EVERY, ids=lambda test: test.__name__)
def test_the_network_in_tiers_is_right(test: Callable[..., None]) -> None:
    check = _concluded(_answers(), test)
    assert any("tier: sg-" in note for note in check.notes)


def test_the_internet_reaches_the_web_tier_alone_and_the_network_is_drawn() -> None:
    check = Check()
    test_reachability.test_outsiders_reach_the_web_tier_alone(
        check, DEPLOYMENT, _tiers(check, _answers())
    )
    check.conclude()
    assert check.network is not None
    assert {way.forbidden for way in check.network.ways} == {False}
    assert {"web", "application", "database", "bastion"} <= {
        node.name for node in check.network.nodes
    }


def test_what_opens_a_way_is_named_by_its_chain() -> None:
    answers = _answers()
    opened = group("sg-new", [permission("tcp", 443, ipv4=["0.0.0.0/0"])], [])
    answers["describe_security_groups"]["SecurityGroups"].append(opened)
    check = Check()
    test_reachability.test_outsiders_reach_the_web_tier_alone(
        check, DEPLOYMENT, _tiers(check, answers)
    )
    chain = "internet -> igw-1 -> subnet-pub1 -> sg-new tcp/443"
    with pytest.raises(ControlFailedError, match=chain):
        check.conclude()
    assert check.network is not None
    assert [way.destination for way in check.network.ways if way.forbidden] == ["sg-new"]


@pytest.mark.parametrize("operation", sorted(_answers().keys() - {"describe_security_groups"}))
def test_what_could_not_be_asked_is_no_pass(operation: str) -> None:
    answers = _answers()
    del answers[operation]
    with pytest.raises(NotVerifiedError, match=f"{operation} was denied"):
        _tiers(Check(), answers)


def _unguarded(answers: dict[str, _Item]) -> None:
    answers["describe_network_acls"]["NetworkAcls"][1]["Associations"].pop()


def _gateway_elsewhere(answers: dict[str, _Item]) -> None:
    answers["describe_nat_gateways"]["NatGateways"][0]["SubnetId"] = "subnet-9"


def _unreadable_entry(answers: dict[str, _Item]) -> None:
    answers["describe_network_acls"]["NetworkAcls"][0]["Entries"].append({"RuleNumber": 1})


def _interface_elsewhere(answers: dict[str, _Item]) -> None:
    stranger = {**interface("eni-1", "subnet-prv1", "sg-app"), "SubnetId": "subnet-9"}
    answers["describe_network_interfaces"]["NetworkInterfaces"].append(stranger)


def _source_without_a_kind(answers: dict[str, _Item]) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    answers["describe_security_groups"]["SecurityGroups"][0]["IpPermissions"].append(rule)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_unguarded, "no network ACL says that it guards subnet-prv2"),
        (_gateway_elsewhere, "the subnet of nat-1 is not among the VPC's"),
        (_unreadable_entry, "not a network ACL entry"),
        (_interface_elsewhere, "eni-1 lies in subnet-9"),
        (_source_without_a_kind, "without"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_answers_lack_is_no_pass(
    change: Callable[[dict[str, _Item]], None], message: str
) -> None:
    answers = _answers()
    change(answers)
    with pytest.raises((NotVerifiedError, ValueError), match=message):
        _tiers(Check(), answers)


def test_a_tier_without_its_group_is_none_that_was_judged() -> None:
    answers = _answers()
    groups = answers["describe_security_groups"]["SecurityGroups"]
    groups[:] = [one for one in groups if one["GroupId"] != "sg-db"]
    test = test_reachability.test_database_tier_reaches_no_internet
    with pytest.raises(NotVerifiedError, match="tier database has no group in the VPC"):
        _concluded(answers, test)


def test_a_group_of_live_fire_counts_once_something_is_attached_to_it() -> None:
    answers = _answers()
    opened = group("sg-fire", [permission("tcp", 443, ipv4=["0.0.0.0/0"])], [])
    opened["Tags"] = [{"Key": owner.PURPOSE_TAG, "Value": owner.PURPOSE}]
    answers["describe_security_groups"]["SecurityGroups"].append(opened)
    check = Check()
    assert _tiers(check, answers).from_outside() == []
    assert check.notes == ["sg-fire is a live-fire group, attached to nothing: not judged"]
    attached = interface("eni-1", "subnet-pub1", "sg-fire", Association={"PublicIp": "192.0.2.1"})
    answers["describe_network_interfaces"]["NetworkInterfaces"].append(attached)
    assert _tiers(Check(), answers).from_outside()


def test_many_ways_are_told_in_few_words() -> None:
    answers = _answers()
    for number in range(30):
        opened = group(f"sg-{number:02}", [permission("tcp", 443, ipv4=["0.0.0.0/0"])], [])
        answers["describe_security_groups"]["SecurityGroups"].append(opened)
    check = Check()
    test_reachability.test_outsiders_reach_the_web_tier_alone(
        check, DEPLOYMENT, _tiers(check, answers)
    )
    with pytest.raises(ControlFailedError, match="and 18 more ways"):
        check.conclude()


def test_dev_is_closed_where_prod_is_not() -> None:
    """The same network held to dev: what comes in and goes out is named."""
    check = Check()
    tiers = _tiers(check, _answers(), "dev")
    assert [str(finding) for finding in tiers.from_outside()] == [
        "internet -> igw-1 -> subnet-pub1 -> sg-web tcp/80, tcp/443"
        " (and 1 more between other subnets)"
    ]
    ends = {finding.chain.ways[-1].via for finding in tiers.outward()}
    assert ends == {("igw-1",), ("nat-1", "igw-1"), ("vpce-s3",)}


def test_an_entry_of_a_network_acl_may_open_what_a_group_admits() -> None:
    """Neither the group's rule nor the ACL's entry is a way by itself."""
    answers = _answers()
    bastion = answers["describe_security_groups"]["SecurityGroups"][3]
    bastion["IpPermissions"] = [permission("tcp", 22, ipv4=["203.0.113.0/24"])]
    assert _tiers(Check(), answers).from_outside() == []
    acl = answers["describe_network_acls"]["NetworkAcls"][0]
    ssh: _Item = {"Protocol": "6", "PortRange": {"From": 22, "To": 22}}
    acl["Entries"].append(entry(150, **ssh))
    assert [str(finding) for finding in _tiers(Check(), answers).from_outside()] == [
        "internet (203.0.113.0/24) -> igw-1 -> subnet-pub1 -> sg-bastion tcp/22"
        " (and 1 more between other subnets)"
    ]
