"""From one CloudTrail record to its violations: pure, and quick for records of no concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .incomplete import not_judged
from .live import LiveState, NotReadError
from .model import Basis, Confirmed, Finding, Rule, Violation
from .pipeline import AuditPipeline
from .record import failed, is_anothers_copy, is_copy_or_notice, is_data_event, open_event
from .rules import RULES


def _by_event(rules: Iterable[Rule]) -> dict[tuple[str, str], tuple[Rule, ...]]:
    table: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for rule in rules:
        for key in rule.events:
            table[key] = (*table.get(key, ()), rule)
    return table


_TABLE = _by_event(RULES)
_ROOT_RULES = tuple(rule for rule in RULES if rule.identity_type == "Root")
_NO_RULES: tuple[Rule, ...] = ()
EVENT_NAMES = frozenset(name for _, name in _TABLE)


def plain_name(name: str) -> str:
    """The event's name without the API date that CloudTrail appends to Lambda's operations.

    ``UpdateFunctionCode20150331v2`` is ``UpdateFunctionCode``.
    """
    stem, version, number = name.rpartition("v")
    dated = stem if version and number.isdigit() else name
    return dated[:-8] if dated[-8:].isdigit() else name


def is_root(record: Mapping[str, Any]) -> bool:
    """Whether the account's root identity acted (by type, or by ARN where there is no type)."""
    identity = record.get("userIdentity")
    if not isinstance(identity, dict):
        return False
    kind = identity.get("type")
    if kind is not None:
        return bool(kind == "Root")
    arn = identity.get("arn")
    return isinstance(arn, str) and arn.endswith(":root")


def concerned_rules(record: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules that look at this record: by its source and name, or because root acted."""
    source, name = record.get("eventSource"), record.get("eventName")
    if not isinstance(source, str) or not isinstance(name, str):
        return _NO_RULES
    rules = _TABLE.get((source, name), _NO_RULES)
    if not rules and name[-1:].isdigit():
        rules = _TABLE.get((source, plain_name(name)), _NO_RULES)
    if rules and is_copy_or_notice(record):
        judged = is_data_event(record)
        rules = tuple(rule for rule in rules if judged and rule.data_events)
    if is_root(record) and not is_anothers_copy(record):
        return rules + _ROOT_RULES
    return rules


def evaluate(
    record: Mapping[str, Any],
    pipeline: AuditPipeline | None = None,
    live: LiveState | None = None,
) -> list[Violation]:
    """Every violation that one CloudTrail record shows; none for a failed call.

    ``record`` is a CloudTrail record as logged (a JSON object); any shape is accepted. ``pipeline``
    says which resources carry the audit trail; by default those of the naming convention. With
    ``live``, what the record alone cannot tell is asked of the account; without, the record alone
    decides. What a rule needs and CloudTrail left out for its size is alerted as such, on the basis
    ``incomplete-record``, unless the account told.
    """
    rules = concerned_rules(record)
    if not rules or failed(record):
        return []
    event = open_event(record, str(record["eventSource"]), plain_name(str(record["eventName"])))
    scope = pipeline or AuditPipeline()
    found = []
    for rule in rules:
        confirmed = Confirmed(rule.judge(event, scope))
        if live is not None and rule.confirm is not None:
            confirmed = rule.confirm(event, scope, confirmed.finding, live)
        basis: Basis = "record-and-live-state" if confirmed.read else "record"
        finding = confirmed.finding
        if finding is None and not confirmed.read:
            finding, basis = not_judged(rule, event), "incomplete-record"
        if finding is not None:
            found.append(_violation(rule, finding, basis, confirmed.not_read))
    return found


def _violation(
    rule: Rule,
    finding: Finding,
    basis: Basis = "record",
    not_read: tuple[NotReadError, ...] = (),
) -> Violation:
    return Violation(
        rule=rule,
        severity=finding.severity or rule.severity,
        resource_type=finding.resource_type or rule.resource_type,
        resource_id=finding.resource_id,
        reason=finding.reason,
        details=finding.details,
        basis=basis,
        not_read=not_read,
        title=finding.title,
    )
