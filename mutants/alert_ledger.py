"""Ledger faults: the table is opened, left without its protection, or can't be brought back."""

from __future__ import annotations

import json
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.model import Family

FAMILY = Family("alert ledger")


def _named(account: Account) -> dict[str, str]:
    return {"TableName": account.outputs["ledger_table_name"]}


def forget_floods(account: Account) -> None:
    """Let the function tell each alert singly again: a campaign causes more than a flood's worth.

    Of more than 20 alerts of a kind in an hour the rest are held for a moment, longer than the live
    fire of a campaign waits.
    """
    table = account.client("dynamodb")
    for page in table.get_paginator("scan").paginate(**_named(account)):
        for item in page["Items"]:
            if item["id"]["S"].startswith(("flood#", "gathering")):
                table.delete_item(**_named(account), Key={"id": item["id"]})


def _update(
    broken: dict[str, Any], mended: dict[str, Any], account: Account, mending: ExitStack
) -> None:
    table = account.client("dynamodb")
    filled = json.loads(json.dumps(mended).replace("KEY", account.outputs["kms_key_arn"]))
    mending.callback(table.update_table, **_named(account), **filled)
    table.update_table(**_named(account), **broken)


for _name, _what, _broken, _mended in (
    (
        "provisioned",
        "the ledger has a fixed throughput, beyond which alerts go out twice",
        {
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        },
        {"BillingMode": "PAY_PER_REQUEST"},
    ),
    (
        "own-key",
        "the ledger is under a key of DynamoDB's own",
        {"SSESpecification": {"Enabled": False}},
        {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "KEY"}},
    ),
    (
        "stream",
        "the changes of the ledger stream out of it",
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
        {"StreamSpecification": {"StreamEnabled": False}},
    ),
):
    FAMILY.add(_name, _what, partial(_update, _broken, _mended), "alert-ledger")


def _recover(broken: dict[str, Any], account: Account, mending: ExitStack) -> None:
    table = account.client("dynamodb")
    mended = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}
    update = table.update_continuous_backups
    mending.callback(update, **_named(account), PointInTimeRecoverySpecification=mended)
    update(**_named(account), PointInTimeRecoverySpecification=broken)


for _name, _what, _setting in (
    ("off", "can't be recovered", {"PointInTimeRecoveryEnabled": False}),
    (
        "a-day",
        "can be recovered for a day only",
        {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 1},
    ),
):
    FAMILY.add(
        f"recovery-{_name}", f"the ledger {_what}", partial(_recover, _setting), "alert-ledger"
    )


@FAMILY.fault("the ledger never forgets", "alert-ledger")
def kept_for_ever(account: Account, mending: ExitStack) -> None:
    table = account.client("dynamodb")
    on = {"AttributeName": "expires", "Enabled": True}
    mending.callback(table.update_time_to_live, **_named(account), TimeToLiveSpecification=on)
    table.update_time_to_live(**_named(account), TimeToLiveSpecification={**on, "Enabled": False})


@FAMILY.fault("a stranger may make alerts seem told", "alert-ledger")
def written_by_a_stranger(account: Account, mending: ExitStack) -> None:
    table, arn = account.client("dynamodb"), account.outputs["ledger_table_arn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": STRANGER},
        "Action": "dynamodb:PutItem",
        "Resource": arn,
    }
    mending.callback(table.delete_resource_policy, ResourceArn=arn)
    table.put_resource_policy(
        ResourceArn=arn,
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
