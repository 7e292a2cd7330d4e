"""Sets of IP addresses: what a CIDR, or any number of them together, really covers.

A rule for `0.0.0.0/1` and one for `128.0.0.0/1` open a port as wide as `0.0.0.0/0` does, so
exposure is never judged on text but on sets of addresses. Everybody may know this module, and it
knows nobody.

What counts as "the internet": more public addresses than one known network can have. The bounds
are AWS's own: the S3 user guide ("Blocking public access to your Amazon S3 storage", the meaning
of "public") calls source addresses broader than /8 of IPv4 or /32 of IPv6 public, private ranges
apart. They also are about the largest blocks that a single organisation holds.

Sources: RFC 6890 (special-purpose addresses), RFC 4291 and RFC 4193 (IPv6), RFC 6052 (NAT64).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
Range = tuple[int, int]
Ranges = tuple[Range, ...]

_LAST: dict[Family, int] = {"ipv4": 2**32 - 1, "ipv6": 2**128 - 1}


def _normalise(intervals: Iterable[Range]) -> Ranges:
    given = tuple(intervals)
    if len(given) < 2:
        return given
    merged: list[Range] = []
    for low, high in sorted(given):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def _intersect(left: Ranges, right: Ranges) -> Ranges:
    """Of two that are sorted, disjoint and merged; so is what they share."""
    if not left or not right:
        return ()
    # Most often one is everything, or at least wider than the other.
    if len(right) == 1 and right[0][0] <= left[0][0] and left[-1][1] <= right[0][1]:
        return left
    if len(left) == 1 and left[0][0] <= right[0][0] and right[-1][1] <= left[0][1]:
        return right
    found: list[Range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def _complement(intervals: Ranges, last: int) -> Ranges:
    found: list[Range] = []
    start = 0
    for low, high in intervals:
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    if start <= last:
        found.append((start, last))
    return tuple(found)


@dataclass(frozen=True)
class AddressSet:
    """A set of IPv4 and IPv6 addresses.

    Each family is held as inclusive integer intervals, sorted, disjoint and merged, so that two
    sets of the same addresses are equal however their CIDRs were cut.
    """

    ipv4: Ranges = ()
    ipv6: Ranges = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ipv4", _normalise(self.ipv4))
        object.__setattr__(self, "ipv6", _normalise(self.ipv6))

    @classmethod
    def parse(cls, *cidrs: str) -> AddressSet:
        """The union of CIDRs or single addresses; host bits may be set (`208.236.235.254/0`: all).

        Raises ValueError, with the text, for anything that is not an address or a CIDR.
        """
        found: dict[Family, list[Range]] = {"ipv4": [], "ipv6": []}
        for cidr in cidrs:
            family, interval = _parse(cidr)
            found[family].append(interval)
        return cls(tuple(found["ipv4"]), tuple(found["ipv6"]))

    @classmethod
    def everything(cls) -> AddressSet:
        """Every address of both families."""
        return cls(((0, _LAST["ipv4"]),), ((0, _LAST["ipv6"]),))

    def of(self, family: Family) -> AddressSet:
        """The part of one family."""
        return AddressSet(ipv4=self.ipv4) if family == "ipv4" else AddressSet(ipv6=self.ipv6)

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(self.ipv4 + other.ipv4, self.ipv6 + other.ipv6)

    def __and__(self, other: AddressSet) -> AddressSet:
        return _merged(_intersect(self.ipv4, other.ipv4), _intersect(self.ipv6, other.ipv6))

    def __sub__(self, other: AddressSet) -> AddressSet:
        return _merged(
            _intersect(self.ipv4, _complement(other.ipv4, _LAST["ipv4"])),
            _intersect(self.ipv6, _complement(other.ipv6, _LAST["ipv6"])),
        )

    def __bool__(self) -> bool:
        return bool(self.ipv4 or self.ipv6)

    def covers(self, other: AddressSet) -> bool:
        """Whether every address of the other set is in this one."""
        return not (other - self)

    def size(self, family: Family) -> int:
        """How many addresses of a family are in the set."""
        intervals = self.ipv4 if family == "ipv4" else self.ipv6
        return sum(high - low + 1 for low, high in intervals)

    def cidrs(self) -> tuple[str, ...]:
        """The fewest CIDRs that make up the set, IPv4 first, in order."""
        found: list[str] = []
        for low, high in self.ipv4:
            found += map(
                str,
                ipaddress.summarize_address_range(
                    ipaddress.IPv4Address(low), ipaddress.IPv4Address(high)
                ),
            )
        for low, high in self.ipv6:
            found += map(
                str,
                ipaddress.summarize_address_range(
                    ipaddress.IPv6Address(low), ipaddress.IPv6Address(high)
                ),
            )
        return tuple(found)

    def describe(self, limit: int = 8) -> str:
        """The set in words for a failure message: at most `limit` CIDRs, then how many more."""
        cidrs = self.cidrs()
        if not cidrs:
            return "no address"
        shown = ", ".join(cidrs[:limit])
        return shown if len(cidrs) <= limit else f"{shown} and {len(cidrs) - limit} more"


def _merged(ipv4: Ranges, ipv6: Ranges) -> AddressSet:
    """The set of intervals that are sorted, disjoint and merged already."""
    made = object.__new__(AddressSet)
    object.__setattr__(made, "ipv4", ipv4)
    object.__setattr__(made, "ipv6", ipv6)
    return made


def _parse(cidr: str) -> tuple[Family, Range]:
    if not isinstance(cidr, str):
        raise ValueError(f"not a CIDR: {cidr!r}")
    text = cidr.strip()
    # ipaddress also takes netmasks (10.0.0.0/255.0.0.0) and zones (fe80::1%eth0); AWS has neither.
    _, slash, prefix = text.partition("/")
    if "%" in text or (slash and not (prefix.isascii() and prefix.isdigit())):
        raise ValueError(f"not a CIDR: {cidr!r}")
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"not a CIDR: {cidr!r}") from error
    family: Family = "ipv4" if network.version == 4 else "ipv6"
    return family, (int(network.network_address), int(network.broadcast_address))


# Addresses that no host on the internet has. Documentation and benchmarking ranges are not among
# them on purpose: networks may route them, and more public addresses only make a verdict stricter.
NOT_ON_THE_INTERNET = AddressSet.parse(
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # RFC 1918
    "100.64.0.0/10",  # shared address space behind carrier NAT, RFC 6598
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",  # RFC 1918
    "192.168.0.0/16",  # RFC 1918
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
)

# Of IPv6, global unicast is 2000::/3. All else (loopback, unique local fc00::/7, link-local,
# multicast, the unassigned rest) is not reachable across the internet.
PUBLIC = AddressSet(ipv4=AddressSet.everything().ipv4) - NOT_ON_THE_INTERNET | AddressSet.parse(
    "2000::/3"
)

# The well-known NAT64 prefix stands for the IPv4 internet in routes and egress rules (RFC 6052).
NAT64 = AddressSet.parse("64:ff9b::/96")


@dataclass(frozen=True)
class Bounds:
    """The most public addresses of a family that still count as a known network."""

    ipv4: int = 2 ** (32 - 8)
    ipv6: int = 2 ** (128 - 32)

    def of(self, family: Family) -> int:
        """The bound of a family."""
        return self.ipv4 if family == "ipv4" else self.ipv6


DEFAULT_BOUNDS = Bounds()

# For what has nothing to do with public addresses at all: a single one is too many.
ANY_PUBLIC = Bounds(ipv4=0, ipv6=0)


def is_internet(addresses: AddressSet, bounds: Bounds = DEFAULT_BOUNDS) -> bool:
    """Whether a set of addresses is too large to be a known network, in either family."""
    return any((addresses & PUBLIC).size(family) > bounds.of(family) for family in FAMILIES)
