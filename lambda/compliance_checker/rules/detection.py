"""Detection services: Config, GuardDuty and Security Hub switched off or made blind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model import Finding, Rule
from ..pipeline import AuditPipeline
from ..record import Event, flag, integer, mapping, objects, owner_of, spelled, text, texts

_CONFIG = "config.amazonaws.com"
_GUARDDUTY = "guardduty.amazonaws.com"
_SECURITY_HUB = "securityhub.amazonaws.com"
_ACCESS_ANALYZER = "access-analyzer.amazonaws.com"
_MACIE = "macie2.amazonaws.com"
_INSPECTOR = "inspector2.amazonaws.com"
# Six years (45 CFR 164.316(b)(2)(i)).
_RETENTION_DAYS = 2190
_PARTIAL_STRATEGIES = ("EXCLUSION_BY_RESOURCE_TYPES", "INCLUSION_BY_RESOURCE_TYPES")
# Lists of addresses and names that GuardDuty trusts.
_TRUSTED = ("IPSet", "TrustedEntitySet")
_SILENCED = {
    "DeleteMalwareProtectionPlan": "no longer looks for malware in a bucket",
    "DeletePublishingDestination": "no longer keeps its findings anywhere but in itself",
    "UpdatePublishingDestination": "sends its findings to another place now",
}
_SWITCHED_OFF = {
    "DeleteAnalyzer": "An analyzer of IAM Access Analyzer was deleted: what is shared with "
    "strangers goes unseen",
    "Disable": "Amazon Inspector was disabled: vulnerabilities go unseen",
    "DisableImportFindingsForProduct": "Security Hub no longer takes the findings of a product",
    "DisableMacie": "Macie was disabled: sensitive data goes unseen",
}
# The name of each service of which accounts are members, and what stands for it in an alert.
_SERVICES = {
    _GUARDDUTY: ("GuardDuty", "AWS::GuardDuty::Detector"),
    _SECURITY_HUB: ("Security Hub", "AWS::SecurityHub::Hub"),
    _MACIE: ("Macie", "AWS::Macie::Session"),
    _INSPECTOR: ("Amazon Inspector", "AWS::InspectorV2::Member"),
}


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
    if event.name == "DisassociateResourceTypes":
        kinds = texts(event.parameters.get("resourceTypes"))
        recorder = text(event.parameters.get("configurationRecorderArn"))
        return _narrowed(recorder, [f"{len(kinds)} kinds were taken out"], excluded=kinds)
    settings = spelled(spelled(event.parameters).get("configurationrecorder"))
    group = spelled(settings.get("recordinggroup"))
    kinds = texts(group.get("resourcetypes"))
    excluded = texts(spelled(group.get("exclusionbyresourcetypes")).get("resourcetypes"))
    strategy = text(spelled(group.get("recordingstrategy")).get("useonly"))
    everything = flag(group.get("allsupported"))
    found = []
    # Where the flag is left out, the strategy or a list says the same (Config API reference).
    if everything is False or (
        everything is None and (kinds or excluded or strategy in _PARTIAL_STRATEGIES)
    ):
        found.append(
            f"{len(excluded)} are left out" if excluded else f"only {len(kinds)} are recorded"
        )
    mode = spelled(settings.get("recordingmode"))
    if str(mode.get("recordingfrequency")).upper() == "DAILY":
        found.append("what changes within a day is not recorded")
    overridden = [
        kind
        for override in map(spelled, objects(mode.get("recordingmodeoverrides")))
        if str(override.get("recordingfrequency")).upper() == "DAILY"
        for kind in texts(override.get("resourcetypes"))
    ]
    if overridden:
        found.append(f"of {len(overridden)} only one change a day is recorded")
    return _narrowed(text(settings.get("name")), found, kinds, excluded) if found else None


def _narrowed(
    recorder: str | None, found: list[str], kinds: Sequence[str] = (), excluded: Sequence[str] = ()
) -> Finding:
    return Finding(
        resource_id=recorder,
        reason=(
            f"Config recorder {recorder or '(unnamed)'} no longer records every kind of resource "
            f"and every change: {'; '.join(found)}."
        ),
        details={"recorded": list(kinds[:20]), "excluded": list(excluded[:20])},
    )


def _judge_history(event: Event, _: AuditPipeline) -> Finding | None:
    days = integer(event.parameters.get("retentionPeriodInDays"))
    if days is None or days >= _RETENTION_DAYS:
        return None
    return Finding(
        resource_id=event.account,
        reason=f"AWS Config now forgets what it recorded after {days} days.",
        details={"retention_days": days},
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


def _judge_channel_put(event: Event, _: AuditPipeline) -> Finding | None:
    """A region has one channel: to put one is to make the first, or to turn the only one."""
    if event.invoked_by:
        return None  # services set Config up for an organization
    channel = spelled(spelled(event.parameters).get("deliverychannel"))
    name, bucket = text(channel.get("name")), text(channel.get("s3bucketname"))
    named = [owner_of(text(channel.get(member))) for member in ("snstopicarn", "s3kmskeyarn")]
    owners = sorted({owner for owner in named if owner not in (None, event.account)} - {None})
    return Finding(
        resource_id=name,
        reason=(
            f"Config delivery channel {name or '(unnamed)'} was put: recorded changes go to bucket "
            f"{bucket or '(unnamed)'} from now on, and no longer to the one before"
            + (f", with a topic or key of account {', '.join(owners)}" if owners else "")
            + ". Unless Config was set up just now, it was turned elsewhere."
        ),
        details={"bucket": bucket, "topic": text(channel.get("snstopicarn"))},
        severity="HIGH" if owners else None,
    )


def _judge_config_rule(event: Event, _: AuditPipeline) -> Finding | None:
    if event.invoked_by:
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


def _features_off(value: object, within: str = "", depth: int = 0) -> Iterator[str]:
    """The features that a list switches off, those within a feature too."""
    for each in map(spelled, objects(value)):
        name = within + (text(each.get("name")) or "unnamed")
        status = text(each.get("status")) or text(each.get("autoenable"))
        if str(status).upper() in ("DISABLED", "NONE"):
            yield name
        if depth < 3:
            yield from _features_off(each.get("additionalconfiguration"), f"{name}.", depth + 1)


def _sources_off(value: object, within: str = "", depth: int = 0) -> Iterator[str]:
    """The data sources, the older form of features, that are switched off at any depth."""
    for source, settings in mapping(value).items():
        off = [
            member
            for key, member in spelled(settings).items()
            if key in ("enable", "autoenable") and flag(member) is False
        ]
        if off:
            yield within + source
        elif depth < 4:
            yield from _sources_off(settings, f"{within}{source}.", depth + 1)


def _judge_protection(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = spelled(event.parameters)
    detector = text(parameters.get("detectorid"))
    off = [
        *_features_off(parameters.get("features")),
        *_sources_off(parameters.get("datasources")),
    ]
    whose = f"GuardDuty detector {detector or '(unnamed)'}"
    if event.name == "UpdateMemberDetectors":
        accounts = texts(parameters.get("accountids"))
        whose = f"GuardDuty of {len(accounts)} member accounts"
    elif event.name == "UpdateOrganizationConfiguration":
        whose = "GuardDuty of new accounts"
        members = str(text(parameters.get("autoenableorganizationmembers"))).upper()
        if flag(parameters.get("autoenable")) is False or members == "NONE":
            off.insert(0, "anything unless it is enabled there")
    if not off:
        return None
    return Finding(
        resource_id=detector,
        reason=f"{whose} no longer looks at {', '.join(off[:5])}.",
        details={"disabled": off[:20]},
    )


def _judge_blinded(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = spelled(event.parameters)
    what = _blinded(event.name, parameters)
    if what is None:
        return None
    detector = text(parameters.get("detectorid"))
    return Finding(
        resource_id=detector or text(parameters.get("malwareprotectionplanid")),
        reason=f"GuardDuty {what}.",
        details={
            "event": event.name,
            "name": text(parameters.get("name")) or text(parameters.get("filtername")),
            "location": text(parameters.get("location")),
        },
        severity=None if event.name.endswith(_TRUSTED) else "MEDIUM",
    )


def _blinded(name: str, parameters: Mapping[str, Any]) -> str | None:
    """What a call keeps GuardDuty from finding or telling, in words; None if nothing."""
    active = flag(parameters.get("activate"))
    if name.endswith(_TRUSTED):
        if active is False or (active is None and not text(parameters.get("location"))):
            return None
        return "raises no finding any more for those on a list of whom it trusts"
    if name.endswith(("ThreatIntelSet", "ThreatEntitySet")):
        if name.startswith("Update") and active is not False:
            return None
        return "no longer knows the threats of one list"
    if name.endswith("Filter"):
        action = str(text(parameters.get("action"))).upper()
        if action == "ARCHIVE":
            return "puts findings that match a filter away, unseen (suppression rule)"
        if action == "NONE" and name == "UpdateFilter" and parameters.get("findingcriteria"):
            return "has a filter with other criteria; if it is a suppression rule, it hides others"
        return None
    if name == "UpdateMalwareScanSettings":
        criteria = spelled(parameters.get("scanresourcecriteria"))
        if not (criteria.get("exclude") or criteria.get("include")):
            return None
        return "looks for malware in a part of the resources only"
    return _SILENCED[name]


def _judge_membership(event: Event, _: AuditPipeline) -> Finding | None:
    service, kind = _SERVICES[event.source]
    accounts = [
        *texts(event.parameters.get("accountIds")),
        *texts(event.parameters.get("accountId")),
        *texts(event.parameters.get("id")),
        *texts(event.parameters.get("adminAccountId")),
    ]
    return Finding(
        resource_id=text(event.parameters.get("detectorId")),
        reason=(
            f"{service} of one or more accounts was cut off from the account that watches over it "
            f"({event.name}): its findings no longer reach anyone there."
        ),
        details={"accounts": accounts[:20]},
        resource_type=kind,
    )


def _judge_service(event: Event, _: AuditPipeline) -> Finding | None:
    if event.name == "UpdateMacieSession":
        if str(text(event.parameters.get("status"))).upper() != "PAUSED":
            return None
        what, resource = "Macie was paused: sensitive data goes unseen", event.account
    elif event.name == "UpdateStandardsControl":
        if str(text(event.parameters.get("controlStatus"))).upper() != "DISABLED":
            return None
        resource = text(event.parameters.get("standardsControlArn"))
        what = "A control of a Security Hub standard was disabled: it is no longer checked"
    else:
        what = _SWITCHED_OFF[event.name]
        resource = (
            text(event.parameters.get("analyzerName"))
            or text(event.parameters.get("productSubscriptionArn"))
            or event.account
        )
    kind = {
        _INSPECTOR: "AWS::InspectorV2::Enabler",
        _MACIE: "AWS::Macie::Session",
        _SECURITY_HUB: "AWS::SecurityHub::Hub",
    }.get(event.source)
    return Finding(resource_id=resource, reason=f"{what}.", resource_type=kind)


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
        fields=("requestParameters.configurationRecorder", "requestParameters.resourceTypes"),
        events=((_CONFIG, "PutConfigurationRecorder"), (_CONFIG, "DisassociateResourceTypes")),
        judge=_judge_recording_group,
    ),
    Rule(
        id="config-history-shortened",
        title="Config set to forget early",
        severity="MEDIUM",
        citations=("164.312(b)", "164.316(b)(2)(i)"),
        resource_type="AWS::Config::RetentionConfiguration",
        fields=("requestParameters.retentionPeriodInDays",),
        events=((_CONFIG, "PutRetentionConfiguration"),),
        judge=_judge_history,
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
        id="config-delivery-turned",
        title="Config delivery channel put",
        severity="MEDIUM",
        citations=("164.312(b)", "164.308(a)(8)"),
        resource_type="AWS::Config::DeliveryChannel",
        fields=("requestParameters.deliveryChannel", "userIdentity.invokedBy"),
        events=((_CONFIG, "PutDeliveryChannel"),),
        judge=_judge_channel_put,
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
        events=(
            (_GUARDDUTY, "UpdateDetector"),
            (_GUARDDUTY, "UpdateMemberDetectors"),
            (_GUARDDUTY, "UpdateOrganizationConfiguration"),
        ),
        judge=_judge_protection,
    ),
    Rule(
        id="guardduty-blinded",
        title="GuardDuty told whom to trust or what to hide",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::GuardDuty::Detector",
        fields=(
            "eventName",
            "requestParameters.detectorId",
            "requestParameters.activate",
            "requestParameters.location",
            "requestParameters.action",
        ),
        events=tuple(
            (_GUARDDUTY, name)
            for name in (
                "CreateFilter",
                "CreateIPSet",
                "CreateTrustedEntitySet",
                "DeleteThreatEntitySet",
                "DeleteThreatIntelSet",
                "UpdateFilter",
                "UpdateIPSet",
                "UpdateMalwareScanSettings",
                "UpdateThreatEntitySet",
                "UpdateThreatIntelSet",
                "UpdateTrustedEntitySet",
                *_SILENCED,
            )
        ),
        judge=_judge_blinded,
    ),
    Rule(
        id="detection-membership-ended",
        title="Account cut off from central detection",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::GuardDuty::Detector",
        fields=("eventName", "requestParameters.accountIds"),
        events=(
            *(
                (service, name)
                for service in (_GUARDDUTY, _SECURITY_HUB)
                for name in (
                    "DeleteMembers",
                    "DisableOrganizationAdminAccount",
                    "DisassociateFromAdministratorAccount",
                    "DisassociateFromMasterAccount",
                    "DisassociateMembers",
                )
            ),
            (_GUARDDUTY, "StopMonitoringMembers"),
            (_MACIE, "DeleteMember"),
            (_MACIE, "DisableOrganizationAdminAccount"),
            (_MACIE, "DisassociateFromAdministratorAccount"),
            (_MACIE, "DisassociateMember"),
            (_INSPECTOR, "DisableDelegatedAdminAccount"),
            (_INSPECTOR, "DisassociateMember"),
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
    Rule(
        id="detection-service-disabled",
        title="Detection service switched off",
        severity="MEDIUM",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(8)"),
        resource_type="AWS::AccessAnalyzer::Analyzer",
        fields=("eventName", "requestParameters.status", "requestParameters.controlStatus"),
        events=(
            (_ACCESS_ANALYZER, "DeleteAnalyzer"),
            (_INSPECTOR, "Disable"),
            (_MACIE, "DisableMacie"),
            (_MACIE, "UpdateMacieSession"),
            (_SECURITY_HUB, "DisableImportFindingsForProduct"),
            (_SECURITY_HUB, "UpdateStandardsControl"),
        ),
        judge=_judge_service,
    ),
)
