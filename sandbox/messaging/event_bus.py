"""EventBridge: rules, input transformers, targets and schedules."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.events import models as events_models

from sandbox.access import permissions
from sandbox.clock import iso_seconds, now
from sandbox.function.runtime import LambdaRuntime
from sandbox.messaging import log_access, notifications, schedule
from sandbox.metrics import data_points
from sandbox.replacement import Replacement
from sandbox.world import World

log = logging.getLogger(__name__)

SERVICE = "events.amazonaws.com"
SCHEDULE_SECONDS = 1.0


class EventBus:
    """Takes events to the targets of the rules that match them."""

    def __init__(self, world: World, runtime: LambdaRuntime) -> None:
        self._world = world
        self._runtime = runtime
        # When a schedule last fired, or first was seen, by rule.
        self._schedules: dict[str, tuple[str, datetime]] = {}
        world.scheduler.every(SCHEDULE_SECONDS, self.run_schedules)

    def put(
        self,
        region: str,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: list[str],
        moment: str,
    ) -> None:
        """Put a service's own event on the default bus of a region."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self._world.settings.account,
            "time": moment,
            "region": region,
            "resources": resources,
            "detail": detail,
        }
        with self._world.lock:
            self._spread(region, "default", event)

    def _spread(self, region: str, bus_name: str, event: dict[str, Any]) -> None:
        bus = self._world.backend("events", region).event_buses.get(bus_name)
        for rule in list(bus.rules.values()) if bus is not None else ():
            self.offer(rule, event)

    def offer(self, rule: Any, event: dict[str, Any]) -> None:
        """Send an event to a rule's targets if its pattern matches."""
        pattern = rule.event_pattern
        # moto takes a rule without a pattern, a schedule, for one that matches everything.
        if rule.state == "DISABLED" or not pattern.get_pattern():
            return
        # Read-only calls are kept from rules that do not ask for them by their state. They are most
        # of an account's, and this costs less to see than whether a pattern matches.
        if (
            event["detail-type"].endswith("via CloudTrail")
            and event["detail"].get("readOnly")
            and rule.state != "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
        ):
            return
        if pattern.matches_event(event):
            self.send(rule, event)

    def send(self, rule: Any, event: dict[str, Any]) -> None:
        """Send an event to all targets of a rule."""
        dimensions = {"RuleName": rule.name}
        region = rule.region_name
        data_points.publish(self._world, region, "AWS/Events", "TriggeredRules", 1, dimensions)
        for target in list(rule.targets):
            delivered = self._to_target(rule, target, event)
            name = "Invocations" if delivered else "FailedInvocations"
            data_points.publish(self._world, region, "AWS/Events", name, 1, dimensions)

    def _to_target(self, rule: Any, target: Mapping[str, Any], event: dict[str, Any]) -> bool:
        arn: str = target["Arn"]
        service, region = arn.split(":")[2:4]
        content = target_input(target, event, rule.arn, rule.name)
        text = content if isinstance(content, str) else json.dumps(content)
        if service == "lambda":
            function = self._runtime.find(arn)
            if function is None or not notifications.function_admits(
                self._world, function, SERVICE, rule.arn
            ):
                return False
            self._runtime.invoke_later(arn, json.dumps(content).encode())
            return True
        if service == "sns":
            topic = self._world.backend("sns", region).topics.get(arn)
            # EventBridge names no source to topics: a condition on one never holds.
            if topic is None or not permissions.may_publish(self._world, topic, SERVICE, None):
                return False
            self._world.backend("sns", region).publish(text, arn=arn)
            return True
        if service == "sqs":
            backend = self._world.backend("sqs", region)
            queue = backend.queues.get(arn.split(":")[5])
            if queue is None or not notifications.queue_admits(
                self._world, queue, SERVICE, rule.arn
            ):
                return False
            group = (target.get("SqsParameters") or {}).get("MessageGroupId")
            backend.send_message(queue.name, text, group_id=group)
            return True
        if service == "events" and ":event-bus/" in arn:
            if not self._may_forward(rule, target, arn):
                return False
            self._spread(region, arn.rpartition("/")[2], event)
            return True
        if service == "logs":
            return self._to_log_group(rule, target, text)
        log.warning("EventBridge target %s is not supported", arn)
        return False

    def _may_forward(self, rule: Any, target: Mapping[str, Any], bus_arn: str) -> bool:
        """Whether a rule's role may put events on a bus; another region's bus needs a role.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
        """
        role = target.get("RoleArn")
        if not role:
            return bool(bus_arn.split(":")[3] == rule.region_name)
        return permissions.service_may_assume(
            self._world, str(role), SERVICE, rule.arn
        ) and permissions.role_may(self._world, str(role), "events:PutEvents", bus_arn)

    def _to_log_group(self, rule: Any, target: Mapping[str, Any], text: str) -> bool:
        """Write into a log group, if its policies let EventBridge; it does so in no role.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        """
        region, name = target["Arn"].split(":")[3], target["Arn"].split(":")[6]
        group = self._world.backend("logs", region).groups.get(name)
        if group is None or target.get("RoleArn"):
            return False
        if not log_access.rule_may_write(self._world, group, rule.arn):
            return False
        stream = str(uuid.uuid4())
        group.create_log_stream(stream)
        moment = int(now().timestamp() * 1000)
        group.put_log_events(stream, [{"timestamp": moment, "message": text}])
        return True

    # --- schedules -----------------------------------------------------------------------------

    def run_schedules(self) -> None:
        """Fire the scheduled rules that are due."""
        moment = now()
        with self._world.lock:
            seen = set()
            for backend in self._world.regions("events"):
                for bus in backend.event_buses.values():
                    for rule in list(bus.rules.values()):
                        if rule.scheduled_expression:
                            seen.add(rule.arn)
                            self._run_schedule(rule, moment)
            for arn in set(self._schedules) - seen:
                del self._schedules[arn]

    def _run_schedule(self, rule: Any, moment: datetime) -> None:
        expression = rule.scheduled_expression
        known = self._schedules.get(rule.arn)
        if known is None or known[0] != expression:
            # A rate counts from the rule's creation, or its change.
            self._schedules[rule.arn] = (expression, moment)
            return
        if not schedule.is_due(expression, known[1], moment):
            return
        self._schedules[rule.arn] = (expression, moment)
        if rule.state == "DISABLED":
            return
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._world.settings.account,
            "time": iso_seconds(moment),
            "region": rule.region_name,
            "resources": [rule.arn],
            "detail": {},
        }
        self.send(rule, event)


