"""What holds a key of the deployment: usable, in one region, its material rotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.inputs.deployment import Deployment

# What tells of another use, of material that KMS did not make or does not hold, of a second key, or
# of an end.
_ABSENT = (
    "CloudHsmClusterId",
    "CustomKeyStoreId",
    "DeletionDate",
    "EncapsulationAlgorithms",
    "ExpirationModel",
    "KeyAgreementAlgorithms",
    "MacAlgorithms",
    "MultiRegionConfiguration",
    "PendingDeletionWindowInDays",
    "ValidTo",
    "XksKeyConfiguration",
)
_OVERDUE, _ROUNDED = timedelta(days=7), timedelta(days=1)  # KMS tells a day rather than an instant


@dataclass(frozen=True)
class Kind:
    """What a key is for, in KMS's words, and the algorithms by which alone it may be used."""

    usage: str
    specification: str
    encrypts_by: tuple[str, ...] = ()
    signs_by: tuple[str, ...] = ()


ENCRYPTS = Kind("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", encrypts_by=("SYMMETRIC_DEFAULT",))
SIGNS = Kind("SIGN_VERIFY", "ECC_NIST_P256", signs_by=("ECDSA_SHA_256",))


def hold_usable(
    check: Check, aws: Aws, deployment: Deployment, arn: str, kind: Kind = ENCRYPTS
) -> None:
    """The key is ours, enabled and staying, of KMS's own material, in one region."""
    key = aws.pick(reads.key(deployment, arn), "KeyMetadata")
    for aspect, field, expected in (
        ("ARN", "Arn", arn),
        ("id", "KeyId", arn.rpartition("/")[2]),
        ("account", "AWSAccountId", deployment.account_id),
        ("manager", "KeyManager", "CUSTOMER"),
        ("enabled", "Enabled", True),
        ("state", "KeyState", "Enabled"),
        ("usage", "KeyUsage", kind.usage),
        ("specification", "KeySpec", kind.specification),
        ("origin of its material", "Origin", "AWS_KMS"),
    ):
        check.equal(arn, aspect, expected=expected, seen=pick(key, field))
    for aspect, field, algorithms in (
        ("algorithms", "EncryptionAlgorithms", kind.encrypts_by),
        ("algorithms of signatures", "SigningAlgorithms", kind.signs_by),
    ):
        check.equal(arn, aspect, expected=list(algorithms), seen=key.get(field) or [])
    check.none(
        arn,
        "what a key of KMS's own, in one region and without an end, does not have",
        [f"{field} {key[field]}" for field in _ABSENT if key.get(field)],
    )


def hold_rotation(
    check: Check, aws: Aws, deployment: Deployment, baseline: Mapping[str, Any], arn: str
) -> None:
    """What KMS tells of the key's rotation is of this key, and the next one is set and due."""
    answer = aws.read(reads.key_rotation(deployment, arn))
    status = pick(answer.response or {})
    # KMS gives back whichever way the key was named by.
    check.holds(
        arn,
        "key that is told about",
        pick(status, "KeyId") in (arn, arn.rpartition("/")[2]),
        expected=arn,
        seen=status["KeyId"],
    )
    if not status["KeyRotationEnabled"]:
        return
    following, now = pick(status, "NextRotationDate"), answer.time
    maximum = timedelta(days=baseline["key"]["maximum_rotation_days"])
    check.holds(
        arn,
        "next rotation",
        now - _OVERDUE <= following <= now + maximum + _ROUNDED,
        expected=f"within {maximum.days} days, and not overdue",
        seen=following,
    )
