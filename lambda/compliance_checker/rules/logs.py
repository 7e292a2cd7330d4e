"""Logs: groups deleted, filters removed or turned elsewhere, flow logs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..filter_pattern import deployed_pattern
from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..policy.admission import public_statements
from ..policy.document import parse_document, statements
from ..record import Event, dig, flag, integer, objects, owner_of, text, texts
from .grants import first_document, foreign_principals, statement_details

_LOGS = "logs.amazonaws.com"
_EC2 = "ec2.amazonaws.com"
# Nobody reviews a log within so few days; what remains is the look of a log.
_SHORTEST_RETENTION_DAYS = 7
_TRAIL_GROUPS = "/aws/cloudtrail/"


def _group(event: Event) -> str | None:
    return (
        text(event.parameters.get("logGroupName"))
        or text(event.parameters.get("logGroupIdentifier"))
        or text(event.parameters.get("resourceIdentifier"))
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
    destination = text(event.parameters.get("destinationArn"))
    if name is None or not pipeline.is_subscription_filter(name):
        return None
    if destination is not None and not pipeline.is_function(destination):
        what = f"now sends to {destination}"
    elif _is_another_pattern(text(event.parameters.get("filterPattern"))):
        what = "now has a pattern that is not the one it was deployed with"
    elif text(event.parameters.get("fieldSelectionCriteria")):
        what = "now passes events of chosen accounts or regions only"
    elif flag(event.parameters.get("applyOnTransformedLogs")):
        what = "now passes what a transformer makes of the records"
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


def _judge_sent_away(event: Event, pipeline: AuditPipeline) -> Finding | None:
    """Another filter on the group is nobody's harm unless it sends the trail's records away."""
    group = _group(event)
    owner = owner_of(text(event.parameters.get("destinationArn")))
    if group is None or not pipeline.is_log_group(group):
        return None
    if owner is None or event.account is None or owner == event.account:
        return None
    name = text(event.parameters.get("filterName"))
    return Finding(
        resource_id=group,
        reason=(
            f"Subscription filter {name or '(unnamed)'} sends the records of log group {group} to "
            f"account {owner}: whoever owns it reads them."
        ),
        details={
            "filter_name": name,
            "destination_arn": text(event.parameters.get("destinationArn")),
        },
    )


def _judge_account_policy(event: Event, _: AuditPipeline) -> Finding | None:
    """A policy for all log groups of the account, the trail's with them."""
    parameters = event.parameters
    kind = text(parameters.get("policyType"))
    if flag(parameters.get("dryRun")) or _is_spared(text(parameters.get("selectionCriteria"))):
        return None
    document = parse_document(parameters.get("policyDocument"))
    owner = owner_of(text(dig(document, "DestinationArn")))
    if kind == "SUBSCRIPTION_FILTER_POLICY" and owner is not None and owner != event.account:
        what = f"sends the records of all log groups to account {owner}"
    elif kind == "DATA_PROTECTION_POLICY":
        what = "masks data in all log groups, in what the compliance function is sent too"
    elif kind == "TRANSFORMER_POLICY":
        what = "rewrites the records of all log groups"
    else:
        return None
    name = text(parameters.get("policyName"))
    return Finding(
        resource_id=name,
        reason=f"Account policy {name or '(unnamed)'} {what}: the trail's log group is among them.",
        details={"policy_type": kind},
        resource_type="AWS::Logs::AccountPolicy",
    )


def _is_spared(criteria: str | None) -> bool:
    """Whether a policy's selection leaves the trail's group out.

    The two forms are ``LogGroupName NOT IN ["a"]`` and ``LogGroupNamePrefix IN ["a"]``, or ``=``.
    """
    if criteria is None:
        return False
    names = re.findall(r"[\"']([^\"']+)[\"']", criteria)
    if re.search(r"\bNOT\s+IN\b", criteria, re.IGNORECASE):
        return any("cloudtrail" in name.lower() for name in names)
    return bool(names) and not any(
        _TRAIL_GROUPS.startswith(name) or name.startswith(_TRAIL_GROUPS) for name in names
    )


