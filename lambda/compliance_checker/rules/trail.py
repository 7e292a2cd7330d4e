"""The trail itself: stopped, deleted, weakened, or told to look away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..live import LiveState, NotReadError, Place
from ..model import Confirmed, Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..record import Event, flag, members, objects, text, texts

_CLOUDTRAIL = "cloudtrail.amazonaws.com"

# Request flag, response flag, and what it means when false.
_FLAGS = (
    ("enableLogFileValidation", "logFileValidationEnabled", "log file validation is off"),
    ("isMultiRegionTrail", "isMultiRegionTrail", "other regions are no longer recorded"),
    ("includeGlobalServiceEvents", "includeGlobalServiceEvents", "IAM is no longer recorded"),
)


# What an empty string in the request unsets: the field of GetTrail's answer, and what it means.
_UNSET = {
    "kmsKeyId": ("KmsKeyId", "log files are not encrypted with a key of one's own"),
    "cloudWatchLogsLogGroupArn": (
        "CloudWatchLogsLogGroupArn",
        "records no longer go to CloudWatch Logs, so no alert is raised any more",
    ),
}


def _trail(event: Event) -> str | None:
    return (
        text(event.parameters.get("name"))
        or text(event.parameters.get("trailName"))
        or text(event.response.get("trailARN"))
        or text(event.response.get("name"))
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
    request, response = event.parameters, event.response
    for asked, answered, meaning in _FLAGS:
        # The response repeats the whole trail, so it speaks only where the request is missing.
        value = flag(request.get(asked)) if request else flag(response.get(answered))
        if value is False:
            found.append(meaning)
    # The console sends empty strings for what stays unset; the response shows what came of it.
    for key, (_, meaning) in _UNSET.items():
        if request.get(key) == "" and not text(response.get(key)):
            found.append(meaning)
    bucket = text(request.get("s3BucketName"))
    trail = _trail(event)
    ours = trail is not None and pipeline.is_trail(trail)
    if bucket and ours and not pipeline.is_own_log_bucket(bucket, event.account):
        found.append(f"its records go to another bucket, {bucket[:128]}")
    return found


def _confirm_weakened(
    event: Event, pipeline: AuditPipeline, finding: Finding | None, live: LiveState
) -> Confirmed:
    """Ask what came of an empty string where the record holds no response."""
    doubted = {
        meaning: field
        for key, (field, meaning) in _UNSET.items()
        if event.parameters.get(key) == ""
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
    for selector in selectors:
        if flag(selector.get("includeManagementEvents")) is False:
            continue
        kinds.add(str(selector.get("readWriteType") or "All").lower())
        excluded.append(set(texts(selector.get("excludeManagementEventSources"))))
    if not kinds:
        return ["no management event is recorded"]
    gaps = []
    if not kinds & {"all", "writeonly"}:
        gaps.append("changes (write events) are not recorded")
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
    read_only = [_field(selector, "readOnly") for selector in management]
    if all(
        condition is not None
        and "true" in [value.lower() for value in texts(condition.get("equals"))]
        for condition in read_only
    ):
        gaps.append("changes (write events) are not recorded")
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
    parameters = event.parameters
    basic, advanced = parameters.get("eventSelectors"), parameters.get("advancedEventSelectors")
    if basic is None and advanced is None:
        basic = event.response.get("eventSelectors")
        advanced = event.response.get("advancedEventSelectors")
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
    selectors = event.parameters.get("insightSelectors")
    if selectors is None or members(selectors):
        return None
    trail = _trail(event)
    return Finding(
        resource_id=trail,
        reason=f"{_named(trail)} no longer looks for unusual activity (CloudTrail Insights).",
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
            "requestParameters.enableLogFileValidation",
            "requestParameters.isMultiRegionTrail",
            "requestParameters.includeGlobalServiceEvents",
            "requestParameters.kmsKeyId",
            "requestParameters.cloudWatchLogsLogGroupArn",
            "requestParameters.s3BucketName",
            "responseElements",
        ),
        events=((_CLOUDTRAIL, "UpdateTrail"),),
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
)
