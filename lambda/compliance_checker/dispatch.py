"""What leaves the function: alerts, as few as floods allow, and dead letters for the rest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from .accounting import Accounting
from .alert import encode
from .coalesce import Candidate, Notice, coalesce, sizes
from .ledger import AlertLedger, Claim, LedgerUnavailableError, Standing
from .letter import letter
from .output import StructuredLog
from .publish import AlertPublisher, DeadLetterQueue
from .times import now

_REMEMBERED_ALERTS = 10_000


class LostRecordsError(RuntimeError):
    """Something could neither be published nor kept: Lambda must retry the whole invocation."""


class Dispatcher:
    """Sends what an invocation brought, each alert once.

    Who tells an alert is agreed upon in the ledger. As long as it lives, the dispatcher also
    remembers what it sent, for when there is no ledger to ask.
    """

    def __init__(
        self,
        log: StructuredLog,
        publisher: AlertPublisher,
        dead_letters: DeadLetterQueue | None,
        ledger: AlertLedger | None = None,
    ) -> None:
        self._log = log
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._published: OrderedDict[str, None] = OrderedDict()

    def take(self, accounting: Accounting, claims: Sequence[Claim], lease_until: int) -> Standing:
        """Which of the alerts this invocation is to tell. A test repeats at will.

        An alert of which the ledger says nothing is to be told: twice rather than never.
        """
        identities = frozenset(claim.alert_id for claim in claims)
        if accounting.is_test or not claims:
            return Standing(mine=identities)
        standing = Standing()
        if self._ledger is not None and accounting.ledger_fault is None:
            path = accounting.delivery.path
            standing = self._ledger.take(claims, path, accounting.received, lease_until)
            if standing.fault is not None:
                self._lose_ledger(accounting, standing.fault)
        known = standing.mine | standing.told | standing.elsewhere
        remembered = frozenset(each for each in identities - known if each in self._published)
        return Standing(
            mine=identities - remembered - standing.told - standing.elsewhere,
            told=remembered | standing.told,
            elsewhere=standing.elsewhere,
            fault=standing.fault,
        )

    def dispatch(self, accounting: Accounting) -> None:
        """Publish what is to be sent, count it, and keep the dead letters.

        An alert that cannot be published is left to a retry in the ledger; where there is none, it
        becomes a dead letter. LostRecordsError if a letter cannot be kept.
        """
        candidates, accounting.outbox = accounting.outbox, []
        if candidates:
            self._publish(accounting, candidates)
        letters, accounting.letters = accounting.letters, []
        self._keep(letters)

    def _publish(self, accounting: Accounting, candidates: list[Candidate]) -> None:
        notices = coalesce(candidates, self._told_before(accounting, candidates))
        undelivered = self._publisher.publish([notice.alert for notice in notices])
        refusals = {each.item["alert_id"]: each.code for each in undelivered}
        accounting.published += len(notices) - len(refusals)
        accounting.unpublished += len(refusals)
        told: list[str] = []
        for notice in notices:
            self._log_coalesced(notice)
            alert = notice.alert
            if (code := refusals.get(alert["alert_id"])) is None:
                told += notice.stands_for
                continue
            self._log.write("ERROR", "alert not published", code=code, alert=alert)
            if self._ledger_serves(accounting) and "ledger" not in alert:
                accounting.untold += notice.stands_for
            else:
                body = encode(alert, now())
                accounting.letters.append(letter("alert not published", code, body))
        if not accounting.is_test:
            self._remember(told)
            self._close_in_ledger(accounting, told)

    def _ledger_serves(self, accounting: Accounting) -> bool:
        usable = self._ledger is not None and accounting.ledger_fault is None
        return usable and not accounting.is_test

    def _told_before(
        self, accounting: Accounting, candidates: list[Candidate]
    ) -> dict[tuple[object, ...], int]:
        """How many alerts of each kind other invocations have told this hour."""
        if self._ledger is None or not self._ledger_serves(accounting):
            return {}
        try:
            return self._ledger.count(sizes(candidates), accounting.received)
        except LedgerUnavailableError as error:
            self._lose_ledger(accounting, error.code)
            return {}

    def _close_in_ledger(self, accounting: Accounting, told: list[str]) -> None:
        if self._ledger is None or not self._ledger_serves(accounting):
            return
        try:
            self._ledger.tell(told, accounting.delivery.path, now())
            self._ledger.release(accounting.untold)
        except LedgerUnavailableError as error:
            # The alerts are out. Where their event comes again, they may be told once more.
            self._lose_ledger(accounting, error.code)

    def _lose_ledger(self, accounting: Accounting, code: str) -> None:
        accounting.ledger_fault = code
        self._log.write("ERROR", "ledger unavailable", code=code)

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
