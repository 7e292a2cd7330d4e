"""Network rules as EC2 returns them, normalised so that they can be compared as sets.

Sources: EC2 API reference, IpPermission, SecurityGroupRule, NetworkAclEntry; IANA protocol numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from verify.addresses import AddressSet

Direction = Literal["ingress", "egress"]
PrefixLists = Mapping[str, Iterable[str]]

ALL_PROTOCOLS = "all"
LAST_PORT = 65535

_PROTOCOL_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
# EC2 answers with their numbers; people write their names (IANA's keywords, and "icmp6").
_PROTOCOL_NUMBERS = {
    "icmp6": "58",
    "ipv6-icmp": "58",
    "igmp": "2",
    "ipv4": "4",
    "ipv6": "41",
    "gre": "47",
    "esp": "50",
    "ah": "51",
    "ospf": "89",
    "vrrp": "112",
    "l2tp": "115",
    "sctp": "132",
}
_PROTOCOLS_WITH_PORTS = frozenset({"tcp", "udp"})
ICMP_PROTOCOLS = frozenset({"icmp", "icmpv6"})


def normalise_protocol(value: object) -> str:
    """`"-1"` becomes `all`; 6, 17, 1, 58 become tcp, udp, icmp, icmpv6; other numbers stay as text.

    Names of others become their numbers. Raises ValueError for anything else.
    """
    text = str(value).strip().lower()
    text = _PROTOCOL_NUMBERS.get(text, text)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"not a protocol: {value!r}")
    if text in ("-1", "all"):
        return ALL_PROTOCOLS
    if text in _PROTOCOL_NAMES.values():
        return text
    if text.isascii() and text.isdigit() and int(text) <= 255:
        return _PROTOCOL_NAMES.get(str(int(text)), str(int(text)))
    raise ValueError(f"not a protocol: {value!r}")


NO_ADDRESS = AddressSet()


@dataclass(frozen=True)
class Sources:
    """Whom a rule lets in (ingress) or lets be reached (egress)."""

    addresses: AddressSet = NO_ADDRESS
    prefix_list_ids: frozenset[str] = frozenset()
    group_ids: frozenset[str] = frozenset()

    def __or__(self, other: Sources) -> Sources:
        return Sources(
            self.addresses | other.addresses,
            self.prefix_list_ids | other.prefix_list_ids,
            self.group_ids | other.group_ids,
        )

    def __sub__(self, other: Sources) -> Sources:
        return Sources(
            self.addresses - other.addresses,
            self.prefix_list_ids - other.prefix_list_ids,
            self.group_ids - other.group_ids,
        )

    def __bool__(self) -> bool:
        return bool(self.addresses or self.prefix_list_ids or self.group_ids)

    def resolved(self, prefix_lists: PrefixLists) -> Sources:
        """The same with every prefix list that the mapping knows replaced by its addresses."""
        known = [name for name in self.prefix_list_ids if name in prefix_lists]
        addresses = self.addresses
        for name in known:
            addresses = addresses | AddressSet.parse(*prefix_lists[name])
        return Sources(addresses, self.prefix_list_ids - set(known), self.group_ids)

    def describe(self) -> str:
        """In words, for a failure message."""
        parts = [self.addresses.describe()] if self.addresses else []
        parts += [f"prefix list {name}" for name in sorted(self.prefix_list_ids)]
        parts += [f"group {name}" for name in sorted(self.group_ids)]
        return ", ".join(parts) or "nobody"


@dataclass(frozen=True)
class Rule:
    """One rule of a security group that allows traffic.

    `protocol` is `all`, `tcp`, `udp`, `icmp`, `icmpv6` or a number as text. `from_port` and
    `to_port` are inclusive, both None for "every port" (and for protocols that have none). For ICMP
    they are type and code as in EC2, with -1 for "every".
    """

    direction: Direction
    protocol: str
    from_port: int | None
    to_port: int | None
    sources: Sources

    @classmethod
    def of(
        cls,
        direction: Direction,
        protocol: str | int,
        from_port: int | None = None,
        to_port: int | None = None,
        *,
        cidrs: Iterable[str] = (),
        prefix_list_ids: Iterable[str] = (),
        group_ids: Iterable[str] = (),
    ) -> Rule:
        """A rule from its parts; ports are normalised as EC2 means them. Raises ValueError."""
        if direction not in ("ingress", "egress"):
            raise ValueError(f"not a direction: {direction!r}")
        name = normalise_protocol(protocol)
        first, last = _normalise_ports(name, from_port, to_port)
        sources = Sources(
            AddressSet.parse(*cidrs), frozenset(prefix_list_ids), frozenset(group_ids)
        )
        return cls(direction, name, first, last, sources)

    @property
    def span(self) -> tuple[int, int]:
        """The ports as one inclusive interval in 0-65535; for ICMP 256 * type + code."""
        if self.from_port is None:
            return 0, LAST_PORT
        if self.protocol in ICMP_PROTOCOLS:
            code = self.to_port
            base = self.from_port * 256
            return (base, base + 255) if code in (None, -1) else (base + code, base + code)
        return self.from_port, LAST_PORT if self.to_port is None else self.to_port


def _normalise_ports(
    protocol: str, from_port: int | None, to_port: int | None
) -> tuple[int | None, int | None]:
    for port in (from_port, to_port):
        if port is not None and (isinstance(port, bool) or not isinstance(port, int)):
            raise ValueError(f"not a port: {port!r}")
    if protocol in ICMP_PROTOCOLS:
        return _normalise_icmp(protocol, from_port, to_port)
    first, last = (None if port == -1 else port for port in (from_port, to_port))
    # EC2 ignores ports for every protocol but these, and records carry 0-0 for "-1".
    if protocol not in _PROTOCOLS_WITH_PORTS or (first is None and last is None):
        return None, None
    if first is None or last is None:
        raise ValueError(f"half a port range: from {from_port} to {to_port}")
    if not 0 <= first <= last <= LAST_PORT:
        raise ValueError(f"not a port range: from {from_port} to {to_port}")
    return (None, None) if (first, last) == (0, LAST_PORT) else (first, last)


def _normalise_icmp(
    protocol: str, kind: int | None, code: int | None
) -> tuple[int | None, int | None]:
    if kind is None or kind == -1:
        return None, None
    if not (0 <= kind <= 255 and (code is None or -1 <= code <= 255)):
        raise ValueError(f"not an {protocol} type and code: {kind}, {code}")
    return kind, -1 if code is None else code


def rules_from_permissions(
    permissions: Iterable[Mapping[str, Any]], direction: Direction
) -> tuple[Rule, ...]:
    """Rules from DescribeSecurityGroups' `IpPermissions` (ingress) or `IpPermissionsEgress`.

    Raises ValueError for a permission that names no source: it would otherwise count as closed.
    """
    found = []
    for permission in permissions:
        cidrs = [_text(entry, "CidrIp") for entry in permission.get("IpRanges") or ()]
        cidrs += [_text(entry, "CidrIpv6") for entry in permission.get("Ipv6Ranges") or ()]
        lists = [_text(entry, "PrefixListId") for entry in permission.get("PrefixListIds") or ()]
        groups = [_group(entry) for entry in permission.get("UserIdGroupPairs") or ()]
        if not (cidrs or lists or groups):
            raise ValueError(f"a permission without any source: {dict(permission)!r}")
        found.append(
            Rule.of(
                direction,
                _protocol(permission),
                permission.get("FromPort"),
                permission.get("ToPort"),
                cidrs=cidrs,
                prefix_list_ids=lists,
                group_ids=groups,
            )
        )
    return tuple(found)


_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")


def rules_from_group(group: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Both directions of one entry of DescribeSecurityGroups' `SecurityGroups`."""
    for key in ("IpPermissions", "IpPermissionsEgress"):
        if key not in group:
            raise ValueError(f"a security group without {key}: {group.get('GroupId')!r}")
        # EC2 names each kind of source, if only to say that there is none.
        for permission in group[key]:
            missing = [kind for kind in _SOURCES if kind not in permission]
            if missing:
                raise ValueError(f"a permission without {missing[0]}: {dict(permission)!r}")
    return rules_from_permissions(group["IpPermissions"], "ingress") + rules_from_permissions(
        group["IpPermissionsEgress"], "egress"
    )


