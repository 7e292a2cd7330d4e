"""Events of the services that find threats, faults and openings, as EventBridge has them.

Sources: GuardDuty user guide, "Processing GuardDuty findings with Amazon EventBridge"; Security Hub
user guide, "EventBridge event formats"; IAM user guide, "Monitoring IAM Access Analyzer with Amazon
EventBridge"; EventBridge's reference of events, for the kinds that each service tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from verify.events.samples import Place

Event = Mapping[str, Any]
# The kinds of events that tell of findings, by the source of the service.
Kinds = Mapping[str, Iterable[str]]

_ANALYZER, _GUARDDUTY, _HUB = "aws.access-analyzer", "aws.guardduty", "aws.securityhub"
_CALL = "AWS API Call via CloudTrail"
# What the services tell besides: previews and scans say what was looked at, insights and actions
# what somebody made of findings that are there already.
_NO_FINDINGS: Mapping[str, tuple[str, ...]] = {
    _ANALYZER: (_CALL, "Access Preview State Change"),
    _GUARDDUTY: (
        _CALL,
        "GuardDuty Malware Protection Object Scan Result",
        "GuardDuty Malware Protection Resource Status Active",
        "GuardDuty Runtime Protection Healthy",
    ),
    _HUB: (_CALL, "Security Hub Findings - Custom Action", "Security Hub Insight Results"),
    "aws.health": ("AWS Health Event",),
    "aws.inspector2": ("Inspector2 Finding",),
}
# Whoever may put events of their own chooses everything but a source that begins with "aws.".
_SOMEBODY_ELSE = "hospital.booking"


def findings(kinds: Kinds, place: Place) -> Iterator[tuple[str, Event]]:
    """Findings of each kind, each with its description.

    They differ in what a pattern could narrow them by: how grave they are, what they are about,
    whether they are new, archived or resolved.
    """
    for source, names in kinds.items():
        for kind in names:
            for which, resource, detail in _details(source, place):
                yield f"{kind}, {which}", _event(source, kind, resource, detail, place)


def others(kinds: Kinds, place: Place) -> Iterator[tuple[str, Event]]:
    """What is no finding of these services, each with its description."""
    for source, told in _NO_FINDINGS.items():
        for kind in told:
            if kind not in kinds.get(source, ()):
                yield f"{kind} of {source}", _event(source, kind, "", {"readOnly": False}, place)
    for source, names in kinds.items():
        _, resource, detail = next(_details(source, place))
        for kind in names:
            event = _event(_SOMEBODY_ELSE, kind, resource, detail, place)
            yield f"{kind} of {_SOMEBODY_ELSE}", event


def _event(source: str, kind: str, resource: str, detail: Event, place: Place) -> Event:
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": kind,
        "source": source,
        "account": place.account,
        "time": "2026-01-01T00:00:00Z",
        "region": place.region,
        "resources": [resource] if resource else [],
        "detail": detail,
    }


# Which it is, the resource that the event names, and what it says.
_Detail = tuple[str, str, Event]


def _details(source: str, place: Place) -> Iterator[_Detail]:
    """What findings of a service say; of one that is not known here, nothing."""
    known = {_ANALYZER: _openings, _GUARDDUTY: _threats, _HUB: _faults}
    if source not in known:
        yield "of whatever says", "", {}
        return
    yield from known[source](place)


def _threats(place: Place) -> Iterator[_Detail]:
    for severity, kind, about in (
        (1.0, "Recon:EC2/PortProbeUnprotectedPort", "Instance"),
        (5.5, "Policy:S3/BucketBlockPublicAccessDisabled", "S3Bucket"),
        (9.2, "AttackSequence:IAM/CompromisedCredentials", "AccessKey"),
    ):
        yield (
            f"severity {severity:g}",
            "",
            {
                "schemaVersion": "2.0",
                "accountId": place.account,
                "region": place.region,
                "partition": place.partition,
                "type": kind,
                "severity": severity,
                "resource": {"resourceType": about},
                "service": {"serviceName": "guardduty", "archived": False, "count": 1},
            },
        )


def _faults(place: Place) -> Iterator[_Detail]:
    arn = f"arn:{place.partition}:securityhub:{place.region}"
    for product, label, status, record in (
        ("securityhub", "INFORMATIONAL", "PASSED", "ACTIVE"),
        ("securityhub", "CRITICAL", "FAILED", "ACTIVE"),
        ("inspector", "MEDIUM", "WARNING", "ARCHIVED"),
    ):
        finding = f"{arn}:{place.account}:security-control/IAM.6/finding/{record.lower()}-{label}"
        yield (
            f"{label}, {status}, {record}",
            finding,
            {
                "findings": [
                    {
                        "SchemaVersion": "2018-10-08",
                        "Id": finding,
                        "ProductArn": f"{arn}::product/aws/{product}",
                        "AwsAccountId": place.account,
                        "Region": place.region,
                        "Types": ["Software and Configuration Checks"],
                        "Severity": {"Label": label},
                        "Compliance": {"Status": status},
                        "Workflow": {"Status": "NEW"},
                        "RecordState": record,
                        # The newer form of a finding, in which the same is said by these.
                        "severity": label.capitalize(),
                        "activity_name": "Create" if record == "ACTIVE" else "Close",
                    }
                ]
            },
        )


def _openings(place: Place) -> Iterator[_Detail]:
    analyzer = f"arn:{place.partition}:access-analyzer:{place.region}:{place.account}:analyzer/one"
    for status, about, public in (
        ("ACTIVE", "AWS::S3::Bucket", True),
        ("ARCHIVED", "AWS::IAM::Role", False),
        ("RESOLVED", "AWS::KMS::Key", False),
    ):
        yield (
            f"{status} of {about}",
            analyzer,
            {
                "version": "1.0",
                "id": "00000000-0000-0000-0000-000000000000",
                "status": status,
                "resourceType": about,
                "isPublic": public,
                "accountId": place.account,
                "region": place.region,
            },
        )
