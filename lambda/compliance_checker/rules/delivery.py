"""The way of an alert: the function, its topics, queues and schedule.

On any other resource these are everyday calls; the rules look at the deployment's own.
"""

from __future__ import annotations

from ..model import Finding, Rule, Severity
from ..pipeline import AuditPipeline
from ..policy.admission import public_statements
from ..policy.document import parse_document, statements
from ..record import Event, flag, integer, mapping, objects, owner_of, spelled, text, texts
from .grants import doubt_about, foreign_principals, granted_to_anyone, statement_details

_LAMBDA = "lambda.amazonaws.com"
_SNS = "sns.amazonaws.com"
_SQS = "sqs.amazonaws.com"
_EVENTS = "events.amazonaws.com"

# Service principals' names end so: mostly the same in all partitions, else as the partition's.
_SERVICE_SUFFIXES = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)
# What narrows a permission for everyone to callers that someone has named.
_CALLER_KEYS = ("sourceAccount", "sourceArn", "principalOrgID")
# For how long each queue is deployed to keep a message, in seconds, by the beginning of its name.
_QUEUE_RETENTION = {"sqs-compliance-checker-dlq-": 1_209_600, "sqs-trail-delivery-": 86_400}
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
        "PutFunctionEventInvokeConfig": "has another way to handle what fails",
        "UpdateFunctionEventInvokeConfig": "has another way to handle what fails",
        "DeleteFunctionEventInvokeConfig": "lost its way to handle what fails",
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


def _judge_topic(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    topic = (
        text(parameters.get("topicArn"))
        or text(parameters.get("subscriptionArn"))
        or text(parameters.get("resourceArn"))
    )
    if topic is None or not pipeline.is_topic(topic):
        return None
    attribute = text(parameters.get("attributeName"))
    value = parameters.get("attributeValue")
    if event.name == "SetTopicAttributes":
        change = _topic_change(event, topic, attribute, value)
        if change is None:
            return None
        what = change
    elif event.name == "PutDataProtectionPolicy":
        what = "has a policy now that masks or holds back messages"
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


# Who must be able to publish, by the beginning of the topic's name.
_PUBLISHERS = {
    "sns-compliance-alerts-": "cloudwatch.",
    "sns-trail-delivery-": "cloudtrail.",
}


def _topic_change(event: Event, topic: str, attribute: str | None, value: object) -> str | None:
    """What a new attribute takes from one of the deployment's topics, in words."""
    if attribute == "KmsMasterKeyId":
        key = text(value)
        owner = owner_of(key)
        if key is None:
            return "is no longer encrypted"
        if key.endswith("alias/aws/sns"):
            return "is encrypted with the key that AWS manages, which no alarm may publish with"
        if owner is not None and event.account is not None and owner != event.account:
            return f"is encrypted with a key of account {owner} now"
    if attribute != "Policy":
        return None
    document = parse_document(value)
    if document is None:
        return None
    every = statements(document)
    strangers = foreign_principals(every, event.account)
    if strangers:
        return f"has a policy now that lets in {', '.join(strangers[:3])}, of another account"
    service = next((each for start, each in _PUBLISHERS.items() if start in topic), None)
    if service is not None and not any(
        statement.allows
        and statement.covers_action("sns:publish")
        and any(principal.startswith((service, "*")) for principal in statement.principals)
        for statement in every
    ):
        return f"has a policy now that no longer lets {service}amazonaws.com publish"
    return None


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
    what = {
        "AddPermission": "admits other accounts now",
        "DeleteQueue": "was deleted",
        "PurgeQueue": "was emptied",
        "RemovePermission": "lost a permission to be sent to",
    }.get(event.name) or _queue_change(event)
    if what is None:
        return None
    return Finding(
        resource_id=queue,
        reason=f"Queue {queue} {what}: records that could not be processed are lost, or shown.",
        details={"event": event.name},
        severity=None if event.name in ("DeleteQueue", "PurgeQueue") else "MEDIUM",
    )


def _queue_change(event: Event) -> str | None:
    """What new attributes take from one of the deployment's queues, in words."""
    attributes = mapping(event.parameters.get("attributes"))
    if "Policy" in attributes:
        document = parse_document(attributes.get("Policy"))
        every = statements(document) if document is not None else []
        strangers = foreign_principals(every, event.account)
        if document is not None and public_statements(document):
            return "has a policy now that lets any AWS account use it"
        if strangers:
            return f"has a policy now that lets in {', '.join(strangers[:3])}, of another account"
        if not any(not statement.allows for statement in every):
            return "has a policy now that no longer denies transport without TLS"
    seconds = integer(attributes.get("MessageRetentionPeriod"))
    queue = str(event.parameters.get("queueUrl"))
    least = next((least for name, least in _QUEUE_RETENTION.items() if name in queue), 0)
    if seconds is not None and seconds < least:
        return f"keeps messages for {seconds} seconds only"
    managed = flag(attributes.get("SqsManagedSseEnabled"))
    if attributes.get("KmsMasterKeyId") == "" and managed is not True:
        return "is no longer encrypted with the key that was chosen for it"
    owner = owner_of(text(attributes.get("KmsMasterKeyId")))
    if owner is not None and event.account is not None and owner != event.account:
        return f"is encrypted with a key of account {owner} now"
    return None


def _is_ours(arn: str, pipeline: AuditPipeline) -> bool:
    return pipeline.is_function(arn) or pipeline.is_topic(arn) or pipeline.is_queue(arn)


def _judge_event_rule(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    name = text(parameters.get("name")) or text(parameters.get("rule"))
    if name is None or not pipeline.is_event_rule(name):
        return None
    if event.name == "PutRule" and text(parameters.get("state")) != "DISABLED":
        return None
    others = [
        arn
        for target in map(spelled, objects(parameters.get("targets")))
        if (arn := text(target.get("arn"))) and not _is_ours(arn, pipeline)
    ]
    if event.name == "PutTargets" and not others:
        return None
    what = {
        "DeleteRule": "was deleted",
        "PutTargets": f"now starts {', '.join(others[:3])} in place of, or beside, its own",
        "RemoveTargets": "lost targets",
    }.get(event.name, "was disabled")
    return Finding(
        resource_id=name,
        reason=f"EventBridge rule {name} {what}: what it started may no longer run.",
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
            (_LAMBDA, "DeleteFunctionEventInvokeConfig"),
            (_LAMBDA, "PutFunctionConcurrency"),
            (_LAMBDA, "PutFunctionEventInvokeConfig"),
            (_LAMBDA, "RemovePermission"),
            (_LAMBDA, "UpdateFunctionCode"),
            (_LAMBDA, "UpdateFunctionConfiguration"),
            (_LAMBDA, "UpdateFunctionEventInvokeConfig"),
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
            (_SNS, "PutDataProtectionPolicy"),
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
        title="Queue of the audit trail deleted, emptied or changed",
        severity="HIGH",
        citations=("164.312(b)", "164.312(c)(1)"),
        resource_type="AWS::SQS::Queue",
        fields=("eventName", "requestParameters.queueUrl"),
        events=(
            (_SQS, "AddPermission"),
            (_SQS, "DeleteQueue"),
            (_SQS, "PurgeQueue"),
            (_SQS, "RemovePermission"),
            (_SQS, "SetQueueAttributes"),
        ),
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
            (_EVENTS, "PutTargets"),
            (_EVENTS, "RemoveTargets"),
        ),
        judge=_judge_event_rule,
    ),
)
