"""The ledger: which alert is told by whom, so that two paths and retries make one alert of it.

One item of a DynamoDB table for each alert, by its identity (event and rule). An invocation *takes*
an alert before it publishes it, by a conditional write, and notes that it is *told* once SNS has
it. What was taken has a lease, which ends after the invocation can have: an alert whose invocation
died is free again. Each path leaves the time of its arrival on the item, whoever told the alert.

Items of the table (key ``id``)::

    id           the alert's identity (64 digits), or "flood#" and a digest, for the count of a kind
    phase        "taken" or "told"
    lease_until  milliseconds since 1970; while it runs, nobody else may take the alert
    seen_<path>  milliseconds since 1970, when the function first had the event by that path
    arrived_<path>  likewise, when it was in the log group, for the path ``logs``
    told_time    milliseconds since 1970, when SNS had taken the alert; told_path: by which path
    event_id, rule_id
    told_count   of a kind of alert: how many have been told in its hour
    expires      seconds since 1970, after which DynamoDB may remove the item (time to live)

TransactWriteItems takes up to 100 writes, which all happen or none, and names for each refused one
the item as it is (DynamoDB developer guide, "Managing complex workflows with DynamoDB
transactions"). It asks for dynamodb:UpdateItem alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import aws

# Longer than anything is retried: Lambda keeps an event for 6 hours, CloudWatch Logs for 24.
_KEPT_SECONDS = 7 * 24 * 3600
_WRITES_A_CALL = 50
# Two transactions that meet at one item refuse each other; a single one is over within these.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
_COUNTED_KINDS = 25  # of one invocation: each costs a call
_HOUR = 3600 * 1000

_FREE = "attribute_not_exists(phase) OR (phase = :taken AND lease_until < :now)"


class LedgerUnavailableError(RuntimeError):
    """The ledger gave no answer: nothing is known of what was asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the ledger cannot be used: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Claim:
    """An alert that an invocation would tell.

    ``arrived`` is when its event came to the end of its path, in milliseconds, where that says so.
    """

    alert_id: str
    event_id: str
    rule: str
    arrived: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which of the claimed alerts the invocation may tell, and which others have told or tell.

    Nothing is known of the rest; ``fault`` is the code of the error that kept it from being known.
    """

    mine: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    fault: str | None = None


class AlertLedger:
    """The ledger in one DynamoDB table."""

    def __init__(
        self,
        table: str,
        client: aws.ClientFactory = aws.ledger_client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._client = client
        self._sleep = sleep

    def take(self, claims: Sequence[Claim], path: str, moment: int, lease_until: int) -> Standing:
        """Take the alerts that are free, and note on each that its event came by this path.

        Times in milliseconds. What was taken is free again when the lease ends.
        """
        mine: set[str] = set()
        told: set[str] = set()
        elsewhere: set[str] = set()
        fault = None
        try:
            for first in range(0, len(claims), _WRITES_A_CALL):
                part = {each.alert_id: each for each in claims[first : first + _WRITES_A_CALL]}
                while refused := self._write(
                    [self._take(each, path, moment, lease_until) for each in part.values()]
                ):
                    for identity, item in refused.items():
                        del part[identity]
                        (told if _text(item, "phase") == "told" else elsewhere).add(identity)
                mine |= part.keys()
            self._write_all(
                self._note(each, path, moment)
                for each in claims
                if each.alert_id in told or each.alert_id in elsewhere
            )
        except LedgerUnavailableError as error:
            fault = error.code
        return Standing(frozenset(mine), frozenset(told), frozenset(elsewhere), fault)

    def tell(self, identities: Iterable[str], path: str, moment: int) -> None:
        """Note that the alerts are told. Raises LedgerUnavailableError."""
        self._write_all(
            self._update(
                identity,
                "SET phase = :told, told_time = :now, told_path = :path, expires = :expires "
                "REMOVE lease_until",
                {":told": "told", ":now": moment, ":path": path, ":expires": _expiry(moment)},
            )
            for identity in identities
        )

    def release(self, identities: Iterable[str]) -> None:
        """Let others take the alerts at once. Raises LedgerUnavailableError."""
        self._write_all(
            self._update(identity, "SET lease_until = :none", {":none": 0})
            for identity in identities
        )

    def count(self, kinds: Mapping[tuple[object, ...], int], moment: int) -> dict[Any, int]:
        """Count so many alerts of each kind; how many of it this hour had before.

        Of many kinds at once only the most frequent are counted: those are what floods are made of.
        Raises LedgerUnavailableError.
        """
        before = {}
        hour = moment // _HOUR
        most = sorted(kinds, key=lambda kind: -kinds[kind])[:_COUNTED_KINDS]
        for kind in most:
            digest = sha256(repr((hour, *kind)).encode("utf-8", "surrogatepass")).hexdigest()
            values = {":count": kinds[kind], ":expires": _expiry(moment)}
            update = self._update(
                f"flood#{digest}", "SET expires = :expires ADD told_count :count", values
            )
            answer = self._call("update_item", **update, ReturnValues="UPDATED_NEW")
            before[kind] = _number(answer.get("Attributes"), "told_count") - kinds[kind]
        return before

    def _take(self, claim: Claim, path: str, moment: int, lease_until: int) -> dict[str, Any]:
        values: dict[str, str | int] = {
            ":taken": "taken",
            ":until": lease_until,
            ":event": claim.event_id[:1024],
            ":rule": claim.rule,
            ":now": moment,
            ":expires": _expiry(moment),
        }
        update = self._update(
            claim.alert_id,
            "SET phase = :taken, lease_until = :until, event_id = :event, rule_id = :rule, "
            f"expires = :expires, {_arrival(claim, path, values)}",
            values,
        )
        condition = {
            "ConditionExpression": _FREE,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return {**update, **condition}

    def _note(self, claim: Claim, path: str, moment: int) -> dict[str, Any]:
        values: dict[str, str | int] = {":now": moment, ":expires": _expiry(moment)}
        return self._update(
            claim.alert_id,
            f"SET {_arrival(claim, path, values)}, expires = if_not_exists(expires, :expires)",
            values,
        )

    def _update(
        self, identity: str, expression: str, values: Mapping[str, str | int]
    ) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": {"id": {"S": identity}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": {
                name: {"S": value} if isinstance(value, str) else {"N": str(value)}
                for name, value in values.items()
            },
        }

    def _write_all(self, updates: Iterable[dict[str, Any]]) -> None:
        """Write what has no condition."""
        for batch in _batches(updates):
            self._write(batch)

    def _write(self, updates: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Write all, or nothing: then the items, by identity, whose conditions do not hold."""
        if not updates:
            return {}
        for pause in (*_PAUSES, None):
            try:
                self._client("dynamodb").transact_write_items(
                    TransactItems=[{"Update": update} for update in updates]
                )
                return {}
            except aws.errors() as error:
                reasons = _reasons(error)
                refused = {
                    update["Key"]["id"]["S"]: reason.get("Item") or {}
                    for update, reason in zip(updates, reasons, strict=False)
                    if reason.get("Code") == "ConditionalCheckFailed"
                }
                if refused:
                    return refused
                met = any(reason.get("Code") == "TransactionConflict" for reason in reasons)
                if not met or pause is None:
                    raise LedgerUnavailableError(aws.code(error)) from None
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        for pause in (*_PAUSES, None):
            try:
                answer: Mapping[str, Any] = getattr(self._client("dynamodb"), operation)(
                    **parameters
                )
                return answer
            except aws.errors() as error:
                code = aws.code(error)
                if code != "TransactionConflictException" or pause is None:
                    raise LedgerUnavailableError(code) from None
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def _arrival(claim: Claim, path: str, values: dict[str, str | int]) -> str:
    """The part of an update that notes the first arrival by a path; adds to its values."""
    noted = f"seen_{path} = if_not_exists(seen_{path}, :now)"
    if claim.arrived is not None:
        values[":arrived"] = claim.arrived
        noted += f", arrived_{path} = if_not_exists(arrived_{path}, :arrived)"
    return noted


def _batches(updates: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for update in updates:
        batch.append(update)
        if len(batch) == _WRITES_A_CALL:
            yield batch
            batch = []
    if batch:
        yield batch


def _reasons(error: Exception) -> list[Mapping[str, Any]]:
    """Why a transaction was cancelled, for each of its writes; empty for another error."""
    response = getattr(error, "response", None)
    reasons = response.get("CancellationReasons") if isinstance(response, dict) else None
    return reasons if isinstance(reasons, list) else []


def _expiry(moment: int) -> int:
    return moment // 1000 + _KEPT_SECONDS


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value.get("S") if isinstance(value, dict) else None


def _number(item: Any, name: str) -> int:
    value = item.get(name) if isinstance(item, dict) else None
    return int(value["N"]) if isinstance(value, dict) and "N" in value else 0
