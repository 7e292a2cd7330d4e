"""Identity: grants that are too broad, trust in strangers, and the trail's own roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..live import OTHER_ACCOUNT, LiveState, NotReadError, Place
from ..model import Confirmed, Finding, Rule
from ..pipeline import AuditPipeline
from ..policy.admission import public_statements, unbound_federations
from ..record import Event, dig, flag, resource_in, text
from .grants import (
    AWS_POLICY,
    doubt_about,
    extents_of,
    first_document,
    grant_details,
    granted_by_aws_policy,
    granted_too_much,
    severity_of,
    statement_details,
)
from .membership import confirm_membership

_IAM = "iam.amazonaws.com"
_SSO = "sso.amazonaws.com"
# Calls that write a managed policy's document.
_WITH_DOCUMENT = ("CreatePolicy", "CreatePolicyVersion")


def _holder(parameters: Mapping[str, Any]) -> tuple[str, str | None]:
    """CloudFormation type and name of what receives the policy."""
    for key, kind in (
        ("userName", "AWS::IAM::User"),
        ("roleName", "AWS::IAM::Role"),
        ("groupName", "AWS::IAM::Group"),
        ("permissionSetArn", "AWS::SSO::PermissionSet"),
        ("policyArn", "AWS::IAM::ManagedPolicy"),
        ("policyName", "AWS::IAM::ManagedPolicy"),
    ):
        if name := text(parameters.get(key)):
            return kind, name
    return "AWS::IAM::ManagedPolicy", None


def _holder_of_attached(parameters: Mapping[str, Any]) -> tuple[str, str | None]:
    """The same where the request also names the policy, which is not what receives it."""
    return _holder({key: value for key, value in parameters.items() if key != "policyArn"})


def _in_words(kind: str, name: str | None) -> str:
    words = {
        "AWS::IAM::User": "user",
        "AWS::IAM::Role": "role",
        "AWS::IAM::Group": "group",
        "AWS::SSO::PermissionSet": "permission set",
    }
    return f"{words.get(kind, 'managed policy')} {name or '(unnamed)'}"


def _confirm_policy(
    event: Event, _: AuditPipeline, finding: Finding | None, live: LiveState
) -> Confirmed:
    """Read what the record names and does not show: a managed policy, or those of a group."""
    if finding is not None:
        return Confirmed(finding)
    if event.name == "AddUserToGroup":
        return confirm_membership(event, live)
    return _confirm_customer_policy(event, live)


def _confirm_customer_policy(event: Event, live: LiveState) -> Confirmed:
    """Read what a customer-managed policy grants: the record of its use names it only."""
    parameters = event.parameters
    policy = text(parameters.get("policyArn"))
    version = text(parameters.get("versionId"))
    if event.name in _WITH_DOCUMENT:
        if text(parameters.get("policyDocument")) is not None:
            return Confirmed(None)  # the record has told all
        # CloudTrail left the document out; the answer says which version it became.
        policy = policy or text(dig(event.response, "policy", "arn")) or resource_in(event)
        version = text(dig(event.response, "policyVersion", "versionId"))
    if policy is None or AWS_POLICY in policy or event.source != _IAM:
        return Confirmed(None)
    if event.name in _WITH_DOCUMENT:
        holder = "it was just written"
        kind: str = "AWS::IAM::ManagedPolicy"
        name: str | None = policy
    elif event.name == "SetDefaultPolicyVersion":
        holder = f"version {version or '(unnamed)'} is now in force for all who hold it"
        kind = "AWS::IAM::ManagedPolicy"
        name = policy
    else:
        version = None
        kind, name = _holder_of_attached(parameters)
        holder = f"it was attached to {_in_words(kind, name)}"
    try:
        # IAM is global, with its endpoint where the partition keeps it.
        answer = live.policy_document(Place(event.account, None), policy, version)
    except NotReadError as error:
        # What no longer exists grants nothing, and its creation was judged by itself; of what lies
        # in another account of an organisation there is nothing to add to the record.
        if error.gone or error.code == OTHER_ACCOUNT:
            return Confirmed(None)
        return Confirmed(
            Finding(
                resource_id=name,
                reason=(
                    f"The policy {policy} could not be read, and {holder}: it may grant everything."
                ),
                details={"policy_arn": policy, "version": version},
                severity="LOW",
                resource_type=kind,
            ),
            not_read=(error,),
        )
    grants = granted_too_much(event.account, answer)
    if not grants:
        return Confirmed(None, True)
    return Confirmed(
        Finding(
            resource_id=name,
            reason=(
                f"The policy {policy} grants {extents_of(grants)}, and {holder}. Whoever "
                "holds it can reach all data and remove every safeguard within that reach."
            ),
            details={
                "policy_arn": policy,
                "version": version,
                "grants": grant_details(grants),
            },
            severity=severity_of(grants),
            resource_type=kind,
        ),
        read=True,
    )


def _judge_policy(event: Event, _: AuditPipeline) -> Finding | None:
    grants = granted_too_much(
        event.account,
        event.parameters.get("policyDocument"),
        event.parameters.get("inlinePolicy"),
    )
    if not grants:
        return None
    kind, name = _holder(event.parameters)
    details: dict[str, object] = {"grants": grant_details(grants)}
    if policy := text(event.parameters.get("policyName")):
        details["policy_name"] = policy
    if event.name == "CreatePolicyVersion":
        details["set_as_default"] = flag(event.parameters.get("setAsDefault"))
    return Finding(
        resource_id=name,
        reason=(
            f"A policy of {_in_words(kind, name)} grants {extents_of(grants)}. "
            "Whoever holds it can reach all data and remove every safeguard within that reach."
        ),
        details=details,
        severity=severity_of(grants),
        resource_type=kind,
    )


def _judge_managed_policy(event: Event, _: AuditPipeline) -> Finding | None:
    arn = text(event.parameters.get("policyArn")) or text(event.parameters.get("managedPolicyArn"))
    broad = granted_by_aws_policy(arn) if arn is not None else None
    if arn is None or broad is None:
        return None
    extent, severity = broad
    policy = arn.rsplit("/", 1)[-1]
    kind, name = _holder_of_attached(event.parameters)
    return Finding(
        resource_id=name,
        reason=f"The managed policy {policy} was attached to {_in_words(kind, name)}: {extent}.",
        details={"policy_arn": arn},
        severity=severity,
        resource_type=kind,
    )


def _judge_trust(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    role = text(parameters.get("roleName"))
    document = first_document(
        parameters.get("assumeRolePolicyDocument"),
        parameters.get("policyDocument"),
        dig(event.response, "role", "assumeRolePolicyDocument"),
    )
    if document is None:
        return None
    found = public_statements(document)
    who, doubt = "any AWS account in the world", doubt_about(found)
    if not found:
        federations = unbound_federations(document)
        found = [federation.statement for federation in federations]
        who = "any identity of a provider that serves everyone"
        unknown = [one.provider for one in federations if not one.serves_everyone]
        if federations and len(unknown) == len(federations):
            who = f"any identity of {', '.join(unknown[:3])}"
            doubt = " Whom this provider serves is not known here: look at it."
    if not found:
        return None
    return Finding(
        resource_id=role,
        reason=(
            f"Role {role or '(unnamed)'} trusts everyone: {who} can assume it and use what it is "
            "allowed." + doubt
        ),
        details={"statements": statement_details(found)},
    )


def _judge_audit_role(event: Event, pipeline: AuditPipeline) -> Finding | None:
    role = text(event.parameters.get("roleName"))
    if role is None or not pipeline.is_role(role):
        return None
    return Finding(
        resource_id=role,
        reason=(
            f"Role {role}, which delivers the trail or raises alerts, was changed "
            f"({event.name}): without its permissions records or alerts stop without a word."
        ),
        details={"policy_name": text(event.parameters.get("policyName"))},
        # What is put there may be the deployment's own new version; what is taken away is not.
        severity="MEDIUM" if event.name in ("PutRolePolicy", "UpdateAssumeRolePolicy") else None,
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="iam-policy-too-broad",
        title="IAM policy grants too much",
        severity="HIGH",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        resource_type="AWS::IAM::ManagedPolicy",
        fields=(
            "requestParameters.policyDocument",
            "requestParameters.inlinePolicy",
            "requestParameters.policyArn",
            "requestParameters.groupName",
        ),
        events=(
            (_IAM, "PutUserPolicy"),
            (_IAM, "PutRolePolicy"),
            (_IAM, "PutGroupPolicy"),
            (_IAM, "CreatePolicy"),
            (_IAM, "CreatePolicyVersion"),
            # These carry no document: the live state has it.
            (_IAM, "SetDefaultPolicyVersion"),
            (_IAM, "AttachUserPolicy"),
            (_IAM, "AttachRolePolicy"),
            (_IAM, "AttachGroupPolicy"),
            (_IAM, "AddUserToGroup"),
            (_SSO, "PutInlinePolicyToPermissionSet"),
        ),
        judge=_judge_policy,
        confirm=_confirm_policy,
    ),
    Rule(
        id="iam-administrator-policy-attached",
        title="Administrator policy attached",
        severity="CRITICAL",
        citations=("164.308(a)(4)(ii)(B)", "164.312(a)(1)"),
        resource_type="AWS::IAM::Role",
        fields=("requestParameters.policyArn", "requestParameters.managedPolicyArn"),
        events=(
            (_IAM, "AttachUserPolicy"),
            (_IAM, "AttachRolePolicy"),
            (_IAM, "AttachGroupPolicy"),
            (_SSO, "AttachManagedPolicyToPermissionSet"),
        ),
        judge=_judge_managed_policy,
    ),
    Rule(
        id="iam-role-trusts-anyone",
        title="Role can be assumed by anyone",
        severity="CRITICAL",
        citations=("164.308(a)(4)(i)", "164.312(d)"),
        resource_type="AWS::IAM::Role",
        fields=(
            "requestParameters.assumeRolePolicyDocument",
            "requestParameters.policyDocument",
            "responseElements.role.assumeRolePolicyDocument",
        ),
        events=((_IAM, "CreateRole"), (_IAM, "UpdateAssumeRolePolicy")),
        judge=_judge_trust,
    ),
    Rule(
        id="audit-role-changed",
        title="Role of the audit trail changed",
        severity="HIGH",
        citations=("164.312(b)",),
        resource_type="AWS::IAM::Role",
        fields=("eventName", "requestParameters.roleName"),
        events=(
            (_IAM, "DeleteRole"),
            (_IAM, "DeleteRolePolicy"),
            (_IAM, "DetachRolePolicy"),
            (_IAM, "PutRolePolicy"),
            (_IAM, "UpdateAssumeRolePolicy"),
        ),
        judge=_judge_audit_role,
    ),
)
