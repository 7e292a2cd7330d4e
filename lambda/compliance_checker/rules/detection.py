"""Detection services: Config, GuardDuty and Security Hub switched off or made blind."""

from __future__ import annotations

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, dig, flag, mapping, objects, text, texts

_CONFIG = "config.amazonaws.com"
_GUARDDUTY = "guardduty.amazonaws.com"
_SECURITY_HUB = "securityhub.amazonaws.com"


def _judge_recorder(event: Event, _: AuditPipeline) -> Finding | None:
    recorder = text(event.parameters.get("configurationRecorderName"))
    what = "was deleted" if event.name.startswith("Delete") else "was stopped"
    return Finding(
        resource_id=recorder,
        reason=(
            f"Config recorder {recorder or '(unnamed)'} {what}: changes to resources are no "
            "longer recorded or judged."
        ),
    )


def _judge_recording_group(event: Event, _: AuditPipeline) -> Finding | None:
    recorder = mapping(event.parameters.get("configurationRecorder"))
    group = mapping(recorder.get("recordingGroup"))
    if flag(group.get("allSupported")) is not False:
        return None
    kinds = texts(group.get("resourceTypes"))
    excluded = texts(dig(group, "exclusionByResourceTypes", "resourceTypes"))
    name = text(recorder.get("name"))
    return Finding(
        resource_id=name,
        reason=(
            f"Config recorder {name or '(unnamed)'} no longer records every kind of resource: "
            + (f"{len(excluded)} are left out." if excluded else f"only {len(kinds)} are recorded.")
        ),
        details={"recorded": kinds[:20], "excluded": excluded[:20]},
    )


def _judge_channel(event: Event, _: AuditPipeline) -> Finding | None:
    channel = text(event.parameters.get("deliveryChannelName"))
    return Finding(
        resource_id=channel,
        reason=(
            f"Config delivery channel {channel or '(unnamed)'} was deleted: recorded changes are "
            "no longer kept or announced."
        ),
    )


def _judge_config_rule(event: Event, _: AuditPipeline) -> Finding | None:
    if text(event.identity.get("invokedBy")):
        return None  # services such as Security Hub remove the rules that they made
    rule = text(event.parameters.get("configRuleName"))
    return Finding(
        resource_id=rule,
        reason=f"Config rule {rule or '(unnamed)'} was deleted: what it required is not checked.",
    )


def _judge_detector(event: Event, _: AuditPipeline) -> Finding | None:
    detector = text(event.parameters.get("detectorId"))
    if event.name == "DeleteDetector":
        what = "was deleted"
    elif flag(event.parameters.get("enable")) is False:
        what = "was disabled"
    else:
        return None
    return Finding(
        resource_id=detector,
        reason=f"GuardDuty detector {detector or '(unnamed)'} {what}: threats go unseen.",
    )


def _judge_protection(event: Event, _: AuditPipeline) -> Finding | None:
    off = [
        text(feature.get("name")) or "unnamed"
        for feature in objects(event.parameters.get("features"))
        if str(feature.get("status")).upper() == "DISABLED"
    ]
    for source, settings in mapping(event.parameters.get("dataSources")).items():
        if flag(mapping(settings).get("enable")) is False:
            off.append(source)
    if not off:
        return None
    detector = text(event.parameters.get("detectorId"))
    return Finding(
        resource_id=detector,
        reason=(
            f"GuardDuty detector {detector or '(unnamed)'} no longer looks at {', '.join(off[:5])}."
        ),
        details={"disabled": off[:20]},
    )


def _judge_membership(event: Event, _: AuditPipeline) -> Finding | None:
    service = "GuardDuty" if event.source == _GUARDDUTY else "Security Hub"
    return Finding(
        resource_id=text(event.parameters.get("detectorId")),
        reason=(
            f"{service} of one or more accounts was cut off from the account that watches over it "
            f"({event.name}): its findings no longer reach anyone there."
        ),
        details={"accounts": texts(event.parameters.get("accountIds"))[:20]},
        resource_type=(
            "AWS::GuardDuty::Detector" if event.source == _GUARDDUTY else "AWS::SecurityHub::Hub"
        ),
    )


def _judge_hub(event: Event, _: AuditPipeline) -> Finding | None:
    return Finding(
        resource_id=event.account,
        reason="Security Hub was disabled: its checks no longer run and findings are not gathered.",
    )


