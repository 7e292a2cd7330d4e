"""What an alarm's change of state brings about: an event, and the alarm's own actions."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from sandbox.access import permissions
from sandbox.clock import iso_milliseconds, iso_seconds, now
from sandbox.function.runtime import LambdaRuntime
from sandbox.messaging import mute_rules, notifications
from sandbox.messaging.event_bus import EventBus
from sandbox.world import World

log = logging.getLogger(__name__)

SERVICE = "cloudwatch.amazonaws.com"
_INVOKER = "lambda.alarms.cloudwatch.amazonaws.com"
_RELEASE_SECONDS = 60.0
_SHORTEST_RELEASE_SECONDS = 1.0


class AlarmActions:
    """Tells the event bus, topics and functions of alarms that have changed."""

    def __init__(self, world: World, runtime: LambdaRuntime, bus: EventBus) -> None:
        self._world = world
        self._runtime = runtime
        self._bus = bus
        # Alarms that changed while they were muted, and their state before.
        self._held: dict[str, tuple[Any, str]] = {}
        latency = world.settings.latency(_RELEASE_SECONDS)
        world.scheduler.every(max(latency, _SHORTEST_RELEASE_SECONDS), self.release)

    def changed(self, alarm: Any, before: str) -> None:
        """Run the actions of moto's ``alarm``, whose state was ``before``. Hold the lock."""
        state = alarm.state_value
        self._bus.put(
            alarm.region_name,
            "aws.cloudwatch",
            "CloudWatch Alarm State Change",
            {
                "alarmName": alarm.name,
                "state": {
                    "value": state,
                    "reason": alarm.state_reason,
                    "timestamp": iso_milliseconds(now()),
                },
                "previousState": {"value": before},
            },
            [alarm.alarm_arn],
            iso_seconds(now()),
        )
        if before != state:
            self._held.pop(alarm.alarm_arn, None)
            if self._is_muted(alarm):
                self._held[alarm.alarm_arn] = alarm, before
            else:
                self._run(alarm, before)

    def release(self) -> None:
        """Run the actions of alarms that are muted no more, and still in the state they rang at."""
        with self._world.lock:
            for arn, (alarm, before) in list(self._held.items()):
                if not self._is_muted(alarm):
                    del self._held[arn]
                    self._run(alarm, before)

    def _is_muted(self, alarm: Any) -> bool:
        backend = self._world.backend("cloudwatch", alarm.region_name)
        return mute_rules.is_muted(backend, alarm.name)

    def _run(self, alarm: Any, before: str) -> None:
        actions = {
            "ALARM": alarm.alarm_actions,
            "OK": alarm.ok_actions,
            "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
        }[alarm.state_value]
        if alarm.actions_enabled:
            for action in actions or []:
                self._act(alarm, action, before)

    def _act(self, alarm: Any, action: str, before: str) -> None:
        service, region = action.split(":")[2:4]
        account = self._world.settings.account
        message = alarm_message(alarm, before, account)
        if service == "sns":
            topic = self._world.backend("sns", region).topics.get(action)
            if topic is None or not permissions.may_publish(
                self._world, topic, SERVICE, alarm.alarm_arn
            ):
                log.info("alarm %s may not publish to %s", alarm.name, action)
                return
            subject = f'{alarm.state_value}: "{alarm.name}" in {region}'[:100]
            text = json.dumps(message)
            self._world.backend("sns", region).publish(text, arn=action, subject=subject)
        elif service == "lambda":
            function = self._runtime.find(action)
            if function is not None and notifications.function_admits(
                self._world, function, _INVOKER, alarm.alarm_arn
            ):
                self._runtime.invoke_later(action, json.dumps(message).encode())


def alarm_message(alarm: Any, before: str, account: str) -> Mapping[str, Any]:
    """The message that an alarm publishes to a topic."""
    changed = alarm.state_updated_timestamp.replace(tzinfo=UTC)
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": changed.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
        "Region": alarm.region_name,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": (alarm.statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [
                {"name": dimension.name, "value": dimension.value} for dimension in alarm.dimensions
            ],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }
