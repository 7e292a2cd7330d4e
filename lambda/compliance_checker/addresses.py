"""Whether a set of network addresses amounts to the Internet.

Addresses are sets, not spellings: ``0.0.0.0/0``, ``0.0.0.0/1`` with ``128.0.0.0/1``, ``::/0`` and a
non-canonical ``208.236.235.254/0`` all let everyone in. A rule counts as open to the Internet when
it admits more public addresses than a /8 of IPv4 or a /32 of IPv6 holds, which is where AWS draws
the line (S3 user guide, "The meaning of 'public'"): more than one organisation owns, and few
enough that splitting the whole into pieces does not hide it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

# Public space, as far as it matters for such numbers: all of IPv4 less RFC 1918, loopback, link-
# local, shared (RFC 6598), multicast and reserved; IPv6 global unicast 2000::/3.
_NOT_PUBLIC_IPV4 = (
    (0x0A000000, 0x0AFFFFFF),  # 10.0.0.0/8
    (0x64400000, 0x647FFFFF),  # 100.64.0.0/10
    (0x7F000000, 0x7FFFFFFF),  # 127.0.0.0/8
    (0xA9FE0000, 0xA9FEFFFF),  # 169.254.0.0/16
    (0xAC100000, 0xAC1FFFFF),  # 172.16.0.0/12
    (0xC0A80000, 0xC0A8FFFF),  # 192.168.0.0/16
    (0xE0000000, 0xFFFFFFFF),  # 224.0.0.0/3
)
_LIMIT = {4: 1 << 24, 6: 1 << 96}
_PORTS = (0, 65535)
# A security group holds 60 rules unless the quota is raised. Beyond that the union of all rules
# decides, so that a hostile record cannot buy hours of comparison.
_COMPARED = 64


@dataclass(frozen=True, slots=True)
class Block:
    """A CIDR block as an inclusive range of addresses; ``version`` is 4 or 6."""

    version: int
    first: int
    last: int


def parse_block(cidr: object) -> Block | None:
    """The block that a CIDR denotes, host bits ignored as AWS ignores them; None if it is none."""
    if not isinstance(cidr, str) or len(cidr) > 64:
        return None
    if cidr in ("0.0.0.0/0", "::/0"):
        return Block(4, 0, (1 << 32) - 1) if cidr[0] == "0" else Block(6, 0, (1 << 128) - 1)

    try:
        network = ip_network(cidr.strip(), strict=False)
    except ValueError:
        return None
    return Block(network.version, int(network.network_address), int(network.broadcast_address))


def _public_size(block: Block) -> int:
    if block.version == 6:
        first, last = max(block.first, 1 << 125), min(block.last, (1 << 126) - 1)
        return max(0, last - first + 1)
    size = block.last - block.first + 1
    for first, last in _NOT_PUBLIC_IPV4:
        size -= max(0, min(last, block.last) - max(first, block.first) + 1)
    return size


def _union(blocks: Iterable[Block]) -> list[Block]:
    merged: list[Block] = []
    for block in sorted(blocks, key=lambda each: (each.version, each.first, each.last)):
        previous = merged[-1] if merged else None
        if previous and previous.version == block.version and block.first <= previous.last + 1:
            merged[-1] = Block(block.version, previous.first, max(previous.last, block.last))
        else:
            merged.append(block)
    return merged


def reach_internet(blocks: Iterable[Block]) -> bool:
    """Whether the blocks together hold more public addresses than an organisation owns."""
    sizes = {4: 0, 6: 0}
    for block in _union(blocks):
        sizes[block.version] += _public_size(block)
    return any(sizes[version] > _LIMIT[version] for version in sizes)


@dataclass(frozen=True, slots=True)
class Opening:
    """One allowed range: protocol as AWS writes it, ports (None: all, or none such), source."""

    protocol: str
    from_port: int | None
    to_port: int | None
    cidr: str
    block: Block

    @property
    def ports(self) -> tuple[int, int]:
        """Ports as an inclusive range; AWS means all by ``-1`` or by leaving them out."""
        if self.protocol == "-1" or self.from_port is None or self.from_port < 0:
            return _PORTS
        last = self.to_port if self.to_port is not None else self.from_port
        return (self.from_port, last) if last >= self.from_port else _PORTS

    def as_details(self) -> dict[str, Any]:
        """The opening as it stands in an alert."""
        return {
            "protocol": self.protocol,
            "from_port": self.from_port,
            "to_port": self.to_port,
            "cidr": self.cidr,
        }


def internet_openings(openings: Sequence[Opening]) -> list[Opening]:
    """Those openings that, alone or together on some protocol and port, admit the Internet.

    Ranges split over several rules are put together again where their ports overlap.
    """
    found: list[Opening] = []
    narrow: list[Opening] = []
    for opening in openings:
        (found if reach_internet((opening.block,)) else narrow).append(opening)
    if not reach_internet(opening.block for opening in narrow):
        return found
    if len(narrow) > _COMPARED:
        return found + narrow
    for opening in narrow:
        first, last = opening.ports
        # Ports at which the set of overlapping rules can change, within this opening's own range.
        points = {first} | {other.ports[0] for other in narrow if first <= other.ports[0] <= last}
        if any(
            reach_internet(other.block for other in narrow if _overlap(opening, other, port))
            for port in points
        ):
            found.append(opening)
    return found


def _overlap(opening: Opening, other: Opening, port: int) -> bool:
    if other.protocol != opening.protocol and "-1" not in (other.protocol, opening.protocol):
        return False
    first, last = other.ports
    return first <= port <= last
