"""Patterns with `*` and `?` as sets of texts: which of many a text of one pattern can meet.

`verify.policy.patterns.covers` is quick, and cannot see that two patterns together cover a third.
Here the question is answered in full, by walking the patterns side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from verify.policy.patterns import covers, literal_start, matches

# More states than any honest policy needs: patterns can be made that have exponentially many.
_MAXIMUM_STATES = 20_000
# A character that stands for all that no pattern names.
_ANOTHER = "\N{WHITE SQUARE}"

Met = frozenset[int]


class TooManyStatesError(Exception):
    """The patterns are too entangled to be compared."""


class _Wild(Enum):
    ANY = "any text"
    ONE = "any character"


_Token = str | _Wild


@dataclass(frozen=True)
class _Walker:
    """A pattern as a machine; states are sets of positions, as bits."""

    tokens: tuple[_Token, ...]

    @classmethod
    def of(cls, pattern: str) -> _Walker:
        wild: dict[str, _Token] = {"*": _Wild.ANY, "?": _Wild.ONE}
        return cls(tuple(wild.get(character, character) for character in pattern))

    @property
    def start(self) -> int:
        return self._closed(1)

    def ends(self, state: int) -> bool:
        return bool(state >> len(self.tokens) & 1)

    def step(self, state: int, character: str) -> int:
        after = 0
        for position in _bits(state):
            token = self.tokens[position] if position < len(self.tokens) else None
            if token is _Wild.ANY:
                after |= 1 << position
            elif token is _Wild.ONE or token == character:
                after |= 1 << (position + 1)
        return self._closed(after)

    def awaited(self, state: int) -> Iterator[str]:
        """The characters that a position of the state names."""
        for position in _bits(state):
            token = self.tokens[position] if position < len(self.tokens) else None
            if isinstance(token, str):
                yield token

    def _closed(self, state: int) -> int:
        """With the positions behind each `*`, which may stand for nothing."""
        for position in range(len(self.tokens)):
            if state >> position & 1 and self.tokens[position] is _Wild.ANY:
                state |= 1 << (position + 1)
        return state


def _bits(state: int) -> Iterator[int]:
    while state:
        lowest = state & -state
        yield lowest.bit_length() - 1
        state ^= lowest


def met_by_text(text: str, others: Sequence[str]) -> Met:
    """Which of `others` match a text."""
    return frozenset(i for i, other in enumerate(others) if matches(other, text))


def met_by_pattern(pattern: str, others: Sequence[str]) -> frozenset[Met]:
    """The ways in which texts of `pattern` meet the `others`: for some text, which match it.

    So all texts of `pattern` match one of `others` unless the empty set is among the answers.
    Raises TooManyStatesError.
    """
    if "*" not in pattern and "?" not in pattern:
        return frozenset({met_by_text(pattern, others)})
    always = {i for i, other in enumerate(others) if covers(other, pattern)}
    open_ones = [
        i for i, other in enumerate(others) if i not in always and _may_meet(pattern, other)
    ]
    if not open_ones:
        return frozenset({frozenset(always)})
    found = _walk(_Walker.of(pattern), [_Walker.of(others[i]) for i in open_ones])
    return frozenset(frozenset({*always, *(open_ones[i] for i in met)}) for met in found)


def _may_meet(one: str, other: str) -> bool:
    ours, theirs = literal_start(one), literal_start(other)
    return ours.startswith(theirs) or theirs.startswith(ours)


def _walk(mine: _Walker, others: Sequence[_Walker]) -> set[Met]:
    start = (mine.start, tuple(other.start for other in others))
    seen, waiting = {start}, [start]
    found: set[Met] = set()
    while waiting:
        own, theirs = waiting.pop()
        if mine.ends(own):
            pairs = zip(others, theirs, strict=True)
            found.add(frozenset(i for i, (other, state) in enumerate(pairs) if other.ends(state)))
        for character in _alphabet(((mine, own), *zip(others, theirs, strict=True))):
            after = mine.step(own, character)
            if not after:
                continue
            following = tuple(
                other.step(state, character) for other, state in zip(others, theirs, strict=True)
            )
            if (after, following) not in seen:
                seen.add((after, following))
                waiting.append((after, following))
        if len(seen) > _MAXIMUM_STATES:
            raise TooManyStatesError("the patterns are too entangled to be compared")
    return found


def _alphabet(machines: Iterable[tuple[_Walker, int]]) -> set[str]:
    return {_ANOTHER, *(name for machine, state in machines for name in machine.awaited(state))}
