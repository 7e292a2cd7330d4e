"""The shared table of exposure cases, and what of exposure the table cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from verify.addresses import AddressSet, Bounds
from verify.exposure import (
    Exposure,
    Rule,
    Verdict,
    allowed_sources,
    difference_from,
    exposure_verdict,
    internet_exposures,
    internet_routes,
    network_acl_internet_exposures,
    rules_from_descriptions,
    rules_from_group,
    rules_from_permissions,
)

CASES = Path(__file__).parent / "cases"


def _cases(name: str) -> list[Any]:
    table = json.loads((CASES / name).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["name"]) for case in table["cases"]]


def _judge(case: dict[str, Any]) -> tuple[Exposure, ...]:
    direction = case.get("direction", "ingress")
    if "network_acl_entries" in case:
        return network_acl_internet_exposures(case["network_acl_entries"], direction=direction)
    if "security_group_rules" in case:
        rules = rules_from_descriptions(case["security_group_rules"])
    else:
        rules = rules_from_permissions(case["permissions"], direction)
    return internet_exposures(rules, case.get("prefix_lists"), direction=direction)


@pytest.mark.parametrize("case", _cases("exposure.json"))
def test_exposure_case(case: dict[str, Any]) -> None:
    found = _judge(case)
    assert exposure_verdict(found).value == case["verdict"], case["why"]
    exposed = [
        [one.family, one.protocol, one.from_port, one.to_port]
        for one in found
        if one.verdict is Verdict.EXPOSED
    ]
    assert exposed == case["exposed"], case["why"]
    assert all(one.reason for one in found)


@pytest.mark.parametrize("case", _cases("routes.json"))
def test_route_case(case: dict[str, Any]) -> None:
    table = {"RouteTableId": "rtb-1", "Routes": case["routes"]}
    found = internet_routes(table, case.get("prefix_lists"))
    assert [[route.reach.value, route.kind] for route in found] == case["reaches"], case["why"]
    assert all(route.reason.startswith("rtb-1 sends ") for route in found)


def test_reasons_say_what_is_open_to_whom() -> None:
    rules = rules_from_permissions(
        [
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "IpRanges": [{"CidrIp": "0.0.0.0/1"}, {"CidrIp": "128.0.0.0/1"}],
            }
        ],
        "ingress",
    )
    (exposure,) = internet_exposures(rules)
    assert exposure.reason == "ingress tcp 22 over IPv4 is open to the internet: 0.0.0.0/0"
    assert exposure.how == ("0.0.0.0/0",)
    assert exposure.covers("tcp", 22)
    assert exposure.covers(6, 22)
    assert not exposure.covers("tcp", 23)
    assert not exposure.covers("udp", 22)


def test_an_unresolved_prefix_list_is_named_in_the_reason() -> None:
    rules = [Rule.of("ingress", "tcp", 22, 22, prefix_list_ids=["pl-1"])]
    found = internet_exposures(rules)
    assert {one.verdict for one in found} == {Verdict.CANNOT_TELL}
    assert {one.family for one in found} == {"ipv4", "ipv6"}
    assert all("prefix list pl-1" in one.reason for one in found)


def test_bounds_are_the_callers_to_tighten() -> None:
    rules = [Rule.of("ingress", "tcp", 22, 22, cidrs=["198.51.100.0/24"])]
    assert internet_exposures(rules) == ()
    (exposure,) = internet_exposures(rules, bounds=Bounds(ipv4=255))
    assert exposure.verdict is Verdict.EXPOSED


def test_an_acl_exposure_of_other_protocols_says_nothing_of_tcp() -> None:
    entries = [
        {
            "RuleNumber": 50,
            "RuleAction": "deny",
            "Egress": False,
            "Protocol": "6",
            "PortRange": {"From": 22, "To": 22},
            "CidrBlock": "0.0.0.0/0",
        },
        {
            "RuleNumber": 100,
            "RuleAction": "allow",
            "Egress": False,
            "Protocol": "-1",
            "CidrBlock": "0.0.0.0/0",
        },
    ]
    found = network_acl_internet_exposures(entries)
    assert not any(one.covers("tcp", 22) for one in found)
    assert any(one.covers("tcp", 23) for one in found)
    assert any(one.covers("47", 0) for one in found)


def test_difference_is_none_for_the_same_rules_in_other_words() -> None:
    required = [Rule.of("ingress", "tcp", 443, 443, cidrs=["10.0.0.0/16"])]
    live = rules_from_permissions(
        [
            {
                "IpProtocol": "6",
                "FromPort": 443,
                "ToPort": 443,
                "IpRanges": [{"CidrIp": "10.0.128.0/17"}, {"CidrIp": "10.0.0.9/17"}],
            }
        ],
        "ingress",
    )
    difference = difference_from(required, live)
    assert not difference
    assert difference.describe() == "no difference"


def test_difference_tells_what_is_too_much_and_what_is_missing() -> None:
    required = [
        Rule.of("ingress", "tcp", 443, 443, cidrs=["10.0.0.0/16"]),
        Rule.of("egress", "-1", cidrs=["0.0.0.0/0"]),
    ]
    live = [
        Rule.of("ingress", "tcp", 22, 443, cidrs=["10.0.0.0/17"]),
        Rule.of("ingress", "tcp", 443, 443, group_ids=["sg-1"], prefix_list_ids=["pl-1"]),
        Rule.of("egress", "tcp", 443, 443, cidrs=["0.0.0.0/0"]),
    ]
    assert difference_from(required, live).describe() == (
        "too much: ingress tcp 22-442 from 10.0.0.0/17; "
        "too much: ingress tcp 443 from prefix list pl-1, group sg-1; "
        "missing: ingress tcp 443 from 10.0.128.0/17; "
        # Said once for all protocols, it is not said again for tcp, where 443 is not missing.
        "missing: egress all protocols to 0.0.0.0/0"
    )


def test_an_all_traffic_rule_is_too_much_even_where_tcp_is_required() -> None:
    required = [Rule.of("ingress", "tcp", 443, 443, cidrs=["10.0.0.0/16"])]
    live = [Rule.of("ingress", "-1", cidrs=["10.0.0.0/16"])]
    difference = difference_from(required, live)
    assert difference.describe() == "too much: ingress all protocols from 10.0.0.0/16"
    assert difference.missing == ()


def test_difference_resolves_prefix_lists_when_it_can() -> None:
    required = [Rule.of("ingress", "tcp", 443, 443, cidrs=["10.0.0.0/16"])]
    live = [Rule.of("ingress", "tcp", 443, 443, prefix_list_ids=["pl-1"])]
    assert difference_from(required, live)
    assert not difference_from(required, live, {"pl-1": ["10.0.0.0/16"]})


def test_allowed_sources_gathers_every_rule_that_holds_the_port() -> None:
    rules = [
        Rule.of("ingress", "-1", group_ids=["sg-1"]),
        Rule.of("ingress", "tcp", 400, 500, cidrs=["10.0.0.0/17"]),
        Rule.of("ingress", "tcp", 443, 443, cidrs=["10.0.128.0/17"], prefix_list_ids=["pl-1"]),
        Rule.of("ingress", "udp", 443, 443, cidrs=["192.168.0.0/16"]),
        Rule.of("egress", "tcp", 443, 443, cidrs=["0.0.0.0/0"]),
    ]
    sources = allowed_sources(rules, "tcp", 443)
    assert sources.addresses == AddressSet.parse("10.0.0.0/16")
    assert sources.group_ids == {"sg-1"}
    assert sources.prefix_list_ids == {"pl-1"}
    assert not allowed_sources(rules[1:], "tcp", 22)


def test_icmp_type_and_code_are_not_ports() -> None:
    echo = Rule.of("ingress", "icmp", 8, -1, cidrs=["0.0.0.0/0"])
    (exposure,) = internet_exposures([echo])
    assert (exposure.from_port, exposure.to_port) == (8, 8)
    assert exposure.reason.startswith("ingress icmp type 8 ")
    assert allowed_sources([echo], "icmp", 8)
    assert not allowed_sources([echo], "icmp", 0)
    assert not allowed_sources([echo], "icmp", 7)
    assert not allowed_sources([echo], "icmp", 9)
    assert not allowed_sources([echo], "tcp", 8)
    assert Rule.of("ingress", "icmp", 8, cidrs=["0.0.0.0/0"]) == echo
    one_code = Rule.of("ingress", "icmp", 3, 4, cidrs=["0.0.0.0/0"])
    assert one_code.span == (772, 772)
    assert Rule.of("ingress", "icmp", 255, 255, cidrs=["0.0.0.0/0"]).span == (65535, 65535)
    assert difference_from([one_code], [Rule.of("ingress", "icmp", 3, -1, cidrs=["0.0.0.0/0"])])


def test_the_last_address_is_not_lost() -> None:
    last = AddressSet.parse("255.255.255.255/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128")
    rest = AddressSet.everything() - last
    assert AddressSet.everything() - rest == last
    assert last.cidrs() == (
        "255.255.255.255/32",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    )
    assert not rest.covers(last)
    assert (rest | last) == AddressSet.everything()


def test_nat64_stands_for_the_addresses_within_it() -> None:
    def verdict(cidr: str) -> Verdict:
        rule = Rule.of("egress", "tcp", 443, 443, cidrs=[cidr])
        return exposure_verdict(internet_exposures([rule], direction="egress"))

    # The last 32 bits are the IPv4 address: /104 is a /8 of it, /103 is broader.
    assert verdict("64:ff9b::1100:0/104") is Verdict.CLOSED
    assert verdict("64:ff9b::1000:0/103") is Verdict.EXPOSED
    assert verdict("64:ff9b::a00:0/104") is Verdict.CLOSED
    ingress = Rule.of("ingress", "tcp", 443, 443, cidrs=["64:ff9b::/96"])
    assert internet_exposures([ingress]) == ()


@pytest.mark.parametrize("kind", ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"])
def test_a_group_that_leaves_out_a_kind_of_source_is_refused(kind: str) -> None:
    rule = {
        "IpProtocol": "-1",
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
        "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }
    del rule[kind]
    group = {"GroupId": "sg-1", "IpPermissions": [], "IpPermissionsEgress": [rule]}
    with pytest.raises(ValueError, match=f"without {kind}"):
        rules_from_group(group)


def test_a_difference_names_whole_stretches_of_ports() -> None:
    live = [
        Rule.of("ingress", "tcp", 0, 21, cidrs=["10.0.0.0/8"]),
        Rule.of("ingress", "tcp", 22, 80, cidrs=["10.0.0.0/8"]),
        Rule.of("ingress", "tcp", 82, 82, cidrs=["10.0.0.0/8"]),
    ]
    assert [part.describe() for part in difference_from([], live).excess] == [
        "ingress tcp 0-80 from 10.0.0.0/8",
        "ingress tcp 82 from 10.0.0.0/8",
    ]


def test_both_directions_of_a_group_are_read() -> None:
    rule = {
        "IpProtocol": "-1",
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [{"GroupId": "sg-1"}],
    }
    group = {"GroupId": "sg-1", "IpPermissions": [rule], "IpPermissionsEgress": [rule]}
    assert [rule.direction for rule in rules_from_group(group)] == ["ingress", "egress"]


@pytest.mark.parametrize(
    "text", ["", "0", "0/0", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "::/129", "fe80::1%eth0", "x/0"]
)
def test_a_malformed_cidr_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="not a CIDR") as raised:
        AddressSet.parse("10.0.0.0/8", text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize(
    "permission",
    [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22},
        {"FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcpx", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 21, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "tcp", "FromPort": "22", "ToPort": 22, "IpRanges": [{"CidrIp": "::/0"}]},
        {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 70000, "IpRanges": [{"CidrIp": "::/0"}]},
        {"IpProtocol": "-1", "IpRanges": [{"Cidr": "0.0.0.0/0"}]},
        {"IpProtocol": "-1", "UserIdGroupPairs": [{}]},
        {"IpProtocol": "icmp", "FromPort": 256, "ToPort": 0, "IpRanges": [{"CidrIp": "::/0"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": 256, "IpRanges": [{"CidrIp": "::/0"}]},
        {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -2, "IpRanges": [{"CidrIp": "::/0"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ],
)
def test_a_permission_that_cannot_be_read_is_refused(permission: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        rules_from_permissions([permission], "ingress")


@pytest.mark.parametrize(
    "entry",
    [
        {"RuleNumber": 1, "RuleAction": "allow", "Egress": False, "Protocol": "-1"},
        {"RuleAction": "allow", "Egress": False, "Protocol": "-1", "CidrBlock": "0.0.0.0/0"},
        {"RuleNumber": 1, "RuleAction": "pass", "Egress": False, "CidrBlock": "0.0.0.0/0"},
        {"RuleNumber": 1, "RuleAction": "allow", "Egress": False, "CidrBlock": "0.0.0.0/0"},
    ],
)
def test_an_acl_entry_that_cannot_be_read_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        network_acl_internet_exposures([entry])


def test_other_documents_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(ValueError, match="without IpPermissionsEgress"):
        rules_from_group({"GroupId": "sg-1", "IpPermissions": []})
    with pytest.raises(ValueError, match="direction"):
        rules_from_descriptions([{"IpProtocol": "-1", "CidrIpv4": "0.0.0.0/0"}])
    with pytest.raises(ValueError, match="without any source"):
        rules_from_descriptions([{"IsEgress": False, "IpProtocol": "-1"}])
    with pytest.raises(ValueError, match="without Routes"):
        internet_routes({"RouteTableId": "rtb-1"})
    with pytest.raises(ValueError, match="without one destination"):
        internet_routes({"RouteTableId": "rtb-1", "Routes": [{"GatewayId": "igw-1"}]})
    with pytest.raises(ValueError, match="not a CIDR"):
        internet_exposures(
            [Rule.of("ingress", "tcp", 22, 22, prefix_list_ids=["pl-1"])], {"pl-1": ["world"]}
        )
