"""Writes to one DynamoDB table: many at once under conditions, or one that answers with its item.

TransactWriteItems takes up to 100 writes, which all happen or none, and names for each refused one
the item as it is (DynamoDB developer guide, "Managing complex workflows with DynamoDB
transactions"). Here it makes updates alone, so that all asks for dynamodb:UpdateItem.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import aws

WRITES_A_CALL = 50
# Two transactions that meet at one item refuse each other; a single one is over within these.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)

# As reasons of a transaction; of a single write the errors' names go on with "Exception".
_REFUSED = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"

Item = Mapping[str, Any]
Update = dict[str, Any]


class LedgerUnavailableError(RuntimeError):
    """The ledger gave no answer: nothing is known of what was asked for."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the ledger cannot be used: {code}")
        self.code = code


class Table:
    """A table whose key is ``id``, a text."""

    def __init__(
        self,
        name: str,
        client: aws.ClientFactory = aws.ledger_client,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = name
        self._client = client
        self._sleep = sleep

    def update(
        self,
        identity: str,
        expression: str,
        values: Mapping[str, str | int],
        condition: str | None = None,
    ) -> Update:
        """An update of one item, to be written."""
        update: Update = {
            "TableName": self._name,
            "Key": {"id": {"S": identity}},
            "UpdateExpression": expression,
        }
        if values:  # DynamoDB refuses an empty map
            update["ExpressionAttributeValues"] = {
                name: {"S": value} if isinstance(value, str) else {"N": str(value)}
                for name, value in values.items()
            }
        if condition is not None:
            update["ConditionExpression"] = condition
            update["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return update

    def write_all(self, updates: Iterable[Update]) -> None:
        """Write what has no condition. Raises LedgerUnavailableError."""
        batch: list[Update] = []
        for update in updates:
            batch.append(update)
            if len(batch) == WRITES_A_CALL:
                self.write(batch)
                batch = []
        self.write(batch)

    def write(self, updates: list[Update]) -> dict[str, Item]:
        """Write all, or nothing: then the items, by identity, whose conditions do not hold.

        Raises LedgerUnavailableError.
        """
        if not updates:
            return {}
        items = [{"Update": update} for update in updates]
        try:
            self._call("transact_write_items", TransactItems=items)
        except aws.errors() as error:
            refused = {
                update["Key"]["id"]["S"]: reason.get("Item") or {}
                for update, reason in zip(updates, _reasons(error), strict=False)
                if reason.get("Code") == _REFUSED
            }
            if not refused:
                raise LedgerUnavailableError(aws.code(error)) from None
            return refused
        return {}

    def write_one(self, update: Update) -> Item | None:
        """Write one: its item afterwards, or None where its condition does not hold.

        Beside transactions, single writes to an item wait for each other and never refuse.
        Raises LedgerUnavailableError.
        """
        try:
            answer = self._call("update_item", **update, ReturnValues="ALL_NEW")
        except aws.errors() as error:
            code = aws.code(error)
            if code != f"{_REFUSED}Exception":
                raise LedgerUnavailableError(code) from None
            return None
        item: Item = answer.get("Attributes") or {}
        return item

    def _call(self, operation: str, **parameters: Any) -> Item:
        """What DynamoDB answers, once the write meets no transaction; raises its last error."""
        call = getattr(self._client("dynamodb"), operation)
        for pause in _PAUSES:
            try:
                answer: Item = call(**parameters)
            except aws.errors() as error:
                if not _meets_another(error):
                    raise
            else:
                return answer
            self._sleep(pause)
        last: Item = call(**parameters)
        return last


def text_of(item: Item, name: str) -> str | None:
    """An attribute that is a text."""
    value = item.get(name)
    return value.get("S") if isinstance(value, dict) else None


def number_of(item: Item, name: str) -> int:
    """An attribute that is a whole number; 0 without it."""
    value = item.get(name)
    return int(value["N"]) if isinstance(value, dict) and "N" in value else 0


def _meets_another(error: Exception) -> bool:
    """Whether a transaction stood in the way, and nothing that another attempt would meet too."""
    codes = {reason.get("Code") for reason in _reasons(error)}
    alone = aws.code(error) == f"{_CONFLICT}Exception"
    return alone or (_CONFLICT in codes and _REFUSED not in codes)


def _reasons(error: Exception) -> list[Mapping[str, Any]]:
    """Why a transaction was cancelled, for each of its writes; empty for another error."""
    response = getattr(error, "response", None)
    reasons = response.get("CancellationReasons") if isinstance(response, dict) else None
    return reasons if isinstance(reasons, list) else []
