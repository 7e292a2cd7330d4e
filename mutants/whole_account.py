"""Faults of the account as a whole: its root user, its users' credentials, its settings."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import Account
from mutants.model import Family

FAMILY = Family("account")

_USER = "mutant"


# --- root user ------------------------------------------------------------------------------------


def _root(
    changed: dict[str, Any], mended: dict[str, Any], account: Account, mending: ExitStack
) -> None:
    mending.callback(fresh_report, account)
    mending.callback(account.control, "root-user", **mended)
    account.control("root-user", **changed)
    fresh_report(account)


for _name, _description, _changed, _mended in (
    ("root-without-mfa", "the root user has no MFA", {"mfa": False}, {"mfa": True}),
    ("root-key", "the root user has an access key", {"access_keys": 1}, {"access_keys": 0}),
    (
        "root-certificate",
        "the root user has a signing certificate",
        {"certificates": 1},
        {"certificates": 0},
    ),
):
    FAMILY.add(_name, _description, partial(_root, _changed, _mended), "root-user-protected")


# --- users ----------------------------------------------------------------------------------------


def fresh_report(account: Account) -> None:
    """Without it, IAM would give a report of before the fault for four hours."""
    account.control("expire-credential-report")


def _user(account: Account, mending: ExitStack) -> dict[str, str]:
    """Make a user without any credentials."""
    user = {"UserName": _USER}
    mending.callback(fresh_report, account)
    mending.callback(account.iam.delete_user, **user)
    account.iam.create_user(**user)
    return user


def _with_password(account: Account, mending: ExitStack) -> dict[str, str]:
    user = _user(account, mending)
    mending.callback(account.iam.delete_login_profile, **user)
    account.iam.create_login_profile(**user, Password="Only-4-the-sandbox!")  # noqa: S106
    return user


def _with_mfa(account: Account, mending: ExitStack, user: dict[str, str]) -> None:
    made = account.iam.create_virtual_mfa_device(VirtualMFADeviceName=_USER)["VirtualMFADevice"]
    device = {"SerialNumber": made["SerialNumber"]}
    mending.callback(account.iam.delete_virtual_mfa_device, **device)
    account.iam.enable_mfa_device(
        **user, **device, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    mending.callback(account.iam.deactivate_mfa_device, **user, **device)


def _with_key(account: Account, mending: ExitStack, user: dict[str, str]) -> None:
    made = account.iam.create_access_key(**user)["AccessKey"]
    mending.callback(account.iam.delete_access_key, **user, AccessKeyId=made["AccessKeyId"])


def _aged(account: Account, days: int, used_days: int | None) -> None:
    used = {} if used_days is None else {"used_days": used_days}
    account.control("age-credentials", user=_USER, days=days, **used)
    fresh_report(account)


@FAMILY.fault("a user signs in with a password alone", "console-users-have-mfa")
def password_alone(account: Account, mending: ExitStack) -> None:
    _with_password(account, mending)
    fresh_report(account)


def _password_of(days: int, used_days: int | None, account: Account, mending: ExitStack) -> None:
    _with_mfa(account, mending, _with_password(account, mending))
    _aged(account, days, used_days)


FAMILY.add(
    "unused-password",
    "nobody used a password for 91 days",
    partial(_password_of, 200, 91),
    "unused-credentials-removed",
)
FAMILY.add(
    "password-never-used",
    "nobody ever used a password, made 91 days ago",
    partial(_password_of, 91, None),
    "unused-credentials-removed",
)


def _key_of(
    days: int, used_days: int | None, number: int, account: Account, mending: ExitStack
) -> None:
    user = _user(account, mending)
    for _ in range(number):
        _with_key(account, mending, user)
    if number > 1:
        first = account.iam.list_access_keys(**user)["AccessKeyMetadata"][0]["AccessKeyId"]
        account.iam.update_access_key(**user, AccessKeyId=first, Status="Inactive")
    _aged(account, days, used_days)


FAMILY.add(
    "old-key",
    "a key that is in use was made 91 days ago",
    partial(_key_of, 91, 1, 1),
    "access-keys-rotated",
)
FAMILY.add(
    "old-second-key",
    "a second key that is in use was made 91 days ago, beside one that is off",
    partial(_key_of, 91, 1, 2),
    "access-keys-rotated",
)
FAMILY.add(
    "key-never-used",
    "nobody ever used a key, made 91 days ago",
    partial(_key_of, 91, None, 1),
    "access-keys-rotated",
    "unused-credentials-removed",
)
FAMILY.add(
    "second-key-unused",
    "nobody used a second key for 91 days",
    partial(_key_of, 100, 91, 2),
    "access-keys-rotated",
    "unused-credentials-removed",
)


# --- passwords ------------------------------------------------------------------------------------


def _policy(change: dict[str, Any], account: Account, mending: ExitStack) -> None:
    policy = account.iam.get_account_password_policy()["PasswordPolicy"]
    policy.pop("ExpirePasswords")
    mending.callback(account.iam.update_account_password_policy, **policy)
    weaker = {**policy, **change}
    account.iam.update_account_password_policy(
        **{name: value for name, value in weaker.items() if value is not None}
    )


for _name, _description, _change in (
    ("short-passwords", "passwords may have 13 characters", {"MinimumPasswordLength": 13}),
    ("no-symbols", "passwords need no symbol", {"RequireSymbols": False}),
    ("no-numbers", "passwords need no number", {"RequireNumbers": False}),
    ("no-uppercase", "passwords need no capital letter", {"RequireUppercaseCharacters": False}),
    ("no-lowercase", "passwords need no small letter", {"RequireLowercaseCharacters": False}),
    ("lasting-passwords", "passwords never expire", {"MaxPasswordAge": None}),
    ("old-passwords", "passwords expire after 91 days", {"MaxPasswordAge": 91}),
    ("reused-passwords", "the 24th password may be the first", {"PasswordReusePrevention": 23}),
    ("any-password-again", "any password may come again", {"PasswordReusePrevention": None}),
):
    FAMILY.add(_name, _description, partial(_policy, _change), "password-policy")


@FAMILY.fault("the account has no password policy", "password-policy")
def no_password_policy(account: Account, mending: ExitStack) -> None:
    policy = account.iam.get_account_password_policy()["PasswordPolicy"]
    policy.pop("ExpirePasswords")
    mending.callback(account.iam.update_account_password_policy, **policy)
    account.iam.delete_account_password_policy()


# --- buckets and volumes --------------------------------------------------------------------------


def _blocks(change: dict[str, bool] | None, account: Account, mending: ExitStack) -> None:
    which = {"AccountId": account.outputs["account_id"]}
    blocks = account.s3control.get_public_access_block(**which)["PublicAccessBlockConfiguration"]
    put = account.s3control.put_public_access_block
    mending.callback(put, **which, PublicAccessBlockConfiguration=blocks)
    if change is None:
        account.s3control.delete_public_access_block(**which)
    else:
        put(**which, PublicAccessBlockConfiguration={**blocks, **change})


for _block, _description in (
    ("BlockPublicAcls", "ACLs may be made public anywhere in the account"),
    ("IgnorePublicAcls", "public ACLs count anywhere in the account"),
    ("BlockPublicPolicy", "bucket policies may be made public anywhere in the account"),
    ("RestrictPublicBuckets", "public policies admit anyone anywhere in the account"),
):
    FAMILY.add(
        f"account-without-{_block}",
        _description,
        partial(_blocks, {_block: False}),
        "account-public-access-blocked",
    )
FAMILY.add(
    "account-without-blocks",
    "the account blocks no public access at all",
    partial(_blocks, None),
    "account-public-access-blocked",
)


@FAMILY.fault("new volumes are not encrypted", "volumes-encrypted-by-default")
def volumes_in_the_clear(account: Account, mending: ExitStack) -> None:
    mending.callback(account.ec2.enable_ebs_encryption_by_default)
    account.ec2.disable_ebs_encryption_by_default()


# --- what cannot be seen --------------------------------------------------------------------------


@FAMILY.fault(
    "a user was made after the credential report",
    errors=frozenset(
        {
            "root-user-protected",
            "console-users-have-mfa",
            "unused-credentials-removed",
            "access-keys-rotated",
        }
    ),
)
def user_after_the_report(account: Account, mending: ExitStack) -> None:
    fresh_report(account)
    account.iam.generate_credential_report()
    _user(account, mending)
