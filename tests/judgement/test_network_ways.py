"""What leads out of a VPC, or into it: routes, interfaces, groups elsewhere, any public source."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.addresses import ANY_PUBLIC, AddressSet
from verify.exposure import (
    Verdict,
    exposure_verdict,
    foreign_references,
    interface_kind,
    interface_weaknesses,
    internet_exposures,
    network_acl_internet_exposures,
    rules_from_permissions,
    ways_out,
)

ACCOUNT = "123456789012"
VPC = AddressSet.parse("10.0.0.0/16", "fd00:10::/56")
LOCAL_IPV6 = {"DestinationIpv6CidrBlock": "fd00:10::/56", "GatewayId": "local"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


# --- any public source ----------------------------------------------------------------------------


def _verdict(permission: dict[str, Any], *admitted: str) -> Verdict:
    rules = rules_from_permissions([permission], "ingress")
    return exposure_verdict(
        internet_exposures(rules, bounds=ANY_PUBLIC, admitted=AddressSet.parse(*admitted))
    )


def _from(*ranges: str, **rule: Any) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        **({} if "IpProtocol" in rule else {"FromPort": 22, "ToPort": 22}),
        **rule,
        "IpRanges": [{"CidrIp": block} for block in ranges if ":" not in block],
        "Ipv6Ranges": [{"CidrIpv6": block} for block in ranges if ":" in block],
    }


@pytest.mark.parametrize(
    ("ranges", "admitted", "verdict"),
    [
        (["0.0.0.0/0"], [], "exposed"),
        (["8.0.0.0/8"], [], "exposed"),
        (["203.0.113.7/32"], [], "exposed"),
        (["198.51.100.0/24", "203.0.113.0/24"], ["198.51.100.0/24"], "exposed"),
        (["198.51.100.0/25", "198.51.100.128/25"], ["198.51.100.0/24"], "closed"),
        (["0.0.0.0/0"], ["198.51.100.0/24"], "exposed"),
        (["2a02:908::/48"], [], "exposed"),
        (["2a02:908::/48"], ["2a02:908::/32"], "closed"),
        (["::/0"], ["0.0.0.0/0"], "exposed"),
        (["fd00:1::/32", "fe80::/10"], [], "closed"),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"], [], "closed"),
        (["172.16.0.0/11"], [], "exposed"),
    ],
    ids=str,
)
def test_any_public_source_counts_unless_listed(
    ranges: list[str], admitted: list[str], verdict: str
) -> None:
    assert _verdict(_from(*ranges), *admitted).value == verdict


@pytest.mark.parametrize(
    ("number", "name"),
    [("1", "icmp"), ("6", "tcp"), ("17", "udp"), ("58", "icmpv6"), ("50", "esp"), ("47", "gre")],
)
def test_a_protocol_is_its_number(number: str, name: str) -> None:
    [by_number] = rules_from_permissions([_from("8.0.0.0/8", IpProtocol=number)], "ingress")
    [by_name] = rules_from_permissions([_from("8.0.0.0/8", IpProtocol=name)], "ingress")
    assert by_number == by_name


@given(
    protocol=st.integers(0, 255),
    ports=st.one_of(st.just({}), st.just({"FromPort": 0, "ToPort": 0})),
    last=st.integers(0, 255),
)
def test_whatever_protocol_is_open_to_an_address_is_exposed(
    protocol: int, ports: dict[str, int], last: int
) -> None:
    """ICMP's zeros are a type and a code, TCP's a port; to all others they say nothing."""
    rule = _from(f"198.51.100.{last}/32", IpProtocol=str(protocol), **ports)
    assert _verdict(rule) is Verdict.EXPOSED
    entry = {
        "RuleNumber": 1,
        "RuleAction": "allow",
        "Egress": False,
        "Protocol": str(protocol),
        "CidrBlock": f"198.51.100.{last}/32",
    }
    found = network_acl_internet_exposures([entry], bounds=ANY_PUBLIC)
    assert exposure_verdict(found) is Verdict.EXPOSED


def test_type_and_code_are_no_ports() -> None:
    rule = _from("0.0.0.0/0", IpProtocol="icmp", FromPort=8, ToPort=0)
    [exposure] = internet_exposures(rules_from_permissions([rule], "ingress"))
    assert (exposure.protocol, exposure.from_port, exposure.to_port) == ("icmp", 8, 8)
    assert exposure.covers("1", 8)
    assert not exposure.covers("tcp", 8)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=5), st.lists(st.integers(0, 32), min_size=5))
def test_what_is_listed_does_not_count_and_all_else_does(
    starts: list[int], lengths: list[int]
) -> None:
    ranges = [
        str(ipaddress.ip_network((start, length), strict=False))
        for start, length in zip(starts, lengths, strict=False)
    ]
    if ranges:
        assert _verdict(_from(*ranges), *ranges) is Verdict.CLOSED
    listed = AddressSet.parse("0.0.0.0/32", *ranges).covers(AddressSet.parse("8.8.8.8"))
    beyond = _verdict(_from(*ranges, "8.8.8.8/32"), *ranges)
    assert beyond is (Verdict.CLOSED if listed else Verdict.EXPOSED)


def test_the_reason_tells_few_addresses_from_the_internet() -> None:
    rules = rules_from_permissions([_from("10.0.0.0/8", "203.0.113.7/32")], "ingress")
    [exposure] = internet_exposures(rules, bounds=ANY_PUBLIC)
    assert exposure.reason == (
        "ingress tcp 22 over IPv4 is open to public addresses: 203.0.113.7/32"
    )


def test_a_network_acl_may_admit_what_is_listed() -> None:
    entry = {
        "RuleNumber": 100,
        "RuleAction": "allow",
        "Egress": False,
        "Protocol": "-1",
        "CidrBlock": "203.0.113.0/24",
    }
    listed = AddressSet.parse("203.0.113.0/24")
    assert network_acl_internet_exposures([entry], bounds=ANY_PUBLIC, admitted=listed) == ()
    [exposure] = network_acl_internet_exposures([entry], bounds=ANY_PUBLIC)
    assert exposure.verdict is Verdict.EXPOSED


# --- routes ---------------------------------------------------------------------------------------


def _table(*routes: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "RouteTableId": "rtb-1",
        "Routes": [LOCAL, LOCAL_IPV6, *routes],
        "Associations": [{"Main": True}],
        "PropagatingVgws": [],
        **more,
    }


@pytest.mark.parametrize(
    ("table", "targets"),
    [
        (_table(), []),
        (_table({"DestinationIpv6CidrBlock": "fd00:10::/56", "GatewayId": "local"}), []),
        (_table({"DestinationCidrBlock": "10.0.3.0/24", "GatewayId": "local"}), []),
        # The local route itself may be led through a machine.
        (_table({"DestinationCidrBlock": "10.0.3.0/24", "NetworkInterfaceId": "eni-1"}), ["eni-1"]),
        (_table({"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local"}), ["local"]),
        (_table({"DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": "tgw-1"}), ["tgw-1"]),
        (
            _table({"DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": "pcx-1"}),
            ["pcx-1"],
        ),
        (_table({"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1"}), ["vpce-1"]),
        (_table({"DestinationPrefixListId": "pl-1", "GatewayId": "VpcLattice"}), ["VpcLattice"]),
        (_table({"DestinationPrefixListId": "pl-1", "GatewayId": "local"}), ["local"]),
        (
            _table({"DestinationCidrBlock": "10.1.0.0/16", "IpAddress": "10.0.1.7"}),
            ["(none)"],
        ),
        (
            _table(
                {"DestinationCidrBlock": "10.0.3.0/24", "GatewayId": "local", "IpAddress": "::"}
            ),
            ["local"],
        ),
        # The local route led elsewhere is local no more, and missing.
        (_table(Routes=[LOCAL_IPV6]), [""]),
        (
            _table(
                Routes=[LOCAL_IPV6, {"DestinationCidrBlock": "10.0.0.0/16", "InstanceId": "i-1"}]
            ),
            ["i-1", ""],
        ),
        (_table(PropagatingVgws=[{"GatewayId": "vgw-1"}]), ["vgw-1"]),
        (_table(Associations=[{"GatewayId": "igw-1"}]), ["igw-1"]),
        (_table(Associations=[{"PublicIpv4Pool": "ipv4pool-1"}]), ["ipv4pool-1"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_leads_out_of_the_vpc(table: dict[str, Any], targets: list[str]) -> None:
    found = ways_out(table, VPC)
    assert [way.target for way in found] == targets
    assert all(way.reason.startswith("rtb-1 ") for way in found)


@pytest.mark.parametrize("key", ["Routes", "Associations", "PropagatingVgws"])
def test_a_route_table_that_does_not_say_all(key: str) -> None:
    with pytest.raises(ValueError, match=f"without {key}"):
        ways_out({name: value for name, value in _table().items() if name != key}, VPC)


@pytest.mark.parametrize(
    "route",
    [
        {"GatewayId": "local"},
        {**LOCAL, "DestinationIpv6CidrBlock": "fd00::/8"},
        {**LOCAL, "DestinationPrefixListId": "pl-1"},
    ],
    ids=lambda route: " ".join(route),
)
def test_a_route_has_one_destination(route: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="without one destination"):
        ways_out(_table(route), VPC)


# --- interfaces -----------------------------------------------------------------------------------

PRIVATE: dict[str, Any] = {
    "NetworkInterfaceId": "eni-1",
    "OwnerId": ACCOUNT,
    "InterfaceType": "interface",
    "RequesterManaged": False,
    "SourceDestCheck": True,
    "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.10.7", "Primary": True}],
    "Ipv6Addresses": [],
}
PUBLIC = {"PublicIp": "203.0.113.7"}


@pytest.mark.parametrize(
    ("change", "weaknesses"),
    [
        ({}, []),
        ({"InterfaceType": "lambda", "RequesterManaged": True}, []),
        ({"OwnerId": "999999999999"}, ["belongs to account 999999999999"]),
        ({"Association": PUBLIC}, ["has the public address 203.0.113.7"]),
        (
            {
                "Association": PUBLIC,
                "PrivateIpAddresses": [
                    {"Association": PUBLIC},
                    {"Association": {"CarrierIp": "203.0.113.8"}},
                    {"Association": {"CustomerOwnedIp": "203.0.113.9"}},
                ],
            },
            [f"has the public address 203.0.113.{last}" for last in (7, 8, 9)],
        ),
        (
            {"Ipv6Addresses": [{"Ipv6Address": "2600:1f18::7"}], "Ipv6Address": "2600:1f18::7"},
            ["has the public address 2600:1f18::7"],
        ),
        (
            {"Ipv6Prefixes": [{"Ipv6Prefix": "2600:1f18::/80"}]},
            ["has the public address 2600:1f18::/80"],
        ),
        ({"Ipv6Addresses": [{"Ipv6Address": "fd00:10::7"}]}, []),
        ({"Ipv6Addresses": [{"Ipv6Address": "2600:9000::7"}]}, []),
        (
            {"SourceDestCheck": False},
            ["forwards what is not addressed to it (no source/destination check)"],
        ),
        (
            {"RequesterManaged": True, "Description": "ELB app/open/1"},
            ["is a managed interface (ELB app/open/1)"],
        ),
        (
            {"Operator": {"Managed": True, "Principal": "eks.amazonaws.com"}},
            ["is a managed interface (without a description)"],
        ),
        (
            {"InterfaceType": "transit_gateway", "RequesterManaged": True},
            ["is a transit_gateway (without a description)"],
        ),
        ({"Attachment": {"InstanceOwnerId": ACCOUNT}}, []),
        (
            {"Attachment": {"InstanceOwnerId": "999999999999"}},
            ["is attached to a machine of account 999999999999"],
        ),
        (
            {
                "InterfaceType": "lambda",
                "RequesterManaged": True,
                "Attachment": {"InstanceOwnerId": "amazon-aws"},
            },
            [],
        ),
    ],
    ids=str,
)
def test_what_makes_an_interface_a_way(change: dict[str, Any], weaknesses: list[str]) -> None:
    found = interface_weaknesses(
        {**PRIVATE, **change}, ACCOUNT, ["interface", "lambda"], AddressSet.parse("2600:9000::/56")
    )
    assert list(found) == weaknesses


@pytest.mark.parametrize("key", sorted(set(PRIVATE) - {"NetworkInterfaceId"}))
def test_an_interface_that_does_not_say_all(key: str) -> None:
    interface = {name: value for name, value in PRIVATE.items() if name != key}
    with pytest.raises(ValueError, match=f"without {key}"):
        list(interface_weaknesses(interface, ACCOUNT, ["interface"]))


def test_the_kind_of_an_interface() -> None:
    assert interface_kind(PRIVATE) == "interface"
    assert interface_kind({**PRIVATE, "RequesterManaged": True}) == "managed interface"
    assert interface_kind({"InterfaceType": "vpc_endpoint", "RequesterManaged": True}) == (
        "vpc_endpoint"
    )


# --- groups elsewhere -----------------------------------------------------------------------------


def _group(**pair: str) -> dict[str, Any]:
    permission = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-2", **pair}]}
    return {"OwnerId": ACCOUNT, "VpcId": "vpc-1", "IpPermissions": [permission]}


@pytest.mark.parametrize(
    ("pair", "references"),
    [
        ({}, []),
        ({"UserId": ACCOUNT}, []),
        ({"UserId": ACCOUNT, "VpcId": "vpc-1"}, []),
        ({"UserId": "999999999999"}, ["group sg-2 of vpc-1 (account 999999999999)"]),
        ({"VpcId": "vpc-2"}, [f"group sg-2 of vpc-2 (account {ACCOUNT})"]),
        (
            {"VpcPeeringConnectionId": "pcx-1", "VpcId": "vpc-2"},
            [f"group sg-2 of vpc-2 (account {ACCOUNT}) through pcx-1"],
        ),
    ],
    ids=str,
)
def test_which_groups_are_from_elsewhere(pair: dict[str, str], references: list[str]) -> None:
    assert list(foreign_references(_group(**pair))) == references


def test_a_group_that_does_not_say_whose_it_is() -> None:
    with pytest.raises(ValueError, match="without OwnerId"):
        list(foreign_references({"GroupId": "sg-1", "VpcId": "vpc-1", "IpPermissions": []}))
