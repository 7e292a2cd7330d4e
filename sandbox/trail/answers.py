"""What CloudTrail's API answers: trails, their status, public keys and event history."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError

from sandbox.clock import iso_seconds, now
from sandbox.trail.delivery import Delivery
from sandbox.trail.digests import Digests
from sandbox.trail.signing_keys import SigningKeys
from sandbox.world import World


def described(world: World, region: str, request: dict[str, Any]) -> list[Any]:
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


def public_keys(keys: SigningKeys, region: str, request: dict[str, Any]) -> dict[str, Any]:
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


def lookup(delivery: Delivery, region: str, request: dict[str, Any]) -> dict[str, Any]:
    """LookupEvents: newest first, filtered by at most one attribute and by time."""
    start = float(request.get("StartTime") or 0)
    end = float(request.get("EndTime") or 1e12)
    attributes = request.get("LookupAttributes") or []
    found = [
        record
        for record in reversed(list(delivery.history[region]))
        if start <= _epoch(record) <= end
        and all(
            _has(record, asked["AttributeKey"], asked["AttributeValue"]) for asked in attributes
        )
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
