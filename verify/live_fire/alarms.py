"""The alarms that the acts of live fire set off, and their notifications at the alert topic.

An alarm notifies when it begins to ring. One that rang before the act, as many do after a change of
the deployment, tells nothing of it: that is said, and not taken for silence. Source: CloudWatch
user guide, "Using Amazon CloudWatch alarms" (actions are for changes of state); SNS message of an
alarm by what CloudWatch sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from verify.account.answer import pick
from verify.account.read import Read
from verify.live_fire.alert import Alert
from verify.live_fire.shot import Shot, leg
from verify.model import AWS, AlertTiming, Leg
from verify.run.verification import Run

_RINGS = "ALARM"


@dataclass
class Ringing:
    """An alarm and the shots of which any sets it off. `heard` is None as long as it is not."""

    alarm: str
    shots: tuple[Shot, ...]
    rang_before: bool
    heard: Alert | None = None

    @property
    def fired(self) -> tuple[Shot, ...]:
        """The shots that were fired."""
        return tuple(shot for shot in self.shots if shot.ended is not None and not shot.prevented)

    @property
    def awaited(self) -> bool:
        """Whether its notification is still on its way."""
        return self.heard is None and not self.rang_before and bool(self.fired)

    @property
    def state(self) -> str:
        """How far it has come, in words."""
        if self.heard is not None:
            return "rings"
        if self.rang_before:
            return "rang before"
        return "awaited" if self.fired else "nothing set it off"

    def take(self, message: Alert) -> bool:
        """Take `message` if it is this alarm's beginning to ring; says whether it is."""
        body = message.body
        if body.get("AlarmName") != self.alarm or body.get("NewStateValue") != _RINGS:
            return False
        self.heard = self.heard or message
        return True


def set_off(run: Run, shots: Iterable[Shot]) -> tuple[Ringing, ...]:
    """The deployment's alarms that these shots set off, as they are before.

    Raises NotVerifiedError.
    """
    names = run.deployment.alarm_names
    by_alarm: dict[str, list[Shot]] = {}
    for shot in shots:
        if shot.of.alarm in names:
            by_alarm.setdefault(names[shot.of.alarm], []).append(shot)
    if not by_alarm:
        return ()
    read = Read("cloudwatch", "describe_alarms", {"AlarmNames": sorted(by_alarm)})
    states = {
        pick(alarm, "AlarmName"): pick(alarm, "StateValue")
        for alarm in run.aws.pick_again(read, "MetricAlarms")
    }
    return tuple(
        Ringing(alarm, tuple(of_alarm), rang_before=states.get(alarm) == _RINGS)
        for alarm, of_alarm in by_alarm.items()
    )


def timing(ringing: Ringing, message: Alert) -> AlertTiming:
    """How long each leg took from the first of its shots. Nobody promises the way as a whole.

    The alarm's own time has milliseconds; the shot's is brought to AWS's clock.
    """
    first = min(ringing.fired, key=lambda shot: shot.clock)
    started = None if first.started is None else first.started + first.clock_offset
    rang = _moment(message.body)
    if started is not None and rang is not None:
        # What a probe makes for its act, a group say, may have set the alarm off already.
        started = min(started, rang)
    received = message.received_time + first.clock_offset
    return AlertTiming(
        probe=f"{first.of.name}, by {ringing.alarm}",
        legs=(
            Leg("API call", round(first.seconds, 3), AWS),
            leg("trail, log group and alarm", started, rang, AWS),
            leg("SNS", rang, message.sent_time, AWS),
            leg("received", message.sent_time, received, AWS),
        ),
        total_seconds=round(message.received_clock - first.clock, 3),
        target_seconds=None,
    )


def _moment(body: Mapping[str, object]) -> datetime | None:
    """When the alarm changed its state; None where it does not say.

    CloudWatch writes the zone as +0000.
    """
    try:
        return datetime.strptime(str(body.get("StateChangeTime")), "%Y-%m-%dT%H:%M:%S.%f%z")
    except ValueError:
        return None
