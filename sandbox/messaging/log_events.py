"""CloudWatch Logs: what happens to log events as they arrive.

moto stores them, and hands every event to every subscription whatever its pattern. Here each
event is matched with the filters' patterns, metric filters and embedded metrics become metrics,
and the group's own metrics (AWS/Logs) are kept.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from moto.logs import models as logs_models
from moto.logs.exceptions import InvalidParameterException

from sandbox import regions
from sandbox.clock import milliseconds, now
from sandbox.function.runtime import LambdaRuntime
from sandbox.messaging import filter_pattern, log_settings, log_views, notifications
from sandbox.messaging.log_settings import fields_select, system_fields
from sandbox.metrics import data_points, embedded
from sandbox.replacement import Replacement
from sandbox.world import World

log = logging.getLogger(__name__)

# A filter's default value is told for each minute in which it selected nothing.
DEFAULT_SECONDS = 60.0
SHORTEST_DEFAULT_SECONDS = 1.0
CONTROL_TEXT = "CWL CONTROL MESSAGE: Checking health of destination Lambda function."


class LogEvents:
    """Takes log events from moto's log streams to where their filters say."""

    def __init__(self, world: World, runtime: LambdaRuntime) -> None:
        self._world = world
        self._runtime = runtime
        # When the default of a metric of a region is due again, by the clock that only goes on.
        self._default_due: dict[tuple[str, str, str], float] = {}

    def arrived(self, stream: Any, events: list[Any]) -> None:
        """Handle events that have just been stored in a moto LogStream, under the lock."""
        group = stream.log_group
        self._count(group, events)
        self._filter_metrics(group, events)
        self._embedded_metrics(group, events)
        for subscription in self._subscriptions(group):
            more = getattr(subscription, "sandbox_more", {})
            pattern = filter_pattern.compile_pattern(subscription.filter_pattern)
            chosen = [
                event
                for event in self._as_seen(group, events, more)
                if pattern.matches(event.message)
            ]
            if chosen:
                self._forward(group, stream, subscription, chosen)

    def _subscriptions(self, group: Any) -> list[Any]:
        """The subscriptions of a group, and those of the account that reach it."""
        found = list(group.subscription_filters.values())
        backend = self._world.backend("logs", group.region)
        account = log_settings.of_account(backend)
        for policy in account.policies_for("SUBSCRIPTION_FILTER_POLICY", group.name):
            document = json.loads(policy.document)
            found.append(
                logs_models.SubscriptionFilter(
                    policy.name,
                    group.name,
                    document.get("FilterPattern", ""),
                    document["DestinationArn"],
                    document.get("RoleArn", ""),
                )
            )
        return found

    def _as_seen(self, group: Any, events: list[Any], more: Mapping[str, Any]) -> list[Any]:
        """Events as one of the group's filters sees them: those that it selects, and masked."""
        criteria = more.get("fieldSelectionCriteria")
        if criteria and not fields_select(criteria, system_fields(group)):
            return []
        account = log_settings.of_account(self._world.backend("logs", group.region))
        settings = log_settings.of_group(group)
        processors = settings.transformer
        for policy in account.policies_for("TRANSFORMER_POLICY", group.name):
            processors = processors or json.loads(policy.document)  # the group's own goes first
        masks = [
            policy.document for policy in account.policies_for("DATA_PROTECTION_POLICY", group.name)
        ]
        if settings.data_protection is not None:
            masks.append(settings.data_protection)
        if not masks and not (processors and more.get("applyOnTransformedLogs")):
            return events
        seen = [copy.copy(event) for event in events]
        for event in seen:
            if processors and more.get("applyOnTransformedLogs"):
                event.message = log_views.transformed(event.message, processors)
            event.message = log_views.masked(event.message, masks)
        return seen

    def control_message(self, group: Any, subscription: Any) -> None:
        """Tell a new destination that it is one, as PutSubscriptionFilter does."""
        if ":lambda:" not in subscription.destination_arn:
            return
        payload = {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [{"id": "", "timestamp": milliseconds(now()), "message": CONTROL_TEXT}],
        }
        self._runtime.invoke_later(subscription.destination_arn, _envelope(payload))

    def check_destination(self, group: Any, destination: str) -> None:
        """Probe a destination, as PutSubscriptionFilter does.

        Raises InvalidParameterException when it may not be invoked.
        """
        if ":lambda:" in destination and not self._may_invoke(group, destination):
            raise InvalidParameterException(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
                "permission to execute your function."
            )

    def _may_invoke(self, group: Any, destination: str) -> bool:
        function = self._runtime.find(destination)
        if function is None:
            return False
        source = f"{group.arn}:*"
        return any(
            notifications.function_admits(self._world, function, service, source)
            for service in (
                "logs.amazonaws.com",
                f"logs.{group.region}.{regions.dns_suffix(group.region)}",
            )
        )

    def _filter_metrics(self, group: Any, events: list[Any]) -> None:
        backend = self._world.backend("logs", group.region)
        for metric_filter in backend.filters.metric_filters:
            if metric_filter["logGroupName"] != group.name:
                continue
            pattern = filter_pattern.compile_pattern(metric_filter["filterPattern"])
            seen = self._as_seen(group, events, metric_filter)
            chosen = [event.message for event in seen if pattern.matches(event.message)]
            emitted = metric_filter.get("emitSystemFieldDimensions")
            fields = system_fields(group) if emitted else {}
            more = {name: fields[name] for name in emitted or []}
            for transformation in metric_filter["metricTransformations"]:
                self._transform(group.region, transformation, chosen, len(seen), more)

    def _transform(
        self,
        region: str,
        transformation: dict[str, Any],
        chosen: list[str],
        total: int,
        more: Mapping[str, str],
    ) -> None:
        points = [
            (value, {**_dimension_values(transformation, message), **more})
            for message in chosen
            if (value := _metric_value(str(transformation["metricValue"]), message)) is not None
        ]
        default = transformation.get("defaultValue")
        if default is not None and total > len(chosen) and self._is_due(region, transformation):
            points.append((float(default), {}))
        for value, dimensions in points:
            data_points.publish(
                self._world,
                region,
                transformation["metricNamespace"],
                transformation["metricName"],
                value,
                dimensions,
                transformation.get("unit") or "None",
            )

    def _is_due(self, region: str, transformation: Mapping[str, Any]) -> bool:
        """Whether a metric's default is to be told again; if so, it is taken for told."""
        key = (region, transformation["metricNamespace"], transformation["metricName"])
        moment = time.monotonic()
        if moment < self._default_due.get(key, 0.0):
            return False
        wait = max(self._world.settings.latency(DEFAULT_SECONDS), SHORTEST_DEFAULT_SECONDS)
        self._default_due[key] = moment + wait
        return True

    def _embedded_metrics(self, group: Any, events: list[Any]) -> None:
        account = log_settings.of_account(self._world.backend("logs", group.region))
        if account.policies_for("METRIC_EXTRACTION_POLICY", group.name):
            return  # what such a policy is for
        for event in events:
            for metric in embedded.read(event.message):
                for value in metric.values:
                    data_points.publish(
                        self._world,
                        group.region,
                        metric.namespace,
                        metric.name,
                        value,
                        dict(metric.dimensions),
                        metric.unit,
                    )

    def _forward(self, group: Any, stream: Any, subscription: Any, events: list[Any]) -> None:
        destination = subscription.destination_arn
        log_events = [
            {"id": f"{event.event_id:056d}", "timestamp": event.timestamp, "message": event.message}
            for event in events
        ]
        if ":lambda:" in destination:
            if not self._may_invoke(group, destination):
                data_points.publish(
                    self._world,
                    group.region,
                    "AWS/Logs",
                    "DeliveryErrors",
                    len(events),
                    {
                        "LogGroupName": group.name,
                        "DestinationType": "Lambda",
                        "FilterName": subscription.name,
                    },
                )
                return
            payload = {
                "messageType": "DATA_MESSAGE",
                "owner": group.account_id,
                "logGroup": group.name,
                "logStream": stream.log_stream_name,
                "subscriptionFilters": [subscription.name],
                "logEvents": log_events,
            }
            self._runtime.invoke_later(destination, _envelope(payload))
        elif destination.split(":")[2] in ("firehose", "kinesis"):
            stream._send_log_events(
                service=destination.split(":")[2],
                destination_arn=destination,
                filter_name=subscription.name,
                log_events=log_events,
            )
        # What a destination elsewhere (PutDestination) is sent, leaves this account.
        dimensions = {"LogGroupName": group.name}
        data_points.publish(
            self._world, group.region, "AWS/Logs", "ForwardedLogEvents", len(events), dimensions
        )

    def _count(self, group: Any, events: list[Any]) -> None:
        dimensions = {"LogGroupName": group.name}
        size = sum(len(event.message.encode()) for event in events)
        for name, value, unit in (
            ("IncomingLogEvents", len(events), "None"),
            ("IncomingBytes", size, "Bytes"),
        ):
            data_points.publish(
                self._world, group.region, "AWS/Logs", name, value, dimensions, unit
            )


