"""Encryption keys: open policies, keys on their way out, rotation."""

from __future__ import annotations

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..policy.document import Statement, statements
from ..record import Event, dig, integer, objects, owner_of, text, texts
from .grants import (
    doubt_about,
    first_document,
    foreign_principals,
    granted_to_anyone,
    statement_details,
)

_KMS = "kms.amazonaws.com"
# The services that the key of a trail serves; people use it by the account's IAM policies.
_CLOUDTRAIL = "cloudtrail."
_SERVED = (_CLOUDTRAIL, "logs.", "cloudwatch.")


def _key(event: Event) -> str | None:
    return (
        text(event.parameters.get("keyId"))
        or text(event.response.get("keyId"))
        or text(dig(event.response, "keyMetadata", "arn"))
        or text(dig(event.response, "keyMetadata", "keyId"))
        or text(dig(event.response, "replicaKeyMetadata", "arn"))
    )


def _named(key: str | None) -> str:
    return f"Key {key}" if key else "A key"


def _is_of_trail(event: Event, pipeline: AuditPipeline) -> bool:
    """Whether the call is about the key that the deployment names as the trail's."""
    names = [
        _key(event),
        text(event.parameters.get("targetKeyId")),
        *(text(resource.get("ARN")) for resource in objects(event.record.get("resources"))),
    ]
    return any(name is not None and pipeline.is_key(name) for name in names)


def _serves_trail(every: list[Statement]) -> bool:
    return any(
        statement.allows
        and statement.covers_action("kms:generatedatakey")
        and any(principal.startswith(_CLOUDTRAIL) for principal in statement.principals)
        for statement in every
    )


def _let_in(every: list[Statement], account: str | None) -> list[str]:
    """Whom the policy of a trail's key names beside the account itself and the trail's services.

    Whom ``*`` lets in is another question.
    """
    named = [
        principal
        for statement in every
        if statement.allows
        for principal in statement.principals
        if principal != "*"
        and not principal.startswith(_SERVED)
        and not (owner_of(principal) == account and principal.endswith((":root", str(account))))
    ]
    return list(dict.fromkeys(named))


def _judge_strangers(event: Event, pipeline: AuditPipeline) -> Finding | None:
    """Any key's policy that names another account; a trail's key's that names anybody new."""
    document = first_document(event.parameters.get("policy"), event.response.get("replicaPolicy"))
    if document is None:
        return None
    every = statements(document)
    serves = _serves_trail(every)
    of_trail = _is_of_trail(event, pipeline) or (pipeline.key_arn is None and serves)
    found = _let_in(every, event.account) if of_trail else foreign_principals(every, event.account)
    what = [f"lets in {', '.join(found[:3])}"] if found else []
    if of_trail and not serves and event.name == "PutKeyPolicy":
        what.append("no longer lets CloudTrail encrypt with it, so that the trail stops delivering")
    if not what:
        return None
    key = _key(event)
    return Finding(
        resource_id=key,
        reason=(
            f"{_named(key)}{', by which the audit trail is encrypted,' if of_trail else ''} has a "
            f"policy now that {'; it '.join(what)}."
        ),
        details={"principals": found[:20], "key_of_trail": of_trail},
        severity="HIGH" if of_trail else None,
    )


def _judge_withdrawn(event: Event, pipeline: AuditPipeline) -> Finding | None:
    if event.invoked_by or event.identity.get("type") == "AWSService":
        return None  # services retire the grants that they made for a resource, with the resource
    if not _is_of_trail(event, pipeline):
        return None
    key = _key(event)
    return Finding(
        resource_id=key or pipeline.key_arn,
        reason=(
            f"{_named(key)}, by which the audit trail is encrypted, had a grant taken away "
            f"({event.name}): a service that serves the trail may no longer use it."
        ),
        details={"grant_id": text(event.parameters.get("grantId"))},
    )


def _judge_alias(event: Event, pipeline: AuditPipeline) -> Finding | None:
    alias = text(event.parameters.get("aliasName"))
    target = text(event.parameters.get("targetKeyId"))
    if target is not None and pipeline.is_key(target):
        return None
    named = alias is not None and pipeline.is_key_alias(alias)
    if not named and not _is_of_trail(event, pipeline):
        return None
    what = f"points to key {target} now" if event.name == "UpdateAlias" else "was deleted"
    return Finding(
        resource_id=alias,
        reason=(
            f"Alias {alias or '(unnamed)'} of a key of the audit trail {what}: what names the key "
            "by it encrypts with another one, or not at all."
        ),
        details={"target_key_id": target},
        resource_type="AWS::KMS::Alias",
    )


def _judge_policy(event: Event, _: AuditPipeline) -> Finding | None:
    # A replica without a policy of its own gets the key's, which only the response tells.
    found = granted_to_anyone(event.parameters.get("policy"), event.response.get("replicaPolicy"))
    if not found:
        return None
    key = _key(event)
    return Finding(
        resource_id=key,
        reason=(
            f"{_named(key)} has a policy that lets any AWS account use it, with no condition that "
            "names the callers: encryption with it protects nothing." + doubt_about(found)
        ),
        details={"statements": statement_details(found)},
    )


