"""One delivered record judged: of no concern, judged with its violations, or beyond judgement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .envelope import Message, parse_record
from .evaluate import concerned_rules, evaluate
from .live import LiveState
from .model import Violation
from .pipeline import AuditPipeline
from .record import failed

# What a rule could raise on a record that its author did not foresee.
_RULE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class UnprocessableError(ValueError):
    """A record that cannot be judged: the kind of reason, and the error in its own words."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(f"{reason}: {error}")
        self.reason = reason
        self.error = error


@dataclass(frozen=True, slots=True)
class NotConcerned:
    """A record that no rule looks at, by the id of its log event or, without one, its own."""

    identity: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A record that rules looked at. ``unsuccessful`` says that its call changed nothing."""

    record: Mapping[str, Any]
    event_id: str
    violations: tuple[Violation, ...]
    unsuccessful: bool

    def decision(self, raised: int) -> str:
        """The record's decision in the log, once it is known how many alerts it raised."""
        if self.violations:
            return "violation" if raised else "duplicate"
        return "failed-call" if self.unsuccessful else "pass"


def judge(
    message: Message, pipeline: AuditPipeline, live: LiveState | None
) -> Judgement | NotConcerned:
    """Judge the record of one message; UnprocessableError if it is broken or a rule fails on it."""
    try:
        record = parse_record(message.content)
    except ValueError as error:
        raise UnprocessableError("broken JSON", str(error)) from None
    try:
        if not concerned_rules(record):
            return NotConcerned(message.log_event_id or _event_id(record))
        return Judgement(
            record=record,
            event_id=_event_id(record),
            violations=tuple(evaluate(record, pipeline, live)),
            unsuccessful=failed(record),
        )
    except _RULE_ERRORS as error:
        raise UnprocessableError("rule failed", f"{type(error).__name__}: {error}") from None


def _event_id(record: Mapping[str, Any]) -> str:
    """The record's eventID; without one, a digest of the record stands in for it."""
    event_id = record.get("eventID")
    if isinstance(event_id, str) and event_id:
        return event_id
    # In one order: the paths of an event need not keep that of its members.
    whole = json.dumps(record, sort_keys=True, default=repr)
    digest = sha256(whole.encode("ascii")).hexdigest()
    return f"without-id-{digest}"
