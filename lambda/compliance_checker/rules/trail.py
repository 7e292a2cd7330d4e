"""The trail itself: stopped, deleted, weakened, or told to look away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..live import LiveState, NotReadError, Place
from ..model import Confirmed, Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..record import Event, flag, members, objects, owner_of, spelled, text, texts

_CLOUDTRAIL = "cloudtrail.amazonaws.com"

VALIDATION_OFF = "log file validation is off"
# Flag in the request, flag in the response, and what it means when false.
_FLAGS = (
    ("enableLogFileValidation", "logFileValidationEnabled", VALIDATION_OFF),
    ("isMultiRegionTrail", "isMultiRegionTrail", "other regions are no longer recorded"),
    ("includeGlobalServiceEvents", "includeGlobalServiceEvents", "IAM is no longer recorded"),
)
# Known from the request alone: each trail of a single account answers that it is none.
_ORGANIZATION = (
    "isOrganizationTrail",
    "the other accounts of the organization are no longer recorded",
)

# What an empty string in the request unsets: the field of GetTrail's answer, and what it means.
_UNSET = {
    "kmsKeyId": ("KmsKeyId", "log files are not encrypted with a key of one's own"),
    "cloudWatchLogsLogGroupArn": (
        "CloudWatchLogsLogGroupArn",
        "records no longer go to CloudWatch Logs, so no alert is raised any more",
    ),
    "cloudWatchLogsRoleArn": (
        "CloudWatchLogsRoleArn",
        "it has no role to write to CloudWatch Logs, so no alert is raised any more",
    ),
}
# ARNs in the request, and what it means when they are of another account.
_FOREIGN = {
    "kmsKeyId": "log files are encrypted with a key of another account",
    "cloudWatchLogsLogGroupArn": "records go to a log group of another account",
    "cloudWatchLogsRoleArn": "it writes to CloudWatch Logs in a role of another account",
    "snsTopicName": "new files are announced to another account",
}


def _trail(event: Event) -> str | None:
    request, response = spelled(event.parameters), spelled(event.response)
    return (
        text(request.get("name"))
        or text(request.get("trailname"))
        or text(response.get("trailarn"))
        or text(response.get("name"))
    )


def _named(trail: str | None) -> str:
    return f"Trail {trail}" if trail else "A trail"


def _judge_stopped(event: Event, _: AuditPipeline) -> Finding | None:
    trail = _trail(event)
    what = "was deleted" if event.name == "DeleteTrail" else "no longer records"
    return Finding(
        resource_id=trail,
        reason=f"{_named(trail)} {what}: what happens from now on leaves no trace in it.",
    )


def _weaknesses(event: Event, pipeline: AuditPipeline) -> list[str]:
    found = []
    request, response = spelled(event.parameters), spelled(event.response)
    trail = _trail(event)
    ours = trail is not None and pipeline.is_trail(trail)
    created = event.name == "CreateTrail"
    if created and not ours:
        return []  # one trail more takes nothing from the one that is watched
    for asked, answered, meaning in _FLAGS:
        value = flag(request.get(asked.lower()))
        if value is None:
            value = flag(request.get(answered.lower()))
        # The response repeats the whole trail, so it speaks only where the request is missing, or
        # made the trail.
        if value is None and (created or not request):
            value = flag(response.get(answered.lower()))
        if value is False:
            found.append(meaning)
    if not created and flag(request.get(_ORGANIZATION[0].lower())) is False:
        found.append(_ORGANIZATION[1])
    # The console sends empty strings for what stays unset; the response shows what came of it.
    for key, (_, meaning) in _UNSET.items():
        if request.get(key.lower()) == "" and not text(response.get(key.lower())):
            found.append(meaning)
    for key, meaning in _FOREIGN.items():
        owner = owner_of(text(request.get(key.lower())))
        if owner is not None and event.account is not None and owner != event.account:
            found.append(meaning)
    if ours:
        found += _turned_elsewhere(event, request, response, pipeline)
    return list(dict.fromkeys(found))


def _turned_elsewhere(
    event: Event, request: Mapping[str, Any], response: Mapping[str, Any], pipeline: AuditPipeline
) -> list[str]:
    """Where the deployment's trail now sends what, other than to the deployment's own resources."""
    found = []
    bucket = text(request.get("s3bucketname"))
    if bucket and not pipeline.is_own_log_bucket(bucket, event.account):
        found.append(f"its records go to another bucket, {bucket[:128]}")
    prefix = text(request.get("s3keyprefix"))
    if prefix:
        found.append(f"its files go to another place in the bucket, {prefix[:128]}")
    group = text(request.get("cloudwatchlogsloggrouparn"))
    if group and not pipeline.is_log_group(group):
        found.append(f"its records go to another log group, {group[:128]}")
    role = text(request.get("cloudwatchlogsrolearn"))
    if role and not pipeline.is_role(role):
        found.append(f"it writes to CloudWatch Logs in another role, {role[:128]}")
    topic = text(request.get("snstopicname"))
    if topic and not pipeline.is_topic(topic):
        found.append(f"its new files are announced to another topic, {topic[:128]}")
    announced = text(response.get("snstopicname")) or text(response.get("snstopicarn"))
    if request.get("snstopicname") == "" and response and not announced:
        found.append("its new files are announced to nobody")
    return found


def _confirm_weakened(
    event: Event, pipeline: AuditPipeline, finding: Finding | None, live: LiveState
) -> Confirmed:
    """Ask what came of an empty string where the record holds no response."""
    doubted = {
        meaning: field
        for key, (field, meaning) in _UNSET.items()
        if spelled(event.parameters).get(key.lower()) == ""
    }
    trail = _trail(event)
    if finding is None or event.response or not doubted or trail is None:
        return Confirmed(finding)
    try:
        live_trail = live.trail(Place(event.account, event.region), trail)
    except NotReadError as error:
        return Confirmed(finding, not_read=(error,))
    weaknesses = [
        meaning
        for meaning in _weaknesses(event, pipeline)
        if meaning not in doubted or not text(live_trail.get(doubted[meaning]))
    ]
    return Confirmed(_weakened(trail, weaknesses), True)


def _judge_weakened(event: Event, pipeline: AuditPipeline) -> Finding | None:
    return _weakened(_trail(event), _weaknesses(event, pipeline))


def _weakened(trail: str | None, weaknesses: list[str]) -> Finding | None:
    if not weaknesses:
        return None
    only_key = weaknesses == [_UNSET["kmsKeyId"][1]]
    severity: Severity = "MEDIUM" if only_key else "HIGH"
    return Finding(
        resource_id=trail,
        reason=f"{_named(trail)} was changed: {'; '.join(weaknesses)}.",
        details={"weaknesses": weaknesses},
        severity=severity,
    )


def basic_gaps(selectors: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a list of basic event selectors leaves out; a trail records what any of them takes."""
    kinds: set[str] = set()
    excluded: list[set[str]] = []
    for each in selectors:
        selector = spelled(each)
        if flag(selector.get("includemanagementevents")) is False:
            continue
        kinds.add(str(selector.get("readwritetype") or "All").lower())
        excluded.append(set(texts(selector.get("excludemanagementeventsources"))))
    if not kinds:
        return ["no management event is recorded"]
    gaps = []
    if not kinds & {"all", "writeonly"}:
        gaps.append("changes (write events) are not recorded")
    if not kinds & {"all", "readonly"}:
        gaps.append("what only reads is not recorded")
    if everywhere := set.intersection(*excluded):
        gaps.append(f"events of {', '.join(sorted(everywhere)[:5])} are not recorded")
    return gaps


