"""What no mutant can seed in minutes: an alert that comes too late fails its control."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest

from verify.check import Check, ControlFailedError
from verify.inputs import baseline
from verify.live_fire.alert import Alert
from verify.live_fire.probes import ALWAYS
from verify.live_fire.shot import Shot
from verify.live_fire.test_alerts import test_alerts_arrive_within_the_target as judge
from verify.live_fire.volley import Volley, VolleyResult


class _Fired:
    """A volley of one shot, whose alert took so many seconds."""

    def __init__(self, seconds: float) -> None:
        now = datetime.now(UTC)
        alert = Alert({}, {}, None, None, received_time=now, received_clock=1000.0 + seconds)
        shot = Shot(ALWAYS, subject="sg-1", started=now, ended=now, clock=1000.0, alert=alert)
        self._result = VolleyResult({ALWAYS.key: shot})

    def result(self) -> VolleyResult:
        return self._result


def _judged(seconds: float) -> Check:
    check = Check()
    judge(check, cast(Volley, _Fired(seconds)), baseline.load("dev").values)
    return check


def test_an_alert_within_five_minutes_passes() -> None:
    _judged(299.9).conclude()


def test_a_later_alert_fails() -> None:
    with pytest.raises(ControlFailedError, match=r"at most 300 s, live 300\.10 s"):
        _judged(300.1).conclude()
