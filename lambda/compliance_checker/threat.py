"""The alert for a finding of GuardDuty's, as EventBridge brings it.

A finding comes again whenever it happens again, with another time of its update: each is an alert
of its own, and one that EventBridge delivers twice is told once.
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .alert import SCHEMA_VERSION, account_of, alert_id, bounded, cut
from .model import Severity
from .record import dig, mapping, text
from .times import as_iso

THREAT_RULE = "threat-finding"
_TITLE = "GuardDuty found a threat"

# From which value on a severity has which name (GuardDuty user guide, "Severity levels").
_SEVERITIES: tuple[tuple[float, Severity], ...] = ((9, "CRITICAL"), (7, "HIGH"), (4, "MEDIUM"))

# The resource of a finding: its type there, CloudFormation's, and where its name stands.
_RESOURCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Instance": ("AWS::EC2::Instance", ("instanceDetails", "instanceId")),
    "AccessKey": ("AWS::IAM::AccessKey", ("accessKeyDetails", "userName")),
    "EKSCluster": ("AWS::EKS::Cluster", ("eksClusterDetails", "arn")),
    "ECSCluster": ("AWS::ECS::Cluster", ("ecsClusterDetails", "arn")),
    "RDSDBInstance": ("AWS::RDS::DBInstance", ("rdsDbInstanceDetails", "dbInstanceIdentifier")),
    "Lambda": ("AWS::Lambda::Function", ("lambdaDetails", "functionArn")),
}


def severity_of(value: object) -> Severity:
    """The name of a finding's severity; HIGH where it says none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "HIGH"
    return next((name for least, name in _SEVERITIES if value >= least), "LOW")


def build(
    finding: Mapping[str, Any], *, environment: str, received: int, delivered: int | None, path: str
) -> dict[str, Any]:
    """The alert for a finding (an EventBridge event's ``detail``); times in milliseconds."""
    service = mapping(finding.get("service"))
    identity = text(finding.get("id")) or text(finding.get("arn")) or as_iso(received)
    updated = cut(finding.get("updatedAt"), 64)
    details, shortened = bounded(
        {
            "finding_type": finding.get("type"),
            "finding_arn": finding.get("arn"),
            "severity": finding.get("severity"),
            "description": finding.get("description"),
            "count": service.get("count"),
            "first_seen": service.get("eventFirstSeen"),
            "last_seen": service.get("eventLastSeen"),
        }
    )
    if shortened:
        details["truncated"] = True
    said = text(finding.get("title")) or text(finding.get("type")) or "a finding without a title"
    return {
        "schema_version": SCHEMA_VERSION,
        "alert_id": alert_id(f"{identity} {updated}", THREAT_RULE),
        "rule": THREAT_RULE,
        "title": _TITLE,
        "severity": severity_of(finding.get("severity")),
        "account": account_of({"recipientAccountId": finding.get("accountId")}),
        "region": cut(finding.get("region"), 64) or "unknown",
        "environment": environment[:64],
        "resource": _resource(finding),
        "actor": _actor(finding, service),
        "event": {
            "event_id": cut(identity, 256),
            "event_name": cut(finding.get("type"), 256),
            "event_source": "guardduty.amazonaws.com",
            "event_time": updated,
            "request_id": None,
        },
        "reason": f"GuardDuty reports: {said}"[:2048],
        "details": details,
        "citations": ["164.308(a)(6)(ii)", "164.308(a)(1)(ii)(D)", "164.308(a)(5)(ii)(C)"],
        "basis": "record",
        "path": path,
        "timing": {
            "event_time": updated,
            "delivered_time": None if delivered is None else as_iso(delivered),
            "received_time": as_iso(received),
            "published_time": as_iso(received),
        },
    }


def _resource(finding: Mapping[str, Any]) -> dict[str, str | None]:
    resource = mapping(finding.get("resource"))
    kind = resource.get("resourceType")
    if kind == "S3Bucket":
        buckets = resource.get("s3BucketDetails")
        first = mapping(buckets[0]) if isinstance(buckets, list) and buckets else {}
        return {"type": "AWS::S3::Bucket", "id": cut(first.get("name"), 2048)}
    named = _RESOURCES.get(kind) if isinstance(kind, str) else None
    if named is None:
        return {"type": "AWS::GuardDuty::Finding", "id": cut(finding.get("arn"), 2048)}
    return {"type": named[0], "id": cut(dig(resource, *named[1]), 2048)}


def _actor(finding: Mapping[str, Any], service: Mapping[str, Any]) -> dict[str, str | None]:
    """Whose key was used, and from where, as far as the finding says."""
    key = mapping(dig(finding, "resource", "accessKeyDetails"))
    actions = mapping(service.get("action"))
    addresses = (text(dig(action, "remoteIpDetails", "ipAddressV4")) for action in actions.values())
    return {
        "type": cut(key.get("userType"), 128),
        "arn": None,
        "name": cut(key.get("userName"), 512),
        "source_ip_address": cut(next(filter(None, addresses), None), 256),
        "user_agent": None,
    }