def _field(selector: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    for condition in objects(selector.get("fieldSelectors") or selector.get("FieldSelectors")):
        lowered = {key.lower(): value for key, value in condition.items()}
        if str(lowered.get("field")).lower() == name.lower():
            return lowered
    return None


def advanced_gaps(selectors: Iterable[Mapping[str, Any]]) -> list[str]:
    """The same for advanced event selectors, which replace everything that was there."""
    management = []
    for selector in selectors:
        category = _field(selector, "eventCategory")
        if category is not None and "Management" in texts(category.get("equals")):
            management.append(selector)
    if not management:
        return ["no management event is recorded"]
    gaps = []
    for value, gap in (
        ("true", "changes (write events) are not recorded"),
        ("false", "what only reads is not recorded"),
    ):
        if all(_is_only(selector, value) for selector in management):
            gaps.append(gap)
    excluded = []
    for selector in management:
        source = _field(selector, "eventSource")
        excluded.append(set(texts(source.get("notequals"))) if source else set())
    if everywhere := set.intersection(*excluded):
        gaps.append(f"events of {', '.join(sorted(everywhere)[:5])} are not recorded")
    narrowing = [_narrowing_fields(selector) for selector in management]
    if all(narrowing):
        fields = sorted(set.union(*narrowing))
        gaps.append(f"only events of a chosen {', '.join(fields[:5])} are recorded")
    return gaps


def _is_only(selector: Mapping[str, Any], value: str) -> bool:
    """Whether a selector takes events of one value of readOnly alone."""
    equals = texts((_field(selector, "readOnly") or {}).get("equals"))
    return [each.lower() for each in equals] == [value]


def _narrowing_fields(selector: Mapping[str, Any]) -> set[str]:
    """The fields by which a selector of management events leaves some out.

    Events that only read, and those of services named in ``notEquals``, are told apart from these.
    """
    found = set()
    for condition in objects(selector.get("fieldSelectors") or selector.get("FieldSelectors")):
        lowered = {key.lower(): value for key, value in condition.items()}
        field = text(lowered.get("field")) or "unnamed field"
        operators = {key for key, value in lowered.items() if key != "field" and members(value)}
        if field.lower() == "eventsource":
            operators.discard("notequals")
        if operators and field.lower() not in ("eventcategory", "readonly"):
            found.add(field[:64])
    return found


def _judge_selectors(event: Event, _: AuditPipeline) -> Finding | None:
    parameters, response = spelled(event.parameters), spelled(event.response)
    basic, advanced = parameters.get("eventselectors"), parameters.get("advancedeventselectors")
    if basic is None and advanced is None:
        basic = response.get("eventselectors")
        advanced = response.get("advancedeventselectors")
    if advanced:
        gaps = advanced_gaps(objects(advanced))
    elif basic is not None:
        gaps = basic_gaps(objects(basic))
    else:
        return None
    if not gaps:
        return None
    trail = _trail(event)
    blind = gaps[0].startswith(("no ", "changes"))
    return Finding(
        resource_id=trail,
        reason=f"{_named(trail)} was told to look away: {'; '.join(gaps)}.",
        details={"gaps": gaps},
        severity="CRITICAL" if blind else "MEDIUM",
    )


def _judge_insights(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = spelled(event.parameters)
    selectors = parameters.get("insightselectors")
    if selectors is None or members(selectors):
        return None
    store = text(parameters.get("eventdatastore"))
    whose = f"Event data store {store}" if store else _named(_trail(event))
    return Finding(
        resource_id=store or _trail(event),
        reason=f"{whose} no longer looks for unusual activity (CloudTrail Insights).",
        resource_type="AWS::CloudTrail::EventDataStore" if store else None,
    )


def _judge_store(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = spelled(event.parameters)
    store = text(parameters.get("eventdatastore"))
    if event.name == "DeleteEventDataStore":
        found = ["it was deleted, and its events are gone when its week of grace is over"]
    elif event.name == "StopEventDataStoreIngestion":
        found = ["it takes no more events"]
    else:
        found = [
            meaning
            for key, meaning in (
                ("multiregionenabled", "other regions are no longer recorded"),
                ("organizationenabled", _ORGANIZATION[1]),
                ("terminationprotectionenabled", "it may be deleted (termination protection off)"),
            )
            if flag(parameters.get(key)) is False
        ]
        selectors = parameters.get("advancedeventselectors")
        if members(selectors) and _covers_management(event):
            found += advanced_gaps(objects(selectors))
    if not found:
        return None
    return Finding(
        resource_id=store,
        reason=f"Event data store {store or '(unnamed)'} was changed: {'; '.join(found)}.",
        details={"weaknesses": found},
    )


def _covers_management(event: Event) -> bool:
    """Whether the store may hold management events: one of Config's items or data never did."""
    categories = {
        value
        for selector in objects(spelled(event.parameters).get("advancedeventselectors"))
        for value in texts((_field(selector, "eventCategory") or {}).get("equals"))
    }
    return "Management" in categories or not categories


def _judge_delegated(event: Event, _: AuditPipeline) -> Finding | None:
    account = text(spelled(event.parameters).get("memberaccountid"))
    return Finding(
        resource_id=account,
        reason=(
            f"Account {account or '(unnamed)'} may now change and delete the organization's trails "
            "and event data stores."
        ),
        resource_type="AWS::Organizations::Account",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="trail-stopped",
        title="Trail stopped or deleted",
        severity="CRITICAL",
        citations=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        resource_type="AWS::CloudTrail::Trail",
        fields=("eventName", "requestParameters.name"),
        events=((_CLOUDTRAIL, "StopLogging"), (_CLOUDTRAIL, "DeleteTrail")),
        judge=_judge_stopped,
    ),
    Rule(
        id="trail-weakened",
        title="Trail weakened",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::CloudTrail::Trail",
        fields=(
            "requestParameters.name",
            "requestParameters.enableLogFileValidation",
            "requestParameters.isMultiRegionTrail",
            "requestParameters.includeGlobalServiceEvents",
            "requestParameters.kmsKeyId",
            "requestParameters.cloudWatchLogsLogGroupArn",
            "requestParameters.cloudWatchLogsRoleArn",
            "requestParameters.s3BucketName",
            "requestParameters.s3KeyPrefix",
            "requestParameters.snsTopicName",
            "requestParameters.isOrganizationTrail",
            "responseElements",
        ),
        events=((_CLOUDTRAIL, "UpdateTrail"), (_CLOUDTRAIL, "CreateTrail")),
        judge=_judge_weakened,
        confirm=_confirm_weakened,
    ),
    Rule(
        id="trail-selectors-narrowed",
        title="Trail records less than all management events",
        severity="CRITICAL",
        citations=("164.312(b)",),
        resource_type="AWS::CloudTrail::Trail",
        fields=("requestParameters.eventSelectors", "requestParameters.advancedEventSelectors"),
        events=((_CLOUDTRAIL, "PutEventSelectors"),),
        judge=_judge_selectors,
    ),
    Rule(
        id="trail-insights-disabled",
        title="Trail no longer looks for unusual activity",
        severity="LOW",
        citations=("164.308(a)(1)(ii)(D)",),
        resource_type="AWS::CloudTrail::Trail",
        fields=("requestParameters.insightSelectors",),
        events=((_CLOUDTRAIL, "PutInsightSelectors"),),
        judge=_judge_insights,
    ),
    Rule(
        id="event-data-store-weakened",
        title="Event data store stopped, deleted or narrowed",
        severity="MEDIUM",
        citations=("164.312(b)",),
        resource_type="AWS::CloudTrail::EventDataStore",
        fields=(
            "eventName",
            "requestParameters.eventDataStore",
            "requestParameters.advancedEventSelectors",
        ),
        events=(
            (_CLOUDTRAIL, "DeleteEventDataStore"),
            (_CLOUDTRAIL, "StopEventDataStoreIngestion"),
            (_CLOUDTRAIL, "UpdateEventDataStore"),
        ),
        judge=_judge_store,
    ),
    Rule(
        id="trail-administration-delegated",
        title="Trails of the organization given into another account's hands",
        severity="MEDIUM",
        citations=("164.312(b)", "164.308(a)(4)(i)"),
        resource_type="AWS::Organizations::Account",
        fields=("eventName", "requestParameters.memberAccountId"),
        events=((_CLOUDTRAIL, "RegisterOrganizationDelegatedAdmin"),),
        judge=_judge_delegated,
    ),
)
