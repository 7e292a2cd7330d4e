"""The deployment's alarms: deleted, silenced, or put anew so that they ring later, or never.

A PutMetricAlarm replaces the whole alarm: what it leaves out is as good as taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..model import Finding, Rule
from ..pipeline import AuditPipeline, last_part
from ..record import Event, flag, integer, mapping, number, objects, spelled, text, texts

_MONITORING = "monitoring.amazonaws.com"
_QUARTER = 900
_DURATION_LIMIT = 720_000.0  # 80 percent of the longest time-out that Lambda has, in milliseconds


class _Deployed(NamedTuple):
    """An alarm as it is deployed.

    ``falls`` says that it rings when too little comes, and then also when nothing does; ``seconds``
    is the longest that it may wait, ``expression`` the metric math that it goes by.
    """

    metric: str
    falls: bool = False
    threshold: float = 1.0
    seconds: int = 300
    expression: str | None = None


# By what stands between "alarm-" and the environment in its name.
_DEPLOYED = {
    "trail-delivery": _Deployed(
        "NumberOfNotificationsDelivered", True, 1.0, 4 * _QUARTER, "FILL(arrived, 0)"
    ),
    "log-delivery": _Deployed("IncomingLogEvents", True, 1.0, 4 * _QUARTER, "FILL(arrived, 0)"),
    "function-errors": _Deployed("Errors"),
    "function-throttles": _Deployed("Throttles"),
    "function-duration": _Deployed("Duration", threshold=_DURATION_LIMIT),
    "dead-letter-queue-depth": _Deployed("ApproximateNumberOfMessagesVisible"),
    "function-not-invoked": _Deployed(
        "relevant-events-",
        seconds=600,
        expression="((events > 0) > (invocations > 0)) OR "
        "((RUNNING_SUM(FILL(events, 0)) > 0) > (RUNNING_SUM(FILL(invocations, 0)) > 0))",
    ),
    **{
        f"{activity}-changes": _Deployed(f"{activity}-changes-")
        for activity in ("security-group", "iam-policy", "cloudtrail")
    },
    "root-account-use": _Deployed("root-account-use-"),
}
# A sum or a peak is over a limit when one event is; a mean, a minimum or a percentile is not.
_STATISTICS = ("sum", "maximum")
_OTHER_STATES = {
    "DeleteAlarms": "was deleted",
    "PutAlarmMuteRule": "is muted by a rule",
    "SetAlarmState": "had its state set by hand",
}


def _judge(event: Event, pipeline: AuditPipeline) -> Finding | None:
    parameters = event.parameters
    names = texts(parameters.get("alarmNames")) + texts(parameters.get("alarmName"))
    names += texts(spelled(spelled(parameters).get("mutetargets")).get("alarmnames"))
    ours = [name for name in names if pipeline.is_alarm(name)]
    if not ours:
        return None
    what = _OTHER_STATES.get(event.name, "no longer tells anyone")
    weaker: list[str] = []
    if event.name == "PutMetricAlarm":
        silent = flag(parameters.get("actionsEnabled")) is False or not texts(
            parameters.get("alarmActions")
        )
        weaker = [] if silent else list(_weaker(ours[0], parameters, pipeline))
        if not silent and not weaker:
            return None
        if weaker:
            what = f"was put anew: {'; '.join(weaker)}"
    return Finding(
        resource_id=ours[0],
        reason=f"Alarm {', '.join(ours[:5])} {what}: a failing audit trail goes unnoticed.",
        details={"alarms": ours, "weaker": weaker},
        title="Alarm of the audit trail weakened" if weaker else None,
    )


def _weaker(name: str, parameters: Mapping[str, Any], pipeline: AuditPipeline) -> Iterator[str]:
    """By what an alarm rings later than it is deployed to, or not at all, in words."""
    purpose = last_part(name).removeprefix("alarm-")
    if pipeline.environment is not None:
        purpose = purpose.removesuffix(f"-{pipeline.environment}")
    deployed = next((each for key, each in _DEPLOYED.items() if purpose.startswith(key)), None)
    if deployed is None:
        return
    queries = [*objects(parameters.get("metrics"))]
    measures = [parameters, *(mapping(query.get("metricStat")) for query in queries)]
    if told := _threshold(deployed, parameters):
        yield told
    yield from _watched(deployed, queries, measures, pipeline)
    yield from _patience(deployed, parameters, measures)


def _threshold(deployed: _Deployed, parameters: Mapping[str, Any]) -> str | None:
    comparison = text(parameters.get("comparisonOperator"))
    threshold = number(parameters.get("threshold"))
    if comparison is None or threshold is None:
        # Against a band of anomalies, or of a record without what AWS requires.
        return "it has no fixed threshold any more" if parameters.get("thresholdMetricId") else None
    rings = {
        "LessThanThreshold": deployed.falls and threshold >= deployed.threshold,
        "LessThanOrEqualToThreshold": deployed.falls and threshold > deployed.threshold - 1,
        "GreaterThanOrEqualToThreshold": not deployed.falls and threshold <= deployed.threshold,
        "GreaterThanThreshold": not deployed.falls and threshold < deployed.threshold,
    }
    if rings.get(comparison):
        return None
    return f"it rings at another threshold ({comparison} {threshold:g})"


def _watched(
    deployed: _Deployed,
    queries: list[Mapping[str, Any]],
    measures: list[Mapping[str, Any]],
    pipeline: AuditPipeline,
) -> Iterator[str]:
    metrics = [mapping(measure.get("metric")) or measure for measure in measures]
    names = [name for metric in metrics if (name := text(metric.get("metricName")))]
    if names and not any(name.startswith(deployed.metric) for name in names):
        yield f"it watches another metric ({names[0]})"
    for dimension in (each for metric in metrics for each in objects(metric.get("dimensions"))):
        if not _is_ours(text(dimension.get("name")), text(dimension.get("value")), pipeline):
            yield f"it watches another resource ({text(dimension.get('value'))})"
    for measure in measures:
        statistic = text(measure.get("stat")) or text(measure.get("statistic"))
        statistic = statistic or text(measure.get("extendedStatistic"))
        if statistic is not None and statistic.lower() not in _STATISTICS:
            yield f"it goes by another statistic ({statistic})"
    for query in queries:
        expression = text(query.get("expression"))
        if expression is not None and expression != deployed.expression:
            yield f"it goes by another expression ({expression[:100]})"


def _is_ours(dimension: str | None, value: str | None, pipeline: AuditPipeline) -> bool:
    known = {
        "FunctionName": pipeline.is_function,
        "LogGroupName": pipeline.is_log_group,
        "QueueName": pipeline.is_queue,
        "TopicName": pipeline.is_topic,
    }
    return dimension in known and value is not None and known[dimension](value)


def _patience(
    deployed: _Deployed, parameters: Mapping[str, Any], measures: list[Mapping[str, Any]]
) -> Iterator[str]:
    periods = [period for each in measures if (period := integer(each.get("period"))) is not None]
    rounds = integer(parameters.get("evaluationPeriods"))
    if rounds is not None:
        waits = max(periods, default=deployed.seconds // max(rounds, 1)) * rounds
        if waits > deployed.seconds:
            yield f"it waits for {waits} seconds"
        if deployed.falls and text(parameters.get("treatMissingData")) != "breaching":
            yield "it takes missing data for a good sign, or for none"


RULES: tuple[Rule, ...] = (
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
            (_MONITORING, "PutAlarmMuteRule"),
            (_MONITORING, "PutMetricAlarm"),
            (_MONITORING, "SetAlarmState"),
        ),
        judge=_judge,
    ),
)