# --- what a target receives ----------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_PATH_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")


def target_input(
    target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str, rule_name: str
) -> Any:
    """What a target receives: the event, its chosen part, a constant, or a transformed text."""
    if target.get("Input") is not None:
        return json.loads(target["Input"])
    if target.get("InputPath"):
        return value_at(event, target["InputPath"])
    transformer = target.get("InputTransformer")
    if not transformer:
        return dict(event)
    values: dict[str, Any] = {
        name: value_at(event, path)
        for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    values["aws.events.rule-arn"] = rule_arn
    values["aws.events.rule-name"] = rule_name
    values["aws.events.event.ingestion-time"] = iso_seconds(now())
    values["aws.events.event"] = {k: v for k, v in event.items() if k != "detail"}
    values["aws.events.event.json"] = dict(event)
    filled = fill(transformer["InputTemplate"], values)
    try:
        return json.loads(filled)
    except ValueError:
        return _lines(filled)


def value_at(event: Mapping[str, Any], path: str) -> Any:
    """The value at a JSON path (``$.detail.items[0].name``); None when there is none."""
    value: Any = event
    for name, index, quoted in _PATH_STEP.findall(path.removeprefix("$")):
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return None
            value = value[int(index)]
        else:
            if not isinstance(value, Mapping) or (name or quoted) not in value:
                return None
            value = value[name or quoted]
    return value


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template's placeholders: as text within a JSON string, as JSON outside one."""
    result = ""
    position = 0
    for found in _PLACEHOLDER.finditer(template):
        before = template[position : found.start()]
        result += before
        position = found.end()
        if found.group(1) not in values:
            result += found.group()
            continue
        value = values[found.group(1)]
        if _inside_string(template[: found.start()]):
            if value is None:
                continue
            text = value if isinstance(value, str) else json.dumps(value)
            result += json.dumps(text)[1:-1]
        else:
            result += json.dumps(value)
    return result + template[position:]


def _inside_string(text: str) -> bool:
    return len(re.findall(r'(?<!\\)"', text)) % 2 == 1


def _lines(text: str) -> str:
    """A template of several quoted lines is a text of several lines."""
    shown = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            value = line
        shown.append(value if isinstance(value, str) else json.dumps(value))
    return "\n".join(shown)


_epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def send_to_targets(
    bus: EventBus, rule: Any, event: dict[str, Any], transform_input: bool = True
) -> None:
    """Take an event of moto's to a rule's targets."""
    shown = {name: value for name, value in event.items() if name != "ingestion-time"}
    moment = shown.get("time")
    if isinstance(moment, int | float):
        shown["time"] = iso_seconds(_epoch + timedelta(seconds=float(moment)))
    bus.offer(rule, shown)


REPLACEMENTS = (
    Replacement(
        events_models.Rule,
        "send_to_targets",
        send_to_targets,
        "moto takes events to log groups, archives, queues and buses alone, and asks no policy.",
    ),
)
