"""Logs: groups deleted, filters removed or turned elsewhere, flow logs."""

from __future__ import annotations

from ..filter_pattern import deployed_pattern
from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..record import Event, dig, integer, objects, text, texts

_LOGS = "logs.amazonaws.com"
_EC2 = "ec2.amazonaws.com"
# Nobody reviews a log within so few days; what remains is the look of a log.
_SHORTEST_RETENTION_DAYS = 7


def _group(event: Event) -> str | None:
    return text(event.parameters.get("logGroupName")) or text(
        event.parameters.get("logGroupIdentifier")
    )


def _judge_group(event: Event, pipeline: AuditPipeline) -> Finding | None:
    group = _group(event)
    ours = group is not None and pipeline.is_log_group(group)
    severity: Severity = "CRITICAL" if ours else "MEDIUM"
    return Finding(
        resource_id=group,
        reason=(
            f"Log group {group or '(unnamed)'} was deleted with all that it held"
            + (": the trail's records no longer raise alerts." if ours else ".")
        ),
        details={"audit_log_group": ours},
        severity=severity,
    )


def _judge_filter_deleted(event: Event, pipeline: AuditPipeline) -> Finding | None:
    group = _group(event)
    ours = group is not None and pipeline.is_log_group(group)
    name = text(event.parameters.get("filterName"))
    return Finding(
        resource_id=group,
        reason=(
            f"Subscription filter {name or '(unnamed)'} of log group {group or '(unnamed)'} was "
            "deleted: whatever read the log through it reads nothing any more."
        ),
        details={"filter_name": name, "audit_log_group": ours},
        severity="CRITICAL" if ours else "HIGH",
    )


def _judge_filter_put(event: Event, pipeline: AuditPipeline) -> Finding | None:
    group = _group(event)
    name = text(event.parameters.get("filterName"))
    if group is None or not pipeline.is_log_group(group):
        return None
    if name is None or not pipeline.is_subscription_filter(name):
        return None
    destination = text(event.parameters.get("destinationArn"))
    if destination is not None and not pipeline.is_function(destination):
        what = f"now sends to {destination}"
    elif _is_another_pattern(text(event.parameters.get("filterPattern"))):
        what = "now has a pattern that is not the one it was deployed with"
    else:
        return None
    return Finding(
        resource_id=group,
        reason=(
            f"Subscription filter {name} of log group {group} {what}: the compliance function may "
            "see nothing any more."
        ),
        details={"filter_name": name, "destination_arn": destination},
    )


def _is_another_pattern(pattern: str | None) -> bool:
    """Whether a pattern differs from this version's own; an empty one lets everything through."""
    return pattern is not None and pattern.strip() not in ("", deployed_pattern())


def _judge_audit_log(event: Event, pipeline: AuditPipeline) -> Finding | None:
    """Changes that matter only on the groups that hold the audit trail."""
    group = _group(event)
    if group is None or not pipeline.is_log_group(group):
        return None
    details: dict[str, object] = {}
    if event.name == "DeleteLogStream":
        stream = text(event.parameters.get("logStreamName"))
        what = f"lost its stream {stream or '(unnamed)'} with all that it held"
        details["log_stream"] = stream
    elif event.name == "DeleteMetricFilter":
        name = text(event.parameters.get("filterName"))
        what = f"lost its metric filter {name or '(unnamed)'}: the alarm behind it stays silent"
        details["filter_name"] = name
    elif event.name == "DisassociateKmsKey":
        what = "is no longer encrypted with the key that was chosen for it"
    else:
        days = integer(event.parameters.get("retentionInDays"))
        if days is None or days >= _SHORTEST_RETENTION_DAYS:
            return None
        what = f"now forgets its records after {days} days"
        details["retention_days"] = days
    return Finding(resource_id=group, reason=f"Log group {group} {what}.", details=details)


def _flow_log_ids(event: Event) -> list[str]:
    request = event.parameters.get("DeleteFlowLogsRequest") or event.parameters
    found = []
    for key in ("FlowLogId", "flowLogId", "flowLogIds"):
        value = dig(request, key)
        found += texts(value)
        for entry in objects(value):
            if identifier := text(entry.get("content")) or text(entry.get("flowLogId")):
                found.append(identifier)
    return found


def _judge_flow_logs(event: Event, _: AuditPipeline) -> Finding | None:
    identifiers = _flow_log_ids(event)
    answer = event.response.get("DeleteFlowLogsResponse") or event.response
    refused = dig(answer, "unsuccessful")
    refusals = max(len(texts(refused)), len(list(objects(refused))))
    if refusals and refusals >= len(identifiers):
        return None  # the call succeeded, each of its deletions did not
    return Finding(
        resource_id=identifiers[0] if identifiers else None,
        reason=(
            f"Flow logs {', '.join(identifiers[:5]) or '(unnamed)'} were deleted: network traffic "
            "is no longer recorded there."
        ),
        details={"flow_log_ids": identifiers},
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="log-group-deleted",
        title="Log group deleted",
        severity="MEDIUM",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::Logs::LogGroup",
        fields=("eventName", "requestParameters.logGroupName"),
        events=((_LOGS, "DeleteLogGroup"),),
        judge=_judge_group,
    ),
    Rule(
        id="subscription-filter-deleted",
        title="Subscription filter deleted",
        severity="HIGH",
        citations=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        resource_type="AWS::Logs::LogGroup",
        fields=("eventName", "requestParameters.logGroupName", "requestParameters.filterName"),
        events=((_LOGS, "DeleteSubscriptionFilter"),),
        judge=_judge_filter_deleted,
    ),
    Rule(
        id="subscription-filter-redirected",
        title="Subscription filter no longer feeds the compliance function",
        severity="CRITICAL",
        citations=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        resource_type="AWS::Logs::LogGroup",
        fields=(
            "requestParameters.logGroupName",
            "requestParameters.filterName",
            "requestParameters.destinationArn",
            "requestParameters.filterPattern",
        ),
        events=((_LOGS, "PutSubscriptionFilter"),),
        judge=_judge_filter_put,
    ),
    Rule(
        id="audit-log-weakened",
        title="Audit log weakened",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::Logs::LogGroup",
        fields=(
            "eventName",
            "requestParameters.logGroupName",
            "requestParameters.retentionInDays",
        ),
        events=(
            (_LOGS, "DeleteLogStream"),
            (_LOGS, "DeleteMetricFilter"),
            (_LOGS, "DisassociateKmsKey"),
            (_LOGS, "PutRetentionPolicy"),
        ),
        judge=_judge_audit_log,
    ),
    Rule(
        id="flow-logs-deleted",
        title="VPC flow logs deleted",
        severity="HIGH",
        citations=("164.312(b)",),
        resource_type="AWS::EC2::FlowLog",
        fields=(
            "requestParameters.DeleteFlowLogsRequest.FlowLogId",
            "responseElements.DeleteFlowLogsResponse.unsuccessful",
        ),
        events=((_EC2, "DeleteFlowLogs"),),
        judge=_judge_flow_logs,
    ),
)
