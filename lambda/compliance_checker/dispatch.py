"""What leaves the function: alerts, as few as floods allow, and dead letters for the rest."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .accounting import Accounting
from .alert import encode
from .coalesce import SINGLE_ALERTS, Candidate, Notice, coalesce, kind_of, sizes, together
from .gathering import Gathering, Held
from .ledger import AlertLedger, Claim, Kind, Standing, digest_of
from .letter import letter
from .output import StructuredLog
from .publish import AlertPublisher, DeadLetterQueue
from .table import LedgerUnavailableError
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
        self._gathering = None if ledger is None else Gathering(ledger.table)
        self._published: OrderedDict[str, None] = OrderedDict()

    def take(self, accounting: Accounting, claims: Sequence[Claim]) -> Standing:
        """Which of the alerts this invocation is to tell. A test repeats at will.

        An alert of which the ledger says nothing is to be told: twice rather than never.
        """
        identities = frozenset(claim.alert_id for claim in claims)
        if accounting.is_test or not claims:
            return Standing(mine=identities)
        standing = Standing()
        if self._ledger is not None and accounting.ledger_fault is None:
            path = accounting.delivery.path
            standing = self._ledger.take(claims, path, accounting.received, accounting.lease_until)
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
        self._keep_letters(accounting)

    def gather(self, accounting: Accounting, sleep: Callable[[float], None]) -> None:
        """Tell what this and other invocations hold, where this one is to, once it is time.

        What cannot be told stays held, for the retry.
        """
        if self._gathering is None or accounting.gathers_at is None:
            return
        waits = accounting.gathers_at > now()
        if waits:
            sleep((accounting.gathers_at - now()) / 1000)
        sent = False
        try:
            listed = self._gathering.close(now())
            if waits and {held.alert_id for held in listed} <= accounting.held.keys():
                self._gathering.stay_alone(now())
            claims = {held.alert_id: held.claim for held in listed}
            standing = self.take(accounting, list(claims.values()))
            mine = [held for held in listed if held.alert_id in standing.mine]
            notices = self._gathered(accounting, self._gathering, mine)
            self._send(accounting, notices)
            sent = True
            still_held = standing.elsewhere.union(accounting.untold)
            self._gathering.forget(held for held in listed if held.alert_id not in still_held)
        except LedgerUnavailableError as error:
            self._lose_ledger(accounting, error.code)
        if not sent:
            # Its own goes out, twice rather than never; the retry asks for what others hold.
            own = [{**alert, "ledger": "unavailable"} for alert in accounting.held.values()]
            self._send(accounting, [Notice(alert, (alert["alert_id"],)) for alert in own])
            accounting.untold += accounting.held
        self._keep_letters(accounting)

    def _gathered(
        self, accounting: Accounting, gathering: Gathering, mine: Iterable[Held]
    ) -> list[Notice]:
        """One message a kind, in the words of the first alert whose text is there."""
        kinds: dict[str, list[Held]] = {}
        for held in mine:
            kinds.setdefault(held.kind, []).append(held)
        notices = []
        for alike in kinds.values():
            texts = (gathering.text(held, accounting.received) for held in alike)
            identities = tuple(held.alert_id for held in alike)
            if (text := next(filter(None, texts), None)) is None:
                accounting.untold += identities
            else:
                told = [(held.event_id, held.event_name, held.event_time) for held in alike]
                notices.append(together(json.loads(text), identities, told))
        return notices

    def _publish(self, accounting: Accounting, candidates: list[Candidate]) -> None:
        counts = sizes(candidates)
        told_before = self._told_before(accounting, counts)
        flooding = {
            kind
            for kind, count in counts.items()
            if count == 1 and told_before.get(kind, 0) >= SINGLE_ALERTS
        }
        at_once = [each for each in candidates if not self._holds(accounting, each, flooding)]
        self._send(accounting, coalesce(at_once, told_before))

    def _holds(
        self, accounting: Accounting, candidate: Candidate, flooding: Collection[Kind]
    ) -> bool:
        """Whether the alert is held instead of told, as one of a flood."""
        kind = kind_of(candidate)
        if accounting.hold_until is None or kind not in flooding:
            return False
        if self._gathering is None or not self._ledger_serves(accounting):
            return False
        alert = candidate.alert
        present, until = now(), accounting.hold_until
        held = Held.of(alert, digest_of(kind))
        try:
            place = self._gathering.hold(
                held, encode(alert, present), present, until, accounting.lease_until
            )
        except LedgerUnavailableError as error:
            self._lose_ledger(accounting, error.code)
            alert["ledger"] = "unavailable"
            return False
        if place == "alone":
            return False
        accounting.held[held.alert_id] = alert
        if place == "full":
            accounting.gathers_at = present
        elif place == "gathers" and accounting.gathers_at is None:
            accounting.gathers_at = until
        self._log.write("INFO", "alert held", alert_id=held.alert_id, rule=held.rule, place=place)
        return True

    def _send(self, accounting: Accounting, notices: Sequence[Notice]) -> None:
        """Publish and count; note in the ledger what is told, and give back what is not."""
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

    def _told_before(self, accounting: Accounting, counts: Mapping[Kind, int]) -> dict[Kind, int]:
        """How many alerts of each kind other invocations have told this hour."""
        if self._ledger is None or not self._ledger_serves(accounting):
            return {}
        try:
            return self._ledger.count(counts, accounting.received, SINGLE_ALERTS)
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

    def _keep_letters(self, accounting: Accounting) -> None:
        letters, accounting.letters = accounting.letters, []
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
