"""The account's credential report, summary and password policy, as IAM answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.sandbox.support import Account, eventually, name

ROOT = "<root_account>"


def _ask(account: Account, action: str, **request: Any) -> requests.Response:
    return requests.post(f"{account.sandbox.url}/_sandbox/{action}", json=request, timeout=10)


@pytest.fixture
def fresh(account: Account) -> None:
    """No report is kept."""
    assert _ask(account, "expire-credential-report").ok


def _report(account: Account) -> dict[str, dict[str, str]]:
    eventually(lambda: account.iam.generate_credential_report()["State"] == "COMPLETE")
    answer = account.iam.get_credential_report()
    assert answer["ReportFormat"] == "text/csv"
    assert abs((datetime.now(UTC) - answer["GeneratedTime"]).total_seconds()) < 60
    lines = csv.DictReader(io.StringIO(answer["Content"].decode()))
    return {line["user"]: line for line in lines}


@pytest.fixture
def user(account: Account) -> Iterator[dict[str, str]]:
    which = {"UserName": name("user")}
    account.iam.create_user(**which)
    yield which
    for key in account.iam.list_access_keys(**which)["AccessKeyMetadata"]:
        account.iam.delete_access_key(**which, AccessKeyId=key["AccessKeyId"])
    account.iam.delete_user(**which)


@pytest.mark.usefixtures("fresh")
def test_a_report_is_made_when_asked_for_and_expires(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        account.iam.get_credential_report()
    assert refused.value.response["Error"]["Code"] in ("ReportExpired", "ReportNotPresent")
    assert account.iam.generate_credential_report()["State"] == "STARTED"
    assert ROOT in _report(account)
    assert account.iam.generate_credential_report()["State"] == "COMPLETE"


@pytest.mark.usefixtures("fresh")
def test_a_report_is_kept_while_the_account_changes(account: Account, user: dict[str, str]) -> None:
    assert user["UserName"] in _report(account)
    account.iam.create_access_key(**user)
    assert _report(account)[user["UserName"]]["access_key_1_active"] == "false"
    _ask(account, "expire-credential-report")
    assert _report(account)[user["UserName"]]["access_key_1_active"] == "true"


@pytest.mark.usefixtures("fresh")
def test_a_user_without_credentials_has_none_in_the_report(
    account: Account, user: dict[str, str]
) -> None:
    line = _report(account)[user["UserName"]]
    assert line["arn"].endswith(f":user/{user['UserName']}")
    assert (line["password_enabled"], line["mfa_active"]) == ("false", "false")
    assert (line["access_key_1_last_rotated"], line["password_last_used"]) == ("N/A", "N/A")


@pytest.mark.usefixtures("fresh")
def test_passwords_and_keys_have_their_ages(account: Account, user: dict[str, str]) -> None:
    with ExitStack() as mending:
        account.iam.create_login_profile(**user, Password="Only-4-the-sandbox!")
        mending.callback(account.iam.delete_login_profile, **user)
        account.iam.create_access_key(**user)
        line = _report(account)[user["UserName"]]
        assert line["password_last_used"] == "no_information"
        assert line["access_key_1_last_used_date"] == "N/A"
        asked = {"user": user["UserName"], "days": 100}
        assert _ask(account, "age-credentials", **asked, used_days=3).ok
        _ask(account, "expire-credential-report")
        line = _report(account)[user["UserName"]]
        now = datetime.now(UTC)
        ages = {
            column: (now - datetime.fromisoformat(line[column])).days
            for column in (
                "user_creation_time",
                "password_last_changed",
                "password_last_used",
                "access_key_1_last_rotated",
                "access_key_1_last_used_date",
            )
        }
        assert list(ages.values()) == [100, 100, 3, 100, 3]


def test_only_users_that_there_are_can_age(account: Account) -> None:
    assert _ask(account, "age-credentials", user="nobody", days=1).status_code == 404
    assert _ask(account, "age-credentials", user="nobody", days="1").status_code == 400


@pytest.mark.usefixtures("fresh")
def test_the_root_user_is_what_it_was_told_to_be(account: Account) -> None:
    summary = account.iam.get_account_summary()["SummaryMap"]
    assert (summary["AccountMFAEnabled"], summary["AccountAccessKeysPresent"]) == (1, 0)
    with ExitStack() as mending:
        mended = {"mfa": True, "access_keys": 0, "certificates": 0, "password": True}
        mending.callback(_ask, account, "expire-credential-report")
        mending.callback(_ask, account, "root-user", **mended)
        changed = {"mfa": False, "access_keys": 2, "certificates": 1, "password": False}
        assert _ask(account, "root-user", **changed).ok
        summary = account.iam.get_account_summary()["SummaryMap"]
        members = ("MFAEnabled", "AccessKeysPresent", "SigningCertificatesPresent")
        assert [summary[f"Account{member}"] for member in members] == [0, 1, 1]
        assert summary["AccountPasswordPresent"] == 0
        line = _report(account)[ROOT]
        assert (line["mfa_active"], line["password_enabled"]) == ("false", "false")
        assert [line[f"access_key_{number}_active"] for number in (1, 2)] == ["true", "true"]
        assert [line[f"cert_{number}_active"] for number in (1, 2)] == ["true", "false"]


@pytest.mark.parametrize("request_", [{"mfa": 1}, {"keys": 1}, {"access_keys": True}])
def test_what_no_root_user_has_is_refused(account: Account, request_: dict[str, Any]) -> None:
    assert _ask(account, "root-user", **request_).status_code == 400


def test_a_password_policy_leaves_out_what_it_does_not_limit(account: Account) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        account.iam.get_account_password_policy()
    account.iam.update_account_password_policy(MinimumPasswordLength=8)
    try:
        policy = account.iam.get_account_password_policy()["PasswordPolicy"]
    finally:
        account.iam.delete_account_password_policy()
    assert policy["MinimumPasswordLength"] == 8
    assert policy["ExpirePasswords"] is False
    assert not {"MaxPasswordAge", "PasswordReusePrevention"} & policy.keys()


def test_volumes_are_encrypted_by_default_in_one_region_alone(account: Account) -> None:
    elsewhere = account.sandbox.client("ec2", "eu-central-1")
    account.ec2.enable_ebs_encryption_by_default()
    try:
        assert account.ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
        assert not elsewhere.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    finally:
        account.ec2.disable_ebs_encryption_by_default()
