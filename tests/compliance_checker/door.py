"""The function as Lambda runs it, with its AWS clients replaced at the door."""

from __future__ import annotations

import base64
import functools
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from compliance_checker.checker import Checker
from compliance_checker.ledger import AlertLedger
from compliance_checker.live import LiveState
from compliance_checker.output import StructuredLog
from compliance_checker.pipeline import AuditPipeline
from compliance_checker.publish import AlertPublisher, DeadLetterQueue
from compliance_checker.settings import Settings

from tests.compliance_checker.records import ACCOUNT, Record

TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:sns-compliance-alerts-dev"
QUEUE = "https://sqs.ap-southeast-1.amazonaws.com/123456789012/sqs-compliance-checker-dlq-dev"
TRAIL = "arn:aws:cloudtrail:ap-southeast-1:123456789012:trail/cloudtrail-audit-dev"
DELIVERED = 1_795_242_600_000
COMPACT = (",", ":")

Answer = Callable[[list[dict[str, Any]]], dict[str, Any]]


@functools.cache
def alert_schema() -> Any:
    path = Path(__file__).parents[2] / "verify" / "schemas" / "alert.schema.json"
    return json.loads(path.read_text(encoding="utf-8"))


def logs_payload(payload: Any) -> Record:
    """What CloudWatch Logs sends: gzip in base64."""
    data = base64.b64encode(gzip.compress(json.dumps(payload).encode()))
    return {"awslogs": {"data": data.decode("ascii")}}


def delivery(*messages: str, separators: tuple[str, str] = COMPACT) -> str:
    """A delivery as CloudWatch Logs writes it."""
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "/aws/cloudtrail/cloudtrail-audit-dev",
            "logStream": "123456789012_CloudTrail_ap-southeast-1",
            "subscriptionFilters": ["subscription-compliance-checker-dev"],
            "logEvents": [
                {"id": f"{number:056d}", "timestamp": DELIVERED, "message": message}
                for number, message in enumerate(messages)
            ],
        },
        separators=separators,
    )


def logs_event(messages: Sequence[Record | str], **changes: Any) -> Record:
    """A subscription delivery with one log event for each message."""
    return logs_payload(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "/aws/cloudtrail/cloudtrail-audit-dev",
            "logStream": "123456789012_CloudTrail_ap-southeast-1",
            "subscriptionFilters": ["subscription-compliance-checker-dev"],
            "logEvents": [
                {
                    "id": str(number),
                    "timestamp": DELIVERED,
                    "message": message if isinstance(message, str) else json.dumps(message),
                }
                for number, message in enumerate(messages)
            ],
            **changes,
        }
    )


def bus_event(record: Record, detail_type: str = "AWS API Call via CloudTrail") -> Record:
    """What EventBridge sends for one record."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": "aws." + str(record["eventSource"]).partition(".")[0],
        "account": ACCOUNT,
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }


def accept(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}


def refusing(code: str) -> Callable[[str, str | None], Any]:
    """Clients of an account that answers every read with this error code."""

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            def refuse(*_: Any, **__: Any) -> Any:
                raise ClientError({"Error": {"Code": code}}, name)

            return refuse

    return lambda service, region: Refusing()


nothing_exists = refusing("NoSuchEntity")


class Door:
    """A checker whose SNS and SQS answer as told, and remember every call."""

    def __init__(
        self,
        sns: Answer = accept,
        sqs: Answer = accept,
        *,
        queue: str | None = QUEUE,
        account: Any = None,
        settings: Mapping[str, Any] | None = None,
        ledger: AlertLedger | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.published: list[list[dict[str, Any]]] = []
        self.kept: list[list[dict[str, Any]]] = []
        self.pauses: list[float] = []
        self._log = io.StringIO()
        self._answers = {"sns": sns, "sqs": sqs}
        self.checker = Checker(
            settings=Settings(alert_topic_arn=TOPIC, environment="dev", **(settings or {})),
            pipeline=AuditPipeline(environment="dev", topic_arn=TOPIC, trail_arn=TRAIL),
            log=StructuredLog(stream=self._log),
            publisher=AlertPublisher(TOPIC, self._client, self.pauses.append),
            dead_letters=(
                DeadLetterQueue(queue, self._client, self.pauses.append) if queue else None
            ),
            live=LiveState(ACCOUNT, account or nothing_exists),
            clients=account or nothing_exists,
            ledger=ledger,
            sleep=sleep or self.pauses.append,
        )

    def _client(self, service: str) -> Any:
        return _Client(self, service)

    def answer(self, service: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
        (self.published if service == "sns" else self.kept).append(entries)
        return self._answers[service](entries)

    def handle(self, event: object) -> dict[str, Any]:
        return self.checker.handle(event, "request-1")

    def lines(self) -> list[dict[str, Any]]:
        """The function's log so far."""
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    def said(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line.get("message") == message]

    def decisions(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for line in self.said("invocation"):
            total.update(line["decisions"])
        return +total

    def metrics(self) -> dict[str, Any]:
        (line,) = [each for each in self.lines() if "Records" in each]
        return line

    def bodies(self) -> list[str]:
        return [entry["Message"] for call in self.published for entry in call]

    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies()]

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(entry["MessageBody"]) for call in self.kept for entry in call]


class _Client:
    def __init__(self, door: Door, service: str) -> None:
        self._door = door
        self._service = service

    def publish_batch(
        self,
        *,
        TopicArn: str,  # noqa: N803 - boto3's names
        PublishBatchRequestEntries: list[dict[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        assert TopicArn == TOPIC
        return self._door.answer(self._service, PublishBatchRequestEntries)

    def send_message_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[dict[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        assert QueueUrl == QUEUE
        return self._door.answer(self._service, Entries)
