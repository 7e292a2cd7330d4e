"""The security-group probe: opens a rule, waits for the alert that names it, removes everything."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import tenacity

from verify.aws import NotVerifiedError, evidence_used
from verify.live_fire import owner, sweep
from verify.live_fire.progress import Progress
from verify.reads import Read
from verify.report.model import AlertTiming, Leg
from verify.run import Run

PORT = 22
SOURCE = "0.0.0.0/0"
_POLL_SECONDS = 5  # how long SQS holds an answer open for a message


@dataclass(frozen=True)
class Alert:
    """An alert as it came: the body, the envelope's and queue's times, and ours."""

    body: Mapping[str, Any]
    attributes: Mapping[str, str]
    notification_time: datetime | None  # SNS's Timestamp
    sent_time: datetime | None  # SQS's SentTimestamp
    received_time: datetime
    received_clock: float


@dataclass
class ProbeResult:
    """What the probe did and saw. `alert` is None when none came in time."""

    group: str = ""
    queue: str = ""
    call_started: datetime | None = None
    call_ended: datetime | None = None
    call_clock: float = 0.0
    call_seconds: float = 0.0
    clock_offset: timedelta = timedelta()  # AWS's clock minus ours, by the call's Date header
    alert: Alert | None = None
    duplicates: int = 0
    strangers: int = 0  # alerts that named something else
    interrupted: bool = False
    swept: sweep.Left = field(default_factory=lambda: sweep.Left((), (), ()))
    left: sweep.Left = field(default_factory=lambda: sweep.Left((), (), ()))
    not_removed: list[str] = field(default_factory=list)  # why a removal failed
    evidence: list[str] = field(default_factory=list)


class SecurityGroupProbe:
    """Runs in a thread of its own, so that everything else runs while the alert is on its way."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self._run = run
        self._progress = progress
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="security-group-probe")
        self._future: Future[ProbeResult] | None = None
        self._stopping = threading.Event()

    def fire(self) -> None:
        """Start. Returns at once."""
        self._future = self._executor.submit(self._work)

    def result(self) -> ProbeResult:
        """Wait until the probe has ended and cleaned up.

        Raises NotVerifiedError when it could not act on the account or could not clean up.
        """
        if self._future is None:
            raise NotVerifiedError("the probe was not fired")
        limit = self._run.settings.alert_timeout
        while True:
            try:
                return self._future.result(timeout=1.0)
            except TimeoutError:
                self._progress.waiting("the alert for the opened security-group rule", limit)

    def stop(self) -> None:
        """End the wait, if it still lasts, and wait for the clean-up."""
        self._stopping.set()
        self._executor.shutdown(wait=True)

    def _work(self) -> ProbeResult:
        with evidence_used() as evidence:
            result = self._fire_and_wait()
        result.evidence = evidence
        return result

    def _fire_and_wait(self) -> ProbeResult:
        result = ProbeResult()
        aws, topic = self._run.aws, self._run.deployment.alert_topic_arn
        result.swept = sweep.find(aws, topic)
        sweep.remove(aws, result.swept)
        # Each removal is registered before the act that makes it necessary.
        with ExitStack() as removals:
            self._listen(result, removals)
            self._open(result, removals)
            self._wait(result)
        result.left = sweep.find(aws, topic, run_id=self._run.settings.run_id)
        return result

    def _listen(self, result: ProbeResult, removals: ExitStack) -> None:
        """A queue of our own on the alert topic."""
        aws, deployment, settings = self._run.aws, self._run.deployment, self._run.settings
        name = owner.NAME_PREFIX + settings.run_id.lower()
        arn = f"arn:{deployment.partition}:sqs:{deployment.region}:{deployment.account_id}:{name}"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": deployment.alert_topic_arn}},
                }
            ],
        }
        removals.callback(self._try_to, self._remove_queue_by_name, name, result)
        created = aws.act(
            "sqs",
            "create_queue",
            QueueName=name,
            Attributes={"Policy": json.dumps(policy), "MessageRetentionPeriod": "3600"},
            tags=owner.tags(settings.run_id, settings.alert_timeout),
        )
        result.queue = created["QueueUrl"]
        removals.callback(self._try_to, self._remove_subscription, name, result)
        aws.act(
            "sns",
            "subscribe",
            TopicArn=deployment.alert_topic_arn,
            Protocol="sqs",
            Endpoint=arn,
            ReturnSubscriptionArn=True,
        )

    def _open(self, result: ProbeResult, removals: ExitStack) -> None:
        """A security group that is attached to nothing, with one rule that must raise the alert."""
        aws, settings = self._run.aws, self._run.settings
        name = owner.NAME_PREFIX + settings.run_id.lower()
        removals.callback(self._try_to, self._remove_group_by_name, name, result)
        tags = owner.tags(settings.run_id, settings.alert_timeout)
        created = aws.act(
            "ec2",
            "create_security_group",
            GroupName=name,
            Description="Trailwarden live fire: attached to nothing, removed within minutes",
            VpcId=self._run.deployment.vpc_id,
            TagSpecifications=[
                {
                    "ResourceType": "security-group",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
        result.group = created["GroupId"]
        result.call_started, result.call_clock = datetime.now(UTC), time.monotonic()
        answer = aws.act(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=result.group,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": PORT,
                    "ToPort": PORT,
                    "IpRanges": [{"CidrIp": SOURCE, "Description": "Trailwarden live fire"}],
                }
            ],
        )
        result.call_seconds = time.monotonic() - result.call_clock
        result.call_ended = datetime.now(UTC)
        result.clock_offset = _clock_offset(answer, result.call_ended)

    def _wait(self, result: ProbeResult) -> None:
        """Poll the queue until the alert that names the group has come, or time is over."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(self._run.settings.alert_timeout),
                tenacity.stop_when_event_set(self._stopping),
            ),
            wait=tenacity.wait_none(),  # SQS itself holds each poll open
            retry=tenacity.retry_if_result(lambda alert: alert is None),
            retry_error_callback=lambda _: None,
        )
        result.alert = retrying(self._poll, result)
        result.interrupted = result.alert is None and self._stopping.is_set()

    def _poll(self, result: ProbeResult) -> Alert | None:
        answer = self._run.aws.poll(
            "sqs",
            "receive_message",
            worth_keeping=lambda response: response.get("Messages"),
            QueueUrl=result.queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=_POLL_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        mine: Alert | None = None
        for message in answer.get("Messages", []):
            alert = read_alert(message, datetime.now(UTC), time.monotonic())
            if alert is None or not names(alert, result.group):
                result.strangers += 1
            elif mine is None:
                mine = alert
            else:
                result.duplicates += 1
        return mine

    def _try_to(self, remove: Callable[[str], None], name: str, result: ProbeResult) -> None:
        """Remove, and keep what went wrong: it does not undo what the probe has seen."""
        try:
            remove(name)
        except NotVerifiedError as error:
            result.not_removed.append(str(error))

    def _remove_subscription(self, queue_name: str) -> None:
        topic = self._run.deployment.alert_topic_arn
        for arn, queue in sweep.subscriptions(self._run.aws, topic):
            if queue == queue_name:
                self._run.aws.act("sns", "unsubscribe", SubscriptionArn=arn)

    def _remove_queue_by_name(self, name: str) -> None:
        answer = self._run.aws.read_again(Read("sqs", "list_queues", {"QueueNamePrefix": name}))
        for url in (answer.response or {}).get("QueueUrls", []):
            sweep.delete_queue(self._run.aws, url)

    def _remove_group_by_name(self, name: str) -> None:
        filters = [
            {"Name": "group-name", "Values": [name]},
            {"Name": "vpc-id", "Values": [self._run.deployment.vpc_id]},
        ]
        answer = self._run.aws.read_again(
            Read("ec2", "describe_security_groups", {"Filters": filters})
        )
        for group in (answer.response or {}).get("SecurityGroups", []):
            sweep.delete_group(self._run.aws, group["GroupId"])


def read_alert(message: Mapping[str, Any], now: datetime, clock: float) -> Alert | None:
    """The alert in an SQS message that SNS sent, None when it holds no alert."""
    try:
        envelope = json.loads(message["Body"])
        body = json.loads(envelope["Message"])
        attributes = {
            name: str(value["Value"])
            for name, value in envelope.get("MessageAttributes", {}).items()
        }
        sent = message.get("Attributes", {}).get("SentTimestamp")
        notified = envelope.get("Timestamp")
        return Alert(
            body=body if isinstance(body, Mapping) else {},
            attributes=attributes,
            notification_time=datetime.fromisoformat(notified) if notified else None,
            sent_time=datetime.fromtimestamp(int(sent) / 1000, UTC) if sent else None,
            received_time=now,
            received_clock=clock,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def names(alert: Alert, group: str) -> bool:
    """Whether `alert` is about the security group `group`."""
    resource = alert.body.get("resource")
    return isinstance(resource, Mapping) and resource.get("id") == group


def timing(result: ProbeResult, alert: Alert, target_seconds: float) -> AlertTiming:
    """How long each leg of the alert's way took.

    CloudTrail gives the time of an event in whole seconds, so the event is placed at the start of
    the call when both fall into the same second. Times of different clocks (AWS's and ours) are
    compared after `clock_offset`.
    """
    times = alert.body.get("timing")
    said = times if isinstance(times, Mapping) else {}
    event = _time(said.get("event_time"))
    started = None if result.call_started is None else result.call_started + result.clock_offset
    if event and started and started.replace(microsecond=0) <= event <= started:
        event = started
    points = [
        ("trail", event, _time(said.get("delivered_time"))),
        ("log group", _time(said.get("delivered_time")), _time(said.get("received_time"))),
        ("function", _time(said.get("received_time")), _time(said.get("published_time"))),
        ("SNS", _time(said.get("published_time")), alert.sent_time),
        ("received", alert.sent_time, alert.received_time + result.clock_offset),
    ]
    legs = [Leg("API call", round(result.call_seconds, 3))]
    legs += [
        Leg(name, None if a is None or b is None else round((b - a).total_seconds(), 3))
        for name, a, b in points
    ]
    return AlertTiming(
        probe="opened security-group rule",
        legs=tuple(legs),
        total_seconds=round(alert.received_clock - result.call_clock, 3),
        target_seconds=target_seconds,
    )


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _clock_offset(answer: Mapping[str, Any], now: datetime) -> timedelta:
    """AWS's clock minus ours; less than two seconds cannot be told from the header's rounding."""
    header = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not header:
        return timedelta()
    offset = parsedate_to_datetime(header) - now
    return offset if abs(offset) > timedelta(seconds=2) else timedelta()
