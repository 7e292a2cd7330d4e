"""Linking digests: each must name the one before it, with its true hash and signature.

Every digest carries its own signature, so digests are verified in any order; what is left for
afterwards is this: walking along them in the order of time, a few at a time in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.coverage import Interval, union
from verify.integrity.judge.digest import Link
from verify.integrity.judge.layout import DIGEST_PERIOD, ChainScope
from verify.wording import time_span

_REMEMBERED = 4


@dataclass(frozen=True)
class Node:
    """A digest as far as linking needs it.

    `hash_value` (of the uncompressed bytes, hexadecimal) is empty when the bytes could not be read
    or uncompressed, `signature` None when the object carries none. Without `parsed`, `start` equals
    `end` and `previous` means nothing. `proven` says that its own signature holds; `modified` is
    when the object was written.
    """

    bucket: str
    key: str
    start: datetime
    end: datetime
    hash_value: str
    signature: str | None
    previous: Link | None
    parsed: bool
    proven: bool
    modified: datetime


@dataclass(frozen=True)
class Observed:
    """What is really at the place that a Link names; None for what the object does not have."""

    hash_value: str
    signature: str | None


@dataclass(frozen=True)
class Lookup:
    """A digest is named that is not among those at hand: somebody must look it up.

    `last` is the newest digest before `node` that is at hand.
    """

    node: Node
    link: Link
    last: Node | None


@dataclass
class Chain:
    """Walks along the digests of one account and region: feed them by rising end time.

    `covered` is the time that proven digests cover; `explained` that of which the lack has been
    reported already. `ordered` is False for backfill digests: their chain follows the time at
    which they were generated, which their names do not tell.
    """

    scope: ChainScope
    ordered: bool
    recent: deque[Node] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    covered: tuple[Interval, ...] = ()
    explained: tuple[Interval, ...] = ()

    @property
    def last(self) -> Node | None:
        """The newest digest so far."""
        return self.recent[-1] if self.recent else None

    def feed(self, node: Node) -> Iterator[Anomaly | Lookup]:
        """Link `node` to those before it."""
        last = self.last
        self._cover(node, last)
        self.recent.append(node)
        if not node.parsed:
            return
        link = node.previous
        if link is None:
            if last is not None and self.ordered:
                yield self._anomaly(
                    AnomalyKind.CHAIN_RESTARTED,
                    node.bucket,
                    node.key,
                    f"a link to {last.key}",
                    "a starting digest: logging or log file validation was switched on anew",
                )
            return
        named = (link.bucket, link.key)
        known = next(
            (digest for digest in self.recent if (digest.bucket, digest.key) == named), None
        )
        if known is None:
            yield Lookup(node, link, last)
            return
        if self.ordered and known is not last:
            yield from self._strays(node, known)
        yield from self.compare(node, link, known)

    def compare(self, node: Node, link: Link, known: Node) -> Iterator[Anomaly]:
        """Hold what `node` records of its predecessor against the real one."""
        yield from self.differences(node, link, Observed(known.hash_value, known.signature))
        if (
            not known.proven
            and node.proven
            and known.parsed
            and known.hash_value == link.hash_value
        ):
            self._add_covered(known)
            yield self._anomaly(
                AnomalyKind.DIGEST_PROVEN_BY_NEXT,
                known.bucket,
                known.key,
                "content as recorded by the next digest, which is signed",
                "that content: what is wrong with this digest is not its content",
            )

    def differences(self, node: Node, link: Link, seen: Observed) -> Iterator[Anomaly]:
        """Where the real predecessor is not as `node` recorded it."""
        if seen.hash_value and seen.hash_value != link.hash_value:
            yield self._anomaly(
                AnomalyKind.DIGEST_PREVIOUS_HASH,
                link.bucket,
                link.key,
                f"SHA-256 {link.hash_value}, recorded by {node.key}",
                f"SHA-256 {seen.hash_value}",
            )
        if seen.signature is not None and seen.signature != link.signature:
            yield self._anomaly(
                AnomalyKind.DIGEST_PREVIOUS_SIGNATURE,
                link.bucket,
                link.key,
                f"signature {_short(link.signature)}, recorded by {node.key}",
                f"signature {_short(seen.signature)}",
            )

    def resolve(
        self, lookup: Lookup, seen: Observed | None, period_start: datetime
    ) -> Iterator[Anomaly]:
        """Judge what a lookup brought: `seen` is None when nothing is at the place named."""
        if seen is not None:
            yield from self.differences(lookup.node, lookup.link, seen)
            if self.ordered:
                yield from self._judge_outside(lookup, period_start)
        elif lookup.last is None and lookup.node.start <= period_start:
            yield self._anomaly(
                AnomalyKind.PREVIOUS_UNAVAILABLE,
                lookup.link.bucket,
                lookup.link.key,
                f"the digest before {lookup.node.key}, to hold its hash and signature against the "
                "record",
                "no such object; it ends before the period that was asked for",
            )
        elif self.ordered or lookup.link.bucket == lookup.node.bucket:
            yield from self._judge_missing(lookup, period_start)

    def _judge_outside(self, lookup: Lookup, period_start: datetime) -> Iterator[Anomaly]:
        """What it means that the digest named exists, but not among those at hand."""
        node, link, last = lookup.node, lookup.link, lookup.last
        if link.bucket != node.bucket:
            yield from self._explain(
                AnomalyKind.GAP,
                node.bucket,
                _unproven_since(last, period_start),
                node.start,
                f"none here: the chain goes on in bucket {link.bucket}, which --bucket validates",
            )
        elif last is not None:
            yield self._not_in_chain(last, node, link.key)

    def _judge_missing(self, lookup: Lookup, period_start: datetime) -> Iterator[Anomaly]:
        node, link = lookup.node, lookup.link
        yield self._anomaly(
            AnomalyKind.DIGEST_MISSING,
            link.bucket,
            link.key,
            f"a digest: {node.key} names it as the one before",
            "no such object",
        )
        if self.ordered:
            yield from self._explain(
                AnomalyKind.CHAIN_LOST,
                link.bucket,
                _unproven_since(lookup.last, period_start),
                node.start,
                "none, and the chain goes on after",
            )

    def _strays(self, node: Node, known: Node) -> Iterator[Anomaly]:
        """Digests between `known` and `node` that no link leads to."""
        between = list(self.recent)[:-1]
        for stray in between[between.index(known) + 1 :]:
            yield self._not_in_chain(stray, node, known.key)

    def _not_in_chain(self, stray: Node, node: Node, named: str) -> Anomaly:
        return self._anomaly(
            AnomalyKind.DIGEST_NOT_IN_CHAIN,
            stray.bucket,
            stray.key,
            f"a link to it from {node.key}",
            f"a link to {named}, which is older",
        )

    def _cover(self, node: Node, last: Node | None) -> None:
        if not self.ordered:
            return
        if node.proven:
            self._add_covered(node)
        else:
            since = node.start
            if not node.parsed:
                since = node.end - DIGEST_PERIOD if last is None else last.end
            self.explained = union((*self.explained, (since, node.end)))

    def _add_covered(self, node: Node) -> None:
        if self.ordered:
            self.covered = union((*self.covered, (node.start, node.end)))

    def _explain(
        self, kind: AnomalyKind, bucket: str, since: datetime, until: datetime, seen: str
    ) -> Iterator[Anomaly]:
        """Say once why digests for a stretch of time are lacking; nothing if it is empty."""
        if since < until:
            self.explained = union((*self.explained, (since, until)))
            yield self._anomaly(kind, bucket, "", f"digests for {time_span(since, until)}", seen)

    def _anomaly(
        self, kind: AnomalyKind, bucket: str, key: str, expected: str, seen: str
    ) -> Anomaly:
        return Anomaly.at(self.scope, bucket, key, Discrepancy(kind, expected, seen))


def _unproven_since(last: Node | None, period_start: datetime) -> datetime:
    return period_start if last is None else max(last.end, period_start)


def _short(signature: str) -> str:
    return signature if len(signature) <= 20 else f"{signature[:16]}..."
