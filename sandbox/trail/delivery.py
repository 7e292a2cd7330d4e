"""From records to every place that a trail delivers to."""

from __future__ import annotations

import gzip
import json
import logging
import random
import string
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.utilities.utils import get_partition

from sandbox.access import permissions
from sandbox.clock import milliseconds, now
from sandbox.messaging.event_bus import EventBus
from sandbox.scheduler import report
from sandbox.trail import digest_document, layout, record_names, requirements, storage
from sandbox.trail.digest_document import LogFile
from sandbox.trail.digests import Digests
from sandbox.world import World

log = logging.getLogger(__name__)

# How long AWS takes, in seconds: CloudTrail delivers "typically within an average of about
# 5 minutes of an API call", and writes log files about every five minutes.
DELIVERY_SECONDS = 300.0
# EventBridge has the same calls much sooner, and without a promise too: Cloud Custodian's people
# measured 90 s for 99 of 100 (their pull request 965), and AWS speaks of near real time.
EVENT_BUS_SECONDS = 30.0
# Log files are not made smaller than this by speed alone: a deployment makes thousands of calls.
SHORTEST_FILE_SECONDS = 1.0
MAXIMUM_EVENT_BYTES = 256 * 1024
HISTORY_LENGTH = 20_000
_UNIQUE = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Envelope:
    """A record on its way, with the trails that were there to see the call."""

    record: dict[str, Any]
    trails: tuple[Any, ...]
    due: float
    stopped: tuple[Any, ...] = ()  # the trails of which it is the StopLogging event


@dataclass
class _Batch:
    """Records waiting for a trail's next log file, by the region they carry."""

    trail: Any
    records: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class DeliveryStatus:
    """What GetTrailStatus tells of a trail's deliveries. Errors are None after a success."""

    delivered: datetime | None = None
    delivery_error: str | None = None
    logs_delivered: datetime | None = None
    logs_error: str | None = None
    notified: datetime | None = None
    notification_error: str | None = None


