"""Where moto's answers about an account's credentials differ from IAM's.

The root user of a sandbox is as it should be, with MFA and without keys, until
``POST /_sandbox/root-user`` says otherwise; nobody signs in to a sandbox, and nothing in it is old,
until ``POST /_sandbox/age-credentials`` says so. See ``sandbox.control``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.models import AccountSummary, IAMBackend
from moto.iam.responses import IamResponse

from sandbox.clock import now
from sandbox.control import Control, ControlError
from sandbox.replacement import Kind, Replacement
from sandbox.world import World

# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html
_COLUMNS = (
    *("user", "arn", "user_creation_time"),
    *("password_enabled", "password_last_used", "password_last_changed", "password_next_rotation"),
    "mfa_active",
    *(
        f"access_key_{number}_{what}"
        for number in (1, 2)
        for what in (
            "active",
            "last_rotated",
            "last_used_date",
            "last_used_region",
            "last_used_service",
        )
    ),
    *("cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated"),
)
_NEVER, _NONE, _OF_ROOT = "no_information", "N/A", "not_supported"
_KEPT = timedelta(hours=4)
_SECONDS = 10.0  # that IAM takes to make a report


@dataclass(frozen=True)
class RootUser:
    """What the account's root user has, which no call of an API can change."""

    mfa: bool = True
    access_keys: int = 0
    certificates: int = 0
    password: bool = True


@dataclass(frozen=True)
class Report:
    """A credential report: what it says, and when it is there."""

    content: str
    made: datetime

    def is_kept(self) -> bool:
        """Whether IAM makes no new one when it is asked to."""
        return now() - self.made < _KEPT


class NotThere(ServiceException):  # type: ignore[misc]  # moto has no types
    """There is no report to give; ``code`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _root(backend: Any) -> RootUser:
    return getattr(backend, "sandbox_root_user", None) or RootUser()


def _report(backend: Any) -> Report | None:
    return getattr(backend, "sandbox_credential_report", None)


def generate_credential_report(world: World, response: Any) -> ActionResult:
    """Begin to make a report, unless one of the last four hours is there or under way."""
    backend = response.backend
    report = _report(backend)
    if report is None or not report.is_kept():
        ready = now() + timedelta(seconds=world.settings.latency(_SECONDS))
        backend.sandbox_credential_report = Report(_written(world, backend), ready)
        return ActionResult(
            {
                "State": "STARTED",
                "Description": "No report exists. Starting a new report generation task",
            }
        )
    return ActionResult({"State": "COMPLETE" if report.made <= now() else "INPROGRESS"})


def get_credential_report(world: World, response: Any) -> ActionResult:
    """The report. Raises NotThere where it was not made, is not ready or is too old."""
    report = _report(response.backend)
    if report is None:
        raise NotThere("ReportNotPresent", "No report exists")
    if report.made > now():
        raise NotThere("ReportInProgress", "Report is not ready")
    if not report.is_kept():
        raise NotThere("ReportExpired", "Report has expired")
    return ActionResult(
        {
            "Content": report.content,
            "ReportFormat": "text/csv",
            "GeneratedTime": report.made.replace(microsecond=0),
        }
    )


def _written(world: World, backend: Any) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, restval=_NONE, lineterminator="\n")
    writer.writeheader()
    writer.writerow(_line_of_root(world, backend))
    for user in backend.users.values():
        writer.writerow(_line(user))
    return stream.getvalue()


def _line_of_root(world: World, backend: Any) -> dict[str, str]:
    root = _root(backend)
    made = "2020-01-01T00:00:00+00:00"
    line = {
        "user": "<root_account>",
        "arn": f"arn:{backend.partition}:iam::{world.settings.account}:root",
        "user_creation_time": made,
        # Of a member account whose root user has no credentials it says so.
        "password_enabled": _OF_ROOT if root.password else "false",
        "password_last_used": _NEVER,
        "password_last_changed": _OF_ROOT,
        "password_next_rotation": _OF_ROOT,
        "mfa_active": _truth(root.mfa),
    }
    for number in (1, 2):
        line[f"access_key_{number}_active"] = _truth(root.access_keys >= number)
        line[f"cert_{number}_active"] = _truth(root.certificates >= number)
        if root.access_keys >= number:
            line[f"access_key_{number}_last_rotated"] = made
    return line


def _line(user: Any) -> dict[str, str]:
    line = {
        "user": user.name,
        "arn": user.arn,
        "user_creation_time": _time(user.create_date),
        "password_enabled": _truth(bool(user.password)),
        "mfa_active": _truth(bool(user.mfa_devices)),
    }
    if user.password:
        changed = getattr(user, "sandbox_password_changed", user.create_date)
        used = getattr(user, "sandbox_password_used", None)
        line["password_last_used"] = _time(used) if used else _NEVER
        line["password_last_changed"] = _time(changed)
    for number, key in enumerate(user.access_keys[:2], 1):
        start = f"access_key_{number}"
        active = key.status == "Active"
        line[f"{start}_active"] = _truth(active)
        if active:
            line[f"{start}_last_rotated"] = _time(key.create_date)
        if key.last_used is not None:
            line[f"{start}_last_used_date"] = _time(key.last_used.timestamp)
            line[f"{start}_last_used_region"] = key.last_used.region
            line[f"{start}_last_used_service"] = key.last_used.service
    for number in (1, 2):
        line.setdefault(f"access_key_{number}_active", "false")
        certificates = list(user.signing_certificates.values())[number - 1 : number]
        active = any(certificate.status == "Active" for certificate in certificates)
        line[f"cert_{number}_active"] = _truth(active)
    return line


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _time(moment: datetime) -> str:
    # moto's own times have no zone.
    return moment.replace(tzinfo=None).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def create_login_profile(
    world: World, original: Callable[..., Any], backend: Any, *arguments: Any, **keywords: Any
) -> Any:
    """Give a user a password, or another one, from now on."""
    user = original(backend, *arguments, **keywords)
    user.sandbox_password_changed = now()
    user.sandbox_password_used = None
    return user


def summary_map(world: World, original: Callable[[Any], Any], summary: Any) -> Any:
    """What the account has of each kind, the root user's credentials among it."""
    root = _root(summary._iam_backend)
    return {
        **original(summary),
        "AccountMFAEnabled": int(root.mfa),
        "AccountAccessKeysPresent": int(root.access_keys > 0),
        "AccountSigningCertificatesPresent": int(root.certificates > 0),
        "AccountPasswordPresent": int(root.password),
    }


