"""One invocation from end to end: read, judge, publish, account for every record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import aws
from .accounting import Ledger
from .alert import build, encode
from .coalesce import Candidate
from .dispatch import Dispatcher
from .envelope import Delivery, Message, UnreadableEventError, UnsupportedEventError, read_event
from .judging import Judgement, NotConcerned, UnprocessableError, judge
from .live import Clients, LiveState
from .model import Violation
from .output import StructuredLog
from .pipeline import AuditPipeline
from .publish import AlertPublisher, DeadLetterQueue
from .record import flag, mapping
from .remediate import remediation_of
from .scan.scheduled import scan
from .settings import Settings
from .times import now

_SECONDS_TO_PUBLISH = 12.0


class Checker:
    """Handles invocations, one after the other."""

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
        self._dispatcher = Dispatcher(log, publisher, dead_letters)
        self._live = live
        self._clients = clients
        self._remediation = remediation_of(settings, pipeline, clients)

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
        ledger = Ledger(delivery, received)
        if delivery.kind == "schedule":
            self._scan(ledger, mapping(event), seconds - _SECONDS_TO_PUBLISH)
        for entry in delivery.malformed:
            self._reject(ledger, "malformed log event", "no message", entry, None)
        for message in delivery.messages:
            self._judge(ledger, message)
        if delivery.publish:
            self._dispatcher.dispatch(ledger)
        summary = self._close(ledger, request_id)
        if ledger.is_test:
            summary["alerts"] = [
                json.loads(encode(each.alert, now())) for each in ledger.candidates
            ]
        return summary

    def _scan(self, ledger: Ledger, event: Mapping[str, Any], seconds: float) -> None:
        alert = scan(
            self._settings,
            self._pipeline,
            self._log,
            event,
            clients=self._clients,
            received=ledger.received,
            seconds=max(1.0, seconds),
        )
        # EventBridge may deliver the same event twice.
        if alert is not None and not self._dispatcher.has_published(alert["alert_id"]):
            ledger.add(Candidate(alert, reads=False))

    def _refuse(
        self, event: object, error: UnreadableEventError, received: int, request_id: str | None
    ) -> dict[str, Any]:
        self._log.write("ERROR", "unreadable event", error=str(error), request_id=request_id)
        if isinstance(event, dict) and "test" in event:
            raise error
        ledger = Ledger(Delivery("logs", ()), received)
        ledger.reject_invocation(str(error), event, request_id)
        self._dispatcher.dispatch(ledger)
        return self._close(ledger, request_id)

    def _reject(
        self, ledger: Ledger, reason: str, error: str, content: object, message: Message | None
    ) -> None:
        origin = ledger.reject(reason, error, content, message)
        self._log.write("ERROR", "unprocessable record", reason=reason, error=error, **origin)

    def _judge(self, ledger: Ledger, message: Message) -> None:
        try:
            judgement = judge(message, self._pipeline, self._live)
        except UnprocessableError as error:
            self._reject(ledger, error.reason, error.error, message.content, message)
            return
        if isinstance(judgement, NotConcerned):
            ledger.pass_over(judgement.identity)
            return
        raised = [
            violation.rule.id
            for violation in judgement.violations
            if self._raise(ledger, message, judgement, violation)
        ]
        decision = judgement.decision(len(raised))
        ledger.decide(decision)
        self._log.write(
            "INFO",
            "decision",
            decision=decision,
            rules=raised,
            event_id=judgement.event_id[:256],
            event_source=str(judgement.record.get("eventSource"))[:256],
            event_name=str(judgement.record.get("eventName"))[:256],
            log_event_id=message.log_event_id,
        )

    def _raise(
        self, ledger: Ledger, message: Message, judgement: Judgement, violation: Violation
    ) -> bool:
        """Add the violation's alert to the ledger; False if it is known already."""
        alert = build(
            violation,
            judgement.record,
            event_id=judgement.event_id,
            environment=self._settings.environment,
            received=ledger.received,
            delivered=message.delivered,
        )
        # A test repeats at will; what the trail delivers is published once.
        known = self._dispatcher.has_published(alert["alert_id"]) and not ledger.is_test
        if known or ledger.holds(alert["alert_id"]):
            return False
        self._remedy(ledger, judgement, violation, alert)
        ledger.add(Candidate(alert, reads=flag(judgement.record.get("readOnly")) is True))
        return True

    def _remedy(
        self, ledger: Ledger, judgement: Judgement, violation: Violation, alert: dict[str, Any]
    ) -> None:
        """Put right what may be put right, and let the alert tell it."""
        if self._remediation is None:
            return
        # A record that no trail sent changes nothing: whoever may invoke the function could make
        # it revoke at will.
        remediation = self._remediation.remedy(violation, judgement.record, rehearse=ledger.is_test)
        if remediation is not None:
            alert["remediation"] = remediation
            self._log.write(
                "INFO",
                "remediation",
                rule=violation.rule.id,
                event_id=judgement.event_id[:256],
                **remediation,
            )

    def _close(self, ledger: Ledger, request_id: str | None) -> dict[str, Any]:
        ledger.close(self._log, self._settings, request_id)
        return {"source": ledger.delivery.kind, **ledger.summary()}
