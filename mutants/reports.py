"""Faults of where reports are kept, and of the key that signs them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import edit_lifecycle, encrypt
from mutants.log_storage import lock
from mutants.model import Family
from mutants.policies import PolicyFaults, change

_KEPT, _SIGNED = "reports-bucket", "reports-signing-key"
_BUCKET, _KEY = "reports_bucket_names", "report_signing_key_arns"
FAMILY = Family("reports", _KEPT)


def _change_bucket(edit: Any, account: Account, mending: ExitStack) -> None:
    change(f"bucket:{_BUCKET}", edit, account, mending)


def _change_key(edit: Any, account: Account, mending: ExitStack) -> None:
    change(f"key:{_KEY}", edit, account, mending)


_OF_BUCKET = PolicyFaults(FAMILY, _change_bucket, _KEPT)
_OF_KEY = PolicyFaults(FAMILY, _change_key, _SIGNED)


# --- the bucket -----------------------------------------------------------------------------------


def _remove(sid: str, _: Account, document: Document) -> None:
    without(document, sid)


for _case, _description, _sid in (
    ("written", "whoever may write everything puts reports among those of the verifier", "Writes"),
    ("altered", "whoever may write everything marks reports", "Alteration"),
    ("deleted", "whoever may delete everything deletes reports", "Deletion"),
    ("tampered", "the lock may be taken off reports", "Tampering"),
    ("without-tls", "reports are read in the clear", "InsecureTransport"),
):
    _name = "DenyWritesByOthers" if _sid == "Writes" else f"Deny{_sid}"
    _OF_BUCKET.add(f"bucket-{_case}", _description, partial(_remove, _name))


@_OF_BUCKET.fault("another role of the account puts reports there")
def bucket_for_another_writer(account: Account, document: Document) -> None:
    condition = statement(document, "DenyWritesByOthers")["Condition"]["ArnNotLike"]
    writers = condition["aws:PrincipalArn"]
    writers = [writers] if isinstance(writers, str) else writers
    condition["aws:PrincipalArn"] = [*writers, account.outputs["function_role_arn"]]


_OF_BUCKET.add_readers("bucket", _BUCKET, "reports")

FAMILY.add("lock-off", "reports are not locked", partial(lock, None, _BUCKET), _KEPT)


@FAMILY.fault("reports are under S3's own keys by default", _KEPT)
def encrypted_by_s3(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "AES256"}, of=_BUCKET)


def _sooner(rules: list[Document]) -> None:
    rules[0]["Expiration"]["Days"] = 365


for _case, _description, _change in (
    ("sooner", "reports go after a year", _sooner),
    ("never", "reports stay for good", list.clear),
):
    FAMILY.add(f"reports-{_case}", _description, partial(edit_lifecycle, _change, _BUCKET), _KEPT)


@FAMILY.fault("the bucket of reports may be made public", _KEPT)
def bucket_unblocked(account: Account, mending: ExitStack) -> None:
    which = {"Bucket": account.outputs[_BUCKET][0]}
    found = account.s3.get_public_access_block(**which)["PublicAccessBlockConfiguration"]
    put = partial(account.s3.put_public_access_block, **which)
    mending.callback(put, PublicAccessBlockConfiguration=found)
    put(PublicAccessBlockConfiguration={**found, "RestrictPublicBuckets": False})


# --- the key --------------------------------------------------------------------------------------


def _let(principal: Any, actions: list[str], account: Account, document: Document) -> None:
    document["Statement"].append(
        {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": principal,
            "Action": actions,
            "Resource": "*",
        }
    )


def _let_function(account: Account, document: Document) -> None:
    _let({"AWS": account.outputs["function_role_arn"]}, ["kms:Sign"], account, document)


def _let_account(account: Account, document: Document) -> None:
    root = f"arn:aws:iam::{account.outputs['account_id']}:root"
    _let({"AWS": root}, ["kms:*"], account, document)


_OF_KEY.add("key-for-another-role", "another role signs reports", _let_function)
_OF_KEY.add("key-for-whoever-may", "whoever may do everything signs reports", _let_account)
_OF_KEY.add(
    "key-for-a-stranger",
    "another account signs reports",
    partial(_let, {"AWS": f"arn:aws:iam::{STRANGER}:root"}, ["kms:Sign"]),
)
_OF_KEY.add(
    "key-not-for-the-verifier",
    "the verifier cannot sign any more",
    partial(_remove, "VerifierSigns"),
)


@FAMILY.fault("somebody signs reports by a grant", _SIGNED)
def key_granted(account: Account, mending: ExitStack) -> None:
    arn = account.outputs[_KEY][0]
    kms = account.kms_of(arn)
    granted = kms.create_grant(
        KeyId=arn, GranteePrincipal=account.outputs["function_role_arn"], Operations=["Sign"]
    )
    mending.callback(kms.revoke_grant, KeyId=arn, GrantId=granted["GrantId"])


@FAMILY.fault("the key that signs reports is disabled", _SIGNED)
def key_disabled(account: Account, mending: ExitStack) -> None:
    arn = account.outputs[_KEY][0]
    kms = account.kms_of(arn)
    mending.callback(kms.enable_key, KeyId=arn)
    kms.disable_key(KeyId=arn)
