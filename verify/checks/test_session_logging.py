"""Session Manager: what people do on instances is logged, encrypted, kept, and open to nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from verify.account import reads
from verify.account.answer import pick
from verify.account.door import Aws
from verify.check import Check
from verify.checks.buckets import (
    CLOSED_READS,
    ENCRYPTION_READS,
    KEPT_READS,
    hold_closed,
    hold_encryption,
    hold_kept,
    policy_of,
)
from verify.checks.findings import report_findings
from verify.checks.log_groups import existing_group
from verify.checks.permissions import need_of
from verify.checks.session_documents import SessionDocumentError, Wanted, shortcomings
from verify.inputs.deployment import Deployment
from verify.model import NotVerifiedError
from verify.policy import (
    Document,
    NamedPolicy,
    PolicyError,
    beyond_need,
    lacking,
    service_grants,
)

_PART = "sessions"
# The one name by which Session Manager knows the preferences of a region.
_PREFERENCES = "SSM-SessionManagerRunShell"
_ALIKE = "logged as the preferences must say"
Ended = Callable[[], None]


def _named(check: Check, deployment: Deployment, name: str | None, what: str) -> str:
    """A name of the outputs; that there is none decides the control."""
    subject = f"account {deployment.account_id}"
    check.holds(subject, what, name is not None, expected="one", seen=name or "none")
    return name or ""


def _preferences(check: Check, deployment: Deployment) -> str:
    name = _named(check, deployment, deployment.session_document_name, "preferences of sessions")
    if name:
        check.equal(name, "name of the preferences", expected=_PREFERENCES, seen=name)
    return name


def _group(check: Check, deployment: Deployment) -> str:
    return _named(check, deployment, deployment.session_log_group_name, "log group of sessions")


def _bucket(check: Check, deployment: Deployment) -> str:
    name = next(iter(deployment.session_log_bucket_names), None)
    return _named(check, deployment, name, "bucket of sessions")


# --- documents ------------------------------------------------------------------------------------


@pytest.mark.control(
    "session-logging-configured",
    reads.session_document,
    reads.session_preferences,
    reads.session_document_sharing,
)
def test_every_session_is_logged_where_it_must(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _preferences(check, deployment)
    if not name:
        return
    described = aws.read(reads.session_document(deployment)).response
    check.holds(
        name,
        "document of the preferences",
        described is not None,
        expected="there",
        seen="none" if described is None else "there",
    )
    if described is None:
        return
    document = pick(described, "Document")
    for aspect, member, expected in (
        ("document", "Name", name),
        ("owner", "Owner", deployment.account_id),
        ("type", "DocumentType", "Session"),
        ("status", "Status", "Active"),
        # Which of the two Session Manager goes by AWS does not say: so there may be no choice.
        ("default version", "DefaultVersion", pick(document, "LatestVersion")),
    ):
        check.equal(name, aspect, expected=expected, seen=pick(document, member))
    found = aws.pick(reads.session_preferences(deployment))
    check.equal(
        name,
        "version that is looked at",
        expected=pick(document, "DefaultVersion"),
        seen=pick(found, "DocumentVersion"),
    )
    _hold_logged(check, deployment, baseline, name, pick(found, "Content"))
    others = aws.pick(reads.session_document_sharing(deployment), "AccountIds")
    check.none(name, "accounts that it is shared with", others)
    _hold_instances(check, deployment, baseline)


def _hold_instances(check: Check, deployment: Deployment, baseline: Mapping[str, Any]) -> None:
    """What the outputs tell to give an instance's role is what it needs, and no more.

    Without it no session starts, or none is logged; whether each role has it is its owner's to see.
    """
    subject, account = "roles of instances, by the outputs", deployment.account_id
    required = {"permissions": {subject: baseline[_PART]["instances"]}, "additions": {}}
    need = need_of(subject, required, ()).required
    try:
        document = Document.parse(deployment.session_logging_policy_document)
        told = [NamedPolicy("session_logging_policy_document", document)]
        beyond = beyond_need(told, need, account)
        missing = lacking(told, need, account, {})
    except PolicyError as error:
        check.unknown(subject, str(error))
        return
    report_findings(check, subject, "permissions", beyond, expected="none beyond what is needed")
    report_findings(check, subject, "permissions", missing, expected="all that is needed")


def _hold_logged(
    check: Check,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    name: str,
    content: str,
) -> None:
    bucket, group = _bucket(check, deployment), _group(check, deployment)
    if not (bucket and group):
        return
    keys = (deployment.kms_key_arn, deployment.kms_key_id)
    wanted = Wanted(bucket, group, keys, baseline[_PART])
    try:
        found = shortcomings(content, wanted)
    except SessionDocumentError as error:
        check.unknown(name, str(error))
        return
    check.none(name, "how its sessions differ from those that are required", found, expected=_ALIKE)


@pytest.mark.control(
    "session-documents-log-alike", reads.session_documents, reads.session_document_of
)
def test_no_other_document_starts_a_session_that_is_not_logged(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _preferences(check, deployment)
    if not name:
        return
    listed = aws.pick(reads.session_documents(deployment), "DocumentIdentifiers")
    names = [pick(one, "Name") for one in listed]
    if name not in names:
        raise NotVerifiedError(f"list_documents does not list {name}")
    known = baseline[_PART]["further_documents"]
    others = [one for one in names if one != name and one not in known]
    check.holds(
        f"account {deployment.account_id}",
        "documents of its own that start sessions",
        True,
        expected="looked at",
        seen=f"{len(names)} looked at",
    )
    for other in others:
        content = aws.pick(reads.session_document_of(other), "Content")
        _hold_logged(check, deployment, baseline, other, content)


# --- where sessions are logged --------------------------------------------------------------------


def _hold_group(
    check: Check, aws: Aws, deployment: Deployment, aspect: str, member: str, expected: object
) -> None:
    """What the log group of sessions says of itself; without a group there is nothing to see."""
    name = _group(check, deployment)
    group = existing_group(check, aws, deployment, name) if name else None
    if group is not None:
        check.equal(name, aspect, expected=expected, seen=group.get(member, "none"))


@pytest.mark.control("session-logs-encrypted", reads.log_group, *ENCRYPTION_READS)
def test_logs_of_sessions_are_encrypted_with_the_key_of_the_records(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    _hold_group(check, aws, deployment, "KMS key", "kmsKeyId", deployment.kms_key_arn)
    name = _bucket(check, deployment)
    if name:
        hold_encryption(check, aws, deployment, name, baseline[_PART], deployment.kms_key_arn)


@pytest.mark.control("session-logs-closed", *CLOSED_READS)
def test_logs_of_sessions_are_open_to_nobody_else(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    name = _bucket(check, deployment)
    if not name:
        return
    hold_closed(check, aws, deployment, baseline, name, _PART)
    policy = policy_of(check, aws, deployment, name)
    # Machines write by permissions of their own.
    admitted = [] if policy is None else [grant.describe() for grant in service_grants(policy)]
    check.none(deployment.bucket_arn(name), "services that may act on it", admitted)


@pytest.mark.control("session-logs-kept", reads.log_group, *KEPT_READS)
def test_logs_of_sessions_are_kept_as_long_as_they_must(
    check: Check,
    aws: Aws,
    deployment: Deployment,
    baseline: Mapping[str, Any],
    unless_owned: Ended,
) -> None:
    unless_owned()
    required = baseline[_PART]
    _hold_group(
        check, aws, deployment, "retention in days", "retentionInDays", required["retention_days"]
    )
    name = _bucket(check, deployment)
    if name:
        hold_kept(check, aws, deployment, baseline, name, _PART)
