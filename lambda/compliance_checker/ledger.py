"""The ledger: which alert is told by whom, so that two paths and retries make one alert of it.

One item of a DynamoDB table for each alert, by its identity (event and rule). An invocation *takes*
an alert before it publishes it, by a conditional write, and notes that it is *told* once SNS has
it. What was taken has a lease, which ends after the invocation can have: an alert whose invocation
died is free again. Each path leaves the time of its arrival on the item, whoever told the alert.

In a flood, an alert is *held* for a moment, for one message to tell it with others (`.gathering`).
Whoever comes first may take it: who gathers, or the other path of its event.

Items of the table (key ``id``)::

    id           the alert's identity (64 digits), "flood#" and a digest, for the count of a kind,
                 or "gathering", for what is held
    phase        "taken", "held" or "told"
    lease_until  milliseconds since 1970; while it runs, nobody else may take the alert
    seen_<path>  milliseconds since 1970, when the function first had the event by that path
    arrived_<path>  likewise, when the path had it: in the log group, or on the event bus
    told_time    milliseconds since 1970, when SNS had taken the alert; told_path: by which path
    event_id, rule_id
    alert        of a held alert: its JSON text
    told_count   of a kind of alert: how many have been told in its hour
    expires      seconds since 1970, after which DynamoDB may remove the item (time to live)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import aws
from .table import (
    WRITES_A_CALL,
    LedgerUnavailableError,
    Table,
    Update,
    number_of,
    text_of,
)

# Longer than anything is retried: Lambda keeps an event for 6 hours, CloudWatch Logs for 24.
_KEPT_SECONDS = 7 * 24 * 3600
_COUNTED_KINDS = WRITES_A_CALL  # of one invocation
_HOUR = 3600 * 1000

# What is told has no lease, and the lease of what is held or given back is over.
_FREE = "attribute_not_exists(phase) OR lease_until < :now"

Kind = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """An alert that an invocation would tell.

    ``arrived`` is when its event came to the end of its path, in milliseconds, where that says so.
    """

    alert_id: str
    event_id: str
    rule: str
    arrived: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which of the claimed alerts the invocation may tell, and which others have told or tell.

    Nothing is known of the rest; ``fault`` is the code of the error that kept it from being known.
    """

    mine: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    fault: str | None = None


class AlertLedger:
    """The ledger in one DynamoDB table."""

    def __init__(
        self,
        table: str,
        client: aws.ClientFactory = aws.ledger_client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.table = Table(table, client, sleep)

    def take(self, claims: Sequence[Claim], path: str, moment: int, lease_until: int) -> Standing:
        """Take the alerts that are free, and note on each that its event came by this path.

        Times in milliseconds. What was taken is free again when the lease ends.
        """
        mine: set[str] = set()
        told: set[str] = set()
        elsewhere: set[str] = set()
        fault = None
        try:
            for first in range(0, len(claims), WRITES_A_CALL):
                part = {each.alert_id: each for each in claims[first : first + WRITES_A_CALL]}
                while refused := self.table.write(
                    [self._take(each, path, moment, lease_until) for each in part.values()]
                ):
                    for identity, item in refused.items():
                        del part[identity]
                        (told if text_of(item, "phase") == "told" else elsewhere).add(identity)
                mine |= part.keys()
            self.table.write_all(
                self._note(each, path, moment)
                for each in claims
                if each.alert_id in told or each.alert_id in elsewhere
            )
        except LedgerUnavailableError as error:
            fault = error.code
        return Standing(frozenset(mine), frozenset(told), frozenset(elsewhere), fault)

    def tell(self, identities: Iterable[str], path: str, moment: int) -> None:
        """Note that the alerts are told. Raises LedgerUnavailableError."""
        self.table.write_all(
            self.table.update(
                identity,
                "SET phase = :told, told_time = :now, told_path = :path REMOVE lease_until",
                {":told": "told", ":now": moment, ":path": path},
            )
            for identity in identities
        )

    def release(self, identities: Iterable[str]) -> None:
        """Let others take the alerts at once. Raises LedgerUnavailableError."""
        self.table.write_all(
            self.table.update(identity, "SET lease_until = :none", {":none": 0})
            for identity in identities
        )

    def count(self, kinds: Mapping[Kind, int], moment: int, singles: int) -> dict[Kind, int]:
        """Count so many alerts of each kind; how many of it this hour had before.

        Where all together are at most ``singles``, 0 stands for how many: one write for many kinds
        does not bring it. Of very many kinds at once only the most frequent are counted: those are
        what floods are made of. Raises LedgerUnavailableError.
        """
        hour = moment // _HOUR
        most = sorted(kinds, key=lambda kind: -kinds[kind])[:_COUNTED_KINDS]
        counters = {f"flood#{digest_of((hour, *kind))}": kind for kind in most}
        if len(counters) == 1:
            [(counter, kind)] = counters.items()
            item = self.table.write_one(self._count(counter, kinds[kind], moment))
            return {kind: number_of(item or {}, "told_count") - kinds[kind]}
        before = dict.fromkeys(counters, 0)
        limited = set(counters)
        while refused := self.table.write(
            [
                self._count(counter, kinds[kind], moment, singles if counter in limited else None)
                for counter, kind in counters.items()
            ]
        ):
            limited -= refused.keys()
            before |= {each: number_of(item, "told_count") for each, item in refused.items()}
        return {kind: before[counter] for counter, kind in counters.items()}

    def _count(self, counter: str, more: int, moment: int, singles: int | None = None) -> Update:
        values = {":count": more, ":expires": expiry(moment)}
        condition = None
        if singles is not None:
            values[":left"] = singles - more
            condition = "told_count <= :left"
            if more <= singles:
                condition = f"attribute_not_exists(told_count) OR {condition}"
        expression = "SET expires = :expires ADD told_count :count"
        return self.table.update(counter, expression, values, condition)

    def _take(self, claim: Claim, path: str, moment: int, lease_until: int) -> Update:
        values: dict[str, str | int] = {
            ":taken": "taken",
            ":until": lease_until,
            ":event": claim.event_id[:1024],
            ":rule": claim.rule,
            ":now": moment,
            ":expires": expiry(moment),
        }
        return self.table.update(
            claim.alert_id,
            "SET phase = :taken, lease_until = :until, rule_id = :rule, "
            "event_id = if_not_exists(event_id, :event), "
            f"expires = :expires, {_arrival(claim, path, values)}",
            values,
            _FREE,
        )

    def _note(self, claim: Claim, path: str, moment: int) -> Update:
        values: dict[str, str | int] = {":now": moment, ":expires": expiry(moment)}
        return self.table.update(
            claim.alert_id,
            f"SET {_arrival(claim, path, values)}, expires = if_not_exists(expires, :expires)",
            values,
        )


def expiry(moment: int) -> int:
    """When an item of that moment (milliseconds) may go, in seconds since 1970."""
    return moment // 1000 + _KEPT_SECONDS


def digest_of(kind: Kind) -> str:
    """A name for a kind of alert."""
    return sha256(repr(kind).encode("utf-8", "surrogatepass")).hexdigest()


def _arrival(claim: Claim, path: str, values: dict[str, Any]) -> str:
    """The part of an update that notes the first arrival by a path; adds to its values."""
    noted = f"seen_{path} = if_not_exists(seen_{path}, :now)"
    if claim.arrived is not None:
        values[":arrived"] = claim.arrived
        noted += f", arrived_{path} = if_not_exists(arrived_{path}, :arrived)"
    return noted
