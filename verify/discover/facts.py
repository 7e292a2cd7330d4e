"""What a discovery has found so far, each with where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from verify.inputs.absence import PARTS


@dataclass(frozen=True)
class Known:
    """The value of an output of ours, and where it comes from."""

    value: Any
    source: str


@dataclass
class Survey:
    """What was found.

    `outputs` are ours by name; `absent` the parts that are not there, with the reason; `unseen`
    outputs of which nothing is known, with the reason. `settings` are what the baseline must say
    to fit, by place, and `shortcomings` what falls short of it and is left for a person.
    """

    outputs: dict[str, Known] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    settings: dict[tuple[str, ...], Known] = field(default_factory=dict)
    shortcomings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, source: str, **outputs: Any) -> None:
        """Keep outputs that one source tells."""
        self.outputs |= {name: Known(value, source) for name, value in outputs.items()}

    def without(self, part: str, reason: str) -> None:
        """A part that is not there."""
        self.absent[part] = reason

    def not_seen(self, part: str, problem: str) -> None:
        """A part of which nothing is known."""
        for output in PARTS[part].outputs:
            if output not in self.outputs:
                self.unseen[output] = problem

    def expect(self, place: str, required: Any, live: Any, source: str) -> None:
        """Tell what the account has otherwise than the baseline asks."""
        if required != live:
            self.shortcomings.append(
                f"{place}: {source} shows {_shown(live)}, and it asks for {_shown(required)}"
            )


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def others(names: Sequence[str]) -> str:
    """What a source adds of those that were not chosen."""
    return f"; besides it: {', '.join(names)}" if names else ""
