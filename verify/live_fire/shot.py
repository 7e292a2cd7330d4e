"""One shot of live fire: an act that must raise an alert, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from verify.live_fire.alert import Alert
from verify.live_fire.paths import NAMES, QUICK, Seen
from verify.model import AWS, OURS, AlertTiming, Leg, NotVerifiedError
from verify.run.verification import Run

FUNCTION_LEG = "function"


@dataclass
class Removals:
    """Undoes what was made, last first; each is registered before the act that calls for it.

    What cannot be removed is kept: it does not undo what the shot has shown.
    """

    stack: ExitStack
    failed: list[str] = field(default_factory=list)

    def add(self, remove: Callable[[], object]) -> None:
        """Call `remove` in the end, whatever happens until then."""
        self.stack.callback(self._try_to, remove)

    def _try_to(self, remove: Callable[[], object]) -> None:
        try:
            remove()
        except NotVerifiedError as error:
            self.failed.append(str(error))


@dataclass(frozen=True)
class Act:
    """A call that must raise an alert: its key in the baseline, its name for a reader, and the
    event by which CloudTrail records it.

    `alarm` is the deployment's alarm, by its purpose, that counts such calls; some raise no alert
    of the function's beside it.
    """

    key: str
    name: str
    event_name: str
    alarm: str = ""
    alerts: bool = True


@dataclass
class Shot:
    """One act as it was done and what came of it. `alert` is None as long as none has come."""

    of: Act
    subject: str = ""  # the resource that the alert must name
    started: datetime | None = None
    ended: datetime | None = None
    clock: float = 0.0
    seconds: float = 0.0
    clock_offset: timedelta = timedelta()  # AWS's clock minus ours, by the call's Date header
    alert: Alert | None = None
    duplicates: int = 0
    paths: Mapping[str, Seen] = field(default_factory=dict)  # by which its event has come so far
    prevented: str = ""  # why the account itself refuses the act, so that there is nothing to see
    error: NotVerifiedError | None = None  # why it could not be fired
    evidence: list[str] = field(default_factory=list)

    def act(self, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Make the call that must raise the alert, and time it; gives its answer."""
        self.started, self.clock = datetime.now(UTC), time.monotonic()
        answer = call()
        self.seconds = time.monotonic() - self.clock
        self.ended = datetime.now(UTC)
        self.clock_offset = _clock_offset(answer, self.ended)
        return answer

    @property
    def awaited(self) -> bool:
        """Whether its alert is still on its way."""
        return self.of.alerts and self.ended is not None and self.alert is None

    def awaits_paths(self, required: Iterable[str]) -> bool:
        """Whether its event is still to come by one of the `required` paths.

        Where the function could not use its ledger, that will not be known.
        """
        if self.alert is None or "ledger" in self.alert.body:
            return False
        return not set(required) <= self.paths.keys()

    @property
    def state(self) -> str:
        """How far it has come, in words."""
        if self.error is not None:
            return "could not be fired"
        if self.prevented:
            return "the account refuses it"
        if self.alert is not None:
            return f"alert received after {self.alert.received_clock - self.clock:.1f} s"
        if self.ended is None:
            return "not fired yet"
        if not self.of.alerts:
            return "fired"
        return f"fired {time.monotonic() - self.clock:.0f} s ago, alert awaited"

    def take(self, alert: Alert) -> bool:
        """Take `alert` if it is this shot's; says whether it is."""
        if self.ended is None or not alert.is_about(self.subject, self.of.event_name):
            return False
        if self.alert is None:
            self.alert = alert
        else:
            self.duplicates += 1
        return True


class Probe(Protocol):
    """Something of its own, and acts on it that raise alerts and are safe on a real account."""

    @property
    def key(self) -> str:
        """Its name in options and in the baseline."""

    @property
    def acts(self) -> tuple[Act, ...]:
        """What it does, in this order."""

    def fire(self, run: Run, shots: Mapping[str, Shot], removals: Removals) -> None:
        """Make what it needs and act: a shot for each act, by its key. Raises ActionFailedError."""

    def find(
        self, run: Run, wanted: Callable[[Mapping[str, str]], bool], names: Container[str]
    ) -> tuple[str, ...]:
        """What such probes left in the account, if its tags are `wanted`.

        What could not be tagged when it was made is left if `names` has its name: those of the
        queues that are left.
        """

    def remove(self, run: Run, identifier: str) -> None:
        """Remove one of them; one that has gone already is fine."""


def timing(shot: Shot, alert: Alert, target_seconds: float) -> AlertTiming:
    """How long each leg of the alert's way took.

    CloudTrail gives the time of an event in whole seconds, so the event is placed at the start of
    the call when both fall into the same second. Times of different clocks (AWS's and ours) are
    compared after `clock_offset`.
    """
    times = alert.body.get("timing")
    said = times if isinstance(times, Mapping) else {}
    event = _time(said.get("event_time"))
    started = None if shot.started is None else shot.started + shot.clock_offset
    if event and started and started.replace(microsecond=0) <= event <= started:
        event = started
    received = _time(said.get("received_time"))
    published = _time(said.get("published_time"))
    path = alert.body.get("path")
    arrived = _time(said.get("delivered_time"))
    return AlertTiming(
        probe=f"{shot.of.name}, by {NAMES[path]}" if path in NAMES else shot.of.name,
        legs=(
            Leg("API call", round(shot.seconds, 3), AWS),
            *_legs_to_function(str(path), event, arrived, received),
            leg(FUNCTION_LEG, received, published, OURS),
            leg("SNS", published, alert.sent_time, AWS),
            leg("received", alert.sent_time, alert.received_time + shot.clock_offset, AWS),
        ),
        total_seconds=round(alert.received_clock - shot.clock, 3),
        target_seconds=target_seconds,
    )


def timing_of_path(shot: Shot, path: str) -> AlertTiming:
    """How long the event took to the function by a path, whether or not it raised the alert."""
    seen = shot.paths[path]
    event = None if shot.started is None else shot.started + shot.clock_offset
    total = 0.0 if event is None else max(0.0, (seen.received - event).total_seconds())
    return AlertTiming(
        probe=f"{shot.of.name}, to the function by {NAMES[path]}",
        legs=_legs_to_function(path, event, seen.arrived, seen.received),
        total_seconds=round(total, 3),
        target_seconds=None,
    )


def _legs_to_function(
    path: str, event: datetime | None, arrived: datetime | None, received: datetime | None
) -> tuple[Leg, ...]:
    """The legs up to the function.

    By EventBridge both are AWS's: until the envelope's time the event is CloudTrail's, then the bus
    and Lambda have it. That time is in whole seconds, and so never before the event.
    """
    if path == QUICK:
        if event is None or arrived is None:
            return (leg("EventBridge", event, received, AWS),)
        arrived = max(event, arrived)
        return (
            leg("CloudTrail", event, arrived, AWS),
            leg("EventBridge", arrived, received, AWS),
        )
    return (leg("trail", event, arrived, AWS), leg("log group", arrived, received, OURS))


def leg(name: str, begin: datetime | None, end: datetime | None, whose: str) -> Leg:
    """A stretch between two times; of unknown length where one of them is not known."""
    if begin is None or end is None:
        return Leg(name, None, whose)
    return Leg(name, round((end - begin).total_seconds(), 3), whose)


def _time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _clock_offset(answer: Mapping[str, Any], now: datetime) -> timedelta:
    """AWS's clock minus ours; less than two seconds cannot be told from the header's rounding."""
    header = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if not header:
        return timedelta()
    offset = parsedate_to_datetime(header) - now
    return offset if abs(offset) > timedelta(seconds=2) else timedelta()
