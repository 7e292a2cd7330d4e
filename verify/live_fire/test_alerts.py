"""Alerts: what really happens really raises the alert, in time, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from verify import schemas
from verify.check import Check
from verify.live_fire.alarms import timing as alarm_timing
from verify.live_fire.alert import Alert
from verify.live_fire.paths import LOGS, QUICK, required_paths
from verify.live_fire.probes import OPTIONAL
from verify.live_fire.probes.security_group import PORT, SOURCE
from verify.live_fire.result import VolleyResult
from verify.live_fire.shot import FUNCTION_LEG, Shot, timing, timing_of_path
from verify.live_fire.volley import Volley
from verify.model import AlertTiming
from verify.run.verification import Run

# CloudTrail gives whole seconds, and two clocks are compared.
_TOLERANCE = timedelta(seconds=5)


@pytest.mark.live_fire
@pytest.mark.control("alert-on-opened-rule")
def test_an_opened_rule_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    result = volley.result()
    shot = result.shots["security-group"]
    alert = _alert(check, result, shot, verification_run)
    if alert is None:
        return
    _says_who_what_and_when(check, shot, alert, verification_run, baseline)
    exposures = alert.body.get("details", {}).get("exposures", [])
    check.holds(
        shot.subject,
        "what: exposure",
        any(
            (item.get("protocol"), item.get("from_port"), item.get("to_port"), item.get("cidr"))
            == ("tcp", PORT, PORT, SOURCE)
            for item in exposures
        ),
        expected=f"tcp/{PORT} from {SOURCE}",
        seen=exposures,
    )


@pytest.mark.live_fire
@pytest.mark.control("alert-on-public-bucket-policy")
def test_a_public_bucket_policy_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    _optional_probe(check, volley, verification_run, baseline, "bucket", "bucket-policy")


@pytest.mark.live_fire
@pytest.mark.control("alert-on-unprotected-bucket")
def test_a_bucket_s_protection_taken_away_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    others = [act.key for act in OPTIONAL["bucket"].acts if act.key != "bucket-policy"]
    _optional_probe(check, volley, verification_run, baseline, "bucket", *others)


@pytest.mark.live_fire
@pytest.mark.control("alert-on-key-removal")
def test_a_key_taken_out_of_use_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    _optional_probe(check, volley, verification_run, baseline, "key")


@pytest.mark.live_fire
@pytest.mark.control("alert-on-opened-network-acl")
def test_an_opened_network_acl_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    _optional_probe(check, volley, verification_run, baseline, "network")


@pytest.mark.live_fire
@pytest.mark.control("alert-on-administrator-role")
def test_an_administrators_role_raises_an_alert(
    check: Check, volley: Volley, verification_run: Run, baseline: Mapping[str, Any]
) -> None:
    _optional_probe(check, volley, verification_run, baseline, "role")


def _optional_probe(
    check: Check, volley: Volley, run: Run, baseline: Mapping[str, Any], key: str, *acts: str
) -> None:
    """Judge the alerts of the probe `key`: of these acts, or of all that the function tells of."""
    if key not in run.probes:
        check.not_applicable(f"not asked for: --probe={key} fires it")
    result = volley.result()
    told = acts or [act.key for act in OPTIONAL[key].acts if act.alerts]
    shots = [result.shots[act] for act in told]
    prevented = [shot.prevented for shot in shots if shot.prevented]
    if len(prevented) == len(shots):
        check.evidence.extend(shots[0].evidence)
        check.not_applicable(" and ".join(prevented))
    check.notes.extend(prevented)
    for shot in shots:
        if shot.prevented:
            continue
        alert = _alert(check, result, shot, run)
        if alert is not None:
            _says_who_what_and_when(check, shot, alert, run, baseline)


def _alert(check: Check, result: VolleyResult, shot: Shot, run: Run) -> Alert | None:
    """The alert that `shot` raised. That there is none is a failure, if it was waited for."""
    check.evidence.extend([*result.evidence, *shot.evidence])
    if shot.error is not None:
        raise shot.error
    if shot.alert is None and result.interrupted:
        check.unknown(shot.subject, "the run was interrupted while it waited for the alert")
        return None
    strangers = f"none ({result.strangers} that named something else)"
    check.holds(
        shot.subject,
        f"alert for the {shot.of.name}",
        shot.alert is not None,
        expected=f"within {run.settings.alert_timeout:.0f} s",
        seen="received" if shot.alert else strangers,
    )
    return shot.alert


def _says_who_what_and_when(
    check: Check, shot: Shot, alert: Alert, run: Run, baseline: Mapping[str, Any]
) -> None:
    body = alert.body
    check.none(shot.subject, "faults by the alert's schema", schemas.violations("alert", body))
    check.equal(
        shot.subject,
        "who",
        expected=run.settings.actor,
        seen=body.get("actor", {}).get("arn"),
    )
    check.equal(
        shot.subject,
        "what: rule",
        expected=baseline["alerts"]["rules"][shot.of.key],
        seen=body.get("rule"),
    )
    for name in ("account", "region", "rule", "severity"):
        check.equal(
            shot.subject,
            f"message attribute {name}",
            expected=body.get(name),
            seen=alert.attributes.get(name),
        )
    said = str(body.get("event", {}).get("event_time"))
    check.holds(
        shot.subject,
        "when",
        _between(said, shot),
        expected=f"{shot.started:%H:%M:%S} to {shot.ended:%H:%M:%S} UTC",
        seen=said,
    )


def _between(said: str, shot: Shot) -> bool:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return False
    if shot.started is None or shot.ended is None:
        return False
    earliest = shot.started + shot.clock_offset - _TOLERANCE
    return earliest <= moment <= shot.ended + shot.clock_offset + _TOLERANCE


@pytest.mark.live_fire
@pytest.mark.control("alert-within-target")
def test_alerts_arrive_within_the_target(
    check: Check, volley: Volley, baseline: Mapping[str, Any]
) -> None:
    result = volley.result()
    target = float(baseline["alerts"]["target_seconds"])
    for shot in _alerting(result):
        check.evidence.extend([*result.evidence, *shot.evidence])
        if shot.error is not None:
            check.unknown(shot.of.name, str(shot.error))
            continue
        if shot.alert is None:
            check.unknown(shot.subject, "there was no alert to time")
            continue
        timed = timing(shot, shot.alert, target)
        check.timings.append(timed)
        check.timings += [timing_of_path(shot, path) for path in sorted(shot.paths)]
        _function_in_time(check, shot, timed, float(baseline["alerts"]["function_seconds"]))
        _log_path_in_time(check, shot, float(baseline["alerts"]["log_path_seconds"]))
        if QUICK not in required_paths(baseline):
            continue  # CloudTrail promises nothing of the whole way
        what = "time from the API call to the receipt of the alert"
        _in_time(check, shot, what, timed.total_seconds, target)


def _alerting(result: VolleyResult) -> list[Shot]:
    """The shots of which the function has to tell."""
    return [shot for shot in result.shots.values() if shot.of.alerts and not shot.prevented]


def _function_in_time(check: Check, shot: Shot, timed: AlertTiming, target: float) -> None:
    """From the receipt of the event to the publication of its alert: ours, by whichever path."""
    [seconds] = (leg.seconds for leg in timed.legs if leg.name == FUNCTION_LEG)
    if seconds is None:
        check.unknown(shot.subject, "the alert does not say when the function had it")
        return
    _in_time(check, shot, "time that the function took", seconds, target)


def _log_path_in_time(check: Check, shot: Shot, target: float) -> None:
    """From the log group to the function: what is before that is CloudTrail's, and not promised."""
    seen = shot.paths.get(LOGS)
    if seen is None or seen.arrived is None:
        check.unknown(shot.subject, "when the log group had the event is not known")
        return
    seconds = (seen.received - seen.arrived).total_seconds()
    _in_time(check, shot, "time from the log group to the function", seconds, target)


