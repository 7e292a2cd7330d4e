"""What a mutant is, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mutants.account import Account

# Breaks one thing. Each change registers, on the stack, how it is mended: closing the stack mends
# everything in reverse order, also when the fault could be seeded only half.
Break = Callable[["Account", ExitStack], None]


class Suite(StrEnum):
    """Which part of the suite judges a mutant."""

    STATE = "state"  # every check of the live state
    LIVE_FIRE = "live fire"  # what causes an alert and waits for it


@dataclass(frozen=True)
class Mutant:
    """One seeded fault.

    `fails` are the controls that must FAIL, and no other may. `errors` are those that must become
    ERROR, since the fault takes away what they look at; every other control keeps its PASS, but
    for those in `later`, which fail too as soon as enough time has passed. There is something to
    break only where all the controls in `needs` hold, and where `unless` does not.
    """

    name: str
    family: str
    description: str
    fails: frozenset[str]
    break_it: Break
    errors: frozenset[str] = frozenset()
    suite: Suite = Suite.STATE
    needs: frozenset[str] = frozenset()
    unless: str = ""
    later: frozenset[str] = frozenset()


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "SURVIVED"  # no control noticed it
    WRONG_CONTROL = "WRONG CONTROL"  # others noticed, or others as well
    NOT_SEEDED = "NOT SEEDED"  # the account refused the fault
    NOT_JUDGED = "NOT JUDGED"  # the suite came to no report
    NOT_MENDED = "NOT MENDED"  # the account did not become clean again


@dataclass(frozen=True)
class Judged:
    """A mutant, the outcomes that the suite gave, and what follows."""

    mutant: Mutant
    fate: Fate
    failed: frozenset[str] = frozenset()
    errored: frozenset[str] = frozenset()
    messages: Mapping[str, str] = field(default_factory=dict)  # control -> what its check said
    detail: str = ""
    seconds: float = 0.0


def fate_of(mutant: Mutant, failed: frozenset[str], errored: frozenset[str]) -> Fate:
    """Killed only when exactly the named controls failed, and exactly the named ones erred."""
    expected = mutant.fails | (failed & mutant.later)
    if failed == expected and errored == mutant.errors:
        return Fate.KILLED
    if not failed and not errored:
        return Fate.SURVIVED
    return Fate.WRONG_CONTROL


class Family:
    """The mutants of one part of the deployment, in the order in which they are declared.

    `needs` are the controls without which a profile has not got that part.
    """

    def __init__(self, name: str, *needs: str) -> None:
        self.name = name
        self.needs = frozenset(needs)
        self.mutants: list[Mutant] = []

    def add(
        self,
        name: str,
        description: str,
        break_it: Break,
        *fails: str,
        errors: frozenset[str] = frozenset(),
        suite: Suite = Suite.STATE,
        needs: str = "",
        unless: str = "",
        later: str = "",
    ) -> None:
        """Declare a mutant; it needs what its family needs, if it does not say otherwise."""
        named, needed = frozenset(fails), frozenset({needs} - {""}) or self.needs
        self.mutants.append(
            Mutant(
                name,
                self.name,
                description,
                named,
                break_it,
                errors,
                suite,
                needed,
                unless,
                frozenset({later} - {""}),
            )
        )

    def fault(
        self,
        description: str,
        *fails: str,
        errors: frozenset[str] = frozenset(),
        suite: Suite = Suite.STATE,
        needs: str = "",
        unless: str = "",
        later: str = "",
    ) -> Callable[[Break], Break]:
        """Declare the decorated function as a mutant that bears its name."""

        def declare(break_it: Break) -> Break:
            name = getattr(break_it, "__name__", "").replace("_", "-")
            self.add(
                name,
                description,
                break_it,
                *fails,
                errors=errors,
                suite=suite,
                needs=needs,
                unless=unless,
                later=later,
            )
            return break_it

        return declare