def _envelope(payload: dict[str, Any]) -> bytes:
    text = json.dumps(payload, separators=(",", ":")).encode()
    data = base64.b64encode(gzip.compress(text)).decode()
    return json.dumps({"awslogs": {"data": data}}).encode()


def _metric_value(text: str, message: str) -> float | None:
    """A transformation's value: a number, or a selector of one in the event."""
    if text.startswith("$"):
        found = filter_pattern.value_at(text, message)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found)
    try:
        return float(text)
    except ValueError:
        return None


def _dimension_values(transformation: dict[str, Any], message: str) -> dict[str, str]:
    found = {
        name: filter_pattern.value_at(selector, message)
        for name, selector in (transformation.get("dimensions") or {}).items()
    }
    return {
        name: str(value)
        for name, value in found.items()
        if value is not None and not isinstance(value, dict | list)
    }


def check_pattern(pattern: str | None) -> None:
    """Refuse a pattern as the API does."""
    try:
        filter_pattern.compile_pattern(pattern)
    except filter_pattern.InvalidFilterPattern as error:
        raise InvalidParameterException(f"Invalid filter pattern: {error}") from error


def put_log_events(log_events: LogEvents, stream: Any, events: list[dict[str, Any]]) -> str:
    """Store events in a stream and hand them on; returns the next sequence token."""
    moment = now()
    stream.last_ingestion_time = moment.replace(tzinfo=None)
    stored = [logs_models.LogEvent(milliseconds(moment), event) for event in events]
    stream.events += stored
    stream.stored_bytes += sum(len(event.message) for event in stored)
    stream.upload_sequence_token += 1
    if stored:
        log_events.arrived(stream, stored)
    return f"{stream.upload_sequence_token:056d}"


