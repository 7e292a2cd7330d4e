"""Alerts: a really opened rule really raises the alert, in time, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from verify import schemas
from verify.check import Check
from verify.live_fire.probe import PORT, SOURCE, SecurityGroupProbe, timing
from verify.run import Run

# CloudTrail gives whole seconds, and two clocks are compared.
_TOLERANCE = timedelta(seconds=5)


@pytest.mark.live_fire
@pytest.mark.control("alert-on-opened-rule")
def test_an_opened_rule_raises_an_alert(
    check: Check,
    security_group_probe: SecurityGroupProbe,
    verification_run: Run,
    baseline: Mapping[str, Any],
) -> None:
    result = security_group_probe.result()
    check.evidence.extend(result.evidence)
    if result.interrupted:
        check.unknown(result.group, "the run was interrupted while it waited for the alert")
        return
    alert = result.alert
    check.holds(
        result.group,
        "alert",
        alert is not None,
        expected=f"within {verification_run.settings.alert_timeout:.0f} s",
        seen="received" if alert else f"none ({result.strangers} that named something else)",
    )
    if alert is None:
        return
    check.none(
        result.group, "faults by the alert's schema", schemas.violations("alert", alert.body)
    )
    check.equal(
        result.group,
        "who",
        expected=verification_run.settings.caller,
        seen=alert.body.get("actor", {}).get("arn"),
    )
    check.equal(
        result.group,
        "what: rule",
        expected=baseline["alerts"]["rule"],
        seen=alert.body.get("rule"),
    )
    exposures = alert.body.get("details", {}).get("exposures", [])
    check.holds(
        result.group,
        "what: exposure",
        any(
            (item.get("protocol"), item.get("from_port"), item.get("to_port"), item.get("cidr"))
            == ("tcp", PORT, PORT, SOURCE)
            for item in exposures
        ),
        expected=f"tcp/{PORT} from {SOURCE}",
        seen=exposures,
    )
    for name in ("account", "region", "rule", "severity"):
        check.equal(
            result.group,
            f"message attribute {name}",
            expected=alert.body.get(name),
            seen=alert.attributes.get(name),
        )
    said = str(alert.body.get("event", {}).get("event_time"))
    check.holds(
        result.group,
        "when",
        _between(said, result.call_started, result.call_ended, result.clock_offset),
        expected=f"{result.call_started:%H:%M:%S} to {result.call_ended:%H:%M:%S} UTC",
        seen=said,
    )


def _between(said: str, start: datetime | None, end: datetime | None, offset: timedelta) -> bool:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return False
    if start is None or end is None:
        return False
    return start + offset - _TOLERANCE <= moment <= end + offset + _TOLERANCE


@pytest.mark.live_fire
@pytest.mark.control("alert-within-target")
def test_the_alert_arrives_within_the_target(
    check: Check, security_group_probe: SecurityGroupProbe, baseline: Mapping[str, Any]
) -> None:
    result = security_group_probe.result()
    check.evidence.extend(result.evidence)
    if result.alert is None:
        check.unknown(result.group, "there was no alert to time")
        return
    target = float(baseline["alerts"]["target_seconds"])
    check.timing = timing(result, result.alert, target)
    check.holds(
        result.group,
        "time from the API call to the receipt of the alert",
        check.timing.total_seconds <= target,
        expected=f"at most {target:.0f} s",
        seen=f"{check.timing.total_seconds:.2f} s",
    )


@pytest.mark.live_fire
@pytest.mark.control("live-fire-leaves-nothing")
def test_live_fire_leaves_nothing_behind(
    check: Check, security_group_probe: SecurityGroupProbe
) -> None:
    result = security_group_probe.result()
    check.evidence.extend(result.evidence)
    if result.swept.names:
        check.notes.append(f"removed what an earlier run had left: {', '.join(result.swept.names)}")
    check.none(result.group, "groups, queues and subscriptions of this run", result.left.names)
    check.none(result.group, "removals that failed", result.not_removed)
