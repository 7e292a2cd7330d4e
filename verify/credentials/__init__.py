"""Pure judgement of an account's credentials: its credential report and its password policy."""

from __future__ import annotations

from verify.credentials.judgement import (
    old_keys,
    signing_in_without_mfa,
    unused,
    weaknesses_of_passwords,
)
from verify.credentials.report import AccessKey, CredentialReport, ReportError, User, parse

__all__ = (
    "AccessKey",
    "CredentialReport",
    "ReportError",
    "User",
    "old_keys",
    "parse",
    "signing_in_without_mfa",
    "unused",
    "weaknesses_of_passwords",
)
