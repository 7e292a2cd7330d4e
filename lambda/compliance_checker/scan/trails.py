"""Trails that do not record, cannot deliver, or record less than they have to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..live import NotReadError
from ..model import Severity
from ..record import text
from ..rules.trail import advanced_gaps, basic_gaps
from .reader import AccountReader
from .report import Report

_CHECK = "trails"
# What a trail's description must say, and what it means when it doesn't.
_DEMANDED = (
    ("LogFileValidationEnabled", "has no log file validation"),
    ("KmsKeyId", "is not encrypted with a key of one's own"),
    ("CloudWatchLogsLogGroupArn", "does not send its records to CloudWatch Logs"),
    ("IncludeGlobalServiceEvents", "does not record IAM"),
)


def check_trails(reader: AccountReader, report: Report, trail_arn: str | None) -> None:
    """Add what is wrong with the region's trails; ``trail_arn`` is that of the deployment."""
    trails = reader.read(
        "cloudtrail",
        "cloudtrail:DescribeTrails",
        "*",
        lambda client: client.describe_trails(includeShadowTrails=True)["trailList"],
    )
    report.resources[_CHECK] = len(trails)
    if not any(trail.get("IsMultiRegionTrail") for trail in trails):
        report.add(
            _CHECK,
            "AWS::CloudTrail::Trail",
            trail_arn or "*",
            "CRITICAL",
            "no trail records every region",
        )
    elif trail_arn and all(each.get("TrailARN") != trail_arn for each in trails):
        report.add(_CHECK, "AWS::CloudTrail::Trail", trail_arn, "CRITICAL", "does not exist")
    for trail in trails:
        try:
            _check_trail(reader, report, trail, ours=trail_arn in (None, trail.get("TrailARN")))
        except NotReadError as error:
            report.not_read.append((_CHECK, error))


def _check_trail(
    reader: AccountReader, report: Report, trail: Mapping[str, Any], *, ours: bool
) -> None:
    arn = str(trail.get("TrailARN"))

    def fault(severity: Severity, what: str) -> None:
        report.add(_CHECK, "AWS::CloudTrail::Trail", arn, severity, what)

    status = reader.read(
        "cloudtrail",
        "cloudtrail:GetTrailStatus",
        arn,
        lambda client: client.get_trail_status(Name=arn),
    )
    if not status.get("IsLogging"):
        fault("CRITICAL", "does not record")
    for key, what in (
        ("LatestDeliveryError", "log files"),
        ("LatestDigestDeliveryError", "digest files"),
        ("LatestCloudWatchLogsDeliveryError", "records to CloudWatch Logs"),
    ):
        if text(status.get(key)):
            fault("CRITICAL", f"cannot deliver {what}: {str(status[key])[:100]}")
    # What a trail of somebody else's records is theirs to choose.
    if ours:
        for weakness in _weaknesses(trail):
            fault("HIGH", weakness)
        for gap in _gaps(reader, arn):
            fault("HIGH", gap)


def _weaknesses(trail: Mapping[str, Any]) -> Iterator[str]:
    for key, what in _DEMANDED:
        if not trail.get(key):
            yield what


def _gaps(reader: AccountReader, arn: str) -> Iterable[str]:
    """What the trail's event selectors leave out."""
    answer = reader.read(
        "cloudtrail",
        "cloudtrail:GetEventSelectors",
        arn,
        lambda client: client.get_event_selectors(TrailName=arn),
    )
    advanced = answer.get("AdvancedEventSelectors")
    basic = [
        {key[:1].lower() + key[1:]: value for key, value in selector.items()}
        for selector in answer.get("EventSelectors") or []
    ]
    return advanced_gaps(advanced) if advanced else basic_gaps(basic)
