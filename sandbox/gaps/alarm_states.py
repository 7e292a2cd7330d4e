"""Where moto's answers about alarms differ from CloudWatch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudwatch import models as cloudwatch_models
from moto.cloudwatch.exceptions import ResourceNotFoundException
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.replacement import Kind, Replacement
from sandbox.world import World


def begin_alarm(
    world: World, original: Callable[..., None], alarm: Any, *arguments: Any, **keywords: Any
) -> None:
    """Make an alarm that nothing is known of yet."""
    original(alarm, *arguments, **keywords)
    alarm.state_value = "INSUFFICIENT_DATA"


# What moto forgets of PutMetricAlarm's members, and its name for what it answers with.
_FORGOTTEN = {
    "EvaluationWindow": "evaluation_window",
    "EvaluationCriteria": "evaluation_criteria",
    "EvaluationInterval": "evaluation_interval",
    "WarmUpConfiguration": "warm_up_configuration",
    "ActionConfiguration": "action_configuration",
}


def put_metric_alarm(world: World, original: Callable[..., Any], response: Any) -> Any:
    """Make an alarm with all that it was given."""
    answer = original(response)
    alarm = response.cloudwatch_backend.alarms[response._get_param("AlarmName")]
    for member, attribute in _FORGOTTEN.items():
        if (value := response._get_param(member)) is not None:
            setattr(alarm, attribute, value)
    given = response._get_param("Metrics", [])
    for query, described in zip(alarm.metric_data_queries, given, strict=True):
        if "AccountId" in described:
            query.account_id = described["AccountId"]
    return answer


def delete_alarms(
    world: World, original: Callable[..., None], backend: Any, alarm_names: list[str]
) -> None:
    """Delete alarms with their tags."""
    for name in alarm_names:
        if name in backend.alarms:
            backend.tagger.delete_all_tags_for_resource(backend.alarms[name].alarm_arn)
    original(backend, alarm_names)


def list_tags_for_resource(
    world: World, original: Callable[..., dict[str, str]], backend: Any, arn: str
) -> dict[str, str]:
    """A resource's tags. Raises ResourceNotFoundException for an alarm that there is not."""
    kind, _, name = arn.split(":", 5)[-1].partition(":")
    if kind == "alarm" and name not in backend.alarms:
        raise ResourceNotFoundException(f"Unknown resource: {arn}")
    return original(backend, arn)


REPLACEMENTS = (
    Replacement(
        cloudwatch_models.Alarm,
        "__init__",
        begin_alarm,
        "A new alarm is INSUFFICIENT_DATA until it has been evaluated; moto says OK.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    Replacement(
        CloudWatchResponse,
        "put_metric_alarm",
        put_metric_alarm,
        "moto forgets windows, queries, warm-up and tags of an alarm, and its metrics' account.",
        Kind.AROUND,
    ),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListTagsForResource.html
    Replacement(
        cloudwatch_models.CloudWatchBackend,
        "delete_alarms",
        delete_alarms,
        "The tags of an alarm go with it; moto would give them to the next of its name.",
        Kind.AROUND,
    ),
    Replacement(
        cloudwatch_models.CloudWatchBackend,
        "list_tags_for_resource",
        list_tags_for_resource,
        "A deleted alarm has no tags to list: there is no such resource, whatever moto remembers.",
        Kind.AROUND,
    ),
)
