"""What GuardDuty finds is told: every finding that a rule sends, once, and with what it says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from compliance_checker.envelope import UnreadableEventError, UnsupportedEventError
from hypothesis import given
from hypothesis import strategies as st

from tests.compliance_checker.door import Door, alert_schema
from tests.compliance_checker.records import ACCOUNT, REGION, Record

_DETECTOR = f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/12abc34d567e8fa901bc2d34e56789f0"


def _finding(**changes: Any) -> Record:
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": "a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5",
        "arn": f"{_DETECTOR}/finding/a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5",
        "type": "CryptoCurrency:EC2/BitcoinTool.B!DNS",
        "resource": {
            "resourceType": "Instance",
            "instanceDetails": {"instanceId": "i-0123456789abcdef0"},
        },
        "service": {
            "serviceName": "guardduty",
            "count": 3,
            "archived": False,
            "eventFirstSeen": "2026-11-20T07:00:00.000Z",
            "eventLastSeen": "2026-11-20T08:00:00.000Z",
            "action": {
                "actionType": "NETWORK_CONNECTION",
                "networkConnectionAction": {
                    "remoteIpDetails": {"ipAddressV4": "198.51.100.7"},
                },
            },
        },
        "severity": 8,
        "createdAt": "2026-11-20T07:05:00.000Z",
        "updatedAt": "2026-11-20T08:05:00.000Z",
        "title": "Bitcoin-related domain name queried by EC2 instance i-0123456789abcdef0.",
        "description": "The instance is communicating outbound with a known Bitcoin pool.",
        **changes,
    }


def _event(finding: Any, **changes: Any) -> Record:
    return {
        "version": "0",
        "id": "c8c4daa7-a20c-2f03-0070-b7393dd542ad",
        "detail-type": "GuardDuty Finding",
        "source": "aws.guardduty",
        "account": ACCOUNT,
        "time": "2026-11-20T08:06:00Z",
        "region": REGION,
        "resources": [],
        "detail": finding,
        **changes,
    }


def _alert(finding: Any) -> dict[str, Any]:
    door = Door()
    door.handle(_event(finding))
    [alert] = door.alerts()
    jsonschema.validate(alert, alert_schema())
    return dict(alert)


def test_a_finding_is_told_with_what_it_says() -> None:
    alert = _alert(_finding())
    assert (alert["rule"], alert["severity"], alert["path"]) == (
        "threat-finding",
        "HIGH",
        "eventbridge",
    )
    assert (alert["account"], alert["region"]) == (ACCOUNT, REGION)
    assert alert["resource"] == {"type": "AWS::EC2::Instance", "id": "i-0123456789abcdef0"}
    assert alert["actor"]["source_ip_address"] == "198.51.100.7"
    assert alert["event"]["event_name"] == "CryptoCurrency:EC2/BitcoinTool.B!DNS"
    assert alert["reason"].startswith("GuardDuty reports: Bitcoin-related domain name queried")
    assert alert["details"]["count"] == 3
    assert alert["timing"]["legs"]["event_to_delivered"] == 60_000


@pytest.mark.parametrize(
    ("severity", "name"),
    [
        *((10, "CRITICAL"), (9, "CRITICAL"), (8.9, "HIGH"), (7, "HIGH")),
        *((6.9, "MEDIUM"), (4, "MEDIUM"), (3.9, "LOW")),
        *((None, "HIGH"), (True, "HIGH"), ("8", "HIGH")),
    ],
)
def test_its_severity_has_guarddutys_name(severity: object, name: str) -> None:
    assert _alert(_finding(severity=severity))["severity"] == name


@pytest.mark.parametrize(
    ("resource", "kind", "identity"),
    [
        (
            {"resourceType": "S3Bucket", "s3BucketDetails": [{"name": "patients"}]},
            "AWS::S3::Bucket",
            "patients",
        ),
        (
            {
                "resourceType": "AccessKey",
                "accessKeyDetails": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": "bob"},
            },
            "AWS::IAM::AccessKey",
            "bob",
        ),
        (
            {"resourceType": "Something new"},
            "AWS::GuardDuty::Finding",
            f"{_DETECTOR}/finding/a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5",
        ),
        ({"resourceType": "S3Bucket", "s3BucketDetails": []}, "AWS::S3::Bucket", None),
    ],
)
def test_its_resource_is_named_as_elsewhere(
    resource: Record, kind: str, identity: str | None
) -> None:
    assert _alert(_finding(resource=resource))["resource"] == {"type": kind, "id": identity}


def test_a_finding_that_comes_again_is_told_again_and_one_delivered_twice_once() -> None:
    door = Door()
    for updated in ("2026-11-20T08:05:00.000Z", "2026-11-20T08:05:00.000Z", "2026-11-20T08:20:00Z"):
        door.handle(_event(_finding(updatedAt=updated)))
    assert [alert["event"]["event_time"] for alert in door.alerts()] == [
        "2026-11-20T08:05:00.000Z",
        "2026-11-20T08:20:00Z",
    ]


def test_a_test_with_findings_alone_tells_what_would_be_told() -> None:
    door = Door()
    summary = door.handle({"test": {"findings": [_finding()], "publish": False}})
    [alert] = summary["alerts"]
    assert (alert["rule"], alert["path"]) == ("threat-finding", "test")
    assert door.alerts() == []


def test_what_is_no_finding_of_guarddutys_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedEventError, match="GuardDuty Finding"):
        Door().handle(_event(_finding(), source="own.guardduty"))
    with pytest.raises(UnreadableEventError, match=r"test.findings must be a list of GuardDuty"):
        Door().handle({"test": {"findings": ["one"]}})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=12), children, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(_finding())), _JSON)
def test_whatever_a_finding_holds_it_is_told_once_and_small(member: str, value: Any) -> None:
    alert = _alert(_finding(**{member: value}))
    assert alert["rule"] == "threat-finding"


@given(_JSON)
def test_a_finding_of_any_form_is_told(finding: Any) -> None:
    assert _alert(finding)["rule"] == "threat-finding"
