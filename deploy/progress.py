"""How far an apply has come, told every few seconds out of what Terraform writes into a file."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

# How long nothing is said, in seconds.
_SILENCE = 5.0

_BEGUN = re.compile(r"^(\S.*?): (?:Creating|Modifying|Destroying)\.\.\.")
_DONE = re.compile(r"^(\S.*?): (?:Creation|Modifications|Destruction) complete after ")
_BESIDE = re.compile(r"^\S.*?: (?:Still |Refreshing state\.\.\.|Reading\.\.\.|Read complete )")
# What follows is some eighty lines of what is in the file of outputs.
_OUTPUTS = "Outputs:"


@dataclass
class Progress:
    """Reads `written` as it grows, and says how many of `total` changes are made (None: unknown).

    What tells of no single resource's change, such as a warning and the sum at the end, is passed
    on to stdout as it is; the outputs at the end are not. `now` gives seconds.
    """

    written: TextIO
    total: int | None = None
    now: Callable[[], float] = time.monotonic
    _made: int = 0
    _under_way: dict[str, float] = field(default_factory=dict)  # address -> when it began
    _told: float = field(init=False)
    _rest: str = ""
    _over: bool = False

    def __post_init__(self) -> None:
        self._told = self.now()

    def look(self) -> None:
        """Take in what was written since the last look; say how far it is if that is due."""
        text = self._rest + self.written.read()
        *lines, self._rest = text.split("\n")
        for line in lines:
            self._take(line)
        if self.now() - self._told >= _SILENCE:
            self._say(self._so_far())

    def finish(self) -> None:
        """Take in the last of it."""
        self.look()
        self._take(self._rest)
        self._rest = ""

    def _take(self, line: str) -> None:
        begun, done = _BEGUN.match(line), _DONE.match(line)
        self._over = self._over or line == _OUTPUTS
        if begun:
            self._under_way[begun[1]] = self.now()
        elif done:
            self._under_way.pop(done[1], None)
            self._made += 1
        elif line.strip() and not self._over and not _BESIDE.match(line):
            self._told = self.now()
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def _so_far(self) -> str:
        of = "" if self.total is None else f" of {self.total}"
        said = f"  {self._made}{of} changes made"
        if not self._under_way:
            return said
        address, since = next(iter(self._under_way.items()))
        others = len(self._under_way) - 1
        beside = f" and {others} more" if others else ""
        return f"{said}; under way: {address} ({self.now() - since:.0f} s){beside}"

    def _say(self, text: str) -> None:
        self._told = self.now()
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