def filter_log_events(
    log_events: LogEvents, stream: Any, start_time: int, end_time: int, pattern_text: str
) -> list[dict[str, Any]]:
    """The events of a stream that match a pattern, from the oldest on."""
    pattern = filter_pattern.compile_pattern(pattern_text)
    return [
        {**event.to_filter_dict(), "logStreamName": stream.log_stream_name}
        for event in sorted(stream.events, key=lambda event: event.timestamp)
        if (not start_time or event.timestamp >= start_time)
        and (not end_time or event.timestamp <= end_time)
        and pattern.matches(event.message)
    ]


def put_subscription_filter(
    log_events: LogEvents,
    group: Any,
    filter_name: str,
    pattern_text: str,
    destination_arn: str,
    role_arn: str,
) -> None:
    """Make a subscription filter, or change the one of its name."""
    check_pattern(pattern_text)
    existing = group.subscription_filters.get(filter_name)
    if existing is not None:
        log_events.check_destination(group, destination_arn)
        existing.update(pattern_text, destination_arn, role_arn)
        return
    if len(group.subscription_filters) >= 2:
        raise logs_models.LimitExceededException()
    log_events.check_destination(group, destination_arn)
    created = logs_models.SubscriptionFilter(
        filter_name, group.name, pattern_text, destination_arn, role_arn
    )
    group.subscription_filters[filter_name] = created
    log_events.control_message(group, created)


REPLACEMENTS = (
    Replacement(
        logs_models.LogStream,
        "put_log_events",
        put_log_events,
        "moto hands every event to every subscription, whatever its pattern, and makes no metrics.",
    ),
    Replacement(
        logs_models.LogStream,
        "filter_log_events",
        filter_log_events,
        "FilterLogEvents and the filters match by one grammar of patterns, that of AWS.",
    ),
    Replacement(
        logs_models.LogGroup,
        "put_subscription_filter",
        put_subscription_filter,
        "A destination is probed and told; moto counts the filters before it looks whether the "
        "filter is there already.",
    ),
)
