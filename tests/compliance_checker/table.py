"""A table of DynamoDB in memory: the writes that the ledger makes, with their conditions."""

from __future__ import annotations

import copy
import operator
import re
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]

_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Table:
    """Serves TransactWriteItems and UpdateItem; ``fault`` is the code that it answers instead.

    Of expressions it knows what the ledger uses: SET with values and ``if_not_exists``, ADD,
    REMOVE; conditions of ``attribute_not_exists`` and of comparisons. Like DynamoDB it refuses
    values that no expression uses, and expressions that use what is not there.
    """

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.fault: str | None = None
        self.fault_of: dict[str, str] = {}  # by the item that is written alone
        self.conflicts = 0  # how many of the next transactions meet another
        self.calls = 0

    def client(self, service: str) -> Table:
        assert service == "dynamodb"
        return self

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:  # noqa: N803
        self._answer("TransactWriteItems")
        updates = [each["Update"] for each in TransactItems]
        keys = [_key(update) for update in updates]
        assert len(set(keys)) == len(keys) <= 100
        if self.conflicts:
            self.conflicts -= 1
            raise _cancelled([{"Code": "TransactionConflict"} for _ in updates])
        reasons = [self._reason(update) for update in updates]
        if any(reason["Code"] != "None" for reason in reasons):
            raise _cancelled(reasons)
        for update in updates:
            self._apply(update)
        return {}

    def update_item(self, *, ReturnValues: str = "NONE", **update: Any) -> Item:  # noqa: N803
        self._answer("UpdateItem")
        assert ReturnValues == "ALL_NEW"
        if fault := self.fault_of.get(_key(update)):
            raise ClientError({"Error": {"Code": fault}}, "UpdateItem")
        if self._reason(update)["Code"] != "None":
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
        self._apply(update)
        return {"Attributes": copy.deepcopy(self.items[_key(update)])}

    def _answer(self, operation: str) -> None:
        self.calls += 1
        if self.fault is not None:
            raise ClientError({"Error": {"Code": self.fault}}, operation)

    def _reason(self, update: Item) -> Item:
        item = self.items.get(_key(update), {})
        _valid(update)
        condition = update.get("ConditionExpression")
        if condition is None or _holds(condition, item, update["ExpressionAttributeValues"]):
            return {"Code": "None"}
        assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
        return {"Code": "ConditionalCheckFailed", "Item": copy.deepcopy(item)}

    def _apply(self, update: Item) -> None:
        item = self.items.setdefault(_key(update), {"id": update["Key"]["id"]})
        before, values = dict(item), update.get("ExpressionAttributeValues", {})
        clauses = re.split(r"\b(SET|ADD|REMOVE)\b", update["UpdateExpression"])[1:]
        for verb, body in zip(clauses[::2], clauses[1::2], strict=True):
            for part in re.split(r",(?![^(]*\))", body.strip()):
                _change(item, before, verb, part.strip(), values)


def _change(item: Item, before: Item, verb: str, part: str, values: Item) -> None:
    if verb == "REMOVE":
        item.pop(part, None)
    elif verb == "ADD":
        name, value = part.split()
        total = int(before.get(name, {"N": "0"})["N"]) + int(values[value]["N"])
        item[name] = {"N": str(total)}
    else:
        name, value = (side.strip() for side in part.split("=", 1))
        kept = re.fullmatch(r"if_not_exists\((\w+), (:\w+)\)", value)
        item[name] = before.get(kept[1], values[kept[2]]) if kept else values[value]


def _holds(condition: str, item: Item, values: Item) -> bool:
    return any(
        all(_true(test.strip(" ()"), item, values) for test in way.split(" AND "))
        for way in condition.split(" OR ")
    )


def _true(test: str, item: Item, values: Item) -> bool:
    if test.startswith("attribute_not_exists"):
        return test.partition("(")[2].strip(" ()") not in item
    name, comparison, value = test.split()
    if name not in item:
        return False
    ((kind, left),) = item[name].items()
    right = values[value][kind]
    if comparison == "=":
        return bool(left == right)
    return bool(_COMPARISONS[comparison](int(left), int(right)))


def _valid(update: Item) -> None:
    """What DynamoDB answers with a ValidationException."""
    expressions = [update["UpdateExpression"], update.get("ConditionExpression", "")]
    assert all(len(each) <= 4096 for each in expressions)
    used = set(re.findall(r":\w+", " ".join(expressions)))
    assert used == update.get("ExpressionAttributeValues", {}).keys()
    assert used or "ExpressionAttributeValues" not in update


def _key(update: Item) -> str:
    return str(update["Key"]["id"]["S"])


def _cancelled(reasons: list[Item]) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": reasons,
    }
    return ClientError(response, "TransactWriteItems")