def _in_time(check: Check, shot: Shot, what: str, seconds: float, target: float) -> None:
    check.holds(
        shot.subject,
        what,
        seconds <= target,
        expected=f"at most {target:.0f} s",
        seen=f"{seconds:.2f} s",
    )


@pytest.mark.live_fire
@pytest.mark.control("alert-by-both-paths")
def test_each_act_comes_by_both_paths(
    check: Check, volley: Volley, baseline: Mapping[str, Any], verification_run: Run
) -> None:
    result = volley.result()
    required = required_paths(baseline)
    for shot in _alerting(result):
        check.evidence.extend([*result.evidence, *shot.evidence])
        if shot.error is not None:
            check.unknown(shot.of.name, str(shot.error))
        elif shot.alert is None:
            check.unknown(shot.subject, "there was no alert by which to ask the ledger")
        elif "ledger" in shot.alert.body:
            check.unknown(shot.subject, "the function could not use its ledger")
        elif result.interrupted and shot.awaits_paths(required):
            check.unknown(shot.subject, "the run was interrupted while it waited for a path")
        else:
            check.equal(
                shot.subject,
                "paths by which it came to the function "
                f"within {verification_run.settings.alert_timeout:.0f} s",
                expected=sorted(required),
                seen=sorted(path for path in shot.paths if path in required),
            )


@pytest.mark.live_fire
@pytest.mark.control("alarms-tell-of-acts")
def test_each_alarm_that_an_act_sets_off_tells_of_it(
    check: Check, volley: Volley, verification_run: Run
) -> None:
    result = volley.result()
    check.evidence.extend(result.evidence)
    for ringing in result.alarms:
        for shot in ringing.shots:
            check.evidence.extend(shot.evidence)
            if shot.error is not None and not ringing.fired:
                check.unknown(ringing.alarm, str(shot.error))
        if ringing.rang_before:
            check.notes.append(f"{ringing.alarm} rang before: it could not tell of the act")
        elif ringing.heard is not None:
            check.timings.append(alarm_timing(ringing, ringing.heard))
            check.holds(ringing.alarm, "notification", True, expected="received", seen="received")
        elif ringing.fired and result.interrupted:
            check.unknown(ringing.alarm, "the run was interrupted while it waited for the alarm")
        elif ringing.fired:
            names = " and the ".join(shot.of.name for shot in ringing.fired)
            check.holds(
                ringing.alarm,
                f"notification at the alert topic after the {names}",
                False,
                expected=f"within {verification_run.settings.alert_timeout:.0f} s",
                seen="none",
            )
    if not check.observations and not check.unknowns:
        check.not_applicable("no alarm of the deployment could be set off by what was fired")


@pytest.mark.live_fire
@pytest.mark.control("live-fire-leaves-nothing")
def test_live_fire_leaves_nothing_behind(check: Check, volley: Volley) -> None:
    result = volley.result()
    check.evidence.extend(result.evidence)
    if result.swept:
        check.notes.append(f"removed what an earlier run had left: {', '.join(result.swept)}")
    check.none("this run", "what it has left in the account", result.left.names)
    check.none("this run", "removals that failed", result.not_removed)