def rules_from_descriptions(rules: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules from DescribeSecurityGroupRules' `SecurityGroupRules`; ports of -1 mean every port."""
    found = []
    for rule in rules:
        if not isinstance(rule.get("IsEgress"), bool):
            raise ValueError(f"a rule that does not say its direction: {dict(rule)!r}")
        cidrs = [rule[key] for key in ("CidrIpv4", "CidrIpv6") if rule.get(key)]
        lists = [rule["PrefixListId"]] if rule.get("PrefixListId") else []
        groups = [_group(rule["ReferencedGroupInfo"])] if rule.get("ReferencedGroupInfo") else []
        if not (cidrs or lists or groups):
            raise ValueError(f"a rule without any source: {dict(rule)!r}")
        found.append(
            Rule.of(
                "egress" if rule["IsEgress"] else "ingress",
                _protocol(rule),
                rule.get("FromPort"),
                rule.get("ToPort"),
                cidrs=cidrs,
                prefix_list_ids=lists,
                group_ids=groups,
            )
        )
    return tuple(found)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise ValueError(f"a source without {key}: {dict(entry)!r}")
    return value


def _protocol(entry: Mapping[str, Any]) -> str | int:
    if "IpProtocol" not in entry:
        raise ValueError(f"a rule without IpProtocol: {dict(entry)!r}")
    protocol: str | int = entry["IpProtocol"]
    return protocol


def _group(entry: Mapping[str, Any]) -> str:
    name = entry.get("GroupId") or entry.get("GroupName")
    if not isinstance(name, str):
        raise ValueError(f"a referenced group without an id: {dict(entry)!r}")
    return name


@dataclass(frozen=True)
class AclEntry:
    """One entry of a network ACL. `span` is as in Rule."""

    number: int
    direction: Direction
    allow: bool
    protocol: str
    span: tuple[int, int]
    addresses: AddressSet

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> AclEntry:
        """From one of DescribeNetworkAcls' `Entries`. Raises ValueError for what cannot be read."""
        number, action, egress = (entry.get(k) for k in ("RuleNumber", "RuleAction", "Egress"))
        cidrs = [entry[key] for key in ("CidrBlock", "Ipv6CidrBlock") if entry.get(key)]
        if (
            not isinstance(number, int)
            or action not in ("allow", "deny")
            or not isinstance(egress, bool)
            or len(cidrs) != 1
        ):
            raise ValueError(f"not a network ACL entry: {dict(entry)!r}")
        protocol = normalise_protocol(entry.get("Protocol"))
        if protocol in ICMP_PROTOCOLS:
            ports = entry.get("IcmpTypeCode") or {}
            first, last = ports.get("Type"), ports.get("Code")
        else:
            ports = entry.get("PortRange") or {}
            first, last = ports.get("From"), ports.get("To")
        direction: Direction = "egress" if egress else "ingress"
        rule = Rule.of(direction, protocol, first, last, cidrs=cidrs)
        return cls(
            number, direction, action == "allow", protocol, rule.span, rule.sources.addresses
        )
