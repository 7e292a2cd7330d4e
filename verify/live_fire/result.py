"""What the probes of a run did and saw."""

from __future__ import annotations

from dataclasses import dataclass, field

from verify.live_fire.alarms import Ringing
from verify.live_fire.shot import Shot
from verify.live_fire.sweep import Left


@dataclass
class VolleyResult:
    """What the probes did and saw."""

    shots: dict[str, Shot]  # by the key of the act
    alarms: tuple[Ringing, ...] = ()  # that the shots set off
    strangers: int = 0  # alerts that named something else
    interrupted: bool = False
    swept: tuple[str, ...] = ()  # what earlier runs had left, and this one removed
    left: Left = field(default_factory=Left)
    not_removed: list[str] = field(default_factory=list)  # why a removal failed
    evidence: list[str] = field(default_factory=list)  # of what the shots have in common
