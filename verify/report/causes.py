"""One fault told once: what several controls failed for, when it is one and the same thing.

Each unmet expectation says what is live on a subject. Two tell of the same fault

- of one subject, if both saw the same telling thing there: an identifier, an address range, an
  error's name, a whole sentence; or if the same was required and the same was seen, and it is a
  number, or stands under two names of one setting, such as ``multi-region`` and
  ``aws_cloudtrail.audit.is_multi_region_trail``: many a setting is `no` where `yes` is required;
- of two subjects, if what one of them names is a single resource that should not be there, and the
  other names it too.

What merely lies on the same resource, or was read by the same call, is another fault: a trail may
have two. What could not be seen has one cause where the same was said of it.

Pure: it knows the model alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise

from verify.model import NOT_VERIFIED, ControlResult, Observation, Outcome
from verify.report.display import severity_rank

# The worst first: what a reader must act on leads. What passed has no cause to be told.
OUTCOMES = (Outcome.FAIL, Outcome.ERROR, Outcome.NOT_TESTED, Outcome.WAIVED)

_IDENTIFIER = re.compile(r"\b[a-z]{2,12}-[0-9a-f]{8,17}\b")
_ARN = re.compile(r"\barn:[\w-]+:[^\s,;\"'()]+")
_RANGE = re.compile(r"\b[0-9a-fA-F.:]+/\d{1,3}\b")
_ERROR = re.compile(r"\b(?:[A-Za-z0-9]+\.)?[A-Z][a-z]+(?:[A-Z][a-z]+)+\b")  # AccessDenied, X.YyZz
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NUMBER = re.compile(r"\d")
# Settings of one resource with the same values, of which names are compared one by one.
_MANY = 300
# Words alone can be anybody's; a sentence of this length is about one thing.
_SENTENCE = 24  # characters


@dataclass(frozen=True)
class Cause:
    """What one or more controls failed for, or could not be verified for.

    `results` are its controls, the gravest first. `facts` say it once, each in the words of the
    gravest control that tells it.
    """

    outcome: Outcome
    results: tuple[ControlResult, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True)
class _Unmet:
    result: int  # its place among the results
    observation: Observation


def causes(results: Iterable[ControlResult]) -> tuple[Cause, ...]:
    """The causes of all that did not pass: by outcome, then by the gravest control's severity."""
    by_outcome: dict[Outcome, list[ControlResult]] = {}
    for result in results:
        by_outcome.setdefault(result.outcome, []).append(result)
    return tuple(
        cause
        for outcome in OUTCOMES
        for cause in sorted(
            _causes_of(outcome, by_outcome.get(outcome, [])),
            key=lambda cause: severity_rank(cause.results[0].control.severity),
        )
    )


def _causes_of(outcome: Outcome, results: Sequence[ControlResult]) -> Iterator[Cause]:
    if outcome in NOT_VERIFIED:
        yield from _of_one_message(outcome, results)
        return
    told = [
        _Unmet(place, observation)
        for place, result in enumerate(results)
        for observation in result.observations
        if not observation.met
    ]
    with_facts = {one.result for one in told}
    yield from _of_one_message(
        outcome, [one for place, one in enumerate(results) if place not in with_facts]
    )

    def gravity(place: int) -> tuple[int, int]:
        return severity_rank(results[place].control.severity), place

    for groups in _merged(_grouped(told)):
        named = sorted({one.result for group in groups for one in group}, key=gravity)
        facts = [fact for group in groups for fact in _facts(group, gravity)]
        yield Cause(outcome, tuple(results[place] for place in named), tuple(dict.fromkeys(facts)))


def _facts(group: Sequence[_Unmet], gravity: Callable[[int], tuple[int, int]]) -> Iterator[str]:
    """What a group tells, in the words of its gravest control."""
    first = min((one.result for one in group), key=gravity)
    for one in group:
        if one.result == first:
            seen = one.observation
            yield f"{seen.subject}: {seen.aspect}: {seen.comparison}"


def _of_one_message(outcome: Outcome, results: Iterable[ControlResult]) -> Iterator[Cause]:
    by_message: dict[object, list[ControlResult]] = {}
    for result in results:
        # Of what says nothing, nobody knows whether it is the same.
        key: object = result.message or (result.control.identifier,)
        by_message.setdefault(key, []).append(result)
    for found in by_message.values():
        found.sort(key=lambda one: severity_rank(one.control.severity))
        facts = tuple(found[0].message.splitlines())
        yield Cause(outcome, tuple(found), facts)


