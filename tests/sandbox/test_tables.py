"""Tables: their keys, and what a role needs to write to one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.support import ACCOUNT, REGION, Account, name
from tests.sandbox.test_authorization import refused, session


@pytest.fixture(scope="module")
def key(account: Account) -> str:
    return str(account.kms.create_key()["KeyMetadata"]["Arn"])


@pytest.fixture
def table(account: Account, key: str) -> Iterator[str]:
    tables, named = account.sandbox.client("dynamodb"), name("table")
    tables.create_table(
        TableName=named,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    yield named
    tables.delete_table(TableName=named)


def _update(table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": {"id": {"S": "a"}},
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
    }


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def test_dynamodb_has_a_grant_on_the_key_while_the_table_is_there(
    account: Account, key: str, table: str
) -> None:
    [grant] = account.kms.list_grants(KeyId=key)["Grants"]
    assert grant["GranteePrincipal"] == f"dynamodb.{REGION}.amazonaws.com"
    assert grant["Constraints"] == {
        "EncryptionContextSubset": {
            "aws:dynamodb:tableName": table,
            "aws:dynamodb:subscriberId": ACCOUNT,
        }
    }
    tables = account.sandbox.client("dynamodb")
    tables.update_table(TableName=table, SSESpecification={"Enabled": False})
    assert "SSEDescription" not in tables.describe_table(TableName=table)["Table"]
    assert account.kms.list_grants(KeyId=key)["Grants"] == []


def test_a_transaction_needs_what_it_is_made_of_and_the_key_through_dynamodb(
    account: Account, key: str, table: str
) -> None:
    writes = {"Action": "dynamodb:UpdateItem", "Resource": _arn(table)}
    through = {"StringEquals": {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}}
    decrypts = {"Action": "kms:Decrypt", "Resource": key}
    elsewhere = {"StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}}
    items = {"TransactItems": [{"Update": _update(table)}]}

    allowed = session(account, writes, {**decrypts, "Condition": through})("dynamodb")
    allowed.transact_write_items(**items)
    allowed.update_item(**_update(table))
    assert "dynamodb:PutItem" in refused(
        allowed.transact_write_items,
        TransactItems=[{"Put": {"TableName": table, "Item": {"id": {"S": "b"}}}}],
    )
    without = session(account, writes, {**decrypts, "Condition": elsewhere})("dynamodb")
    assert "kms:Decrypt" in refused(without.transact_write_items, **items)
    assert "kms:Decrypt" in refused(without.update_item, **_update(table))


def test_a_table_whose_stream_has_ended_takes_writes(account: Account, table: str) -> None:
    tables = account.sandbox.client("dynamodb")
    for enabled in (True, False, True, False):
        more = {"StreamViewType": "NEW_IMAGE"} if enabled else {}
        tables.update_table(TableName=table, StreamSpecification={"StreamEnabled": enabled, **more})
    tables.transact_write_items(TransactItems=[{"Update": _update(table)}])
