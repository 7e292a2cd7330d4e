"""Faults of what watches the account beside trail and recorder: it is off, blind, or kept quiet."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.event_path import alter_rule, rule_name
from mutants.model import Family

_DETECTED, _ALERTED = "threats-detected", "threats-alerted"
_STANDARDS, _OUTSIDE = "account-held-to-standards", "outside-access-analyzed"
_FINDINGS = "threat-findings"
FAMILY = Family("detection", _DETECTED)

_Rule = dict[str, Any]


def _detector(account: Account) -> tuple[Any, str]:
    return account.client("guardduty"), str(account.outputs["guardduty_detector_id"])


# --- GuardDuty ------------------------------------------------------------------------------------


def _update(changes: dict[str, Any], account: Account, mending: ExitStack) -> None:
    guardduty, detector = _detector(account)
    found = guardduty.get_detector(DetectorId=detector)
    before: dict[str, Any] = {
        "Enable": found["Status"] == "ENABLED",
        "FindingPublishingFrequency": found["FindingPublishingFrequency"],
    }
    for feature in changes.get("Features", ()):
        [status] = [one["Status"] for one in found["Features"] if one["Name"] == feature["Name"]]
        before.setdefault("Features", []).append({"Name": feature["Name"], "Status": status})
    mending.callback(guardduty.update_detector, DetectorId=detector, **before)
    guardduty.update_detector(DetectorId=detector, **changes)


def _off(feature: str) -> dict[str, Any]:
    return {"Features": [{"Name": feature, "Status": "DISABLED"}]}


for _case, _description, _changes in (
    ("suspended", "the detector is suspended", {"Enable": False}),
    ("hourly", "it tells again after an hour", {"FindingPublishingFrequency": "ONE_HOUR"}),
    ("seldom", "it tells again after six hours", {"FindingPublishingFrequency": "SIX_HOURS"}),
    ("not-s3", "it no longer looks at what is done to objects", _off("S3_DATA_EVENTS")),
    ("not-databases", "it no longer looks at logins to databases", _off("RDS_LOGIN_EVENTS")),
    ("not-functions", "it no longer looks at functions' connections", _off("LAMBDA_NETWORK_LOGS")),
    ("not-volumes", "it no longer looks into volumes", _off("EBS_MALWARE_PROTECTION")),
):
    FAMILY.add(f"detector-{_case}", _description, partial(_update, _changes), _DETECTED)


@FAMILY.fault("a filter archives every finding of EC2", _DETECTED)
def findings_archived(account: Account, mending: ExitStack) -> None:
    guardduty, detector = _detector(account)
    criteria = {"Criterion": {"resource.resourceType": {"Equals": ["Instance"]}}}
    filter_ = {"DetectorId": detector, "Name": "known"}
    guardduty.create_filter(**filter_, Action="ARCHIVE", FindingCriteria=criteria)
    mending.callback(guardduty.delete_filter, DetectorId=detector, FilterName="known")


@FAMILY.fault("it trusts a list of addresses", _DETECTED)
def addresses_trusted(account: Account, mending: ExitStack) -> None:
    guardduty, detector = _detector(account)
    made = guardduty.create_ip_set(
        DetectorId=detector,
        Name="office",
        Format="TXT",
        Location="https://s3.amazonaws.com/somewhere/office.txt",
        Activate=True,
    )
    mending.callback(guardduty.delete_ip_set, DetectorId=detector, IpSetId=made["IpSetId"])


# --- its findings ---------------------------------------------------------------------------------


def _pattern(change: Callable[[dict[str, Any]], object]) -> Callable[[_Rule], None]:
    def edit(rule: _Rule) -> None:
        pattern = json.loads(rule["EventPattern"])
        change(pattern)
        rule["EventPattern"] = json.dumps(pattern)

    return edit


def _severity(*test: Any) -> Callable[[_Rule], None]:
    return _pattern(lambda pattern: pattern.update(detail={"severity": list(test)}))


def _disable(rule: _Rule) -> None:
    rule["State"] = "DISABLED"


_CRITICAL = {"numeric": [">=", 9]}
for _case, _description, _edit in (
    ("off", "the rule of findings is disabled", _disable),
    ("critical-alone", "it takes critical findings alone", _severity(_CRITICAL)),
    ("above-seven", "it leaves the severity of 7 out", _severity({"numeric": [">", 7]})),
    ("not-highest", "it leaves the highest out", _severity({"numeric": [">=", 7, "<", 9]})),
    ("whole-numbers", "it takes severities in whole numbers alone", _severity(7, 8, 9, 10)),
    ("never", "it can match no finding", _severity({"numeric": [">", 10]})),
    ("all", "it takes every finding", _pattern(lambda pattern: pattern.pop("detail"))),
    (
        "medium-too",
        "it takes findings of medium severity too",
        _severity({"numeric": [">=", 4]}),
    ),
    (
        "one-type",
        "it takes findings of one type alone",
        _pattern(
            lambda pattern: pattern["detail"].update(type=["Recon:EC2/PortProbeEMRUnprotectedPort"])
        ),
    ),
    (
        "another-source",
        "it waits for what Inspector finds",
        _pattern(lambda pattern: pattern.update(source=["aws.inspector2"])),
    ),
):
    FAMILY.add(f"findings-{_case}", _description, partial(alter_rule, _edit, _FINDINGS), _ALERTED)


def _targets(change: Callable[[Account, dict[str, Any]], object]) -> Callable[..., None]:
    def break_it(account: Account, mending: ExitStack) -> None:
        events, rule = account.client("events"), rule_name(account, _FINDINGS)
        [before] = events.list_targets_by_rule(Rule=rule)["Targets"]
        after = dict(before)
        change(account, after)
        mending.callback(events.put_targets, Rule=rule, Targets=[before])
        events.put_targets(Rule=rule, Targets=[after])

    return break_it


for _case, _description, _change, *_also in (
    (
        "to-a-stranger",
        "the rule of findings sends them to a stranger's function",
        lambda account, target: target.update(
            Arn=account.outputs["function_arn"].replace(account.outputs["account_id"], STRANGER)
        ),
        "function-not-public",  # the function admits a rule that has no business with it
    ),
    (
        "emptied",
        "the function is handed a text in a finding's place",
        lambda _, target: target.update(Input='{"detail-type": "nothing"}'),
    ),
):
    FAMILY.add(f"findings-{_case}", _description, _targets(_change), _ALERTED, *_also)


@FAMILY.fault("there is no rule of findings any more", _ALERTED, "function-not-public")
def findings_without_rule(account: Account, mending: ExitStack) -> None:
    events, rule = account.client("events"), rule_name(account, _FINDINGS)
    found = events.describe_rule(Name=rule)
    kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
    tags = events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    mending.callback(events.put_targets, Rule=rule, Targets=targets)
    mending.callback(events.put_rule, **kept, Tags=tags)
    events.remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
    events.delete_rule(Name=rule)


@FAMILY.fault("the function no longer admits the rule of findings", "function-not-public")
def findings_not_admitted(account: Account, mending: ExitStack) -> None:
    name = account.outputs["function_name"]
    which = {"FunctionName": name, "StatementId": "AllowThreatFindings"}
    mending.callback(
        account.functions.add_permission,
        **which,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=account.client("events").describe_rule(Name=rule_name(account, _FINDINGS))["Arn"],
        SourceAccount=account.outputs["account_id"],
    )
    account.functions.remove_permission(**which)


# --- Security Hub ---------------------------------------------------------------------------------


def _subscriptions(account: Account) -> dict[str, str]:
    hub = account.client("securityhub")
    found = hub.get_enabled_standards()["StandardsSubscriptions"]
    return {one["StandardsArn"]: one["StandardsSubscriptionArn"] for one in found}


@FAMILY.fault("Security Hub is off", _STANDARDS)
def hub_off(account: Account, mending: ExitStack) -> None:
    hub, standards = account.client("securityhub"), list(_subscriptions(account))
    mending.callback(
        hub.batch_enable_standards,
        StandardsSubscriptionRequests=[{"StandardsArn": standard} for standard in standards],
    )
    mending.callback(
        hub.enable_security_hub,
        EnableDefaultStandards=False,
        ControlFindingGenerator="SECURITY_CONTROL",
    )
    hub.disable_security_hub()


@FAMILY.fault("a control that AWS adds stays off", _STANDARDS)
def new_controls_off(account: Account, mending: ExitStack) -> None:
    hub = account.client("securityhub")
    mending.callback(hub.update_security_hub_configuration, AutoEnableControls=True)
    hub.update_security_hub_configuration(AutoEnableControls=False)


def _unsubscribe(part: str, account: Account, mending: ExitStack) -> None:
    hub = account.client("securityhub")
    [(standard, subscription)] = [
        (standard, subscription)
        for standard, subscription in _subscriptions(account).items()
        if part in standard
    ]
    request = [{"StandardsArn": standard}]
    mending.callback(hub.batch_enable_standards, StandardsSubscriptionRequests=request)
    hub.batch_disable_standards(StandardsSubscriptionArns=[subscription])


for _case, _part in (("best-practices", "foundational-security"), ("nist", "nist-800-53")):
    FAMILY.add(
        f"not-held-to-{_case}",
        f"Security Hub no longer holds the account to {_part}",
        partial(_unsubscribe, _part),
        _STANDARDS,
    )


# --- IAM Access Analyzer --------------------------------------------------------------------------


@FAMILY.fault("there is no analyzer any more", _OUTSIDE, errors=frozenset({"resources-tagged"}))
def no_analyzer(account: Account, mending: ExitStack) -> None:
    _without_analyzer(account, mending)


def _without_analyzer(account: Account, mending: ExitStack) -> None:
    client, name = account.client("accessanalyzer"), account.outputs["access_analyzer_name"]
    found = client.get_analyzer(analyzerName=name)["analyzer"]
    made = {"analyzerName": name, "type": found["type"], "tags": found["tags"]}
    mending.callback(client.create_analyzer, **made)
    client.delete_analyzer(analyzerName=name)


@FAMILY.fault("its analyzer looks at unused access alone", _OUTSIDE)
def unused_access_alone(account: Account, mending: ExitStack) -> None:
    client, name = account.client("accessanalyzer"), account.outputs["access_analyzer_name"]
    tags = client.get_analyzer(analyzerName=name)["analyzer"]["tags"]
    _without_analyzer(account, mending)
    mending.callback(client.delete_analyzer, analyzerName=name)
    client.create_analyzer(analyzerName=name, type="ACCOUNT_UNUSED_ACCESS", tags=tags)


@FAMILY.fault("a rule archives what is open to anybody", _OUTSIDE)
def openings_archived(account: Account, mending: ExitStack) -> None:
    client, name = account.client("accessanalyzer"), account.outputs["access_analyzer_name"]
    which = {"analyzerName": name, "ruleName": "intended"}
    client.create_archive_rule(**which, filter={"isPublic": {"eq": ["true"]}})
    mending.callback(client.delete_archive_rule, **which)
