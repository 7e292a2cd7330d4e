"""What becomes of each record and alert of an invocation: counted, logged, measured, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from .coalesce import Candidate
from .envelope import Delivery, Message
from .letter import letter
from .output import StructuredLog
from .settings import Settings
from .times import as_iso, from_iso, now

# A line of the log holds 256 KB; CloudWatch Logs' own ids have 56 digits.
_IDS_PER_LINE = 1000
_LONGEST_LATENCY = 7 * 24 * 3600 * 1000


class Accounting:
    """What one invocation has gathered so far.

    ``received`` is its beginning in milliseconds; ``lease_until`` the moment by which it has ended,
    so that others may take what it took.
    """

    def __init__(self, delivery: Delivery, received: int, lease_until: int) -> None:
        self.delivery = delivery
        self.received = received
        self.lease_until = lease_until
        self.candidates: list[Candidate] = []
        self.outbox: list[Candidate] = []  # what of them is still to be sent
        self.untold: list[str] = []  # identities of those that the ledger keeps for a retry
        # Of a flood: until when an alert may be held, what is, and when this one tells it.
        self.hold_until: int | None = None
        self.held: dict[str, dict[str, Any]] = {}
        self.gathers_at: int | None = None
        self.ledger_fault: str | None = None  # why the ledger cannot be asked
        self.letters: list[dict[str, Any]] = []
        self.published = 0
        self.unpublished = 0
        self._not_concerned = list(delivery.passed_over)
        self._decisions: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()
        self._alert_ids: set[str] = set()

    @property
    def is_test(self) -> bool:
        """Whether someone tries the function out, so that nothing may be remembered or changed."""
        return self.delivery.kind == "test"

    def first(self, alert_id: str) -> bool:
        """Whether this invocation has no alert of this identity yet; from now on it has."""
        known = alert_id in self._alert_ids
        self._alert_ids.add(alert_id)
        return not known

    def pass_over(self, identity: str) -> None:
        """Count a record that no rule looks at."""
        self._not_concerned.append(identity)

    def decide(self, decision: str) -> None:
        """Count a record that was judged."""
        self._decisions[decision] += 1

    def add(self, candidate: Candidate) -> None:
        """Take in the alert of one violation."""
        self._rules[candidate.alert["rule"]] += 1
        self.candidates.append(candidate)
        self.outbox.append(candidate)

    def reject(
        self, reason: str, error: str, content: object, message: Message | None
    ) -> dict[str, str | None]:
        """Count what cannot be processed, and write its dead letter; where it came from."""
        delivered = message.delivered if message else None
        origin = {
            "log_group": self.delivery.log_group,
            "log_stream": self.delivery.log_stream,
            "log_event_id": message.log_event_id if message else None,
            "delivered_time": None if delivered is None else as_iso(delivered),
        }
        self._decisions["unprocessable"] += 1
        self.letters.append(letter(reason, error, content, **origin))
        return origin

    def reject_invocation(self, error: str, event: object, request_id: str | None) -> None:
        """Count an invocation that cannot be read as a whole, and write its dead letter."""
        self._decisions["unprocessable"] += 1
        self.letters.append(letter("unreadable event", error, event, request_id=request_id))

    def summary(self) -> dict[str, int]:
        """The numbers that the caller gets."""
        return {
            "records": self.delivery.records,
            "violations": len(self.candidates),
            "published": self.published,
            "unprocessable": self._decisions["unprocessable"],
        }

    def metrics(self) -> dict[str, int]:
        """The counts by the names of their metrics."""
        decisions = self._decisions
        return {
            "Records": self.delivery.records,
            "RecordsPassed": decisions["pass"] + decisions["failed-call"],
            "RecordsNotConcerned": len(self._not_concerned),
            "RecordsWithViolation": decisions["violation"],
            "RecordsDuplicate": decisions["duplicate"],
            "RecordsUnprocessable": decisions["unprocessable"],
            "Violations": len(self.candidates),
            "AlertsPublished": self.published,
            "AlertsNotPublished": self.unpublished,
            "AlertsWithoutLedger": sum("ledger" in each.alert for each in self.candidates),
        }

    def close(self, log: StructuredLog, settings: Settings, request_id: str | None) -> None:
        """Write the invocation's last lines: ids passed over, metrics, and what came of it all."""
        for first in range(0, len(self._not_concerned), _IDS_PER_LINE):
            ids = [each[:64] for each in self._not_concerned[first : first + _IDS_PER_LINE]]
            log.write("INFO", "not concerned", count=len(ids), ids=ids)
        if self.delivery.kind != "control":
            log.write_metrics(
                settings.metric_namespace,
                settings.environment,
                self.metrics(),
                _latencies(each.alert for each in self.candidates),
                self._rules,
            )
        decisions = Counter(self._decisions)
        decisions["not-concerned"] = len(self._not_concerned)
        decisions["unpublished"] = self.unpublished
        log.write(
            "INFO",
            "invocation",
            request_id=request_id,
            log_group=self.delivery.log_group,
            log_stream=self.delivery.log_stream,
            decisions=dict(+decisions),
            duration_milliseconds=now() - self.received,
            source=self.delivery.kind,
            **self.summary(),
        )


def _latencies(alerts: Iterable[dict[str, Any]]) -> list[int]:
    """Milliseconds from each alert's event until now, where that is a plausible time."""
    present = now()
    moments = (from_iso(alert["timing"]["event_time"]) for alert in alerts)
    return [
        present - moment
        for moment in moments
        if moment is not None and 0 <= present - moment <= _LONGEST_LATENCY
    ]
