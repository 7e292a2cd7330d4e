"""What an alarm must do, and in what one falls short of it: it is played on made-up data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from verify.alarms.alarm import Alarm
from verify.alarms.play import FURTHER_BACK, Data, Play, World, datum, settling_minutes, worlds

# After it has rung and all is quiet again, an alarm must be able to ring anew; CloudWatch tells of
# changes of state only.
_ANEW_MINUTES = 120
_A_CROWD = 20  # of ordinary values in a minute: by their sum they must not ring


@dataclass(frozen=True)
class Behaviour:
    """What an alarm must do; times are in minutes.

    `kind` is one of these, `within` how soon after its occasion the alarm must ring.

    - "occurrence": rings when a value is as high as `value`, once; rests while all are `ordinary`,
      or there are none. `ordinary` is None for a metric that has data on occasion only.
    - "level": rings while the values stay as high as `value`; rests likewise.
    - "silence": rings when nothing comes; rests while something comes every `pause` minutes.
    - "unanswered": of two metrics, rings when the first has events and the second has none; rests
      while the second answers within `pause` minutes, or there are no events. `ordinary` is what
      the first may hold without any.
    """

    kind: str
    within: int
    value: float = 1.0
    ordinary: float | None = 0.0
    pause: int = 0

    def __str__(self) -> str:
        soon = f"one that rings within {self.within} minutes"
        rests = "without data" + ("" if self.ordinary is None else f" or at {self.ordinary:g}")
        return {
            "occurrence": f"{soon} of a single {self.value:g}, and rests {rests}",
            "level": f"{soon} when at {self.value:g}, and rests {rests}",
            "silence": f"{soon} of silence, and rests with pauses of {self.pause}",
            "unanswered": f"{soon} of what is not answered, and rests if it is within {self.pause}",
        }[self.kind]


@lru_cache(maxsize=512)
def faults(alarm: Alarm, wanted: Behaviour) -> tuple[str, ...]:
    """In what an alarm falls short, a phrase each. Raises CannotTellError."""
    if (late := _late(alarm, wanted)) is not None:
        return (late,)
    found: dict[str, None] = {}
    for further in FURTHER_BACK:
        for trial in _KINDS[wanted.kind](alarm, further, wanted):
            for world in worlds(alarm, further):
                found.update(dict.fromkeys(trial.faults(world)))
    return tuple(found)


def _late(alarm: Alarm, wanted: Behaviour) -> str | None:
    """Why an alarm need not be played: its periods alone are too long."""
    within = f"it must ring within {wanted.within} minutes"
    if alarm.needed > alarm.evaluated:
        return f"it never rings: it needs {alarm.needed} of {alarm.evaluated} periods"
    periods = alarm.needed if wanted.kind == "silence" else 1
    if periods * alarm.minutes > wanted.within:
        return f"{within}, and its periods are of {alarm.minutes}"
    if alarm.evaluated * alarm.minutes > max(wanted.within, _ANEW_MINUTES):
        return f"it looks at {alarm.evaluated * alarm.minutes} minutes at a time: {within}, anew"
    return None


class _Trial:
    """One play of an alarm, in stretches of minutes; what is asked of them is collected."""

    def __init__(self, alarm: Alarm, metrics: int = 1) -> None:
        self._alarm = alarm
        self._data = Data(alarm, metrics)
        self._wanted: list[tuple[int, int, bool, str]] = []
        self.now = 0

    def put(self, minute: int, *values: float, metric: int = 0) -> None:
        """Publish values in a minute from now."""
        self._data.timelines[metric][self.now + minute] = datum(*values)

    def rings(self, minutes: int, otherwise: str) -> None:
        """Let some minutes pass, in one of which the alarm must be in ALARM."""
        self._wanted.append((self.now, self.now + minutes, True, otherwise))
        self.now += minutes

    def rests(self, minutes: int, otherwise: str) -> None:
        """Let some minutes pass, in none of which it may be."""
        self._wanted.append((self.now, self.now + minutes, False, otherwise))
        self.now += minutes

    def passes(self, minutes: int) -> None:
        """Let some minutes pass."""
        self.now += minutes

    def faults(self, world: World) -> Iterator[str]:
        """What is not as it must be, in one of the worlds."""
        play = Play(self._alarm, world, self._data)
        for start, end, ringing, otherwise in self._wanted:
            if play.rings(start, end) is not ringing:
                yield otherwise


def _occurrence(alarm: Alarm, further: int, wanted: Behaviour) -> Iterator[_Trial]:
    """One event amid nothing, or amid ordinary data; another one later; and many."""
    settling, within = settling_minutes(alarm, further), wanted.within
    for amid, ordinary in _backgrounds(wanted):
        trial = _Trial(alarm)
        crowd = [] if ordinary is None else [ordinary]
        _busy(trial, ordinary, 2 * (settling + within) + settling)
        trial.passes(settling - 1)
        trial.rests(1, f"it does not rest amid {amid}")
        for which in _occasions(alarm, "an event"):
            trial.put(0, wanted.value, *crowd)
            trial.rings(within, f"it does not ring within {within} minutes of {which} amid {amid}")
            trial.passes(settling - 1)
            trial.rests(1, f"after an event amid {amid} it does not come to rest")
        yield trial
    many = _Trial(alarm)
    for minute in range(within):
        many.put(settling + minute, *[wanted.value] * 3)
    many.passes(settling)
    many.rings(within, f"it does not ring within {within} minutes of many events")
    yield many


def _level(alarm: Alarm, further: int, wanted: Behaviour) -> Iterator[_Trial]:
    """A level that stays; it sinks for a while before its data cease."""
    settling, within = settling_minutes(alarm, further), wanted.within
    for amid, ordinary in _backgrounds(wanted):
        trial = _Trial(alarm)
        _busy(trial, ordinary, settling)
        trial.passes(settling - 1)
        trial.rests(1, f"it does not rest amid {amid}")
        for which in _occasions(alarm, "a level"):
            for minute in range(settling + within):
                trial.put(minute, wanted.value)
            trial.rings(within, f"it does not ring within {within} minutes of {which} amid {amid}")
            trial.passes(settling)
            for minute in range(settling):
                trial.put(minute, wanted.ordinary or 0.0)
            trial.passes(settling - 1)
            trial.rests(1, f"after a level amid {amid} it does not come to rest")
        yield trial


def _silence(alarm: Alarm, further: int, wanted: Behaviour) -> Iterator[_Trial]:
    """Nothing from the beginning; then data, each minute or with pauses, that end; twice."""
    settling, within = settling_minutes(alarm, further), wanted.within
    for every in dict.fromkeys((1, wanted.pause)):
        trial = _Trial(alarm)
        trial.rings(within, f"it does not ring within {within} minutes when nothing ever comes")
        trial.passes(settling)
        for which in _occasions(alarm, "silence"):
            last = settling + every
            for minute in range(0, last + 1, every):
                trial.put(last - minute, 1.0)
            trial.passes(settling)
            trial.rests(last + 1 - settling, f"it rings while something comes every {every} min")
            trial.rings(within, f"it does not ring within {within} minutes of {which}")
            trial.passes(settling)
        yield trial


def _unanswered(alarm: Alarm, further: int, wanted: Behaviour) -> Iterator[_Trial]:
    """Events that are answered, soon or late; one that is not; a flow whose answers cease."""
    for amid, ordinary in _backgrounds(wanted):
        yield from _not_answered(alarm, further, wanted, amid, ordinary)
        yield from _answered(alarm, further, wanted, ordinary)


def _not_answered(
    alarm: Alarm, further: int, wanted: Behaviour, amid: str, ordinary: float | None
) -> Iterator[_Trial]:
    settling, within = settling_minutes(alarm, further), wanted.within
    late = f"it does not ring within {within} minutes"
    trial = _Trial(alarm, metrics=2)
    _busy(trial, ordinary, 6 * (settling + within))
    trial.passes(settling - 1)
    trial.rests(1, f"it does not rest amid {amid}")
    for which in _occasions(alarm, "an event"):
        trial.put(0, 1.0)
        trial.rings(within, f"{late} of {which} that is not answered, amid {amid}")
        trial.passes(settling)
        trial.put(0, 1.0, metric=1)
        trial.rests(settling, "it rings at an answer without an event")
    for minute in range(settling + 2 * within):
        trial.put(minute, 1.0)
        if minute < settling:
            trial.put(minute, 1.0, metric=1)
    trial.rests(settling, "it rings at events that are answered in the same minute")
    trial.rings(2 * within, f"{late} of the last answer to a flow of events")
    trial.put(0, 1.0, metric=1)
    trial.passes(settling)
    trial.rests(1, "it does not come to rest once events are answered again")
    yield trial


def _answered(
    alarm: Alarm, further: int, wanted: Behaviour, ordinary: float | None
) -> Iterator[_Trial]:
    """Events at many distances from each other, each answered as late as is well."""
    trial = _Trial(alarm, metrics=2)
    _busy(trial, ordinary, settling_minutes(alarm, further) + 12 * alarm.minutes + 20)
    trial.passes(settling_minutes(alarm, further))
    minute = 0
    for distance in (1, 7, alarm.minutes, 2 * alarm.minutes, 2 * alarm.minutes + 1):
        for _ in range(2):
            trial.put(minute, 1.0)
            trial.put(minute + wanted.pause, 1.0, metric=1)
            minute += distance
    trial.rests(minute, f"it rings at events that are answered {wanted.pause} minutes later")
    yield trial


def _occasions(alarm: Alarm, what: str) -> tuple[str, ...]:
    """An alarm that remembers its state may ring once and never more."""
    return (what, f"{what} after another") if alarm.remembers else (what,)


def _backgrounds(wanted: Behaviour) -> Iterator[tuple[str, float | None]]:
    yield "no data", None
    if wanted.ordinary is not None:
        yield f"values of {wanted.ordinary:g}", wanted.ordinary


def _busy(trial: _Trial, ordinary: float | None, minutes: int) -> None:
    if ordinary is not None:
        for minute in range(minutes):
            trial.put(minute, *[ordinary] * _A_CROWD)


_KINDS: Mapping[str, Callable[[Alarm, int, Behaviour], Iterator[_Trial]]] = {
    "occurrence": _occurrence,
    "level": _level,
    "silence": _silence,
    "unanswered": _unanswered,
}
