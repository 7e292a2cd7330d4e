"""One invocation from end to end: read, judge, publish, account for every record."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from . import aws
from .alert import build, encode
from .coalesce import Candidate, coalesce
from .envelope import (
    Delivery,
    Message,
    UnreadableEventError,
    UnsupportedEventError,
    parse_record,
    read_event,
)
from .evaluate import concerned_rules, evaluate
from .letter import letter
from .live import Clients, LiveState
from .model import Violation
from .output import StructuredLog
from .pipeline import AuditPipeline
from .publish import AlertPublisher, DeadLetterQueue
from .record import failed, flag, mapping
from .remediate import REMEDIABLE_RULES, Remediation
from .scheduled import scan
from .settings import ConfigurationError, Settings
from .times import as_iso, from_iso, now

_REMEMBERED_ALERTS = 10_000
_SECONDS_TO_PUBLISH = 12.0
# A line of the log holds 256 KB; CloudWatch Logs' own ids have 56 digits.
_IDS_PER_LINE = 1000
_LONGEST_LATENCY = 7 * 24 * 3600 * 1000
# What a rule could raise on a record that its author did not foresee.
_JUDGEMENT_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class LostRecordsError(RuntimeError):
    """Something could neither be published nor kept: Lambda must retry the whole invocation."""


class _Work:
    """What one invocation has gathered so far."""

    def __init__(self, delivery: Delivery, received: int) -> None:
        self.delivery = delivery
        self.received = received
        self.candidates: list[Candidate] = []
        self.not_concerned = list(delivery.passed_over)
        self.letters: list[dict[str, Any]] = []
        self.decisions: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.identities: set[str] = set()
        self.published = 0
        self.unpublished = 0


class Checker:
    """Handles invocations; remembers, as long as it lives, which alerts it has published."""

    def __init__(
        self,
        settings: Settings,
        pipeline: AuditPipeline,
        log: StructuredLog,
        publisher: AlertPublisher,
        dead_letters: DeadLetterQueue | None,
        live: LiveState,
        clients: Clients = aws.client_in,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._log = log
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._live = live
        self._clients = clients
        self._remediation = self._make_remediation()
        self._published: OrderedDict[str, None] = OrderedDict()

    def _make_remediation(self) -> Remediation | None:
        rules = self._settings.remediation_rules
        if not rules:
            return None

        if unknown := sorted(rules - REMEDIABLE_RULES):
            raise ConfigurationError(f"REMEDIATION_RULES without a remedy: {', '.join(unknown)}")
        return Remediation(
            rules,
            self._pipeline,
            apply=self._settings.remediation_applies,
            exemption_tag=self._settings.remediation_exemption_tag,
            clients=self._clients,
        )

    def handle(
        self, event: object, request_id: str | None = None, seconds: float = 60.0
    ) -> dict[str, Any]:
        """Work through one invocation, within so many seconds, and return a summary of it.

        Raises UnsupportedEventError for an event that the function does not serve, and
        LostRecordsError when something could neither be published nor kept, so that Lambda
        retries.
        """
        received = now()
        try:
            delivery = read_event(event)
        except UnsupportedEventError as error:
            self._log.write("ERROR", "unsupported event", error=str(error), request_id=request_id)
            raise
        except UnreadableEventError as error:
            return self._refuse(event, error, received, request_id)
        self._live.begin()
        if self._remediation is not None:
            self._remediation.begin()
        work = _Work(delivery, received)
        if delivery.kind == "schedule":
            self._scan(work, mapping(event), seconds - _SECONDS_TO_PUBLISH)
        for entry in delivery.malformed:
            self._reject(work, "malformed log event", "no message", entry, None)
        for message in delivery.messages:
            self._judge(work, message)
        if delivery.publish:
            self._deliver(work)
        summary = self._finish(work, request_id)
        if delivery.kind == "test":
            summary["alerts"] = [json.loads(encode(each.alert, now())) for each in work.candidates]
        return summary

    def _scan(self, work: _Work, event: Mapping[str, Any], seconds: float) -> None:
        # Not needed for records.

        alert = scan(
            self._settings,
            self._pipeline,
            self._log,
            event,
            clients=self._clients,
            received=work.received,
            seconds=max(1.0, seconds),
        )
        if alert is None or alert["alert_id"] in self._published:  # delivered twice
            return
        work.rules[alert["rule"]] += 1
        work.candidates.append(Candidate(alert, reads=False))

    def _refuse(
        self, event: object, error: UnreadableEventError, received: int, request_id: str | None
    ) -> dict[str, Any]:
        self._log.write("ERROR", "unreadable event", error=str(error), request_id=request_id)
        if isinstance(event, dict) and "test" in event:
            raise error
        work = _Work(Delivery("logs", ()), received)
        work.decisions["unprocessable"] += 1
        work.letters.append(letter("unreadable event", str(error), event, request_id=request_id))
        self._deliver(work)
        return self._finish(work, request_id)

    def _reject(
        self, work: _Work, reason: str, error: str, content: object, message: Message | None
    ) -> None:
        origin = {
            "log_group": work.delivery.log_group,
            "log_stream": work.delivery.log_stream,
            "log_event_id": message.log_event_id if message else None,
            "delivered_time": (
                as_iso(message.delivered) if message and message.delivered is not None else None
            ),
        }
        work.decisions["unprocessable"] += 1
        work.letters.append(letter(reason, error, content, **origin))
        self._log.write("ERROR", "unprocessable record", reason=reason, error=error, **origin)

    def _judge(self, work: _Work, message: Message) -> None:
        content = message.content
        try:
            record = parse_record(content)
        except ValueError as error:
            self._reject(work, "broken JSON", str(error), content, message)
            return
        try:
            if not concerned_rules(record):
                work.not_concerned.append(message.log_event_id or _event_id(record))
                return
            violations = evaluate(record, self._pipeline, self._live)
            unsuccessful = failed(record)
            event_id = _event_id(record)
        except _JUDGEMENT_ERRORS as error:
            self._reject(work, "rule failed", f"{type(error).__name__}: {error}", content, message)
            return
        self._decide(work, message, record, event_id, violations, unsuccessful)

    def _decide(
        self,
        work: _Work,
        message: Message,
        record: Mapping[str, Any],
        event_id: str,
        violations: list[Violation],
        unsuccessful: bool,
    ) -> None:
        raised = [
            violation.rule.id
            for violation in violations
            if self._raise(work, message, record, event_id, violation)
        ]
        if violations:
            decision = "violation" if raised else "duplicate"
        else:
            decision = "failed-call" if unsuccessful else "pass"
        work.decisions[decision] += 1
        self._log.write(
            "INFO",
            "decision",
            decision=decision,
            rules=raised,
            event_id=event_id[:256],
            event_source=str(record.get("eventSource"))[:256],
            event_name=str(record.get("eventName"))[:256],
            log_event_id=message.log_event_id,
        )

    def _raise(
        self,
        work: _Work,
        message: Message,
        record: Mapping[str, Any],
        event_id: str,
        violation: Violation,
    ) -> bool:
        """Add the violation's alert to the work; False if it is known already."""
        alert = build(
            violation,
            record,
            event_id=event_id,
            environment=self._settings.environment,
            received=work.received,
            delivered=message.delivered,
        )
        identity = alert["alert_id"]
        # A test repeats at will; what the trail delivers is published once.
        known = identity in self._published and work.delivery.kind != "test"
        if known or identity in work.identities:
            return False
        work.identities.add(identity)
        if self._remediation is not None:
            # A record that no trail sent changes nothing: whoever may invoke the function could
            # make it revoke at will.
            rehearse = work.delivery.kind == "test"
            remediation = self._remediation.remedy(violation, record, rehearse=rehearse)
            if remediation is not None:
                alert["remediation"] = remediation
                self._log.write(
                    "INFO",
                    "remediation",
                    rule=violation.rule.id,
                    event_id=event_id[:256],
                    **remediation,
                )
        work.rules[violation.rule.id] += 1
        work.candidates.append(Candidate(alert, reads=flag(record.get("readOnly")) is True))
        return True

    def _deliver(self, work: _Work) -> None:
        if work.candidates:
            self._publish(work)
        self._keep(work.letters)

    def _publish(self, work: _Work) -> None:
        notices = coalesce(work.candidates)
        undelivered = self._publisher.publish([notice.alert for notice in notices])
        lost = {each.item["alert_id"]: each.code for each in undelivered}
        work.published = len(notices) - len(lost)
        work.unpublished = len(lost)
        for notice in notices:
            alert = notice.alert
            if "repeats" in alert:
                self._log.write(
                    "WARNING",
                    "alerts coalesced",
                    alert_id=alert["alert_id"],
                    rule=alert["rule"],
                    resource=alert["resource"],
                    actor=alert["actor"],
                    repeats=alert["repeats"],
                )
            if (code := lost.get(alert["alert_id"])) is not None:
                self._log.write("ERROR", "alert not published", code=code, alert=alert)
                work.letters.append(letter("alert not published", code, encode(alert, now())))
            elif work.delivery.kind != "test":
                self._remember(notice.stands_for)

    def _keep(self, letters: list[dict[str, Any]]) -> None:
        if not letters:
            return
        codes = (
            ["no DEAD_LETTER_QUEUE_URL"] * len(letters)
            if self._dead_letters is None
            else [each.code for each in self._dead_letters.send(letters)]
        )
        if codes:
            known = sorted(set(codes))
            self._log.write("ERROR", "dead letters not kept", count=len(codes), codes=known)
            raise LostRecordsError(
                f"{len(codes)} items could neither be processed nor kept: {', '.join(known)}"
            )

    def _remember(self, identities: Iterable[str]) -> None:
        self._published.update(dict.fromkeys(identities))
        while len(self._published) > _REMEMBERED_ALERTS:
            self._published.popitem(last=False)

    def _finish(self, work: _Work, request_id: str | None) -> dict[str, Any]:
        work.decisions["not-concerned"] = len(work.not_concerned)
        work.decisions["unpublished"] = work.unpublished
        violations = len(work.candidates)
        summary = {
            "records": work.delivery.records,
            "violations": violations,
            "published": work.published,
            "unprocessable": work.decisions["unprocessable"],
        }
        totals = {
            "Records": summary["records"],
            "RecordsPassed": work.decisions["pass"] + work.decisions["failed-call"],
            "RecordsNotConcerned": work.decisions["not-concerned"],
            "RecordsWithViolation": work.decisions["violation"],
            "RecordsDuplicate": work.decisions["duplicate"],
            "RecordsUnprocessable": work.decisions["unprocessable"],
            "Violations": violations,
            "AlertsPublished": work.published,
            "AlertsNotPublished": work.unpublished,
        }
        for first in range(0, len(work.not_concerned), _IDS_PER_LINE):
            ids = [each[:64] for each in work.not_concerned[first : first + _IDS_PER_LINE]]
            self._log.write("INFO", "not concerned", count=len(ids), ids=ids)
        if work.delivery.kind != "control":
            self._log.metrics(
                self._settings.metric_namespace,
                self._settings.environment,
                totals,
                _latencies([each.alert for each in work.candidates]),
                work.rules,
            )
        self._log.write(
            "INFO",
            "invocation",
            request_id=request_id,
            log_group=work.delivery.log_group,
            log_stream=work.delivery.log_stream,
            decisions=dict(+work.decisions),
            duration_milliseconds=now() - work.received,
            source=work.delivery.kind,
            **summary,
        )
        return {"source": work.delivery.kind, **summary}


def _event_id(record: Mapping[str, Any]) -> str:
    """The record's eventID; without one, a digest of the record stands in for it."""
    event_id = record.get("eventID")
    if isinstance(event_id, str) and event_id:
        return event_id

    digest = sha256(repr(record).encode("utf-8", "backslashreplace")).hexdigest()
    return f"without-id-{digest}"


def _latencies(batch: list[dict[str, Any]]) -> list[int]:
    present = now()
    moments = (from_iso(alert["timing"]["event_time"]) for alert in batch)
    return [
        present - moment
        for moment in moments
        if moment is not None and 0 <= present - moment <= _LONGEST_LATENCY
    ]
