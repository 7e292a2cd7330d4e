"""IAM's credential report: a line for the root user and one for each IAM user, as CSV.

Source: IAM user guide, "Generate credential reports for your AWS account", section "Understanding
the report format". A value that is not there is written in one of three ways: N/A where there is no
such credential, no_information where it was never used, not_supported where the root user has none.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

ROOT = "<root_account>"
MAXIMUM_BYTES = 50_000_000

_NO_KEY = ("access_key_{}_active", "access_key_{}_last_rotated", "access_key_{}_last_used_date")
COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
    *(column.format(number) for number in (1, 2) for column in _NO_KEY),
    "cert_1_active",
    "cert_2_active",
)
# What says nothing about who can sign in, and since when nobody did.
IGNORED = (
    "password_next_rotation",
    *(
        f"access_key_{number}_last_used_{what}"
        for number in (1, 2)
        for what in ("region", "service")
    ),
    "cert_1_last_rotated",
    "cert_2_last_rotated",
)
# How many keys and certificates a user has beyond the two that the report has columns for. AWS came
# to it later than to the others.
ADDITIONAL = "additional_credentials_info"

_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>\d{12}):(?:root|user/.+)", re.ASCII)
_ABSENT = frozenset({"", "n/a", "no_information", "not_supported"})


class ReportError(Exception):
    """The report is not one that can be judged. The message says what is wrong with it."""


@dataclass(frozen=True)
class AccessKey:
    """One of a user's two access keys, by its number.

    `since` is when it was made or last changed, which IAM says of an active key.
    """

    number: int
    active: bool
    since: datetime | None
    used: datetime | None


@dataclass(frozen=True)
class User:
    """A line of the report. `password` is None where the report says nothing of one: of root's."""

    name: str
    account: str
    created: datetime
    password: bool | None
    password_since: datetime | None
    password_used: datetime | None
    mfa: bool
    keys: tuple[AccessKey, ...]
    certificates: tuple[bool, ...]
    additional: str  # credentials that the report has no columns for; empty where there are none


@dataclass(frozen=True)
class CredentialReport:
    """The root user, the IAM users by name, and the columns that are not known here."""

    root: User
    users: tuple[User, ...]
    unknown_columns: tuple[str, ...]


def parse(content: object) -> CredentialReport:
    """The report in `content`, bytes as GetCredentialReport gives them.

    Raises ReportError for a column, a user or a value that is missing or cannot be read.
    """
    if not isinstance(content, bytes) or len(content) > MAXIMUM_BYTES:
        raise ReportError(f"it is no text of at most {MAXIMUM_BYTES:,} bytes")
    try:
        text = content.decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"it is not CSV in UTF-8: {error}") from None
    header, lines = (rows[0], rows[1:]) if rows else ([], [])
    _require_header(header)
    users = [_user(dict(zip(header, line, strict=True))) for line in _whole(header, lines)]
    names = [user.name for user in users]
    twice = sorted({name for name in names if names.count(name) > 1}) if _repeats(names) else []
    if twice:
        raise ReportError(f"it has several lines of {', '.join(twice)}")
    roots = [user for user in users if user.name == ROOT]
    if not roots:
        raise ReportError(f"it lacks the line of the root user, {ROOT}")
    known = {*COLUMNS, *IGNORED, ADDITIONAL}
    return CredentialReport(
        roots[0],
        tuple(user for user in users if user.name != ROOT),
        tuple(column for column in header if column not in known),
    )


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)


def _require_header(header: list[str]) -> None:
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise ReportError(f"it lacks the columns {', '.join(missing)}")
    if _repeats(header):
        raise ReportError("a column comes twice")


def _whole(header: list[str], lines: list[list[str]]) -> list[list[str]]:
    for number, line in enumerate(lines, start=2):
        if line and len(line) != len(header):
            raise ReportError(f"line {number} has {len(line)} values for {len(header)} columns")
    return [line for line in lines if line]


def _user(line: Mapping[str, str]) -> User:
    name = line["user"]
    arn = _ARN.fullmatch(line["arn"])
    if not name or arn is None:
        raise ReportError(f"a line names no user: {name or line['arn'] or 'it is empty'}")
    created = _time(line, "user_creation_time")
    if created is None:
        raise ReportError(f"it does not say when {name} was made")
    is_silent = line["password_enabled"].lower() == "not_supported"
    said = None if is_silent else _truth(line, "password_enabled")
    if said is None and name != ROOT:
        raise ReportError(f"it does not say whether {name} has a password")
    additional = line.get(ADDITIONAL, "").strip()
    return User(
        name=name,
        account=arn["account"],
        created=created,
        password=said,
        password_since=_time(line, "password_last_changed"),
        password_used=_time(line, "password_last_used"),
        mfa=_truth(line, "mfa_active"),
        keys=tuple(_key(line, number) for number in (1, 2)),
        certificates=tuple(_truth(line, f"cert_{number}_active") for number in (1, 2)),
        additional="" if additional.lower() in _ABSENT | {"0"} else additional,
    )


def _key(line: Mapping[str, str], number: int) -> AccessKey:
    active, since, used = (column.format(number) for column in _NO_KEY)
    key = AccessKey(number, _truth(line, active), _time(line, since), _time(line, used))
    if key.active and key.since is None and line["user"] != ROOT:
        raise ReportError(f"it does not say since when {line['user']} has key {number}")
    return key


def _truth(line: Mapping[str, str], column: str) -> bool:
    value = line[column].lower()
    if value not in ("true", "false"):
        raise ReportError(f"{column} of {line['user']} is {line[column]!r}, not true or false")
    return value == "true"


def _time(line: Mapping[str, str], column: str) -> datetime | None:
    value = line[column]
    if value.lower() in _ABSENT:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ReportError(f"{column} of {line['user']} is {value!r}, which is no time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
