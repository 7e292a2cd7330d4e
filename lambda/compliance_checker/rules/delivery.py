"""The way of an alert: the function, its alarms, topics, queues and schedule.

On any other resource these are everyday calls; the rules look at the deployment's own.
"""

from __future__ import annotations

from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..record import Event, flag, integer, mapping, text, texts
from .grants import doubt_about, granted_to_anyone, statement_details

_LAMBDA = "lambda.amazonaws.com"
_MONITORING = "monitoring.amazonaws.com"
_SNS = "sns.amazonaws.com"
_SQS = "sqs.amazonaws.com"
_EVENTS = "events.amazonaws.com"

# Service principals' names end so: mostly the same in all partitions, else as the partition's.
_SERVICE_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")
# What narrows a permission for everyone to callers that someone has named.
_CALLER_KEYS = ("sourceAccount", "sourceArn", "principalOrgID")
_TOPIC_SEVERITIES: dict[str, Severity] = {"DeleteTopic": "CRITICAL", "Unsubscribe": "MEDIUM"}


def _judge_function(event: Event, pipeline: AuditPipeline) -> Finding | None:
    function = text(event.parameters.get("functionName"))
    if function is None or not pipeline.is_function(function):
        return None
    if flag(event.parameters.get("dryRun")):
        return None
    if event.name == "PutFunctionConcurrency":
        concurrency = integer(event.parameters.get("reservedConcurrentExecutions"))
        if concurrency != 0:
            return None
    what = {
        "CreateFunctionUrlConfig": "has a URL now, by which others can invoke it",
        "DeleteFunction": "was deleted",
        "UpdateFunctionCode": "runs other code now; compare its hash with the reviewed package",
        "UpdateFunctionConfiguration": "was configured anew",
        "RemovePermission": "lost a permission to be invoked",
        "PutFunctionConcurrency": "was throttled to nothing",
        "UpdateFunctionUrlConfig": "has a URL now, by which others can invoke it",
    }[event.name]
    return Finding(
        resource_id=function,
        reason=f"Compliance function {function} {what}: alerts may fail to be raised, or be false.",
        details={
            "event": event.name,
            "code_sha256": text(event.response.get("codeSha256")),
            "statement_id": text(event.parameters.get("statementId")),
        },
        severity="CRITICAL" if event.name in ("DeleteFunction", "PutFunctionConcurrency") else None,
    )


