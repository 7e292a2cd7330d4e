"""Floods that come one event an invocation: alerts are held for a moment, and told together.

EventBridge invokes the function for each event, and a quiet log group may. Once an hour has had its
single alerts of a kind, an invocation *holds* its alert: it leaves it in the ledger with the others
that are held. The first of them *gathers*: it waits a moment, takes what is held, and tells it, one
message a kind. The rest are done at once. One invocation gathers for all kinds, so that floods of
many kinds do not use up the function's concurrency.

Waiting is of use only while others run beside it. Where nobody joined, as with one invocation at a
time, nothing is held for some minutes, so that no queue builds up behind one that waits.

No alert hangs on the one that gathers. What is held may be taken by the other path of its event;
what an invocation took and did not tell stays on the list, for its retry, whoever gathers next, or
the hourly scan, which gathers too.

The list is one item of the ledger's table::

    id             "gathering"
    collect_until  milliseconds since 1970; while it runs, an invocation gathers, and others join
    joined         how many joined
    alone_until    milliseconds since 1970; while it runs, nothing is held, for nobody joined
    held_<id>      for each alert, by the beginning of its identity, what it is: JSON
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .alert import cut
from .ledger import Claim, expiry
from .table import Table, text_of

_LIST = "gathering"
_PREFIX = "held_"
_IDENTITY_DIGITS = 24
# DynamoDB bills and limits a write by the size of its whole item: this many make about 40 KB.
MOST_HELD = 100
_SHORT = 64

_ALONE = 5 * 60 * 1000

_NOBODY_GATHERS = (
    "(attribute_not_exists(collect_until) AND attribute_not_exists(alone_until)) OR "
    "(attribute_not_exists(collect_until) AND alone_until <= :now) OR "
    "(collect_until <= :now AND attribute_not_exists(alone_until)) OR "
    "(collect_until <= :now AND alone_until <= :now)"
)

Place = Literal["joined", "gathers", "full", "alone", "passed on"]


@dataclass(frozen=True, slots=True)
class Held:
    """An alert that is held: its identity, the digest of its kind, and what repeats tell of it."""

    alert_id: str
    kind: str
    rule: str
    event_id: str | None
    event_time: str | None
    event_name: str | None

    @classmethod
    def of(cls, alert: dict[str, Any], kind: str) -> Held:
        """The entry of an alert."""
        event = alert["event"]
        return cls(
            alert["alert_id"],
            kind,
            alert["rule"],
            cut(event["event_id"], _SHORT),
            event["event_time"],
            cut(event["event_name"], _SHORT),
        )

    @property
    def claim(self) -> Claim:
        """What is asked of the ledger for it."""
        return Claim(self.alert_id, self.event_id or "", self.rule)

    @property
    def attribute(self) -> str:
        """Its place in the list."""
        return _PREFIX + self.alert_id[:_IDENTITY_DIGITS]


class Gathering:
    """The alerts that are held; times in milliseconds.

    Every method raises LedgerUnavailableError.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def hold(self, held: Held, alert: str, moment: int, until: int, lease_until: int) -> Place:
        """Hold an alert, whose text is given, and which the invocation has taken.

        The answer is ``joined`` where another invocation gathers, ``gathers`` where this one is to,
        once it is ``until``, ``full`` where it is to at once, ``alone`` where it is to tell the
        alert by itself, which it has taken again, and ``passed on`` where another took it.
        """
        self._table.write_one(
            self._table.update(
                held.alert_id,
                "SET phase = :held, alert = :alert, lease_until = :none",
                {":held": "held", ":alert": alert, ":none": 0},
            )
        )
        entry: dict[str, str | int] = {
            ":entry": json.dumps(asdict(held)),
            ":one": 1,
            ":expires": expiry(moment),
        }
        joins = f"SET {held.attribute} = :entry, expires = :expires ADD joined :one"
        joined = self._table.update(
            _LIST,
            joins,
            {**entry, ":now": moment, ":most": MOST_HELD},
            "collect_until > :now AND joined < :most",
        )
        if self._table.write_one(joined) is not None:
            return "joined"
        gathers = self._table.update(
            _LIST,
            f"SET {held.attribute} = :entry, expires = :expires, joined = :one, "
            "collect_until = :until",
            {**entry, ":now": moment, ":until": until},
            _NOBODY_GATHERS,
        )
        if self._table.write_one(gathers) is not None:
            return "gathers"
        full = self._table.update(_LIST, joins, {**entry, ":most": MOST_HELD}, "joined >= :most")
        if self._table.write_one(full) is not None:
            return "full"
        again = self._table.update(
            held.alert_id,
            "SET phase = :taken, lease_until = :lease",
            {":taken": "taken", ":lease": lease_until, ":held": "held"},
            "phase = :held",
        )
        return "passed on" if self._table.write_one(again) is None else "alone"

    def close(self, moment: int) -> list[Held]:
        """All that is held; whoever holds an alert from now on gathers anew."""
        closed = self._table.update(
            _LIST,
            "SET joined = :none, expires = :expires REMOVE collect_until",
            {":none": 0, ":expires": expiry(moment)},
        )
        item = self._table.write_one(closed) or {}
        entries = (text_of(item, name) for name in sorted(item) if name.startswith(_PREFIX))
        return [Held(**json.loads(entry)) for entry in entries if entry]

    def text(self, held: Held, moment: int) -> str | None:
        """The text of a held alert, as it was given."""
        kept = self._table.update(
            held.alert_id, "SET expires = :expires", {":expires": expiry(moment)}
        )
        return text_of(self._table.write_one(kept) or {}, "alert")

    def stay_alone(self, moment: int) -> None:
        """Let nothing be held for some minutes."""
        alone = {":until": moment + _ALONE, ":expires": expiry(moment)}
        self._table.write_one(
            self._table.update(_LIST, "SET alone_until = :until, expires = :expires", alone)
        )

    def forget(self, told: Iterable[Held]) -> None:
        """Strike alerts from the list."""
        names = [held.attribute for held in told]
        for some in _parts(names, MOST_HELD):
            self._table.write_one(self._table.update(_LIST, f"REMOVE {', '.join(some)}", {}))


def _parts(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (names[first : first + size] for first in range(0, len(names), size))
