"""The organization: accounts that leave it or are closed, and what it takes its hand from.

The management account makes these calls; a trail of a single account records them only there.
"""

from __future__ import annotations

from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..policy.document import statements
from ..record import Event, dig, text
from .grants import first_document

_ORGANIZATIONS = "organizations.amazonaws.com"
_ACCOUNT = "account.amazonaws.com"
# Policies that bound what accounts may do; the other types do not protect a trail.
_GUARDRAILS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
# Without it an account may do nothing: to detach it is to lock up, not to open.
_ALLOWS_ALL = ("p-FullAWSAccess", "p-RCPFullAWSAccess")
# Services that record or watch an account on the organization's behalf.
_WATCHING = (
    "access-analyzer.",
    "cloudtrail.",
    "config.",
    "config-multiaccountsetup.",
    "detective.",
    "guardduty.",
    "inspector2.",
    "macie.",
    "malware-protection.guardduty.",
    "securityhub.",
)
_TRAIL_ACTIONS = ("cloudtrail:stoplogging", "cloudtrail:deletetrail")


def _judge_account(event: Event, _: AuditPipeline) -> Finding | None:
    account = text(event.parameters.get("accountId")) or event.account
    whose = account or "(unnamed)"
    severity: Severity | None = None
    if event.name == "DeleteOrganization":
        what = (
            "The organization was deleted: its trails, its policies and its watch over accounts end"
        )
    elif event.name == "CloseAccount":
        what = (
            f"Account {whose} was closed: its trail ends now, and all that it holds, the trail's "
            "files included, is deleted for ever after 90 days"
        )
    elif event.name == "MoveAccount":
        what = (
            f"Account {whose} was moved to another part of the organization: the policies of its "
            "former place no longer bind it"
        )
        severity = "MEDIUM"
    else:
        what = (
            f"Account {whose} left the organization: its trails no longer record the account, and "
            "its policies no longer bind it"
        )
    return Finding(resource_id=account, reason=f"{what}.", severity=severity)


def _judge_guardrail(event: Event, _: AuditPipeline) -> Finding | None:
    policy = text(event.parameters.get("policyId"))
    target = text(event.parameters.get("targetId")) or text(event.parameters.get("rootId"))
    severity: Severity | None = None
    if event.name == "DisablePolicyType":
        kind = text(event.parameters.get("policyType"))
        if kind not in _GUARDRAILS:
            return None
        what = f"Policies of the type {kind} no longer bind any account under {target or 'a root'}"
        severity = "HIGH"
    elif event.name == "UpdatePolicy":
        if not _may_have_lost(event):
            return None
        what = (
            f"Policy {policy or '(unnamed)'} was changed and does not deny to stop or delete a "
            "trail; if it did before, nothing does now"
        )
        severity = "LOW"
    elif policy in _ALLOWS_ALL:
        return None
    elif event.name == "DetachPolicy":
        what = f"Policy {policy or '(unnamed)'} no longer binds {target or '(unnamed)'}"
    else:
        what = f"Policy {policy or '(unnamed)'} was deleted"
    return Finding(
        resource_id=policy or target,
        reason=f"{what}. What it kept accounts from doing to their trail they may do now.",
        details={"event": event.name, "target": target},
        severity=severity,
    )


def _may_have_lost(event: Event) -> bool:
    """Whether the new content of a policy leaves a trail unprotected."""
    kind = text(dig(event.response, "policy", "policySummary", "type"))
    document = first_document(event.parameters.get("content"))
    if document is None or (kind is not None and kind not in _GUARDRAILS):
        return False
    denials = [each for each in statements(document) if not each.allows]
    return not all(any(each.covers_action(action) for each in denials) for action in _TRAIL_ACTIONS)


def _judge_watch(event: Event, _: AuditPipeline) -> Finding | None:
    service = text(event.parameters.get("servicePrincipal"))
    if service is None or not service.startswith(_WATCHING):
        return None
    account = text(event.parameters.get("accountId"))
    what = (
        f"{service} may no longer act in the organization's accounts"
        if event.name == "DisableAWSServiceAccess"
        else f"Account {account or '(unnamed)'} no longer administers {service} for the others"
    )
    return Finding(
        resource_id=service,
        reason=f"{what}: what it recorded or found there reaches nobody.",
        details={"account": account},
        severity="HIGH" if event.name == "DisableAWSServiceAccess" else None,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="account-leaves-organization",
        title="Account closed, or out of the organization's reach",
        severity="CRITICAL",
        citations=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        resource_type="AWS::Organizations::Account",
        fields=("eventName", "requestParameters.accountId"),
        events=(
            (_ORGANIZATIONS, "CloseAccount"),
            (_ORGANIZATIONS, "DeleteOrganization"),
            (_ORGANIZATIONS, "LeaveOrganization"),
            (_ORGANIZATIONS, "MoveAccount"),
            (_ORGANIZATIONS, "RemoveAccountFromOrganization"),
            (_ACCOUNT, "CloseAccount"),
        ),
        judge=_judge_account,
    ),
    Rule(
        id="organization-guardrail-removed",
        title="Policy of the organization taken off",
        severity="MEDIUM",
        citations=("164.308(a)(4)(ii)(B)", "164.312(b)"),
        resource_type="AWS::Organizations::Policy",
        fields=(
            "eventName",
            "requestParameters.policyId",
            "requestParameters.policyType",
            "requestParameters.content",
        ),
        events=(
            (_ORGANIZATIONS, "DeletePolicy"),
            (_ORGANIZATIONS, "DetachPolicy"),
            (_ORGANIZATIONS, "DisablePolicyType"),
            (_ORGANIZATIONS, "UpdatePolicy"),
        ),
        judge=_judge_guardrail,
    ),
    Rule(
        id="organization-watch-ended",
        title="Service no longer watches over the organization",
        severity="MEDIUM",
        citations=("164.308(a)(1)(ii)(D)", "164.312(b)"),
        resource_type="AWS::Organizations::Organization",
        fields=("eventName", "requestParameters.servicePrincipal"),
        events=(
            (_ORGANIZATIONS, "DisableAWSServiceAccess"),
            (_ORGANIZATIONS, "DeregisterDelegatedAdministrator"),
        ),
        judge=_judge_watch,
    ),
)
