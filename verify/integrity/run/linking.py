"""Linking digests into chains, and looking up what they name that is not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Chain, Lookup, Node, Observed
from verify.integrity.judge.history import History
from verify.integrity.judge.layout import (
    DIGEST_FOLDER,
    DIGEST_PERIOD,
    ChainScope,
    DigestName,
    Place,
)
from verify.integrity.judge.signature import SIGNING_DELAY, PublicKey
from verify.integrity.read.reader import (
    ArchivedError,
    ObjectMissingError,
    Reader,
    UnreadableError,
)
from verify.integrity.run.load_digest import load_digest, whole_digest
from verify.integrity.run.request import Request

# How many objects to look through for the first digest after the period.
_LOOK_BEYOND = 5_000


@dataclass(frozen=True)
class Linker:
    """Links digests for one run, and reads for it what they name outside of the days' folders.

    `elsewhere` are places in the bucket, unknown until now, that a proven digest names as those of
    its predecessors: where the trail delivered to before its settings were changed.
    """

    request: Request
    reader: Reader
    elsewhere: set[Place] = field(default_factory=set)

    def feed(self, chain: Chain, node: Node) -> list[Anomaly]:
        """Link `node` to those that `chain` has already; what is wrong with the link."""
        anomalies: list[Anomaly] = []
        for item in list(chain.feed(node)):
            if isinstance(item, Lookup):
                anomalies.extend(self._look_up(chain, item))
            else:
                anomalies.append(item)
        return anomalies

    def look_beyond(self, chain: Chain, keys: Sequence[PublicKey]) -> list[Anomaly]:
        """Link the first digest after the period, which tells whether there was one before it."""
        layout, scope, newest = self.request.layout, chain.scope, chain.last
        reached = self.request.start if newest is None else newest.end
        found: list[tuple[DigestName, History]] = []
        for folder, day in zip(
            layout.region_folders(DIGEST_FOLDER, scope),
            layout.digest_folders(scope, reached.date()),
            strict=True,
        ):
            after = newest.key if newest is not None and newest.key.startswith(folder) else day
            try:
                first = self._first_after(scope, folder, after, reached)
            except UnreadableError as error:
                unreadable = Discrepancy(
                    AnomalyKind.LISTING_UNREADABLE, "digests after the period", str(error)
                )
                return [Anomaly.at(scope, layout.bucket, folder, unreadable)]
            found += [] if first is None else [first]
        if not found:
            return []
        name, history = min(found, key=lambda one: one[0].end)
        loaded = load_digest(self.reader, scope, layout.bucket, history, name, keys)
        return self.feed(chain, loaded.node)

    def _first_after(
        self, scope: ChainScope, folder: str, after: str, reached: datetime
    ) -> tuple[DigestName, History] | None:
        layout = self.request.layout
        for history in islice(self.reader.histories(layout.bucket, folder, after), _LOOK_BEYOND):
            name = layout.digest_name(scope, history.key)
            if name is None or name.backfill or name.end <= reached:
                continue
            if layout.is_ours(name):
                return name, history
        return None

    def last_before(self, scope: ChainScope) -> Node | None:
        """The last digest from before the period, judged by the keys of its time.

        Raises UnreadableError.
        """
        layout, latest = self.request.layout, None
        for folder in layout.region_folders(DIGEST_FOLDER, scope):
            for history in self.reader.histories(layout.bucket, folder):
                name = layout.digest_name(scope, history.key)
                if name is None or name.backfill or not layout.is_ours(name):
                    continue
                if name.end <= self.request.start and (latest is None or name.end > latest[0].end):
                    latest = name, history
        if latest is None:
            return None
        name, history = latest
        keys = self.reader.public_keys(
            scope.region, name.end - DIGEST_PERIOD, name.end + SIGNING_DELAY
        )
        return load_digest(self.reader, scope, layout.bucket, history, name, keys).node

    def _look_up(self, chain: Chain, lookup: Lookup) -> list[Anomaly]:
        link, layout = lookup.link, self.request.layout
        if link.bucket == layout.bucket and lookup.node.proven:
            place = layout.place_of(chain.scope, link.key)
            if place is not None and place not in layout.places:
                self.elsewhere.add(place)
        try:
            seen = self._observe(link.bucket, link.key)
        except UnreadableError as error:
            archived = isinstance(error, ArchivedError)
            unreadable = Discrepancy(
                AnomalyKind.DIGEST_ARCHIVED if archived else AnomalyKind.DIGEST_UNREADABLE,
                f"the digest that {lookup.node.key} names as the one before",
                str(error),
            )
            return [Anomaly.at(chain.scope, link.bucket, link.key, unreadable)]
        return list(chain.resolve(lookup, seen, self.request.start))

    def _observe(self, bucket: str, key: str) -> Observed | None:
        try:
            content, metadata = self.reader.read(bucket, key, None, whole_digest)
        except ObjectMissingError:
            return None
        return Observed(content.hash_value, metadata.get("signature"))
