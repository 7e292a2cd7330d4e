"""One invocation from end to end: read, judge, publish, account for every record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import aws
from .accounting import Accounting
from .alert import build, encode
from .coalesce import Candidate
from .dispatch import Dispatcher
from .envelope import (
    Delivery,
    Message,
    UnreadableEventError,
    UnsupportedEventError,
    read_event,
    rehearsed,
)
from .judging import Judgement, NotConcerned, UnprocessableError, judge
from .ledger import AlertLedger, Claim, Standing
from .live import Clients, LiveState
from .model import Violation
from .output import StructuredLog
from .pipeline import AuditPipeline
from .publish import AlertPublisher, DeadLetterQueue
from .record import flag, mapping
from .settings import Settings
from .times import now

if TYPE_CHECKING:
    from .remediate import Remediation

_SECONDS_TO_PUBLISH = 12.0
# For clocks that differ and the end of a process that Lambda ends.
_LEASE_MARGIN_SECONDS = 5.0
# How long alerts of a flood are held, for one message to tell them.
_GATHERING_SECONDS = 15.0
# In all, less than what is kept back of an invocation for publishing.
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0)


class UntoldAlertsError(RuntimeError):
    """Alerts of this invocation are not told yet: Lambda must retry it. What is told stays so."""

    def __init__(self, elsewhere: int, unpublished: int) -> None:
        super().__init__(
            f"{unpublished} alerts could not be published, and {elsewhere} records have alerts that"
            " another invocation has taken and not told: all will be tried again"
        )


@dataclass
class _Case:
    """A record that rules looked at, with its alerts that are still to be told.

    A scan's alert has no judgement, nor has a threat's.
    """

    judgement: Judgement | None
    alerts: list[tuple[Violation | None, dict[str, Any]]]
    log_event_id: str | None = None
    arrived: int | None = None
    raised: list[str] = field(default_factory=list)

    @property
    def record(self) -> Mapping[str, Any]:
        return {} if self.judgement is None else self.judgement.record

    @property
    def event_id(self) -> str:
        if self.judgement is not None:
            return self.judgement.event_id
        return str(self.alerts[0][1]["event"]["event_id"]) if self.alerts else ""


def _remediation(
    settings: Settings, pipeline: AuditPipeline, clients: Clients
) -> Remediation | None:
    """The remediation that the settings ask for; where they ask for none, it is not imported."""
    if not settings.remediation_rules:
        return None
    from .remediate import remediation_of

    return remediation_of(settings, pipeline, clients)


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
        *,
        ledger: AlertLedger | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._log = log
        self._dispatcher = Dispatcher(log, publisher, dead_letters, ledger)
        self._sleep = sleep
        self._live = live
        self._clients = clients
        self._remediation = _remediation(settings, pipeline, clients)

    def handle(
        self,
        event: object,
        request_id: str | None = None,
        seconds: float = 60.0,
        *,
        rehearse: bool = False,
    ) -> dict[str, Any]:
        """Work through one invocation, within so many seconds, and return a summary of it.

        With ``rehearse`` only tests are served, and none is published.

        Raises UnsupportedEventError for an event that the function does not serve, and
        LostRecordsError when something could neither be published nor kept, or UntoldAlertsError
        when an alert waits for its telling, so that Lambda retries.
        """
        received = now()
        try:
            delivery = read_event(event)
            if rehearse:
                delivery = rehearsed(delivery)
        except UnsupportedEventError as error:
            self._log.write("ERROR", "unsupported event", error=str(error), request_id=request_id)
            raise
        except UnreadableEventError as error:
            return self._refuse(event, error, received, request_id, rehearse=rehearse)
        self._live.begin()
        if self._remediation is not None:
            self._remediation.begin()
        lease_until = received + int((seconds + _LEASE_MARGIN_SECONDS) * 1000)
        accounting = Accounting(delivery, received, lease_until)
        cases = self._cases(accounting, mapping(event), seconds)
        if delivery.kind == "schedule":
            accounting.gathers_at = received  # what nobody came for
        elif seconds > _GATHERING_SECONDS + _SECONDS_TO_PUBLISH:
            accounting.hold_until = received + int(_GATHERING_SECONDS * 1000)
        open_cases = self._settle(accounting, cases, seconds)
        self._dispatcher.gather(accounting, self._sleep)
        summary = self._close(accounting, request_id)
        if accounting.is_test:
            summary["alerts"] = [
                json.loads(encode(each.alert, now())) for each in accounting.candidates
            ]
        if open_cases or accounting.untold:
            raise UntoldAlertsError(len(open_cases), len(accounting.untold))
        return summary

    def _cases(
        self, accounting: Accounting, event: Mapping[str, Any], seconds: float
    ) -> list[_Case]:
        """All that the delivery gives to tell, or to decide."""
        delivery = accounting.delivery
        cases: list[_Case] = []
        if delivery.kind == "schedule":
            cases += self._scan(accounting, event, seconds - _SECONDS_TO_PUBLISH)
        for entry in delivery.malformed:
            self._reject(accounting, "malformed log event", "no message", entry, None)
        for message in delivery.messages:
            cases += self._judge(accounting, message)
        for message in delivery.findings:
            cases += self._threat(accounting, message)
        return cases

    def _settle(self, accounting: Accounting, cases: list[_Case], seconds: float) -> list[_Case]:
        """Tell what is this invocation's to tell; return what another has taken and not told.

        That one is waited for a little: nearly always it publishes within the second, and where it
        died, the alert becomes free. A retry of the whole invocation comes a minute later at best,
        and every retry counts as an error of the function.
        """
        until = accounting.received + int((seconds - _SECONDS_TO_PUBLISH) * 1000)
        for pause in (*_PAUSES, None):
            claims = [
                Claim(alert["alert_id"], case.event_id, alert["rule"], case.arrived)
                for case in cases
                for _, alert in case.alerts
            ]
            standing = self._dispatcher.take(accounting, claims)
            cases = [case for case in cases if not self._tell(accounting, case, standing)]
            if accounting.delivery.publish:
                self._dispatcher.dispatch(accounting)
            if not cases or pause is None or now() + pause * 1000 > until:
                break
            self._sleep(pause)
        return cases

    def _tell(self, accounting: Accounting, case: _Case, standing: Standing) -> bool:
        """Raise what of the case is to be raised; whether nothing of it is left to others."""
        left = []
        for violation, alert in case.alerts:
            identity = alert["alert_id"]
            if identity in standing.elsewhere:
                left.append((violation, alert))
            elif identity in standing.mine:
                if standing.fault is not None or accounting.ledger_fault is not None:
                    alert["ledger"] = "unavailable"
                if violation is not None:
                    self._remedy(accounting, case, violation, alert)
                accounting.add(Candidate(alert, reads=flag(case.record.get("readOnly")) is True))
                case.raised.append(alert["rule"])
        case.alerts = left
        if not left and case.judgement is not None:
            self._decide(accounting, case.judgement, case.raised, case.log_event_id)
        return not left

    def _scan(
        self, accounting: Accounting, event: Mapping[str, Any], seconds: float
    ) -> list[_Case]:
        from .scan.scheduled import scan  # once an hour, of all invocations

        alert = scan(
            self._settings,
            self._pipeline,
            self._log,
            event,
            clients=self._clients,
            received=accounting.received,
            seconds=max(1.0, seconds),
        )
        # EventBridge may deliver the same event twice.
        return [] if alert is None else [_Case(None, [(None, alert)])]

    def _threat(self, accounting: Accounting, message: Message) -> list[_Case]:
        """What GuardDuty found is told as it stands: it is no record, and no rule judges it."""
        from . import threat  # seldom, of all invocations

        alert = threat.build(
            mapping(message.content),
            environment=self._settings.environment,
            received=accounting.received,
            delivered=message.delivered,
            path=accounting.delivery.path,
        )
        self._log.write("INFO", "threat finding", alert_id=alert["alert_id"], **alert["event"])
        if not accounting.first(alert["alert_id"]):
            return []
        return [_Case(None, [(None, alert)], arrived=message.delivered)]

    def _refuse(
        self,
        event: object,
        error: UnreadableEventError,
        received: int,
        request_id: str | None,
        *,
        rehearse: bool,
    ) -> dict[str, Any]:
        self._log.write("ERROR", "unreadable event", error=str(error), request_id=request_id)
        if rehearse or (isinstance(event, dict) and "test" in event):
            raise error
        accounting = Accounting(Delivery("logs", ()), received, received)
        accounting.reject_invocation(str(error), event, request_id)
        self._dispatcher.dispatch(accounting)
        return self._close(accounting, request_id)

    def _reject(
        self,
        accounting: Accounting,
        reason: str,
        error: str,
        content: object,
        message: Message | None,
    ) -> None:
        origin = accounting.reject(reason, error, content, message)
        self._log.write("ERROR", "unprocessable record", reason=reason, error=error, **origin)

    def _judge(self, accounting: Accounting, message: Message) -> list[_Case]:
        try:
            judgement = judge(message, self._pipeline, self._live)
        except UnprocessableError as error:
            self._reject(accounting, error.reason, error.error, message.content, message)
            return []
        if isinstance(judgement, NotConcerned):
            accounting.pass_over(judgement.identity)
            return []
        alerts: list[tuple[Violation | None, dict[str, Any]]] = []
        for violation in judgement.violations:
            alert = build(
                violation,
                judgement.record,
                event_id=judgement.event_id,
                environment=self._settings.environment,
                received=accounting.received,
                delivered=message.delivered,
                path=accounting.delivery.path,
            )
            if accounting.first(alert["alert_id"]):
                alerts.append((violation, alert))
        return [_Case(judgement, alerts, message.log_event_id, message.delivered)]

    def _decide(
        self,
        accounting: Accounting,
        judgement: Judgement,
        raised: list[str],
        log_event_id: str | None,
    ) -> None:
        decision = judgement.decision(len(raised))
        accounting.decide(decision)
        self._log.write(
            "INFO",
            "decision",
            decision=decision,
            rules=raised,
            event_id=judgement.event_id[:256],
            event_source=str(judgement.record.get("eventSource"))[:256],
            event_name=str(judgement.record.get("eventName"))[:256],
            log_event_id=log_event_id,
        )

    def _remedy(
        self, accounting: Accounting, case: _Case, violation: Violation, alert: dict[str, Any]
    ) -> None:
        """Put right what may be put right, and let the alert tell it."""
        if self._remediation is None:
            return
        # A record that no trail sent changes nothing: whoever may invoke the function could make
        # it revoke at will.
        remediation = self._remediation.remedy(violation, case.record, rehearse=accounting.is_test)
        if remediation is not None:
            alert["remediation"] = remediation
            self._log.write(
                "INFO",
                "remediation",
                rule=violation.rule.id,
                event_id=case.event_id[:256],
                **remediation,
            )

    def _close(self, accounting: Accounting, request_id: str | None) -> dict[str, Any]:
        accounting.close(self._log, self._settings, request_id)
        return {"source": accounting.delivery.kind, **accounting.summary()}
