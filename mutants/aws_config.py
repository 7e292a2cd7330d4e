"""Faults of AWS Config: of its recorder, its delivery, what it keeps, and its rules."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account, Document, statement, without
from mutants.log_bucket import edit_lifecycle, encrypt, tamper
from mutants.model import Family
from mutants.policies import PolicyFaults, change

_RECORDED, _DELIVERED = "configuration-recorded", "configuration-delivered"
_ENCRYPTED, _CLOSED = "configuration-history-encrypted", "configuration-history-closed"
_KEPT, _RULES = "configuration-history-kept", "config-rules-in-place"
_STANDARDS = "account-held-to-standards"  # which Security Hub finds in what is recorded
_HISTORY = "config_history_bucket_names"
FAMILY = Family("AWS Config", _RECORDED)

_Edit = Callable[[Document], object]


# --- the recorder ---------------------------------------------------------------------------------


@FAMILY.fault("the recorder is stopped", _RECORDED, _STANDARDS)
def recorder_stopped(account: Account, mending: ExitStack) -> None:
    config, name = account.client("config"), account.outputs["config_recorder_name"]
    mending.callback(config.start_configuration_recorder, ConfigurationRecorderName=name)
    config.stop_configuration_recorder(ConfigurationRecorderName=name)


def _change_recorder(edit: _Edit, account: Account, mending: ExitStack) -> None:
    config = account.client("config")
    [found] = config.describe_configuration_recorders()["ConfigurationRecorders"]
    before = {key: found[key] for key in ("name", "roleARN", "recordingMode")}
    before["recordingGroup"] = {"allSupported": True, "includeGlobalResourceTypes": True}
    after = copy.deepcopy(before)
    edit(after)
    mending.callback(config.put_configuration_recorder, ConfigurationRecorder=before)
    config.put_configuration_recorder(ConfigurationRecorder=after)


def _group(**members: Any) -> _Edit:
    return lambda recorder: recorder.update(recordingGroup=members)


def _mode(**members: Any) -> _Edit:
    return lambda recorder: recorder.update(recordingMode=members)


_BY_TYPES = {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}
for _case, _description, _edit in (
    ("one-type", "it records buckets alone", _group(resourceTypes=["AWS::S3::Bucket"])),
    (
        "one-left-out",
        "it leaves security groups out",
        _group(
            exclusionByResourceTypes={"resourceTypes": ["AWS::EC2::SecurityGroup"]},
            recordingStrategy=_BY_TYPES,
        ),
    ),
    (
        "without-iam",
        "it leaves IAM out",
        _group(allSupported=True, includeGlobalResourceTypes=False),
    ),
    ("daily", "it looks once a day", _mode(recordingFrequency="DAILY")),
    (
        "one-type-daily",
        "it looks at security groups once a day",
        _mode(
            recordingFrequency="CONTINUOUS",
            recordingModeOverrides=[
                {"resourceTypes": ["AWS::EC2::SecurityGroup"], "recordingFrequency": "DAILY"}
            ],
        ),
    ),
    (
        "another-role",
        "it records as a role that sees nothing",
        lambda recorder: recorder.update(roleARN="arn:aws:iam::123456789012:role/blind"),
    ),
):
    FAMILY.add(f"recorder-{_case}", _description, partial(_change_recorder, _edit), _RECORDED)


@FAMILY.fault("there is no recorder any more", _RECORDED, _STANDARDS)
def recorder_gone(account: Account, mending: ExitStack) -> None:
    config, name = account.client("config"), account.outputs["config_recorder_name"]
    [found] = config.describe_configuration_recorders()["ConfigurationRecorders"]
    made = {key: found[key] for key in ("name", "roleARN", "recordingMode")}
    made["recordingGroup"] = {"allSupported": True, "includeGlobalResourceTypes": True}
    mending.callback(config.start_configuration_recorder, ConfigurationRecorderName=name)
    mending.callback(config.put_configuration_recorder, ConfigurationRecorder=made)
    config.delete_configuration_recorder(ConfigurationRecorderName=name)


# --- the delivery ---------------------------------------------------------------------------------


def _change_channel(edit: _Edit, account: Account, mending: ExitStack) -> None:
    config = account.client("config")
    [before] = config.describe_delivery_channels()["DeliveryChannels"]
    after = copy.deepcopy(before)
    edit(after)
    mending.callback(config.put_delivery_channel, DeliveryChannel=before)
    config.put_delivery_channel(DeliveryChannel=after)


def _set(**members: Any) -> _Edit:
    return lambda channel: channel.update(members)


for _case, _description, _edit in (
    ("no-key", "files are not under the key", lambda channel: channel.pop("s3KmsKeyArn")),
    (
        "seldom",
        "nobody says how often snapshots come",
        lambda channel: channel.pop("configSnapshotDeliveryProperties"),
    ),
    (
        "told-elsewhere",
        "another account's topic hears of each change",
        _set(snsTopicARN=f"arn:aws:sns:ap-southeast-1:{STRANGER}:topic"),
    ),
):
    FAMILY.add(f"delivery-{_case}", _description, partial(_change_channel, _edit), _DELIVERED)


@FAMILY.fault("it delivers into another bucket", _DELIVERED)
def delivery_elsewhere(account: Account, mending: ExitStack) -> None:
    policy = account.document(f"bucket:{_HISTORY}")
    name = account.outputs[_HISTORY][0]
    other = f"{name}-other"
    region = {"LocationConstraint": account.outputs["region"]}
    account.s3.create_bucket(Bucket=other, CreateBucketConfiguration=region)
    mending.callback(_remove_bucket, account, other)
    admitting = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    change_it = {**policy, "Statement": admitting}
    account.s3.put_bucket_policy(Bucket=other, Policy=_renamed(change_it, name, other))
    _change_channel(_set(s3BucketName=other), account, mending)


def _renamed(document: Document, name: str, other: str) -> str:
    return json.dumps(document).replace(name, other)


def _remove_bucket(account: Account, name: str) -> None:
    for found in account.s3.list_objects_v2(Bucket=name).get("Contents", []):
        account.s3.delete_object(Bucket=name, Key=found["Key"])
    account.s3.delete_bucket(Bucket=name)


@FAMILY.fault(
    "there is no delivery channel any more, and nothing is recorded",
    _DELIVERED,
    _RECORDED,
    _STANDARDS,
)
def delivery_gone(account: Account, mending: ExitStack) -> None:
    config, name = account.client("config"), account.outputs["config_recorder_name"]
    [channel] = config.describe_delivery_channels()["DeliveryChannels"]
    mending.callback(config.start_configuration_recorder, ConfigurationRecorderName=name)
    mending.callback(config.put_delivery_channel, DeliveryChannel=channel)
    config.stop_configuration_recorder(ConfigurationRecorderName=name)
    config.delete_delivery_channel(DeliveryChannelName=channel["name"])


def _change_policy(edit: Any, account: Account, mending: ExitStack) -> None:
    change(f"bucket:{_HISTORY}", edit, account, mending)


_POLICY = PolicyFaults(FAMILY, _change_policy, _DELIVERED)


@_POLICY.fault("the recorder is on, and the bucket refuses what it delivers")
def delivery_refused(_: Account, document: Document) -> None:
    without(document, "ConfigDeliversHistory")


@_POLICY.fault("AWS Config delivers for any account", _DELIVERED, _CLOSED)
def delivery_for_anyone(_: Account, document: Document) -> None:
    del statement(document, "ConfigDeliversHistory")["Condition"]


@_POLICY.fault(
    "AWS Config delivers for any account, as long as it is the owner's", _DELIVERED, _CLOSED
)
def delivery_for_any_account(_: Account, document: Document) -> None:
    del statement(document, "ConfigDeliversHistory")["Condition"]["StringEquals"][
        "aws:SourceAccount"
    ]


@_POLICY.fault("AWS Config may write anywhere in the bucket")
def delivery_anywhere(account: Account, document: Document) -> None:
    found = statement(document, "ConfigDeliversHistory")
    found["Resource"] = f"arn:aws:s3:::{account.outputs[_HISTORY][0]}/*"


@FAMILY.fault(
    "the recorder is on, and the key refuses what it delivers",
    _DELIVERED,
    "key-policy-least-privilege",
)
def delivery_without_key(account: Account, mending: ExitStack) -> None:
    def edit(_: Account, document: Document) -> None:
        without(document, "ConfigEncryptsHistory")

    change("key", edit, account, mending)


# --- what it keeps --------------------------------------------------------------------------------


@FAMILY.fault("AWS Config keeps a year", _KEPT)
def kept_for_a_year(account: Account, mending: ExitStack) -> None:
    config = account.client("config")
    mending.callback(config.put_retention_configuration, RetentionPeriodInDays=2557)
    config.put_retention_configuration(RetentionPeriodInDays=365)


@_POLICY.fault("whoever may delete everything deletes history", _KEPT)
def history_deleted(_: Account, document: Document) -> None:
    without(document, "DenyDeletion")


@_POLICY.fault("whoever may write everything forges history", _KEPT)
def history_forged(_: Account, document: Document) -> None:
    without(document, "DenyWritesByPeople")


@_POLICY.fault("history may be left to expire", _KEPT)
def history_tampered(_: Account, document: Document) -> None:
    without(document, "DenyTampering")


@_POLICY.fault("history is read in the clear", _CLOSED)
def history_without_tls(_: Account, document: Document) -> None:
    without(document, "DenyInsecureTransport")


def _sooner(rules: list[Document]) -> None:
    rules[0]["Expiration"]["Days"] = 365


for _case, _description, _change in (
    ("sooner", "history goes after a year", _sooner),
    ("never", "history stays for good", list.clear),
):
    FAMILY.add(f"history-{_case}", _description, partial(edit_lifecycle, _change, _HISTORY), _KEPT)


@FAMILY.fault("history is under S3's own keys by default", _ENCRYPTED)
def history_encrypted_by_s3(account: Account, mending: ExitStack) -> None:
    encrypt(account, mending, {"SSEAlgorithm": "AES256"}, of=_HISTORY)


@FAMILY.fault("history is not kept in versions", _KEPT)
def history_unversioned(account: Account, mending: ExitStack) -> None:
    put = partial(tamper, account, "put_bucket_versioning", of=_HISTORY)
    mending.callback(put, VersioningConfiguration={"Status": "Enabled"})
    put(VersioningConfiguration={"Status": "Suspended"})


# --- rules ----------------------------------------------------------------------------------------


def _rule(account: Account, name: str) -> Document:
    """A rule as PutConfigRule takes it."""
    config = account.client("config")
    full = f"config-rule-{name}-{account.outputs['environment']}"
    [found] = config.describe_config_rules(ConfigRuleNames=[full])["ConfigRules"]
    return {
        key: value
        for key, value in found.items()
        if key not in ("ConfigRuleArn", "ConfigRuleId", "ConfigRuleState", "EvaluationModes")
    }


def _change_rule(name: str, edit: _Edit, account: Account, mending: ExitStack) -> None:
    config, before = account.client("config"), _rule(account, name)
    after = copy.deepcopy(before)
    edit(after)
    mending.callback(config.put_config_rule, ConfigRule=before)
    config.put_config_rule(ConfigRule=after)


def _scope(**members: Any) -> _Edit:
    return lambda rule: rule.update(Scope=members)


_LAMBDA = "arn:aws:lambda:ap-southeast-1:123456789012:function:never-fails"
for _case, _description, _name, _edit in (
    (
        "for-a-tag",
        "a rule looks at what bears a tag",
        "restricted-ssh",
        _scope(TagKey="audited", TagValue="yes"),
    ),
    (
        "for-one",
        "a rule looks at one bucket",
        "s3-bucket-public-read-prohibited",
        _scope(ComplianceResourceTypes=["AWS::S3::Bucket"], ComplianceResourceId="nobodys"),
    ),
    (
        "for-another-type",
        "a rule looks at resources of another type",
        "encrypted-volumes",
        _scope(ComplianceResourceTypes=["AWS::EC2::Instance"]),
    ),
    (
        "another-bucket",
        "a trail that delivers elsewhere is as good",
        "cloudtrail-enabled",
        lambda rule: rule.update(InputParameters='{"s3BucketName": "another"}'),
    ),
    (
        "anything",
        "any trail is as good",
        "cloudtrail-enabled",
        lambda rule: rule.pop("InputParameters"),
    ),
    (
        "another-source",
        "a rule looks at something else under its name",
        "restricted-ssh",
        lambda rule: rule.update(
            Source={"Owner": "AWS", "SourceIdentifier": "RDS_STORAGE_ENCRYPTED"}
        ),
    ),
):
    FAMILY.add(f"rule-{_case}", _description, partial(_change_rule, _name, _edit), _RULES)


@FAMILY.fault(
    "a rule is deleted",
    _RULES,
    errors=frozenset({"resources-known", "resources-tagged"}),
)
def rule_deleted(account: Account, mending: ExitStack) -> None:
    config, rule = account.client("config"), _rule(account, "restricted-ssh")
    name = rule["ConfigRuleName"]
    [found] = config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]
    tags = config.list_tags_for_resource(ResourceArn=found["ConfigRuleArn"])["Tags"]
    mending.callback(config.put_config_rule, ConfigRule=rule, Tags=tags)
    config.delete_config_rule(ConfigRuleName=name)
