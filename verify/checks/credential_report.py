"""IAM's credential report, from asking for it to what is in it, as whole as the account is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from verify.account import reads
from verify.account.answer import Answer, pick
from verify.account.door import Aws
from verify.check import Check
from verify.credentials import CredentialReport, ReportError, parse
from verify.inputs.deployment import Deployment
from verify.live_fire.waiting import Wait
from verify.model import NotVerifiedError
from verify.wording import utc_time

# What has to be declared to read it.
READINGS = (reads.credential_report_state, reads.credential_report, reads.account_summary)

MAXIMUM_SECONDS = 300.0
_PAUSE_SECONDS = 2.0
_COMPLETE = "COMPLETE"
# IAM makes a new one when it is asked and the last is older.
_MAXIMUM_AGE = timedelta(hours=4)
_TOLERANCE = timedelta(minutes=10)  # of the clocks, and of the time that making one takes


@dataclass(frozen=True)
class Seen:
    """A report, when IAM made it, and when it was asked for, by which ages are judged."""

    report: CredentialReport
    made: datetime
    asked: datetime

    @property
    def source(self) -> str:
        """Where what is observed comes from, for a reader."""
        return f"by the credential report of {utc_time(self.made)}"


def credential_report(check: Check, aws: Aws, deployment: Deployment, wait: Wait) -> Seen:
    """The account's credential report, waited for where IAM has yet to make it.

    It is noted where it has columns that are not known here. Raises NotVerifiedError where there is
    none, and where it is not of this account, too old, or lacks users.
    """
    answer = _made(aws, wait)
    content = answer.response or {}
    if pick(content, "ReportFormat") != "text/csv":
        raise NotVerifiedError(f"the credential report is {content['ReportFormat']}, not text/csv")
    made = pick(content, "GeneratedTime")
    if not isinstance(made, datetime):
        raise NotVerifiedError("the credential report does not say when it was made")
    if not -_TOLERANCE <= answer.time - made <= _MAXIMUM_AGE + _TOLERANCE:
        raise NotVerifiedError(
            f"the credential report is of {utc_time(made)}: IAM makes a new one when the last is "
            "four hours old, so this is not the one that was asked for"
        )
    try:
        report = parse(pick(content, "Content"))
    except ReportError as error:
        raise NotVerifiedError(f"the credential report cannot be judged: {error}") from None
    _require_whole(aws, deployment, report, made)
    if report.unknown_columns:
        check.notes.append(
            f"the credential report has columns that no control is known to judge: "
            f"{', '.join(report.unknown_columns)}"
        )
    for user in report.users:
        if user.additional:
            check.unknown(user.name, f"credentials beyond those listed: {user.additional}")
    return Seen(report, made, answer.time)


def _made(aws: Aws, wait: Wait) -> Answer:
    """The answer that holds the report."""
    started = time.monotonic()
    state = aws.pick(reads.credential_report_state(), "State")
    answer = aws.read(reads.credential_report()) if state == _COMPLETE else None
    while answer is None or not answer.found:
        seen = state if answer is None else str(answer.error_code)
        if not aws.source.moves_on or time.monotonic() - started > MAXIMUM_SECONDS:
            raise NotVerifiedError(
                f"IAM has made no credential report within {MAXIMUM_SECONDS:.0f} s ({seen}): "
                "verify again"
            )
        # At once the first time: another control may have waited already.
        state = aws.pick_again(reads.credential_report_state(), "State")
        answer = aws.read_again(reads.credential_report()) if state == _COMPLETE else None
        if answer is None or not answer.found:
            wait.waiting("IAM's credential report", MAXIMUM_SECONDS, {"report": seen})
            time.sleep(_PAUSE_SECONDS)
    return answer


def _require_whole(
    aws: Aws, deployment: Deployment, report: CredentialReport, made: datetime
) -> None:
    strangers = [
        user.name for user in (report.root, *report.users) if user.account != deployment.account_id
    ]
    if strangers:
        raise NotVerifiedError(f"the credential report tells of others: {', '.join(strangers)}")
    users = aws.pick(reads.account_summary(), "SummaryMap", "Users")
    if len(report.users) != users:
        raise NotVerifiedError(
            f"the credential report of {utc_time(made)} lists {len(report.users)} users, the "
            f"account has {users}: verify again after {utc_time(made + _MAXIMUM_AGE)}, when IAM "
            "makes a new one"
        )
