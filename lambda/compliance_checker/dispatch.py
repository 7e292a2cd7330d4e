"""What leaves the function: alerts, as few as floods allow, and dead letters for the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from .accounting import Ledger
from .alert import encode
from .coalesce import Notice, coalesce
from .letter import letter
from .output import StructuredLog
from .publish import AlertPublisher, DeadLetterQueue
from .times import now

_REMEMBERED_ALERTS = 10_000


class LostRecordsError(RuntimeError):
    """Something could neither be published nor kept: Lambda must retry the whole invocation."""


class Dispatcher:
    """Sends what an invocation brought; remembers, as long as it lives, which alerts it sent."""

    def __init__(
        self, log: StructuredLog, publisher: AlertPublisher, dead_letters: DeadLetterQueue | None
    ) -> None:
        self._log = log
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._published: OrderedDict[str, None] = OrderedDict()

    def has_published(self, alert_id: str) -> bool:
        """Whether an alert of this identity went out already."""
        return alert_id in self._published

    def dispatch(self, ledger: Ledger) -> None:
        """Publish the ledger's alerts, count them, and keep its dead letters.

        An alert that cannot be published becomes a dead letter. LostRecordsError if a letter cannot
        be kept.
        """
        if ledger.candidates:
            self._publish(ledger)
        self._keep(ledger.letters)

    def _publish(self, ledger: Ledger) -> None:
        notices = coalesce(ledger.candidates)
        undelivered = self._publisher.publish([notice.alert for notice in notices])
        refusals = {each.item["alert_id"]: each.code for each in undelivered}
        ledger.published = len(notices) - len(refusals)
        ledger.unpublished = len(refusals)
        for notice in notices:
            self._log_coalesced(notice)
            alert = notice.alert
            if (code := refusals.get(alert["alert_id"])) is not None:
                self._log.write("ERROR", "alert not published", code=code, alert=alert)
                ledger.letters.append(letter("alert not published", code, encode(alert, now())))
            elif not ledger.is_test:
                self._remember(notice.stands_for)

    def _log_coalesced(self, notice: Notice) -> None:
        if "repeats" in notice.alert:
            told = {key: notice.alert[key] for key in ("alert_id", "rule", "resource", "actor")}
            repeats = notice.alert["repeats"]
            self._log.write("WARNING", "alerts coalesced", **told, repeats=repeats)

    def _remember(self, alert_ids: Iterable[str]) -> None:
        self._published.update(dict.fromkeys(alert_ids))
        while len(self._published) > _REMEMBERED_ALERTS:
            self._published.popitem(last=False)

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