def _judge_grant(event: Event, pipeline: AuditPipeline) -> Finding | None:
    grantee = text(event.parameters.get("granteePrincipal"))
    owner = owner_of(grantee)
    if owner is None or event.account is None or owner == event.account:
        return None
    key = _key(event)
    operations = texts(event.parameters.get("operations"))
    return Finding(
        resource_id=key,
        reason=(
            f"{_named(key)} was granted to {grantee} of account {owner}, beside its policy"
            + (f": {', '.join(operations[:5])}." if operations else ".")
        ),
        details={"grantee": grantee, "operations": operations[:20]},
        severity="HIGH" if _is_of_trail(event, pipeline) else None,
    )


def _judge_deletion(event: Event, _: AuditPipeline) -> Finding | None:
    key = _key(event)
    days = integer(event.parameters.get("pendingWindowInDays"))
    wait = f"in {days} days" if days is not None else "after the waiting period"
    return Finding(
        resource_id=key,
        reason=(
            f"{_named(key)} will be deleted {wait}; all that it encrypts, the trail's log files "
            "included where it is theirs, becomes unreadable for ever."
        ),
        details={
            "pending_window_days": days,
            "deletion_date": text(event.response.get("deletionDate")),
        },
    )


def _judge_disabled(event: Event, _: AuditPipeline) -> Finding | None:
    key = _key(event)
    what = "was disabled" if event.name == "DisableKey" else "lost its imported key material"
    return Finding(
        resource_id=key,
        reason=(
            f"{_named(key)} {what}: what it encrypts can be neither read nor written, and a "
            "trail that uses it stops delivering."
        ),
    )


def _judge_rotation(event: Event, _: AuditPipeline) -> Finding | None:
    key = _key(event)
    return Finding(resource_id=key, reason=f"{_named(key)} is no longer rotated every year.")


RULES: tuple[Rule, ...] = (
    Rule(
        id="kms-key-policy-public",
        title="Key policy lets anyone use the key",
        severity="CRITICAL",
        citations=("164.312(a)(2)(iv)", "164.312(a)(1)"),
        resource_type="AWS::KMS::Key",
        fields=("requestParameters.policy", "responseElements.replicaPolicy"),
        events=((_KMS, "PutKeyPolicy"), (_KMS, "CreateKey"), (_KMS, "ReplicateKey")),
        judge=_judge_policy,
    ),
    Rule(
        id="kms-key-deletion-scheduled",
        title="Key scheduled for deletion",
        severity="CRITICAL",
        citations=("164.312(a)(2)(iv)", "164.312(c)(1)"),
        resource_type="AWS::KMS::Key",
        fields=("eventName", "requestParameters.keyId", "requestParameters.pendingWindowInDays"),
        events=((_KMS, "ScheduleKeyDeletion"),),
        judge=_judge_deletion,
    ),
    Rule(
        id="kms-key-disabled",
        title="Key disabled or emptied",
        severity="CRITICAL",
        citations=("164.312(a)(2)(iv)",),
        resource_type="AWS::KMS::Key",
        fields=("eventName", "requestParameters.keyId"),
        events=((_KMS, "DisableKey"), (_KMS, "DeleteImportedKeyMaterial")),
        judge=_judge_disabled,
    ),
    Rule(
        id="kms-key-rotation-disabled",
        title="Key rotation disabled",
        severity="HIGH",
        citations=("164.312(a)(2)(iv)",),
        resource_type="AWS::KMS::Key",
        fields=("eventName", "requestParameters.keyId"),
        events=((_KMS, "DisableKeyRotation"),),
        judge=_judge_rotation,
    ),
    Rule(
        id="kms-key-granted-to-stranger",
        title="Key granted to another account",
        severity="MEDIUM",
        citations=("164.312(a)(2)(iv)", "164.312(a)(1)"),
        resource_type="AWS::KMS::Key",
        fields=("requestParameters.granteePrincipal", "requestParameters.keyId"),
        events=((_KMS, "CreateGrant"),),
        judge=_judge_grant,
    ),
    Rule(
        id="kms-key-policy-lets-in-strangers",
        title="Key policy names who should not use the key",
        severity="MEDIUM",
        citations=("164.312(a)(2)(iv)", "164.312(a)(1)"),
        resource_type="AWS::KMS::Key",
        fields=(
            "requestParameters.policy",
            "requestParameters.keyId",
            "responseElements.replicaPolicy",
        ),
        events=((_KMS, "PutKeyPolicy"), (_KMS, "CreateKey"), (_KMS, "ReplicateKey")),
        judge=_judge_strangers,
    ),
    Rule(
        id="audit-key-grant-withdrawn",
        title="Grant on the trail's key taken away",
        severity="HIGH",
        citations=("164.312(b)", "164.312(a)(2)(iv)"),
        resource_type="AWS::KMS::Key",
        fields=("eventName", "requestParameters.keyId", "responseElements.keyId"),
        events=((_KMS, "RetireGrant"), (_KMS, "RevokeGrant")),
        judge=_judge_withdrawn,
    ),
    Rule(
        id="audit-key-alias-turned",
        title="Alias of the trail's key deleted or turned to another",
        severity="HIGH",
        citations=("164.312(b)", "164.312(a)(2)(iv)"),
        resource_type="AWS::KMS::Alias",
        fields=("eventName", "requestParameters.aliasName", "requestParameters.targetKeyId"),
        events=((_KMS, "DeleteAlias"), (_KMS, "UpdateAlias")),
        judge=_judge_alias,
    ),
)