def _grouped(told: Sequence[_Unmet]) -> list[list[_Unmet]]:
    """What tells of the same fault, together."""
    joined = _Joined(len(told))
    strangers = {name for one in told for name in [_stranger(one.observation)] if name}
    keys: dict[Hashable, int] = {}
    same_value: dict[tuple[str, str, str], list[int]] = {}
    for number, one in enumerate(told):
        seen = one.observation
        for mark in _marks(seen):
            joined.join(number, keys.setdefault((seen.subject, mark), number))
        for name in _identifiers(seen.seen) & strangers:
            joined.join(number, keys.setdefault(name, number))
        same_value.setdefault((seen.subject, seen.expected, seen.seen), []).append(number)
    for numbers in same_value.values():
        for number, other in _pairs(numbers, told):
            joined.join(number, other)
    groups: dict[int, list[_Unmet]] = {}
    for number, one in enumerate(told):
        groups.setdefault(joined.root(number), []).append(one)
    return list(groups.values())


def _merged(groups: Iterable[list[_Unmet]]) -> list[list[list[_Unmet]]]:
    """Groups of the same controls together, and one whose controls another has on its subject.

    Four settings of one bucket that two controls look at are one fault with four facts.
    """
    found: list[list[list[_Unmet]]] = []
    of_control: dict[int, list[list[list[_Unmet]]]] = {}
    for group in sorted(groups, key=lambda group: -len(_controls(group))):
        homes = of_control.get(group[0].result, [])
        home = next((ones for ones in homes if _belongs(group, ones[0])), None)
        if home is None:
            found.append([group])
            for control in _controls(group):
                of_control.setdefault(control, []).append(found[-1])
        else:
            home.append(group)
    return found


def _belongs(group: Sequence[_Unmet], other: Sequence[_Unmet]) -> bool:
    ours, theirs = _controls(group), _controls(other)
    return ours == theirs or (ours < theirs and bool(_subjects(group) & _subjects(other)))


def _controls(group: Iterable[_Unmet]) -> frozenset[int]:
    return frozenset(one.result for one in group)


def _subjects(group: Iterable[_Unmet]) -> frozenset[str]:
    return frozenset(one.observation.subject for one in group)


def _marks(observation: Observation) -> frozenset[str]:
    """What is telling in what was seen, and not in what is required."""
    seen = observation.seen
    patterns = (_IDENTIFIER, _ARN, _RANGE, _ERROR)
    found = {text for pattern in patterns for text in pattern.findall(seen)}
    if len(seen) >= _SENTENCE and " " in seen:
        found.add(seen)
    return frozenset(
        mark for mark in found if mark not in observation.expected and mark != observation.subject
    )


def _identifiers(text: str) -> frozenset[str]:
    return frozenset(_IDENTIFIER.findall(text))


def _stranger(observation: Observation) -> str | None:
    """The one resource that is named and is neither the subject nor required; None if several."""
    found = _identifiers(observation.seen) - _identifiers(observation.subject)
    found -= _identifiers(observation.expected)
    return next(iter(found)) if len(found) == 1 else None


def _pairs(numbers: Sequence[int], told: Sequence[_Unmet]) -> Iterator[tuple[int, int]]:
    """Which of those with one subject and the same values are about the same setting."""
    first = told[numbers[0]].observation
    if _NUMBER.search(first.expected) and _NUMBER.search(first.seen):
        yield from pairwise(numbers)
        return
    by_words: dict[frozenset[str], int] = {}
    for number in numbers:
        words = _words(told[number].observation.aspect)
        if words:
            yield number, by_words.setdefault(words, number)
    if len(by_words) <= _MANY:
        for ours, theirs in combinations(by_words, 2):
            if ours <= theirs or theirs <= ours:
                yield by_words[ours], by_words[theirs]


@cache
def _words(aspect: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _PARTS.findall(aspect))


class _Joined:
    """Numbers that belong together (a forest of sets)."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))

    def root(self, number: int) -> int:
        while self._above[number] != number:
            self._above[number] = self._above[self._above[number]]
            number = self._above[number]
        return number

    def join(self, one: int, other: int) -> None:
        roots = sorted((self.root(one), self.root(other)))
        self._above[roots[1]] = roots[0]