class Delivery:
    """Takes records to log groups, log files, topics, event buses and the event history."""

    def __init__(self, world: World, bus: EventBus, digests: Digests) -> None:
        self._world = world
        self._bus = bus
        self._digests = digests
        self._waiting: deque[Envelope] = deque()
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        # One thread, so that records are delivered in order.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sandbox-delivery")
        self._batches: dict[str, _Batch] = {}
        self._status: dict[str, DeliveryStatus] = {}
        self.history: dict[str, deque[dict[str, Any]]] = defaultdict(
            lambda: deque(maxlen=HISTORY_LENGTH)
        )
        interval = max(world.settings.latency(DELIVERY_SECONDS), SHORTEST_FILE_SECONDS)
        world.scheduler.every(interval, self.write_files)

    # --- which trails ------------------------------------------------------------------------

    def watching(self, event_region: str, is_global: bool) -> list[Any]:
        """The trails that are logging calls of a region now. Hold the lock."""
        found = []
        for backend in self._world.regions("cloudtrail"):
            for trail in backend.trails.values():
                if not trail.status.is_logging:
                    continue
                if is_global:
                    covers = trail.include_global_service_events
                else:
                    covers = trail.is_multi_region or trail.region_name == event_region
                if covers:
                    found.append(trail)
        return found

    def submit(self, record: dict[str, Any], trails: list[Any]) -> None:
        """Send a record to the trails whose selectors want it."""
        if record["managementEvent"]:
            self.history[record["awsRegion"]].append(record)
        wanted = tuple(trail for trail in trails if selects(trail, record))
        due = time.monotonic() + self._world.settings.latency(DELIVERY_SECONDS)
        with self._guard:
            self._waiting.append(Envelope(record, wanted, due, _stopped_by(record, trails)))
        if wanted:
            delay = self._world.settings.latency(EVENT_BUS_SECONDS)
            self._world.scheduler.later(delay, lambda: self._to_bus(record))
        self._pool.submit(self._turn).add_done_callback(report)

    def status(self, trail: Any) -> DeliveryStatus:
        """The state of a trail's deliveries."""
        return self._status.setdefault(trail.arn, DeliveryStatus())

    def forget(self, trail: Any) -> None:
        """Write what is waiting for a trail that is about to go, and forget it."""
        with self._guard:
            waiting = [envelope for envelope in self._waiting if trail in envelope.trails]
        for envelope in waiting:
            self._batch(trail, envelope.record)
        batch = self._batches.pop(trail.arn, None)
        if batch is not None:
            self._write(batch)
        self._digests.forget(trail)
        self._status.pop(trail.arn, None)

    def stop(self) -> None:
        """Stop delivering."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # --- the thread --------------------------------------------------------------------------

    def _turn(self) -> None:
        """Wait for the oldest record to be due, and deliver all that are."""
        with self._guard:
            oldest = self._waiting[0].due if self._waiting else None
        if oldest is None or self._stopping.wait(max(oldest - time.monotonic(), 0.0)):
            return
        ready = []
        with self._guard:
            while self._waiting and self._waiting[0].due <= time.monotonic():
                ready.append(self._waiting.popleft())
        self._deliver(ready)

    def _deliver(self, envelopes: list[Envelope]) -> None:
        by_trail: dict[str, tuple[Any, list[dict[str, Any]]]] = {}
        with self._world.lock:
            for envelope in envelopes:
                for trail in envelope.trails:
                    if not self._exists(trail):
                        continue
                    by_trail.setdefault(trail.arn, (trail, []))[1].append(envelope.record)
                    self._batch(trail, envelope.record)
            for trail, records in by_trail.values():
                self._to_log_group(trail, records)
            for envelope in envelopes:
                for trail in envelope.stopped:
                    self._finish(trail)

    def _finish(self, trail: Any) -> None:
        """The StopLogging event has come: its log file, and after that the final digests."""
        batch = self._batches.pop(trail.arn, None)
        if batch is not None and self._exists(trail):
            self._write(batch)
        self._digests.stopped(trail)

    def _to_bus(self, record: dict[str, Any]) -> None:
        """EventBridge sees what at least one trail logs, in the region that the record names."""
        source = record["eventSource"].removesuffix(".amazonaws.com")
        self._bus.put(
            record["awsRegion"],
            f"aws.{source}",
            "AWS API Call via CloudTrail",
            record,
            [],
            record["eventTime"],
        )

    def _exists(self, trail: Any) -> bool:
        backend = self._world.backend("cloudtrail", trail.region_name)
        return backend.trails.get(trail.trail_name) is trail

    # --- CloudWatch Logs ---------------------------------------------------------------------

    def _to_log_group(self, trail: Any, records: list[dict[str, Any]]) -> None:
        if not trail.cw_log_group_arn:
            return
        status = self.status(trail)
        parts = trail.cw_log_group_arn.split(":")
        group = self._world.backend("logs", parts[3]).groups.get(parts[6])
        if group is None:
            status.logs_error = "ResourceNotFoundException"
            return
        if not requirements.may_log(self._world, trail):
            status.logs_error = "AccessDenied"
            return
        name = requirements.log_stream(self._world, trail)
        if name not in group.streams:
            group.create_log_stream(name)
        moment = now()
        events = [
            {"timestamp": milliseconds(moment), "message": message}
            for message in (json.dumps(record, separators=(",", ":")) for record in records)
            # Larger events go to the log file alone.
            if len(message.encode()) <= MAXIMUM_EVENT_BYTES
        ]
        group.put_log_events(name, events)
        status.logs_delivered, status.logs_error = moment, None

    # --- S3 and SNS --------------------------------------------------------------------------

    def _batch(self, trail: Any, record: dict[str, Any]) -> None:
        batch = self._batches.setdefault(trail.arn, _Batch(trail))
        batch.records[record["awsRegion"]].append(record)

    def write_files(self) -> None:
        """Write the log files of all that has been delivered since the last time."""
        with self._world.lock:
            batches, self._batches = list(self._batches.values()), {}
            for batch in batches:
                if self._exists(batch.trail):
                    self._write(batch)

    def _write(self, batch: _Batch) -> None:
        for region, records in batch.records.items():
            key = self._put_file(batch.trail, region, records)
            if key is not None:
                self._notify(batch.trail, key)

    def _put_file(self, trail: Any, region: str, records: list[dict[str, Any]]) -> str | None:
        status = self.status(trail)
        moment = now()
        folder = layout.folder(self._world, trail)
        key = log_file_key(folder, self._world.settings.account, region, moment, _unique())
        content = json.dumps({"Records": records}, separators=(",", ":")).encode()
        error = storage.put(self._world, trail, key, gzip.compress(content))
        status.delivery_error = error
        if error is not None:
            self._digests.undelivered(trail, region)
            return None
        status.delivered = moment
        times = [record["eventTime"] for record in records]
        file = LogFile(
            trail.bucket_name,
            key,
            digest_document.sha256(content),
            min(times),
            max(times),
            moment,
        )
        self._digests.delivered(trail, region, file)
        return key

    def _notify(self, trail: Any, key: str) -> None:
        topic_arn = trail.topic_arn
        if not topic_arn:
            return
        status = self.status(trail)
        backend = self._world.backend("sns", topic_arn.split(":")[3])
        if topic_arn not in backend.topics:
            status.notification_error = "NotFound"
            return
        topic = backend.topics[topic_arn]
        if not permissions.may_publish(self._world, topic, requirements.SERVICE, trail.arn):
            status.notification_error = "AuthorizationError"
            return
        message = json.dumps({"s3Bucket": trail.bucket_name, "s3ObjectKey": [key]})
        backend.publish(message, arn=topic_arn)
        status.notified, status.notification_error = now(), None


def log_file_key(folder: str, account: str, region: str, moment: datetime, unique: str) -> str:
    """The key of a log file in the folder of its account.

    ``<folder>CloudTrail/<region>/YYYY/MM/DD/
    <account>_CloudTrail_<region>_<YYYYMMDDTHHmmZ>_<16 characters>.json.gz``
    """
    return (
        f"{folder}CloudTrail/{region}/{moment:%Y/%m/%d}/"
        f"{account}_CloudTrail_{region}_{moment:%Y%m%dT%H%MZ}_{unique}.json.gz"
    )


def _unique() -> str:
    return "".join(random.choices(_UNIQUE, k=16))  # noqa: S311 - a name, not a secret


def _stopped_by(record: dict[str, Any], trails: list[Any]) -> tuple[Any, ...]:
    """Of the trails that saw a call, the one that it stopped; none for any other call."""
    if record["eventName"] != "StopLogging" or "errorCode" in record:
        return ()
    name = (record["requestParameters"] or {}).get("name")
    return tuple(trail for trail in trails if name in (trail.trail_name, trail.arn))


def selects(trail: Any, record: dict[str, Any]) -> bool:
    """Whether a trail's event selectors want a record.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
    """
    if trail.advanced_event_selectors:
        return any(_advanced(selector, record) for selector in trail.advanced_event_selectors)
    selectors = trail.event_selectors or [DEFAULT_SELECTOR]
    return any(_basic(selector, record) for selector in selectors)


DEFAULT_SELECTOR: dict[str, Any] = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


def _basic(selector: dict[str, Any], record: dict[str, Any]) -> bool:
    kind = selector.get("ReadWriteType") or "All"
    if kind != "All" and record["readOnly"] != (kind == "ReadOnly"):
        return False
    if record["managementEvent"]:
        excluded = selector.get("ExcludeManagementEventSources") or []
        return (
            selector.get("IncludeManagementEvents", True) is not False
            and record["eventSource"] not in excluded
        )
    service = record["eventSource"].removesuffix(".amazonaws.com")
    data_type = record_names.DATA_RESOURCE_TYPES.get(service)
    for resource in selector.get("DataResources") or []:
        if resource.get("Type") == data_type and any(
            arn.startswith(value)
            for arn in _resource_arns(record)
            for value in resource.get("Values") or []
        ):
            return True
    return False


def _resource_arns(record: dict[str, Any]) -> list[str]:
    arns = [resource.get("ARN", "") for resource in record.get("resources", [])]
    parameters = record.get("requestParameters") or {}
    name = parameters.get("functionName")
    if isinstance(name, str):
        region, account = record["awsRegion"], record["recipientAccountId"]
        arns.append(
            name
            if name.startswith("arn:")
            else f"arn:{get_partition(region)}:lambda:{region}:{account}:function:{name}"
        )
    return arns


def _advanced(selector: dict[str, Any], record: dict[str, Any]) -> bool:
    return all(_field(condition, record) for condition in selector.get("FieldSelectors") or [])


def _field(condition: dict[str, Any], record: dict[str, Any]) -> bool:
    service = record["eventSource"].removesuffix(".amazonaws.com")
    values = {
        "eventCategory": [record["eventCategory"]],
        "readOnly": [str(record["readOnly"]).lower()],
        "eventSource": [record["eventSource"]],
        "eventName": [record["eventName"]],
        "resources.type": [record_names.DATA_RESOURCE_TYPES.get(service, "")],
        "resources.ARN": _resource_arns(record) or [""],
    }.get(condition.get("Field", ""), [""])
    tests: dict[str, Callable[[str, str], bool]] = {
        "Equals": lambda value, wanted: value == wanted,
        "StartsWith": lambda value, wanted: value.startswith(wanted),
        "EndsWith": lambda value, wanted: value.endswith(wanted),
    }
    for operator, test in tests.items():
        wanted = condition.get(operator)
        if wanted and not any(test(value, text) for value in values for text in wanted):
            return False
        unwanted = condition.get(f"Not{operator}")
        if unwanted and any(test(value, text) for value in values for text in unwanted):
            return False
    return True
