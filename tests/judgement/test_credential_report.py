"""IAM's credential report: read strictly, and judged by the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.credentials import (
    ReportError,
    old_keys,
    parse,
    signing_in_without_mfa,
    unused,
    weaknesses_of_passwords,
)
from verify.credentials.report import COLUMNS, IGNORED

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HEADER = (*COLUMNS, *IGNORED)
ROOT = {
    "user": "<root_account>",
    "arn": "arn:aws:iam::123456789012:root",
    "user_creation_time": "2020-01-01T00:00:00+00:00",
    "password_enabled": "not_supported",
    "password_last_used": "no_information",
    "password_last_changed": "not_supported",
    "mfa_active": "true",
}
FALSE = ("access_key_1_active", "access_key_2_active", "cert_1_active", "cert_2_active")


def _ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def _user(name: str = "eve", **values: str) -> dict[str, str]:
    return {
        "user": name,
        "arn": f"arn:aws:iam::123456789012:user/{name}",
        "user_creation_time": _ago(400),
        "password_enabled": "false",
        "mfa_active": "false",
        **values,
    }


def _report(*users: dict[str, str], header: tuple[str, ...] = HEADER) -> bytes:
    lines = [",".join(header)]
    for user in (ROOT, *users):
        filled = {**dict.fromkeys(header, "N/A"), **dict.fromkeys(FALSE, "false"), **user}
        lines.append(",".join(filled[column] for column in header))
    return ("\n".join(lines) + "\n").encode()


PASSWORD = {"password_enabled": "true", "mfa_active": "true"}
KEY = {"access_key_1_active": "true", "access_key_1_last_rotated": _ago(10)}


def test_the_root_user_and_the_users_are_told_apart() -> None:
    report = parse(_report(_user("eve"), _user("mallory")))
    assert report.root.mfa
    assert report.root.password is None
    assert [user.name for user in report.users] == ["eve", "mallory"]
    assert report.unknown_columns == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({"password_enabled": "TRUE"}, ["eve signs in with a password alone"]),
        ({"password_enabled": "true", "mfa_active": "true"}, []),
        ({"mfa_active": "false", **KEY}, []),
    ],
)
def test_a_password_needs_a_second_factor(values: dict[str, str], said: list[str]) -> None:
    assert list(signing_in_without_mfa(parse(_report(_user(**values))))) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, []),
        ({**PASSWORD, "password_last_used": _ago(89)}, []),
        ({**PASSWORD, "password_last_used": _ago(90.9)}, []),
        ({**PASSWORD, "password_last_used": _ago(91)}, ["eve: password unused for 91 days"]),
        # Never used: since the password was set, or where that is not said, since the user is.
        (
            {**PASSWORD, "password_last_used": "no_information"},
            ["eve: password never used for 400 days"],
        ),
        (
            {
                **PASSWORD,
                "password_last_used": "no_information",
                "password_last_changed": _ago(91),
            },
            ["eve: password never used for 91 days"],
        ),
        ({**PASSWORD, "password_last_changed": _ago(3)}, []),
        ({**PASSWORD, "password_last_used": _ago(300), "password_last_changed": _ago(3)}, []),
        ({**KEY}, []),
        (
            {**KEY, "access_key_1_last_rotated": _ago(91)},
            ["eve: access key 1 never used for 91 days"],
        ),
        (
            {
                **KEY,
                "access_key_1_last_rotated": _ago(200),
                "access_key_1_last_used_date": _ago(1),
            },
            [],
        ),
        (
            {
                "access_key_2_active": "true",
                "access_key_2_last_rotated": _ago(200),
                "access_key_2_last_used_date": _ago(100),
            },
            ["eve: access key 2 unused for 100 days"],
        ),
        ({**KEY, "access_key_1_active": "false", "access_key_1_last_rotated": _ago(200)}, []),
    ],
)
def test_what_nobody_uses_is_named(values: dict[str, str], said: list[str]) -> None:
    assert list(unused(parse(_report(_user(**values))), NOW, 90)) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({**KEY, "access_key_1_last_rotated": _ago(90)}, []),
        ({**KEY, "access_key_1_last_rotated": _ago(91)}, ["eve: access key 1 is 91 days old"]),
        (
            {"access_key_2_active": "true", "access_key_2_last_rotated": _ago(500)},
            ["eve: access key 2 is 500 days old"],
        ),
        ({**KEY, "access_key_1_active": "false", "access_key_1_last_rotated": _ago(500)}, []),
    ],
)
def test_old_keys_are_named(values: dict[str, str], said: list[str]) -> None:
    assert list(old_keys(parse(_report(_user(**values))), NOW, 90)) == said


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_missing_is_no_report(column: str) -> None:
    header = tuple(name for name in HEADER if name != column)
    with pytest.raises(ReportError, match=rf"lacks the columns {column}"):
        parse(_report(header=header))


def test_a_column_that_is_not_known_is_told() -> None:
    assert parse(_report(header=(*HEADER, "passkeys"))).unknown_columns == ("passkeys",)


def test_credentials_beyond_the_columns_are_kept() -> None:
    header = (*HEADER, "additional_credentials_info")
    report = parse(_report(_user(), _user("two", additional_credentials_info="2"), header=header))
    assert [user.additional for user in report.users] == ["", "2"]
    assert report.unknown_columns == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no text"),
        ("user,arn\n", "no text"),
        (b"", "lacks the columns user"),
        (b"\xff\xfe", "not CSV in UTF-8"),
        (_report().splitlines()[0] + b"\n", "lacks the line of the root user"),
        (_report() + b"eve,arn:aws:iam::123456789012:user/eve\n", "has 2 values for"),
        (_report(_user(), _user()), "several lines of eve"),
        (_report(_user(arn="eve")), "names no user"),
        (_report(_user(user_creation_time="N/A")), "does not say when eve was made"),
        (_report(_user(user_creation_time="yesterday")), "which is no time"),
        (_report(_user(mfa_active="maybe")), "mfa_active of eve is 'maybe'"),
        (_report(_user(mfa_active="N/A")), "mfa_active of eve"),
        (_report(_user(password_enabled="not_supported")), "whether eve has a password"),
        (_report(_user(access_key_2_active="true")), "since when eve has key 2"),
        (_report(header=(*HEADER, "user")), "a column comes twice"),
    ],
)
def test_what_cannot_be_read_is_not_judged(content: object, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        parse(content)


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_report_or_break_it(content: bytes) -> None:
    with pytest.raises(ReportError):
        parse(content)


@given(st.integers(0, 400), st.integers(1, 400))
def test_a_key_is_old_by_the_day(age: int, limit: int) -> None:
    report = parse(_report(_user(**{**KEY, "access_key_1_last_rotated": _ago(age)})))
    assert bool(list(old_keys(report, NOW, limit))) == (age > limit)


REQUIRED = {
    "minimum_length": 14,
    "characters": ["lowercase", "numbers", "symbols", "uppercase"],
    "maximum_age_days": 90,
    "reuse_prevention": 24,
}
POLICY = {
    "MinimumPasswordLength": 14,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "ExpirePasswords": True,
    "MaxPasswordAge": 90,
    "PasswordReusePrevention": 24,
}


def _unmet(policy: Mapping[str, object], **required: object) -> list[str]:
    found = weaknesses_of_passwords(policy, {**REQUIRED, **required})
    return [member for member, _, _, holds in found if not holds]


def test_a_policy_that_is_as_required_holds() -> None:
    assert _unmet(POLICY) == []
    assert _unmet({**POLICY, "MinimumPasswordLength": 30, "MaxPasswordAge": 1}) == []


@pytest.mark.parametrize("member", POLICY)
def test_each_member_counts(member: str) -> None:
    assert member in _unmet({name: value for name, value in POLICY.items() if name != member})


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("MinimumPasswordLength", 13),
        ("MaxPasswordAge", 91),
        ("MaxPasswordAge", 0),
        ("PasswordReusePrevention", 23),
        ("RequireSymbols", False),
        ("ExpirePasswords", False),
        ("MinimumPasswordLength", True),
    ],
)
def test_what_is_weaker_does_not_hold(member: str, value: object) -> None:
    assert _unmet({**POLICY, member: value}) == [member]


def test_what_is_not_required_may_be_missing() -> None:
    bare = {"MinimumPasswordLength": 14, "PasswordReusePrevention": 24}
    assert _unmet(bare, characters=[], maximum_age_days=None) == []
