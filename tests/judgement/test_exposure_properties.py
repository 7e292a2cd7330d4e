"""What must hold of exposure for any rules at all."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from verify.addresses import PUBLIC, AddressSet
from verify.exposure import (
    Exposure,
    Rule,
    Verdict,
    allowed_sources,
    difference_from,
    exposure_verdict,
    internet_exposures,
    network_acl_internet_exposures,
    rules_from_descriptions,
    rules_from_permissions,
)

WORST_LAST = [Verdict.CLOSED, Verdict.CANNOT_TELL, Verdict.EXPOSED]


@st.composite
def cidrs(draw: st.DrawFn) -> str:
    # Short prefixes are what exposure turns on, so they are drawn more often than chance would.
    if draw(st.booleans()):
        address = ipaddress.IPv4Address(draw(st.integers(0, 2**32 - 1)))
        return f"{address}/{draw(st.one_of(st.integers(0, 9), st.integers(0, 32)))}"
    v6 = ipaddress.IPv6Address(draw(st.integers(0, 2**128 - 1)))
    return f"{v6}/{draw(st.one_of(st.integers(0, 34), st.integers(0, 128)))}"


PORTS = st.one_of(st.sampled_from([0, 21, 22, 23, 443, 65535]), st.integers(0, 65535))
LISTS = st.dictionaries(st.sampled_from(["pl-1", "pl-2"]), st.lists(cidrs(), max_size=2))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    protocol = draw(st.sampled_from(["-1", "tcp", "udp", "icmp", "47"]))
    low, high = sorted((draw(PORTS), draw(PORTS)))
    if protocol == "icmp":
        low, high = draw(st.sampled_from([(-1, -1), (8, -1), (3, 4)]))
    return Rule.of(
        draw(st.sampled_from(["ingress", "egress"])),
        protocol,
        low,
        high,
        cidrs=draw(st.lists(cidrs(), max_size=3)),
        prefix_list_ids=draw(st.sets(st.sampled_from(["pl-1", "pl-2", "pl-3"]), max_size=2)),
        group_ids=draw(st.sets(st.sampled_from(["sg-1", "sg-2"]), max_size=1)),
    )


RULES = st.lists(rules(), max_size=5)


def _halves(cidr: str) -> list[str]:
    network = ipaddress.ip_network(cidr, strict=False)
    if network.prefixlen == network.max_prefixlen:
        return [str(network)]
    return [str(half) for half in network.subnets(prefixlen_diff=1)]


def _at(found: tuple[Exposure, ...], protocol: str, port: int) -> Verdict:
    return exposure_verdict(one for one in found if one.covers(protocol, port))


@given(st.lists(cidrs(), max_size=5), st.lists(cidrs(), max_size=5))
def test_address_sets_obey_set_algebra(left: list[str], right: list[str]) -> None:
    a, b = AddressSet.parse(*left), AddressSet.parse(*right)
    assert (a | b) == (b | a)
    assert (a & b) == (b & a)
    assert (a - b) & b == AddressSet()
    assert (a - b) | (a & b) == a
    assert (a | b).covers(a)
    assert a.covers(a & b)
    for family in ("ipv4", "ipv6"):
        assert (a | b).size(family) == a.size(family) + b.size(family) - (a & b).size(family)


@given(st.lists(cidrs(), max_size=6))
def test_normalising_is_idempotent(texts: list[str]) -> None:
    once = AddressSet.parse(*texts)
    assert AddressSet.parse(*once.cidrs()) == once
    assert AddressSet(once.ipv4, once.ipv6) == once


@given(st.lists(cidrs(), max_size=4), st.integers(0, 2**32 - 1))
def test_membership_agrees_with_the_standard_library(texts: list[str], number: int) -> None:
    address = ipaddress.IPv4Address(number)
    networks = [ipaddress.ip_network(text, strict=False) for text in texts]
    expected = any(address in network for network in networks if network.version == 4)
    assert AddressSet.parse(*texts).covers(AddressSet.parse(str(address))) is expected


@given(cidrs(), st.integers(0, 65535), st.sampled_from(["tcp", "udp", "-1"]))
def test_splitting_a_cidr_into_halves_changes_nothing(cidr: str, port: int, protocol: str) -> None:
    whole = [Rule.of("ingress", protocol, port, port, cidrs=[cidr])]
    in_one = [Rule.of("ingress", protocol, port, port, cidrs=_halves(cidr))]
    in_two = [Rule.of("ingress", protocol, port, port, cidrs=[half]) for half in _halves(cidr)]
    assert internet_exposures(whole) == internet_exposures(in_one) == internet_exposures(in_two)
    assert not difference_from(whole, in_two)


@given(RULES, LISTS, st.integers(0, 65534))
def test_splitting_ports_changes_nothing(
    drawn: list[Rule], lists: dict[str, list[str]], at: int
) -> None:
    split = []
    for rule in drawn:
        low, high = rule.span
        if rule.protocol in ("tcp", "udp") and low <= at < high:
            for first, last in ((low, at), (at + 1, high)):
                split.append(Rule(rule.direction, rule.protocol, first, last, rule.sources))
        else:
            split.append(rule)
    assert internet_exposures(split, lists) == internet_exposures(drawn, lists)
    assert not difference_from(drawn, split, lists)


@given(RULES, LISTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(drawn: list[Rule], lists: dict[str, list[str]], chance: Any) -> None:
    shuffled = drawn.copy()
    chance.shuffle(shuffled)
    assert internet_exposures(shuffled, lists) == internet_exposures(drawn, lists)
    assert not difference_from(drawn, shuffled, lists)


@given(
    RULES,
    rules(),
    LISTS,
    PORTS,
    st.sampled_from(["tcp", "udp", "47", "50"]),
    st.sampled_from(["ingress", "egress"]),
)
def test_another_rule_never_closes_a_port(
    drawn: list[Rule],
    another: Rule,
    lists: dict[str, list[str]],
    port: int,
    protocol: str,
    direction: Any,
) -> None:
    before = _at(internet_exposures(drawn, lists, direction=direction), protocol, port)
    after = _at(internet_exposures([*drawn, another], lists, direction=direction), protocol, port)
    assert WORST_LAST.index(after) >= WORST_LAST.index(before)


@given(RULES, LISTS, PORTS, st.sampled_from(["tcp", "udp", "47", "50"]))
def test_exposure_of_a_port_follows_from_who_may_reach_it(
    drawn: list[Rule], lists: dict[str, list[str]], port: int, protocol: str
) -> None:
    sources = allowed_sources(drawn, protocol, port, prefix_lists=lists)
    public = sources.addresses & PUBLIC
    if public.size("ipv4") > 2**24 or public.size("ipv6") > 2**96:
        expected = Verdict.EXPOSED
    else:
        expected = Verdict.CANNOT_TELL if sources.prefix_list_ids else Verdict.CLOSED
    assert _at(internet_exposures(drawn, lists), protocol, port) is expected


@given(RULES, RULES, LISTS, PORTS, st.sampled_from(["tcp", "udp", "47"]))
def test_no_difference_means_the_same_sources_everywhere(
    left: list[Rule], right: list[Rule], lists: dict[str, list[str]], port: int, protocol: str
) -> None:
    difference = difference_from(left, right, lists)
    mirrored = difference_from(right, left, lists)
    assert (difference.excess, difference.missing) == (mirrored.missing, mirrored.excess)
    one = allowed_sources(left, protocol, port, prefix_lists=lists)
    other = allowed_sources(right, protocol, port, prefix_lists=lists)
    if one != other:
        assert difference
    assert not difference_from(left, left, lists)


@st.composite
def permissions(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted((draw(PORTS), draw(PORTS)))
    texts = draw(st.lists(cidrs(), min_size=1, max_size=3))
    return {
        "IpProtocol": draw(st.sampled_from(["tcp", "udp"])),
        "FromPort": low,
        "ToPort": high,
        "IpRanges": [{"CidrIp": text} for text in texts if ":" not in text],
        "Ipv6Ranges": [{"CidrIpv6": text} for text in texts if ":" in text],
    }


@given(st.lists(permissions(), max_size=4))
def test_both_shapes_of_ec2_give_the_same_rules(drawn: list[dict[str, Any]]) -> None:
    flat = [
        {
            "IsEgress": False,
            "IpProtocol": one["IpProtocol"],
            "FromPort": one["FromPort"],
            "ToPort": one["ToPort"],
            **source,
        }
        for one in drawn
        for source in (
            *({"CidrIpv4": entry["CidrIp"]} for entry in one["IpRanges"]),
            *({"CidrIpv6": entry["CidrIpv6"]} for entry in one["Ipv6Ranges"]),
        )
    ]
    nested = rules_from_permissions(drawn, "ingress")
    assert not difference_from(nested, rules_from_descriptions(flat))
    assert internet_exposures(nested) == internet_exposures(rules_from_descriptions(flat))


@st.composite
def acl_entries(draw: st.DrawFn) -> list[dict[str, Any]]:
    numbers = draw(st.lists(st.integers(1, 32766), max_size=5, unique=True))
    found = []
    for number in numbers:
        low, high = sorted((draw(PORTS), draw(PORTS)))
        # Whole blocks of /2, so that a first match can be followed address block by address block.
        block = draw(st.sampled_from(["0.0.0.0/0", "0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"]))
        found.append(
            {
                "RuleNumber": number,
                "RuleAction": draw(st.sampled_from(["allow", "deny"])),
                "Egress": False,
                "Protocol": draw(st.sampled_from(["-1", "6", "17"])),
                "PortRange": {"From": low, "To": high},
                "CidrBlock": block,
            }
        )
    return found


@given(acl_entries(), PORTS, st.sampled_from([("tcp", "6"), ("udp", "17"), ("50", "50")]))
def test_an_acl_is_decided_by_the_first_entry_that_matches(
    entries: list[dict[str, Any]], port: int, protocol: tuple[str, str]
) -> None:
    def passes(block: str) -> bool:
        for entry in sorted(entries, key=lambda one: int(one["RuleNumber"])):
            in_ports = entry["PortRange"]["From"] <= port <= entry["PortRange"]["To"]
            network = ipaddress.IPv4Network(entry["CidrBlock"])
            if (
                entry["Protocol"] in ("-1", protocol[1])
                and (entry["Protocol"] == "-1" or in_ports)
                and ipaddress.IPv4Network(block).subnet_of(network)
            ):
                return bool(entry["RuleAction"] == "allow")
        return False

    expected = any(passes(block) for block in ("0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"))
    found = network_acl_internet_exposures(entries)
    assert (_at(found, protocol[0], port) is Verdict.EXPOSED) is expected
