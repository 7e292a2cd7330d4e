"""A flood of the same violation becomes few alerts, loses none, and hides no other."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from compliance_checker.alert import MAXIMUM_ALERT_BYTES
from compliance_checker.coalesce import Candidate, coalesce

from tests.compliance_checker.door import Door, alert_schema, logs_event
from tests.compliance_checker.records import (
    ACCOUNT,
    ROOT,
    Record,
    flat_ingress,
    ingress,
    permission,
    record,
)


def _read(number: int, name: str = "DescribeInstances", **changes: Any) -> Record:
    """What root's looking around in the console leaves."""
    case = record("ec2", name, {}, userIdentity=ROOT, readOnly=True, event_id=f"read-{number}")
    moment = f"2026-11-20T08:{number // 60 % 60:02d}:{number % 60:02d}Z"
    return {**case, "eventTime": moment, **changes}


def test_hundreds_of_the_same_become_few_and_none_is_lost() -> None:
    door = Door()
    names = ("DescribeInstances", "DescribeVpcs", "DescribeImages")
    flood = [_read(number, names[number % 3]) for number in range(300)]
    summary = door.handle(logs_event(flood))
    assert (summary["records"], summary["violations"], summary["published"]) == (300, 300, 21)
    *single, rest = door.alerts()
    assert [alert["event"]["event_id"] for alert in single] == [f"read-{n}" for n in range(20)]
    assert not any("repeats" in alert for alert in single)
    jsonschema.validate(rest, alert_schema())
    assert rest["event"]["event_id"] == "read-20"
    assert rest["repeats"] == {
        "count": 280,
        "first_time": "2026-11-20T08:00:20Z",
        "last_time": "2026-11-20T08:04:59Z",
        "event_ids": [f"read-{number}" for number in range(20, 120)],
        "event_names": ["DescribeImages", "DescribeInstances", "DescribeVpcs"],
    }
    assert door.metrics()["Violations"] == 300
    assert door.metrics()["AlertsPublished"] == 21
    (by_rule,) = [line for line in door.lines() if "ViolationsByRule" in line]
    assert by_rule["ViolationsByRule"] == 300
    decided = {line["event_id"]: line["rules"] for line in door.said("decision")}
    assert decided == {f"read-{number}": ["root-used"] for number in range(300)}
    (line,) = door.said("alerts coalesced")
    assert line["alert_id"] == rest["alert_id"]
    assert line["repeats"]["count"] == 280


def test_twenty_one_alike_are_told_one_by_one() -> None:
    door = Door()
    door.handle(logs_event([_read(number) for number in range(21)]))
    assert len(door.alerts()) == 21
    assert not any("repeats" in alert for alert in door.alerts())


@pytest.mark.parametrize(
    "other",
    [
        _read(999, userIdentity={**ROOT, "arn": "arn:aws:iam::999999999999:root"}),
        _read(999, sourceIPAddress="203.0.113.9"),
        _read(999, awsRegion="eu-west-1"),
        _read(999, recipientAccountId="999999999999"),
        {**_read(999, "CreateAccessKey"), "readOnly": False},
        {**_read(999, "CreateAccessKey"), "readOnly": None},
        record("cloudtrail", "StopLogging", {"name": "t"}, event_id="read-999"),
    ],
)
def test_another_violation_within_a_flood_is_told_by_itself(other: Record) -> None:
    door = Door()
    flood = [_read(number) for number in range(100)]
    door.handle(logs_event([*flood[:60], other, *flood[60:]]))
    (told,) = [alert for alert in door.alerts() if alert["event"]["event_id"] == "read-999"]
    assert "repeats" not in told
    assert len(door.alerts()) == 22


def test_a_graver_opening_of_the_same_group_is_told_by_itself() -> None:
    door = Door()
    web = [
        ingress(permission("0.0.0.0/0", ports=(443, 443)), event_id=str(number))
        for number in range(50)
    ]
    door.handle(logs_event([*web, ingress(permission("0.0.0.0/0"), event_id="remote access")]))
    (told,) = [alert for alert in door.alerts() if alert["severity"] == "CRITICAL"]
    assert told["event"]["event_id"] == "remote access"
    assert "repeats" not in told


