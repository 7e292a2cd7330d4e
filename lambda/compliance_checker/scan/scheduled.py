"""The scheduled scan from end to end: log, metrics, and an alert when something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..alert import MAXIMUM_MEMBERS, SCHEMA_VERSION, alert_id, bounded, cut
from ..live import Clients
from ..output import StructuredLog
from ..pipeline import AuditPipeline
from ..settings import ConfigurationError, Settings
from ..times import as_iso
from .account_scan import CHECKS, AccountScan
from .report import Report

SCAN_RULE = "account-scan"


def scan(
    settings: Settings,
    pipeline: AuditPipeline,
    log: StructuredLog,
    event: Mapping[str, Any],
    *,
    clients: Clients,
    received: int,
    seconds: float,
) -> dict[str, Any] | None:
    """Scan the account within so many seconds, log and measure it; the alert if there must be one.

    ``event`` is EventBridge's scheduled one. Raises ConfigurationError for an unknown check.
    """
    checks = settings.scan_checks or CHECKS
    if unknown := sorted(set(checks) - set(CHECKS)):
        raise ConfigurationError(f"SCAN_CHECKS names no check: {', '.join(unknown)}")
    report = AccountScan(
        pipeline.account,
        pipeline.region,
        checks=checks,
        trail_arn=pipeline.trail_arn,
        clients=clients,
        seconds=seconds,
    ).run()
    for check in report.resources:
        counts = report.counts(check)
        log.write("INFO", "scan", check=check, **counts)
        dimensions = {"Environment": settings.environment, "Check": check}
        log.write_counts(settings.metric_namespace, dimensions, counts)
    for fault in report.faults:
        log.write("WARNING", "scan fault", **fault.as_details())
    for check, error in report.not_read:
        log.write("ERROR", "scan could not read", check=check, **error.as_details())
    if report.clean:
        return None
    return summary_alert(
        report,
        event,
        account=pipeline.account,
        region=pipeline.region,
        environment=settings.environment,
        received=received,
    )


def summary_alert(
    report: Report,
    event: Mapping[str, Any],
    *,
    account: str | None,
    region: str | None,
    environment: str,
    received: int,
) -> dict[str, Any]:
    """The alert for a scan that found something; ``event`` is EventBridge's scheduled one."""
    faults = sorted(report.faults, key=lambda each: (each.severity != report.severity, each.check))
    examples = "; ".join(f"{fault.resource} {fault.what}" for fault in faults[:3])
    unread = len(report.not_read)
    reason = f"The scan of the account found {len(faults)} faults" + (
        f", such as: {examples}." if examples else "."
    )
    if unread:
        reason += f" {unread} reads brought no answer: what they would have shown may be wrong too."
    event_id = cut(event.get("id"), 256) or as_iso(received)
    details, shortened = bounded(
        {
            "checks": {check: report.counts(check) for check in report.resources},
            "faults": [fault.as_details() for fault in faults],
        }
    )
    if shortened:
        details["truncated"] = True
    alert = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": alert_id(event_id, SCAN_RULE),
        "rule": SCAN_RULE,
        "title": "Account scan found faults",
        "severity": report.severity,
        "account": account or "unknown",
        "region": region or "unknown",
        "environment": environment[:64],
        "resource": {"type": "AWS::Account", "id": account},
        "actor": dict.fromkeys(("type", "arn", "name", "source_ip_address", "user_agent")),
        "event": {
            "event_id": event_id,
            "event_name": cut(event.get("detail-type"), 256),
            "event_source": cut(event.get("source"), 256),
            "event_time": cut(event.get("time"), 64),
            "request_id": None,
        },
        "reason": reason[:2048],
        "details": details,
        "citations": ["164.308(a)(8)", "164.308(a)(1)(ii)(D)"],
        "basis": "live-state",
        "path": "schedule",
        "timing": {
            "event_time": cut(event.get("time"), 64),
            "delivered_time": None,
            "received_time": as_iso(received),
            "published_time": as_iso(received),
        },
    }
    if report.not_read:
        alert["not_read"] = [error.as_details() for _, error in report.not_read[:MAXIMUM_MEMBERS]]
    return alert
