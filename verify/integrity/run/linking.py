"""Linking digests into chains, and looking up what they name that is not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from verify.integrity.judge.anomaly import Anomaly, AnomalyKind, Discrepancy
from verify.integrity.judge.chain import Chain, Lookup, Node, Observed
from verify.integrity.judge.content import MAXIMUM_DIGEST_BYTES, inflate
from verify.integrity.judge.layout import DIGEST_FOLDER
from verify.integrity.judge.signature import PublicKey
from verify.integrity.read.reader import ObjectMissingError, Reader, UnreadableError
from verify.integrity.run.load_digest import load_digest
from verify.integrity.run.request import Request

# How many objects to look through for the first digest after the period.
_LOOK_BEYOND = 5_000


@dataclass(frozen=True)
class Linker:
    """Links digests for one run, and reads for it what they name outside of the days' folders."""

    request: Request
    reader: Reader

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
        folder = layout.region_folder(DIGEST_FOLDER, scope)
        if newest is None:
            reached = self.request.start
            after = layout.digest_folder(scope, reached.date())
        else:
            reached, after = newest.end, newest.key
        try:
            later = islice(self.reader.histories(layout.bucket, folder, after), _LOOK_BEYOND)
            for history in later:
                name = layout.digest_name(scope, history.key)
                if name is None or name.backfill or name.end <= reached:
                    continue
                if layout.is_ours(name):
                    loaded = load_digest(self.reader, scope, layout.bucket, history, name, keys)
                    return self.feed(chain, loaded.node)
        except UnreadableError as error:
            unreadable = Discrepancy(
                AnomalyKind.LISTING_UNREADABLE, "digests after the period", str(error)
            )
            return [Anomaly.at(scope, layout.bucket, folder, unreadable)]
        return []

    def _look_up(self, chain: Chain, lookup: Lookup) -> list[Anomaly]:
        link = lookup.link
        try:
            seen = self._observe(link.bucket, link.key)
        except UnreadableError as error:
            unreadable = Discrepancy(
                AnomalyKind.DIGEST_UNREADABLE,
                f"the digest that {lookup.node.key} names as the one before",
                str(error),
            )
            return [Anomaly.at(chain.scope, link.bucket, link.key, unreadable)]
        return list(chain.resolve(lookup, seen, self.request.start))

    def _observe(self, bucket: str, key: str) -> Observed | None:
        try:
            return self.reader.read(
                bucket,
                key,
                None,
                lambda metadata, chunks: Observed(
                    inflate(chunks, MAXIMUM_DIGEST_BYTES).hash_value, metadata.get("signature")
                ),
            )
        except ObjectMissingError:
            return None