def _judge_standards(event: Event, _: AuditPipeline) -> Finding | None:
    standards = texts(event.parameters.get("standardsSubscriptionArns"))
    return Finding(
        resource_id=standards[0] if standards else event.account,
        reason="A Security Hub standard was disabled: what it requires is no longer checked.",
        details={"standards": standards[:20]},
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="config-recorder-stopped",
        title="Config recorder stopped or deleted",
        severity="HIGH",
        citations=("164.312(b)", "164.308(a)(8)"),
        resource_type="AWS::Config::ConfigurationRecorder",
        fields=("eventName", "requestParameters.configurationRecorderName"),
        events=((_CONFIG, "StopConfigurationRecorder"), (_CONFIG, "DeleteConfigurationRecorder")),
        judge=_judge_recorder,
    ),
    Rule(
        id="config-recorder-narrowed",
        title="Config recorder no longer records everything",
        severity="MEDIUM",
        citations=("164.312(b)", "164.308(a)(8)"),
        resource_type="AWS::Config::ConfigurationRecorder",
        fields=("requestParameters.configurationRecorder.recordingGroup",),
        events=((_CONFIG, "PutConfigurationRecorder"),),
        judge=_judge_recording_group,
    ),
    Rule(
        id="config-delivery-deleted",
        title="Config delivery channel deleted",
        severity="HIGH",
        citations=("164.312(b)", "164.308(a)(8)"),
        resource_type="AWS::Config::DeliveryChannel",
        fields=("eventName", "requestParameters.deliveryChannelName"),
        events=((_CONFIG, "DeleteDeliveryChannel"),),
        judge=_judge_channel,
    ),
    Rule(
        id="config-rule-deleted",
        title="Config rule deleted",
        severity="LOW",
        citations=("164.308(a)(8)",),
        resource_type="AWS::Config::ConfigRule",
        fields=("eventName", "requestParameters.configRuleName", "userIdentity.invokedBy"),
        events=((_CONFIG, "DeleteConfigRule"),),
        judge=_judge_config_rule,
    ),
    Rule(
        id="guardduty-disabled",
        title="GuardDuty disabled or deleted",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::GuardDuty::Detector",
        fields=("eventName", "requestParameters.enable", "requestParameters.detectorId"),
        events=((_GUARDDUTY, "DeleteDetector"), (_GUARDDUTY, "UpdateDetector")),
        judge=_judge_detector,
    ),
    Rule(
        id="guardduty-protection-reduced",
        title="GuardDuty protection reduced",
        severity="MEDIUM",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::GuardDuty::Detector",
        fields=("requestParameters.features", "requestParameters.dataSources"),
        events=((_GUARDDUTY, "UpdateDetector"),),
        judge=_judge_protection,
    ),
    Rule(
        id="detection-membership-ended",
        title="Account cut off from central detection",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::GuardDuty::Detector",
        fields=("eventName", "requestParameters.accountIds"),
        events=(
            (_GUARDDUTY, "DisassociateFromAdministratorAccount"),
            (_GUARDDUTY, "DisassociateFromMasterAccount"),
            (_GUARDDUTY, "DisassociateMembers"),
            (_GUARDDUTY, "StopMonitoringMembers"),
            (_SECURITY_HUB, "DisassociateFromAdministratorAccount"),
            (_SECURITY_HUB, "DisassociateFromMasterAccount"),
            (_SECURITY_HUB, "DisassociateMembers"),
        ),
        judge=_judge_membership,
    ),
    Rule(
        id="security-hub-disabled",
        title="Security Hub disabled",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(8)"),
        resource_type="AWS::SecurityHub::Hub",
        fields=("eventName",),
        events=((_SECURITY_HUB, "DisableSecurityHub"), (_SECURITY_HUB, "DisableSecurityHubV2")),
        judge=_judge_hub,
    ),
    Rule(
        id="security-hub-standard-disabled",
        title="Security Hub standard disabled",
        severity="MEDIUM",
        citations=("164.308(a)(8)",),
        resource_type="AWS::SecurityHub::Standard",
        fields=("eventName", "requestParameters.standardsSubscriptionArns"),
        events=((_SECURITY_HUB, "BatchDisableStandards"),),
        judge=_judge_standards,
    ),
)
