"""What a run remembers for a later one: the days that are done and where their chains ended."""

from __future__ import annotations

import json
import os
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from verify.integrity.judge.anomaly import Finding, kind_of
from verify.integrity.judge.chain import Chain, Node
from verify.integrity.judge.coverage import Interval
from verify.integrity.judge.digest import Link
from verify.integrity.judge.layout import Layout, Target
from verify.integrity.judge.totals import Totals

VERSION = 2


class StateError(Exception):
    """A state file cannot be used; the message says why."""


@dataclass
class TargetState:
    """How far one account and region is validated, and what that brought.

    `through` is the last day of an unbroken row of days that are done. `candidates` are log files
    that no digest of their day names; `named` those named by digests of another day.
    """

    chain: Chain
    backfill: Chain
    through: date | None = None
    findings: list[Finding] = field(default_factory=list)
    candidates: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    totals: Totals = field(default_factory=Totals)


def fresh(target: Target) -> TargetState:
    """The state before anything is validated."""
    return TargetState(Chain(target, ordered=True), Chain(target, ordered=False))


@dataclass
class State:
    """The state of a run. `start` is where its period begins."""

    start: datetime
    targets: dict[Target, TargetState]


def save(path: Path, layout: Layout, state: State) -> None:
    """Write the state in one step, so that a run that is ended leaves the earlier one."""
    document = {
        "version": VERSION,
        "layout": asdict(layout),
        "start": state.start.isoformat(),
        "targets": [
            {
                "account": target.account,
                "region": target.region,
                "through": None if one.through is None else one.through.isoformat(),
                "chain": _chain_document(one.chain),
                "backfill": _chain_document(one.backfill),
                "findings": [finding_document(finding) for finding in one.findings],
                "candidates": sorted(one.candidates),
                "named": sorted(one.named),
                "totals": one.totals.as_dict(),
            }
            for target, one in state.targets.items()
        ],
    }
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(temporary, path)


def load(path: Path, layout: Layout) -> State | None:
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
        if document["layout"] != asdict(layout):
            raise StateError(f"{path} is about another trail or bucket; give another file")
        targets = {}
        for one in document["targets"]:
            target = Target(one["account"], one["region"])
            targets[target] = TargetState(
                chain=_chain(target, True, one["chain"]),
                backfill=_chain(target, False, one["backfill"]),
                through=None if one["through"] is None else date.fromisoformat(one["through"]),
                findings=[finding_of(finding) for finding in one["findings"]],
                candidates=set(one["candidates"]),
                named=set(one["named"]),
                totals=Totals(**one["totals"]),
            )
        return State(datetime.fromisoformat(document["start"]), targets)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path} is not a state file of this command ({error!r})") from error


def finding_document(finding: Finding) -> dict[str, str]:
    """A finding as JSON."""
    return {
        "kind": finding.kind.label,
        "severity": finding.kind.severity.value,
        "consequence": finding.kind.consequence.value,
        "account": finding.account,
        "region": finding.region,
        "bucket": finding.bucket,
        "key": finding.key,
        "expected": finding.expected,
        "seen": finding.seen,
    }


def finding_of(document: Mapping[str, str]) -> Finding:
    """The finding that `finding_document` wrote."""
    names = ("account", "region", "bucket", "key", "expected", "seen")
    return Finding(kind_of(document["kind"]), *(str(document[name]) for name in names))


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
        "covered": [[one.isoformat(), other.isoformat()] for one, other in chain.covered],
        "explained": [[one.isoformat(), other.isoformat()] for one, other in chain.explained],
    }


def _chain(target: Target, ordered: bool, document: Mapping[str, Any]) -> Chain:
    chain = Chain(target, ordered)
    chain.recent = deque((_node(one) for one in document["recent"]), maxlen=chain.recent.maxlen)
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


def _intervals(document: list[list[str]]) -> tuple[Interval, ...]:
    return tuple(
        (datetime.fromisoformat(one), datetime.fromisoformat(other)) for one, other in document
    )
