"""The function from an invocation to what it publishes, keeps, logs and measures."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber
from compliance_checker import handler as handler_module
from compliance_checker.dispatch import LostRecordsError
from compliance_checker.envelope import (
    MAXIMUM_DECOMPRESSED_BYTES,
    UnreadableEventError,
    UnsupportedEventError,
)
from compliance_checker.publish import AlertPublisher
from compliance_checker.settings import ConfigurationError, Settings
from compliance_checker.times import as_iso, from_iso, now

from tests.compliance_checker.door import (
    TOPIC,
    Answer,
    Door,
    accept,
    alert_schema,
    bus_event,
    logs_event,
    logs_payload,
)
from tests.compliance_checker.records import (
    ACCOUNT,
    Record,
    flat_ingress,
    ingress,
    permission,
    record,
)
from tests.compliance_checker.violations import VIOLATIONS

LAMBDA = Path(__file__).parents[2] / "lambda"
OPEN = flat_ingress("0.0.0.0/0")
QUIET = record("ec2", "RevokeSecurityGroupIngress", {"groupId": "sg-0a"}, event_id="quiet")


def _open(event_id: str, group: str = "sg-0a") -> Record:
    case = flat_ingress("0.0.0.0/0", event_id=event_id)
    case["requestParameters"]["groupId"] = group
    return case


def _refuse(code: str, *, times: int = 99, sender: bool = False) -> Answer:
    calls = 0

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls > times:
            return accept(entries)
        failed = [{"Id": each["Id"], "Code": code, "SenderFault": sender} for each in entries]
        return {"Successful": [], "Failed": failed}

    return answer


def _raise(error: Exception) -> Answer:
    def answer(_: list[dict[str, Any]]) -> dict[str, Any]:
        raise error

    return answer


def test_alert_says_who_did_what_when_and_where() -> None:
    door = Door()
    summary = door.handle(logs_event([OPEN]))
    assert summary == {
        "source": "logs",
        "records": 1,
        "violations": 1,
        "published": 1,
        "unprocessable": 0,
    }
    ((entry,),) = door.published
    assert entry["Subject"] == f"[CRITICAL] Security group opened to the Internet ({ACCOUNT})"
    assert entry["MessageAttributes"] == {
        "rule": {"DataType": "String", "StringValue": "security-group-open-to-internet"},
        "severity": {"DataType": "String", "StringValue": "CRITICAL"},
        "account": {"DataType": "String", "StringValue": ACCOUNT},
        "region": {"DataType": "String", "StringValue": "ap-southeast-1"},
    }
    (alert,) = door.alerts()
    jsonschema.validate(alert, alert_schema())
    timing = alert.pop("timing")
    assert alert == {
        "schema_version": "1.0",
        "alert_id": "09092fe6f67cb8eada21ae263bd21489481ee5b14a7621336702ef0d193b8f67",
        "rule": "security-group-open-to-internet",
        "title": "Security group opened to the Internet",
        "severity": "CRITICAL",
        "account": ACCOUNT,
        "region": "ap-southeast-1",
        "environment": "dev",
        "resource": {"type": "AWS::EC2::SecurityGroup", "id": "sg-0a"},
        "actor": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/ada",
            "name": "ada",
            "source_ip_address": "198.51.100.7",
            "user_agent": "aws-cli/2.22.0",
        },
        "event": {
            "event_id": "11111111-2222-3333-4444-555555555555",
            "event_name": "AuthorizeSecurityGroupIngress",
            "event_source": "ec2.amazonaws.com",
            "event_time": "2026-11-20T08:30:00Z",
            "request_id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        },
        "reason": "Security group sg-0a now admits tcp 22 from 0.0.0.0/0. Anyone on the Internet "
        "can reach whatever the group is attached to.",
        "details": {
            "exposures": [{"protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "0.0.0.0/0"}]
        },
        "citations": ["164.312(a)(1)", "164.312(e)(1)"],
        "basis": "record",
        "path": "logs",
    }
    assert timing["legs"]["event_to_delivered"] == 79_200_000
    assert timing["event_time"] == "2026-11-20T08:30:00Z"
    assert timing["delivered_time"] == "2026-11-21T06:30:00.000Z"
    assert timing["received_time"] <= timing["published_time"]


@pytest.mark.parametrize("case", [pytest.param(case, id=what) for what, case, _ in VIOLATIONS])
def test_alert_of_every_rule_keeps_to_the_schema(case: Record) -> None:
    door = Door()
    door.handle(logs_event([case]))
    assert door.alerts()
    for alert in door.alerts():
        jsonschema.validate(alert, alert_schema())


def test_one_bad_record_never_loses_the_others() -> None:
    door = Door()
    summary = door.handle(
        logs_event([_open("a"), '{"eventName": "StopLogging", "x', "[1]", QUIET, _open("b")])
    )
    assert summary["violations"] == 2
    assert summary["unprocessable"] == 2
    assert [alert["event"]["event_id"] for alert in door.alerts()] == ["a", "b"]
    assert [(letter["reason"], letter["log_event_id"]) for letter in door.letters()] == [
        ("broken JSON", "1"),
        ("broken JSON", "2"),
    ]
    assert door.letters()[0]["content"] == '{"eventName": "StopLogging", "x'
    assert door.letters()[0]["log_group"] == "/aws/cloudtrail/cloudtrail-audit-dev"


def test_malformed_log_event_is_kept() -> None:
    door = Door()
    door.handle(logs_event([], logEvents=[{"id": "1"}, 7, {"message": json.dumps(OPEN)}]))
    assert len(door.alerts()) == 1
    assert [letter["reason"] for letter in door.letters()] == ["malformed log event"] * 2


def test_record_nested_too_deeply_is_kept() -> None:
    door = Door()
    deep = '{"eventName":' + "[" * 100_000
    assert door.handle(logs_event([deep, OPEN]))["violations"] == 1
    (letter,) = door.letters()
    assert letter["error"] == "nested too deeply"


def test_what_was_decided_on_each_record_is_logged() -> None:
    door = Door()
    refused = flat_ingress("0.0.0.0/0", event_id="refused", errorCode="AccessDenied")
    read = json.dumps(
        {"eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances"},
        separators=(",", ":"),
    )
    harmless = flat_ingress("10.0.0.0/8", event_id="harmless")
    door.handle(logs_event([_open("open"), _open("open"), refused, harmless, read]))
    decided = {
        (line["event_id"], line["log_event_id"]): (line["decision"], line["rules"])
        for line in door.said("decision")
    }
    assert decided == {
        ("open", "0"): ("violation", ["security-group-open-to-internet"]),
        ("open", "1"): ("duplicate", []),
        ("refused", "2"): ("failed-call", []),
        ("harmless", "3"): ("pass", []),
    }
    assert door.decisions() == {
        "violation": 1,
        "duplicate": 1,
        "failed-call": 1,
        "pass": 1,
        "not-concerned": 1,
    }


def test_metrics_are_in_the_embedded_format() -> None:
    door = Door()
    door.handle(logs_event([_open("a"), _open("b"), flat_ingress("10.0.0.0/8", event_id="c")]))
    line = door.metrics()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Trailwarden/ComplianceChecker"
    assert directive["Dimensions"] == [["Environment"]]
    named = {metric["Name"] for metric in directive["Metrics"]}
    assert named <= set(line)
    assert (line["Records"], line["RecordsPassed"], line["Violations"]) == (3, 1, 2)
    (by_rule,) = [each for each in door.lines() if "ViolationsByRule" in each]
    assert (by_rule["Rule"], by_rule["ViolationsByRule"]) == ("security-group-open-to-internet", 2)


def test_latency_is_measured_from_the_event() -> None:
    door = Door()
    door.handle(logs_event([{**OPEN, "eventTime": as_iso(now() - 90_000)}]))
    (latency,) = door.metrics()["AlertLatency"]
    assert 90_000 <= latency < 100_000


def test_latencies_keep_the_limit_of_the_embedded_format() -> None:
    door = Door()
    recent = as_iso(now() - 1000)
    door.handle(logs_event([{**_open(str(n)), "eventTime": recent} for n in range(120)]))
    assert len(door.metrics()["AlertLatency"]) == 100


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T02:00:00+01:00", 3_600_000),
        ("1969-12-31T00:00:00Z", None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
        (7, None),
    ],
)
def test_event_time_is_read(text: object, milliseconds: int | None) -> None:
    assert from_iso(text) == milliseconds


def test_second_delivery_raises_nothing_further() -> None:
    door = Door()
    door.handle(logs_event([OPEN]))
    assert door.handle(logs_event([OPEN]))["violations"] == 0
    assert len(door.alerts()) == 1


def test_alert_that_could_not_be_published_is_not_taken_for_published() -> None:
    door = Door(sns=_refuse("InternalError", times=3))
    door.handle(logs_event([OPEN]))
    assert door.handle(logs_event([OPEN]))["published"] == 1


def test_records_without_id_are_told_apart() -> None:
    door = Door()
    first, second = _open(""), flat_ingress("::/0", event_id="")
    assert door.handle(logs_event([first, second, first]))["violations"] == 2


def test_batches_hold_ten() -> None:
    door = Door()
    door.handle(logs_event([_open(str(number), f"sg-{number}") for number in range(23)]))
    assert [len(call) for call in door.published] == [10, 10, 3]


def test_batches_stay_under_the_size_limit() -> None:
    huge = [
        {
            **_open(str(number)),
            "userAgent": "\u20ac" * 40_000,
            "sourceIPAddress": "\u20ac" * 40_000,
            "requestParameters": {
                "groupId": "\u20ac" * 9000,
                "ipPermissions": {
                    "items": [
                        {
                            "ipProtocol": f"{index}" + "\u20ac" * 900,
                            "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
                        }
                        for index in range(30)
                    ]
                },
            },
        }
        for number in range(12)
    ]
    door = Door()
    assert door.handle(logs_event(huge))["published"] == 12
    for call in door.published:
        size = sum(len(entry["Message"]) + len(entry["Subject"]) + 400 for entry in call)
        assert size <= 262_144
    for alert in door.alerts():
        jsonschema.validate(alert, alert_schema())
        assert alert["details"]["truncated"] is True


def test_details_that_were_cut_say_so() -> None:
    many = [permission("0.0.0.0/0", ports=(port, port)) for port in range(8000, 8021)]
    door = Door()
    door.handle(logs_event([ingress(*many[:20], event_id="a"), ingress(*many, event_id="b")]))
    whole, cut = door.alerts()
    assert len(whole["details"]["exposures"]) == 20
    assert "truncated" not in whole["details"]
    assert len(cut["details"]["exposures"]) == 20
    assert cut["details"]["truncated"] is True


def test_control_message_is_passed_over() -> None:
    door = Door()
    event = logs_event(
        ["CWL CONTROL MESSAGE: Checking health of destination"], messageType="CONTROL_MESSAGE"
    )
    assert door.handle(event)["records"] == 0
    assert not door.published
    assert not door.kept


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"awslogs": {}}, "awslogs.data is not a string"),
        ({"awslogs": {"data": "%%%"}}, "awslogs.data is"),
        ({"awslogs": {"data": "caf\u00e9"}}, "not base64"),
        ({"awslogs": {"data": base64.b64encode(b"plain").decode()}}, "not gzip"),
        (
            {"awslogs": {"data": base64.b64encode(gzip.compress(b"{}")[:-9]).decode()}},
            "cut short",
        ),
        (
            {"awslogs": {"data": base64.b64encode(gzip.compress(b"{")).decode()}},
            "does not hold JSON",
        ),
        ({"awslogs": {"data": base64.b64encode(gzip.compress(b"[" * 99999)).decode()}}, "nested"),
        (logs_payload([1]), "JSON object"),
        (logs_payload({"messageType": "OTHER"}), "unknown messageType 'OTHER'"),
        (logs_payload({"messageType": "DATA_MESSAGE", "logEvents": {}}), "not a list"),
        ({"detail-type": "AWS API Call via CloudTrail", "detail": []}, "detail"),
    ],
)
def test_unreadable_delivery_is_kept(event: Record, error: str) -> None:
    door = Door()
    assert door.handle(event)["unprocessable"] == 1
    (letter,) = door.letters()
    assert letter["reason"] == "unreadable event"
    assert error in letter["error"]
    assert not door.published


def test_decompression_is_bounded() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * (MAXIMUM_DECOMPRESSED_BYTES + 1))).decode()
    door = Door()
    door.handle({"awslogs": {"data": bomb}})
    assert "holds more than" in door.letters()[0]["error"]


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        {},
        {"Records": []},
        {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {}},
        {"source": "custom", "detail-type": "Scheduled Event", "detail": {}},
    ],
)
def test_unsupported_event_is_a_clear_error(event: object) -> None:
    door = Door()
    with pytest.raises(UnsupportedEventError):
        door.handle(event)
    (line,) = door.said("unsupported event")
    assert line["level"] == "ERROR"
    assert line["error"]


def test_event_bridge_delivers_the_record_in_its_detail() -> None:
    door = Door()
    for detail_type in ("AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail"):
        door.handle(bus_event(_open(detail_type), detail_type))
    assert [alert["event"]["event_id"] for alert in door.alerts()] == [
        "AWS API Call via CloudTrail",
        "AWS Console Sign In via CloudTrail",
    ]
    assert {alert["path"] for alert in door.alerts()} == {"eventbridge"}
    timing = door.alerts()[0]["timing"]
    assert timing["delivered_time"] == as_iso(from_iso(timing["event_time"]) or 0)
    assert timing["legs"]["event_to_delivered"] == 0
    assert timing["legs"]["delivered_to_received"] == timing["legs"]["event_to_received"] > 0


@pytest.mark.parametrize("told", [None, 5, "", "yesterday", {}])
def test_event_bridge_may_not_say_when_it_had_the_event(told: object) -> None:
    door = Door()
    door.handle({**bus_event(_open("e")), "time": told})
    timing = door.alerts()[0]["timing"]
    assert timing["delivered_time"] is None
    assert timing["legs"]["event_to_delivered"] is None
    assert timing["legs"]["event_to_received"] > 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"source": "custom.ec2"}, id="whoever may PutEvents"),
        pytest.param({"source": "AWS.ec2"}, id="another spelling"),
        pytest.param({"source": None}, id="no source"),
        pytest.param({"account": "999999999999"}, id="the envelope of another account"),
        pytest.param({"account": None}, id="no account"),
        pytest.param({"detail-type": "Order Placed"}, id="no call"),
    ],
)
def test_what_did_not_come_from_cloudtrail_is_refused(change: dict[str, Any]) -> None:
    door = Door()
    with pytest.raises(UnsupportedEventError):
        door.handle({**bus_event(OPEN), **change})
    assert not door.published
    assert not door.kept


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(logs_event([OPEN]), id="subscription"),
        pytest.param(bus_event(OPEN), id="EventBridge"),
        pytest.param({"source": "aws.events", "detail-type": "Scheduled Event"}, id="schedule"),
        pytest.param({"awslogs": {"data": "forged"}}, id="broken"),
    ],
)
def test_the_rehearsing_alias_serves_tests_alone(event: Record) -> None:
    door = Door()
    with pytest.raises((UnsupportedEventError, UnreadableEventError)):
        door.checker.handle(event, "request-1", rehearse=True)
    assert not door.published
    assert not door.kept


def test_the_rehearsing_alias_never_publishes() -> None:
    door = Door()
    event = {"test": {"records": [OPEN], "publish": True}}
    answer = door.checker.handle(event, "request-1", rehearse=True)
    assert [alert["path"] for alert in answer["alerts"]] == ["test"]
    assert not door.published


def test_the_alias_is_known_by_the_arn_that_was_invoked(monkeypatch: pytest.MonkeyPatch) -> None:
    function = f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:lambda-compliance-checker-dev"
    door = Door()
    monkeypatch.setattr(handler_module, "_checker", lambda: door.checker)
    event = {"test": {"records": [OPEN], "publish": True}}

    def invoke(arn: str) -> None:
        context = SimpleNamespace(aws_request_id="request-1", invoked_function_arn=arn)
        handler_module.handler(event, context)

    invoke(f"{function}:rehearsal")
    assert not door.published
    # Neither another alias nor a function of that name rehearses.
    for count, arn in enumerate((function, f"{function}:live", f"{function[:-26]}rehearsal"), 1):
        invoke(arn)
        assert len(door.published) == count


def test_test_invocation_returns_the_alerts_and_publishes_them_each_time() -> None:
    door = Door()
    event = {"test": {"records": [OPEN, QUIET]}}
    for _ in range(2):
        answer = door.handle(event)
        assert (answer["violations"], answer["published"]) == (1, 1)
        jsonschema.validate(answer["alerts"][0], alert_schema())
    assert len(door.alerts()) == 2


def test_test_invocation_can_keep_quiet() -> None:
    door = Door()
    answer = door.handle({"test": {"records": [OPEN], "publish": False}})
    assert (answer["violations"], answer["published"], len(answer["alerts"])) == (1, 0, 1)
    assert not door.published


@pytest.mark.parametrize(
    "test",
    [
        None,
        {},
        {"records": "x"},
        {"records": [1]},
        {"records": [], "publish": "no"},
        {"records": [{}] * 501},
    ],
)
def test_broken_test_invocation_says_so(test: object) -> None:
    door = Door()
    with pytest.raises(UnreadableEventError, match="test"):
        door.handle({"test": test})
    assert not door.kept


def test_refused_entries_are_tried_again_alone() -> None:
    calls = 0

    def answer(entries: list[dict[str, Any]]) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls == 1:
            return {
                "Failed": [{"Id": entries[1]["Id"], "Code": "InternalError", "SenderFault": False}]
            }
        return accept(entries)

    door = Door(sns=answer)
    assert door.handle(logs_event([_open("a"), _open("b"), _open("c")]))["published"] == 3
    assert [len(call) for call in door.published] == [3, 1]
    assert door.published[0][1] == door.published[1][0]
    assert not door.kept


@pytest.mark.parametrize(
    ("sns", "attempts", "code"),
    [
        (_refuse("InternalError"), 3, "InternalError"),
        (_refuse("InvalidParameter", sender=True), 1, "InvalidParameter"),
        (_raise(EndpointConnectionError(endpoint_url="x")), 3, "EndpointConnectionError"),
        (_raise(ClientError({"Error": {"Code": "Throttling"}}, "PublishBatch")), 3, "Throttling"),
        (
            _raise(ClientError({"Error": {"Code": "AuthorizationError"}}, "PublishBatch")),
            1,
            "AuthorizationError",
        ),
    ],
)
def test_alert_that_sns_refuses_is_kept(sns: Answer, attempts: int, code: str) -> None:
    door = Door(sns=sns)
    summary = door.handle(logs_event([OPEN]))
    assert (summary["violations"], summary["published"]) == (1, 0)
    assert len(door.published) == attempts
    (letter,) = door.letters()
    assert (letter["reason"], letter["error"]) == ("alert not published", code)
    jsonschema.validate(json.loads(letter["content"]), alert_schema())
    assert door.metrics()["AlertsNotPublished"] == 1


@pytest.mark.parametrize("door", [Door(sqs=_refuse("InternalError")), Door(queue=None)])
def test_what_can_neither_be_processed_nor_kept_fails_the_invocation(door: Door) -> None:
    with pytest.raises(LostRecordsError, match="1 items"):
        door.handle(logs_event(["{broken", OPEN]))
    assert len(door.alerts()) == 1  # published before, and known as such in the retry
    with pytest.raises(LostRecordsError):
        door.handle(logs_event(["{broken", OPEN]))
    assert len(door.alerts()) == 1


def test_letter_stays_under_the_size_limit() -> None:
    door = Door()
    door.handle(logs_event(["\u20ac" * 250_000]))
    ((entry,),) = door.kept
    assert len(entry["MessageBody"]) < 262_144
    assert json.loads(entry["MessageBody"])["truncated"] is True


def test_access_keys_are_not_told() -> None:
    door = Door()
    key = "AKIAIOSFODNN7EXAMPLE"
    door.handle(logs_event([{**OPEN, "userAgent": f"tool {key}"}]))
    assert key not in door.bodies()[0]
    assert door.alerts()[0]["actor"]["user_agent"] == "tool AKIA****"


def test_calls_are_what_sns_accepts() -> None:
    """Against botocore's own model of PublishBatch, not only against our fake."""
    client: Any = boto3.client(
        "sns", region_name="ap-southeast-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        stub.add_response(
            "publish_batch",
            {"Successful": [{"Id": "0"}], "Failed": []},
            {"TopicArn": TOPIC, "PublishBatchRequestEntries": ANY},
        )
        (alert,) = Door().handle({"test": {"records": [OPEN], "publish": False}})["alerts"]
        assert AlertPublisher(TOPIC, lambda _: client).publish([alert]) == []


def test_missing_topic_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match="ALERT_TOPIC_ARN"):
        Settings.from_environment({})


def test_handler_is_imported_without_aws_clients() -> None:
    code = (
        "import sys, compliance_checker.handler\n"
        "print([name for name in ('boto3', 'botocore') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=LAMBDA, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_handler_runs_as_lambda_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from compliance_checker import handler

    monkeypatch.setenv("ALERT_TOPIC_ARN", TOPIC)
    monkeypatch.setenv("ENVIRONMENT", "dev")
    handler._checker.cache_clear()
    context = type("Context", (), {"aws_request_id": "r"})()
    answer = handler.handler({"test": {"records": [OPEN], "publish": False}}, context)
    handler._checker.cache_clear()
    assert answer["violations"] == 1
