"""Encryption keys: open policies, keys on their way out, rotation."""

from __future__ import annotations

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, dig, integer, owner_of, text, texts
from .grants import doubt_about, granted_to_anyone, statement_details

_KMS = "kms.amazonaws.com"


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


def _judge_grant(event: Event, _: AuditPipeline) -> Finding | None:
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
)
