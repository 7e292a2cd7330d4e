"""What was caused against what was told: each violation once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A violation and an alert of it have these in common.
Key = tuple[str, str]  # the call's request id, the rule


@dataclass(frozen=True)
class Violation:
    """A call that a rule forbids. `paths` are those by which the function must see it."""

    request_id: str
    rule: str
    call: str
    paths: frozenset[str]

    @property
    def key(self) -> Key:
        """By which its alert is known."""
        return self.request_id, self.rule


@dataclass(frozen=True)
class Verdict:
    """How the two sides agree; every member but the counts names violations or alerts."""

    caused: int
    told: int
    together: int  # of these, how many were told by an alert that stands for several
    lost: Sequence[str]
    twice: Sequence[str]
    uncaused: Sequence[str]
    missed_paths: Sequence[str]

    @property
    def clean(self) -> bool:
        """Whether each was told once, and nothing else."""
        return not (self.lost or self.twice or self.uncaused or self.missed_paths)


@dataclass
class Ledger:
    """Both sides, as they come. `request_of` names the request of an event: region, event id."""

    request_of: Callable[[str, str], str]
    caused: dict[Key, Violation] = field(default_factory=dict)
    told: Counter[Key] = field(default_factory=Counter)
    together: int = 0
    _identities: dict[Key, str] = field(default_factory=dict)
    _unnamed: list[str] = field(default_factory=list)

    def cause(self, violation: Violation) -> None:
        """Note a call that was made."""
        self.caused[violation.key] = violation

    def hear(self, alert: Mapping[str, Any]) -> None:
        """Note an alert; one that stands for several tells each of the events that it names."""
        rule, event = str(alert["rule"]), alert["event"]
        repeats = alert.get("repeats")
        if repeats is None:
            key = (str(event["request_id"]), rule)
            self.told[key] += 1
            self._identities[key] = str(alert["alert_id"])
            return
        region = str(alert["region"])
        named = [(self.request_of(region, each), rule) for each in repeats["event_ids"]]
        self.told.update(named)
        self.together += len(named)
        if unnamed := int(repeats["count"]) - len(named):
            self._unnamed.append(f"{unnamed} events of {rule} that an alert does not name")

    @property
    def open(self) -> int:
        """How many violations nobody has told yet."""
        return sum(key not in self.told for key in list(self.caused))

    def judge(self, paths_of: Callable[[str], frozenset[str]]) -> Verdict:
        """Compare. `paths_of` says by which paths the event of an alert, by its id, has come."""
        missed = []
        for key, identity in self._identities.items():
            violation = self.caused.get(key)
            if violation and (gone := violation.paths - paths_of(identity)):
                missed.append(f"{_named(violation)}: not by {', '.join(sorted(gone))}")
        return Verdict(
            caused=len(self.caused),
            told=sum(key in self.caused for key in self.told),
            together=self.together,
            lost=[_named(each) for key, each in self.caused.items() if key not in self.told],
            twice=[
                f"{_named(self.caused[key])}: {times} times"
                for key, times in self.told.items()
                if times > 1 and key in self.caused
            ],
            uncaused=[
                *(f"{rule}, request {request}" for request, rule in self.told - _keys(self.caused)),
                *self._unnamed,
            ],
            missed_paths=missed,
        )


def _named(violation: Violation) -> str:
    return f"{violation.rule} by {violation.call}, request {violation.request_id}"


def _keys(caused: Mapping[Key, Violation]) -> Counter[Key]:
    return Counter(dict.fromkeys(caused, 1 << 30))