def get_account_password_policy(
    world: World, original: Callable[[Any], ActionResult], response: Any
) -> ActionResult:
    """The password policy, without what it does not limit."""
    policy = original(response).result["PasswordPolicy"]
    shown = {
        "MinimumPasswordLength": policy.minimum_password_length,
        "RequireSymbols": policy.require_symbols,
        "RequireNumbers": policy.require_numbers,
        "RequireUppercaseCharacters": policy.require_uppercase_characters,
        "RequireLowercaseCharacters": policy.require_lowercase_characters,
        "AllowUsersToChangePassword": policy.allow_users_to_change_password,
        "ExpirePasswords": policy.expire_passwords,
        "HardExpiry": policy.hard_expiry,
        "MaxPasswordAge": policy.max_password_age or None,
        "PasswordReusePrevention": policy.password_reuse_prevention or None,
    }
    return ActionResult(
        {"PasswordPolicy": {name: value for name, value in shown.items() if value is not None}}
    )


# --- what no API can do ---------------------------------------------------------------------------


def setting_of_root(world: World) -> Control:
    """What gives the root user other credentials, or takes them away."""

    def change(request: Mapping[str, Any]) -> dict[str, Any]:
        kinds = {"mfa": bool, "access_keys": int, "certificates": int, "password": bool}
        for name, value in request.items():
            if name not in kinds or type(value) is not kinds[name]:
                raise ControlError("400 Bad Request", f"{name} is none of {', '.join(kinds)}")
        for backend in _backends(world):
            backend.sandbox_root_user = replace(_root(backend), **request)
        return {"changed": sorted(request)}

    return change


def ageing(world: World) -> Control:
    """What makes a user and all of its credentials older, used last at some time or never."""

    def age(request: Mapping[str, Any]) -> dict[str, Any]:
        days, used = request.get("days"), request.get("used_days")
        if type(days) is not int or not (used is None or type(used) is int):
            raise ControlError("400 Bad Request", "days and used_days are numbers of days")
        users = [
            user
            for backend in _backends(world)
            for user in backend.users.values()
            if user.name == request.get("user")
        ]
        if not users:
            raise ControlError("404 Not Found", "there is no such user")
        for user in users:
            _age(user, days, used)
        return {"user": users[0].name}

    return age


def _age(user: Any, days: int, used: int | None) -> None:
    since = now() - timedelta(days=days)
    last = None if used is None else now() - timedelta(days=used)
    user.create_date = user.sandbox_password_changed = since
    user.sandbox_password_used = last
    for key in user.access_keys:
        key.create_date = since
        key.last_used = None if last is None else _Used(last)


@dataclass(frozen=True)
class _Used:
    """When a key was used last, as moto keeps it."""

    timestamp: datetime
    service: str = "s3"
    region: str = "us-east-1"


def expiry(world: World) -> Control:
    """What lets the four hours pass at once, after which IAM makes a new report."""

    def expire(request: Mapping[str, Any]) -> dict[str, Any]:
        expired = 0
        for backend in _backends(world):
            report = _report(backend)
            if report is not None:
                past = replace(report, made=report.made - _KEPT - timedelta(seconds=1))
                backend.sandbox_credential_report = past
                expired += 1
        return {"expired": expired}

    return expire


def _backends(world: World) -> Iterator[Any]:
    yield from world.regions("iam")


REPLACEMENTS = (
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html
    Replacement(
        IamResponse,
        "generate_credential_report",
        generate_credential_report,
        "IAM takes a while to make a report, and keeps it for four hours.",
    ),
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html
    Replacement(
        IamResponse,
        "get_credential_report",
        get_credential_report,
        "moto's report is of 2015, lacks the root user and knows passwords and keys by half.",
    ),
    Replacement(
        IAMBackend,
        "create_login_profile",
        create_login_profile,
        "moto does not keep when a password was set.",
        Kind.AROUND,
    ),
    Replacement(
        IAMBackend,
        "update_login_profile",
        create_login_profile,
        "moto does not keep when a password was changed.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
    Replacement(
        AccountSummary,
        "summary_map",
        summary_map,
        "moto's root user has no MFA, and nothing could give it any.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html
    Replacement(
        IamResponse,
        "get_account_password_policy",
        get_account_password_policy,
        "IAM leaves out what a password policy does not limit; moto says 0.",
        Kind.AROUND,
    ),
)
