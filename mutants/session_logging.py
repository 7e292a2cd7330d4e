"""Faults of Session Manager's logging: of its preferences, of other documents, of what it logs."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import edit_lifecycle, encrypt, tamper
from mutants.log_groups import keep
from mutants.model import Family
from mutants.policies import PolicyFaults, change
from mutants.trail import make_key

_CONFIGURED, _ALIKE = "session-logging-configured", "session-documents-log-alike"
_ENCRYPTED, _CLOSED, _KEPT = "session-logs-encrypted", "session-logs-closed", "session-logs-kept"
_LOGS, _GROUP = "session_log_bucket_names", "session_log_group_name"
FAMILY = Family("session logging", _CONFIGURED)

_Edit = Callable[[Document], object]


# --- the preferences ------------------------------------------------------------------------------


def _name(account: Account) -> str:
    return str(account.outputs["session_document_name"])


def _content(account: Account) -> Document:
    found = account.client("ssm").get_document(Name=_name(account), DocumentFormat="JSON")
    content: Document = json.loads(found["Content"])
    return content


def _new_version(account: Account, mending: ExitStack, content: Document) -> str:
    """Add a version that does not hold yet; deleted when mended."""
    ssm, name = account.client("ssm"), _name(account)
    made: str = ssm.update_document(
        Name=name, Content=json.dumps(content), DocumentVersion="$LATEST"
    )["DocumentDescription"]["DocumentVersion"]
    mending.callback(ssm.delete_document, Name=name, DocumentVersion=made)
    return made


def _change_preferences(edit: _Edit, account: Account, mending: ExitStack) -> None:
    """Let a version with an edit hold until mended."""
    ssm, name = account.client("ssm"), _name(account)
    before = ssm.describe_document(Name=name)["Document"]["DefaultVersion"]
    after = copy.deepcopy(_content(account))
    edit(after)
    made = _new_version(account, mending, after)
    mending.callback(ssm.update_document_default_version, Name=name, DocumentVersion=before)
    ssm.update_document_default_version(Name=name, DocumentVersion=made)


def _set(**inputs: Any) -> _Edit:
    return lambda document: document["inputs"].update(inputs)


def _drop(member: str) -> _Edit:
    return lambda document: document["inputs"].pop(member)


def _chosen(document: Document) -> None:
    """Whoever starts a session says where it is logged, our bucket if nothing else is said."""
    ours = document["inputs"]["s3BucketName"]
    document["parameters"] = {"bucket": {"type": "String", "default": ours}}
    document["inputs"]["s3BucketName"] = "{{ bucket }}"


for _case, _description, _edit in (
    ("another-bucket", "sessions go into another bucket", _set(s3BucketName="somebodys-bucket")),
    ("no-bucket", "sessions go into no bucket", _set(s3BucketName="")),
    ("chosen-bucket", "whoever starts a session chooses its bucket", _chosen),
    ("another-folder", "sessions go where no machine may write", _set(s3KeyPrefix="elsewhere")),
    (
        "another-group",
        "sessions go into another log group",
        _set(cloudWatchLogGroupName="/somebodys/group"),
    ),
    ("no-group", "sessions go into no log group", _drop("cloudWatchLogGroupName")),
    (
        "bucket-in-the-clear",
        "any bucket is good, encrypted or not",
        _set(s3EncryptionEnabled=False),
    ),
    (
        "group-in-the-clear",
        "any log group is good, encrypted or not",
        _set(cloudWatchEncryptionEnabled=False),
    ),
    (
        "sent-at-the-end",
        "a session that is cut off is logged nowhere",
        _set(cloudWatchStreamingEnabled=False),
    ),
    ("no-key", "session data are under no key of ours", _drop("kmsKeyId")),
    ("idle-for-an-hour", "a session stays open for an idle hour", _set(idleSessionTimeout="60")),
    ("for-ever", "a session may last for ever", _drop("maxSessionDuration")),
    ("as-root", "sessions run as root", _set(runAsEnabled=True, runAsDefaultUser="root")),
    (
        "begun-by-others",
        "each session begins with somebody's commands",
        _set(shellProfile={"linux": "exec 2>/dev/null", "windows": ""}),
    ),
):
    FAMILY.add(
        f"preferences-{_case}", _description, partial(_change_preferences, _edit), _CONFIGURED
    )


@FAMILY.fault("session data are under another key of ours", _CONFIGURED)
def preferences_another_key(account: Account, mending: ExitStack) -> None:
    _change_preferences(_set(kmsKeyId=make_key(account, mending)), account, mending)


@FAMILY.fault("a newer version of the preferences is there, which does not hold", _CONFIGURED)
def preferences_newer_version(account: Account, mending: ExitStack) -> None:
    content = _content(account)
    content["inputs"]["s3BucketName"] = "somebodys-bucket"
    _new_version(account, mending, content)


@FAMILY.fault("an older version of the preferences holds again", _CONFIGURED)
def preferences_older_version(account: Account, mending: ExitStack) -> None:
    ssm, name = account.client("ssm"), _name(account)
    before = ssm.describe_document(Name=name)["Document"]["DefaultVersion"]
    content = _content(account)
    content["description"] = "The same, in other words"
    _new_version(account, mending, content)
    ssm.update_document_default_version(Name=name, DocumentVersion=before)


@FAMILY.fault("another account sees the preferences", _CONFIGURED)
def preferences_shared(account: Account, mending: ExitStack) -> None:
    ssm, which = account.client("ssm"), {"Name": _name(account), "PermissionType": "Share"}
    mending.callback(ssm.modify_document_permission, **which, AccountIdsToRemove=[STRANGER])
    ssm.modify_document_permission(**which, AccountIdsToAdd=[STRANGER])


@FAMILY.fault(
    "there are no preferences any more",
    _CONFIGURED,
    errors=frozenset({_ALIKE, "resources-tagged"}),
)
def preferences_deleted(account: Account, mending: ExitStack) -> None:
    ssm, name = account.client("ssm"), _name(account)
    made = {
        "Name": name,
        "Content": ssm.get_document(Name=name)["Content"],
        "DocumentType": "Session",
        "DocumentFormat": "JSON",
        "Tags": ssm.list_tags_for_resource(ResourceType="Document", ResourceId=name)["TagList"],
    }
    mending.callback(ssm.create_document, **made)
    ssm.delete_document(Name=name)


def _tell(edit: _Edit, account: Account, mending: ExitStack) -> None:
    document = json.loads(account.outputs["session_logging_policy_document"])
    edit(document)
    account.change_outputs(mending, session_logging_policy_document=json.dumps(document))


for _case, _description, _edit in (
    (
        "cannot-write",
        "instances are to be given too little to write a file",
        lambda document: without(document, "WriteSessionLogFiles"),
    ),
    (
        "read-sessions",
        "instances are to be given what reads the sessions of others",
        lambda document: statement(document, "WriteSessionLogFiles").update(
            Action=["s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"]
        ),
    ),
    (
        "decrypt-everything",
        "instances are to be given the key for whatever it encrypts",
        lambda document: statement(document, "ShareSessionKey").pop("Condition"),
    ),
):
    FAMILY.add(f"instances-{_case}", _description, partial(_tell, _edit), _CONFIGURED)


# --- other documents ------------------------------------------------------------------------------


def _another(content: Document, account: Account, mending: ExitStack) -> None:
    ssm = account.client("ssm")
    ssm.create_document(Name="by-hand", Content=json.dumps(content), DocumentType="Session")
    mending.callback(ssm.delete_document, Name="by-hand")


_STREAM: Document = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
for _case, _description, _document in (
    ("logs-nothing", "another document starts sessions that nothing logs", _STREAM),
    (
        "logs-elsewhere",
        "another document logs sessions in another bucket",
        {**_STREAM, "inputs": {"s3BucketName": "somebodys-bucket", "s3EncryptionEnabled": True}},
    ),
    (
        "tunnel",
        "another document opens a tunnel, in which nothing is seen",
        {
            "schemaVersion": "1.0",
            "sessionType": "Port",
            "properties": {"portNumber": "22", "type": "LocalPortForwarding"},
        },
    ),
):
    FAMILY.add(f"document-{_case}", _description, partial(_another, _document), _ALIKE)


# --- the log group --------------------------------------------------------------------------------


@FAMILY.fault(
    "the log group of sessions is encrypted with AWS's own key", _ENCRYPTED, "log-groups-encrypted"
)
def group_without_key(account: Account, mending: ExitStack) -> None:
    group = {"logGroupName": account.outputs[_GROUP]}
    mending.callback(
        account.logs.associate_kms_key, **group, kmsKeyId=account.outputs["kms_key_arn"]
    )
    account.logs.disassociate_kms_key(**group)


for _case, _description, _days in (
    ("a-month", "the log group keeps sessions for a month", 30),
    ("for-ever", "the log group keeps sessions for ever", None),
):
    FAMILY.add(
        f"group-keeps-{_case}",
        _description,
        partial(keep, _GROUP, _days),
        _KEPT,
        "log-groups-retention",
    )


@FAMILY.fault(
    "there is no log group of sessions any more",
    _ENCRYPTED,
    _KEPT,
    # Each of these looks at all groups, and finds one less.
    "application-logs-masked",
    "log-groups-admit-no-writer",
    "log-groups-encrypted",
    "log-groups-retention",
    "log-groups-sent-to-nobody-else",
    "log-groups-unaltered",
    "names-follow-convention",
    errors=frozenset({"resources-tagged"}),
)
def group_deleted(account: Account, mending: ExitStack) -> None:
    name = account.outputs[_GROUP]
    [found] = account.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    tags = account.logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"]

    def make() -> None:
        account.logs.create_log_group(logGroupName=name, kmsKeyId=found["kmsKeyId"], tags=tags)
        account.logs.put_retention_policy(
            logGroupName=name, retentionInDays=found["retentionInDays"]
        )

    mending.callback(make)
    account.logs.delete_log_group(logGroupName=name)


# --- the bucket -----------------------------------------------------------------------------------


@FAMILY.fault("files of sessions are under S3's own keys by default", _ENCRYPTED)
def files_encrypted_by_s3(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "AES256"}, of=_LOGS)


@FAMILY.fault("files of sessions are under another key of ours by default", _ENCRYPTED)
def files_encrypted_with_another_key(account: Account, mending: ExitStack) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": make_key(account, mending)}
    encrypt(account, mending, default, of=_LOGS, BucketKeyEnabled=True)


def _change_policy(edit: Any, account: Account, mending: ExitStack) -> None:
    change(f"bucket:{_LOGS}", edit, account, mending)


_POLICY = PolicyFaults(FAMILY, _change_policy, _KEPT)


def _remove(sid: str, _: Account, document: Document) -> None:
    without(document, sid)


for _case, _description, _sid in (
    ("deleted", "whoever may delete everything deletes sessions", "DenyDeletion"),
    ("altered", "whoever may write everything marks sessions", "DenyAlteration"),
    ("tampered", "sessions may be left to expire", "DenyTampering"),
):
    _POLICY.add(f"files-{_case}", _description, partial(_remove, _sid))


@_POLICY.fault("sessions are read in the clear", _CLOSED)
def files_without_tls(_: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


_POLICY.add_readers("files", _LOGS, "sessions", _CLOSED)


@FAMILY.fault("the bucket of sessions may be made public", _CLOSED)
def files_unblocked(account: Account, mending: ExitStack) -> None:
    which = {"Bucket": account.outputs[_LOGS][0]}
    found = account.s3.get_public_access_block(**which)["PublicAccessBlockConfiguration"]
    put = partial(account.s3.put_public_access_block, **which)
    mending.callback(put, PublicAccessBlockConfiguration=found)
    put(PublicAccessBlockConfiguration={**found, "BlockPublicPolicy": False})


def _sooner(rules: list[Document]) -> None:
    rules[0]["Expiration"]["Days"] = 30


for _case, _description, _change in (
    ("sooner", "sessions go after a month", _sooner),
    ("never", "sessions stay for good", list.clear),
):
    FAMILY.add(f"files-{_case}", _description, partial(edit_lifecycle, _change, _LOGS), _KEPT)


@FAMILY.fault("sessions are not kept in versions", _KEPT)
def files_unversioned(account: Account, mending: ExitStack) -> None:
    put = partial(tamper, account, "put_bucket_versioning", of=_LOGS)
    mending.callback(put, VersioningConfiguration={"Status": "Enabled"})
    put(VersioningConfiguration={"Status": "Suspended"})
