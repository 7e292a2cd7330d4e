"""What is wrong with an account's credentials, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from verify.credentials.report import CredentialReport, User


def signing_in_without_mfa(report: CredentialReport) -> Iterator[str]:
    """Each user with a password and no second factor."""
    for user in report.users:
        if user.password and not user.mfa:
            yield f"{user.name} signs in with a password alone"


def unused(report: CredentialReport, now: datetime, days: int) -> Iterator[str]:
    """Each password and active access key of a user that nobody used for more than `days` days.

    What was never used counts from when it was made; a password of which the report does not say
    when, from its user's making.
    """
    for user in report.users:
        if user.password:
            since = user.password_since or user.created
            yield from _unused(user, "password", user.password_used, since, now, days)
        for key in user.keys:
            if key.active:
                since = key.since or user.created
                yield from _unused(user, f"access key {key.number}", key.used, since, now, days)


def _unused(
    user: User, what: str, used: datetime | None, since: datetime, now: datetime, days: int
) -> Iterator[str]:
    # What was renewed since it was last used begins anew: nobody can have used it before.
    age = (now - max(used or since, since)).days
    if age > days:
        how = "unused" if used else "never used"
        yield f"{user.name}: {what} {how} for {age} days"


def old_keys(report: CredentialReport, now: datetime, days: int) -> Iterator[str]:
    """Each active access key of a user that is older than `days` days."""
    for user in report.users:
        for key in user.keys:
            age = (now - (key.since or user.created)).days
            if key.active and age > days:
                yield f"{user.name}: access key {key.number} is {age} days old"


def weaknesses_of_passwords(
    policy: Mapping[str, Any], required: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any, bool]]:
    """Each thing that is required of passwords: its member, what is required and seen, if it holds.

    `policy` is IAM's PasswordPolicy, `required` the baseline's `account.password_policy`. A member
    that IAM leaves out demands nothing.
    """
    least = required["minimum_length"]
    length = policy.get("MinimumPasswordLength")
    yield "MinimumPasswordLength", f"at least {least}", length, _number(length) >= least
    for name in sorted(required["characters"]):
        member = _CHARACTERS[name]
        yield member, True, policy.get(member, False), policy.get(member) is True
    oldest = required["maximum_age_days"]
    if oldest is not None:
        expire, age = policy.get("ExpirePasswords", False), policy.get("MaxPasswordAge")
        yield "ExpirePasswords", True, expire, expire is True
        yield "MaxPasswordAge", f"1 to {oldest} days", age, 1 <= _number(age) <= oldest
    again = policy.get("PasswordReusePrevention")
    kept = required["reuse_prevention"]
    yield "PasswordReusePrevention", f"at least {kept}", again, _number(again) >= kept


_CHARACTERS = {
    "lowercase": "RequireLowercaseCharacters",
    "numbers": "RequireNumbers",
    "symbols": "RequireSymbols",
    "uppercase": "RequireUppercaseCharacters",
}


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
