"""Who signs in: the root identity in any use, and console sign-in without a second factor."""

from __future__ import annotations

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, dig, flag, mapping, text

_SIGN_IN = "signin.amazonaws.com"
# In place of a service, records before 2020 name the console through which a person acted. What AWS
# forwards on that person's behalf ("AWS Internal") follows from a call that is recorded itself.
_CONSOLE = "signin.amazonaws.com"


def _judge_root(event: Event, _: AuditPipeline) -> Finding | None:
    if event.invoked_by not in (None, _CONSOLE):
        return None
    if event.record.get("eventType") == "AwsServiceEvent":
        return None
    if flag(dig(event.identity, "sessionContext", "assumedRoot")) is True:
        return _assumed_root(event)
    console = event.source == _SIGN_IN and event.name == "ConsoleLogin"
    reads = flag(event.record.get("readOnly")) is True
    multi_factor = mapping(event.record.get("additionalEventData")).get("MFAUsed")
    details: dict[str, object] = {"console_sign_in": console, "read_only": reads}
    if console:
        details["mfa_used"] = text(multi_factor)
    return Finding(
        resource_id=text(event.identity.get("arn")) or event.account,
        reason=(
            "The account's root identity "
            + ("signed in to the console" if console else f"called {event.name}")
            + ": nothing limits what it may do, and nobody can be told apart behind it."
        ),
        details=details,
        severity="HIGH" if reads and not console else None,
    )


def _assumed_root(event: Event) -> Finding:
    """A session of centralized root access: CloudTrail calls its caller Root all the same.

    It comes from AWS STS AssumeRoot and is bounded by one task policy (IAM user guide, "Perform a
    privileged task on an AWS Organizations member account").
    """
    reads = flag(event.record.get("readOnly")) is True
    account = text(event.identity.get("accountId")) or event.account or "(unnamed)"
    return Finding(
        resource_id=text(event.identity.get("arn")) or event.account,
        reason=(
            f"A privileged session of centralized root access called {event.name} in account "
            f"{account}: the organization's management account, or whom it delegated this to, took "
            "it with AWS STS AssumeRoot. One task policy bounds what it may do. Nobody signed in "
            "as the root user; who took the session is in AssumeRoot's own record."
        ),
        details={"assumed_root": True, "console_sign_in": False, "read_only": reads},
        severity="MEDIUM" if reads else "HIGH",
        title="Privileged session of centralized root access",
    )


def _is_user(event: Event) -> bool:
    kind = text(event.identity.get("type"))
    if kind is not None:
        return kind == "IAMUser"
    return ":user/" in (text(event.identity.get("arn")) or "")


def _judge_console(event: Event, _: AuditPipeline) -> Finding | None:
    if str(event.response.get("ConsoleLogin")).lower() != "success" or not _is_user(event):
        return None
    multi_factor = flag(dig(event.identity, "sessionContext", "attributes", "mfaAuthenticated"))
    said = text(mapping(event.record.get("additionalEventData")).get("MFAUsed"))
    if said is not None:
        multi_factor = said.lower() != "no"
    if multi_factor is not False:
        return None
    user = text(event.identity.get("userName")) or text(event.identity.get("arn"))
    return Finding(
        resource_id=user,
        reason=(
            f"User {user or '(unnamed)'} signed in to the console with a password alone: whoever "
            "learns the password is that user."
        ),
        details={"mfa_used": "No"},
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="root-used",
        title="Root identity used",
        severity="CRITICAL",
        citations=("164.312(a)(2)(i)", "164.308(a)(5)(ii)(C)"),
        resource_type="AWS::IAM::RootUser",
        fields=(
            "userIdentity.type",
            "userIdentity.invokedBy",
            "userIdentity.sessionContext.assumedRoot",
            "eventType",
        ),
        events=(),
        judge=_judge_root,
        identity_type="Root",
    ),
    Rule(
        id="console-sign-in-without-mfa",
        title="Console sign-in without multi-factor authentication",
        severity="HIGH",
        citations=("164.312(d)", "164.308(a)(5)(ii)(C)"),
        resource_type="AWS::IAM::User",
        fields=(
            "additionalEventData.MFAUsed",
            "responseElements.ConsoleLogin",
            "userIdentity",
        ),
        events=((_SIGN_IN, "ConsoleLogin"),),
        judge=_judge_console,
    ),
)