@pytest.mark.parametrize(
    ("parts", "messages"),
    [
        # How to undo a change is told for each change.
        ({"remediation": {"outcome": "applied"}}, 50),
        ({"remediation": {"outcome": "not-needed"}}, 22),
        ({"basis": "record-and-live-state"}, 22),
        ({}, 21),
    ],
)
def test_what_was_done_or_relied_on_tells_alerts_apart(
    parts: dict[str, Any], messages: int
) -> None:
    door = Door()
    case = flat_ingress("0.0.0.0/0")
    (alert,) = door.handle({"test": {"records": [case], "publish": False}})["alerts"]
    alike = [{**alert, "alert_id": str(number)} for number in range(50)]
    odd = [{**each, **parts} for each in alike]
    mixed = odd if messages == 50 else [*alike[:25], odd[25], *alike[26:]]
    notices = coalesce([Candidate(each, reads=False) for each in mixed])
    assert len(notices) == messages
    assert sorted(name for notice in notices for name in notice.stands_for) == sorted(
        each["alert_id"] for each in mixed
    )


def test_changes_by_different_calls_are_told_apart() -> None:
    door = Door()
    writes = [
        record("iam", f"Create{number % 4}", userIdentity=ROOT, event_id=str(number))
        for number in range(100)
    ]
    door.handle(logs_event(writes))
    assert len(door.alerts()) == 4 * 21


def test_each_resource_is_told_by_itself() -> None:
    door = Door()
    cases = []
    for number in range(50):
        case = flat_ingress("0.0.0.0/0", event_id=str(number))
        case["requestParameters"]["groupId"] = f"sg-{number}"
        cases.append(case)
    door.handle(logs_event(cases))
    assert {alert["resource"]["id"] for alert in door.alerts()} == {f"sg-{n}" for n in range(50)}


def test_second_delivery_of_a_flood_raises_nothing_further() -> None:
    door, other = Door(), Door()
    flood = logs_event([_read(number) for number in range(300)])
    door.handle(flood)
    assert door.handle(flood)["violations"] == 0
    assert len(door.alerts()) == 21
    assert door.decisions()["duplicate"] == 300
    # Another instance of the function tells it in the same words.
    other.handle(flood)
    assert [alert["alert_id"] for alert in other.alerts()] == [
        alert["alert_id"] for alert in door.alerts()
    ]


def test_flood_that_sns_refuses_is_kept_and_told_again() -> None:
    def refuse_the_last(entries: list[dict[str, Any]]) -> dict[str, Any]:
        refused = [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": True}
            for entry in entries
            if "repeats" in json.loads(entry["Message"])
        ]
        return {"Successful": [], "Failed": refused}

    door = Door(sns=refuse_the_last)
    flood = logs_event([_read(number) for number in range(300)])
    assert door.handle(flood)["published"] == 20
    (letter,) = door.letters()
    assert letter["reason"] == "alert not published"
    assert json.loads(letter["content"])["repeats"]["count"] == 280
    assert door.metrics()["AlertsNotPublished"] == 1
    # What did not get out is not taken for told.
    assert door.handle(flood)["violations"] == 280


def test_flood_of_hostile_texts_stays_under_the_size_limit() -> None:
    door = Door()
    door.handle(
        logs_event(
            [
                {
                    **_read(number, "\u20ac" * 250 + str(number)),
                    "eventID": f"{number}" + "\u20ac" * 300,
                    "eventTime": "no time",
                    "userAgent": "\u20ac" * 5000,
                }
                for number in range(150)
            ]
        )
    )
    rest = door.alerts()[-1]
    jsonschema.validate(rest, alert_schema())
    assert rest["repeats"]["count"] == 130
    assert rest["repeats"]["first_time"] is None
    assert len(door.bodies()[-1]) <= MAXIMUM_ALERT_BYTES


def test_test_invocation_returns_every_alert_and_publishes_few() -> None:
    door = Door()
    answer = door.handle({"test": {"records": [_read(number) for number in range(300)]}})
    assert (answer["violations"], answer["published"]) == (300, 21)
    assert len(answer["alerts"]) == 300
    assert len(door.alerts()) == 21
    assert door.alerts()[0]["account"] == ACCOUNT
