"""Account: what holds for all of it, whoever uses it: its root user, its users, its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.credential_report import READINGS, credential_report
from verify.credentials import old_keys, signing_in_without_mfa, unused, weaknesses_of_passwords
from verify.inputs.deployment import Deployment
from verify.live_fire.waiting import Wait


@pytest.mark.control("root-user-protected", *READINGS)
def test_the_root_user_is_protected(
    check: Check, aws: Aws, deployment: Deployment, wait: Wait, unless_owned: Callable[[], None]
) -> None:
    unless_owned()
    name = f"root user of account {deployment.account_id}"
    summary = aws.pick(reads.account_summary(), "SummaryMap")
    seen = credential_report(check, aws, deployment, wait)
    root, source = seen.report.root, seen.source
    for aspect, member in (
        ("access keys", "AccountAccessKeysPresent"),
        ("signing certificates", "AccountSigningCertificatesPresent"),
    ):
        check.equal(name, aspect, expected=0, seen=pick(summary, member))
    check.none(
        name,
        f"active credentials besides a password, {source}",
        [
            *(f"access key {key.number}" for key in root.keys if key.active),
            *(f"certificate {number}" for number, on in enumerate(root.certificates, 1) if on),
        ],
    )
    # An organization can take the root user's password away: there is nothing to sign in with then,
    # and MFA cannot be turned on.
    if root.password is False and summary.get("AccountPasswordPresent") == 0:
        check.holds(name, f"password, {source}", True, expected="none, or MFA", seen="none")
        return
    check.equal(name, "MFA", expected=1, seen=pick(summary, "AccountMFAEnabled"))
    check.equal(name, f"MFA, {source}", expected=True, seen=root.mfa)


@pytest.mark.control("console-users-have-mfa", *READINGS)
def test_users_of_the_console_have_a_second_factor(
    check: Check, aws: Aws, deployment: Deployment, wait: Wait, unless_owned: Callable[[], None]
) -> None:
    unless_owned()
    seen = credential_report(check, aws, deployment, wait)
    check.none(
        f"account {deployment.account_id}",
        f"users without MFA, {seen.source}",
        signing_in_without_mfa(seen.report),
    )


@pytest.mark.control("unused-credentials-removed", *READINGS)
def test_credentials_that_nobody_uses_are_gone(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    wait: Wait,
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    days = baseline["account"]["maximum_unused_days"]
    seen = credential_report(check, aws, deployment, wait)
    check.none(
        f"account {deployment.account_id}",
        f"passwords and access keys unused for more than {days} days, {seen.source}",
        unused(seen.report, seen.asked, days),
    )


@pytest.mark.control("access-keys-rotated", *READINGS)
def test_access_keys_are_not_old(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    wait: Wait,
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    days = baseline["account"]["maximum_key_age_days"]
    seen = credential_report(check, aws, deployment, wait)
    check.none(
        f"account {deployment.account_id}",
        f"active access keys older than {days} days, {seen.source}",
        old_keys(seen.report, seen.asked, days),
    )


@pytest.mark.control("password-policy", reads.password_policy)
def test_passwords_are_strong(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Callable[[], None],
) -> None:
    unless_owned()
    name, required = f"account {deployment.account_id}", baseline["account"]["password_policy"]
    answer = aws.read(reads.password_policy())
    if answer.response is None:
        # What AWS holds passwords to by default is weaker than any policy that could be required.
        check.equal(name, "password policy", expected="one of its own", seen="none")
        return
    policy = pick(answer.response, "PasswordPolicy")
    for member, expected, seen, holds in weaknesses_of_passwords(policy, required):
        check.holds(name, member, holds, expected=expected, seen=seen)


@pytest.mark.control("account-public-access-blocked", reads.account_public_access_block)
def test_the_account_blocks_public_access_to_every_bucket(
    check: Check, aws: Aws, deployment: Deployment, unless_owned: Callable[[], None]
) -> None:
    unless_owned()
    name = f"account {deployment.account_id}"
    answer = aws.read(reads.account_public_access_block(deployment))
    blocks = pick(answer.response or {}, "PublicAccessBlockConfiguration") if answer.found else {}
    for block in (
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ):
        check.equal(name, block, expected=True, seen=blocks.get(block, False))


@pytest.mark.control("volumes-encrypted-by-default", reads.volumes_encrypted)
def test_new_volumes_are_encrypted(
    check: Check, aws: Aws, deployment: Deployment, unless_owned: Callable[[], None]
) -> None:
    unless_owned()
    name, region = f"account {deployment.account_id}", deployment.region
    check.equal(
        f"{name} in {region}",
        "encryption of new EBS volumes",
        expected=True,
        seen=aws.pick(reads.volumes_encrypted(), "EbsEncryptionByDefault"),
    )
    check.notes.append(
        f"{name}: each region has its own setting for new volumes; {region} alone was looked at"
    )
