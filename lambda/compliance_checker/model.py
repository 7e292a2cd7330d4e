"""What a rule is, what it finds, and what becomes of a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .live import LiveState, NotReadError
from .pipeline import AuditPipeline
from .record import Event

Severity = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
Basis = Literal["record", "live-state", "record-and-live-state", "incomplete-record"]
Confirm = Callable[["Event", AuditPipeline, "Finding | None", LiveState], "Confirmed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule saw in one record. Severity, resource type, title stand in for the rule's own."""

    resource_id: str | None
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None
    resource_type: str | None = None
    title: str | None = None


Judge = Callable[[Event, AuditPipeline], Finding | None]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is left of a finding, or was found, once the account's live state was asked.

    ``read`` says whether an answer had a part in it, ``not_read`` which reads brought none.
    """

    finding: Finding | None
    read: bool = False
    not_read: tuple[NotReadError, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the events that it looks at and the judgement on each.

    ``events`` are pairs of eventSource and eventName (Lambda's without the API date that CloudTrail
    appends). ``fields`` names the parts of the record that the judgement relies on. ``citations``
    are paragraphs of 45 CFR part 164 (HIPAA Security Rule). ``identity_type``, where set, makes
    the rule look at every event of that ``userIdentity.type``, whatever its name. ``data_events``
    says that its events are about what a resource holds (eventCategory Data). ``confirm``,
    where set, asks the live state what the record cannot tell; it may find what ``judge`` could
    not, and drops a finding only on an answer, never for want of one.
    """

    id: str
    title: str
    severity: Severity
    citations: tuple[str, ...]
    resource_type: str
    fields: tuple[str, ...]
    events: tuple[tuple[str, str], ...]
    judge: Judge
    identity_type: str | None = None
    data_events: bool = False
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A finding with the rule behind it: what an alert is made of. A title stands in for its."""

    rule: Rule
    severity: Severity
    resource_type: str
    resource_id: str | None
    reason: str
    details: Mapping[str, Any]
    basis: Basis = "record"
    not_read: tuple[NotReadError, ...] = ()
    title: str | None = None
