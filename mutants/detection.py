"""Faults of what watches the account beside trail and recorder: it is off, blind, or kept quiet."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from mutants.account import STRANGER, Account
from mutants.event_path import alter_rule, rule_name
from mutants.log_groups import keep
from mutants.model import Family

_DETECTED, _ALERTED = "threats-detected", "threats-alerted"
_STANDARDS, _OUTSIDE = "account-held-to-standards", "outside-access-analyzed"
_FINDINGS = "threat-findings"
_KEPT, _KEPT_RULE, _WRITERS = "findings-kept", "findings-kept", "log-groups-admit-no-writer"
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


def _targets(
    change: Callable[[Account, dict[str, Any]], object], key: str = _FINDINGS
) -> Callable[..., None]:
    def break_it(account: Account, mending: ExitStack) -> None:
        events, rule = account.client("events"), rule_name(account, key)
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
    _without_rule(_FINDINGS, account, mending)


def _without_rule(key: str, account: Account, mending: ExitStack) -> None:
    events, rule = account.client("events"), rule_name(account, key)
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


# --- the findings that are kept -------------------------------------------------------------------


def _kinds(*kept: str) -> Callable[[_Rule], None]:
    return _pattern(lambda pattern: pattern.update({"detail-type": list(kept)}))


def _all_but(kind: str) -> Callable[[_Rule], None]:
    return _pattern(lambda pattern: pattern["detail-type"].remove(kind))


def _sources(*kept: str) -> Callable[[_Rule], None]:
    return _pattern(lambda pattern: pattern.update(source=list(kept)))


def _with(**more: Any) -> Callable[[_Rule], None]:
    return _pattern(lambda pattern: pattern.update(more))


for _case, _description, _edit in (
    ("off", "the rule of kept findings is disabled", _disable),
    ("never", "it waits for findings that nobody tells", _kinds("GuardDuty Findings")),
    ("of-guardduty-alone", "it takes GuardDuty's findings alone", _sources("aws.guardduty")),
    (
        "not-of-the-hub",
        "it takes none of Security Hub's findings",
        _sources("aws.access-analyzer", "aws.guardduty"),
    ),
    (
        "not-of-unused-access",
        "it passes over findings of unused access",
        _all_but("Unused Access Finding for IAM entities"),
    ),
    (
        "not-in-the-newer-form",
        "it passes over the newer form of Security Hub's findings",
        _all_but("Findings Imported V2"),
    ),
    ("high-alone", "it takes high findings alone", _severity({"numeric": [">=", 7]})),
    (
        "failed-or-none",
        "it takes no finding of a check that passed",
        _with(
            detail={
                "$or": [
                    {"findings": {"Compliance": {"Status": [{"anything-but": "PASSED"}]}}},
                    {"findings": {"Compliance": {"Status": [{"exists": False}]}}},
                ]
            }
        ),
    ),
    (
        "of-another-account",
        "it takes another account's findings alone",
        _with(account=[STRANGER]),
    ),
    (
        "with-everything",
        "it takes all that the services tell",
        _pattern(lambda pattern: pattern.pop("detail-type")),
    ),
    (
        "of-anybody",
        "it takes what anybody calls a finding",
        _pattern(lambda pattern: pattern.pop("source")),
    ),
    (
        "with-actions",
        "it takes what somebody sends on from Security Hub's console",
        _pattern(lambda pattern: pattern["detail-type"].append({"prefix": "Security Hub "})),
    ),
):
    FAMILY.add(
        f"kept-{_case}",
        _description,
        partial(alter_rule, _edit, _KEPT_RULE),
        _KEPT,
        needs=_KEPT,
    )

for _case, _description, _change in (
    (
        "elsewhere",
        "the rule writes findings into the function's log group",
        lambda account, target: target.update(
            Arn=target["Arn"].partition("/aws/")[0] + account.outputs["function_log_group_name"]
        ),
    ),
    (
        "in-a-role",
        "the rule names a role, with which EventBridge writes into no log group",
        lambda account, target: target.update(RoleArn=account.outputs["function_role_arn"]),
    ),
    (
        "in-part",
        "what is written of a finding is its time",
        lambda _, target: target.update(InputPath="$.time"),
    ),
):
    FAMILY.add(f"kept-{_case}", _description, _targets(_change, _KEPT_RULE), _KEPT, needs=_KEPT)

FAMILY.add(
    "kept-without-rule",
    "there is no rule any more that findings are kept by",
    partial(_without_rule, _KEPT_RULE),
    _KEPT,
    needs=_KEPT,
)


@FAMILY.fault(
    "another rule writes into the log group of findings", _KEPT, "resources-tagged", needs=_KEPT
)
def kept_with_what_another_rule_takes(account: Account, mending: ExitStack) -> None:
    events, rule = account.client("events"), rule_name(account, "by-hand")
    [target] = events.list_targets_by_rule(Rule=rule_name(account, _KEPT_RULE))["Targets"]
    events.put_rule(Name=rule, EventPattern='{"source": ["mine"]}')
    mending.callback(events.delete_rule, Name=rule)
    events.put_targets(Rule=rule, Targets=[target])
    mending.callback(events.remove_targets, Rule=rule, Ids=[target["Id"]])


for _case, _days in (("for-90-days", 90), ("for-ever", None)):
    FAMILY.add(
        f"kept-{_case}",
        f"findings are kept {_case.replace('-', ' ')}",
        partial(keep, "finding_log_group_name", _days),
        _KEPT,
        "log-groups-retention",
        needs=_KEPT,
    )


@FAMILY.fault(
    "findings are encrypted with AWS's own key", _KEPT, "log-groups-encrypted", needs=_KEPT
)
def kept_without_key(account: Account, mending: ExitStack) -> None:
    group = {"logGroupName": account.outputs["finding_log_group_name"]}
    mending.callback(
        account.logs.associate_kms_key, **group, kmsKeyId=account.outputs["kms_key_arn"]
    )
    account.logs.disassociate_kms_key(**group)


# --- whom the policy of their log group lets write ------------------------------------------------

_Policy = dict[str, Any]


def _log_policy(account: Account) -> _Policy:
    """The resource policy by which EventBridge writes findings."""
    [found] = [
        each
        for each in account.logs.describe_resource_policies()["resourcePolicies"]
        if account.outputs["finding_log_group_name"] in each["policyDocument"]
    ]
    return {name: found[name] for name in ("policyName", "policyDocument")}


def _let_write(
    change: Callable[[_Policy, _Policy], object], account: Account, mending: ExitStack
) -> None:
    """Change the statements by which streams are opened and events written, until mended."""
    before = _log_policy(account)
    document = json.loads(before["policyDocument"])
    by_action = {statement["Action"]: statement for statement in document["Statement"]}
    change(by_action["logs:CreateLogStream"], by_action["logs:PutLogEvents"])
    mending.callback(account.logs.put_resource_policy, **before)
    account.logs.put_resource_policy(**{**before, "policyDocument": json.dumps(document)})


def _both(**changes: Any) -> Callable[[_Policy, _Policy], None]:
    def change(opens: _Policy, writes: _Policy) -> None:
        opens.update(changes)
        writes.update(changes)

    return change


def _source(end: str, *, opening: bool = False) -> Callable[[_Policy, _Policy], None]:
    """Writing, or opening too, is for the rule whose ARN ends so."""

    def change(opens: _Policy, writes: _Policy) -> None:
        arn = writes["Condition"]["ArnEquals"]["aws:SourceArn"]
        condition = {"ArnEquals": {"aws:SourceArn": f"{arn}{end}"}}
        for statement in (opens, writes) if opening else (writes,):
            statement["Condition"] = condition

    return change


_SERVICES = ("delivery.logs.amazonaws.com", "events.amazonaws.com")
for _case, _description, _change, *_fails in (
    (
        "for-another-rule",
        "EventBridge may write for another rule",
        _source("-two"),
        _KEPT,
    ),
    (
        "by-one-service",
        "one of the services by which EventBridge writes may no longer",
        _both(Principal={"Service": _SERVICES[1]}),
        _KEPT,
    ),
    (
        "without-streams",
        "EventBridge may write and open no stream",
        lambda opens, _: opens.update(Effect="Deny"),
        _KEPT,
    ),
    (
        "by-anothers-service",
        "another service may write into the log group of findings",
        _both(Principal={"Service": [*_SERVICES, "es.amazonaws.com"]}),
        _WRITERS,
    ),
    (
        "for-any-account",
        "the services may write for whomever",
        lambda _, writes: writes.pop("Condition"),
        _WRITERS,
    ),
    (
        "with-all-of-logs",
        "the services may do what they like with the log group of findings",
        lambda _, writes: writes.update(Action="logs:*"),
        _WRITERS,
    ),
    (
        "like-all-events",
        "the services may write into each log group of events",
        lambda opens, _: opens.update(Resource=opens["Resource"].partition("/findings")[0] + "/*"),
        _WRITERS,
    ),
):
    FAMILY.add(f"kept-{_case}", _description, partial(_let_write, _change), *_fails, needs=_KEPT)

FAMILY.add(
    "kept-in-streams-of-the-rule",
    "EventBridge may open a stream for the rule alone, which it may not say",
    partial(_let_write, _source("", opening=True)),
    errors=frozenset({_KEPT}),
    needs=_KEPT,
)


@FAMILY.fault("no policy lets EventBridge write findings", _KEPT, needs=_KEPT)
def kept_without_policy(account: Account, mending: ExitStack) -> None:
    before = _log_policy(account)
    mending.callback(account.logs.put_resource_policy, **before)
    account.logs.delete_resource_policy(policyName=before["policyName"])


@FAMILY.fault("the policy of the log group itself denies EventBridge", _KEPT, needs=_KEPT)
def kept_against_the_groups_policy(account: Account, mending: ExitStack) -> None:
    [allowed, _] = json.loads(_log_policy(account)["policyDocument"])["Statement"]
    arn = allowed["Resource"].removesuffix(":*")
    denied = {**allowed, "Effect": "Deny", "Action": "logs:PutLogEvents"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    account.logs.put_resource_policy(resourceArn=arn, policyDocument=document)
    mending.callback(account.logs.delete_resource_policy, resourceArn=arn)


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
