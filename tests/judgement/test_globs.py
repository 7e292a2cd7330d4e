"""Which patterns the texts of a pattern meet, held against every short text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.policy.globs import TooManyStatesError, met_by_pattern
from verify.policy.patterns import matches

_PATTERNS = st.text("ab*?", max_size=4)
_TEXTS = ["".join(letters) for n in range(7) for letters in itertools.product("abc", repeat=n)]


@given(_PATTERNS, st.lists(_PATTERNS, max_size=3))
def test_every_way_of_meeting_is_found_and_no_other(pattern: str, others: list[str]) -> None:
    seen = {
        frozenset(i for i, other in enumerate(others) if matches(other, text))
        for text in _TEXTS
        if matches(pattern, text)
    }
    assert met_by_pattern(pattern, tuple(others)) == seen


@pytest.mark.parametrize(
    ("pattern", "others", "covered"),
    [
        ("a*", ["a", "a?*"], True),  # together, neither alone
        ("a*", ["a?*"], False),
        ("*", ["?*", ""], True),
        ("arn:aws:s3:::logs*", ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"], False),
        ("s3:Get*", ["s3:GetObject", "s3:GetBucketAcl"], False),
    ],
)
def test_covered_together(pattern: str, others: list[str], covered: bool) -> None:
    assert (frozenset() not in met_by_pattern(pattern, tuple(others))) is covered


def test_patterns_that_explode_are_refused() -> None:
    with pytest.raises(TooManyStatesError):
        met_by_pattern("*", ("*a" + "?" * 40, "*b" + "?" * 40))
