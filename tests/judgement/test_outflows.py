"""Where S3 sends what a bucket holds: by each of its configurations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from verify.policy.outflows import (
    Outflow,
    analyzed,
    inventoried,
    logged,
    notified,
    replicated,
    tabulated,
)

THERE = "arn:aws:s3:::there"


def _said(outflows: Iterable[Outflow]) -> list[str]:
    return [str(outflow) for outflow in outflows]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            {"ID": "r", "Status": "Enabled", "Destination": {"Bucket": THERE}},
            ["replication rule r copies files to arn:aws:s3:::there"],
        ),
        (
            {"Destination": {"Bucket": THERE}},
            ["replication rule without a name copies files to arn:aws:s3:::there"],
        ),
        (
            {"ID": "r", "Status": "Enabled"},
            ["replication rule r copies files to a bucket that it does not name"],
        ),
        ({"ID": "r", "Status": "Disabled", "Destination": {"Bucket": THERE}}, []),
    ],
)
def test_replication(rule: dict[str, Any], said: list[str]) -> None:
    assert _said(replicated({"Role": "a role", "Rules": [rule]})) == said


def test_inventories() -> None:
    to = {"S3BucketDestination": {"Bucket": THERE, "Format": "CSV"}}
    found: list[dict[str, Any]] = [
        {"Id": "on", "IsEnabled": True, "Destination": to},
        {"Id": "silent", "Destination": to},
        {"Id": "off", "IsEnabled": False, "Destination": to},
        {"Id": "lost", "IsEnabled": True},
    ]
    assert _said(inventoried(found)) == [
        "inventory on lists files to arn:aws:s3:::there",
        "inventory silent lists files to arn:aws:s3:::there",
        "inventory lost lists files to a bucket that it does not name",
    ]


def test_analysis_goes_nowhere_unless_it_is_exported() -> None:
    export = {"Destination": {"S3BucketDestination": {"Bucket": THERE}}}
    found = [
        {"Id": "kept", "StorageClassAnalysis": {}},
        {"Id": "sent", "StorageClassAnalysis": {"DataExport": export}},
    ]
    assert _said(analyzed(found)) == ["analysis sent is exported to arn:aws:s3:::there"]


def test_metadata_tables() -> None:
    arn = "arn:aws:s3tables:eu-west-1:123456789012:bucket/aws-s3"
    assert _said(tabulated({"DestinationResult": {"TableBucketArn": arn}})) == [
        f"metadata tables list files to {arn}"
    ]
    assert _said(tabulated({})) == [
        "metadata tables list files to a table bucket that it does not name"
    ]


def test_notifications_of_every_kind() -> None:
    assert _said(notified({})) == []
    assert _said(
        notified(
            {
                "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:topic"}],
                "QueueConfigurations": [{"QueueArn": "arn:queue"}],
                "LambdaFunctionConfigurations": [{"Id": "l", "LambdaFunctionArn": "arn:function"}],
                "EventBridgeConfiguration": {},
                "PigeonConfigurations": [{"Id": "p", "PigeonArn": "arn:pigeon"}],
            }
        )
    ) == [
        "notification t to arn:topic",
        "notification without a name to arn:queue",
        "notification l to arn:function",
        "notifications to EventBridge",
        "notification p to a place of PigeonConfigurations",
    ]


def test_access_logs_and_whom_they_are_granted_to() -> None:
    assert _said(logged({}, "aws")) == []
    grant = {"Grantee": {"ID": "79a59df9", "Type": "CanonicalUser"}, "Permission": "READ"}
    enabled = {"TargetBucket": "there", "TargetPrefix": "", "TargetGrants": [grant]}
    assert _said(logged({"LoggingEnabled": enabled}, "aws-cn")) == [
        "access logs to arn:aws-cn:s3:::there",
        "access logs with READ to grantee 79a59df9",
    ]
