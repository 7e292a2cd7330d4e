"""Encryption-key faults: unusable, never rotated, or open to more than it must be."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.model import Family
from mutants.policies import PolicyFaults, change
from mutants.trail import delivers, fails, make_key

FAMILY = Family("encryption key")


def _key(account: Account) -> dict[str, str]:
    return {"KeyId": account.outputs["kms_key_arn"]}


@FAMILY.fault("the key's alias points to another key", "key-usable", "names-follow-convention")
def alias_elsewhere(account: Account, mending: ExitStack) -> None:
    alias = account.outputs["kms_key_alias"]
    other = make_key(account, mending)
    mending.callback(
        account.kms.update_alias, AliasName=alias, TargetKeyId=account.outputs["kms_key_arn"]
    )
    account.kms.update_alias(AliasName=alias, TargetKeyId=other)


@FAMILY.fault("the key has another name, by which others may be admitted to it", "key-usable")
def another_alias(account: Account, mending: ExitStack) -> None:
    alias = "alias/for-everybody"
    account.kms.create_alias(AliasName=alias, TargetKeyId=account.outputs["kms_key_arn"])
    mending.callback(account.kms.delete_alias, AliasName=alias)


@FAMILY.fault(
    "the key is disabled, so that the trail cannot encrypt either",
    "key-usable",
    "digests-on-time",
    "trail-delivers-to-bucket",
    later="configuration-delivered",  # as soon as AWS Config has tried
)
def disabled(account: Account, mending: ExitStack) -> None:
    for what in ("LatestDelivery", "LatestDigestDelivery"):
        mending.callback(delivers, account, what)
    mending.callback(account.kms.enable_key, **_key(account))
    account.kms.disable_key(**_key(account))
    for what in ("LatestDelivery", "LatestDigestDelivery"):
        fails(account, what)


@FAMILY.fault(
    "the key is about to be deleted, so that the trail cannot encrypt either",
    "key-usable",
    "digests-on-time",
    "trail-delivers-to-bucket",
    later="configuration-delivered",  # as soon as AWS Config has tried
)
def pending_deletion(account: Account, mending: ExitStack) -> None:
    for what in ("LatestDelivery", "LatestDigestDelivery"):
        mending.callback(delivers, account, what)
    mending.callback(account.kms.enable_key, **_key(account))
    mending.callback(account.kms.cancel_key_deletion, **_key(account))
    account.kms.schedule_key_deletion(**_key(account), PendingWindowInDays=7)
    for what in ("LatestDelivery", "LatestDigestDelivery"):
        fails(account, what)


@FAMILY.fault("the key is no longer rotated", "key-rotates", "declared-matches-live")
def rotation_off(account: Account, mending: ExitStack) -> None:
    mending.callback(account.kms.enable_key_rotation, **_key(account))
    account.kms.disable_key_rotation(**_key(account))


@FAMILY.fault("the key is rotated every seven years", "key-rotates", "declared-matches-live")
def rotation_rare(account: Account, mending: ExitStack) -> None:
    mending.callback(account.kms.enable_key_rotation, **_key(account), RotationPeriodInDays=365)
    account.kms.enable_key_rotation(**_key(account), RotationPeriodInDays=2555)


# --- grants ---------------------------------------------------------------------------------------


def _grant(grantee: str, operations: list[str], account: Account, mending: ExitStack) -> None:
    made = account.kms.create_grant(
        **_key(account),
        GranteePrincipal=grantee.format_map(account.outputs),
        Operations=operations,
    )
    mending.callback(account.kms.revoke_grant, **_key(account), GrantId=made["GrantId"])


for _name, _description, _grantee, _operations in (
    (
        "grant-to-a-stranger",
        "another account may decrypt by a grant",
        f"arn:aws:iam::{STRANGER}:role/reader",
        ["Decrypt"],
    ),
    (
        "grant-to-a-role",
        "a role of the account may decrypt by a grant",
        "{trail_logs_role_arn}",
        ["Decrypt"],
    ),
    (
        "grant-beyond-the-need",
        "the function may make grants of its own",
        "arn:aws:sts::{account_id}:assumed-role/{function_role_name}/{function_name}",
        ["Decrypt", "CreateGrant"],
    ),
):
    FAMILY.add(_name, _description, partial(_grant, _grantee, _operations), "key-grants")


# --- its policy -----------------------------------------------------------------------------------

_POLICY = PolicyFaults(FAMILY, partial(change, "key"), "key-policy-least-privilege")


def _allow(document: Document, principal: Any, action: Any, **more: Any) -> None:
    document["Statement"].append(
        {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}
    )


@_POLICY.fault("anyone may decrypt")
def policy_for_anyone(account: Account, document: Document) -> None:
    _allow(document, "*", "kms:Decrypt")


@_POLICY.fault("anyone may decrypt, on a condition that everybody meets")
def policy_with_a_vain_condition(account: Account, document: Document) -> None:
    _allow(
        document,
        {"AWS": "*"},
        "kms:Decrypt",
        Condition={"StringLike": {"kms:CallerAccount": "*"}},
    )


@_POLICY.fault("anyone may decrypt through S3, whatever the account")
def policy_for_anyone_through_s3(account: Account, document: Document) -> None:
    service = f"s3.{account.outputs['region']}.amazonaws.com"
    _allow(
        document,
        {"AWS": "*"},
        "kms:Decrypt",
        Condition={"StringEquals": {"kms:ViaService": service}},
    )


@_POLICY.fault("anyone may decrypt where the account is not told")
def policy_with_a_condition_if_it_exists(account: Account, document: Document) -> None:
    ours = account.outputs["account_id"]
    _allow(
        document,
        {"AWS": "*"},
        "kms:Decrypt",
        Condition={"StringEqualsIfExists": {"aws:PrincipalTag/account": ours}},
    )


@_POLICY.fault("another account may decrypt")
def policy_for_a_stranger(account: Account, document: Document) -> None:
    _allow(document, {"AWS": f"arn:aws:iam::{STRANGER}:root"}, "kms:Decrypt")


@_POLICY.fault("CloudTrail may do everything with the key")
def service_may_do_everything(account: Account, document: Document) -> None:
    statement(document, "CloudTrailEncryptsLogFiles")["Action"] = "kms:*"


@_POLICY.fault("CloudTrail may encrypt for any trail")
def trail_without_source(account: Account, document: Document) -> None:
    del statement(document, "CloudTrailEncryptsLogFiles")["Condition"]


@_POLICY.fault("a service that has no business with it may use the key")
def another_service(account: Account, document: Document) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": account.outputs["account_id"]}}
    _allow(document, {"Service": "backup.amazonaws.com"}, "kms:Decrypt", Condition=ours)


@_POLICY.fault("alarms can no longer publish, since their statement is gone")
def alarms_lack_the_key(account: Account, document: Document) -> None:
    without(document, "CloudWatchAlarmsPublishAlerts")


@_POLICY.fault("a role of the account may decrypt, without any policy of its own")
def policy_for_a_role(account: Account, document: Document) -> None:
    _allow(document, {"AWS": account.outputs["trail_logs_role_arn"]}, "kms:Decrypt")


@_POLICY.fault("a Deny keeps alarms from the key that their statement gives them")
def alarms_denied(account: Account, document: Document) -> None:
    _allow(document, {"Service": "cloudwatch.amazonaws.com"}, "kms:Decrypt", Effect="Deny")


@_POLICY.fault("EventBridge may use the key, for any rule of any account")
def used_by_any_rule(account: Account, document: Document) -> None:
    _allow(document, {"Service": "events.amazonaws.com"}, "kms:Decrypt")
