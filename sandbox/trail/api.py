"""CloudTrail's API where moto's answers are not true, or where it has none.

Trail status, selectors, event history, and the public keys of digest files.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from moto.cloudtrail import models as cloudtrail_models
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

from sandbox.clock import iso_seconds, now
from sandbox.trail import requirements
from sandbox.trail.delivery import DEFAULT_SELECTOR, Delivery
from sandbox.trail.digests import Digests
from sandbox.trail.signing_keys import SigningKeys
from sandbox.world import World


def install(world: World, delivery: Delivery, digests: Digests, keys: SigningKeys) -> None:
    """Put this module's behaviour in the place of moto's."""
    trail_class = cloudtrail_models.Trail
    backend_class = cloudtrail_models.CloudTrailBackend

    def topic_arn(trail: Any) -> str | None:
        # The API takes a topic's name or its ARN; moto knows the name alone.
        name = trail.sns_topic_name
        if not name or name.startswith("arn:"):
            return name or None
        return f"arn:{trail.partition}:sns:{trail.region_name}:{trail.account_id}:{name}"

    original_description = trail_class.description

    def description(trail: Any, include_region: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = original_description(trail, include_region)
        shown["HasCustomEventSelectors"] = bool(
            trail.event_selectors and trail.event_selectors != [DEFAULT_SELECTOR]
        ) or bool(trail.advanced_event_selectors)
        shown["HasInsightSelectors"] = bool(trail.insight_selectors)
        if trail.topic_arn:
            shown["SnsTopicName"] = trail.topic_arn.rpartition(":")[2]
            shown["SnsTopicARN"] = trail.topic_arn
        # What is not set is not in the answer; moto shows null or "".
        return {name: value for name, value in shown.items() if value not in (None, "")}

    def get_event_selectors(trail: Any) -> tuple[list[Any], list[Any]]:
        if trail.advanced_event_selectors:
            return [], trail.advanced_event_selectors
        return trail.event_selectors or [dict(DEFAULT_SELECTOR)], []

    def put_event_selectors(
        trail: Any, event_selectors: list[Any] | None, advanced: list[Any] | None
    ) -> None:
        if advanced:
            trail.event_selectors, trail.advanced_event_selectors = [], advanced
        else:
            # The API fills in what a selector leaves out.
            trail.event_selectors = [{**DEFAULT_SELECTOR, **one} for one in event_selectors or []]
            trail.advanced_event_selectors = []

    def put_insight_selectors(trail: Any, selectors: list[dict[str, str]]) -> None:
        trail.insight_selectors = list(selectors)  # a put replaces; moto appends

    def start_logging(trail: Any) -> None:
        trail.status.is_logging = True
        trail.status.started = now()
        digests.changed(trail)

    def stop_logging(trail: Any) -> None:
        trail.status.is_logging = False
        trail.status.stopped = now()
        digests.stopping(trail)

    def delete_trail(backend: Any, name: str) -> None:
        trail = backend.get_trail(name)
        delivery.forget(trail)
        del backend.trails[trail.trail_name]

    original_create = backend_class.create_trail
    original_update = backend_class.update_trail

    def create_trail(backend: Any, *arguments: Any, **keywords: Any) -> Any:
        name = keywords.get("name") or arguments[0]
        if name in backend.trails:
            raise JsonRESTError(
                "TrailAlreadyExistsException",
                f"Trail {name} already exists for customer: {world.settings.account}",
            )
        trail = original_create(backend, *arguments, **keywords)
        missing = requirements.first_missing(world, trail)
        if missing is not None:
            del backend.trails[name]
            raise JsonRESTError(missing.code, missing.message)
        return trail

    def update_trail(backend: Any, name: str, **changes: Any) -> Any:
        trail = backend.get_trail(name)
        before = dict(trail.__dict__)
        original_update(backend, name, **changes)
        missing = requirements.first_missing(world, trail)
        if missing is not None:
            trail.__dict__.update(before)
            raise JsonRESTError(missing.code, missing.message)
        digests.changed(trail)
        return trail

    def describe_trails(self: Any) -> str:
        trails = _described(world, self.region, json.loads(self.body or "{}"))
        shown = [trail.description(include_region=True) for trail in trails]
        return json.dumps({"trailList": shown})

    def get_trail_status(self: Any) -> str:
        backend = self.cloudtrail_backend
        name = self._get_param("Name")
        backend.get_trail_status(name)  # raises when there is none
        trail = next(
            trail
            for trail in backend.describe_trails(include_shadow_trails=True)
            if name in (trail.trail_name, trail.arn)
        )
        return json.dumps(status_document(trail, self.region, delivery, digests))

    def lookup_events(self: Any) -> str:
        return json.dumps(_lookup(delivery, self.region, json.loads(self.body or "{}")))

    def list_public_keys(self: Any) -> str:
        return json.dumps(_public_keys(keys, self.region, json.loads(self.body or "{}")))

    trail_class.topic_arn = property(topic_arn)
    trail_class.description = description
    trail_class.get_event_selectors = get_event_selectors
    trail_class.put_event_selectors = put_event_selectors
    trail_class.put_insight_selectors = put_insight_selectors
    trail_class.start_logging = start_logging
    trail_class.stop_logging = stop_logging
    backend_class.delete_trail = delete_trail
    backend_class.create_trail = create_trail
    backend_class.update_trail = update_trail
    # The requirements have the topic's; moto's own check knows the topic by name alone.
    trail_class.check_topic_exists = lambda trail: None
    CloudTrailResponse.describe_trails = describe_trails
    CloudTrailResponse.get_trail_status = get_trail_status
    CloudTrailResponse.lookup_events = lookup_events
    CloudTrailResponse.list_public_keys = list_public_keys


def _described(world: World, region: str, request: dict[str, Any]) -> list[Any]:
    """The trails that DescribeTrails tells of in a region; moto ignores which were asked for.

    A name is that of a trail of the region itself; elsewhere a trail is known by its ARN alone.
    What is not found is left out.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html
    """
    asked = request.get("trailNameList") or []
    shadows = request.get("includeShadowTrails", True)
    return [
        trail
        for backend in world.regions("cloudtrail")
        for trail in backend.trails.values()
        if (
            not asked or trail.arn in asked or trail.trail_name in asked
            if trail.region_name == region
            else shadows and (trail.arn in asked if asked else trail.is_multi_region)
        )
    ]


def status_document(
    trail: Any, region: str, delivery: Delivery, digests: Digests
) -> dict[str, Any]:
    """GetTrailStatus's answer in a region. Times are in epoch seconds; what never was is left out.

    The members that AWS calls no longer in use are there as it fills them.
    """
    status = delivery.status(trail)
    digest = digests.status(trail, region)
    times = {
        "LatestDeliveryTime": status.delivered,
        "LatestNotificationTime": status.notified,
        "LatestCloudWatchLogsDeliveryTime": status.logs_delivered,
        "LatestDigestDeliveryTime": digest.delivered,
        "StartLoggingTime": trail.status.started,
        "StopLoggingTime": trail.status.stopped,
    }
    errors = {
        "LatestDeliveryError": status.delivery_error,
        "LatestNotificationError": status.notification_error,
        "LatestCloudWatchLogsDeliveryError": status.logs_error,
        "LatestDigestDeliveryError": digest.error,
    }
    document: dict[str, Any] = {"IsLogging": trail.status.is_logging}
    document.update(
        {name: moment.timestamp() for name, moment in times.items() if moment is not None}
    )
    document.update({name: error for name, error in errors.items() if error})
    document.update(
        {
            "LatestDeliveryAttemptTime": _text(status.delivered),
            "LatestNotificationAttemptTime": _text(status.notified),
            "LatestNotificationAttemptSucceeded": _text(status.notified),
            "LatestDeliveryAttemptSucceeded": _text(status.delivered),
            "TimeLoggingStarted": _text(trail.status.started),
            "TimeLoggingStopped": _text(trail.status.stopped),
        }
    )
    return document


def _text(moment: datetime | None) -> str:
    return "" if moment is None else iso_seconds(moment)


# --- ListPublicKeys --------------------------------------------------------------------------


def _public_keys(keys: SigningKeys, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """ListPublicKeys: those valid at some time from StartTime to EndTime, by default now."""
    moment = now()
    start, end = (
        moment if name not in request else datetime.fromtimestamp(float(request[name]), UTC)
        for name in ("StartTime", "EndTime")
    )
    if end < start:
        raise JsonRESTError(
            "InvalidTimeRangeException", "The start time must not be after the end time."
        )
    return {
        "PublicKeyList": [
            {
                "Value": base64.b64encode(key.public_key).decode(),
                "ValidityStartTime": key.valid_from.timestamp(),
                "ValidityEndTime": key.valid_until.timestamp(),
                "Fingerprint": key.fingerprint,
            }
            for key in keys.every(region)
            if key.valid_in(start, end)
        ]
    }


# --- LookupEvents ----------------------------------------------------------------------------

_PAGE = 50


def _lookup(delivery: Delivery, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """LookupEvents: newest first, filtered by at most one attribute and by time."""
    start = float(request.get("StartTime") or 0)
    end = float(request.get("EndTime") or 1e12)
    attributes = request.get("LookupAttributes") or []
    found = [
        record
        for record in reversed(list(delivery.history[region]))
        if start <= _epoch(record) <= end
        and all(_has(record, one["AttributeKey"], one["AttributeValue"]) for one in attributes)
    ]
    offset = int(request.get("NextToken") or 0)
    size = min(int(request.get("MaxResults") or _PAGE), _PAGE)
    page = found[offset : offset + size]
    answer: dict[str, Any] = {"Events": [_event(record) for record in page]}
    if offset + size < len(found):
        answer["NextToken"] = str(offset + size)
    return answer


def _epoch(record: dict[str, Any]) -> float:
    return datetime.fromisoformat(record["eventTime"]).timestamp()


def _user_name(record: dict[str, Any]) -> str:
    identity = record["userIdentity"]
    if identity.get("type") == "AssumedRole":
        return str(identity["arn"].rpartition("/")[2])
    return str(identity.get("userName", ""))


def _has(record: dict[str, Any], key: str, value: str) -> bool:
    if key == "ResourceName":
        return value in json.dumps(record.get("requestParameters"))
    if key == "ResourceType":
        return any(resource.get("type") == value for resource in record.get("resources", []))
    values = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "Username": _user_name(record),
        "EventSource": record["eventSource"],
        "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
    }
    return bool(values.get(key) == value)


def _event(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
        "EventTime": _epoch(record),
        "EventSource": record["eventSource"],
        "Username": _user_name(record),
        "Resources": [
            {"ResourceType": resource.get("type"), "ResourceName": resource.get("ARN")}
            for resource in record.get("resources", [])
        ],
        "CloudTrailEvent": json.dumps(record, separators=(",", ":")),
    }
