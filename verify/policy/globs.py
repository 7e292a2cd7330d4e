"""Patterns with `*` and `?` as sets of texts: which of many a text of one pattern can meet.

`verify.policy.patterns.covers` is quick, and cannot see that two patterns together cover a third.
Here the question is answered in full, by walking the patterns side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache

from verify.policy.patterns import covers, has_wildcard, matches

# A wildcard that policies lack and facts about ARNs need: any text without a colon.
WITHIN = "\N{BLACK STAR}"

# More states than any honest policy needs: patterns can be made that have exponentially many.
_MAXIMUM_STATES = 20_000
# A character that stands for all that no pattern names.
_ANOTHER = "\N{WHITE SQUARE}"

_START = re.compile(f"[*?{WITHIN}]")

Met = frozenset[int]


class TooManyStatesError(Exception):
    """The patterns are too entangled to be compared."""


class _Walker:
    """A pattern as a machine; its states are sets of positions, as bits of a number.

    From a position a text goes on by one step (`_advances`) or stays (`_stays`), by its next
    character; behind what may stand for nothing (`_skips`) it is already.
    """

    def __init__(self, pattern: str) -> None:
        self._end = 1 << len(pattern)
        self._advances: dict[str, int] = {}
        self._any = self._colonless = 0
        everywhere = 0
        for position, character in enumerate(pattern):
            bit = 1 << position
            if character == "*":
                self._any |= bit
            elif character == WITHIN:
                self._colonless |= bit
            elif character == "?":
                everywhere |= bit
            else:
                self._advances[character] = self._advances.get(character, 0) | bit
        self._everywhere = everywhere
        self._skips = self._any | self._colonless
        self.start = self._closed(1)

    def ends(self, state: int) -> bool:
        return bool(state & self._end)

    def step(self, state: int, character: str) -> int:
        stays = self._any if character == ":" else self._skips
        advances = self._advances.get(character, 0) | self._everywhere
        return self._closed(((state & advances) << 1) | (state & stays))

    def takes_any(self, state: int) -> bool:
        """Whether more may follow than the characters that its positions await."""
        return bool(state & (self._skips | self._everywhere))

    def awaited(self, state: int) -> Iterator[str]:
        """The characters that a position of the state tells from others."""
        for character, positions in self._advances.items():
            if state & positions:
                yield character
        if state & self._colonless:
            yield ":"

    def _closed(self, state: int) -> int:
        while more := ((state & self._skips) << 1) & ~state:
            state |= more
        return state


class Patterns:
    """Patterns to which many texts are held: what is no pattern but a name is only looked up."""

    def __init__(self, patterns: Iterable[str]) -> None:
        given = tuple(patterns)
        self._open = tuple(pattern for pattern in given if _START.search(pattern))
        self._names = frozenset(given).difference(self._open)

    def match(self, text: str) -> bool:
        """Whether one of them matches a text."""
        return text in self._names or any(_meets(pattern, text) for pattern in self._open)


def _meets(pattern: str, text: str) -> bool:
    if WITHIN in pattern:
        return _expression(pattern).fullmatch(text) is not None
    return matches(pattern, text)


@cache  # the few patterns with WITHIN are facts, and asked for again and again
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": ".", WITHIN: "[^:]*"}
    return re.compile("".join(wild.get(one, re.escape(one)) for one in pattern), re.DOTALL)


@lru_cache(16_384)  # the same patterns are compared with very many
def _start(pattern: str) -> str:
    """What stands before the first wildcard."""
    return _START.split(pattern, maxsplit=1)[0]


def may_meet(one: str, other: str) -> bool:
    """Whether a text may match both patterns: False only if surely none does."""
    ours, theirs = _start(one), _start(other)
    return ours.startswith(theirs) or theirs.startswith(ours)


@lru_cache(4096)  # a role's actions are mostly asked for on the same few resources
def met_by_pattern(pattern: str, others: tuple[str, ...]) -> frozenset[Met]:
    """The ways in which texts of `pattern` meet the `others`: for some text, which match it.

    So all texts of `pattern` match one of `others` unless the empty set is among the answers.
    Raises TooManyStatesError.
    """
    if not has_wildcard(pattern):
        return frozenset({frozenset(i for i, one in enumerate(others) if _meets(one, pattern))})
    always = {i for i, other in enumerate(others) if WITHIN not in other and covers(other, pattern)}
    open_ones = [
        i for i, other in enumerate(others) if i not in always and may_meet(pattern, other)
    ]
    if not open_ones:
        return frozenset({frozenset(always)})
    # They begin alike up to the first wildcard of any: no text tells them apart there.
    compared = (pattern, *(others[i] for i in open_ones))
    if all(_is_start(one) for one in compared):
        found = _met_by_start(pattern[:-1], compared[1:])
    else:
        alike = min(len(_start(one)) for one in compared)
        found = _walked(tuple(one[alike:] for one in compared))
    return frozenset(frozenset({*always, *(open_ones[i] for i in met)}) for met in found)


def _is_start(pattern: str) -> bool:
    """Whether a pattern is a text, or the start of one and `*`: as most are."""
    return len(_start(pattern)) >= len(pattern) - 1 and pattern[-1:] not in ("?", WITHIN)


def _met_by_start(start: str, others: Sequence[str]) -> set[Met]:
    """`met_by_pattern` for texts with a start, where the others are texts or starts themselves.

    What tells such texts apart is which of the others' starts they go on from, and that they are
    one of the others: each kind is met by one of these texts.
    """
    texts = {start, *(text for other in others if (text := _start(other)).startswith(start))}
    return {
        frozenset(
            i
            for i, other in enumerate(others)
            if (text.startswith(other[:-1]) if other.endswith("*") else text == other)
        )
        for one in texts
        for text in (one, one + _ANOTHER)
    }


@lru_cache(4096)  # among many others mostly the same few meet a pattern
def _walked(compared: tuple[str, ...]) -> set[Met]:
    mine, *theirs = (_Walker(one) for one in compared)
    return _walk(mine, theirs)


def _walk(mine: _Walker, others: Sequence[_Walker]) -> set[Met]:
    # Only those of the others that the text may still come to match go along: mostly few.
    start = (mine.start, tuple((i, other.start) for i, other in enumerate(others)))
    seen, waiting = {start}, [start]
    found: set[Met] = set()
    while waiting:
        own, theirs = waiting.pop()
        if mine.ends(own):
            found.add(frozenset(i for i, state in theirs if others[i].ends(state)))
        alphabet = set(mine.awaited(own))
        if mine.takes_any(own):
            alphabet.add(_ANOTHER)
            for i, state in theirs:
                alphabet.update(others[i].awaited(state))
        for character in alphabet:
            after = mine.step(own, character)
            if not after:
                continue
            steps = ((i, others[i].step(state, character)) for i, state in theirs)
            following = (after, tuple(step for step in steps if step[1]))
            if following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > _MAXIMUM_STATES:
            raise TooManyStatesError("the patterns are too entangled to be compared")
    return found