def _judge_log_policy(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    document = first_document(parameters.get("policyDocument"))
    if document is None:
        return None
    group = text(parameters.get("resourceArn"))
    every = statements(document)
    public = public_statements(document)
    strangers = foreign_principals(every, event.account)
    on_trail = [
        statement
        for statement in every
        if statement.allows
        and any(
            ":log-group:" in resource and pipeline.is_log_group(resource)
            for resource in statement.resources
        )
    ]
    if public or strangers:
        who = ", ".join(strangers[:3]) or "any AWS account"
        what = f"lets {who} use log groups"
    elif on_trail or (group is not None and pipeline.is_log_group(group) and every):
        what = "lets a service or an identity use the trail's log group: records can be forged"
    else:
        return None
    name = text(parameters.get("policyName"))
    return Finding(
        resource_id=group or name,
        reason=f"Log resource policy {name or group or '(unnamed)'} {what}.",
        details={"strangers": strangers[:10], "statements": statement_details(public or on_trail)},
        severity="HIGH" if public or strangers else "MEDIUM",
        resource_type="AWS::Logs::ResourcePolicy",
    )


def _is_another_pattern(pattern: str | None) -> bool:
    """Whether a pattern differs from this version's own; an empty one lets everything through."""
    return pattern is not None and pattern.strip() not in ("", deployed_pattern())


def _stream_deleted(event: Event, _: AuditPipeline) -> str:
    stream = text(event.parameters.get("logStreamName"))
    return f"lost its stream {stream or '(unnamed)'} with all that it held"


def _metric_filter_deleted(event: Event, _: AuditPipeline) -> str:
    name = text(event.parameters.get("filterName"))
    return f"lost its metric filter {name or '(unnamed)'}: the alarm behind it stays silent"


def _metric_filter_put(event: Event, pipeline: AuditPipeline) -> str | None:
    name = text(event.parameters.get("filterName"))
    if name is None or not pipeline.is_relevance_filter(name):
        return None
    if not _is_another_pattern(text(event.parameters.get("filterPattern"))):
        return None
    return f"has another pattern in its metric filter {name}: the alarm behind it stays silent"


def _key_associated(event: Event, _: AuditPipeline) -> str | None:
    owner = owner_of(text(event.parameters.get("kmsKeyId")))
    if owner is None or event.account is None or owner == event.account:
        return None
    return f"is encrypted with a key of account {owner} now"


def _protection_put(event: Event, _: AuditPipeline) -> str | None:
    if flag(event.parameters.get("deletionProtectionEnabled")) is not False:
        return None
    return "may be deleted again (deletion protection is off)"


def _retention_put(event: Event, _: AuditPipeline) -> str | None:
    days = integer(event.parameters.get("retentionInDays"))
    if days is None or days >= _SHORTEST_RETENTION_DAYS:
        return None
    return f"now forgets its records after {days} days"


# What each call takes from a group, in words; None if nothing.
_TAKEN: Mapping[str, Callable[[Event, AuditPipeline], str | None]] = {
    "AssociateKmsKey": _key_associated,
    "DeleteLogStream": _stream_deleted,
    "DeleteMetricFilter": _metric_filter_deleted,
    "DisassociateKmsKey": lambda _, __: (
        "is no longer encrypted with the key that was chosen for it"
    ),
    "PutDataProtectionPolicy": lambda _, __: (
        "has a policy now that masks data in it, in what the compliance function is sent too"
    ),
    "PutLogGroupDeletionProtection": _protection_put,
    "PutMetricFilter": _metric_filter_put,
    "PutRetentionPolicy": _retention_put,
    "PutTransformer": lambda _, __: (
        "has a transformer now: what reads its records may read them rewritten"
    ),
}
_DETAILS = {
    "filter_name": "filterName",
    "log_stream": "logStreamName",
    "retention_days": "retentionInDays",
}


def _judge_audit_log(event: Event, pipeline: AuditPipeline) -> Finding | None:
    """Changes that matter only on the groups that hold the audit trail."""
    group = _group(event)
    if group is None or not pipeline.is_log_group(group):
        return None
    what = _TAKEN[event.name](event, pipeline)
    if what is None:
        return None
    details = {
        name: event.parameters[key] for name, key in _DETAILS.items() if key in event.parameters
    }
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
        id="audit-log-sent-away",
        title="Audit log sent to another account",
        severity="HIGH",
        citations=("164.312(a)(1)", "164.308(a)(4)(i)"),
        resource_type="AWS::Logs::LogGroup",
        fields=("requestParameters.logGroupName", "requestParameters.destinationArn"),
        events=((_LOGS, "PutSubscriptionFilter"),),
        judge=_judge_sent_away,
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
        events=tuple((_LOGS, name) for name in _TAKEN),
        judge=_judge_audit_log,
    ),
    Rule(
        id="log-account-policy-intrudes",
        title="Policy for all log groups reaches the trail's",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::Logs::AccountPolicy",
        fields=(
            "requestParameters.policyType",
            "requestParameters.policyDocument",
            "requestParameters.selectionCriteria",
        ),
        events=((_LOGS, "PutAccountPolicy"),),
        judge=_judge_account_policy,
    ),
    Rule(
        id="log-resource-policy-opened",
        title="Log groups opened to others",
        severity="HIGH",
        citations=("164.312(a)(1)", "164.312(c)(1)"),
        resource_type="AWS::Logs::ResourcePolicy",
        fields=("requestParameters.policyDocument", "requestParameters.resourceArn"),
        events=((_LOGS, "PutResourcePolicy"),),
        judge=_judge_log_policy,
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
