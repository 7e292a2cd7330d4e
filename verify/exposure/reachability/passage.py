"""What passes a chain of filters: by addresses of both ends, protocol, port and port of replies.

A filter of a network ACL sees one address of each packet: where it comes from on the way into a
subnet, where it goes on the way out. So all that a chain of them asks is of the source's addresses
or of the destination's, by the port asked for, or by that of the reply. A security group is asked
on the way there alone: it remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from verify.addresses import AddressSet, Family
from verify.exposure.grid import NAMED_PROTOCOLS, Cell, Grid
from verify.exposure.reachability.filters import Cells, cells_of, overlaid

TCP = "tcp"
# Those that a NAT gateway sends from (VPC user guide, "NAT gateway basics").
_FIRST_TRANSLATED = 1024
_EVERYTHING = AddressSet.everything()


@dataclass(frozen=True)
class Packet:
    """A packet that passes, by its first sender and its last receiver.

    `port` is the one it goes to (256 * type + code of ICMP), `reply_port` the one that its answer
    goes to, and `translated_port` that at which a NAT gateway takes the answer; None where there is
    none.
    """

    family: Family
    protocol: str
    source: int
    destination: int
    port: int
    reply_port: int | None = None
    translated_port: int | None = None


@dataclass(frozen=True)
class Opening:
    """Ports that a passage lets through; `sources` and `destinations` are the addresses that can
    be either end of such a packet."""

    protocol: str
    low: int
    high: int
    sources: AddressSet
    destinations: AddressSet
    packet: Packet


@dataclass(frozen=True)
class Passage:
    """A chain of filters between addresses of one family.

    `sends` and `accepts` are security groups' (a rule holds as well for a group that the other end
    wears). The others are network ACLs', by what they see: `asks_` by the port asked for,
    `replies_` by that of the reply, `translated_` by that of a NAT gateway. `returned` are the
    sources that the destination's routes lead back to.
    """

    family: Family
    sources: AddressSet
    destinations: AddressSet
    sends: Grid | None = None
    accepts: Grid | None = None
    worn_by_source: frozenset[str] = frozenset()
    worn_by_destination: frozenset[str] = frozenset()
    asks_destination: Sequence[Grid] = ()
    asks_source: Sequence[Grid] = ()
    replies_destination: Sequence[Grid] = ()
    replies_source: Sequence[Grid] = ()
    translated_destination: Sequence[Grid] = ()
    returned: AddressSet = field(default=_EVERYTHING)

    def openings(self) -> Iterator[Opening]:
        """What passes. TCP has to come back; of anything else a packet there is enough."""
        grids = [
            *((self.sends,) if self.sends is not None else ()),
            *((self.accepts,) if self.accepts is not None else ()),
            *self.asks_destination,
            *self.asks_source,
        ]
        replies = list(self._replies())
        # TCP has rules of its own, so it is tried by itself even where no filter names it.
        for protocol in sorted({*NAMED_PROTOCOLS, *(name for grid in grids for name in grid)}):
            layers = [cells_of(grid, protocol) for grid in grids]
            for low, high, cells in overlaid(*layers):
                sources, destinations = self._asked(cells)
                if protocol == TCP:
                    sources &= self.returned
                if not (sources and destinations):
                    continue
                if protocol == TCP:
                    opening = _answered(self.family, low, high, sources, destinations, replies)
                else:
                    packet = Packet(self.family, protocol, first(sources), first(destinations), low)
                    opening = Opening(protocol, low, high, sources, destinations, packet)
                if opening is not None:
                    yield opening

    def _asked(self, cells: Sequence[Cell]) -> tuple[AddressSet, AddressSet]:
        """The sources and destinations that every filter on the way there lets through."""
        remaining = list(cells)
        sources, destinations = self.sources, self.destinations
        if self.sends is not None:
            destinations = _matching(remaining.pop(0), self.worn_by_destination, destinations)
        if self.accepts is not None:
            sources = _matching(remaining.pop(0), self.worn_by_source, sources)
        for _ in self.asks_destination:
            destinations &= remaining.pop(0).sources.addresses
        for _ in self.asks_source:
            sources &= remaining.pop(0).sources.addresses
        return sources, destinations

    def _replies(self) -> Iterator[_Reply]:
        """What comes back, by the port of the reply, and that of a NAT gateway."""
        there = [cells_of(grid, TCP) for grid in self.replies_destination]
        here = [cells_of(grid, TCP) for grid in self.replies_source]
        translated = [cells_of(grid, TCP) for grid in self.translated_destination]
        for low, cells in _stretches([*there, *here]):
            destinations, sources = _EVERYTHING, _EVERYTHING
            for cell in cells[: len(there)]:
                destinations &= cell.sources.addresses
            for cell in cells[len(there) :]:
                sources &= cell.sources.addresses
            if not translated:
                yield _Reply(low, None, sources, destinations)
            for port, at_gateway in _translated(translated):
                yield _Reply(low, port, sources, destinations & at_gateway)


@dataclass(frozen=True)
class _Reply:
    port: int
    translated_port: int | None
    sources: AddressSet
    destinations: AddressSet


def _stretches(layers: Sequence[Cells]) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    if not layers:
        yield 0, ()
    for low, _, cells in overlaid(*layers) if layers else ():
        yield low, cells


def _translated(layers: Sequence[Cells]) -> Iterator[tuple[int, AddressSet]]:
    for low, high, cells in overlaid(*layers) if layers else ():
        if high >= _FIRST_TRANSLATED:
            addresses = _EVERYTHING
            for cell in cells:
                addresses &= cell.sources.addresses
            yield max(low, _FIRST_TRANSLATED), addresses


def _matching(cell: Cell, worn: frozenset[str], addresses: AddressSet) -> AddressSet:
    """The addresses that a security group's rules let through: all of who wears a named group."""
    if cell.sources.group_ids & worn:
        return addresses
    return addresses & cell.sources.addresses


def _answered(
    family: Family,
    low: int,
    high: int,
    sources: AddressSet,
    destinations: AddressSet,
    replies: Sequence[_Reply],
) -> Opening | None:
    """The opening for those whose connection is answered, by some port."""
    packet = None
    able_sources, able_destinations = AddressSet(), AddressSet()
    for reply in replies:
        of_sources, of_destinations = sources & reply.sources, destinations & reply.destinations
        if of_sources and of_destinations:
            able_sources |= of_sources
            able_destinations |= of_destinations
            packet = packet or Packet(
                family,
                TCP,
                first(of_sources),
                first(of_destinations),
                low,
                reply.port,
                reply.translated_port,
            )
            if able_sources == sources and able_destinations == destinations:
                break
    if packet is None:
        return None
    return Opening(TCP, low, high, able_sources, able_destinations, packet)


def first(addresses: AddressSet) -> int:
    """The lowest address of a set of one family."""
    return (addresses.ipv4 or addresses.ipv6)[0][0]
