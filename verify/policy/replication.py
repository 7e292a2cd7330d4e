"""Whether S3 copies every file of a bucket, by its ReplicationConfiguration.

Sources: Amazon S3 API reference, ReplicationRule, Destination, SourceSelectionCriteria; user guide,
"What does Amazon S3 replicate?" (what is encrypted with a key of KMS only where the rule says so).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Copies:
    """Where copies must go: the bucket's ARN, the key's, and by which role S3 makes them."""

    bucket: str
    key: str
    role: str


def copying_faults(configuration: Mapping[str, Any], required: Copies) -> list[str]:
    """What keeps files from being copied as `required`; what else is copied where is named too.

    One rule must do all of it: S3 follows, of several rules to one destination, that of the highest
    priority, so that a second can take files out. Deletions must not be copied.
    """
    rules = list(configuration.get("Rules") or ())
    faults = []
    if configuration.get("Role") != required.role:
        faults.append(f"the role is {configuration.get('Role')}")
    if len(rules) != 1:
        faults.append(f"there are {len(rules)} rules")
    for rule in rules:
        label = rule.get("ID") or "a rule without a name"
        faults += [f"{label}: {fault}" for fault in _faults_of(rule, required)]
    return faults


def _faults_of(rule: Mapping[str, Any], required: Copies) -> Iterator[str]:
    if rule.get("Status") != "Enabled":
        yield "it is switched off"
    selection = rule.get("Filter") or {}
    if rule.get("Prefix") or any(selection.values()):
        yield f"it is for some files alone: {rule.get('Prefix') or dict(selection)}"
    # Of a rule without a filter S3 copies delete markers unless told otherwise.
    if _status(rule, "DeleteMarkerReplication") != "Disabled":
        yield "deletions are copied too"
    criteria = rule.get("SourceSelectionCriteria") or {}
    if _status(criteria, "SseKmsEncryptedObjects") != "Enabled":
        yield "it passes over what is encrypted with a key of KMS"
    yield from _faults_of_destination(rule.get("Destination") or {}, required)


def _faults_of_destination(destination: Mapping[str, Any], required: Copies) -> Iterator[str]:
    if destination.get("Bucket") != required.bucket:
        yield f"it copies to {destination.get('Bucket')}"
    key = (destination.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if key != required.key:
        yield f"copies are encrypted with {key or 'no key of their own'}"
    # Another owner could take the copies away.
    for member in ("Account", "AccessControlTranslation"):
        if destination.get(member):
            yield f"copies belong to another: {member} {destination[member]}"
    if destination.get("StorageClass", "STANDARD") != "STANDARD":
        yield f"copies are of the class {destination['StorageClass']}"
    if _status(destination, "Metrics") != "Enabled":
        yield "nothing counts what could not be copied"


def _status(found: Mapping[str, Any], member: str) -> Any:
    return (found.get(member) or {}).get("Status")
