"""Linking digests: each must name the one before it, with its true hash and signature.

Every digest carries its own signature, so digests are verified in any order; what is left for
afterwards is this: walking along them in the order of time, a few at a time in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from verify.integrity.judge.anomaly import Finding, Kind
from verify.integrity.judge.coverage import Interval, union
from verify.integrity.judge.digest import Link
from verify.integrity.judge.layout import DIGEST_PERIOD, Target
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
class Probe:
    """A digest is named that is not among those at hand: somebody must look whether it exists.

    `last` is the newest digest before `node` that is at hand.
    """

    node: Node
    link: Link
    last: Node | None


@dataclass
class Chain:
    """Walks along the digests of one target: feed them by rising end time.

    `covered` is the time that proven digests cover; `explained` that of which the lack has been
    reported already. `ordered` is False for backfill digests: their chain follows the time at
    which they were generated, which their names do not tell.
    """

    target: Target
    ordered: bool
    recent: deque[Node] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    covered: tuple[Interval, ...] = ()
    explained: tuple[Interval, ...] = ()

    @property
    def last(self) -> Node | None:
        """The newest digest so far."""
        return self.recent[-1] if self.recent else None

    def feed(self, node: Node) -> Iterator[Finding | Probe]:
        """Link `node` to those before it."""
        last = self.last
        self._cover(node, last)
        self.recent.append(node)
        if not node.parsed:
            return
        link = node.previous
        if link is None:
            if last is not None and self.ordered:
                yield self._finding(
                    Kind.CHAIN_RESTARTED,
                    node.bucket,
                    node.key,
                    f"a link to {last.key}",
                    "a starting digest: logging or log file validation was switched on anew",
                )
            return
        known = next(
            (one for one in self.recent if (one.bucket, one.key) == (link.bucket, link.key)), None
        )
        if known is None:
            yield Probe(node, link, last)
            return
        if self.ordered and known is not last:
            yield from self._strays(node, known)
        yield from self.compare(node, link, known)

    def compare(self, node: Node, link: Link, known: Node) -> Iterator[Finding]:
        """Hold what `node` records of its predecessor against the real one."""
        yield from self.differences(node, link, Observed(known.hash_value, known.signature))
        if (
            not known.proven
            and node.proven
            and known.parsed
            and known.hash_value == link.hash_value
        ):
            self._add_covered(known)
            yield self._finding(
                Kind.DIGEST_PROVEN_BY_NEXT,
                known.bucket,
                known.key,
                "content as recorded by the next digest, which is signed",
                "that content: what is wrong with this digest is not its content",
            )

    def differences(self, node: Node, link: Link, seen: Observed) -> Iterator[Finding]:
        """Where the real predecessor is not as `node` recorded it."""
        if seen.hash_value and seen.hash_value != link.hash_value:
            yield self._finding(
                Kind.DIGEST_PREVIOUS_HASH,
                link.bucket,
                link.key,
                f"SHA-256 {link.hash_value}, recorded by {node.key}",
                f"SHA-256 {seen.hash_value}",
            )
        if seen.signature is not None and seen.signature != link.signature:
            yield self._finding(
                Kind.DIGEST_PREVIOUS_SIGNATURE,
                link.bucket,
                link.key,
                f"signature {_short(link.signature)}, recorded by {node.key}",
                f"signature {_short(seen.signature)}",
            )

    def answer(
        self, probe: Probe, seen: Observed | None, period_start: datetime
    ) -> Iterator[Finding]:
        """Judge a probe: `seen` is None when there is nothing at the place that was named."""
        node, link, last = probe.node, probe.link, probe.last
        if seen is not None:
            yield from self.differences(node, link, seen)
            if not self.ordered:
                return
            if link.bucket != node.bucket:
                since = max(last.end, period_start) if last is not None else period_start
                if since < node.start:
                    yield self._explain(
                        Kind.GAP,
                        node.bucket,
                        since,
                        node.start,
                        f"none here: the chain goes on in bucket {link.bucket}, which --bucket "
                        "validates",
                    )
            elif last is not None:
                yield self._not_in_chain(last, node, link.key)
            return
        if last is None and node.start <= period_start:
            yield self._finding(
                Kind.PREVIOUS_UNAVAILABLE,
                link.bucket,
                link.key,
                f"the digest before {node.key}, to hold its hash and signature against the record",
                "no such object; it ends before the period that was asked for",
            )
            return
        if not self.ordered and link.bucket != node.bucket:
            return
        yield self._finding(
            Kind.DIGEST_MISSING,
            link.bucket,
            link.key,
            f"a digest: {node.key} names it as the one before",
            "no such object",
        )
        if not self.ordered:
            return
        since = max(last.end, period_start) if last is not None else period_start
        if since < node.start:
            yield self._explain(
                Kind.CHAIN_LOST, link.bucket, since, node.start, "none, and the chain goes on after"
            )

    def _strays(self, node: Node, known: Node) -> Iterator[Finding]:
        """Digests between `known` and `node` that no link leads to."""
        between = list(self.recent)[:-1]
        for one in between[between.index(known) + 1 :]:
            yield self._not_in_chain(one, node, known.key)

    def _not_in_chain(self, stray: Node, node: Node, named: str) -> Finding:
        return self._finding(
            Kind.DIGEST_NOT_IN_CHAIN,
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
        self, kind: Kind, bucket: str, since: datetime, until: datetime, seen: str
    ) -> Finding:
        self.explained = union((*self.explained, (since, until)))
        return self._finding(kind, bucket, "", f"digests for {time_span(since, until)}", seen)

    def _finding(self, kind: Kind, bucket: str, key: str, expected: str, seen: str) -> Finding:
        return Finding(kind, self.target.account, self.target.region, bucket, key, expected, seen)


def _short(signature: str) -> str:
    return signature if len(signature) <= 20 else f"{signature[:16]}..."