def _judge_function_policy(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    principal = text(parameters.get("principal"))
    function = text(parameters.get("functionName"))
    if principal == "*":
        if any(text(parameters.get(key)) for key in _CALLER_KEYS):
            return None
        who = "any AWS account"
    elif principal and function and pipeline.is_function(function):
        # Services deliver to the compliance function; nobody else has a reason to invoke it.
        if principal.endswith(_SERVICE_SUFFIXES):
            return None
        who = principal[:128]
    else:
        return None
    return Finding(
        resource_id=function,
        reason=f"Function {function or '(unnamed)'} can now be invoked by {who}.",
        details={"statement_id": text(parameters.get("statementId"))},
    )


def _judge_alarms(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    names = texts(parameters.get("alarmNames")) + texts(parameters.get("alarmName"))
    ours = [name for name in names if pipeline.is_alarm(name)]
    if not ours:
        return None
    if event.name == "PutMetricAlarm":
        enabled = flag(parameters.get("actionsEnabled"))
        if enabled is not False and texts(parameters.get("alarmActions")):
            return None
        what = "no longer tells anyone"
    elif event.name == "SetAlarmState":
        what = "had its state set by hand"
    else:
        what = "was deleted" if event.name == "DeleteAlarms" else "no longer tells anyone"
    return Finding(
        resource_id=ours[0],
        reason=f"Alarm {', '.join(ours[:5])} {what}: a failing audit trail goes unnoticed.",
        details={"alarms": ours},
    )


def _judge_topic(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    topic = text(parameters.get("topicArn")) or text(parameters.get("subscriptionArn"))
    if topic is None or not pipeline.is_topic(topic):
        return None
    attribute = text(parameters.get("attributeName"))
    value = parameters.get("attributeValue")
    if event.name == "SetTopicAttributes":
        # A new policy is judged by its content; the key alone is what can be taken away here.
        if attribute != "KmsMasterKeyId" or text(value):
            return None
        what = "is no longer encrypted"
    elif event.name == "SetSubscriptionAttributes":
        if attribute not in ("FilterPolicy", "FilterPolicyScope") or not text(value):
            return None
        what = "has a subscription that passes only part of its messages"
    else:
        what = {
            "AddPermission": "admits other accounts now",
            "DeleteTopic": "was deleted",
            "RemovePermission": "lost a permission to be published to",
            "Unsubscribe": "lost a subscriber",
        }[event.name]
    return Finding(
        resource_id=topic,
        reason=f"Topic {topic} {what}: alerts may reach nobody, or strangers.",
        details={"event": event.name, "attribute": attribute},
        severity=_TOPIC_SEVERITIES.get(event.name),
    )


def _judge_topic_policy(event: Event, _: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    if event.name == "CreateTopic":
        policy = mapping(parameters.get("attributes")).get("Policy")
    elif text(parameters.get("attributeName")) == "Policy":
        policy = parameters.get("attributeValue")
    else:
        return None
    found = granted_to_anyone(policy)
    if not found:
        return None
    topic = (
        text(parameters.get("topicArn"))
        or text(event.response.get("topicArn"))
        or text(parameters.get("name"))
    )
    return Finding(
        resource_id=topic,
        reason=(
            f"Topic {topic or '(unnamed)'} has a policy that lets any AWS account use it."
            + doubt_about(found)
        ),
        details={"statements": statement_details(found)},
    )


def _judge_queue(event: Event, pipeline: AuditPipeline) -> Finding | None:
    queue = text(event.parameters.get("queueUrl"))
    if queue is None or not pipeline.is_queue(queue):
        return None
    what = "was deleted" if event.name == "DeleteQueue" else "was emptied"
    return Finding(
        resource_id=queue,
        reason=f"Queue {queue} {what}: records that could not be processed are lost.",
    )


def _judge_event_rule(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    name = text(parameters.get("name")) or text(parameters.get("rule"))
    if name is None or not pipeline.is_event_rule(name):
        return None
    if event.name == "PutRule" and text(parameters.get("state")) != "DISABLED":
        return None
    what = {"DeleteRule": "was deleted", "RemoveTargets": "lost targets"}.get(
        event.name, "was disabled"
    )
    return Finding(
        resource_id=name,
        reason=f"EventBridge rule {name} {what}: what it started no longer runs.",
        details={"targets": texts(parameters.get("ids"))},
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="compliance-function-tampered",
        title="Compliance function changed or deleted",
        severity="HIGH",
        citations=("164.312(b)", "164.308(a)(1)(ii)(D)"),
        resource_type="AWS::Lambda::Function",
        fields=("eventName", "requestParameters.functionName"),
        events=(
            (_LAMBDA, "CreateFunctionUrlConfig"),
            (_LAMBDA, "DeleteFunction"),
            (_LAMBDA, "PutFunctionConcurrency"),
            (_LAMBDA, "RemovePermission"),
            (_LAMBDA, "UpdateFunctionCode"),
            (_LAMBDA, "UpdateFunctionConfiguration"),
            (_LAMBDA, "UpdateFunctionUrlConfig"),
        ),
        judge=_judge_function,
    ),
    Rule(
        id="function-policy-public",
        title="Function can be invoked by anyone",
        severity="HIGH",
        citations=("164.312(a)(1)",),
        resource_type="AWS::Lambda::Function",
        fields=("requestParameters.principal", "requestParameters.sourceArn"),
        events=((_LAMBDA, "AddPermission"),),
        judge=_judge_function_policy,
    ),
    Rule(
        id="audit-alarm-silenced",
        title="Alarm of the audit trail silenced",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)", "164.308(a)(6)(ii)"),
        resource_type="AWS::CloudWatch::Alarm",
        fields=("eventName", "requestParameters.alarmNames", "requestParameters.alarmActions"),
        events=(
            (_MONITORING, "DeleteAlarms"),
            (_MONITORING, "DisableAlarmActions"),
            (_MONITORING, "PutMetricAlarm"),
            (_MONITORING, "SetAlarmState"),
        ),
        judge=_judge_alarms,
    ),
    Rule(
        id="alert-topic-tampered",
        title="Alert topic changed or deleted",
        severity="HIGH",
        citations=("164.308(a)(6)(ii)", "164.312(b)"),
        resource_type="AWS::SNS::Topic",
        fields=(
            "eventName",
            "requestParameters.topicArn",
            "requestParameters.subscriptionArn",
            "requestParameters.attributeName",
        ),
        events=(
            (_SNS, "AddPermission"),
            (_SNS, "DeleteTopic"),
            (_SNS, "RemovePermission"),
            (_SNS, "SetSubscriptionAttributes"),
            (_SNS, "SetTopicAttributes"),
            (_SNS, "Unsubscribe"),
        ),
        judge=_judge_topic,
    ),
    Rule(
        id="topic-policy-public",
        title="Topic open to any account",
        severity="HIGH",
        citations=("164.312(a)(1)",),
        resource_type="AWS::SNS::Topic",
        fields=("requestParameters.attributeValue", "requestParameters.attributes.Policy"),
        events=((_SNS, "SetTopicAttributes"), (_SNS, "CreateTopic")),
        judge=_judge_topic_policy,
    ),
    Rule(
        id="audit-queue-emptied",
        title="Queue of the audit trail deleted or emptied",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::SQS::Queue",
        fields=("eventName", "requestParameters.queueUrl"),
        events=((_SQS, "DeleteQueue"), (_SQS, "PurgeQueue")),
        judge=_judge_queue,
    ),
    Rule(
        id="audit-event-rule-disabled",
        title="EventBridge rule of the audit trail disabled",
        severity="HIGH",
        citations=("164.308(a)(1)(ii)(D)",),
        resource_type="AWS::Events::Rule",
        fields=("eventName", "requestParameters.name", "requestParameters.state"),
        events=(
            (_EVENTS, "DeleteRule"),
            (_EVENTS, "DisableRule"),
            (_EVENTS, "PutRule"),
            (_EVENTS, "RemoveTargets"),
        ),
        judge=_judge_event_rule,
    ),
)
