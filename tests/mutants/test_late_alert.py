"""What no mutant can seed in minutes: an alert that comes too late fails its control."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from verify.check import Check, ControlFailedError
from verify.inputs import baseline
from verify.live_fire.alert import Alert
from verify.live_fire.paths import LOGS, QUICK, Seen
from verify.live_fire.probes import ALWAYS
from verify.live_fire.result import VolleyResult
from verify.live_fire.shot import Shot
from verify.live_fire.test_alerts import test_alerts_arrive_within_the_target as judge
from verify.live_fire.volley import Volley
from verify.model import NotVerifiedError


class _Fired:
    """A volley of one shot, whose alert took so many seconds.

    Its event took four minutes to the log group, and from there so many seconds to the function,
    which had the alert published so many seconds after it had the event (None: it does not say).
    """

    def __init__(self, seconds: float, from_log_group: float, function: float | None) -> None:
        now = datetime.now(UTC)
        times = {"received_time": now.isoformat()}
        if function is not None:
            times["published_time"] = (now + timedelta(seconds=function)).isoformat()
        alert = Alert(
            {"timing": times}, {}, None, None, received_time=now, received_clock=1000.0 + seconds
        )
        (act,) = ALWAYS.acts
        shot = Shot(act, subject="sg-1", started=now, ended=now, clock=1000.0, alert=alert)
        arrived = now + timedelta(minutes=4)
        shot.paths = {
            QUICK: Seen(None, now),
            LOGS: Seen(arrived, arrived + timedelta(seconds=from_log_group)),
        }
        self._result = VolleyResult({act.key: shot})

    def result(self) -> VolleyResult:
        return self._result


def _judged(seconds: float, from_log_group: float = 1.0, function: float | None = 0.5) -> Check:
    check = Check()
    fired = _Fired(seconds, from_log_group, function)
    judge(check, cast(Volley, fired), baseline.load("dev").values)
    return check


def test_an_alert_within_five_minutes_passes() -> None:
    _judged(299.9).conclude()


def test_each_path_is_timed_and_says_whose_each_leg_is() -> None:
    timed = _judged(2.0, 30.0).timings
    assert [timing.target_seconds for timing in timed] == [300.0, None, None]
    legs = [(leg.name, leg.seconds, leg.whose) for leg in timed[2].legs]
    assert legs == [("trail", 240.0, "AWS"), ("log group", 30.0, "ours")]
    assert timed[2].total_seconds == 270.0


def test_a_record_that_waits_in_the_log_group_fails() -> None:
    _judged(2.0, 60.0).conclude()
    with pytest.raises(ControlFailedError, match=r"at most 60 s, live 60\.50 s"):
        _judged(2.0, 60.5).conclude()


def test_a_function_that_takes_long_fails() -> None:
    _judged(80.0, function=60.0).conclude()
    with pytest.raises(ControlFailedError, match=r"at most 60 s, live 60\.50 s"):
        _judged(80.0, function=60.5).conclude()


def test_an_alert_that_does_not_say_what_the_function_took_is_not_passed() -> None:
    with pytest.raises(NotVerifiedError, match="does not say when the function had it"):
        _judged(2.0, function=None).conclude()


def test_a_later_alert_fails() -> None:
    with pytest.raises(ControlFailedError, match=r"at most 300 s, live 300\.10 s"):
        _judged(300.1).conclude()
