"""What a run remembers for a later one: the days that are done and where their chains ended."""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from verify.integrity.judge.anomaly import Anomaly, anomaly_document, anomaly_of
from verify.integrity.judge.chain import Chain, Node
from verify.integrity.judge.coverage import Interval
from verify.integrity.judge.digest import Link
from verify.integrity.judge.layout import ChainScope, Layout, Place
from verify.integrity.judge.totals import Totals

VERSION = 3


class StateError(Exception):
    """A state file cannot be used; the message says why."""


@dataclass
class ScopeState:
    """How far one account and region is validated, and what that brought.

    `through` is the last day of an unbroken row of days that are done. `candidates` are log files
    that no digest of their day names, and when they arrived; `named` those named by digests of
    another day.
    """

    chain: Chain
    backfill: Chain
    through: date | None = None
    anomalies: list[Anomaly] = field(default_factory=list)
    candidates: dict[str, datetime] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)

    @property
    def unreferenced(self) -> set[str]:
        """The log files that no digest names, as far as is known by now."""
        return self.candidates.keys() - self.named


def fresh(scope: ChainScope) -> ScopeState:
    """The state before anything is validated."""
    return ScopeState(Chain(scope, ordered=True), Chain(scope, ordered=False))


@dataclass
class RunState:
    """The state of a whole run. `start` is where its period begins.

    `earlier` are the places beside the present one that it looked at.
    """

    start: datetime
    scopes: dict[ChainScope, ScopeState]
    earlier: tuple[Place, ...] = ()


def save(path: Path, layout: Layout, state: RunState) -> None:
    """Write the state in one step, so that a run that is ended leaves the earlier one."""
    document = {
        "version": VERSION,
        "layout": _layout_document(layout),
        "earlier": [asdict(place) for place in layout.earlier],
        "start": state.start.isoformat(),
        "targets": [_scope_document(scope, found) for scope, found in state.scopes.items()],
    }
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(temporary, path)


def load(path: Path, layout: Layout) -> RunState | None:
    """The state in `path`, None where there is none yet. Raises StateError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise StateError(f"{path} cannot be read: {error}") from error
    try:
        if document["version"] != VERSION:
            raise StateError(f"{path} was written by another version; remove it to start anew")
        if document["layout"] != _layout_document(layout):
            raise StateError(f"{path} is about another trail or bucket; give another file")
        scopes = dict(map(_scope, document["targets"]))
        earlier = tuple(Place(**place) for place in document["earlier"])
        return RunState(datetime.fromisoformat(document["start"]), scopes, earlier)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path} is not a state file of this command ({error!r})") from error


def _layout_document(layout: Layout) -> dict[str, Any]:
    document = asdict(layout)
    del document["earlier"]
    return document


def _scope_document(scope: ChainScope, state: ScopeState) -> dict[str, Any]:
    return {
        "account": scope.account,
        "region": scope.region,
        "through": None if state.through is None else state.through.isoformat(),
        "chain": _chain_document(state.chain),
        "backfill": _chain_document(state.backfill),
        "findings": [anomaly_document(anomaly) for anomaly in state.anomalies],
        "candidates": {key: moment.isoformat() for key, moment in state.candidates.items()},
        "named": sorted(state.named),
        "totals": state.totals.as_dict(),
    }


def _scope(document: Mapping[str, Any]) -> tuple[ChainScope, ScopeState]:
    scope, through = ChainScope(document["account"], document["region"]), document["through"]
    return scope, ScopeState(
        chain=_chain(scope, True, document["chain"]),
        backfill=_chain(scope, False, document["backfill"]),
        through=None if through is None else date.fromisoformat(through),
        anomalies=[anomaly_of(anomaly) for anomaly in document["findings"]],
        candidates={
            key: datetime.fromisoformat(moment) for key, moment in document["candidates"].items()
        },
        named=set(document["named"]),
        totals=Totals(**document["totals"]),
    )


def _chain_document(chain: Chain) -> dict[str, Any]:
    return {
        "recent": [
            {
                **asdict(node),
                "start": node.start.isoformat(),
                "end": node.end.isoformat(),
                "modified": node.modified.isoformat(),
            }
            for node in chain.recent
        ],
        "covered": _intervals_document(chain.covered),
        "explained": _intervals_document(chain.explained),
    }


def _chain(scope: ChainScope, ordered: bool, document: Mapping[str, Any]) -> Chain:
    chain = Chain(scope, ordered)
    chain.recent = deque(map(_node, document["recent"]), maxlen=chain.recent.maxlen)
    chain.covered = _intervals(document["covered"])
    chain.explained = _intervals(document["explained"])
    return chain


def _node(document: Mapping[str, Any]) -> Node:
    previous = document["previous"]
    return Node(
        **{
            **document,
            "start": datetime.fromisoformat(document["start"]),
            "end": datetime.fromisoformat(document["end"]),
            "modified": datetime.fromisoformat(document["modified"]),
            "previous": None if previous is None else Link(**previous),
        }
    )


def _intervals_document(intervals: Iterable[Interval]) -> list[list[str]]:
    return [[start.isoformat(), end.isoformat()] for start, end in intervals]


def _intervals(document: list[list[str]]) -> tuple[Interval, ...]:
    return tuple(
        (datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in document
    )
